//! The bytes of one log become entries, and these become events: in whatever pieces the bytes come, in the dialect
//! that the log turns out to be in, whatever the size of an entry.
//!
//! ```text
//! fill ──▶ buffer ──split──▶ entry ──read──▶ parsed ──▶ take
//!            ▲ over the limit: its head is kept, the rest is read past    │
//!            └───────── said nothing: cut anew in another dialect ◀───────┘
//! ```
//!
//! Invariant: every byte is part of an entry, structure of its dialect, or the rest of an entry that is flagged.
//! Invariant: an entry that `read` panics at costs its own fields, and neither the next one nor the dialect; a line at
//! which `split` panics is such an entry.
//! Invariant: no more is kept than the limit of an entry and what was filled in at once.
//! Not here: where the bytes come from (`tail`, standard input), and what the events are for.

mod uncut;
mod unended;

use super::choice::{Choice, Head};
use super::identity::HEAD_BYTES_MAX;
use crate::dialect::{self, Context, Dialect, End, Entry, Masks, Parsed, State};
use crate::model::guard::guard;
use std::io;
use std::panic::AssertUnwindSafe;

/// Cuts one log.
#[derive(Debug)]
pub struct Cutter {
    pub(super) choice: Choice,
    state: State,
    /// Where the buffer begins: just after the last entry.
    offset: u64,
    /// Where the log last said how to read on.
    anchor: u64,
    /// Bytes that are not cut into entries yet.
    buffer: Vec<u8>,
    entries: Vec<Entry>,
    /// The last bytes that are done with, as they were read.
    before: Vec<u8>,
    /// Bytes seen of an entry over the limit, of which the buffer holds the first.
    overlong: Option<u64>,
    changed: bool,
    /// How many bytes are cut at once: few after a change of the dialect, for what follows may be cut anew.
    window_bytes: usize,
    /// Where the bytes began at which otrail has last panicked.
    uncut: Option<u64>,
}

/// How an entry was cut out.
#[derive(Debug)]
pub struct Cut<'a> {
    /// The entry, or its beginning.
    pub text: &'a [u8],
    /// It was over the limit; `text` is its beginning.
    pub truncated: bool,
    /// It ended with the log and had no line feed.
    pub unfinished: bool,
    /// Where it begins in the log.
    pub start: u64,
    /// Just after it in the log.
    pub end: u64,
    /// In which dialect it was read.
    pub dialect: &'static Dialect,
    /// What the dialect knew of the log.
    pub state: &'a State,
    /// Why it is in that dialect.
    pub reason: &'a str,
}

/// What an entry is read with.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// What `parse` needs to know.
    pub context: &'a Context<'a>,
    /// What is replaced first.
    pub masks: &'a Masks,
    /// Most bytes of an entry; of a longer one that much is kept.
    pub line_bytes_max: usize,
}

impl Cutter {
    /// For a log from its beginning; without a dialect the entries tell.
    pub fn new(dialect: Option<&'static Dialect>) -> Cutter {
        Cutter::resumed(Choice::new(dialect, ""), State::at(0), 0, 0, Vec::new())
    }

    /// For a log that is read on from `offset`; `before` are the bytes just before that.
    pub(super) fn resumed(choice: Choice, state: State, offset: u64, anchor: u64, before: Vec<u8>) -> Cutter {
        let (buffer, entries) = (Vec::new(), Vec::new());
        let (overlong, changed, window_bytes, uncut) = (None, false, usize::MAX, None);
        Cutter {
            choice,
            state,
            offset,
            anchor,
            buffer,
            entries,
            before,
            overlong,
            changed,
            window_bytes,
            uncut,
        }
    }

