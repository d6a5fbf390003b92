//! Which rows of an answer are new, and whether some may have been missed: pure.
//!
//! An answer overlaps the one before it, rows have no id, and two may be alike. So the n-th of equal rows in an answer
//! has the id of the n-th such entry: known, if that id is. A row that has changed is another entry.
//!
//! Invariant: a row that was taken once is not taken again while the API can still show it: it shows the newest 100
//! of a type, and ten times as many are remembered; of one that shows more, twice as many as an answer had.

use crate::dialect::Parsed;
use crate::model::guard::Panicked;
use crate::model::{Event, EventId, Flag, Text, Time};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// What is known of a source's rows.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By type.
    kinds: BTreeMap<Text, Kind>,
}

/// What is known of the rows of one type.
#[derive(Debug, Default)]
struct Kind {
    /// Halves of ids, as they came.
    ids: VecDeque<u64>,
    /// How many of them are remembered; `None` until an answer has shown how many are needed.
    ids_max: Option<usize>,
    newest: Option<Time>,
}

/// What an answer gave.
#[derive(Debug, Default)]
pub(super) struct New {
    /// Oldest first, with their ids.
    pub events: Vec<Event>,
    /// From when to when rows of that type may be missing.
    pub gap: Option<(Option<Time>, Time)>,
    /// Of each of them that otrail has panicked at, where.
    pub defects: Vec<Panicked>,
}

impl Known {
    /// An event of the journal.
    pub(super) fn remember(&mut self, event: &Event) {
        let kind = self.kind(&event.kind);
        kind.push(event.id);
        kind.see(event);
    }

    /// Sorts the rows of an answer, which come newest first, about `asked` type. `is_full`: as many as the API shows
    /// at most, so that older ones may stand behind them.
    pub(super) fn take(&mut self, asked: &str, rows: Vec<Parsed>, is_full: bool) -> New {
        let before = self.kinds.get(asked).and_then(|kind| kind.newest);
        let oldest = rows.iter().filter_map(|row| time_of(&row.event)).min();
        let ids_max = IDS_MAX.max(rows.len() * 2);
        let mut occurrences: HashMap<EventId, u32> = HashMap::new();
        let (mut new, mut known_rows) = (New::default(), 0);
        for Parsed { mut event, mut identity, defect } in rows.into_iter().rev() {
            if identity.needs_position() {
                identity = identity.at(b"", 0);
            }
            let occurrence = occurrences.entry(identity.id(0)).or_default();
            event.id = identity.id(*occurrence);
            *occurrence += 1;
            let kind = self.kind(&event.kind);
            kind.ids_max = kind.ids_max.max(Some(ids_max));
            kind.see(&event);
            if kind.knows(event.id) {
                known_rows += 1;
            } else {
                kind.push(event.id);
                new.defects.extend(defect);
                new.events.push(event);
            }
        }
        // Stable: rows of one time keep their order.
        new.events.sort_by_key(|event| event.time);
        if let Some(oldest) = oldest.filter(|_| is_full && known_rows == 0)
            && before.is_none_or(|before| before <= oldest)
        {
            new.gap = Some((before, oldest));
        }
        new
    }

    fn kind(&mut self, name: &Text) -> &mut Kind {
        let name = match self.kinds.contains_key(name) || self.kinds.len() < KINDS_MAX {
            true => name.clone(),
            false => Text::default(),
        };
        self.kinds.entry(name).or_default()
    }
}

impl Kind {
    fn knows(&self, id: EventId) -> bool {
        let (first, second) = self.ids.as_slices();
        first.contains(&half(id)) || second.contains(&half(id))
    }

    fn push(&mut self, id: EventId) {
        while self.ids.len() >= self.ids_max.unwrap_or(IDS_AT_START) {
            self.ids.pop_front();
        }
        self.ids.push_back(half(id));
    }

    fn see(&mut self, event: &Event) {
        self.newest = self.newest.max(time_of(event));
    }
}

/// When a row says it happened.
fn time_of(event: &Event) -> Option<Time> {
    (!event.flags.contains(Flag::TIME_ASSUMED)).then_some(event.time)
}

/// Half of an id is enough to know it again.
fn half(id: EventId) -> u64 {
    id.0 as u64
}

