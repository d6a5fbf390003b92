//! The newest records, decoded, in memory: readers at the head need no file.
//!
//! Invariant: only what is durable is here. The journal stays the truth; this is a copy of its end.

use crate::model::{Record, Seq};
use std::collections::VecDeque;
use std::sync::Arc;

/// Records that became durable together.
pub type Batch = Arc<Vec<Record>>;

/// A bounded run of batches that ends with the newest record.
#[derive(Debug)]
pub(super) struct Recent {
    batches: VecDeque<(Batch, usize)>,
    bytes: usize,
    bytes_max: usize,
}

impl Recent {
    pub(super) fn new(bytes_max: usize) -> Recent {
        Recent { batches: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Adds a durable batch of about `bytes` in memory and lets the oldest go.
    pub(super) fn push(&mut self, batch: Batch, bytes: usize) {
        self.bytes += bytes;
        self.batches.push_back((batch, bytes));
        while self.bytes > self.bytes_max && self.batches.len() > 1 {
            if let Some((_, gone)) = self.batches.pop_front() {
                self.bytes -= gone;
            }
        }
    }

    /// Whether the next batch pushes one out that a reader still has in its hands.
    pub(super) fn leaves_a_reader_behind(&self) -> bool {
        let (Some((oldest, _)), Some((_, newest))) = (self.batches.front(), self.batches.back()) else {
            return false;
        };
        self.batches.len() > 1 && self.bytes + newest > self.bytes_max && Arc::strong_count(oldest) > 1
    }

    /// The batch that holds the record after `seq`; `None` when that is older than what is kept, or not there yet.
    pub(super) fn after(&self, seq: Seq) -> Option<Batch> {
        let wanted = seq.next();
        let at =
            self.batches.partition_point(|(batch, _)| batch.last().is_some_and(|last| last.seq < wanted));
        let (batch, _) = self.batches.get(at)?;
        batch.first().is_some_and(|first| first.seq <= wanted).then(|| Arc::clone(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Event, Outcome, Time};

    fn batch(seqs: std::ops::RangeInclusive<u64>) -> Batch {
        let event = Event::own(Action::HEARTBEAT, Outcome::Success, Time::default(), "");
        Arc::new(
            seqs.map(|seq| Record { seq: Seq(seq), position: None, event: event.clone(), chain: None })
                .collect(),
        )
    }

    #[test]
    fn the_batch_after_a_seq_is_found_and_the_oldest_goes_first() {
        let mut recent = Recent::new(250);
        for seqs in [1..=3, 4..=4, 5..=9] {
            recent.push(batch(seqs), 100);
        }
        assert!(recent.after(Seq(0)).is_none(), "1 to 3 are gone");
        assert!(recent.after(Seq(2)).is_none());
        assert_eq!(recent.after(Seq(3)).unwrap()[0].seq, Seq(4));
        assert_eq!(recent.after(Seq(6)).unwrap()[0].seq, Seq(5));
        assert!(recent.after(Seq(9)).is_none(), "not there yet");
    }

    #[test]
    fn a_reader_is_left_behind_only_with_the_oldest_batch_in_its_hands() {
        let mut recent = Recent::new(250);
        assert!(!recent.leaves_a_reader_behind());
        recent.push(batch(1..=3), 100);
        let held = recent.after(Seq(0)).unwrap();
        assert!(!recent.leaves_a_reader_behind(), "there is room");
        recent.push(batch(4..=4), 100);
        assert!(recent.leaves_a_reader_behind());
        drop(held);
        assert!(!recent.leaves_a_reader_behind());
        let _next = recent.after(Seq(3)).unwrap();
        assert!(!recent.leaves_a_reader_behind(), "the oldest is nobody's");
    }

    #[test]
    fn the_newest_batch_stays_however_large() {
        let mut recent = Recent::new(10);
        recent.push(batch(1..=3), 100);
        assert!(recent.after(Seq(0)).is_some());
    }
}
