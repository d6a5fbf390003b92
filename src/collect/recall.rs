//! The ids of the newest entries of each source, from the journal: what ordinals are rebuilt from.
//!
//! ```text
//! 1 a @10    2 b @20    3 c @30    4 position_reset @10    5 b @20      @ is the position in the file
//! ```
//!
//! Of these, 1 and 5 count. What stands behind a place to which the reading went back was taken back: it is read again,
//! and must get the ids that it had.

use super::ordinals::{Ordinals, WINDOW};
use super::source::Source;
use crate::journal::Journal;
use crate::model::{Action, EventId, FileNo, Flag, Position, Record, Seq, Text};
use std::collections::HashMap;

/// Rebuilds the ordinals of these sources as of the places where their files are read on.
pub(super) fn recall(journal: &Journal, sources: &mut [Source]) {
    let mut wanted = Wanted::new(sources);
    let mut through = journal.newest();
    let mut count = WINDOW as u64 * sources.len() as u64;
    loop {
        let after = Seq(through.0.saturating_sub(count));
        let lines = journal.scan().after(after).through(through).flatten();
        let mut brought = 0;
        let found: Vec<Found> = lines
            .filter_map(|mut line| line.decode())
            .inspect(|record| brought += u64::from(record.event.flags.contains(Flag::BACKFILLED)))
            .filter_map(|record| wanted.find(&record))
            .collect();
        found.iter().rev().for_each(|found| wanted.take(*found));
        // Only what was taken back, or brought from elsewhere, makes it worth looking further.
        let is_short = wanted.is_short();
        if after == Seq::NONE || !is_short && (brought == 0 || wanted.is_full()) {
            break;
        }
        (through, count) = (after, if is_short { FURTHER } else { brought });
    }
    for (source, ids) in sources.iter_mut().zip(wanted.ids) {
        source.ordinals = Ordinals::default();
        ids.into_iter().rev().for_each(|id| source.ordinals.remember(id));
    }
}

/// What a record says of a position.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// The source whose entry it is; none for a reset.
    source: Option<usize>,
    id: EventId,
    position: Position,
}

/// Walks from the newest record to the oldest.
#[derive(Debug)]
struct Wanted {
    names: Vec<Text>,
    /// Newest first.
    ids: Vec<Vec<EventId>>,
    /// An entry counts when it ends here or before.
    limits: HashMap<FileNo, u64>,
    taken_back: Vec<bool>,
}

impl Wanted {
    fn new(sources: &[Source]) -> Wanted {
        Wanted {
            names: sources.iter().map(|source| source.name.clone()).collect(),
            ids: vec![Vec::new(); sources.len()],
            limits: sources.iter().flat_map(Source::offsets).collect(),
            taken_back: vec![false; sources.len()],
        }
    }

    fn find(&self, record: &Record) -> Option<Found> {
        let position = record.position?;
        let source = self.names.iter().position(|name| *name == record.event.source);
        let is_wanted = source.is_some() || record.event.action == Action::POSITION_RESET;
        is_wanted.then_some(Found { source, id: record.event.id, position })
    }

    fn take(&mut self, found: Found) {
        let limit = self.limits.entry(found.position.file).or_insert(u64::MAX);
        let offset = found.position.offset;
        let Some(source) = found.source else {
            *limit = offset.min(*limit);
            return;
        };
        if offset > *limit {
            self.taken_back[source] = true;
            return;
        }
        // What ends at the same place, and is older, is the same entry.
        *limit = offset.saturating_sub(1);
        if self.ids[source].len() < WINDOW {
            self.ids[source].push(found.id);
        }
    }

    /// Whether every source has as many ids as are remembered.
    fn is_full(&self) -> bool {
        self.ids.iter().all(|ids| ids.len() >= WINDOW)
    }

    /// Whether a source has fewer ids than it would have, had nothing been taken back.
    fn is_short(&self) -> bool {
        self.ids.iter().zip(&self.taken_back).any(|(ids, &taken_back)| taken_back && ids.len() < WINDOW)
    }
}

/// Records that are looked at in one go when the first ones were not enough.
const FURTHER: u64 = 4 * WINDOW as u64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these count: (file, offset, whether it is a reset), oldest first, their ids being their places.
    fn counted(table: &[(u32, u64)], records: &[(u32, u64, bool)]) -> Vec<u128> {
        let limits = table.iter().map(|&(file, offset)| (FileNo(file), offset)).collect();
        let mut wanted =
            Wanted { names: vec![Text::from("a")], ids: vec![Vec::new()], limits, taken_back: vec![false] };
        for (at, &(file, offset, is_reset)) in records.iter().enumerate().rev() {
            let position = Position { file: FileNo(file), offset };
            wanted.take(Found { source: (!is_reset).then_some(0), id: EventId(at as u128), position });
        }
        wanted.ids[0].iter().rev().map(|id| id.0).collect()
    }

    #[test]
    fn what_was_taken_back_does_not_count() {
        let records = [(1, 10, false), (1, 20, false), (1, 30, false), (1, 10, true), (1, 20, false)];
        assert_eq!(counted(&[(1, 20)], &records), [0, 4]);
        // Before anything has been read again.
        assert_eq!(counted(&[(1, 10)], &records[..4]), [0]);
        // By the place alone, as while it is being changed.
        assert_eq!(counted(&[(1, 10)], &records[..3]), [0]);
        // Read again to the end, and on.
        let mut all = records.to_vec();
        all.extend([(1, 30, false), (1, 40, false)]);
        assert_eq!(counted(&[(1, 40)], &all), [0, 4, 5, 6]);
    }

    #[test]
    fn what_was_passed_over_and_other_files_count_as_they_are() {
        let records = [(1, 10, false), (2, 5, false), (1, 100, true), (1, 110, false), (2, 9, false)];
        assert_eq!(counted(&[(1, 110), (2, 9)], &records), [0, 1, 3, 4]);
        // A file that is not known any more.
        assert_eq!(counted(&[], &records), [0, 1, 3, 4]);
    }
}
