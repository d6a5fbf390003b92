//! What a dialect remembers between the entries of one file.
//!
//! ```text
//! anchor   the place where the file last said how to read on: its head, a CSV header, the bracket of an array
//! rebuilt  the state at an offset = what the bytes at the file's head and at the anchor say
//! ```

use super::array::Scan;
use super::encoding::{Encoding, UNMARKED_BYTES};
use super::timeline_csv::Table;
use super::{Dialect, End, objects, uncut, wide};
use crate::model::guard::guard;
use std::panic::AssertUnwindSafe;

/// What a dialect must remember between entries of one file.
#[derive(Debug, Clone)]
pub struct State {
    /// The next byte is the first of the file.
    pub(super) at_head: bool,
    /// The next entry is an element of a JSON array.
    pub(super) in_array: bool,
    /// The array is that of a page, which ends with more than its bracket.
    pub(super) in_page: bool,
    pub(super) encoding: Encoding,
    /// The columns of a CSV file, once its header has come.
    pub(super) table: Option<Table>,
    /// Most bytes of an entry.
    pub(super) entry_bytes_max: usize,
    /// The bytes done with by the last `split` begin with what says how to read on.
    pub(super) anchored: bool,
    skipped: Skipped,
}

/// How far an entry over the limit has been read past.
#[derive(Debug, Clone, Default)]
struct Skipped {
    scan: Scan,
    /// Half a unit at the end of the last bytes.
    half: Option<u8>,
}

impl State {
    /// How many of the first bytes of a file say all that `rebuilt` has to know of them.
    pub const HEAD_BYTES: usize = UNMARKED_BYTES;

    /// For reading a file on from `offset`, when nothing of what is before it matters.
    pub fn at(offset: u64) -> State {
        State {
            at_head: offset == 0,
            in_array: false,
            in_page: false,
            encoding: Encoding::Utf8,
            table: None,
            entry_bytes_max: ENTRY_BYTES_MAX,
            anchored: false,
            skipped: Skipped::default(),
        }
    }

    /// The state at `offset` of a file: `head` are its first bytes, `since` those from the anchor on.
    pub fn rebuilt(dialect: &Dialect, head: &[u8], anchor: u64, since: &[u8], offset: u64) -> State {
        let mut state = State::at(0);
        let before = usize::try_from(offset.saturating_sub(anchor)).unwrap_or(usize::MAX);
        if offset == 0 {
            return state;
        }
        if anchor > 0 {
            state.at_head = false;
            state.encoding = Encoding::of(head).0;
        }
        let (mut at, mut entries) = (0, Vec::new());
        while at < before.min(since.len()) {
            match uncut::split(dialect, &mut state, &since[at..], End::Open, &mut entries) {
                Ok(done) if done > 0 && !state.take_anchored() => at += done,
                _ => break,
            }
        }
        state.at_head = false;
        state
    }

    /// The same with entries of at most so many bytes.
    #[must_use]
    pub fn limited(self, entry_bytes_max: usize) -> State {
        State { entry_bytes_max, ..self }
    }

    /// For going on in another dialect; what the file has said of its columns and its encoding still holds, and that an
    /// array has begun, for who reads arrays.
    #[must_use]
    pub fn changed(&self, to: &Dialect, at_head: bool) -> State {
        let may_be_in_array = objects::are_read_in(to);
        State {
            at_head,
            in_array: self.in_array && may_be_in_array,
            in_page: self.in_page && may_be_in_array,
            anchored: false,
            skipped: Skipped::default(),
            ..self.clone()
        }
    }

    /// Whether the next entry is in an array that has begun at the anchor.
    pub fn is_in_array(&self) -> bool {
        self.in_array
    }

    /// Whether the next byte is the first of the file.
    pub fn is_at_head(&self) -> bool {
        self.at_head
    }

    /// Whether a character is two bytes at least.
    pub fn is_wide(&self) -> bool {
        self.encoding.width() == 2
    }

    /// Whether the bytes done with by the last `split` are the new anchor: they begin with what says how to read on.
    pub fn take_anchored(&mut self) -> bool {
        std::mem::take(&mut self.anchored)
    }

    /// An entry is over the limit: `bytes` are its beginning, `skip` gets what comes after them.
    pub fn begin_skip(&mut self, bytes: &[u8]) {
        self.skipped = Skipped::default();
        let _not_yet = self.skip(bytes);
    }

    /// Looks for the end of an entry over the limit in the bytes that follow; just after it, when it is there.
    pub fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.skip_bytes(bytes);
        }
        let half = self.skipped.half.take();
        let before = usize::from(half.is_some());
        let units: Vec<u8> = half.into_iter().chain(bytes.iter().copied()).collect();
        let found = self.skip_bytes(&wide::narrow(self.encoding, &units, End::Open));
        if found.is_none() && units.len() % 2 == 1 {
            self.skipped.half = units.last().copied();
        }
        // Where the next entry begins with a unit whose first half is gone already, that unit goes: a place between two
        // halves would put every entry after it out of step.
        found.map(|units| (2 * units.max(before)).saturating_sub(before))
    }

    fn skip_bytes(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.in_array {
            let scan = AssertUnwindSafe(|| self.skipped.scan.skip(bytes));
            match guard(scan) {
                Ok(found) => return found,
                // What that leaves behind is not used again: the end of the line has to do.
                Err(_) => (self.in_array, self.in_page) = (false, false),
            }
        }
        memchr::memchr(b'\n', bytes).map(|at| at + 1)
    }
}

impl Default for State {
    fn default() -> State {
        State::at(0)
    }
}

/// The limit of an entry where none is configured.
const ENTRY_BYTES_MAX: usize = 1 << 20;
