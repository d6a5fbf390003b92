//! The index of the segment that is written: in memory, for the blocks of it that are complete.
//!
//! ```text
//! block 0 │ block 1 │ ... │ rest      a block is what will be a frame: 512 KiB and on to the end of the line
//!    └──── known ─────┘   read line by line
//! ```
//!
//! What was read while the segment was written need not be read again when it is sealed: sealing goes on with it.
//!
//! Invariant: an announced record stands behind every block, so that no byte of it can change; each line of it is whole and
//! in its place, and whoever reads it again sees by its checksum that it still is what it was.
//! Invariant: it takes `BYTES_MAX` at most; what of it would take more is given up, and not known from then on.

use super::build::Builder;
use super::columns::{Column, Values};
use super::{About, FrameFacts, FrameSet, Index, Source};
use crate::journal::error::JournalError;
use crate::journal::forms;
use crate::journal::frames::read_some;
use crate::journal::line::peek;
use crate::journal::regular;
use crate::journal::seal::FRAME_BYTES;
use crate::journal::segment::SegmentName;
use crate::model::Seq;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The indexes of the segment that was written last and of the one before it; those who read and who extend them share them.
#[derive(Default)]
pub(in crate::journal) struct Growing(Mutex<States>);

#[derive(Default)]
struct States {
    written: Option<State>,
    /// It waits to be sealed.
    closed: Option<State>,
}

struct State {
    name: SegmentName,
    begun: Begun,
    /// Behind the last block.
    end: u64,
    next: Seq,
}