/// Ids that are remembered of a type at least.
const IDS_MAX: usize = 1024;
/// Ids that are taken from the journal, which does not say how many rows an answer has.
const IDS_AT_START: usize = 8192;
/// Types that are told apart; about 80 are documented.
const KINDS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::api::tests::{BEGIN_SECONDS, parsed};
    use crate::model::guard::guard;

    /// Rows of one type by their times in seconds, newest first; `is_full` when there are three.
    fn take(known: &mut Known, times: &[i64]) -> (Vec<i64>, Option<(Option<i64>, i64)>) {
        let rows = times.iter().map(|&time| parsed("USER_OPERATION", time, "text")).collect();
        let New { events, gap, .. } = known.take("USER_OPERATION", rows, times.len() == 3);
        let seconds = |time: Time| time.millis() / 1000 - BEGIN_SECONDS;
        let gap = gap.map(|(from, to)| (from.map(seconds), seconds(to)));
        (events.iter().map(|event| seconds(event.time)).collect(), gap)
    }

    #[test]
    fn what_overlaps_is_taken_once_and_oldest_first() {
        let mut known = Known::default();
        assert_eq!(take(&mut known, &[2, 1]), (vec![1, 2], None));
        assert_eq!(take(&mut known, &[2, 1]), (vec![], None));
        assert_eq!(take(&mut known, &[4, 3, 2]), (vec![3, 4], None));
    }

    #[test]
    fn equal_rows_are_counted() {
        let mut known = Known::default();
        assert_eq!(take(&mut known, &[1]), (vec![1], None));
        assert_eq!(take(&mut known, &[1, 1]), (vec![1], None));
        assert_eq!(take(&mut known, &[1]), (vec![], None));
        assert_eq!(take(&mut known, &[2, 1, 1]), (vec![2], None));
    }

    #[test]
    fn a_full_answer_without_anything_known_may_hide_rows() {
        let mut known = Known::default();
        assert_eq!(take(&mut known, &[3, 2, 1]).1, Some((None, 1)));
        assert_eq!(take(&mut known, &[5, 4, 3]).1, None);
        assert_eq!(take(&mut known, &[9, 8, 7]), (vec![7, 8, 9], Some((Some(5), 7))));
    }

    #[test]
    fn what_the_journal_has_is_known_after_a_restart() {
        let (mut before, mut after) = (Known::default(), Known::default());
        let rows = || vec![parsed("A", 2, "x"), parsed("A", 1, "y"), parsed("A", 1, "y")];
        for event in before.take("A", rows(), false).events {
            after.remember(&event);
        }
        assert!(after.take("A", rows(), true).events.is_empty());
    }

    #[test]
    fn a_row_that_otrail_has_panicked_at_is_told_of_while_it_is_new() {
        let mut known = Known::default();
        let mut told = || {
            let panicked = guard(|| std::panic::resume_unwind(Box::new(()))).err();
            let bad = Parsed { defect: panicked, ..parsed("A", 2, "x") };
            known.take("A", vec![bad, parsed("A", 1, "y")], false).defects.len()
        };
        assert_eq!((told(), told()), (1, 0));
    }

    #[test]
    fn a_row_that_the_type_filter_let_through_is_taken_once_as_well() {
        let mut known = Known::default();
        let rows = || vec![parsed("B", 2, "x"), parsed("A", 1, "y")];
        assert_eq!(known.take("A", rows(), false).events.len(), 2);
        assert!(known.take("B", rows(), false).events.is_empty());
    }

    #[test]
    fn the_rows_of_an_answer_without_a_limit_are_taken_once_over_a_restart_as_well() {
        let (mut before, mut after) = (Known::default(), Known::default());
        let rows = || (0..3000).rev().map(|second| parsed("A", second, "x")).collect();
        let taken = before.take("A", rows(), true).events;
        assert_eq!((taken.len(), before.take("A", rows(), true).events.len()), (3000, 0));
        taken.iter().for_each(|event| after.remember(event));
        assert!(after.take("A", rows(), true).events.is_empty());
    }

    #[test]
    fn the_newest_hundred_are_known_however_many_came_before() {
        let mut known = Known::default();
        for second in 0..3000 {
            known.take("A", vec![parsed("A", second, "x")], false);
        }
        let rows = (2900..3000).rev().map(|second| parsed("A", second, "x")).collect();
        assert!(known.take("A", rows, true).events.is_empty());
    }
}
