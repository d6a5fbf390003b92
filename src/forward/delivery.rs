//! What to do next for one destination: pure; the driver does it and reports back through the `on_` methods.
//!
//! ```text
//!            Connect ──▶ up ──▶ Send … Send ──▶ Barrier ──▶ confirmed, up on the next link
//!               ▲                  │                │
//!               └──── back-off ◀───┴── lost ◀───────┘      what had no evidence goes out again
//! ```
//!
//! The window is what was sent over the present link. The end of a link confirms all of it or none of it
//! (`Proof::AtClose`). Evidence that comes while the link stays up (`Proof::Running`) confirms it from its old end:
//! what ends at or before the proven seq leaves the window, the rest waits, and a break sends that rest again.
//! Evidence that stays away for the barrier interval is asked for with a barrier, whatever the proof.
//!
//! What is not selected is passed over, and done with once everything before it is confirmed. That needs no link: while
//! there is none, records are looked at up to the first that is selected.

use super::backoff::Backoff;
use super::caution::Caution;
use super::window::Window;
use crate::journal::Reached;
use crate::model::Seq;
use std::time::Duration;

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Make a link.
    Connect,
    /// Send records after `after`, about `bytes_max` of them.
    Send { after: Seq, bytes_max: usize },
    /// Pass over what comes after `after` and is not selected.
    Look { after: Seq },
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
    /// Whether there is an end: after `newest` nothing comes any more.
    pub finite: bool,
    /// Whether there are records that are not selected.
    pub selective: bool,
}

/// The state of one destination. Times are of any clock that does not go back.
#[derive(Debug)]
pub(super) struct Delivery {
    limits: Limits,
    backoff: Backoff,
    confirmed: Reached,
    sent: Seq,
    /// The first record to send, as far as it is known; it counts while it is not confirmed.
    wanted: Seq,
    /// The newest record that was ever sent: what is not newer goes out again.
    highest: Seq,
    window: Window,
    /// The last record that the peer has shown to have, since the start.
    proven: Seq,
    caution: Caution,
    /// The record that may be what ends the links.
    suspect: Option<Seq>,
    last_barrier: Option<Duration>,
    /// Something was confirmed since the last loss.
    is_accepted: bool,
    link: LinkState,
    stop_by: Option<Duration>,
}

/// How the present link gives its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// By its end alone: all or nothing.
    AtClose,
    /// Bit by bit while it stays up.
    Running,
    /// Not known yet: nothing is sent until it is.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
enum LinkState {
    Down { retry_at: Duration },
    Up { since: Duration, proof: Proof },
}

impl Delivery {
    /// Goes on after `confirmed`; everything up to `highest` counts as sent before.
    pub(super) fn resume_after(
        confirmed: impl Into<Reached>,
        highest: Seq,
        limits: Limits,
        backoff: Backoff,
    ) -> Delivery {
        let confirmed = confirmed.into();
        Delivery {
            limits,
            backoff,
            confirmed,
            sent: confirmed.through,
            wanted: Seq::NONE,
            highest: highest.max(confirmed.through),
            window: Window::default(),
            proven: Seq::NONE,
            caution: Caution::default(),
            suspect: None,
            last_barrier: None,
            is_accepted: false,
            link: LinkState::Down { retry_at: Duration::ZERO },
            stop_by: None,
        }
    }

    pub(super) fn confirmed(&self) -> Seq {
        self.confirmed.through
    }

    /// The same with the last record that was sent.
    pub(super) fn reached(&self) -> Reached {
        self.confirmed
    }

    pub(super) fn sent(&self) -> Seq {
        self.sent
    }

    /// The record that the peer got before the next one.
    pub(super) fn prev(&self) -> Seq {
        self.window.end().unwrap_or(self.confirmed).last
    }

    pub(super) fn window_bytes(&self) -> usize {
        self.window.bytes()
    }

    /// Whether nothing more goes out before there is evidence.
    pub(super) fn is_full(&self) -> bool {
        self.window_bytes() >= self.limits.window_bytes_max || self.frames_room() == 0
    }

    /// How many frames may go out before there is evidence.
    pub(super) fn frames_room(&self) -> usize {
        self.caution.frames_max().saturating_sub(self.window.frames())
    }