/// An index that was begun, with the blocks of its segment that were complete then.
pub(in crate::journal) struct Begun {
    builder: Builder,
    /// Of each block.
    sums: Vec<u32>,
    /// Nothing of it was given up, and what followed was what it was begun with.
    is_good: bool,
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
        let file = match regular::reading(&path) {
            Ok(file) => file,
            // It was closed and sealed meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(JournalError::io("open", &path)(error)),
        };
        let mut raw = Vec::new();
        loop {
            pace().map_err(JournalError::io("index", &path))?;
            let mut states = self.states();
            let Some(state) = states.written(name) else { return Ok(()) };
            let is_there = state.begun.builder.is_exact()
                && next_block(&file, state.end, &mut raw).map_err(JournalError::io("read", &path))?;
            if !is_there || !state.take(&raw, announced) {
                return Ok(());
            }
        }
    }

    /// The index of a segment as it is now; `None` when there is none of it.
    pub(in crate::journal) fn index(self: &Arc<Growing>, name: &SegmentName) -> Option<Index> {
        let states = self.states();
        let state = states.of(name)?;
        let frames = state.begun.builder.frames().get(..state.begun.sums.len())?.to_vec();
        let (growing, name) = (Arc::clone(self), name.clone());
        let sums = state.begun.sums.clone().into();
        let taken = Taken { growing, name, sums, rest: (state.end, state.next) };
        Some(Index { frames, source: Source::Memory(taken) })
    }

    /// The index of a closed segment, to be completed; there is none of it here from then on.
    pub(in crate::journal) fn take(&self, name: &SegmentName) -> Begun {
        let mut states = self.states();
        let States { written, closed } = &mut *states;
        let taken =
            [written, closed].into_iter().find_map(|state| state.take_if(|state| state.name == *name));
        let begun = taken.map(|state| state.begun).filter(|begun| begun.is_good && begun.builder.is_exact());
        begun.unwrap_or_else(|| Begun::new(name.first))
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl States {
    fn of(&self, name: &SegmentName) -> Option<&State> {
        [&self.written, &self.closed].into_iter().flatten().find(|state| state.name == *name)
    }

    /// The one to extend; `None` when it is of a segment that was closed.
    fn written(&mut self, name: &SegmentName) -> Option<&mut State> {
        match &self.written {
            Some(state) if state.name > *name => return None,
            Some(state) if state.name == *name => {}
            _ => self.closed = self.written.replace(State::new(name)),
        }
        self.written.as_mut()
    }
}

impl State {
    fn new(name: &SegmentName) -> State {
        State { name: name.clone(), begun: Begun::new(name.first), end: 0, next: name.first }
    }

    /// Takes in a block; false when it is not known yet that it stays as it is, or it is none.
    fn take(&mut self, raw: &[u8], announced: Seq) -> bool {
        let lines = raw.rsplit(|&byte| byte == b'\n');
        // Without a record there is nothing to wait for but the record of a later block.
        let last = lines.filter_map(|line| peek(line).seq).next().unwrap_or(self.next);
        if last >= announced {
            return false;
        }
        let Begun { builder, sums, is_good } = &mut self.begun;
        builder.frame(raw, 0);
        if !builder.is_exact() {
            return false;
        }
        *is_good &= builder.shrink(BYTES_MAX);
        sums.push(crc32c::crc32c(raw));
        self.end += raw.len() as u64;
        self.next =
            builder.frames().last().map_or(self.next, |FrameFacts { first, count, .. }| Seq(first.0 + count));
        true
    }
}

impl Begun {
    fn new(first: Seq) -> Begun {
        Begun { builder: Builder::new(first), sums: Vec::new(), is_good: true }
    }

    /// Takes in the frame of that number, which is so long in its sealed form.
    pub(in crate::journal) fn frame(&mut self, number: usize, raw: &[u8], packed: u32) {
        let known = self.builder.frames().get(number).map(|facts| facts.raw as usize);
        match (known, self.sums.get(number)) {
            (Some(bytes), Some(&sum)) if bytes == raw.len() && sum == crc32c::crc32c(raw) => {
                self.builder.set_packed(number, packed);
            }
            (None, None) => self.builder.frame(raw, packed),
            _ => self.is_good = false,
        }
    }

    /// The index as a file; `None` when it has to be made anew, from the sealed segment.
    pub(in crate::journal) fn finish(self, about: About) -> Option<Vec<u8>> {
        self.is_good.then(|| self.builder.finish(about))
    }
}

impl Taken {
    pub(super) fn column(&self, column: Column) -> Option<Values> {
        self.of(|builder| builder.column(column, self.sums.len()))?
    }

    pub(super) fn find(&self, wanted: &[u32], set: &mut FrameSet) -> Option<()> {
        self.of(|builder| builder.ids().find(wanted, set))
    }

    pub(super) fn with_rows(&self, rows: &[usize]) -> Option<FrameSet> {
        self.of(|builder| builder.with_rows(rows, self.sums.len()))?
    }

    fn of<T>(&self, ask: impl FnOnce(&Builder) -> T) -> Option<T> {
        let states = self.growing.states();
        let builder = &states.of(&self.name)?.begun.builder;
        // It may have been given up meanwhile.
        (builder.frames().len() >= self.sums.len()).then(|| ask(builder))
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

/// All that is kept of a segment, in bytes. Less is not enough for one of 64 MiB of a site with some thousand users, clients and
/// rules, and what was given up is made anew when it is sealed.
const BYTES_MAX: usize = 8 << 20;
const MORE_BYTES: usize = 64 << 10;
/// No block is longer: what follows it is read without the index.
const BLOCK_BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tail::{Chain, finish};

    /// A block of a site with many users, clients and rules, behind the record `seq`.
    fn block(seq: &mut u64, rng: &mut fastrand::Rng) -> Vec<u8> {
        let mut raw = Vec::with_capacity(FRAME_BYTES + 1024);
        while raw.len() < FRAME_BYTES {
            *seq += 1;
            let (id, user, rule) = (rng.u128(..), rng.u16(..2000), rng.u16(..5000));
            let client = format!("10.7.{}.{}", rng.u8(..60), rng.u8(..));
            let (begin, time) = (raw.len(), "2024-02-29T09:11:02.000Z");
            let line = format!(
                r#"{{"seq":{seq},"id":"{id:032x}","time":"{time}","seen":"{time}","class":"user-operation","action":"user.login","code":"OTA-1001","outcome":"success","severity":3,"sensor":"plant-a","source":"timeline","user":"op{user}","target":{{"kind":"rule","name":"Rule {rule}"}},"client":"{client}","type":"USER_LOGIN","title":"User Login Attempt","label":"INFO","raw":{{"content":"User op{user} logged in from {client}","owner":null,"severity":"INFO","timestamp":1709193540118,"title":"User Login Attempt","type":"USER_LOGIN"}}"#
            );
            raw.extend_from_slice(line.as_bytes());
            finish(&mut raw, begin, Chain::default());
        }
        raw
    }

    #[test]
    fn nothing_of_a_whole_segment_is_given_up_where_there_are_many_users_clients_and_rules() {
        let (mut rng, mut seq) = (fastrand::Rng::with_seed(7), 0);
        let name = SegmentName { first: Seq(1), run: 1 };
        let growing = Growing::default();
        growing.states().written = Some(State::new(&name));
        // The header of a segment.
        let mut raw = b"{\"otrail\":1".to_vec();
        finish(&mut raw, 0, Chain::default());
        for number in 0..(64 << 20) / FRAME_BYTES {
            raw.extend(block(&mut seq, &mut rng));
            let mut states = growing.states();
            assert!(states.written(&name).unwrap().take(&raw, Seq(u64::MAX)), "block {number}");
            raw.clear();
        }
        let begun = growing.take(&name);
        assert_eq!(begun.builder.frames().len(), 128);
        assert!(growing.states().of(&name).is_none() && begun.builder.is_exact());
    }
}
