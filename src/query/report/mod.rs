//! Canned reports: what the trail says in sum.
//!
//! ```text
//! records ──wanted──▶ groups: values of fields, topics, days ──▶ how many of what, the first, the last
//! ```
//!
//! A report is a row of `REPORTS`. What it counts is said in the language of `--where`, so whoever wonders about a number
//! can ask for its records.
//!
//! Invariant: memory is bounded by `GROUPS_MAX` groups of `GROUPS_BYTES_MAX` bytes; records of others are counted, and told.
//! Not here: where the records come from, and how a report looks (`render`).

mod hours;
mod kinds;

pub use hours::{Hours, HoursError};
pub use kinds::{Count, REPORTS, ReportKind, Rows, Topic};

use super::render::Column;
use crate::filter::{Clock, Filter, FilterError};
use crate::model::{Record, Time};
use std::cmp::Reverse;
use std::collections::HashMap;

/// A report while records are taken in, in any order.
pub struct Report {
    kind: &'static ReportKind,
    hours: Hours,
    topics: Vec<Filter>,
    counts: Vec<Filter>,
    columns: Vec<&'static Column>,
    groups: Vec<Group>,
    /// Where each of them stands.
    places: HashMap<Vec<String>, usize>,
    bytes: usize,
    records: u64,
    /// Records whose group is one too many.
    rest: u64,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What its records have in common, in the order of `Rows`; empty where they have no value.
    pub keys: Vec<String>,
    /// How many of them are of each count.
    pub counts: Vec<u64>,
    /// When the first and the last of them happened; `None` if there is none.
    pub span: Option<(Time, Time)>,
}

/// A report when all records have been taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its lines: topics and days in their order, else those with the most records first.
    pub groups: Vec<Group>,
    /// Records that are in it.
    pub records: u64,
    /// Why groups are missing; `None` if none is.
    pub missing: Option<String>,
}

impl Report {
    /// `hours` are those outside of which things happen, of reports about that; days are those of their zone.
    ///
    /// Fails only if a row of `REPORTS` cannot be read, which a test rules out.
    pub fn new(kind: &'static ReportKind, hours: Hours) -> Result<Report, FilterError> {
        let topics = match kind.rows {
            Rows::Topics(topics) => {
                topics.iter().map(|topic| expression(topic.of)).collect::<Result<_, _>>()?
            }
            Rows::By(_) | Rows::Days => Vec::new(),
        };
        let columns = match kind.rows {
            Rows::By(names) => names.iter().filter_map(|name| Column::named(name)).collect(),
            Rows::Topics(_) | Rows::Days => Vec::new(),
        };
        let counts = kind.counts.iter().map(|count| expression(count.of)).collect::<Result<Vec<_>, _>>()?;
        let empty = |topic: &Topic| Group::new(vec![topic.name.to_owned()], counts.len());
        let groups = match kind.rows {
            Rows::Topics(topics) => topics.iter().map(empty).collect(),
            Rows::By(_) | Rows::Days => Vec::new(),
        };
        let (places, bytes, records, rest) = (HashMap::new(), 0, 0, 0);
        Ok(Report { kind, hours, topics, counts, columns, groups, places, bytes, records, rest })
    }

    /// Takes in a record that is wanted.
    pub fn take(&mut self, record: &Record) {
        if self.kind.off_hours && self.hours.has(record.event.time) {
            return;
        }
        self.records += 1;
        let mut counted: Vec<usize> = match self.kind.rows {
            Rows::By(_) | Rows::Days => self.place(record).into_iter().collect(),
            Rows::Topics(_) => {
                let topics = self.topics.iter().enumerate();
                topics.filter(|(_, topic)| topic.matches(record)).map(|(at, _)| at).collect()
            }
        };
        for at in counted.drain(..) {
            let group = &mut self.groups[at];
            for (count, filter) in group.counts.iter_mut().zip(&self.counts) {
                *count += u64::from(filter.matches(record));
            }
            let time = record.event.time;
            let (first, last) = group.span.unwrap_or((time, time));
            group.span = Some((first.min(time), last.max(time)));
        }
    }

    /// Where the group of a record stands; `None` when it is one too many.
    fn place(&mut self, record: &Record) -> Option<usize> {
        let keys: Vec<String> = match self.kind.rows {
            Rows::Days => vec![self.hours.day(record.event.time).to_string()],
            _ => self.columns.iter().map(|column| column.value(record).into_owned()).collect(),
        };
        if let Some(&place) = self.places.get(&keys) {
            return Some(place);
        }
        let bytes: usize = keys.iter().map(String::len).sum();
        if self.groups.len() >= GROUPS_MAX || self.bytes + bytes > GROUPS_BYTES_MAX {
            self.rest += 1;
            return None;
        }
        self.bytes += bytes;
        self.places.insert(keys.clone(), self.groups.len());
        self.groups.push(Group::new(keys, self.counts.len()));
        Some(self.groups.len() - 1)
    }

    /// The report, of its lines the first so many.
    pub fn end(mut self, limit: Option<usize>) -> Reported {
        let missing = (self.rest > 0).then(|| {
            let (kind, groups) = (self.kind.name, self.groups.len());
            format!("{kind} has more than {groups} lines, or very long ones; {} records are in others, which are not told", self.rest)
        });
        match self.kind.rows {
            Rows::Topics(_) => {}
            Rows::Days => self.groups.sort_by(|one, other| one.keys.cmp(&other.keys)),
            Rows::By(_) => self.groups.sort_by(|one, other| {
                (Reverse(&one.counts), &one.keys).cmp(&(Reverse(&other.counts), &other.keys))
            }),
        }
        self.groups.truncate(limit.unwrap_or(usize::MAX));
        Reported { groups: self.groups, records: self.records, missing }
    }
}

impl Group {
    fn new(keys: Vec<String>, counts: usize) -> Group {
        Group { keys, counts: vec![0; counts], span: None }
    }
}

/// An expression of the table; empty: every record.
fn expression(text: &'static str) -> Result<Filter, FilterError> {
    let words = Some(("where", text)).filter(|_| !text.is_empty());
    Filter::parse(words, &Clock::utc(Time::default()))
}

/// Lines of a report at most, and bytes of what they are named by.
const GROUPS_MAX: usize = 100_000;
const GROUPS_BYTES_MAX: usize = 8 << 20;

#[cfg(test)]
mod tests;
