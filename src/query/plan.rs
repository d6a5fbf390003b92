//! Which parts of the journal a search has to read, newest first: what the index says cannot match is passed over.
//!
//! ```text
//! time of a frame ─▶ values of its columns ─▶ beginnings of its ids ─▶ runs of its text ─▶ it is read
//! ```
//!
//! Invariant: only what cannot hold a wanted record is passed over; a segment without an index is always read.

use crate::filter::{Filter, OneOf};
use crate::journal::{Column, Counted, FrameSet, Index, JournalError, Part, Scan, Values};
use crate::model::{Seq, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// A part of the journal that is read in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Which of the parts.
    pub part: usize,
    /// Which frame of it; `None` is all that its index does not know.
    pub frame: Option<usize>,
    /// No record of it is newer.
    pub newest: Time,
}

impl Stretch {
    /// Reads it, up to `through`.
    pub(super) fn scan(&self, part: &Part, through: Seq) -> Result<Scan, JournalError> {
        let scan = self.frame.map_or_else(|| part.scan_rest(), |frame| part.scan_frame(frame));
        scan.map(|scan| scan.through(through))
    }
}

/// What a filter asks of the index.
pub(super) struct Plan {
    filter: Arc<Filter>,
    since: Time,
    until: Time,
    columns: Vec<Wish>,
    ids: Vec<String>,
    /// Of each set, one text must stand in what a frame says.
    literals: Vec<OneOf>,
    /// The same of what a record says.
    texts: Vec<Vec<String>>,
    /// What is known of the frames of each part that was asked.
    known: HashMap<usize, Known>,
    /// The frames of each part that was asked that have a record which this otrail cannot read; `None` when nobody knows.
    unreadable: HashMap<usize, Option<FrameSet>>,
    /// Whether it can read records with a value of the column that every record has.
    readable: HashMap<Vec<u8>, bool>,
}

/// What the index of a part says about the filter.
struct Known {
    /// The frames that may match; `None` when it has nothing to say.
    frames: Option<FrameSet>,
    /// For each frame how many of its records match; empty where that is not known.
    counts: Vec<Count>,
}

/// How many records of a frame match by one of the columns.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// They do, whatever else they have.
    yes: u64,
    /// They may: other fields decide, or nobody knows.
    maybe: u64,
}

/// What is judged by the fields of one column.
struct Wish {
    column: Column,
    /// What became of values seen before: segments have most of them in common.
    known: HashMap<Vec<u8>, Option<bool>>,
}

impl Plan {
    pub(super) fn new(filter: &Arc<Filter>) -> Plan {
        let (since, until) = filter.range();
        let asks = |column: &Column| filter.fields().any(|name| column_of(name) == Some(*column));
        let wish = |column| Wish { column, known: HashMap::new() };
        let is_cheap = |set: &Vec<String>| {
            set.len() <= TEXTS_MAX && set.iter().all(|text| text.is_ascii() && text.len() >= TEXT_BYTES_MIN)
        };
        Plan {
            since: since.unwrap_or(Time::MIN),
            until: until.unwrap_or(Time::MAX),
            columns: Column::ALL.into_iter().filter(asks).map(wish).collect(),
            ids: filter.words().filter(|(name, _)| *name == "id").map(|(_, id)| id.to_owned()).collect(),
            literals: filter.literals().filter(|set| is_cheap(&set.texts)).collect(),
            texts: filter.texts().filter(is_cheap).collect(),
            known: HashMap::new(),
            unreadable: HashMap::new(),
            readable: HashMap::new(),
            filter: Arc::clone(filter),
        }
    }

    /// Everything that may hold a wanted record by its time, the newest first.
    pub(super) fn stretches(&self, parts: &[Part], through: Seq) -> Vec<Stretch> {
        let mut all = Vec::new();
        let (from, to) = self.filter.places();
        let through = through.min(to);
        for (part, found) in parts.iter().enumerate().filter(|(_, part)| part.first() <= through) {
            if found.has_rest() {
                all.push(Stretch { part, frame: None, newest: Time::MAX });
            }
            match found.index() {
                None => {}
                Some(index) => {
                    let frames = index.frames().iter().enumerate();
                    let in_time = frames.filter(|(_, facts)| {
                        let in_places = facts.first <= through && facts.first.0 + facts.count > from.0;
                        in_places && facts.newest >= self.since && facts.oldest <= self.until
                    });
                    all.extend(in_time.map(|(frame, facts)| Stretch {
                        part,
                        frame: Some(frame),
                        newest: facts.newest,
                    }));
                }
            }
        }
        // Of equal times the later place comes first, as in answers.
        all.sort_by_key(|stretch| std::cmp::Reverse((stretch.newest, stretch.part, stretch.frame)));
        all
    }

