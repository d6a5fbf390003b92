//! The form of an index on disk. Numbers are little-endian.
//!
//! ```text
//! "otrailx" 3 │ sections: u32 │ kind u32, offset u64, bytes u64, CRC-32C u32 for each │ CRC-32C of all this │ sections
//! ABOUT    JSON: which segment, of which size when sealed
//! FRAMES   40 bytes a frame: bytes packed and raw, first seq, records, oldest and newest time in milliseconds
//! IDS      for each first byte of an id where its block ends: u32, a CRC-32C, then the blocks, each with its own: ids.rs
//! COLUMNS  for each value its fields as JSON, how often it is there, its frames and how often it is in each
//! GRAMS    bytes of a row: u32, then blocks of 256 rows, each with its own CRC-32C, so that few of them are read
//! ```

use super::{About, FrameFacts};
use crate::journal::frames::read_some;
use crate::journal::segment::FORMAT_VERSION;
use crate::model::{Seq, Time};
use std::fs::File;

pub(super) const ABOUT: u32 = 1;
pub(super) const FRAMES: u32 = 2;
pub(super) const IDS: u32 = 3;
pub(super) const GRAMS: u32 = 4;
/// And the number of the column.
pub(super) const COLUMNS: u32 = 16;

/// Where a section stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    pub kind: u32,
    offset: u64,
    bytes: u64,
    sum: u32,
}

/// The whole file.
pub(super) fn encode(about: &About, mut sections: Vec<(u32, Vec<u8>)>) -> Vec<u8> {
    // Plain data with string keys always serialises into memory.
    sections.insert(0, (ABOUT, serde_json::to_vec(about).unwrap_or_default()));
    let mut out = MAGIC.to_vec();
    out.extend((sections.len() as u32).to_le_bytes());
    let mut offset = (MAGIC.len() + 4 + sections.len() * ENTRY_BYTES + 4) as u64;
    for (kind, bytes) in &sections {
        // The blocks of these have sums of their own.
        let sum = if matches!(*kind, GRAMS | IDS) { 0 } else { crc32c::crc32c(bytes) };
        out.extend(kind.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.extend((bytes.len() as u64).to_le_bytes());
        out.extend(sum.to_le_bytes());
        offset += bytes.len() as u64;
    }
    out.extend(crc32c::crc32c(&out).to_le_bytes());
    for (_, bytes) in sections {
        out.extend(bytes);
    }
    out
}

/// The head of a file: as a rule all that a search needs of most segments, by one read.
pub(super) struct Head(Vec<u8>);

impl Head {
    pub(super) fn read(file: &File) -> Option<Head> {
        let mut bytes = vec![0; HEAD_BYTES];
        let count = read_some(file, &mut bytes, 0).ok()?;
        bytes.truncate(count);
        Some(Head(bytes))
    }

    /// The sections of the file; `None` when it is no index of this version or is damaged.
    pub(super) fn sections(&self) -> Option<Vec<Section>> {
        let begin = MAGIC.len() + 4;
        self.0.starts_with(&MAGIC).then_some(())?;
        let count = u32_at(&self.0, MAGIC.len())? as usize;
        (count <= SECTIONS_MAX).then_some(())?;
        let end = begin + count * ENTRY_BYTES;
        (crc32c::crc32c(self.0.get(..end)?) == u32_at(&self.0, end)?).then_some(())?;
        let section = |entry: &[u8]| {
            Some(Section {
                kind: u32_at(entry, 0)?,
                offset: u64_at(entry, 4)?,
                bytes: u64_at(entry, 12)?,
                sum: u32_at(entry, 20)?,
            })
        };
        self.0[begin..end].chunks_exact(ENTRY_BYTES).map(section).collect()
    }

    /// A section's bytes, from the head if they are there.
    pub(super) fn section(&self, file: &File, section: Section) -> Option<Vec<u8>> {
        let begin = usize::try_from(section.offset).ok()?;
        let end = begin.checked_add(usize::try_from(section.bytes).ok()?)?;
        match self.0.get(begin..end) {
            Some(found) => (crc32c::crc32c(found) == section.sum).then(|| found.to_vec()),
            None => read(file, section),
        }
    }
}

/// A section's bytes; `None` when they are damaged.
pub(super) fn read(file: &File, section: Section) -> Option<Vec<u8>> {
    let bytes = usize::try_from(section.bytes).ok().filter(|&bytes| bytes <= SECTION_BYTES_MAX)?;
    let mut found = vec![0; bytes];
    fill(file, &mut found, section.offset)?;
    (crc32c::crc32c(&found) == section.sum).then_some(found)
}

/// Bytes of a section that has no sum of its own, and at whose end theirs stands; `None` when they are damaged.
pub(super) fn read_block(file: &File, section: Section, at: u64, bytes: usize) -> Option<Vec<u8>> {
    let end = at.checked_add(bytes as u64 + 4)?;
    (end <= section.bytes).then_some(())?;
    let mut block = vec![0; bytes + 4];
    fill(file, &mut block, section.offset + at)?;
    (crc32c::crc32c(&block[..bytes]) == u32_at(&block, bytes)?).then_some(())?;
    block.truncate(bytes);
    Some(block)
}

fn fill(file: &File, buffer: &mut [u8], at: u64) -> Option<()> {
    (read_some(file, buffer, at).ok()? == buffer.len()).then_some(())
}

pub(super) fn frames(frames: &[FrameFacts]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frames.len() * FRAME_ENTRY_BYTES);
    for frame in frames {
        out.extend(frame.packed.to_le_bytes());
        out.extend(frame.raw.to_le_bytes());
        out.extend(frame.first.0.to_le_bytes());
        out.extend(frame.count.to_le_bytes());
        out.extend(frame.oldest.millis().to_le_bytes());
        out.extend(frame.newest.millis().to_le_bytes());
    }
    out
}

