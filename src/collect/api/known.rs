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
    /// Up to this row of an answer about the type all are known.
    through: Option<Time>,
}

/// What an answer shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// As many rows as the API shows at most, so that older ones may stand behind them.
    pub is_full: bool,
    /// All that the sensor sent.
    pub is_whole: bool,
    /// When it was for the sensor, if it said so. A row that is later, of a clock that was ahead, stays on top of every
    /// answer and says nothing about what stands behind it.
    pub now: Option<Time>,
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
        self.kind(&event.kind).push(event.id);
    }

    /// Sorts the rows of an answer, which come newest first, about `asked` type.
    pub(super) fn take(&mut self, asked: &str, rows: Vec<Parsed>, shown: Shown) -> New {
        let is_past = |time: &Time| shown.now.is_none_or(|now| *time <= now);
        let through = self.kinds.get(asked).and_then(|kind| kind.through).filter(is_past);
        let times = || rows.iter().filter_map(|row| time_of(&row.event));
        let (oldest, newest) = (times().min(), times().filter(is_past).max());
        let ids_max = IDS_MAX.max(rows.len() * 2);
        let mut occurrences: HashMap<EventId, u32> = HashMap::new();
        let (mut new, mut has_known_end) = (New::default(), false);
        for Parsed { mut event, mut identity, defect } in rows.into_iter().rev() {
            if identity.needs_position() {
                identity = identity.at(b"", 0);
            }
            let occurrence = occurrences.entry(identity.id(0)).or_default();
            event.id = identity.id(*occurrence);
            *occurrence += 1;
            let kind = self.kind(&event.kind);
            kind.ids_max = kind.ids_max.max(Some(ids_max));
            if kind.knows(event.id) {
                has_known_end |= time_of(&event) == oldest;
            } else {
                kind.push(event.id);
                new.defects.extend(defect);
                new.events.push(event);
            }
        }
        // Stable: rows of one time keep their order.
        new.events.sort_by_key(|event| event.time);
        // Half an answer makes its rows known, and none of those behind them.
        let reaches = match through.zip(oldest) {
            Some((through, oldest)) => oldest < through || oldest == through && has_known_end,
            None => has_known_end,
        };
        let may_hide = shown.is_full && newest.is_some() && !reaches;
        new.gap = oldest.filter(|_| may_hide).map(|oldest| (through, oldest));
        if shown.is_full || shown.is_whole {
            let kind = self.kind(&asked.into());
            kind.through = through.max(newest);
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

    const WHOLE: Shown = Shown { is_full: false, is_whole: true, now: None };

    /// Rows of one type by their times in seconds, newest first: an answer that is full when there are three.
    fn take(known: &mut Known, times: &[i64]) -> (Vec<i64>, Option<(Option<i64>, i64)>) {
        take_of(known, times, WHOLE)
    }

    fn take_of(known: &mut Known, times: &[i64], shown: Shown) -> (Vec<i64>, Option<(Option<i64>, i64)>) {
        let rows = times.iter().map(|&time| parsed("USER_OPERATION", time, "text")).collect();
        let shown = Shown { is_full: times.len() == 3, ..shown };
        let New { events, gap, .. } = known.take("USER_OPERATION", rows, shown);
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
    fn half_an_answer_hides_none_of_the_rows_behind_it() {
        let half = Shown { is_whole: false, ..WHOLE };
        let mut known = Known::default();
        assert_eq!(take(&mut known, &[2, 1]).1, None);
        assert_eq!(take_of(&mut known, &[9, 8], half), (vec![8, 9], None));
        assert_eq!(take(&mut known, &[10, 9, 8]), (vec![10], Some((Some(2), 8))));
        assert_eq!(take_of(&mut known, &[12], half).1, None);
        assert_eq!(take(&mut known, &[12, 11, 10]), (vec![11], None));
    }

    #[test]
    fn a_row_of_a_clock_that_was_ahead_hides_no_gap() {
        let at = |second: i64| Shown { now: Time::from_millis((BEGIN_SECONDS + second) * 1000), ..WHOLE };
        let mut known = Known::default();
        assert_eq!(take_of(&mut known, &[901, 900], at(901)).1, None);
        assert_eq!(take_of(&mut known, &[901, 900, 2], at(2)), (vec![2], Some((None, 2))));
        assert_eq!(take_of(&mut known, &[901, 9, 8], at(9)), (vec![8, 9], Some((Some(2), 8))));
        assert_eq!(take_of(&mut known, &[901, 9, 8], at(10)), (vec![], None));
        assert_eq!(take_of(&mut known, &[903, 902, 901], at(10)), (vec![902, 903], None));
    }

    #[test]
    fn what_the_journal_has_is_known_after_a_restart() {
        let (mut before, mut after) = (Known::default(), Known::default());
        let rows = || vec![parsed("A", 2, "x"), parsed("A", 1, "y"), parsed("A", 1, "y")];
        for event in before.take("A", rows(), WHOLE).events {
            after.remember(&event);
        }
        assert!(after.take("A", rows(), WHOLE).events.is_empty());
    }

    #[test]
    fn a_row_that_otrail_has_panicked_at_is_told_of_while_it_is_new() {
        let mut known = Known::default();
        let mut told = || {
            let panicked = guard(|| std::panic::resume_unwind(Box::new(()))).err();
            let bad = Parsed { defect: panicked, ..parsed("A", 2, "x") };
            known.take("A", vec![bad, parsed("A", 1, "y")], WHOLE).defects.len()
        };
        assert_eq!((told(), told()), (1, 0));
    }

    #[test]
    fn a_row_that_the_type_filter_let_through_is_taken_once_as_well() {
        let mut known = Known::default();
        let rows = || vec![parsed("B", 2, "x"), parsed("A", 1, "y")];
        assert_eq!(known.take("A", rows(), WHOLE).events.len(), 2);
        assert!(known.take("B", rows(), WHOLE).events.is_empty());
    }

    #[test]
    fn the_rows_of_an_answer_without_a_limit_are_taken_once_over_a_restart_as_well() {
        let (mut before, mut after) = (Known::default(), Known::default());
        let rows = || (0..3000).rev().map(|second| parsed("A", second, "x")).collect();
        let taken = before.take("A", rows(), WHOLE).events;
        assert_eq!((taken.len(), before.take("A", rows(), WHOLE).events.len()), (3000, 0));
        taken.iter().for_each(|event| after.remember(event));
        assert!(after.take("A", rows(), WHOLE).events.is_empty());
    }

    #[test]
    fn the_newest_hundred_are_known_however_many_came_before() {
        let mut known = Known::default();
        for second in 0..3000 {
            known.take("A", vec![parsed("A", second, "x")], WHOLE);
        }
        let rows = (2900..3000).rev().map(|second| parsed("A", second, "x")).collect();
        assert!(known.take("A", rows, WHOLE).events.is_empty());
    }
}