    /// What is on the way, in frames.
    pub(super) fn window_frames(&self) -> usize {
        self.window.frames()
    }

    /// Whether a record was sent before without evidence.
    pub(super) fn is_resent(&self, seq: Seq) -> bool {
        seq <= self.highest
    }

    pub(super) fn next(&self, newest: Seq, now: Duration) -> Step {
        let LinkState::Up { proof, .. } = self.link else { return self.next_while_down(newest, now) };
        let barrier_at = self.barrier_at(proof);
        let stopping = self.stop_by.is_some() || self.limits.finite;
        let late = self.stop_by.is_some_and(|stop_by| now >= stop_by);
        let all_sent = self.sent >= newest || late;
        // Evidence that is on its way is waited for.
        let asks = proof == Proof::AtClose && (self.is_full() || (stopping && all_sent));
        // When the agent stops the barrier comes behind everything that there is, for no link follows it.
        let is_due = barrier_at.is_some_and(|at| now >= at) && (all_sent || self.stop_by.is_none());
        if !self.window.is_empty() && (asks || late || is_due) {
            return match self.known_at() {
                Some(at) if now < at && !late => Step::Wait { until: Some(at) },
                _ => Step::Barrier,
            };
        }
        if stopping && all_sent && self.window.is_empty() {
            return Step::Done;
        }
        if self.sent < newest && !self.is_full() && !late && proof != Proof::Unknown {
            let room = self.limits.window_bytes_max - self.window_bytes();
            return Step::Send { after: self.sent, bytes_max: room.clamp(1, SEND_BYTES) };
        }
        let barrier_at = barrier_at.filter(|_| all_sent || self.stop_by.is_none());
        Step::Wait { until: barrier_at.into_iter().chain(self.stop_by).min() }
    }

    /// The same over a link that is to show by its end what that proves: it stays for a moment, since a peer that does not
    /// take us closes by itself, and nothing goes over it.
    pub(super) fn next_to_show(&self, now: Duration) -> Step {
        match self.link {
            LinkState::Up { since, .. } if self.stop_by.is_none() && now < since + QUIET => {
                Step::Wait { until: Some(since + QUIET) }
            }
            _ => Step::Barrier,
        }
    }

    /// When it is known that the peer takes the present link, if that may be doubted: nothing was confirmed since the last
    /// loss, or little goes out for all the losses. A peer that takes a link only to close it at once closes before we do
    /// then; if it had read ahead meanwhile, its close would pass for an answer to ours.
    fn known_at(&self) -> Option<Duration> {
        match self.link {
            LinkState::Up { since, .. } if !self.is_accepted || self.caution.is_narrow() => {
                Some(since + QUIET)
            }
            _ => None,
        }
    }

    fn next_while_down(&self, newest: Seq, now: Duration) -> Step {
        match self.link {
            _ if self.stop_by.is_some() => Step::Done,
            _ if self.limits.finite && self.confirmed.through >= newest => Step::Done,
            LinkState::Down { retry_at } if now < retry_at => match self.is_looking() {
                true if self.confirmed.through < newest => Step::Look { after: self.confirmed.through },
                _ => Step::Wait { until: Some(retry_at) },
            },
            _ => Step::Connect,
        }
    }

    /// Whether it goes on without a link: what comes next may be none of its business.
    pub(super) fn is_looking(&self) -> bool {
        self.limits.selective && self.wanted <= self.confirmed.through
    }

    /// When the window wants its barrier: in a quiet moment once the interval since the last one is over, at the latest
    /// when its first record has waited for the interval.
    fn barrier_at(&self, proof: Proof) -> Option<Duration> {
        let interval = self.limits.barrier_interval;
        let first_at = self.window.first_at()?;
        if proof == Proof::Running {
            return Some(first_at + interval.max(RUNNING_MIN));
        }
        let latest = first_at + interval;
        let due = self.last_barrier.map_or(Duration::ZERO, |at| at + interval);
        let quiet = self.window.last_at()? + QUIET.min(interval);
        Some(due.max(quiet).min(latest))
    }

    /// The link is up; until `on_proof` says otherwise only its end gives evidence.
    pub(super) fn on_connected(&mut self, now: Duration) {
        self.link = LinkState::Up { since: now, proof: Proof::AtClose };
    }

