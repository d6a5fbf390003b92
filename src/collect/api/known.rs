//! Which rows of an answer are new, and whether some may have been missed: pure.
//!
//! An answer overlaps the one before it, rows have no id, and two may be alike. So the n-th of equal rows in an answer
//! has the id of the n-th such entry: known, if that id is. A row that has changed is another entry.
//!
//! Invariant: a row that was taken once is not taken again while the API can still show it: it shows the newest 100
//! of a type, and ten times as many are remembered; of one that shows more, twice as many as an answer had. Until a
//! whole answer has come since the start, all that the journal has are remembered, as far as an answer can hold them.

use crate::dialect::Parsed;
use crate::model::guard::Panicked;
use crate::model::{Event, EventId, Flag, Text, Time};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// What is known of a source's rows.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By type.
    kinds: BTreeMap<Text, Kind>,
}

/// What is known of the rows of one type.
#[derive(Debug, Default)]
struct Kind {
    /// Halves of ids, as they came, each once.
    ids: VecDeque<u64>,
    /// The same, to find one.
    found: HashSet<u64>,
    /// How many of them are remembered; `None` until a whole answer has shown how many are needed.
    ids_max: Option<usize>,
    /// Up to this row of an answer about the type all are known, or told as a gap.
    through: Option<Time>,
    /// The latest row of the journal that was not ahead of the clock when it was read.
    journaled: Option<Time>,
    /// The last answer about the type was full, and none of its rows was of the past.
    is_hidden: bool,
}

/// What an answer shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// As many rows as the API shows at most, so that older ones may stand behind them.
    pub is_full: bool,
    /// All that the sensor sent.
    pub is_whole: bool,
    /// When it was given, by the sensor's clock if it said so.
    pub at: Time,
    /// If it said so: a row that is later than this, of a clock that was ahead, stays on top of every answer and says
    /// nothing about what stands behind it.
    pub past_until: Option<Time>,
}

/// What an answer gave.
#[derive(Debug, Default)]
pub(super) struct New {
    /// Oldest first, with their ids.
    pub events: Vec<Event>,
    /// From when to when rows of that type may be missing.
    pub gap: Option<(Option<Time>, Time)>,
    /// The latest row of that type in the journal that was not ahead of its clock: what is known of a source that was
    /// stopped before it had answered every question once.
    pub journaled: Option<Time>,
    /// That is because none of the rows is of the past.
    pub is_hidden: bool,
    /// Of each of them that otrail has panicked at, where.
    pub defects: Vec<Panicked>,
}

impl Known {
    /// An event of the journal.
    pub(super) fn remember(&mut self, event: &Event) {
        let kind = self.kind(&event.kind);
        kind.push(event.id);
        let is_past = |time: &Time| *time <= event.seen.plus_millis(super::LATER_MILLIS);
        kind.journaled = kind.journaled.max(time_of(event).filter(is_past));
    }

