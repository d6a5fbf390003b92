//! How many of the wanted records have each value of a field.
//!
//! Where the index has counted the values of the field, and nothing else decides what is wanted, no record is read.

use super::Query;
use super::glance::{Glance, Seen};
use super::plan::{Plan, Stretch};
use super::render::Column;
use super::search::parts;
use super::wanted::{See, Wanted};
use crate::journal::{self, Counted, Folder, JournalError, Part};
use crate::model::{Record, Seq};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
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
pub fn tally<'a>(
    folder: impl Into<Folder<'a>>,
    query: &Query,
    by: &'static Column,
    through: Seq,
    stop: &AtomicBool,
) -> Result<Tally, JournalError> {
    let folder = folder.into();
    let parts = parts(&folder, through)?;
    let mut plan = Plan::new(&query.filter);
    let mut wanted = Wanted::new(&query.filter).without(&plan.holes(&parts, through));
    let mut stretches = plan.stretches(&parts, through);
    stretches.sort_by_key(|stretch| (stretch.part, stretch.frame));
    let mut counting = Counting::new(by);
    let (mut glance, mut seen) = (Glance::new(&query.filter), Seen::new([by.name]));
    for of_part in stretches.chunk_by(|one, other| one.part == other.part) {
        let Some(part) = of_part.first().map(|stretch| &parts[stretch.part]) else { continue };
        let known = counting.by_index(&mut plan, of_part, part, through);
        for stretch in
            of_part.iter().filter(|stretch| !stretch.frame.is_some_and(|frame| known.contains(&frame)))
        {
            if !plan.may_match(stretch, part) {
                continue;
            }
            let looks = glance.as_mut().zip(seen.as_mut());
            let looks = looks.filter(|_| plan.is_in_time(stretch, part, through));
            let is_readable = plan.reads_all(stretch, part);
            let of = RefCell::new(&mut counting);
            let mut see = looks.map(|(glance, seen)| {
                |body: &[u8]| match glance.wants(body, is_readable) {
                    Some(true) => of.borrow_mut().add_seen(body, seen).is_some(),
                    Some(false) => true,
                    None => false,
                }
            });
            let (see, most) = (see.as_mut().map(|see| see as See<'_>), plan.most(stretch, part));
            let go_on = wanted.each_unseen((stretch, part), most, through, see, &mut |_, record, _| {
                of.borrow_mut().add(&record);
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
    /// Each with how many records have it.
    values: Vec<(String, u64)>,
    /// Where each of them stands.
    slots: HashMap<String, usize>,
    /// The same for values as an index has them: segments have most of them in common. Those that are not wanted, or one
    /// too many, have no place.
    of_index: HashMap<Vec<u8>, Slot>,
    bytes: usize,
    records: u64,
    /// Records whose value is one too many.
    rest: u64,
}

/// Where records with a value are counted.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// Under this value.
    Of(usize),
    /// With all those whose value is one too many.
    Rest,
    /// Nowhere: they are not wanted.
    Nowhere,
}

impl Counting {
    fn new(by: &'static Column) -> Counting {
        let (slots, of_index) = (HashMap::new(), HashMap::new());
        Counting { by, values: Vec::new(), slots, of_index, bytes: 0, records: 0, rest: 0 }
    }

    fn add(&mut self, record: &Record) {
        let slot = self.slot(&self.by.value(record));
        self.count(slot, 1);
    }

    /// The same by a look at the line; `None`: it has to be decoded.
    fn add_seen(&mut self, body: &[u8], seen: &mut Seen<Slot>) -> Option<()> {
        seen.take(body)?;
        let slot = match seen.text() {
            Some(text) => self.slot(text),
            None => seen.of_found(|record| Some(self.slot(&self.by.value(record))))?,
        };
        self.count(slot, 1);
        Some(())
    }

    fn slot(&mut self, value: &str) -> Slot {
        if let Some(&slot) = self.slots.get(value) {
            return Slot::Of(slot);
        }
        if self.values.len() >= VALUES_MAX || self.bytes + value.len() > VALUES_BYTES_MAX {
            return Slot::Rest;
        }
        self.bytes += value.len();
        self.slots.insert(value.to_owned(), self.values.len());
        self.values.push((value.to_owned(), 0));
        Slot::Of(self.values.len() - 1)
    }

    fn count(&mut self, slot: Slot, records: u64) {
        match slot {
            Slot::Of(slot) => self.values[slot].1 += records,
            Slot::Rest => self.rest += records,
            Slot::Nowhere => return,
        }
        self.records += records;
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
            .filter(|stretch| plan.is_whole(stretch, part, through) && plan.reads_all(stretch, part))
            .filter_map(|it| it.frame)
            .collect();
        if frames.is_empty() {
            return frames;
        }
        let is_all = part.index().is_some_and(|index| index.frames().len() == frames.len());
        let counted = plan.values(part, self.by.name).and_then(|(column, values)| {
            let mut counted = Vec::new();
            for value in values.iter() {
                let slot = self.slot_of(plan, column, &value)?;
                let mut records = 0;
                let mut add = |frame, count| records += if frames.contains(&frame) { count } else { 0 };
                match slot {
                    Slot::Nowhere => {}
                    _ if is_all => records = value.records,
                    _ => value.each_frame(&mut add)?,
                }
                counted.push((slot, records));
            }
            Some(counted)
        });
        let Some(counted) = counted else { return HashSet::new() };
        counted.into_iter().for_each(|(slot, records)| self.count(slot, records));
        frames
    }

    /// Where a value of an index is counted; `None` when this otrail cannot read it.
    fn slot_of(&mut self, plan: &mut Plan, column: journal::Column, value: &Counted<'_>) -> Option<Slot> {
        if let Some(&slot) = self.of_index.get(value.json) {
            return Some(slot);
        }
        let slot = match plan.is_wanted(value)? {
            true => self.slot(&self.by.value(&value.record(column)?)),
            false => Slot::Nowhere,
        };
        if self.of_index.len() < VALUES_MAX {
            self.of_index.insert(value.json.to_vec(), slot);
        }
        Some(slot)
    }

    fn end(self, limit: Option<usize>, missing: &[String]) -> Tally {
        let mut missing = missing.to_vec();
        if self.rest > 0 {
            missing.push(format!(
                "{} has more than {} values, or very long ones; {} records have others, which are not told",
                self.by.name,
                self.values.len(),
                self.rest
            ));
        }
        let mut values: Vec<(String, u64)> =
            self.values.into_iter().filter(|(_, count)| *count > 0).collect();
        values.sort_unstable_by(|one, other| (Reverse(one.1), &one.0).cmp(&(Reverse(other.1), &other.0)));
        values.truncate(limit.unwrap_or(usize::MAX));
        Tally { values, records: self.records, missing }
    }
}

/// Different values that are told at most, and their bytes.
const VALUES_MAX: usize = 100_000;
const VALUES_BYTES_MAX: usize = 8 << 20;
