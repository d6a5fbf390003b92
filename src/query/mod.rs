//! Reads the journal for an admin.
//!
//! ```text
//! journal ──▶ wanted ──▶ keys (time, seq) of the newest N ──▶ rows, in order ──▶ render ──▶ an admin
//!             filter      40 bytes a row, at most rows_max      one at a time
//! ```
//!
//! Order is time, then seq: right after a backfill too, when old entries have the newest places.
//!
//! Invariant: memory is bounded by `rows_max` keys and one row, however large the journal is.
//! Invariant: damage costs the damaged rows alone; the answer then says that it is incomplete.
//! Invariant: no byte that a terminal could obey leaves `short`, nor `json` or `raw` towards a terminal.
//! Not here: who may ask (`control`) and what the words of a filter mean (`filter`).

mod keys;
mod needle;
pub mod render;
mod rows;
mod wanted;

pub use rows::Answer;
pub use wanted::{Wanted, newer, sentence};

use crate::filter::Filter;
use crate::journal::JournalError;
use crate::model::Seq;
use keys::Newest;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Finds the rows of an answer: records of the folder below `state_dir`, none newer than `through`.
///
/// Fails only if the folder cannot be read at all. `stop` ends the search early, with what was found.
pub fn answer(
    state_dir: &Path,
    query: &Query,
    through: Seq,
    stop: &AtomicBool,
) -> Result<Answer, JournalError> {
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut newest = Newest::new(limit.min(query.rows_max));
    let mut wanted = newer(state_dir, &query.filter, Seq::NONE, through)?;
    for (key, _) in wanted.by_ref() {
        newest.offer(key);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    let mut missing = wanted.missing().to_vec();
    let cut = newest.passed_over() > 0 && limit > query.rows_max;
    if cut {
        missing.push(format!(
            "more than {} rows match and these are the newest; narrow the time range or read the folder with -D",
            query.rows_max
        ));
    }
    Ok(Answer::new(state_dir, newest.in_order(query.order), missing))
}

/// Most rows of an answer that a running agent gives: 8 MB of keys.
pub const ROWS_MAX: usize = 200_000;
/// The same for whoever reads a folder with memory of their own: 400 MB.
pub const ROWS_MAX_OFFLINE: usize = 10_000_000;