    /// What the log should have said for it to be read in its dialect.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        let of_dialect = self.choice.dialect.and_then(|dialect| (dialect.lacks)(&self.state));
        of_dialect.or_else(|| self.choice.lacks())
    }

    /// Where the next entry begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the log last said how to read on.
    pub(super) fn anchor(&self) -> u64 {
        self.anchor
    }

    /// The last bytes that are done with, at most `BEFORE_BYTES`, and where they end: at `offset`, or within an entry
    /// that is over the limit.
    pub(super) fn before(&self) -> (&[u8], u64) {
        (&self.before, self.offset + self.overlong.unwrap_or_default())
    }

    /// The last bytes that have been read, at most `BEFORE_BYTES`: they end at `read_through`.
    pub(super) fn last_read(&self) -> Vec<u8> {
        let buffer = if self.overlong.is_some() { &[] } else { self.buffer.as_slice() };
        let buffer = &buffer[buffer.len().saturating_sub(BEFORE_BYTES)..];
        let before = &self.before
            [(self.before.len() + buffer.len()).saturating_sub(BEFORE_BYTES).min(self.before.len())..];
        [before, buffer].concat()
    }

    /// How far the log has been read.
    pub fn read_through(&self) -> u64 {
        self.offset + self.overlong.unwrap_or(self.buffer.len() as u64)
    }

    /// Whether the dialect or the anchor is another since the last time.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Takes the next bytes of the log, at most `bytes_max`: `read` fills them in and says how many there were.
    pub fn fill(
        &mut self,
        bytes_max: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let start = self.buffer.len();
        self.buffer.resize(start + bytes_max, 0);
        let read = read(&mut self.buffer[start..]);
        self.buffer.truncate(start + read.as_ref().map_or(0, |&count| count));
        read
    }

    /// Makes events of the whole entries in the buffer and calls `take` for each.
    pub fn cut(&mut self, end: End, reading: Reading<'_>, mut take: impl FnMut(Parsed, &Cut<'_>)) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(length) = self.overlong.take() {
            self.go_past(&mut buffer, length, end, reading, &mut take);
        }
        if self.overlong.is_none() {
            self.state = std::mem::take(&mut self.state).limited(reading.line_bytes_max);
            self.decide(&buffer, end);
            let mut done = 0;
            while let Some(more) = self.cut_some(&buffer[done..], end, reading, &mut take) {
                done += more;
            }
            self.keep_before(&buffer[..done]);
            buffer.drain(..done);
            if buffer.len() > reading.line_bytes_max {
                self.state.begin_skip(&buffer);
                self.overlong = Some(buffer.len() as u64);
                self.keep_before(&buffer);
                buffer.truncate(reading.line_bytes_max);
            }
        }
        self.buffer = buffer;
    }

    /// Finds the dialect when that is to be found. Whoever has read until now may have begun an array.
    fn decide(&mut self, buffer: &[u8], end: End) {
        let before = self.choice.reader().name;
        if self.choice.decide(buffer, end) {
            self.changed = true;
            if self.choice.reader().name != before {
                self.go_on(self.state.is_at_head(), self.offset);
            }
        }
    }

    /// From `place` on the log is read in the dialect that has just been found.
    fn go_on(&mut self, at_head: bool, place: u64) {
        self.state = self.state.changed(self.choice.reader(), at_head);
        if !self.state.is_in_array() {
            self.anchor = self.choice.anchor(&self.state, place);
        }
    }

    /// Takes the entries that are read in one way; how many bytes that was, `None` when there is no more.
    fn cut_some(
        &mut self,
        bytes: &[u8],
        end: End,
        reading: Reading<'_>,
        take: &mut impl FnMut(Parsed, &Cut<'_>),
    ) -> Option<usize> {
        let (base, at_head) = (self.offset, self.state.is_at_head());
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        let window = &bytes[..bytes.len().min(self.window_bytes)];
        let is_all = window.len() == bytes.len();
        let end_of_window = if is_all { end } else { End::Open };
        let split =
            dialect::uncut::split(self.choice.reader(), &mut self.state, window, end_of_window, &mut entries);
        let mut done = match split {
            Ok(done) => done,
            Err(panicked) => {
                self.entries = entries;
                return self.on_uncut(bytes, window.len(), end, panicked, reading, take);
            }
        };
        let mut goes_on = done > 0 || !is_all;
        self.window_bytes = self.window_bytes.saturating_mul(2);
        if self.state.take_anchored() {
            (self.anchor, self.changed) = (base, true);
            self.choice.anchored(base);
        }
        let mut before = 0;
        for entry in &entries {
            let (text, truncated) = limit(&bytes[entry.text.clone()], reading.line_bytes_max);
            let unfinished = end == End::Final && entry.end == bytes.len() && !ends_line(bytes);
            let (start, length) = (entry.text.start, entry.end - entry.text.start);
            let (begin, end_at) = (base + start as u64, base + entry.end as u64);
            let head = Head { start: begin, text, length, onwards: &bytes[start..] };
            let piece = Piece { text, truncated, unfinished, start: begin, end: end_at };
            let head = Some(head).filter(|_| !truncated);
            if !self.read(piece, head, reading, take) {
                self.go_on(at_head && before == 0, base + before as u64);
                (done, goes_on, self.changed, self.window_bytes) = (before, true, true, WINDOW_BYTES_MIN);
                break;
            }
            before = entry.end;
        }
        self.entries = entries;
        self.offset = base + done as u64;
        goes_on.then_some(done)
    }

    /// Reads an entry and hands it on. False when the log goes on in another dialect, beginning with this entry.
    fn read(
        &mut self,
        piece: Piece<'_>,
        head: Option<Head<'_>>,
        reading: Reading<'_>,
        take: &mut impl FnMut(Parsed, &Cut<'_>),
    ) -> bool {
        let dialect = self.choice.reader();
        let (state, Reading { context, masks, .. }) = (&self.state, reading);
        // All of that is shared and stays as it is, but for what the rules remember, which is not used again after a panic.
        let work = AssertUnwindSafe(|| dialect::read(dialect, state, context, masks, piece.text));
        let parsed = guard(work)
            .unwrap_or_else(|panicked| dialect::unread(state, context, masks, piece.text, panicked));
        // What otrail has panicked at says nothing about the language of the log.
        if let Some(head) = head.filter(|_| parsed.defect.is_none())
            && self.choice.gives_way(&parsed, &self.state, head, reading.context)
        {
            return false;
        }
        self.hand_on(piece, parsed, take);
        true
    }

    fn hand_on(&self, piece: Piece<'_>, parsed: Parsed, take: &mut impl FnMut(Parsed, &Cut<'_>)) {
        let Piece { text, truncated, unfinished, start, end } = piece;
        let (dialect, state, reason) = (self.choice.reader(), &self.state, self.choice.reason.as_str());
        take(parsed, &Cut { text, truncated, unfinished, start, end, dialect, state, reason });
    }

    /// Looks for the end of an entry over the limit; `buffer` holds its head and what was read after.
    fn go_past(
        &mut self,
        buffer: &mut Vec<u8>,
        length: u64,
        end: End,
        reading: Reading<'_>,
        take: &mut impl FnMut(Parsed, &Cut<'_>),
    ) {
        let head = reading.line_bytes_max.min(buffer.len());
        let found = self.state.skip(&buffer[head..]);
        let Some(rest) = found.or((end == End::Final).then_some(buffer.len() - head)) else {
            self.overlong = Some(length + (buffer.len() - head) as u64);
            self.keep_before(&buffer[head..]);
            buffer.truncate(head);
            return;
        };
        let start = self.offset;
        self.offset += length + rest as u64;
        let (text, unfinished) = (whole_characters(&buffer[..head]), found.is_none());
        let _taken = self.read(
            Piece { text, truncated: true, unfinished, start, end: self.offset },
            None,
            reading,
            take,
        );
        self.keep_before(&buffer[head..head + rest]);
        buffer.drain(..head + rest);
    }

    /// Forgets what has been read of an entry that has no end yet: it is read again.
    pub(super) fn forget_rest(&mut self) {
        self.buffer.clear();
        if self.overlong.take().is_some() {
            // What stands before the entry has gone past.
            self.before.clear();
        }
    }

    /// Goes on at a place after a hole; nothing is left in the buffer.
    pub(super) fn skip_to(&mut self, offset: u64) {
        let zeros = usize::try_from(offset - self.offset).unwrap_or(BEFORE_BYTES).min(BEFORE_BYTES);
        self.keep_before(&[0; BEFORE_BYTES][..zeros]);
        self.buffer.clear();
        self.offset = offset;
    }

    fn keep_before(&mut self, consumed: &[u8]) {
        self.before.extend_from_slice(&consumed[consumed.len().saturating_sub(BEFORE_BYTES)..]);
        self.before.drain(..self.before.len().saturating_sub(BEFORE_BYTES));
    }
}

/// An entry that was cut out and not read yet.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a [u8],
    truncated: bool,
    unfinished: bool,
    start: u64,
    end: u64,
}

/// Whether the bytes end with a line feed, in whatever encoding.
fn ends_line(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n") || bytes.ends_with(b"\n\0")
}

/// At most `bytes_max` bytes of an entry, cut at a character boundary.
fn limit(text: &[u8], bytes_max: usize) -> (&[u8], bool) {
    if text.len() <= bytes_max { (text, false) } else { (whole_characters(&text[..bytes_max]), true) }
}

/// Without the beginning of a character at the end.
fn whole_characters(text: &[u8]) -> &[u8] {
    let last = text.iter().rev().take(3).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(after) = last else { return text };
    let wanted = match text[text.len() - 1 - after] {
        0xC0..=0xDF => 1,
        0xE0..=0xEF => 2,
        0xF0..=0xF7 => 3,
        _ => 0,
    };
    if after < wanted { &text[..text.len() - 1 - after] } else { text }
}

const WINDOW_BYTES_MIN: usize = 2 << 10;
/// Bytes before the position that can be compared with the log.
pub(super) const BEFORE_BYTES: usize = HEAD_BYTES_MAX as usize;
