//! A connection as the receiver has it: what is on the way, what its kernel holds, what its TLS and its program make of it.

use super::server::{Down, Frame, Kind, Up};
use std::collections::VecDeque;
use std::time::Duration;

/// The receiver's end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Open,
    /// It has closed on its own account, and reads to throw away.
    Discards,
    Closed,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub up: VecDeque<(Duration, Up)>,
    /// In the kernel of the receiver, which has acknowledged it.
    pub buffer: VecDeque<Up>,
    pub down: VecDeque<(Duration, Down)>,
    /// One way.
    pub base: Duration,
    pub end: End,
    probes: u32,
    /// Answers that are not given yet, and when they will be.
    owed: VecDeque<Duration>,
    /// When something first came to a closed socket: it is never acknowledged.
    pub refused: Option<Duration>,
    /// Our close has come to its kernel.
    has_close: bool,
    /// The same when it first said that it closes: its close acknowledges ours.
    pub answers_close: Option<bool>,
    /// Something on the way swallows resets.
    is_mute: bool,
    /// The client has let go of it.
    is_left: bool,
}

impl Connection {
    pub(super) fn new(base: Duration) -> Connection {
        Connection {
            up: VecDeque::new(),
            buffer: VecDeque::new(),
            down: VecDeque::new(),
            base,
            end: End::Open,
            probes: 0,
            owed: VecDeque::new(),
            refused: None,
            has_close: false,
            answers_close: None,
            is_mute: false,
            is_left: false,
        }
    }

    pub(super) fn send(&mut self, what: Up, now: Duration, rng: &mut fastrand::Rng) {
        let at = now + self.base + jitter(rng);
        let at = self.up.back().map_or(at, |(before, _)| at.max(*before));
        self.up.push_back((at, what));
    }

    pub(super) fn leave(&mut self, rng: &mut fastrand::Rng) {
        self.up.truncate(rng.usize(0..=self.up.len()));
        self.down.clear();
        self.is_left = true;
    }

    fn say(&mut self, what: Down, now: Duration, more: Duration) {
        if self.is_left || self.is_mute && what == Down::Reset {
            return;
        }
        if matches!(what, Down::CloseNotify | Down::Fin) {
            self.answers_close.get_or_insert(self.has_close);
        }
        let at = now + self.base + more;
        let at = self.down.back().map_or(at, |(before, _)| at.max(*before));
        self.down.push_back((at, what));
    }

    /// What is on the way to the client comes without any more delay.
    fn hasten(&mut self, now: Duration) {
        let latest = now + self.base;
        self.down.iter_mut().for_each(|(at, _)| *at = latest.min(*at));
    }

    /// TCP_USER_TIMEOUT.
    pub(super) fn given_up_at(&self) -> Option<Duration> {
        let since = self.up.front().map(|(at, _)| *at).into_iter().chain(self.refused).min();
        since.filter(|_| !self.is_left).map(|since| since + GIVEN_UP_AFTER)
    }

    /// When the next thing happens.
    pub(super) fn due(&self, is_reachable: bool, is_served: bool) -> Option<Duration> {
        let moves = [self.up.front().map(|(at, _)| *at), self.down.front().map(|(at, _)| *at)];
        let moves = moves.into_iter().flatten().filter(|_| is_reachable);
        let answers = self.owed.front().copied().filter(|_| is_served);
        moves.chain(answers).chain(self.given_up_at()).min()
    }

    /// What is on the way arrives.
    pub(super) fn arrive(&mut self, now: Duration) {
        while let Some(&(_, what)) = self.up.front().filter(|(at, _)| *at <= now) {
            self.up.pop_front();
            match self.end {
                End::Closed if self.refused.is_some() => {}
                End::Closed => {
                    self.refused = Some(now);
                    self.say(Down::Reset, now, Duration::ZERO);
                }
                End::Open | End::Discards => {
                    self.has_close |= matches!(what, Up::Close);
                    self.buffer.push_back(what);
                }
            }
        }
    }

    /// The program reads some of it.
    pub(super) fn read(
        &mut self,
        kind: Kind,
        most: usize,
        now: Duration,
        rng: &mut fastrand::Rng,
        taken: &mut Vec<Frame>,
    ) {
        while self.owed.front().is_some_and(|at| *at <= now) {
            self.owed.pop_front();
            self.say(Down::Answer, now, jitter(rng));
        }
        let mut coming = self.up.iter().map(|(_, up)| up).chain(&self.buffer);
        let has_probe = coming.any(|what| matches!(what, Up::Probe));
        if kind == Kind::Moody && self.end == End::Open && !has_probe && rng.u8(0..30) == 0 {
            self.hasten(now);
            self.say(Down::Answer, now, Duration::ZERO);
        }
        for _ in 0..most {
            let Some(what) = self.buffer.pop_front() else { return };
            match what {
                Up::Frame(_) if self.end == End::Discards => {}
                Up::Frame(frame) => {
                    taken.push(frame);
                    if kind == Kind::Relp {
                        self.say(Down::Acknowledged, now, jitter(rng));
                    }
                }
                Up::Probe if self.end == End::Discards => {}
                Up::Probe => self.answer(kind, now, rng),
                Up::Close => {
                    if self.end == End::Open {
                        if kind != Kind::Gnutls {
                            self.say(Down::CloseNotify, now, jitter(rng));
                        }
                        self.say(Down::Fin, now, Duration::ZERO);
                    }
                    self.end = End::Closed;
                }
            }
        }
    }

