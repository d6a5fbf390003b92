//! How the text of a file is encoded: UTF-8, or UTF-16 as its byte order mark says, or its first characters.

use super::{End, State};
use std::borrow::Cow;

/// The encoding of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, or any bytes that have ASCII in them.
    #[default]
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

impl Encoding {
    /// What the head of a file says, and how many bytes its mark has.
    pub(super) fn of(head: &[u8]) -> (Encoding, usize) {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
            _ if head.len() < UNMARKED_BYTES => (Encoding::Utf8, 0),
            _ if Encoding::Utf16Le.is_of(head) => (Encoding::Utf16Le, 0),
            _ if Encoding::Utf16Be.is_of(head) => (Encoding::Utf16Be, 0),
            _ => (Encoding::Utf8, 0),
        }
    }

    /// Whether the first characters of a file are ASCII in this encoding of two bytes. In no other text is every second
    /// byte zero; zeros that were never written are so side by side.
    fn is_of(self, head: &[u8]) -> bool {
        let (zero, ascii) = if self == Encoding::Utf16Le { (1, 0) } else { (0, 1) };
        let is_text = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        head.iter().take(UNMARKED_BYTES).enumerate().all(|(at, &byte)| match at % 2 {
            place if place == zero => byte == 0,
            place => place == ascii && is_text(byte),
        })
    }

    /// Whether `head` may become a mark, or what is known without one, when more bytes come.
    pub(super) fn may_begin(head: &[u8]) -> bool {
        let is_wide = Encoding::Utf16Le.is_of(head) || Encoding::Utf16Be.is_of(head);
        let may_be_marked = [&[0xEF, 0xBB, 0xBF][..], &[0xFF, 0xFE], &[0xFE, 0xFF]]
            .iter()
            .any(|mark| head.len() < mark.len() && mark.starts_with(head));
        may_be_marked || head.len() < UNMARKED_BYTES && is_wide
    }

    /// Bytes of a unit.
    pub(super) fn width(self) -> usize {
        if self == Encoding::Utf8 { 1 } else { 2 }
    }

    /// The whole unit at `at`.
    pub(super) fn unit(self, bytes: &[u8], at: usize) -> Option<u16> {
        match self {
            Encoding::Utf8 => bytes.get(at).map(|&byte| u16::from(byte)),
            Encoding::Utf16Le => Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])),
            Encoding::Utf16Be => Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])),
        }
    }

    /// Where the next line feed at or after `from` begins; `from` is the first byte of a unit.
    pub(super) fn line_feed(self, bytes: &[u8], from: usize) -> Option<usize> {
        if self == Encoding::Utf8 {
            return memchr::memchr(b'\n', &bytes[from..]).map(|at| from + at);
        }
        let units = bytes[from..].chunks_exact(2);
        units
            .enumerate()
            .find(|(at, _)| self.unit(bytes, from + 2 * at) == Some(LINE_FEED))
            .map(|(at, _)| from + 2 * at)
    }

    /// The bytes of a text.
    pub(super) fn bytes(self, text: String) -> Vec<u8> {
        match self {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// The text of an entry, and whether it says exactly what the bytes say.
    pub(super) fn text(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        if self == Encoding::Utf8 {
            let text = String::from_utf8_lossy(bytes);
            let exact = matches!(text, Cow::Borrowed(_));
            return (text, exact);
        }
        let units: Vec<u16> = (0..bytes.len() / 2).filter_map(|at| self.unit(bytes, 2 * at)).collect();
        let whole = bytes.len().is_multiple_of(2);
        match String::from_utf16(&units) {
            Ok(text) => (Cow::Owned(text), whole),
            Err(_) => (Cow::Owned(String::from_utf16_lossy(&units)), false),
        }
    }
}

/// How many bytes of `bytes` are the mark at the head of the file; `None` while that is not known.
pub(super) fn head(state: &mut State, bytes: &[u8], end: End) -> Option<usize> {
    if !state.at_head {
        return Some(0);
    }
    if end != End::Final && (bytes.is_empty() || Encoding::may_begin(bytes)) {
        return None;
    }
    state.at_head = false;
    let (encoding, mark) = Encoding::of(bytes);
    state.encoding = encoding;
    Some(mark)
}

const LINE_FEED: u16 = 0x0A;
/// Four characters.
pub(super) const UNMARKED_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_feed_is_a_unit_of_its_own() {
        let bytes = [0x00, 0x0A, 0x0A, 0x00, 0x0A];
        assert_eq!(Encoding::Utf16Le.line_feed(&bytes, 0), Some(2));
        assert_eq!(Encoding::Utf16Be.line_feed(&bytes, 0), Some(0));
        assert_eq!(Encoding::Utf8.line_feed(&bytes, 0), Some(1));
    }

    #[test]
    fn wide_text_is_known_without_a_mark_and_nothing_else_is_taken_for_it() {
        for (head, encoding) in [
            (b"T\0i\0m\0e\0;\0", Encoding::Utf16Le),
            (b"\0T\0i\0m\0e\0;", Encoding::Utf16Be),
            (b"\0\0\0\0\0\0\0\0\0\0", Encoding::Utf8),
            (b"T\0i\0mee;;;", Encoding::Utf8),
            (b"Time;Type;", Encoding::Utf8),
        ] {
            assert_eq!(Encoding::of(head), (encoding, 0), "{head:?}");
            let may_begin = (1..head.len()).filter(|&bytes| Encoding::may_begin(&head[..bytes])).count();
            assert_eq!(may_begin == 7, encoding != Encoding::Utf8, "{head:?}");
            assert_eq!(Encoding::of(&head[..7]), (Encoding::Utf8, 0), "{head:?}");
        }
    }

    #[test]
    fn half_a_pair_and_half_a_unit_are_not_exact() {
        assert_eq!(Encoding::Utf16Le.text(b"\x3D\xD8\x00\xDE"), ("😀".into(), true));
        assert_eq!(Encoding::Utf16Le.text(b"a\0\x3D\xD8"), ("a\u{FFFD}".into(), false));
        assert_eq!(Encoding::Utf16Be.text(b"\0ab"), ("a".into(), false));
    }
}
