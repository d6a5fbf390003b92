//! What to do next for one destination: pure; the driver does it and reports back through the `on_` methods.
//!
//! ```text
//!            Connect ──▶ up ──▶ Send … Send ──▶ Barrier ──▶ confirmed, up on the next link
//!               ▲                  │                │
//!               └──── back-off ◀───┴── lost ◀───────┘      what had no evidence goes out again
//! ```
//!
//! The window is what was sent over the present link. Evidence confirms all of it, a break none of it.
//! Another kind of evidence that confirms a part of the window while the link stays up belongs here, too:
//! as one more `Step` and one more `on_` method.

use super::backoff::Backoff;
use crate::model::Seq;
use std::time::Duration;

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Make a link.
    Connect,
    /// Send records after `after`, about `bytes_max` of them.
    Send { after: Seq, bytes_max: usize },
    /// Close the link for evidence and make the next one.
    Barrier,
    /// Wait for records, for the end of the link, or until then.
    Wait { until: Option<Duration> },
    /// The agent stops and nothing is left to do.
    Done,
}

/// The limits of a destination.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Most bytes on the way without evidence.
    pub window_bytes_max: usize,
    /// Longest time between a record and its evidence; shortest time between barriers when it is quiet.
    pub barrier_interval: Duration,
    /// Whether a send counts as delivered: evidence `none`.
    pub trusting: bool,
}

/// The state of one destination. Times are of any clock that does not go back.
#[derive(Debug)]
pub(super) struct Delivery {
    limits: Limits,
    backoff: Backoff,
    confirmed: Seq,
    sent: Seq,
    /// The newest record that was ever sent: what is not newer goes out again.
    highest: Seq,
    window: Option<Window>,
    last_barrier: Option<Duration>,
    link: LinkState,
    stop_by: Option<Duration>,
}

/// What was sent over the present link.
#[derive(Debug, Clone, Copy)]
struct Window {
    bytes: usize,
    first_at: Duration,
    last_at: Duration,
}

#[derive(Debug, Clone, Copy)]
enum LinkState {
    Down { retry_at: Duration },
    Up { since: Duration },
}

impl Delivery {
    /// Goes on after `confirmed`; what was sent before a restart is not known, so everything up to `highest`
    /// counts as sent before.
    pub(super) fn resume_after(confirmed: Seq, highest: Seq, limits: Limits, backoff: Backoff) -> Delivery {
        Delivery {
            limits,
            backoff,
            confirmed,
            sent: confirmed,
            highest: highest.max(confirmed),
            window: None,
            last_barrier: None,
            link: LinkState::Down { retry_at: Duration::ZERO },
            stop_by: None,
        }
    }

    pub(super) fn confirmed(&self) -> Seq {
        self.confirmed
    }

    pub(super) fn sent(&self) -> Seq {
        self.sent
    }

    pub(super) fn window_bytes(&self) -> usize {
        self.window.map_or(0, |window| window.bytes)
    }

    /// Whether a record was sent before without evidence.
    pub(super) fn is_resent(&self, seq: Seq) -> bool {
        seq <= self.highest
    }

    pub(super) fn next(&self, newest: Seq, now: Duration) -> Step {
        let LinkState::Up { .. } = self.link else { return self.next_while_down(now) };
        let barrier_at = self.barrier_at();
        let stopping = self.stop_by.is_some();
        let late = self.stop_by.is_some_and(|stop_by| now >= stop_by);
        let full = self.window_bytes() >= self.limits.window_bytes_max;
        let all_sent = self.sent >= newest || late;
        if self.window.is_some() && (full || barrier_at.is_some_and(|at| now >= at) || (stopping && all_sent))
        {
            return Step::Barrier;
        }
        if stopping && all_sent {
            return Step::Done;
        }
        if self.sent < newest {
            let room = self.limits.window_bytes_max - self.window_bytes();
            return Step::Send { after: self.sent, bytes_max: room.clamp(1, SEND_BYTES) };
        }
        Step::Wait { until: barrier_at }
    }

    fn next_while_down(&self, now: Duration) -> Step {
        match self.link {
            _ if self.stop_by.is_some() => Step::Done,
            LinkState::Down { retry_at } if now < retry_at => Step::Wait { until: Some(retry_at) },
            _ => Step::Connect,
        }
    }

