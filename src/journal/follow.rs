//! Following the journal for a destination: from memory while it keeps up, from the files while it does not.

use super::courtesy::Place;
use super::error::JournalError;
use super::reader::Scan;
use super::segment;
use super::{Batch, Journal};
use crate::model::{Record, Seq, Time};
use std::path::Path;
use std::sync::Arc;

/// What comes next for a follower.
#[derive(Debug)]
pub enum Next {
    /// Records, the first of them wanted from `from` on.
    Records {
        /// Durable records in order.
        batch: Batch,
        /// Index of the first that comes after what was asked.
        from: usize,
    },
    /// Nothing newer is there yet.
    Nothing,
    /// The records are not in memory: `Follower::read` gets them from the files, where it may block.
    Behind,
}

/// Reads records of the files in order; keeps its place between calls.
#[derive(Debug)]
pub struct Follower {
    scan: Scan,
    place: Place,
    /// Damaged and missing places met, to be told to `Journal::damaged`.
    pub damaged: Vec<JournalError>,
}

impl Follower {
    pub(super) fn new(scan: Scan, place: Place) -> Follower {
        Follower { scan, place, damaged: Vec::new() }
    }

    /// It does not go on for now, because memory has what comes next or nobody takes it: the writer waits for it no more.
    pub fn rest(&self) {
        self.place.rest();
    }

    /// Up to `bytes_max` bytes of records after `after` and up to `through`. Blocks on the disk.
    ///
    /// An empty batch: everything up to `through` is damaged or gone.
    pub fn read(
        mut self,
        after: Seq,
        through: Seq,
        bytes_max: usize,
    ) -> Result<(Follower, Batch), JournalError> {
        self.place.reach(after);
        if self.scan.next_seq() != after.next() {
            self.scan = self.scan.after(after);
        }
        self.scan.extend(through);
        let (mut records, mut bytes) = (Vec::<Record>::new(), 0);
        while bytes < bytes_max {
            match self.scan.next() {
                Some(Ok(mut line)) => {
                    bytes += line.body().len();
                    match line.decode() {
                        Some(record) => records.push(record),
                        None => {
                            let unreadable = self.scan.damage_of(&line);
                            self.add_damage(unreadable);
                        }
                    }
                }
                Some(Err(error)) if error.is_damage() => self.add_damage(error),
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        self.place.reach(records.last().map_or(through, |last| last.seq));
        Ok((self, Arc::new(records)))
    }

    /// Damaged lines that follow one another are one damaged place.
    fn add_damage(&mut self, damage: JournalError) {
        if let JournalError::Damaged { segment, offset, bytes } = &damage
            && let Some(JournalError::Damaged { segment: before, offset: start, bytes: length }) =
                self.damaged.last_mut()
            && (&*before, *start + *length) == (segment, *offset)
        {
            *length += bytes;
            return;
        }
        self.damaged.push(damage);
    }
}

impl Journal {
    /// Where to begin to read what was journaled at `time` or later: after a record that is no later than that.
    pub fn before(&self, time: Time) -> Seq {
        before(&self.0.store.journal(), time).unwrap_or_default()
    }

    /// What comes after `seq`, without touching the disk.
    pub fn next_after(&self, seq: Seq) -> Next {
        if seq >= self.newest() {
            return Next::Nothing;
        }
        match self.recent_after(seq) {
            Some(batch) => {
                let from = batch.partition_point(|record| record.seq <= seq);
                Next::Records { batch, from }
            }
            None => Next::Behind,
        }
    }

    /// A reader of the files for one destination.
    pub fn follower(&self) -> Follower {
        Follower::new(self.scan(), self.0.places.add())
    }
}

/// A record before which there is nothing that was journaled at `time` or later: segments are not looked into.
fn before(dir: &Path, time: Time) -> Result<Seq, JournalError> {
    let mut before = Seq::NONE;
    for name in segment::list(dir)? {
        match segment::read_header(dir, &name) {
            Ok(Some(header)) if header.created > time => break,
            _ => before = Seq(name.first.0.saturating_sub(1)),
        }
    }
    Ok(before)
}
