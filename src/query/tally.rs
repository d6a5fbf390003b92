//! How many of the wanted records have each value of a field.
//!
//! Where the index has counted the values of the field, and nothing else decides what is wanted, no record is read.

use super::Query;
use super::plan::{Plan, Stretch};
use super::render::Column;
use super::search::parts;
use super::wanted::Wanted;
use crate::journal::{JournalError, Part};
use crate::model::{Record, Seq};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The values of a field, the most frequent first; of equally frequent ones in their order. Empty: it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Each with how many records have it.
    pub values: Vec<(String, u64)>,
    /// All records that are wanted.
    pub records: u64,
    /// Why records or values are missing; empty if none is.
    pub missing: Vec<String>,
}

/// Counts the wanted records up to `through` by a field. `query.limit` is how many values are told; order and `rows_max`
/// mean nothing here.
///
/// Fails only if the folder cannot be read at all. `stop` ends it early, with what was counted.
pub fn tally(
    state_dir: &Path,
    query: &Query,
    by: &'static Column,
    through: Seq,
    stop: &AtomicBool,
) -> Result<Tally, JournalError> {
    let parts = parts(state_dir, through)?;
    let (mut plan, mut wanted) = (Plan::new(&query.filter), Wanted::new(&query.filter));
    let mut stretches = plan.stretches(&parts, through);
    stretches.sort_by_key(|stretch| (stretch.part, stretch.frame));
    let mut counting = Counting::new(by);
    for of_part in stretches.chunk_by(|one, other| one.part == other.part) {
        let Some(part) = of_part.first().map(|stretch| &parts[stretch.part]) else { continue };
        let known = counting.by_index(&mut plan, of_part, part, through);
        for stretch in
            of_part.iter().filter(|stretch| !stretch.frame.is_some_and(|frame| known.contains(&frame)))
        {
            if !plan.may_match(stretch, part) {
                continue;
            }
            let go_on = wanted.each(stretch, part, through, &mut |_, record, _| {
                counting.add(&record);
                !stop.load(Ordering::Relaxed)
            });
            if !go_on || stop.load(Ordering::Relaxed) {
                return Ok(counting.end(query.limit, wanted.missing()));
            }
        }
    }
    Ok(counting.end(query.limit, wanted.missing()))
}

struct Counting {
    by: &'static Column,
    counts: HashMap<String, u64>,
    bytes: usize,
    records: u64,
    /// Records whose value is one too many.
    rest: u64,
}

impl Counting {
    fn new(by: &'static Column) -> Counting {
        Counting { by, counts: HashMap::new(), bytes: 0, records: 0, rest: 0 }
    }

    fn add(&mut self, record: &Record) {
        self.add_some(&self.by.value(record), 1);
    }

    fn add_some(&mut self, value: &str, records: u64) {
        self.records += records;
        if let Some(count) = self.counts.get_mut(value) {
            *count += records;
        } else if self.counts.len() < VALUES_MAX && self.bytes + value.len() <= VALUES_BYTES_MAX {
            self.bytes += value.len();
            self.counts.insert(value.to_owned(), records);
        } else {
            self.rest += records;
        }
    }

    /// Counts the frames of a part of which the index alone can tell, and returns them.
    fn by_index(
        &mut self,
        plan: &mut Plan,
        stretches: &[Stretch],
        part: &Part,
        through: Seq,
    ) -> HashSet<usize> {
        let frames: HashSet<usize> = stretches
            .iter()
            .filter(|stretch| plan.is_whole(stretch, part, through))
            .filter_map(|it| it.frame)
            .collect();
        if frames.is_empty() {
            return frames;
        }
        let Some(values) = plan.values(part, self.by.name) else { return HashSet::new() };
        for (record, places) in values {
            let count = places.iter().filter(|(frame, _)| frames.contains(&(*frame as usize)));
            match count.map(|&(_, count)| u64::from(count)).sum() {
                0 => {}
                count => self.add_some(&self.by.value(&record), count),
            }
        }
        frames
    }

    fn end(self, limit: Option<usize>, missing: &[String]) -> Tally {
        let mut missing = missing.to_vec();
        if self.rest > 0 {
            missing.push(format!(
                "{} has more than {} values, or very long ones; {} records have others, which are not told",
                self.by.name,
                self.counts.len(),
                self.rest
            ));
        }
        let mut values: Vec<(String, u64)> = self.counts.into_iter().collect();
        values.sort_unstable_by(|one, other| (Reverse(one.1), &one.0).cmp(&(Reverse(other.1), &other.0)));
        values.truncate(limit.unwrap_or(usize::MAX));
        Tally { values, records: self.records, missing }
    }
}

/// Different values that are told at most, and their bytes.
const VALUES_MAX: usize = 100_000;
const VALUES_BYTES_MAX: usize = 8 << 20;
