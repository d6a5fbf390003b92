//! The index of the segment that is written: in memory, for the blocks of it that are complete.
//!
//! ```text
//! block 0 │ block 1 │ ... │ rest      a block is what will be a frame: 512 KiB and on to the end of the line
//!    └──── known ─────┘   read line by line
//! ```
//!
//! Invariant: an announced record stands behind every block, so that no byte of it can change; each line of it is whole and
//! in its place, and whoever reads it again sees by its checksum that it still is what it was.
//! Invariant: it takes `BYTES_MAX` at most; the columns that would take more are given up, and not known from then on.
//! Not here: the runs of the text. They would cost what sealing costs, a second time.

use super::build::Builder;
use super::columns::{Column, Values};
use super::{FrameFacts, FrameSet, Index, Source};
use crate::journal::error::JournalError;
use crate::journal::forms;
use crate::journal::frames::read_some;
use crate::journal::line::peek;
use crate::journal::seal::FRAME_BYTES;
use crate::journal::segment::SegmentName;
use crate::model::Seq;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The index of whichever segment was written last; those who read and who extend it share it.
#[derive(Default)]
pub(in crate::journal) struct Growing(Mutex<Option<State>>);

struct State {
    name: SegmentName,
    builder: Builder,
    /// Of each block.
    sums: Vec<u32>,
    /// Behind the last block.
    end: u64,
    next: Seq,
    /// What comes cannot be taken in.
    is_over: bool,
}

/// What there was of it when a search began. It may grow meanwhile, and when it is of another segment nothing is known.
pub(super) struct Taken {
    growing: Arc<Growing>,
    name: SegmentName,
    pub(super) sums: Arc<[u32]>,
    pub(super) rest: (u64, Seq),
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taken").field("name", &self.name).field("rest", &self.rest).finish_non_exhaustive()
    }
}

impl Growing {
    /// Takes in the blocks of a segment that are complete before the record `announced`. `pace` is asked before each.
    pub(in crate::journal) fn extend(
        &self,
        dir: &Path,
        name: &SegmentName,
        announced: Seq,
        pace: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<(), JournalError> {
        let path = forms::plain(dir, name);
        let file = match File::open(&path) {
            Ok(file) => file,
            // It was closed and sealed meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(JournalError::io("open", &path)(error)),
        };
        let mut raw = Vec::new();
        loop {
            pace().map_err(JournalError::io("index", &path))?;
            let mut state = self.state();
            let state = match &mut *state {
                Some(state) if state.name == *name => state,
                other => other.insert(State::new(name)),
            };
            let is_there = !state.is_over
                && next_block(&file, state.end, &mut raw).map_err(JournalError::io("read", &path))?;
            if !is_there || !state.take(&raw, announced) {
                return Ok(());
            }
        }
    }

    /// The index of a segment as it is now; `None` when it is of another.
    pub(in crate::journal) fn index(self: &Arc<Growing>, name: &SegmentName) -> Option<Index> {
        let state = self.state();
        let state = state.as_ref().filter(|state| state.name == *name)?;
        let frames = state.builder.frames().get(..state.sums.len())?.to_vec();
        let (growing, name) = (Arc::clone(self), name.clone());
        let taken = Taken { growing, name, sums: state.sums.clone().into(), rest: (state.end, state.next) };
        Some(Index { frames, source: Source::Memory(taken) })
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(name: &SegmentName) -> State {
        let builder = Builder::without_text(name.first);
        State { name: name.clone(), builder, sums: Vec::new(), end: 0, next: name.first, is_over: false }
    }

    /// Takes in a block; false when it is not known yet that it stays as it is, or it is none.
    fn take(&mut self, raw: &[u8], announced: Seq) -> bool {
        let lines = raw.rsplit(|&byte| byte == b'\n');
        // Without a record there is nothing to wait for but the record of a later block.
        let last = lines.filter_map(|line| peek(line).seq).next().unwrap_or(self.next);
        if last >= announced {
            return false;
        }
        self.builder.frame(raw, 0);
        self.is_over = !self.builder.is_exact();
        if self.is_over {
            return false;
        }
        self.builder.shrink(BYTES_MAX);
        self.sums.push(crc32c::crc32c(raw));
        self.end += raw.len() as u64;
        self.next = self
            .builder
            .frames()
            .last()
            .map_or(self.next, |FrameFacts { first, count, .. }| Seq(first.0 + count));
        true
    }
}

impl Taken {
    pub(super) fn column(&self, column: Column) -> Option<Values> {
        self.of(|builder| builder.column(column, self.sums.len()))?
    }

    pub(super) fn find(&self, wanted: &[u32], set: &mut FrameSet) -> Option<()> {
        self.of(|builder| builder.ids().find(wanted, set))
    }

    fn of<T>(&self, ask: impl FnOnce(&Builder) -> T) -> Option<T> {
        let state = self.growing.state();
        state.as_ref().filter(|state| state.name == self.name).map(|state| ask(&state.builder))
    }
}

/// Reads the block that begins at `at`, as sealing cuts frames; false when it is not complete, or one line fills it.
fn next_block(file: &File, at: u64, raw: &mut Vec<u8>) -> io::Result<bool> {
    // Whoever looks every few seconds reads nothing for nothing.
    if file.metadata()?.len() < at + FRAME_BYTES as u64 {
        return Ok(false);
    }
    raw.resize(FRAME_BYTES, 0);
    if read_some(file, raw, at)? < FRAME_BYTES {
        return Ok(false);
    }
    while !raw.ends_with(b"\n") {
        let length = raw.len();
        raw.resize(length + MORE_BYTES, 0);
        let count = read_some(file, &mut raw[length..], at + length as u64)?;
        let end = memchr::memchr(b'\n', &raw[length..length + count]);
        match end {
            Some(end) => raw.truncate(length + end + 1),
            None if count < MORE_BYTES || raw.len() > BLOCK_BYTES_MAX => return Ok(false),
            None => {}
        }
    }
    Ok(true)
}

/// All that is kept, in bytes.
const BYTES_MAX: usize = 2 << 20;
const MORE_BYTES: usize = 64 << 10;
/// No block is longer: what follows it is read without the index.
const BLOCK_BYTES_MAX: usize = 4 << 20;