    fn answer(&mut self, kind: Kind, now: Duration, rng: &mut fastrand::Rng) {
        self.probes += 1;
        match kind {
            Kind::Openssl if self.probes == 1 => {}
            Kind::Openssl | Kind::Jsse | Kind::Moody => self.say(Down::Answer, now, jitter(rng)),
            Kind::Slow => {
                let at = now + Duration::from_millis(rng.u64(0..300));
                self.owed.push_back(self.owed.back().map_or(at, |before| at.max(*before)));
            }
            Kind::Gnutls | Kind::Tls12 | Kind::Relp => {}
        }
    }

    /// The TLS may have read up to a probe and answered it; the program takes nothing of that, and its close follows at
    /// once. Whether it was so.
    pub(super) fn read_ahead(&mut self, kind: Kind, now: Duration, rng: &mut fastrand::Rng) -> bool {
        let probe = self.buffer.iter().position(|what| matches!(what, Up::Probe));
        let Some(probe) = probe.filter(|_| self.end == End::Open && kind != Kind::Slow && rng.bool()) else {
            return false;
        };
        self.buffer.drain(..=probe);
        self.hasten(now);
        // Without more delay than the close, so that both are there together.
        self.probes += 1;
        if matches!(kind, Kind::Jsse | Kind::Moody) || kind == Kind::Openssl && self.probes > 1 {
            self.say(Down::Answer, now, Duration::ZERO);
        }
        true
    }

    /// The program dies. `slurps`: it may just have read all that there was, and done nothing with it.
    pub(super) fn die(&mut self, slurps: bool, now: Duration, rng: &mut fastrand::Rng) {
        if self.end == End::Closed {
            return;
        }
        self.end = End::Closed;
        self.owed.clear();
        if slurps && rng.bool() {
            self.buffer.clear();
        }
        let unread = !std::mem::take(&mut self.buffer).is_empty();
        self.is_mute = unread && rng.u8(0..4) == 0;
        if unread && !self.is_mute && rng.bool() {
            // A reset may overtake what was said before it.
            self.down.clear();
        }
        self.say(if unread { Down::Reset } else { Down::Fin }, now, Duration::ZERO);
    }

    /// The program closes and goes. It may have asked its TLS for more than it then takes.
    pub(super) fn stop(&mut self, kind: Kind, now: Duration, rng: &mut fastrand::Rng) {
        if self.end == End::Closed {
            return;
        }
        let ahead = self.read_ahead(kind, now, rng);
        let is_closing = self.buffer.iter().any(|what| matches!(what, Up::Close));
        let unread = !std::mem::take(&mut self.buffer).is_empty();
        // Something is left that shows our side that this close is no answer: a reset, or that ours was never acknowledged.
        self.is_mute = unread && !is_closing && rng.u8(0..4) == 0;
        if self.end == End::Open && kind != Kind::Gnutls {
            let late = if self.is_mute { Duration::from_millis(rng.u64(0..400)) } else { jitter(rng) };
            self.say(Down::CloseNotify, now, if ahead { Duration::ZERO } else { late });
        }
        self.end = End::Closed;
        self.say(if unread { Down::Reset } else { Down::Fin }, now, Duration::ZERO);
    }

    /// The program closes its side, reads on and throws away.
    pub(super) fn discard(&mut self, kind: Kind, now: Duration, rng: &mut fastrand::Rng) {
        if self.end == End::Open && !self.has_close {
            self.read_ahead(kind, now, rng);
            self.hasten(now);
            self.end = End::Discards;
            self.say(Down::CloseNotify, now, Duration::ZERO);
            self.say(Down::Fin, now, Duration::ZERO);
        }
    }

    /// Something on the way resets it at both ends.
    pub(super) fn reset(&mut self, now: Duration) {
        if !self.up.is_empty() {
            self.refused.get_or_insert(now);
        }
        self.up.clear();
        (self.end, self.is_mute) = (End::Closed, false);
        self.buffer.clear();
        self.down.clear();
        self.say(Down::Reset, now, Duration::ZERO);
    }
}

/// Mostly little, now and then much.
fn jitter(rng: &mut fastrand::Rng) -> Duration {
    let most = if rng.u8(0..10) == 0 { 400_000 } else { 2000 };
    Duration::from_micros(rng.u64(0..most))
}

const GIVEN_UP_AFTER: Duration = Duration::from_secs(20);