    /// Segments that are gone from the middle of the journal, one sentence each: nobody knows what they held. What is gone
    /// from its beginning was removed for its age.
    pub(super) fn holes(&self, parts: &[Part], through: Seq) -> Vec<String> {
        let holes = parts.windows(2).filter_map(|two| two[0].missing_behind(&two[1]));
        let asked = holes.filter(|&hole| is_asked(&self.filter, hole, through));
        asked.map(|(first, last)| JournalError::Gap { first, last }.to_string()).collect()
    }

    /// Whether the stretch may hold a wanted record by all that the index says.
    pub(super) fn may_match(&mut self, stretch: &Stretch, part: &Part) -> bool {
        let (Some(frame), Some(index)) = (stretch.frame, part.index()) else { return true };
        self.known(stretch.part, index).frames.as_ref().is_none_or(|set| set.contains(frame))
    }

    /// No more records of the stretch match than so many, where that is known.
    pub(super) fn most(&mut self, stretch: &Stretch, part: &Part) -> Option<u64> {
        let (frame, index) = (stretch.frame?, part.index()?);
        self.known(stretch.part, index).counts.get(frame).map(|count| count.yes + count.maybe)
    }

    fn known(&mut self, part: usize, index: &Index) -> &Known {
        if !self.known.contains_key(&part) {
            let known = self.ask(index);
            self.known.insert(part, known);
        }
        &self.known[&part]
    }

    fn ask(&mut self, index: &Index) -> Known {
        let frames = index.frames().len();
        let (mut set, mut counts): (Option<FrameSet>, Vec<Count>) = (None, Vec::new());
        let mut keep = |found: FrameSet| match &mut set {
            Some(set) => set.keep(&found),
            None => set = Some(found),
        };
        for wish in &mut self.columns {
            let values = index.column(wish.column);
            let Some(found) = values.and_then(|values| wish.counts(&values, frames, &self.filter)) else {
                continue;
            };
            let mut may_match = FrameSet::none(frames);
            for (frame, count) in found.iter().enumerate() {
                if count.yes + count.maybe > 0 {
                    may_match.insert(frame);
                }
            }
            keep(may_match);
            counts = Count::best(counts, found);
        }
        if !self.ids.is_empty() {
            let ids: Vec<&str> = self.ids.iter().map(String::as_str).collect();
            index.with_ids(&ids).map(&mut keep);
        }
        let literals = self.literals.iter().map(|set| match set.is_number {
            true => with_one(&set.texts, |text| index.with_literal(text)),
            false => with_one(&set.texts, |text| index.with_text(text)),
        });
        let texts = self.texts.iter().map(|set| with_one(set, |text| index.with_text(text)));
        literals.chain(texts).flatten().for_each(&mut keep);
        Known { frames: set, counts }
    }

    /// Whether every record of a frame is in the range of times and no newer than `through`.
    pub(super) fn is_whole(&self, stretch: &Stretch, part: &Part, through: Seq) -> bool {
        let facts = stretch.frame.zip(part.index()).and_then(|(frame, index)| index.frames().get(frame));
        facts.is_some_and(|facts| {
            let in_time = facts.oldest >= self.since && facts.newest <= self.until;
            in_time && facts.first.0 + facts.count <= through.0.saturating_add(1)
        })
    }

    /// Whether every record of a stretch is in the range of times.
    pub(super) fn is_in_time(&self, stretch: &Stretch, part: &Part, through: Seq) -> bool {
        self.filter.range() == (None, None) || self.is_whole(stretch, part, through)
    }

    /// Whether this otrail can read all records of a stretch, by what every record has: class, action, outcome and so on. One
    /// that was written by a later otrail is not counted without a word.
    pub(super) fn reads_all(&mut self, stretch: &Stretch, part: &Part) -> bool {
        let (Some(frame), Some(index)) = (stretch.frame, part.index()) else { return false };
        if !self.unreadable.contains_key(&stretch.part) {
            let found = index.column(Column::What).and_then(|values| self.unreadable(&values, index));
            self.unreadable.insert(stretch.part, found);
        }
        self.unreadable[&stretch.part].as_ref().is_some_and(|set| !set.contains(frame))
    }

    fn unreadable(&mut self, values: &Values, index: &Index) -> Option<FrameSet> {
        let mut found = FrameSet::none(index.frames().len());
        for value in values.iter() {
            let is_readable = match self.readable.get(value.json) {
                Some(&known) => known,
                None => {
                    let is_readable = value.record(Column::What).is_some();
                    if self.readable.len() < KNOWN_MAX {
                        self.readable.insert(value.json.to_vec(), is_readable);
                    }
                    is_readable
                }
            };
            if !is_readable {
                value.each_frame(|frame, _| found.insert(frame))?;
            }
        }
        Some(found)
    }

