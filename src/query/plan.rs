//! Which parts of the journal a search has to read, newest first: what the index says cannot match is passed over.
//!
//! ```text
//! time of a frame ─▶ values of its columns ─▶ beginnings of its ids ─▶ runs of its text ─▶ it is read
//! ```
//!
//! Invariant: only what cannot hold a wanted record is passed over; a segment without an index is always read.

use crate::filter::Filter;
use crate::journal::{Column, Counted, FrameSet, Index, JournalError, Part, Scan};
use crate::model::{Record, Seq, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// A part of the journal that is read in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Which of the parts.
    pub part: usize,
    /// Which frame of it; `None` is all of it.
    pub frame: Option<usize>,
    /// No record of it is newer.
    pub newest: Time,
}

impl Stretch {
    /// Reads it, up to `through`.
    pub(super) fn scan(&self, part: &Part, through: Seq) -> Result<Scan, JournalError> {
        let scan = self.frame.map_or_else(|| part.scan(), |frame| part.scan_frame(frame));
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
    texts: Vec<Vec<String>>,
    /// The frames that may match, for each part that was asked.
    found: HashMap<usize, Option<FrameSet>>,
}

/// Words that are judged by one column alone.
struct Wish {
    column: Column,
    /// What became of values seen before: segments have most of them in common.
    known: HashMap<Vec<u8>, Verdict>,
    /// How many records of each frame match, of the part that was counted last; `None` where that is not known.
    counted: Option<(usize, Vec<Option<u64>>)>,
}

/// A value as a record that has it, and how many records of which frames do.
pub(super) type Placed = (Record, Vec<(u32, u32)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    /// This otrail cannot read it.
    Unknown,
}

impl Plan {
    pub(super) fn new(filter: &Arc<Filter>) -> Plan {
        let (since, until) = filter.range();
        let words: Vec<(&str, &str)> = filter.words().collect();
        let asks = |column: &Column| words.iter().any(|&(name, _)| column_of(name) == Some(*column));
        let columns = Column::ALL.into_iter().filter(asks).map(|column| Wish {
            column,
            known: HashMap::new(),
            counted: None,
        });
        let is_cheap = |set: &Vec<String>| {
            set.len() <= TEXTS_MAX && set.iter().all(|text| text.is_ascii() && text.len() >= TEXT_BYTES_MIN)
        };
        Plan {
            since: since.unwrap_or(Time::MIN),
            until: until.unwrap_or(Time::MAX),
            columns: columns.collect(),
            ids: words.iter().filter(|(name, _)| *name == "id").map(|&(_, id)| id.to_owned()).collect(),
            texts: filter.literals().chain(filter.texts()).filter(is_cheap).collect(),
            found: HashMap::new(),
            filter: Arc::clone(filter),
        }
    }