    /// The link could not be made or has ended; what had no evidence goes out again, after a wait.
    pub(super) fn on_lost(&mut self, now: Duration, random: f64) {
        if let LinkState::Up { since, .. } = self.link
            && now.saturating_sub(since) >= STAYED
        {
            self.backoff.succeed();
        }
        self.link = LinkState::Down { retry_at: now + self.backoff.fail(random) };
        self.forget_window();
    }

    /// As `on_lost`, but there is another address to be tried at once.
    pub(super) fn on_lost_for_another(&mut self, now: Duration) {
        self.link = LinkState::Down { retry_at: now };
        self.forget_window();
    }

    /// Records were sent, and those among and after them that are not selected passed over, up to `end`.
    pub(super) fn on_sent(&mut self, end: impl Into<Reached>, frames: usize, bytes: usize, now: Duration) {
        let end = end.into();
        self.sent = end.through;
        if self.limits.trusting {
            self.confirmed = end;
            self.highest = self.highest.max(end.through);
            return;
        }
        self.window.push(end, frames, bytes, now);
    }

    /// A send broke off: what was on its way may have arrived.
    pub(super) fn on_interrupted(&mut self, through: Seq) {
        self.highest = self.highest.max(through);
    }

    /// There was nothing to send up to here: not selected, damaged or gone.
    pub(super) fn on_nothing(&mut self, through: Seq) {
        self.sent = self.sent.max(through);
        match self.window.is_empty() {
            true => self.confirmed.through = self.confirmed.through.max(through),
            false => self.window.pass_over(through),
        }
    }

    /// This record is selected: without a link nothing behind it is looked at.
    pub(super) fn on_wanted(&mut self, seq: Seq) {
        self.wanted = seq;
    }

    /// Evidence: everything that was sent has arrived. The link is down with it; the next may come up at once.
    pub(super) fn on_delivered(&mut self, now: Duration) {
        self.confirmed = Reached { through: self.sent, last: self.prev() };
        self.highest = self.highest.max(self.sent);
        if !self.window.is_empty() {
            self.last_barrier = Some(now);
        }
        self.window.clear();
        self.on_progress();
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
        self.is_accepted = false;
        self.suspect = self.caution.on_break(self.window.frames(), self.prev());
        self.sent = self.confirmed.through;
        self.window.clear();
    }
}

/// Evidence while the link stays up.
impl Delivery {
    /// How the present link gives its evidence from now on; it may change while the link is up.
    pub(super) fn on_proof(&mut self, by: Proof) {
        if let LinkState::Up { proof, .. } = &mut self.link {
            *proof = by;
        }
    }

    /// Evidence while the link stays up: what was sent up to and with `through` has arrived. It must be evidence of the
    /// present link; what was never sent over it is not confirmed, whatever `through` says.
    pub(super) fn on_confirmed(&mut self, through: Seq) {
        let LinkState::Up { .. } = self.link else { return };
        let before = self.confirmed.through;
        if let Some(end) = self.window.release(through) {
            self.confirmed = end;
        }
        // Within a batch the proof is of a record, and of all before it.
        let within = through.min(self.sent);
        if !self.window.is_empty() && within > self.confirmed.through {
            self.confirmed = within.into();
        }
        self.highest = self.highest.max(self.confirmed.through);
        if self.confirmed.through > before {
            self.on_progress();
        }
        self.backoff.succeed();
    }

    fn on_progress(&mut self) {
        self.is_accepted = true;
        self.proven = self.confirmed.last;
        self.caution.on_progress(self.confirmed.through, self.window.is_empty());
    }
}

/// Bytes of records encoded and handed to the link at once.
const SEND_BYTES: usize = 256 << 10;
/// How long nothing must have been sent before a barrier interrupts the least.
const QUIET: Duration = Duration::from_millis(500);
/// How long evidence that comes while the link stays up may take at least, however short the barrier interval is.
const RUNNING_MIN: Duration = Duration::from_secs(5);
/// How long a peer must have kept a link before it counts as a good one: with TLS 1.3 the refusal of our
/// certificate comes after the handshake.
pub(super) const STAYED: Duration = Duration::from_secs(3);

mod alone;
#[cfg(test)]
mod selective;
#[cfg(test)]
mod tests;
