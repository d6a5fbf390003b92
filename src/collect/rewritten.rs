//! A log was written over in place, or edited while nobody looked: what it held before is gone, but the journal has it.
//! So it has what an editor took out of a log and put in again.
//!
//! ```text
//! an entry of the new content   in the journal, byte for byte, and older than the last one     it was read before
//!                               the like, behind one that was read before                      it was read before
//!                               else                                                           it is read
//! ```
//!
//! Of a log that begins with the newest entry the first one counts as the last.
//!
//! A log that was merely cut goes on with entries that are newer: in the same second they may look like those before
//! the cut, and are read.
//!
//! Invariant: each entry of the journal stands for one entry at most, and only for one with a time of its own.
//! Limit: the last `WINDOW` entries of a source are known; the journal is read only when one of them has come again.

use super::ordinals::{Ordinals, WINDOW};
use super::source::{Round, Source};
use crate::dialect::Parsed;
use crate::journal::Journal;
use crate::model::{Action, Event, Flag, Outcome, Seq, Text, Time};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// New content in a log's place, that may repeat what was read.
#[derive(Debug)]
pub(super) struct Rewritten {
    since: Instant,
    known: Option<Known>,
    /// Entries that were read before, and how many of them were told.
    again: u64,
    told: u64,
}

/// What the journal has of the source.
#[derive(Debug, Default)]
struct Known {
    /// By the hash of its bytes, how often an entry is there.
    entries: HashMap<u128, u32>,
    /// The time of the last one; of a log that begins with the newest, the time of that.
    last: Option<Time>,
}

impl Rewritten {
    pub(super) fn new() -> Rewritten {
        Rewritten { since: Instant::now(), known: None, again: 0, told: 0 }
    }

    /// Whether that entry of the source was read before.
    pub(super) fn was_read(
        &mut self,
        parsed: &Parsed,
        ordinals: &Ordinals,
        source: &str,
        journal: Option<&Journal>,
    ) -> bool {
        if parsed.identity.needs_position() || !ordinals.has(parsed.identity.id(0)) {
            return false;
        }
        let Some(journal) = journal else { return false };
        let known = self.known.get_or_insert_with(|| Known::of(source, journal));
        let is_older = known.last.is_some_and(|last| is_older(parsed.event.time, last));
        let Some(left) = known.entries.get_mut(&hash(parsed.event.raw.bytes())) else { return false };
        let was_read = *left > 0 && (is_older || self.again > 0);
        if was_read {
            *left -= 1;
            self.again += 1;
        }
        was_read
    }
}

impl Known {
    fn of(source: &str, journal: &Journal) -> Known {
        let mut known = Known::default();
        let mut order = Order::default();
        let after = Seq(journal.newest().0.saturating_sub(RECORDS_MAX));
        let lines = journal.scan().after(after).flatten();
        for event in lines.filter_map(|mut line| line.decode()).map(|record| record.event) {
            if event.source.as_str() == source && !event.flags.contains(Flag::BACKFILLED) {
                *known.entries.entry(hash(event.raw.bytes())).or_default() += 1;
                order.take(event.time);
            }
        }
        Known { last: order.last(), ..known }
    }
}

/// In which order entries were read.
#[derive(Debug, Default)]
struct Order {
    last: Option<Time>,
    newest: Option<Time>,
    /// How many are later than the one before them, less those that are earlier.
    rises: i64,
}

impl Order {
    fn take(&mut self, time: Time) {
        if let Some(last) = self.last {
            self.rises += i64::from(time > last) - i64::from(time < last);
        }
        (self.last, self.newest) = (Some(time), self.newest.max(Some(time)));
    }

    /// One entry of a wrong time far ahead is no reason to call all others old.
    fn last(&self) -> Option<Time> {
        if self.rises < 0 { self.newest } else { self.last }
    }
}

impl Source {
    /// The file that has been opened may repeat what the log was read to hold, if that was cut or is gone.
    pub(super) fn suspect(&mut self, log: usize) {
        let log = &mut self.logs[log];
        if std::mem::take(&mut log.is_rewritten)
            && let Some(last) = log.tails.back_mut()
        {
            last.rewritten = Some(Rewritten::new());
        }
    }

    /// Tells what was not read again, once there is nothing more to read, and ends looking for it after a while.
    pub(super) fn tell_rewritten(&mut self, log: usize, at: usize, round: &mut Round<'_>) {
        let tail = &mut self.logs[log].tails[at];
        let Some(rewritten) = &mut tail.rewritten else { return };
        let again = rewritten.again - std::mem::replace(&mut rewritten.told, rewritten.again);
        if rewritten.since.elapsed() >= LOOKED_FOR {
            tail.rewritten = None;
        }
        if again == 0 {
            return;
        }
        self.status.replacements += 1;
        let message = format!(
            "{} was written anew: {again} entries in it are as they had been read before, and are not read again; \
             what is new in it is, and the journal keeps what it has",
            tail.path.display()
        );
        let event = Event {
            reason: Some(Text::const_new("rewritten")),
            count: Some(again),
            ..self.own(Action::SOURCE_REPLACED, Outcome::Failure, message, round)
        };
        round.put(event);
    }
}

/// Whether a time is before another by more than a sensor may put into one moment.
fn is_older(time: Time, than: Time) -> bool {
    than.millis().saturating_sub(time.millis()) >= MOMENT_MILLIS
}

fn hash(bytes: &[u8]) -> u128 {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash[..16].iter().fold(0, |bits, &byte| bits << 8 | u128::from(byte))
}

/// Records that are looked at.
const RECORDS_MAX: u64 = 2 * WINDOW as u64;
/// Entries of one moment may be alike though each is another: a time in whole seconds, and one that is late.
const MOMENT_MILLIS: i64 = 2_000;
/// How long new content may repeat what was read, beyond the time that reading it takes.
const LOOKED_FOR: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn last(times: &[i64]) -> Option<i64> {
        let mut order = Order::default();
        times.iter().for_each(|&time| order.take(Time::from_millis(time).unwrap()));
        order.last().map(Time::millis)
    }

    #[test]
    fn the_last_entry_is_the_newest_where_the_newest_come_first() {
        assert_eq!(last(&[]), None);
        assert_eq!(last(&[1, 2, 3]), Some(3));
        assert_eq!(last(&[3, 2, 1]), Some(3));
        assert_eq!(last(&[3, 2, 1, 5, 4]), Some(5));
        assert_eq!(last(&[1, 2, 900, 3, 4]), Some(4), "one of a wrong time");
        assert_eq!(last(&[1, 1, 1]), Some(1));
    }
}
