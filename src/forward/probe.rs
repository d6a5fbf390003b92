//! Which answer proves what: KeyUpdates asked for while the link stays up (RFC 8446 section 4.6.3). Pure.
//!
//! ```text
//! link up ─▶ Calibrating ─▶ Settling ─▶ Listening ─▶ Probing     records, probe, answer, records, probe, ...
//!              two probes,    for the     for answers
//!              no record      second      to no probe
//!                  │          answer          │          │
//!                  └──────────────────────────┴──────────┴─▶ Silent: this peer shows nothing but by closing
//! ```
//!
//! The rule that everything rests on: a peer answers a probe at most once, and not before its TLS has read all that was
//! sent before it. So the n-th answer proves what was sent before the n-th probe, whatever became of the others: the
//! oldest probe gets the credit. An answer that comes late is still true. One that never comes (OpenSSL ignores the
//! first KeyUpdate of a link) leaves all credit one probe behind for good; when it is quiet one more probe makes up
//! for that. No wait, no clock and no habit of a peer is part of the proof.
//!
//! A peer that has not answered in time gets its records all the same and shows them by its close; should its answer come
//! late, the next link waits longer for it.
//!
//! What could break the rule is a peer that gives new keys unasked. So answers are counted before there is anything to
//! prove, and listened for after the first records while no probe is out, until none comes for a while: one too many
//! there, or anywhere, ends the belief in this peer. A KeyUpdate of any form that no answer has makes the open probes void; one sooner than the
//! smallest round trip counts for nothing.
//!
//! Limits: a peer that gives new keys unasked for the first time while a probe is out passes for one that answers; the
//! receiver may lose afterwards what its TLS has read; a TLS proxy in between speaks for itself alone.

use super::settings::Cadence;
use crate::model::Seq;
use std::collections::VecDeque;
use std::time::Duration;

/// The probes of one link. Times are of any clock that does not go back.
#[derive(Debug)]
pub(super) struct Probe {
    cadence: Cadence,
    state: State,
    /// Those without an answer, oldest first.
    open: VecDeque<Open>,
    /// When the newest probe was sent, while no answer has come since.
    awaiting_since: Option<Duration>,
    /// The newest record that was sent.
    sent: Seq,
    /// The newest record that a probe, answered or not, was sent after.
    asked: Seq,
    /// The newest record that is proven.
    proven: Seq,
    /// What was sent since the newest probe.
    unasked: Option<Unasked>,
    answers: u64,
    round_trip: Option<Duration>,
    /// An answer came after the time for the first one was over.
    is_late: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calibrating { until: Duration },
    Settling { until: Duration },
    Listening { until: Option<Duration> },
    Probing,
    Silent(Why),
}

/// Why a peer is asked no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody asked it: the protocol cannot, the config does not want it, or it is known not to answer.
    NotAsked,
    /// It has not answered in time.
    NoAnswer,
    /// It gave keys that it was not asked for at that moment.
    Unasked,
}

/// A probe that has no answer yet.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The newest record sent before it; none when it proves nothing.
    through: Option<Seq>,
    at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Unasked {
    records: u64,
    bytes: usize,
    first_at: Duration,
    last_at: Duration,
}

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Send a probe.
    Now,
    /// Nothing before then, unless something happens.
    Wait { until: Option<Duration> },
}

/// How much there is to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// More records are about to be sent.
    Busy,
    /// Everything that there is has been sent.
    Idle,
    /// No more can be sent before evidence comes.
    Stuck,
}

/// What the peer's answers are good for at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not known yet: no record goes out.
    Open,
    /// It answers.
    Answers,
    /// Only its close shows something.
    Silent(Why),
}

impl Probe {
    /// For a link that has just come up. `confirmed` is what the window begins after; the first answer may come until
    /// `until`, and no record goes out before it or then.
    pub(super) fn start(cadence: Cadence, confirmed: Seq, until: Duration) -> Probe {
        Probe {
            cadence,
            state: State::Calibrating { until },
            open: VecDeque::new(),
            awaiting_since: None,
            sent: confirmed,
            asked: confirmed,
            proven: confirmed,
            unasked: None,
            answers: 0,
            round_trip: None,
            is_late: false,
        }
    }

    /// For a link that is not probed.
    pub(super) fn without() -> Probe {
        let state = State::Silent(Why::NotAsked);
        Probe { state, ..Probe::start(Cadence::default(), Seq::NONE, Duration::ZERO) }
    }

    pub(super) fn standing(&self) -> Standing {
        match self.state {
            State::Calibrating { .. } | State::Settling { .. } => Standing::Open,
            State::Listening { .. } | State::Probing => Standing::Answers,
            State::Silent(why) => Standing::Silent(why),
        }
    }

    /// From the newest answered probe to its answer.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Whether the peer owes an answer to a probe that was sent after records.
    pub(super) fn is_owed(&self) -> bool {
        self.awaiting_since.is_some() && self.asked > self.proven
    }

    /// Whether an answer came, but too late for this link.
    pub(super) fn is_late(&self) -> bool {
        self.is_late
    }