    /// When the window wants its evidence: in a quiet moment once the interval since the last barrier is over,
    /// at the latest when its first record has waited for the interval.
    fn barrier_at(&self) -> Option<Duration> {
        let window = self.window?;
        let interval = self.limits.barrier_interval;
        let due = self.last_barrier.map_or(Duration::ZERO, |at| at + interval);
        let quiet = window.last_at + QUIET.min(interval);
        Some(due.max(quiet).min(window.first_at + interval))
    }

    pub(super) fn on_connected(&mut self, now: Duration) {
        self.link = LinkState::Up { since: now };
    }

    /// The link could not be made or has ended; what had no evidence goes out again, after a wait.
    pub(super) fn on_lost(&mut self, now: Duration, random: f64) {
        if let LinkState::Up { since } = self.link
            && now.saturating_sub(since) >= STAYED
        {
            self.backoff.succeed();
        }
        self.link = LinkState::Down { retry_at: now + self.backoff.fail(random) };
        self.forget_window();
    }

    pub(super) fn on_sent(&mut self, through: Seq, bytes: usize, now: Duration) {
        self.sent = through;
        if self.limits.trusting {
            self.confirmed = through;
            self.highest = self.highest.max(through);
            return;
        }
        let window = self.window.get_or_insert(Window { bytes: 0, first_at: now, last_at: now });
        window.bytes += bytes;
        window.last_at = now;
    }

    /// A send broke off: what was on its way may have arrived.
    pub(super) fn on_interrupted(&mut self, through: Seq) {
        self.highest = self.highest.max(through);
    }

    /// There was nothing to send up to here: not selected, damaged or gone.
    pub(super) fn on_nothing(&mut self, through: Seq) {
        self.sent = self.sent.max(through);
        if self.window.is_none() {
            self.confirmed = self.confirmed.max(through);
        }
    }

    /// Evidence: everything that was sent has arrived. The link is down with it; the next may come up at once.
    pub(super) fn on_delivered(&mut self, now: Duration) {
        self.confirmed = self.sent;
        self.highest = self.highest.max(self.sent);
        self.window = None;
        self.last_barrier = Some(now);
        self.backoff.succeed();
        self.link = LinkState::Down { retry_at: now };
    }

    /// The agent stops: what is there may still go out until `stop_by`, then a last barrier.
    pub(super) fn on_stop(&mut self, stop_by: Duration) {
        self.stop_by.get_or_insert(stop_by);
    }

    /// Whether `on_stop` was called.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop_by.is_some()
    }

    fn forget_window(&mut self) {
        self.highest = self.highest.max(self.sent);
        self.sent = self.confirmed;
        self.window = None;
    }
}

