//! Bytes that otrail cannot cut into entries, by a defect of its own: what is left of them are their lines.
//!
//! Invariant: a panic in `split` leaves neither a trace in the state nor an entry.

use super::{Dialect, End, Entry, State, encoding::Encoding};
use crate::model::guard::{Panicked, guard};
use std::panic::AssertUnwindSafe;

/// What the dialect finds in `bytes`, as its `split` says it, or where otrail has panicked.
pub fn split(
    dialect: &Dialect,
    state: &mut State,
    bytes: &[u8],
    end: End,
    entries: &mut Vec<Entry>,
) -> Result<usize, Panicked> {
    let (before, known) = (state.clone(), entries.len());
    let done = guard(AssertUnwindSafe(|| (dialect.split)(state, bytes, end, entries)));
    if done.is_err() {
        *state = before;
        entries.truncate(known);
    }
    done
}

/// The line at the head of `bytes`, of a file that is so far as the state says; `None` while it has no end.
pub fn line(state: &mut State, bytes: &[u8], end: End) -> Option<Entry> {
    let encoding = if state.at_head { Encoding::of(bytes).0 } else { state.encoding };
    let feed = encoding.line_feed(bytes, 0);
    let stop = feed.or((end == End::Final && !bytes.is_empty()).then_some(bytes.len()))?;
    (state.encoding, state.at_head) = (encoding, false);
    let has_return = encoding == Encoding::Utf8 && bytes[..stop].ends_with(b"\r");
    Some(Entry { text: 0..stop - usize::from(has_return), end: bytes.len().min(stop + encoding.width()) })
}
