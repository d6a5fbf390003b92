//! A Record is an Event with its place: in the journal, and in the log it was read from.

use super::{Chain, Event};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Place in the journal: 1, 2, 3 ... with no gap and no reuse. `Seq::NONE` (0) stands before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first record.
    pub const NONE: Seq = Seq(0);

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a followed file in this stream's file table; never reused. Starts at 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileNo(pub u32);

/// A place in a followed file: the byte offset just after an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Which file, by its number in the file table.
    pub file: FileNo,
    /// Bytes from the start of the file.
    pub offset: u64,
}

/// Names one journal for good: 128 random bits, written as 32 hex digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct StreamId(pub u128);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl StreamId {
    /// Reads the 32 hex digits that `Display` writes.
    pub fn parse(text: &str) -> Option<StreamId> {
        super::event::parse_hex128(text).map(StreamId)
    }
}

/// One event in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Place in the journal.
    pub seq: Seq,
    /// Place in the sensor's log; of otrail's own events only `agent.position_reset` and
    /// `agent.source_replaced` have one, the new place.
    pub position: Option<Position>,
    /// What happened.
    pub event: Event,
    /// The hash chain of the journal after its line; `None` of what is not read from a journal.
    pub chain: Option<Chain>,
}
