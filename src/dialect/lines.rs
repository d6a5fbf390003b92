//! Entries that are lines: what the line-based dialects share.
//!
//! Invariant: entries and the bytes between them cover what is consumed; nothing else is passed over than line
//! ends, blank lines and the byte order mark at the head of the file.

use super::{End, Entry, State};
use memchr::memchr_iter;

/// Finds the whole lines at the head of `bytes`; returns how many bytes are done with.
pub(super) fn split(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize {
    let Some(head) = head(state, bytes, end) else { return 0 };
    let mut start = head;
    for newline in memchr_iter(b'\n', &bytes[head..]).map(|at| head + at) {
        push(bytes, start, newline, newline + 1, entries);
        start = newline + 1;
    }
    if end == End::Final {
        push(bytes, start, bytes.len(), bytes.len(), entries);
        start = bytes.len();
    }
    start
}

/// How many bytes of `bytes` are the mark at the head of the file; `None` while that is not known.
pub(super) fn head(state: &mut State, bytes: &[u8], end: End) -> Option<usize> {
    if !state.at_head {
        return Some(0);
    }
    if end != End::Final && bytes.len() < MARK.len() && MARK.starts_with(bytes) {
        return None;
    }
    state.at_head = false;
    Some(if bytes.starts_with(MARK) { MARK.len() } else { 0 })
}

/// Adds the line `start..stop` unless it is blank.
pub(super) fn push(bytes: &[u8], start: usize, stop: usize, end: usize, entries: &mut Vec<Entry>) {
    let line = &bytes[start..stop];
    if !line.iter().all(u8::is_ascii_whitespace) {
        let stop = if line.ends_with(b"\r") { stop - 1 } else { stop };
        entries.push(Entry { text: start..stop, end });
    }
}

/// The UTF-8 byte order mark that Windows tools put at the head of a file.
pub(super) const MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut state: State, bytes: &[u8], end: End) -> (Vec<&[u8]>, usize) {
        let mut entries = Vec::new();
        let done = split(&mut state, bytes, end, &mut entries);
        (entries.into_iter().map(|entry| &bytes[entry.text]).collect(), done)
    }

    #[test]
    fn an_entry_without_its_end_waits_while_the_file_is_written() {
        assert_eq!(lines(State::at(0), b"a\nb", End::Open), (vec![&b"a"[..]], 2));
        assert_eq!(lines(State::at(0), b"a\nb", End::Final), (vec![&b"a"[..], b"b"], 3));
    }

    #[test]
    fn blank_lines_and_a_carriage_return_are_no_entries() {
        assert_eq!(lines(State::at(0), b"a\r\r\n", End::Open), (vec![&b"a\r"[..]], 4));
        assert_eq!(lines(State::at(0), b"\n \t\r\na\r\n\r\n", End::Final), (vec![&b"a"[..]], 10));
    }

    #[test]
    fn a_mark_counts_only_at_the_head_of_the_file() {
        assert_eq!(lines(State::at(0), b"\xEF\xBB\xBFa\n", End::Open), (vec![&b"a"[..]], 5));
        assert_eq!(lines(State::at(9), b"\xEF\xBB\xBFa\n", End::Open), (vec![&b"\xEF\xBB\xBFa"[..]], 5));
        assert_eq!(lines(State::at(0), b"\xEF\xBB", End::Open), (vec![], 0));
        assert_eq!(lines(State::at(0), b"\xEF\xBB", End::Final), (vec![&b"\xEF\xBB"[..]], 2));
    }

    #[test]
    fn a_mark_that_came_alone_is_not_taken_for_a_second_one() {
        let (mut state, mut entries) = (State::at(0), Vec::new());
        assert_eq!(split(&mut state, MARK, End::Open, &mut entries), 3);
        assert_eq!(split(&mut state, b"\xEF\xBB\xBFa\n", End::Open, &mut entries), 5);
        assert_eq!(entries, vec![Entry { text: 0..4, end: 5 }]);
    }
}
