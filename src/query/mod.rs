//! Reads the journal for an admin.
//!
//! ```text
//! journal ──▶ plan ──▶ wanted ──▶ keys (time, seq) of the newest N ──▶ rows, in order ──▶ render ──▶ an admin
//!             index     filter      40 bytes a row, at most rows_max      one at a time
//! ```
//!
//! `report` sums records up, wherever they come from.
//!
//! Order is time, then seq: right after a backfill too, when old entries have the newest places.
//!
//! Invariant: memory is bounded by `rows_max` keys, one frame and a few MiB of rows, however large the journal is.
//! Invariant: damage costs the damaged rows alone; the answer then says that it is incomplete. What the index shows to
//! hold no wanted row is not read, so damage there is not met.
//! Invariant: no byte that a terminal could obey leaves `short`, nor `json` or `raw` towards a terminal.
//! Not here: who may ask (`control`) and what the words of a filter mean (`filter`).

mod against;
mod elements;
mod glance;
mod keys;
mod needle;
mod plan;
pub mod render;
pub mod report;
mod rows;
mod search;
mod tally;
mod wanted;

pub use against::{Against, Difference, Held, Missing};
pub use rows::{Answer, reasons};
pub use search::{answer, count};
pub use tally::{Tally, tally};
pub use wanted::{Wanted, newer};

use crate::filter::Filter;
use std::sync::Arc;

/// What an admin asks for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which records.
    pub filter: Arc<Filter>,
    /// The newest so many of them; `None` is all, up to `rows_max`.
    pub limit: Option<usize>,
    /// What comes first.
    pub order: Order,
    /// Most rows of an answer; more makes it incomplete.
    pub rows_max: usize,
}

/// What comes first in an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As it happened.
    #[default]
    OldestFirst,
    /// The latest news on top.
    NewestFirst,
}

/// Most rows of an answer that a running agent gives: 8 MB of keys.
pub const ROWS_MAX: usize = 200_000;
/// The same for whoever reads a folder with memory of their own: 400 MB.
pub const ROWS_MAX_OFFLINE: usize = 10_000_000;
