//! The newest records, decoded, in memory: readers at the head need no file. They go when nothing comes any more.
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

    /// Adds a durable batch of about `bytes` in memory; the oldest have to go.
    pub(super) fn push(&mut self, batch: Batch, bytes: usize) -> Vec<Batch> {
        self.bytes += bytes;
        self.batches.push_back((batch, bytes));
        let mut gone = Vec::new();
        while self.bytes > self.bytes_max && self.batches.len() > 1 {
            let Some((oldest, bytes)) = self.batches.pop_front() else { break };
            self.bytes -= bytes;
            gone.push(oldest);
        }
        gone
    }

    /// Lets all of them go, for whoever drops them; whoever reads on reads the files.
    pub(super) fn take(&mut self) -> VecDeque<(Batch, usize)> {
        self.bytes = 0;
        std::mem::take(&mut self.batches)
    }

    /// Whether the next batch pushes one out that somebody still has in its hands, or that a reader of the files comes to
    /// soon: one of those who have read everything up to these places.
    pub(super) fn leaves_behind(&self, reading: &[Seq]) -> bool {
        let (Some((oldest, _)), Some((last, newest))) = (self.batches.front(), self.batches.back()) else {
            return false;
        };
        if self.batches.len() < 2 || self.bytes + newest <= self.bytes_max {
            return false;
        }
        let ends = |batch: &Batch| Some((batch.first()?.seq.0, batch.last()?.seq.0));
        let (Some((first, end)), Some((_, newest))) = (ends(oldest), ends(last)) else { return false };
        let far = first.saturating_sub(NEAR * (newest - first + 1));
        Arc::strong_count(oldest) > 1 || reading.iter().any(|through| (far..end).contains(&through.0))
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

/// How far before memory a reader of the files may be to come back soon: so many times as many records as memory has.
const NEAR: u64 = 16;

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
        let gone = [1..=3, 4..=4, 5..=9].map(|seqs| recent.push(batch(seqs), 100));
        let firsts = gone.map(|gone| gone.iter().map(|batch| batch[0].seq).collect::<Vec<_>>());
        assert_eq!(firsts, [vec![], vec![], vec![Seq(1)]]);
        assert!(recent.after(Seq(0)).is_none(), "1 to 3 are gone");
        assert!(recent.after(Seq(2)).is_none());
        assert_eq!(recent.after(Seq(3)).unwrap()[0].seq, Seq(4));
        assert_eq!(recent.after(Seq(6)).unwrap()[0].seq, Seq(5));
        assert!(recent.after(Seq(9)).is_none(), "not there yet");
    }

    #[test]
    fn what_comes_after_all_of_them_went_is_there() {
        let mut recent = Recent::new(250);
        recent.push(batch(1..=3), 100);
        assert_eq!(recent.take().len(), 1);
        assert!(recent.after(Seq(0)).is_none() && recent.after(Seq(3)).is_none());
        assert!(recent.push(batch(4..=6), 200).is_empty(), "those before take no room any more");
        assert!(recent.after(Seq(2)).is_none());
        assert_eq!(recent.after(Seq(3)).unwrap()[0].seq, Seq(4));
    }

    #[test]
    fn who_has_the_oldest_batch_in_its_hands_is_left_behind() {
        let mut recent = Recent::new(250);
        assert!(!recent.leaves_behind(&[]));
        recent.push(batch(1..=3), 100);
        let held = recent.after(Seq(0)).unwrap();
        assert!(!recent.leaves_behind(&[]), "there is room");
        recent.push(batch(4..=4), 100);
        assert!(recent.leaves_behind(&[]));
        drop(held);
        assert!(!recent.leaves_behind(&[]));
        let _next = recent.after(Seq(3)).unwrap();
        assert!(!recent.leaves_behind(&[]), "the oldest is nobody's");
    }

    #[test]
    fn who_reads_the_files_just_before_memory_is_left_behind_and_who_is_far_from_it_is_not() {
        let mut recent = Recent::new(250);
        recent.push(batch(1001..=1003), 100);
        assert!(!recent.leaves_behind(&[Seq(1000)]), "there is room");
        recent.push(batch(1004..=1010), 100);
        let near = 1001 - 10 * NEAR;
        for (through, is_left) in [(0, false), (near - 1, false), (near, true), (1000, true)] {
            assert_eq!(recent.leaves_behind(&[Seq(through)]), is_left, "{through}");
        }
        assert!(recent.leaves_behind(&[Seq(1002)]), "it needs the rest of the oldest batch");
        assert!(!recent.leaves_behind(&[Seq(1003)]), "it goes on with the next");
        assert!(recent.leaves_behind(&[Seq(0), Seq(near)]), "one of several is enough");
    }

    #[test]
    fn the_newest_batch_stays_however_large() {
        let mut recent = Recent::new(10);
        recent.push(batch(1..=3), 100);
        assert!(recent.after(Seq(0)).is_some());
    }
}
