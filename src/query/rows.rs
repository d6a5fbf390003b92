//! The rows of an answer, read one by one when it is their turn.

use super::keys::Key;
use crate::journal::{Fetch, Place};
use crate::model::Record;
use std::collections::HashMap;
use std::path::Path;

/// The found rows, in order; `incomplete` says afterwards whether all are there.
pub struct Answer {
    fetch: Fetch,
    held: Held,
    keys: std::vec::IntoIter<Key>,
    missing: Vec<String>,
    gone: u64,
    counted: Option<u64>,
}

impl Answer {
    pub(super) fn new(state_dir: &Path, keys: Vec<Key>, missing: Vec<String>) -> Answer {
        let (fetch, held) = (Fetch::new(state_dir), Held::default());
        Answer { fetch, held, keys: keys.into_iter(), missing, gone: 0, counted: None }
    }

    /// With rows that need not be read again.
    pub(super) fn with(self, held: Held) -> Answer {
        Answer { held, ..self }
    }

    /// So many rows, none of which is shown.
    pub(super) fn of_count(state_dir: &Path, count: u64, missing: Vec<String>) -> Answer {
        Answer { counted: Some(count), ..Answer::new(state_dir, Vec::new(), missing) }
    }

    /// How many rows are to come; fewer may, as `incomplete` says then.
    pub fn found(&self) -> u64 {
        self.keys.len() as u64
    }

    /// How many rows there are, when that was the question.
    pub fn counted(&self) -> Option<u64> {
        self.counted
    }

    /// Why rows are missing, in one line; `None` if the answer is whole.
    pub fn incomplete(&self) -> Option<String> {
        let mut all = reasons(&self.missing);
        if self.gone > 0 {
            all += if all.is_empty() { "" } else { "; " };
            all += &format!("{} found rows could not be read again", self.gone);
        }
        (!all.is_empty()).then_some(all)
    }
}

/// The first of many reasons why rows are missing, in one line.
pub fn reasons(missing: &[String]) -> String {
    let mut reasons = missing.iter().take(REASONS_MAX).cloned().collect::<Vec<_>>();
    if missing.len() > REASONS_MAX {
        reasons.push(format!("and {} more", missing.len() - REASONS_MAX));
    }
    reasons.join("; ")
}

impl Iterator for Answer {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let key = self.keys.next()?;
            match self.held.remove(key.place).or_else(|| self.fetch.get(key.place)) {
                Some(record) => return Some(record),
                // Retention may have removed its segment in the meantime.
                None => self.gone += 1,
            }
        }
    }
}

/// Records that were found and may be rows: to unpack their frames again would cost as much as to find them.
#[derive(Default)]
pub(super) struct Held {
    records: HashMap<Place, (Record, usize)>,
    bytes: usize,
}

impl Held {
    /// Holds a record, whose line has so many bytes, if there is room.
    pub(super) fn add(&mut self, key: Key, record: Record, bytes: usize) {
        if self.bytes + bytes <= HELD_BYTES_MAX {
            self.bytes += bytes;
            self.records.insert(key.place, (record, bytes));
        }
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<Record> {
        let (record, bytes) = self.records.remove(&place)?;
        self.bytes -= bytes;
        Some(record)
    }
}

/// Bytes of lines whose records are held; in memory a record takes about twice its line.
const HELD_BYTES_MAX: usize = 2 << 20;
/// How many reasons an answer names.
const REASONS_MAX: usize = 3;
