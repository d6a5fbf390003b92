//! What a replay comes to: events sent, each counted once, those of them that are confirmed, and records that could not
//! be read. Pure.

use crate::model::Seq;
use std::collections::VecDeque;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub sent: u64,
    pub confirmed: u64,
    pub unreadable: u64,
    /// Batches without evidence: the last record, and how many events were sent up to it.
    open: VecDeque<(Seq, u64)>,
    /// Records up to here have been read, or could not be.
    read: Seq,
}

impl Tally {
    /// Begins after `seq`.
    pub(super) fn after(seq: Seq) -> Tally {
        Tally { read: seq, ..Tally::default() }
    }

    /// A batch that ends with `last` goes out; so many of its events never did before.
    pub(super) fn on_sent(&mut self, last: Seq, events: u64) {
        self.sent += events;
        if events > 0 {
            self.open.push_back((last, self.sent));
        }
    }

    /// Everything up to `through` is confirmed.
    pub(super) fn on_confirmed(&mut self, through: Seq) {
        while let Some(&(_, sent)) = self.open.front().filter(|(last, _)| *last <= through) {
            self.confirmed = sent;
            self.open.pop_front();
        }
    }

    /// What comes after `after` up to `through` was read: these records, in order.
    pub(super) fn on_read(&mut self, after: Seq, through: Seq, records: impl Iterator<Item = Seq>) {
        let begin = after.max(self.read);
        if through > begin {
            let found = records.filter(|seq| *seq > begin).count() as u64;
            self.unreadable += (through.0 - begin.0).saturating_sub(found);
            self.read = through;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_goes_out_twice_counts_once_and_is_confirmed_once() {
        let mut tally = Tally::after(Seq(10));
        tally.on_sent(Seq(20), 5);
        tally.on_sent(Seq(15), 0);
        tally.on_confirmed(Seq(15));
        assert_eq!((tally.sent, tally.confirmed), (5, 0), "at least so many");
        tally.on_sent(Seq(30), 3);
        tally.on_confirmed(Seq(29));
        assert_eq!((tally.sent, tally.confirmed), (8, 5));
        tally.on_confirmed(Seq(40));
        assert_eq!((tally.sent, tally.confirmed), (8, 8));
    }

    #[test]
    fn what_is_not_there_is_counted_once_however_often_it_is_read() {
        let mut tally = Tally::after(Seq(10));
        for _ in 0..2 {
            tally.on_read(Seq(10), Seq(15), [13, 15].map(Seq).into_iter());
            assert_eq!(tally.unreadable, 3);
        }
        tally.on_read(Seq(12), Seq(17), [13, 15, 17].map(Seq).into_iter());
        assert_eq!(tally.unreadable, 4, "16");
        tally.on_read(Seq(17), Seq(20), [].into_iter());
        assert_eq!(tally.unreadable, 7);
    }
}
