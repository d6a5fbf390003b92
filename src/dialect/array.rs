//! Elements of a JSON array, found while the array still grows.
//!
//! ```text
//! [ {"type": …}, {"type": "broken}, {"type": …}, null ]
//!   one          the next           one          the next
//! ```
//!
//! Only so much JSON as it takes to find where an element ends; whether it is one is for who reads it.
//! Invariant: a broken element ends where the next one begins: at `{` after `},`, or at a bracket in the first
//! column of a line, which pretty-printing gives to nothing inside an element.
//! Invariant: entries and the brackets, commas and white space between them cover the array.

use super::page::{self, Part};
use super::{End, Entry, State};

/// Finds the whole elements at the head of `bytes[start..]`; returns how far they go.
pub(super) fn split(
    state: &mut State,
    bytes: &[u8],
    start: usize,
    end: End,
    entries: &mut Vec<Entry>,
) -> usize {
    let mut at = start;
    loop {
        at += bytes[at..].iter().take_while(|&&byte| is_between(byte)).count();
        match bytes.get(at) {
            None => return at,
            Some(b']') if at > start => return at,
            Some(b']') => {
                let mut past = at + 1;
                if state.in_page {
                    match page::closes(&bytes[past..]) {
                        Part::Page(length) => past += length,
                        Part::Later if end.may_go_on() => return at,
                        Part::Later | Part::Other => {}
                    }
                }
                (state.in_array, state.in_page, state.anchored) = (false, false, true);
                return past;
            }
            Some(b'[') => match opens(&bytes[at..]) {
                Opens::Array => {
                    at += 1;
                    continue;
                }
                Opens::Later if end != End::Final => return at,
                Opens::Later | Opens::Other => {}
            },
            Some(_) => {}
        }
        let Some(length) = element(&bytes[at..], end) else { return at };
        let blank = bytes[at..at + length].iter().rev().take_while(|&&byte| is_between(byte)).count();
        entries.push(Entry { text: at..at + length - blank, end: at + length });
        at += length;
    }
}

/// Whether a bracket opens an array of entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opens {
    Array,
    Other,
    /// What stands in it has not come yet.
    Later,
}

/// What the bracket at the head of `bytes` opens: an array of objects, or an empty one.
pub(super) fn opens(bytes: &[u8]) -> Opens {
    match bytes[1..].iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Opens::Later,
        Some(b'{' | b']') => Opens::Array,
        Some(_) => Opens::Other,
    }
}

/// Bytes of the element at the head of `bytes`.
fn element(bytes: &[u8], end: End) -> Option<usize> {
    let (near, far) = bytes.split_at(bytes.len().min(RESCAN_BYTES));
    let mut scan = Scan::default();
    let found = scan.run(near);
    let found = match scan.broken_at {
        // What broke it may be the quote that it lacks itself: the next element is looked for from its beginning.
        Some(_) => Scan { phase: Phase::Broken, ..Scan::default() }.run(bytes),
        None => found.or_else(|| scan.run(far).map(|length| near.len() + length)),
    };
    found.or((end == End::Final).then_some(bytes.len()))
}

/// What may stand between elements.
pub(super) fn is_between(byte: u8) -> bool {
    byte == b',' || byte.is_ascii_whitespace()
}

/// Reads an element byte by byte, in as many pieces as it comes.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    phase: Phase,
    depth: usize,
    /// One bit for each of the innermost brackets: whether it is a curly one.
    curly: u64,
    /// More brackets than `curly` has bits for: they are counted only.
    is_deep: bool,
    /// The last two bytes that are no white space.
    last: [u8; 2],
    after_line_feed: bool,
    /// Where a `]` stands after a `}` in a broken element.
    closing: Option<usize>,
    broken_at: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Start,
    /// In an object or array, outside of strings.
    Inside,
    Text,
    Escape,
    /// Just after a string in an object or array.
    TextEnd,
    /// Something that is neither: it ends with its line.
    Stray,
    Broken,
}

