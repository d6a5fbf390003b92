//! The beginnings of ids, and the frames that they are in: looked up in one block of 256, by the first byte.
//!
//! ```text
//! id 7f31c0...   first byte 7f: the block   31c0: what is looked for there   the frame behind it
//! block = for each of its ids, in order, the difference to the one before, and the frame
//! ```

use super::columns::{pull, push};
use super::file::{self, Section};
use super::set::FrameSet;
use std::fs::File;

/// Ids while their segment is read.
pub(super) struct Ids {
    /// By the first byte: the next two, and the frame.
    blocks: Vec<Vec<(u16, u16)>>,
}

impl Ids {
    pub(super) fn new() -> Ids {
        Ids { blocks: vec![Vec::new(); BLOCKS] }
    }

    /// Takes in the beginning of an id; false when the frame has too high a number.
    pub(super) fn add(&mut self, beginning: u32, frame: u32) -> bool {
        let Ok(frame) = u16::try_from(frame) else { return false };
        self.blocks[(beginning >> 16) as usize % BLOCKS].push((beginning as u16, frame));
        true
    }

    /// About how many bytes they take.
    pub(super) fn memory(&self) -> usize {
        self.blocks.iter().map(|block| block.capacity() * size_of::<(u16, u16)>()).sum()
    }

    /// Adds the frames that have an id with one of these beginnings.
    pub(super) fn find(&self, wanted: &[u32], set: &mut FrameSet) {
        for &wanted in wanted {
            let block = &self.blocks[(wanted >> 16) as usize % BLOCKS];
            let found = block.iter().filter(|(id, _)| *id == wanted as u16);
            found.for_each(|&(_, frame)| set.insert(usize::from(frame)));
        }
    }

    /// As they stand in the index.
    pub(super) fn encode(mut self) -> Vec<u8> {
        let (mut blocks, mut out) = (Vec::new(), Vec::with_capacity(TABLE_BYTES + 4));
        for block in &mut self.blocks {
            block.sort_unstable();
            let (begin, mut before) = (blocks.len(), 0);
            for &(id, frame) in &*block {
                push(u64::from(id - before), &mut blocks);
                push(u64::from(frame), &mut blocks);
                before = id;
            }
            let sum = crc32c::crc32c(&blocks[begin..]);
            blocks.extend(sum.to_le_bytes());
            out.extend((blocks.len() as u32).to_le_bytes());
        }
        out.extend(crc32c::crc32c(&out).to_le_bytes());
        out.extend(blocks);
        out
    }
}

/// Adds the frames that may have an id with one of these beginnings; `None` when that cannot be read.
pub(super) fn find(file: &File, section: Section, wanted: &[u32], set: &mut FrameSet) -> Option<()> {
    let table = file::read_block(file, section, 0, TABLE_BYTES)?;
    for &wanted in wanted {
        let number = (wanted >> 16) as usize % BLOCKS;
        let end = file::u32_at(&table, number * 4)?;
        let begin = number.checked_sub(1).map_or(Some(0), |before| file::u32_at(&table, before * 4))?;
        let bytes = end.checked_sub(begin)?.checked_sub(4)?;
        let at = (TABLE_BYTES + 4) as u64 + u64::from(begin);
        let block = file::read_block(file, section, at, bytes as usize)?;
        let (mut rest, mut id) = (&block[..], 0);
        while !rest.is_empty() {
            id += pull(&mut rest)?;
            let frame = usize::try_from(pull(&mut rest)?).ok()?;
            if id == u64::from(wanted as u16) {
                set.insert(frame);
            }
        }
    }
    Some(())
}

const BLOCKS: usize = 256;
const TABLE_BYTES: usize = BLOCKS * 4;