    /// Moves on with the time, and says what to do.
    pub(super) fn next(&mut self, now: Duration, traffic: Traffic) -> Ask {
        self.move_on(now);
        let until = match self.state {
            State::Calibrating { .. } if self.open.len() < PRIMES => return Ask::Now,
            State::Calibrating { until } => Some(until),
            State::Settling { until } => Some(until),
            State::Listening { until } => until,
            State::Silent(_) => None,
            State::Probing => match self.due_at(traffic) {
                Some(at) if at <= now => return Ask::Now,
                at => at,
            },
        };
        Ask::Wait { until }
    }

    fn move_on(&mut self, now: Duration) {
        match self.state {
            State::Calibrating { until } if now >= until => {
                self.state = State::Silent(Why::NoAnswer);
            }
            State::Settling { until } if now >= until => self.state = State::Listening { until: None },
            State::Listening { until: Some(until) } if now >= until => self.state = State::Probing,
            _ => {}
        }
    }

    /// When the next probe is due. One is on the way at a time; another follows it only when it seems to be ignored.
    fn due_at(&self, traffic: Traffic) -> Option<Duration> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        let Cadence { records, bytes, interval } = self.cadence;
        let wanted = match (self.unasked, traffic) {
            (Some(unasked), _) if unasked.records >= records || unasked.bytes >= bytes => unasked.last_at,
            (Some(unasked), Traffic::Busy) => unasked.first_at + interval,
            (Some(unasked), Traffic::Idle) => (unasked.last_at + QUIET).min(unasked.first_at + interval),
            (Some(unasked), Traffic::Stuck) => unasked.last_at,
            // Everything was asked for, and the answers so far belong to older probes.
            (None, Traffic::Idle | Traffic::Stuck) if self.asked > self.proven => Duration::ZERO,
            (None, _) => return None,
        };
        let patience = self.awaiting_since.map_or(Duration::ZERO, |since| since + self.patience());
        Some(wanted.max(patience))
    }

    /// How long an answer may take before another probe follows, or the first records wait for stray answers.
    fn patience(&self) -> Duration {
        self.round_trip.map_or(PATIENCE_MIN, |round_trip| (round_trip * 4).max(PATIENCE_MIN))
    }

    /// A probe was sent; at `began` it had not left yet.
    pub(super) fn on_probed(&mut self, began: Duration) {
        let through = (self.state == State::Probing).then_some(self.sent);
        self.open.push_back(Open { through, at: began });
        self.awaiting_since = Some(began);
        self.asked = self.sent;
        self.unasked = None;
    }

    /// Records were sent, up to and with `through`.
    pub(super) fn on_sent(&mut self, through: Seq, records: u64, bytes: usize, now: Duration) {
        self.sent = through;
        let unasked =
            self.unasked.get_or_insert(Unasked { records: 0, bytes: 0, first_at: now, last_at: now });
        unasked.records += records;
        unasked.bytes += bytes;
        unasked.last_at = now;
        if self.state == (State::Listening { until: None }) {
            self.state = State::Listening { until: Some(now + self.patience()) };
        }
    }

    /// The peer gave new keys in the form that an answer has. What that proves: everything up to and with this seq.
    /// `round_trip_min` is the smallest round trip that the kernel knows of the connection.
    pub(super) fn on_answer(&mut self, now: Duration, round_trip_min: Option<Duration>) -> Option<Seq> {
        self.move_on(now);
        let Some(&oldest) = self.open.front() else {
            self.distrust();
            return None;
        };
        let took = now.saturating_sub(oldest.at);
        if round_trip_min.is_some_and(|least| took < least) {
            return None;
        }
        self.open.pop_front();
        self.answers += 1;
        match self.state {
            State::Calibrating { .. } => {
                self.round_trip = Some(took);
                self.awaiting_since = None;
                self.state = match self.open.is_empty() {
                    // The first was answered before the second went out: this peer ignores none.
                    true => State::Listening { until: None },
                    false => State::Settling { until: now + took.max(SETTLE_MIN) },
                };
                None
            }
            State::Settling { .. } if self.open.is_empty() => {
                self.state = State::Listening { until: None };
                None
            }
            State::Silent(why) => {
                self.is_late = why == Why::NoAnswer;
                None
            }
            State::Settling { .. } => None,
            // The second answer of the beginning may be late. If it was not that, the next records show it.
            State::Listening { .. } => {
                self.state = State::Listening { until: None };
                None
            }
            State::Probing => {
                if let Some(since) = self.awaiting_since.take() {
                    self.round_trip = Some(now.saturating_sub(since));
                }
                self.proven = self.proven.max(oldest.through?);
                oldest.through
            }
        }
    }

    /// The peer gave new keys in a form that no answer has: what is open proves nothing any more.
    pub(super) fn on_other(&mut self) {
        self.open.iter_mut().for_each(|open| open.through = None);
    }

    fn distrust(&mut self) {
        if self.state != State::Silent(Why::NotAsked) {
            self.state = State::Silent(Why::Unasked);
        }
    }
}

/// OpenSSL ignores the first KeyUpdate of a link; the second shows whether it answers at all.
const PRIMES: usize = 2;
/// A peer that has left so many probes unanswered gets no more: rsyslog with GnuTLS closes a connection that sees more
/// than eight KeyUpdates in a second.
const OPEN_MAX: usize = 3;
/// Shortest wait for a second answer to the two probes of the beginning.
const SETTLE_MIN: Duration = Duration::from_millis(20);
const PATIENCE_MIN: Duration = Duration::from_millis(200);
/// How long nothing must have been sent before a probe follows at once.
const QUIET: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests;