pub(super) fn read_frames(bytes: &[u8]) -> Option<Vec<FrameFacts>> {
    let time = |entry: &[u8], at: usize| Time::from_millis(u64_at(entry, at)? as i64);
    let frame = |entry: &[u8]| {
        Some(FrameFacts {
            packed: u32_at(entry, 0)?,
            raw: u32_at(entry, 4)?,
            first: Seq(u64_at(entry, 8)?),
            count: u64_at(entry, 16)?,
            oldest: time(entry, 24)?,
            newest: time(entry, 32)?,
        })
    };
    bytes.chunks(FRAME_ENTRY_BYTES).map(frame).collect()
}

pub(super) fn grams(rows: &[u8], row_bytes: usize) -> Vec<u8> {
    let mut out = (row_bytes as u32).to_le_bytes().to_vec();
    for block in rows.chunks(BLOCK_ROWS * row_bytes) {
        out.extend_from_slice(block);
        out.extend(crc32c::crc32c(block).to_le_bytes());
    }
    out
}

/// One row of the set of runs.
pub(super) fn gram_row(file: &File, section: Section, row: usize) -> Option<Vec<u8>> {
    let mut word = [0; 4];
    fill(file, &mut word, section.offset)?;
    let row_bytes = u32::from_le_bytes(word) as usize;
    (row_bytes <= ROW_BYTES_MAX).then_some(())?;
    let block_bytes = BLOCK_ROWS * row_bytes;
    let at = 4 + (row / BLOCK_ROWS * (block_bytes + 4)) as u64;
    let rows = read_block(file, section, at, block_bytes)?;
    let begin = row % BLOCK_ROWS * row_bytes;
    Some(rows[begin..begin + row_bytes].to_vec())
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// The last byte is the version. It rises with that of the segments: an index that this otrail reads is of a segment that it
/// reads.
const MAGIC: [u8; 8] = [b'o', b't', b'r', b'a', b'i', b'l', b'x', 2 + FORMAT_VERSION as u8];
/// Table, ABOUT and FRAMES of a segment of 64 MiB take some 5,500.
const HEAD_BYTES: usize = 8 << 10;
const ENTRY_BYTES: usize = 24;
const FRAME_ENTRY_BYTES: usize = 40;
const BLOCK_ROWS: usize = 256;
const SECTIONS_MAX: usize = 64;
const SECTION_BYTES_MAX: usize = 64 << 20;
/// 2,048 frames: a segment of 1 GiB.
const ROW_BYTES_MAX: usize = 8 << 10;