    /// The values of the column that has all of a field, when it alone decides which of them are wanted.
    pub(super) fn values(&mut self, part: &Part, field: &str) -> Option<(Column, Values)> {
        let column = column_of(field)?;
        let is_told = self.filter.fields().all(|name| column_of(name) == Some(column));
        Some((column, part.index().filter(|_| is_told)?.column(column)?))
    }

    /// Whether records with one of these values are wanted; `None` when this otrail cannot read it.
    pub(super) fn is_wanted(&mut self, value: &Counted<'_>) -> Option<bool> {
        self.columns.first_mut().map_or(Some(true), |wish| wish.verdict(value, &self.filter))
    }

    /// How many records of a stretch match, when the index alone can tell; every record of the frame must be in the
    /// range of times and no newer than `through`.
    pub(super) fn count(&mut self, stretch: &Stretch, part: &Part, through: Seq) -> Option<u64> {
        let (frame, index) = (stretch.frame?, part.index()?);
        let facts = index.frames().get(frame)?;
        if !self.is_whole(stretch, part, through) || !self.reads_all(stretch, part) {
            return None;
        }
        if self.filter.fields().next().is_none() {
            return Some(facts.count);
        }
        let count = self.known(stretch.part, index).counts.get(frame)?;
        (count.maybe == 0).then_some(count.yes)
    }
}

/// Whether a wanted record may have been among these, the first and the last of which are told.
pub(super) fn is_asked(filter: &Filter, (first, last): (Seq, Seq), through: Seq) -> bool {
    let (from, to) = filter.places();
    first <= through.min(to) && last >= from
}

/// The frames that may have one of these texts; `None` when it is not known of one of them.
fn with_one(texts: &[String], frames: impl Fn(&str) -> Option<FrameSet>) -> Option<FrameSet> {
    let joined = texts.iter().map(|text| frames(text)).reduce(|left, right| {
        let (mut left, right) = (left?, right?);
        left.join(&right);
        Some(left)
    });
    joined.flatten()
}

impl Count {
    /// Of each frame what knows better: the least that can match, and of the same the one that is certain.
    fn best(one: Vec<Count>, other: Vec<Count>) -> Vec<Count> {
        if one.is_empty() {
            return other;
        }
        let better =
            |(one, other)| std::cmp::min_by_key(one, other, |it: &Count| (it.yes + it.maybe, it.maybe));
        one.into_iter().zip(other).map(better).collect()
    }
}

impl Wish {
    /// How many records of each frame match by this column; `None` when it cannot be read.
    fn counts(&mut self, values: &Values, frames: usize, filter: &Filter) -> Option<Vec<Count>> {
        let mut counts = vec![Count::default(); frames];
        for value in values.iter() {
            let verdict = self.verdict(&value, filter);
            if verdict == Some(false) {
                continue;
            }
            value.each_frame(|frame, count| match counts.get_mut(frame) {
                Some(sum) if verdict.is_some() => sum.yes += count,
                Some(sum) => sum.maybe += count,
                None => {}
            })?;
        }
        Some(counts)
    }

    /// Whether records with a value are wanted; `None` where other fields decide, or this otrail cannot read it.
    fn verdict(&mut self, value: &Counted<'_>, filter: &Filter) -> Option<bool> {
        if let Some(&known) = self.known.get(value.json) {
            return known;
        }
        let knows = |name: &str| column_of(name) == Some(self.column);
        let verdict = value.record(self.column).and_then(|record| filter.judge(&knows, &record));
        if self.known.len() < KNOWN_MAX {
            self.known.insert(value.json.to_vec(), verdict);
        }
        verdict
    }
}

/// The column that has all of a field, by its name as a word, in an expression or in an answer.
fn column_of(field: &str) -> Option<Column> {
    Some(match field {
        "class" | "action" | "code" | "outcome" | "severity" | "sensor" | "source" | "type" | "flag"
        | "flags" => Column::What,
        "user" | "domain" | "account" | "role" => Column::Who,
        "client" => Column::Client,
        "target" | "target-kind" | "target-name" | "target-id" => Column::Target,
        _ => return None,
    })
}

/// A longer list costs more to look up than it spares.
const TEXTS_MAX: usize = 16;
/// A text has at least one run of the index.
const TEXT_BYTES_MIN: usize = 3;
/// Values that are remembered from one segment to the next.
const KNOWN_MAX: usize = 100_000;