impl Scan {
    /// Goes past the end of an element whose beginning has been read; just after it, when it is in `bytes`.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        let before = match self.phase {
            Phase::Start => bytes.iter().take_while(|&&byte| is_between(byte)).count(),
            _ => 0,
        };
        // A place in bytes that are gone already is no place to end at.
        (self.closing, self.broken_at) = (None, None);
        self.run(&bytes[before..]).map(|length| before + length)
    }

    /// Bytes up to the end of the element, when it is in `bytes`.
    fn run(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            if let Some(end) = self.step(at, byte) {
                return Some(end);
            }
            self.after_line_feed = byte == b'\n';
        }
        None
    }

    fn step(&mut self, at: usize, byte: u8) -> Option<usize> {
        if self.after_line_feed && matches!(byte, b'{' | b'[') && self.phase != Phase::Start {
            return Some(at);
        }
        match (self.phase, byte) {
            (Phase::Start, b'{' | b'[') => {
                self.phase = Phase::Inside;
                self.open(byte);
            }
            (Phase::Start, _) => {
                self.phase = Phase::Stray;
                return self.stray(at, byte);
            }
            (Phase::Text, b'\\') => self.phase = Phase::Escape,
            (Phase::Text, b'"') => self.phase = Phase::TextEnd,
            (Phase::Text | Phase::Escape, b'\n') => self.break_at(at, byte),
            (Phase::Text, _) => {}
            (Phase::Escape, _) => self.phase = Phase::Text,
            (Phase::Stray, _) => return self.stray(at, byte),
            (Phase::Broken, _) => return self.broken(at, byte),
            (Phase::TextEnd, byte) if !byte.is_ascii_whitespace() && !b",:}]".contains(&byte) => {
                self.break_at(at, byte);
            }
            (Phase::TextEnd, byte) if byte.is_ascii_whitespace() => {}
            (Phase::Inside | Phase::TextEnd, _) => return self.inside(at, byte),
        }
        None
    }

    fn inside(&mut self, at: usize, byte: u8) -> Option<usize> {
        self.phase = Phase::Inside;
        match byte {
            b'"' => self.phase = Phase::Text,
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => {
                let fits = (self.curly & 1 == 1) == (byte == b'}');
                if !self.is_deep && !fits {
                    self.break_at(at, byte);
                    return None;
                }
                (self.depth, self.curly) = (self.depth.saturating_sub(1), self.curly >> 1);
                if self.depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        None
    }

    fn open(&mut self, byte: u8) {
        (self.depth, self.curly) = (self.depth + 1, self.curly << 1 | u64::from(byte == b'{'));
        self.is_deep |= self.depth > 64;
    }

    fn break_at(&mut self, at: usize, byte: u8) {
        (self.phase, self.broken_at, self.last) = (Phase::Broken, Some(at), [0, byte]);
    }

    fn stray(&mut self, at: usize, byte: u8) -> Option<usize> {
        match byte {
            b'\n' => return Some(at),
            b'{' if self.last[1] == b',' => return Some(at),
            b'[' => self.depth += 1,
            b']' if self.depth == 0 && at > 0 => return Some(at),
            b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.note(byte);
        None
    }

    fn broken(&mut self, at: usize, byte: u8) -> Option<usize> {
        match byte {
            b'\n' if self.closing.is_some() => return self.closing,
            b'{' if self.last == *b"}," => return Some(at),
            b']' if self.last[1] == b'}' => self.closing = Some(at),
            _ if !byte.is_ascii_whitespace() => self.closing = None,
            _ => {}
        }
        self.note(byte);
        None
    }

    fn note(&mut self, byte: u8) {
        if !byte.is_ascii_whitespace() {
            self.last = [self.last[1], byte];
        }
    }
}

/// How far back the beginning of a broken element is read again.
const RESCAN_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of an array whose bracket has been read.
    fn elements(bytes: &[u8]) -> Vec<&str> {
        let (mut state, mut entries) = (State::at(1), Vec::new());
        state.in_array = true;
        split(&mut state, bytes, 0, End::Final, &mut entries);
        entries.into_iter().map(|entry| std::str::from_utf8(&bytes[entry.text]).unwrap_or("?")).collect()
    }

    #[test]
    fn elements_end_where_their_bracket_does() {
        assert_eq!(elements(b" {\"a\":\"}]\\\"\"} ,\n{\"b\":[{}]}]"), ["{\"a\":\"}]\\\"\"}", "{\"b\":[{}]}"]);
        assert_eq!(elements(b"null, {\"a\":1},2\n]"), ["null", "{\"a\":1}", "2"]);
    }

    #[test]
    fn a_broken_element_does_not_cost_the_next() {
        assert_eq!(elements(b"{\"a\":\"b},{\"a\":\"c\"},{}]"), ["{\"a\":\"b}", "{\"a\":\"c\"}", "{}"]);
        assert_eq!(elements(b"{\"a\":\"b\n\"},\n {}]"), ["{\"a\":\"b\n\"}", "{}"]);
        assert_eq!(elements(b"{\"a\":[1},{\"b\":2}\n]\n"), ["{\"a\":[1}", "{\"b\":2}"]);
        assert_eq!(elements(b"{\"a\":\"b}\n]\n"), ["{\"a\":\"b}"]);
    }

    #[test]
    fn an_array_that_breaks_off_ends_where_a_line_begins_with_a_bracket() {
        assert_eq!(elements(b"{\"a\":1},{\"b\":\n[{\"c\":2}]\n"), ["{\"a\":1}", "{\"b\":", "{\"c\":2}"]);
        assert_eq!(elements(b"{\"a\":1\n{\"b\":2}\n"), ["{\"a\":1", "{\"b\":2}"]);
    }

    #[test]
    fn what_is_too_deep_to_check_is_counted() {
        let deep = format!("{}{}, {{}}", "{\"a\":".repeat(100), "}".repeat(100));
        assert_eq!(elements(deep.as_bytes()).len(), 2);
    }

    #[test]
    fn an_element_over_the_limit_is_read_past_to_its_end() {
        let mut state = State::at(1);
        state.in_array = true;
        state.begin_skip(b" ,{\"a\":\"b}");
        assert_eq!(state.skip(b"},{"), None);
        assert_eq!(state.skip(b"\" }, {}"), Some(3));
    }
}