    /// Sorts the rows of an answer, which come newest first, about `asked` type.
    pub(super) fn take(&mut self, asked: &str, rows: Vec<Parsed>, shown: Shown) -> New {
        let is_past = |time: &Time| shown.past_until.is_none_or(|until| *time <= until);
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
            kind.need(ids_max, shown.is_whole);
            if kind.push(event.id) {
                new.defects.extend(defect);
                new.events.push(event);
            } else {
                has_known_end |= time_of(&event) == oldest;
            }
        }
        // Stable: rows of one time keep their order.
        new.events.sort_by_key(|event| event.time);
        let kind = self.kind(&asked.into());
        kind.need(IDS_MAX, shown.is_whole);
        // Half an answer makes its rows known, and none of those behind them.
        let reaches = match through.zip(oldest) {
            Some((through, oldest)) => oldest < through || oldest == through && has_known_end,
            None => has_known_end,
        };
        new.journaled = kind.journaled.filter(is_past);
        new.is_hidden = shown.is_full && newest.is_none();
        new.gap = match new.is_hidden {
            // What is behind them shows only once they are past, and then as a gap from here on: told once is enough.
            true => {
                let from = through.or(new.journaled);
                (!kind.is_hidden || !has_known_end).then_some((from, shown.at))
            }
            false => oldest.filter(|_| shown.is_full && !reaches).map(|oldest| (through, oldest)),
        };
        if shown.is_full || shown.is_whole {
            let told = new.gap.filter(|_| new.is_hidden).map(|(_, to)| to);
            kind.through = through.max(newest).max(told);
            kind.is_hidden = new.is_hidden;
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
    /// Whether it was not known yet.
    fn push(&mut self, id: EventId) -> bool {
        if !self.found.insert(half(id)) {
            return false;
        }
        self.ids.push_back(half(id));
        self.cut();
        true
    }

    /// So many ids are needed after an answer. One that breaks off does not show how many at most.
    fn need(&mut self, ids_max: usize, is_whole: bool) {
        if is_whole || self.ids_max.is_some() {
            self.ids_max = self.ids_max.max(Some(ids_max));
            self.cut();
        }
    }

    fn cut(&mut self) {
        let surplus = self.ids.len().saturating_sub(self.ids_max.unwrap_or(IDS_AT_START));
        for id in self.ids.drain(..surplus) {
            self.found.remove(&id);
        }
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
/// Ids of a type that are taken from the journal at most, which does not say how many rows an answer has: in the longest
/// of all (8 MiB) that many have 64 bytes each, and a row has about 300.
const IDS_AT_START: usize = 131_072;
/// Types that are told apart; about 80 are documented.
const KINDS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::api::tests::{BEGIN_SECONDS, parsed};
    use crate::model::guard::guard;

    const WHOLE: Shown = Shown { is_full: false, is_whole: true, at: Time::MIN, past_until: None };

    /// A whole answer, given so many seconds after the beginning.
    fn at(second: i64) -> Shown {
        let at = Time::from_millis((BEGIN_SECONDS + second) * 1000).unwrap();
        Shown { at, past_until: Some(at), ..WHOLE }
    }

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
        let mut known = Known::default();
        assert_eq!(take_of(&mut known, &[901, 900], at(901)).1, None);
        assert_eq!(take_of(&mut known, &[901, 900, 2], at(2)), (vec![2], Some((None, 2))));
        assert_eq!(take_of(&mut known, &[901, 9, 8], at(9)), (vec![8, 9], Some((Some(2), 8))));
        assert_eq!(take_of(&mut known, &[901, 9, 8], at(10)), (vec![], None));
        assert_eq!(take_of(&mut known, &[903, 902, 901], at(10)), (vec![902, 903], Some((Some(9), 10))));
    }

    #[test]
    fn a_full_answer_of_rows_ahead_of_the_clock_is_a_gap_once_and_another_until_they_are_past() {
        let mut known = Known::default();
        assert_eq!(take_of(&mut known, &[2, 1], at(2)).1, None);
        assert_eq!(take_of(&mut known, &[903, 902, 901], at(903)).1, Some((Some(2), 901)));
        assert_eq!(take_of(&mut known, &[903, 902, 901], at(10)), (vec![], Some((None, 10))));
        assert_eq!(take_of(&mut known, &[903, 902, 901], at(11)), (vec![], None));
        assert_eq!(take_of(&mut known, &[904, 903, 902], at(12)), (vec![904], None));
        assert_eq!(take_of(&mut known, &[907, 906, 905], at(13)).1, Some((Some(10), 13)));
        assert_eq!(take_of(&mut known, &[907, 906, 905], at(905)), (vec![], Some((Some(13), 905))));
        assert_eq!(take_of(&mut known, &[907, 906, 905], at(906)), (vec![], None));
    }

    #[test]
    fn after_a_restart_rows_ahead_of_the_clock_hide_what_came_since_the_last_of_the_journal_that_was_not() {
        let (mut before, mut after) = (Known::default(), Known::default());
        for time in [[903, 902, 901], [9, 8, 7]] {
            let rows = time.map(|second| parsed("USER_OPERATION", second, "text")).into();
            for mut event in before.take("USER_OPERATION", rows, WHOLE).events {
                event.seen = at(9).at;
                after.remember(&event);
            }
        }

        assert_eq!(take_of(&mut after, &[903, 902, 901], at(10)), (vec![], Some((Some(9), 10))));
        assert_eq!(take_of(&mut after, &[903, 902, 901], at(11)), (vec![], None));
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
    fn what_was_journaled_before_any_answer_was_told_as_whole_is_where_a_gap_begins() {
        let (mut before, mut after) = (Known::default(), Known::default());
        let events = before.take("USER_OPERATION", vec![parsed("USER_OPERATION", 2, "text")], WHOLE).events;
        events.iter().for_each(|event| after.remember(event));
        let rows = [9, 8, 7].map(|second| parsed("USER_OPERATION", second, "text")).into();
        let new = after.take("USER_OPERATION", rows, Shown { is_full: true, ..at(9) });
        assert_eq!(new.gap, Some((None, at(7).at)));
        assert_eq!(new.journaled, Some(at(2).at), "an agent that knows no whole answer takes this");
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
        let rows = |from| (from..10_000).rev().map(|second| parsed("A", second, "x")).collect();
        let taken = before.take("A", rows(0), WHOLE).events;
        assert_eq!((taken.len(), before.take("A", rows(0), WHOLE).events.len()), (10_000, 0));
        taken.iter().for_each(|event| after.remember(event));
        let half = Shown { is_whole: false, ..WHOLE };
        assert!(after.take("A", rows(9_990), half).events.is_empty());
        assert!(after.take("A", rows(0), WHOLE).events.is_empty());
    }

    #[test]
    fn as_many_are_remembered_as_the_first_whole_answer_needs() {
        let mut known = Known::default();
        let mut event = parsed("A", 1, "x").event;
        for id in 0..200_000 {
            event.id = EventId(id);
            known.remember(&event);
        }
        assert_eq!(known.kinds[&Text::from("A")].ids.len(), IDS_AT_START);
        known.take("A", Vec::new(), WHOLE);
        let kind = &known.kinds[&Text::from("A")];
        assert_eq!((kind.ids.len(), kind.found.len()), (IDS_MAX, IDS_MAX));
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
