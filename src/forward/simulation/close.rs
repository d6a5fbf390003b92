//! A link is closed for evidence, as `Link::barrier` and `Destination::barrier` do it together.

use super::super::decide;
use super::super::evidence::{Verdict, judge};
use super::super::probe::Probe;
use super::server::{Down, Up};
use super::{Did, Kind, Sender, Server, TLS, wall};

use crate::transport::Observed;
use crate::transport::still::{Info, Still};
use std::time::Duration;

/// A barrier that goes on.
pub(super) struct Closing {
    begun: Duration,
    /// Since when the peer's kernel has everything, or seems to.
    drained: Option<Duration>,
    still: Still,
    /// When our close was sent.
    closed: Option<Duration>,
    seen: Observed,
}

impl Closing {
    /// Everything is in the peer's kernel, and our close is not sent yet.
    pub(super) fn is_about_to_close(&self) -> bool {
        self.drained.is_some() && self.closed.is_none()
    }
}

impl Sender {
    pub(super) fn begin_closing(&mut self, now: Duration) {
        self.closing = Some(Closing {
            begun: now,
            drained: None,
            still: Still::default(),
            closed: None,
            seen: Observed::default(),
        });
    }

    /// False when it waits.
    pub(super) fn go_on_closing(
        &mut self,
        server: &mut Server,
        now: Duration,
        rng: &mut fastrand::Rng,
    ) -> bool {
        let (Some(mut closing), Some(link)) = (self.closing.take(), &mut self.link) else { return true };
        let number = link.number;
        let mut ended = false;
        for (at, what) in server.hear(number, now) {
            match (what, closing.closed) {
                (Down::Answer, _) => {
                    super::prove(&mut self.probe, &mut self.heard, Some(server.round_trip(number)), at);
                }
                (Down::Acknowledged, _) => link.acknowledged += 1,
                (Down::Reset, _) => {
                    closing.seen.broken = Some("reset".into());
                    ended = true;
                }
                (Down::CloseNotify | Down::Fin, None) => {
                    closing.seen.closed_before_ours = true;
                    ended = true;
                }
                (Down::CloseNotify, Some(closed)) => closing.seen.close_notify_after = Some(at - closed),
                (Down::Fin, Some(closed)) => closing.seen.fin_after = Some(at - closed),
            }
        }
        if server.kind == Kind::Relp {
            let acknowledged = link.acknowledged;
            self.harvest();
            let unanswered = self.flight.waiting();
            ended |= unanswered == 0 || now > closing.begun + ANSWER_MAX;
            closing.seen.unanswered = Some(unanswered);
            closing.seen.confirmed = acknowledged;
        } else if closing.closed.is_none() && !ended {
            if closing.drained.is_none() {
                let seems_still = closing.still.on_look(server.left(number), Some(info(server, number)), now);
                closing.drained = (server.has_all(number) || seems_still.is_zero()).then_some(now);
            }
            // What becomes of the link after that shows in the answer.
            if closing.drained.is_some_and(|drained| now >= drained + self.settle.pause()) {
                closing.closed = Some(now);
                server.send(number, Up::Close, now, rng);
                self.closing = Some(closing);
                return true;
            }
            ended = closing.drained.is_none() && now > closing.begun + ANSWER_MAX;
        }
        // The peer's FIN may come before its acknowledgement of ours.
        ended |= closing.seen.fin_after.is_some() && server.has_all(number);
        ended |= closing.closed.is_some_and(|closed| now > closed + ANSWER_MAX);
        if !ended {
            self.until = Some(match (closing.closed, closing.drained) {
                (Some(closed), _) => closed + ANSWER_MAX,
                (None, Some(drained)) => drained + self.settle.pause(),
                (None, None) if server.kind == Kind::Relp => closing.begun + ANSWER_MAX,
                (None, None) => {
                    now + closing.still.on_look(server.left(number), Some(info(server, number)), now)
                }
            });
            self.closing = Some(closing);
            return false;
        }
        closing.seen.unacknowledged_at_answer = Some(if server.answers_close(number) { 0 } else { 2 });
        closing.seen.unacknowledged = Some(u32::from(!server.has_all(number)));
        closing.seen.min_rtt = Some(server.round_trip(number));
        self.on_observed(&closing.seen, server, now, rng);
        true
    }

    fn on_observed(&mut self, seen: &Observed, server: &mut Server, now: Duration, rng: &mut fastrand::Rng) {
        self.confirm(seen.confirmed);
        if let Some(answer) = seen.close_notify_after.or(seen.fin_after) {
            self.settle.on_answer(answer, seen.min_rtt);
        }
        match judge(seen, self.setting.evidence, &mut self.peer) {
            Verdict::Delivered(_) => {
                decide::learn(&mut self.peer, &self.probe, TLS, true, wall(now));
                self.probe = Probe::without();
                self.delivery.on_delivered(now);
                if let Some(link) = self.link.take() {
                    server.leave(link.number, rng);
                }
                // Nothing is on the way any more.
                self.did.push(Did::Broke);
            }
            Verdict::Unproved { .. } => self.lost(server, now, rng),
        }
    }
}

fn info(server: &mut Server, number: usize) -> Info {
    let round_trip = Some(server.round_trip(number));
    Info { min_round_trip: round_trip, round_trip, unsent: 0 }
}

/// As long as `Link` waits for the drain and for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