/// Bytes of records encoded and handed to the link at once.
const SEND_BYTES: usize = 256 << 10;
/// How long nothing must have been sent before a barrier interrupts the least.
const QUIET: Duration = Duration::from_millis(500);
/// How long a peer must have kept a link before it counts as a good one: with TLS 1.3 the refusal of our
/// certificate comes after the handshake.
pub(super) const STAYED: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn delivery(trusting: bool) -> Delivery {
        let limits = Limits { window_bytes_max: 1000, barrier_interval: 30 * SECOND, trusting };
        let mut delivery = Delivery::resume_after(Seq(10), Seq(10), limits, Backoff::new(SECOND, 8 * SECOND));
        assert_eq!(delivery.next(Seq(10), Duration::ZERO), Step::Connect);
        delivery.on_connected(Duration::ZERO);
        delivery
    }

    #[test]
    fn what_has_no_evidence_goes_out_again_after_a_lost_link_and_says_so() {
        let mut delivery = delivery(false);
        assert_eq!(delivery.next(Seq(12), SECOND), Step::Send { after: Seq(10), bytes_max: 1000 });
        assert!(!delivery.is_resent(Seq(11)));
        delivery.on_sent(Seq(12), 100, SECOND);
        delivery.on_lost(SECOND, 1.0);
        assert_eq!(delivery.next(Seq(12), SECOND), Step::Wait { until: Some(2 * SECOND) });
        assert_eq!(delivery.next(Seq(12), 2 * SECOND), Step::Connect);
        delivery.on_connected(2 * SECOND);
        assert_eq!(delivery.next(Seq(13), 2 * SECOND), Step::Send { after: Seq(10), bytes_max: 1000 });
        assert!(delivery.is_resent(Seq(12)));
        assert!(!delivery.is_resent(Seq(13)));
    }

    #[test]
    fn a_full_window_waits_for_evidence_whatever_else_is_there() {
        let mut delivery = delivery(false);
        delivery.on_sent(Seq(12), 1000, SECOND);
        assert_eq!(delivery.next(Seq(99), SECOND), Step::Barrier);
        delivery.on_delivered(SECOND);
        assert_eq!((delivery.confirmed(), delivery.window_bytes()), (Seq(12), 0));
        assert_eq!(delivery.next(Seq(99), SECOND), Step::Connect, "without a wait");
    }

    #[test]
    fn a_lone_record_is_confirmed_soon_and_the_next_one_after_the_interval() {
        let mut delivery = delivery(false);
        delivery.on_sent(Seq(11), 10, SECOND);
        let soon = SECOND + QUIET;
        assert_eq!(delivery.next(Seq(11), SECOND), Step::Wait { until: Some(soon) });
        assert_eq!(delivery.next(Seq(11), soon), Step::Barrier);
        delivery.on_delivered(soon);
        delivery.on_connected(soon);
        delivery.on_sent(Seq(12), 10, 2 * SECOND);
        assert_eq!(delivery.next(Seq(12), 3 * SECOND), Step::Wait { until: Some(soon + 30 * SECOND) });
    }

    #[test]
    fn a_steady_trickle_cannot_put_the_evidence_off() {
        let mut delivery = delivery(false);
        for second in 1..=31 {
            delivery.on_sent(Seq(10 + second), 1, SECOND * second as u32);
        }
        assert_eq!(delivery.next(Seq(41), 31 * SECOND), Step::Barrier);
    }

    #[test]
    fn a_peer_that_takes_links_and_drops_them_is_tried_more_and_more_seldom() {
        let mut delivery = delivery(false);
        let waits = [1, 2, 4, 8, 8].map(|expected| {
            delivery.on_lost(Duration::ZERO, 1.0);
            let step = delivery.next(Seq(10), Duration::ZERO);
            delivery.on_connected(Duration::ZERO);
            (step, Step::Wait { until: Some(SECOND * expected) })
        });
        for (step, expected) in waits {
            assert_eq!(step, expected);
        }
        delivery.on_lost(STAYED, 1.0);
        assert_eq!(delivery.next(Seq(10), STAYED), Step::Wait { until: Some(STAYED + SECOND) });
    }

    #[test]
    fn a_stop_sends_what_is_there_asks_for_evidence_and_ends() {
        let mut delivery = delivery(false);
        delivery.on_stop(5 * SECOND);
        assert!(matches!(delivery.next(Seq(12), SECOND), Step::Send { .. }));
        delivery.on_sent(Seq(12), 10, SECOND);
        assert_eq!(delivery.next(Seq(12), SECOND), Step::Barrier);
        delivery.on_delivered(SECOND);
        assert_eq!(delivery.next(Seq(12), SECOND), Step::Done);
    }

    #[test]
    fn a_late_stop_asks_for_evidence_of_what_was_sent_and_leaves_the_rest() {
        let mut delivery = delivery(false);
        delivery.on_sent(Seq(11), 10, SECOND);
        delivery.on_stop(2 * SECOND);
        assert_eq!(delivery.next(Seq(99), 2 * SECOND), Step::Barrier);
    }

    #[test]
    fn a_trusting_destination_confirms_what_it_sends() {
        let mut delivery = delivery(true);
        delivery.on_sent(Seq(12), 2000, SECOND);
        assert_eq!(delivery.confirmed(), Seq(12));
        assert_eq!(delivery.next(Seq(12), 99 * SECOND), Step::Wait { until: None });
    }

    #[test]
    fn a_broken_send_is_never_taken_for_delivered() {
        for trusting in [false, true] {
            let mut delivery = delivery(trusting);
            delivery.on_interrupted(Seq(12));
            delivery.on_lost(SECOND, 1.0);
            assert_eq!((delivery.confirmed(), delivery.sent()), (Seq(10), Seq(10)));
            assert!(delivery.is_resent(Seq(12)));
        }
    }

    #[test]
    fn nothing_to_send_is_confirmed_only_when_nothing_before_it_is_open() {
        let mut delivery = delivery(false);
        delivery.on_nothing(Seq(15));
        assert_eq!(delivery.confirmed(), Seq(15));
        delivery.on_sent(Seq(16), 10, SECOND);
        delivery.on_nothing(Seq(20));
        assert_eq!((delivery.confirmed(), delivery.sent()), (Seq(15), Seq(20)));
    }
}
