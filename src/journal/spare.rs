//! Buffers of batches that are done with, for those that come: a large one is given to the system and asked of it again
//! each time, page by page, which costs more than what is written to it.
//!
//! Invariant: a buffer is used for what fills half of it at least, and so many bytes are kept at most: what is kept in memory
//! of a batch is counted by what is in it.

use super::pending::Draft;
use crate::model::Record;

/// At most one buffer of each kind, without content.
#[derive(Default)]
pub(super) struct Spare {
    bytes: Vec<u8>,
    drafts: Vec<Draft>,
    records: Vec<Record>,
}

impl Spare {
    /// For the form of a batch on disk.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// For the events of a batch.
    pub(super) fn drafts(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.drafts)
    }

    /// For so many records.
    pub(super) fn records(&mut self, count: usize) -> Vec<Record> {
        let fits = (count..=2 * count).contains(&self.records.capacity());
        if fits { std::mem::take(&mut self.records) } else { Vec::with_capacity(count) }
    }

    pub(super) fn take_bytes(&mut self, bytes: Vec<u8>) {
        keep(&mut self.bytes, bytes);
    }

    pub(super) fn take_drafts(&mut self, drafts: Vec<Draft>) {
        keep(&mut self.drafts, drafts);
    }

    pub(super) fn take_records(&mut self, records: Vec<Record>) {
        keep(&mut self.records, records);
    }
}

/// Keeps the larger one, empty.
fn keep<T>(kept: &mut Vec<T>, mut buffer: Vec<T>) {
    buffer.clear();
    let is_of_use = buffer.capacity() > kept.capacity() && buffer.capacity() * size_of::<T>() <= BYTES_MAX;
    if is_of_use {
        *kept = buffer;
    }
}

/// Of one buffer.
const BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_where_it_is_needed_and_not_for_little() {
        let mut spare = Spare::default();
        spare.take_records(Vec::with_capacity(100));
        spare.take_records(Vec::with_capacity(10));
        assert_eq!(spare.records(3).capacity(), 3);
        assert_eq!(spare.records(101).capacity(), 101);
        assert_eq!(spare.records(60).capacity(), 100);
        assert_eq!(spare.records(60).capacity(), 60, "it was there once");
    }

    #[test]
    fn what_is_kept_is_empty_and_has_a_limit() {
        let mut spare = Spare::default();
        spare.take_bytes(vec![7; 1000]);
        assert!(spare.bytes.is_empty() && spare.bytes().capacity() >= 1000);
        spare.take_bytes(Vec::with_capacity(BYTES_MAX + 1));
        assert_eq!(spare.bytes().capacity(), 0);
    }
}
