//! Whether one record is what a server cannot take, or the server cannot take anything: by trials, each of one record
//! alone on a fresh link. Pure.
//!
//! ```text
//! round   the suspect is refused ─▶ the one before it is taken ─▶ one after it is taken ─▶ it counts
//! set aside   after so many rounds, the refusals of which lie so far apart, all at the same address
//! over        the suspect is taken once, or the server refuses what it has taken before
//! ```
//!
//! A trial moves no cursor. One whose record never got to the server, or had no answer, says nothing and is made again.
//! A record after the suspect that was never taken may be another of its kind: the next one behind it witnesses instead.
//! Where nothing before it is known to have been taken, two after it witness.
//!
//! Invariant: nothing is set aside unless in between the refusals two other records were taken each time, and neither of
//! them was ever refused.

use crate::model::Seq;
use std::time::Duration;

/// How long a record is suspected before it is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// So many refusals.
    pub refusals: u32,
    /// From the first to the last of them at least.
    pub over: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { refusals: 5, over: Duration::from_secs(600) }
    }
}

impl Patience {
    /// Between one refusal and the next trial of the suspect.
    fn interval(self) -> Duration {
        self.over / self.refusals.saturating_sub(1).max(1)
    }

    /// After a refusal: a server that fell over what it got may need a moment.
    fn pause(self) -> Duration {
        self.interval() / 15
    }
}

/// Which record a trial is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Suspect,
    /// The last one that was confirmed.
    Before,
    /// One that comes after the suspect; 0 is the next.
    After(usize),
}

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Try(Which),
    Wait {
        until: Duration,
    },
    /// Everything is known: this record, and not the server.
    SetAside,
    /// The suspicion has ended; `taken`: the suspect has arrived.
    Over {
        taken: bool,
    },
}

/// The investigation of one record. Times are of any clock that does not go back.
#[derive(Debug)]
pub(super) struct Suspect {
    seq: Seq,
    patience: Patience,
    turn: Turn,
    /// Nothing is tried before then.
    at: Duration,
    witnesses: [Witness; 2],
    /// The next record that can take a witness's place.
    spare: usize,
    /// The address at which everything was seen.
    place: Option<usize>,
    /// Refusals that count, and when the first and the last of them were; the last may not count yet.
    refusals: u32,
    first: Option<Duration>,
    last: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Suspect,
    Witness(usize),
    SetAside,
    Over { taken: bool },
}

#[derive(Debug, Clone, Copy)]
struct Witness {
    which: Which,
    /// It was taken.
    is_good: bool,
}

impl Suspect {
    pub(super) fn new(seq: Seq, patience: Patience, now: Duration) -> Suspect {
        let witness = |which| Witness { which, is_good: false };
        Suspect {
            seq,
            patience,
            turn: Turn::Suspect,
            at: now + patience.pause(),
            witnesses: [witness(Which::Before), witness(Which::After(0))],
            spare: 1,
            place: None,
            refusals: 0,
            first: None,
            last: now,
        }
    }

    pub(super) fn seq(&self) -> Seq {
        self.seq
    }

    /// Refusals that count so far.
    pub(super) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// From the first of them to the last.
    pub(super) fn refused_for(&self) -> Duration {
        self.first.map_or(Duration::ZERO, |first| self.last - first)
    }

    pub(super) fn next(&self, now: Duration) -> Next {
        match self.turn {
            Turn::SetAside => Next::SetAside,
            Turn::Over { taken } => Next::Over { taken },
            _ if now < self.at => Next::Wait { until: self.at },
            Turn::Suspect => Next::Try(Which::Suspect),
            Turn::Witness(number) => Next::Try(self.witnesses[number].which),
        }
    }

    /// The record of the trial has arrived, at this address.
    pub(super) fn on_taken(&mut self, place: usize, now: Duration) {
        match self.turn {
            Turn::Suspect => self.turn = Turn::Over { taken: true },
            // Another server takes others; what it makes of the suspect is not known.
            Turn::Witness(_) if self.place != Some(place) => self.begin_again(now),
            Turn::Witness(number) => {
                self.witnesses[number].is_good = true;
                match number {
                    0 => self.turn = Turn::Witness(1),
                    _ => self.on_round(),
                }
            }
            Turn::SetAside | Turn::Over { .. } => {}
        }
    }

    /// The server at this address ended the link, or said no, in answer to the record of the trial.
    pub(super) fn on_refused(&mut self, place: usize, now: Duration) {
        match self.turn {
            Turn::Suspect => {
                if self.place != Some(place) {
                    self.forget();
                    self.place = Some(place);
                }
                self.last = now;
                self.turn = Turn::Witness(0);
            }
            Turn::Witness(number) => {
                let Witness { which, is_good } = self.witnesses[number];
                let is_known = is_good || which == Which::Before;
                if is_known || self.spare > SPARES_MAX {
                    // It is the server.
                    self.turn = Turn::Over { taken: false };
                } else {
                    self.replace(number);
                }
            }
            Turn::SetAside | Turn::Over { .. } => {}
        }
        self.at = now + self.patience.pause();
    }

    /// The trial said nothing: it is made again, not before then.
    pub(super) fn on_nothing(&mut self, again_at: Duration) {
        self.at = self.at.max(again_at);
    }

    /// There is no such record.
    pub(super) fn on_absent(&mut self, now: Duration) {
        match self.turn {
            Turn::Witness(number) if self.witnesses[number].which == Which::Before => self.replace(number),
            // Nobody waits behind the suspect, so nothing is urgent.
            Turn::Witness(_) => {
                self.turn = Turn::Suspect;
                self.at = (self.last + self.patience.interval()).max(now + self.patience.pause());
            }
            _ => self.turn = Turn::Over { taken: false },
        }
    }

    fn replace(&mut self, number: usize) {
        self.witnesses[number] = Witness { which: Which::After(self.spare), is_good: false };
        self.spare += 1;
    }

    /// Refused, and others were taken since: that counts.
    fn on_round(&mut self) {
        self.refusals += 1;
        let first = *self.first.get_or_insert(self.last);
        let is_enough = self.refusals >= self.patience.refusals && self.last - first >= self.patience.over;
        self.turn = if is_enough { Turn::SetAside } else { Turn::Suspect };
        self.at = self.last + self.patience.interval();
    }

    fn begin_again(&mut self, now: Duration) {
        self.forget();
        self.turn = Turn::Suspect;
        self.at = now;
    }

    /// What was seen elsewhere does not count here.
    fn forget(&mut self) {
        (self.refusals, self.first, self.place) = (0, None, None);
        self.witnesses.iter_mut().for_each(|witness| witness.is_good = false);
    }
}

/// So many records after the suspect may be refused as well before it is held to be the server.
const SPARES_MAX: usize = 16;

#[cfg(test)]
mod tests;
