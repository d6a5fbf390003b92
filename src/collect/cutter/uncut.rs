//! Bytes at which otrail panics when it cuts them into entries: as little of them as can be is taken line by line.
//!
//! ```text
//! panics   the first line alone is tried, then twice as much, and so on: what stands before is cut as ever
//! again    where it has panicked before, or at one line: that line is an entry that cannot be read; the next is tried
//! ```
//!
//! Of one entry of several lines the rest may be entries, too. All is there, and nothing of it waits for a version of
//! otrail that can cut it.

use super::{Cut, Cutter, Piece, Reading, WINDOW_BYTES_MIN, ends_line, limit};
use crate::dialect::{self, End, Parsed};
use crate::model::guard::Panicked;

impl Cutter {
    /// otrail has panicked at the first `window` of these bytes; how many are done with, `None` when more must come first.
    pub(super) fn on_uncut(
        &mut self,
        bytes: &[u8],
        window: usize,
        end: End,
        panicked: Panicked,
        reading: Reading<'_>,
        take: &mut impl FnMut(Parsed, &Cut<'_>),
    ) -> Option<usize> {
        let (start, mut state) = (self.offset, self.state.clone());
        let line = dialect::uncut::line(&mut state, bytes, end)?;
        if line.end < window && self.uncut.replace(start) != Some(start) {
            self.window_bytes = line.end;
            return Some(0);
        }
        (self.state, self.window_bytes) = (state, WINDOW_BYTES_MIN);
        let (text, truncated) = limit(&bytes[line.text], reading.line_bytes_max);
        if !text.is_empty() {
            let unfinished = end == End::Final && line.end == bytes.len() && !ends_line(bytes);
            let piece = Piece { text, truncated, unfinished, start, end: start + line.end as u64 };
            let parsed = dialect::unread(&self.state, reading.context, reading.masks, text, panicked);
            self.hand_on(piece, parsed, take);
        }
        self.offset += line.end as u64;
        Some(line.end)
    }
}