    /// Everything that may hold a wanted record by its time, the newest first.
    pub(super) fn stretches(&self, parts: &[Part], through: Seq) -> Vec<Stretch> {
        let mut all = Vec::new();
        let (from, to) = self.filter.places();
        let through = through.min(to);
        for (part, found) in parts.iter().enumerate().filter(|(_, part)| part.first() <= through) {
            match found.index() {
                None => all.push(Stretch { part, frame: None, newest: Time::MAX }),
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

    /// Whether the stretch may hold a wanted record by all that the index says.
    pub(super) fn may_match(&mut self, stretch: &Stretch, part: &Part) -> bool {
        let (Some(frame), Some(index)) = (stretch.frame, part.index()) else { return true };
        if !self.found.contains_key(&stretch.part) {
            let set = self.frames(index);
            self.found.insert(stretch.part, set);
        }
        self.found.get(&stretch.part).and_then(Option::as_ref).is_none_or(|set| set.contains(frame))
    }

    /// The frames that may match; `None` when the index has nothing to say about this filter.
    fn frames(&mut self, index: &Index) -> Option<FrameSet> {
        let count = index.frames().len();
        let mut set: Option<FrameSet> = None;
        let mut keep = |found: FrameSet| match &mut set {
            Some(set) => set.keep(&found),
            None => set = Some(found),
        };
        for wish in &mut self.columns {
            let Some(values) = index.column(wish.column) else { continue };
            let mut found = FrameSet::none(count);
            for value in values {
                if wish.verdict(&value, &self.filter) != Verdict::No {
                    value.frames.iter().for_each(|&(frame, _)| found.insert(frame as usize));
                }
            }
            keep(found);
        }
        if !self.ids.is_empty() {
            let ids: Vec<&str> = self.ids.iter().map(String::as_str).collect();
            index.with_ids(&ids).map(&mut keep);
        }
        for texts in &self.texts {
            let found = texts.iter().map(|text| index.with_text(text)).reduce(|left, right| {
                let (mut left, right) = (left?, right?);
                left.join(&right);
                Some(left)
            });
            found.flatten().map(&mut keep);
        }
        set
    }

    /// Whether every record of a frame is in the range of times and no newer than `through`.
    pub(super) fn is_whole(&self, stretch: &Stretch, part: &Part, through: Seq) -> bool {
        let facts = stretch.frame.zip(part.index()).and_then(|(frame, index)| index.frames().get(frame));
        facts.is_some_and(|facts| {
            let in_time = facts.oldest >= self.since && facts.newest <= self.until;
            in_time && facts.first.0 + facts.count <= through.0.saturating_add(1)
        })
    }

    /// The wanted values of a field in the frames of a part, each as a record that has it, when its column alone decides.
    pub(super) fn values(&mut self, part: &Part, field: &str) -> Option<Vec<Placed>> {
        let column = column_of_field(field)?;
        let is_told = |name: &str| matches!(name, "since" | "until") || column_of(name) == Some(column);
        if !self.filter.words().all(|(name, _)| is_told(name)) {
            return None;
        }
        let mut wanted = Vec::new();
        for value in part.index()?.column(column)? {
            let record = value.record(column)?;
            let verdict = self.columns.first_mut().map(|wish| wish.verdict(&value, &self.filter));
            if verdict.is_none_or(|verdict| verdict == Verdict::Yes) {
                wanted.push((record, value.frames));
            }
        }
        Some(wanted)
    }

    /// How many records of a stretch match, when the index alone can tell; every record of the frame must be in the
    /// range of times and no newer than `through`.
    pub(super) fn count(&mut self, stretch: &Stretch, part: &Part, through: Seq) -> Option<u64> {
        let (frame, index) = (stretch.frame?, part.index()?);
        let facts = index.frames().get(frame)?;
        if !self.is_whole(stretch, part, through) {
            return None;
        }
        let is_told = |name: &str| matches!(name, "since" | "until") || column_of(name).is_some();
        if !self.filter.words().all(|(name, _)| is_told(name)) {
            return None;
        }
        match &mut self.columns[..] {
            [] => Some(facts.count),
            [wish] => wish.counts(stretch.part, index, &self.filter)?.get(frame).copied().flatten(),
            _ => None,
        }
    }
}

impl Wish {
    fn counts(&mut self, part: usize, index: &Index, filter: &Filter) -> Option<&[Option<u64>]> {
        if self.counted.as_ref().is_none_or(|(counted, _)| *counted != part) {
            let mut counts = vec![Some(0); index.frames().len()];
            for value in index.column(self.column)? {
                let verdict = self.verdict(&value, filter);
                for &(frame, count) in value.frames.iter().filter(|_| verdict != Verdict::No) {
                    let Some(sum) = counts.get_mut(frame as usize) else { continue };
                    *sum = sum.filter(|_| verdict == Verdict::Yes).map(|sum| sum + u64::from(count));
                }
            }
            self.counted = Some((part, counts));
        }
        self.counted.as_ref().map(|(_, counts)| &counts[..])
    }

    fn verdict(&mut self, value: &Counted, filter: &Filter) -> Verdict {
        if let Some(&known) = self.known.get(&value.json) {
            return known;
        }
        let of_column = |name: &str| column_of(name) == Some(self.column);
        let verdict = match value.record(self.column) {
            Some(record) if filter.holds_of(of_column, &record) => Verdict::Yes,
            Some(_) => Verdict::No,
            None => Verdict::Unknown,
        };
        if self.known.len() < KNOWN_MAX {
            self.known.insert(value.json.clone(), verdict);
        }
        verdict
    }
}

/// The column that alone decides a filter word.
fn column_of(word: &str) -> Option<Column> {
    Some(match word {
        "class" | "action" | "outcome" | "severity" | "sensor" | "source" | "type" | "flag" => Column::What,
        "user" | "domain" | "role" => Column::Who,
        "client" => Column::Client,
        "target" => Column::Target,
        _ => return None,
    })
}

/// The column that has all of a field.
fn column_of_field(field: &str) -> Option<Column> {
    Some(match field {
        "class" | "action" | "code" | "outcome" | "severity" | "sensor" | "source" | "type" | "flags" => {
            Column::What
        }
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
