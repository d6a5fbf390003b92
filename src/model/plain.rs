//! JSON as nearly everybody writes it, read in one pass: strings, and whole numbers of up to 18 digits.
//!
//! ```text
//! plain    text, also with \" \\ \/ \n and the like, and \u00XX of ASCII
//! not so   other \u escapes, other numbers, control characters
//! ```
//!
//! Invariant: what is read here reads the same with `serde_json`; what is not plain is left to it, as is what is wrong.

use super::eight;
use super::hash::unhex;
use std::borrow::Cow;

/// A text that is JSON, and how far it has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Plain<'t> {
    /// `None` where a control character makes it look otherwise.
    #[inline]
    pub(crate) fn of(text: &'t str) -> Option<Plain<'t>> {
        (text.bytes().fold(u8::MAX, u8::min) >= b' ').then_some(Plain { text, at: 0 })
    }

    /// How many bytes have been read.
    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The text from there on up to what is read next.
    pub(crate) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    #[inline(always)]
    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// The bytes that come next.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Passes over this text if it comes next, and says whether it did.
    #[inline(always)]
    pub(crate) fn pass(&mut self, known: &str) -> bool {
        let is_next = self.rest().starts_with(known.as_bytes());
        self.at += if is_next { known.len() } else { 0 };
        is_next
    }

    /// The next byte that is no blank.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            if byte != b' ' {
                return Some(byte);
            }
        }
    }

    /// The rest of a number that begins with this digit.
    #[inline]
    pub(crate) fn number(&mut self, first: u8) -> Option<i64> {
        let bytes = self.text.as_bytes();
        let (mut number, start) = (i64::from(first - b'0'), self.at);
        while let Some(digit @ b'0'..=b'9') = bytes.get(self.at) {
            number = number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        let goes_on = matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        let fits = self.at - start < DIGITS_MAX && (first != b'0' || self.at == start);
        (fits && !goes_on).then_some(number)
    }

    /// The rest of a string, and the quote behind it.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Option<Cow<'t, str>> {
        let (text, mark) = self.text_to_mark()?;
        if mark == b'"' { Some(Cow::Borrowed(text)) } else { self.with_escapes(text) }
    }

    /// The same where an escape follows this text of it.
    #[inline(never)]
    fn with_escapes(&mut self, text: &str) -> Option<Cow<'t, str>> {
        let mut whole = String::with_capacity((self.text.len() - self.at).min(CAPACITY));
        whole.push_str(text);
        loop {
            let escape = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            whole.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => {
                    let [b'0', b'0', high @ b'0'..=b'7', low, ..] = *self.rest() else { return None };
                    self.at += 4;
                    char::from(unhex(high)? << 4 | unhex(low)?)
                }
                _ => return None,
            });
            let (text, mark) = self.text_to_mark()?;
            whole.push_str(text);
            if mark == b'"' {
                return Some(Cow::Owned(whole));
            }
        }
    }

    /// The text before the next quote or backslash, and which of them it is; goes behind it.
    #[inline(always)]
    fn text_to_mark(&mut self) -> Option<(&'t str, u8)> {
        let rest = &self.text[self.at..];
        let length = mark_in(rest.as_bytes())?;
        self.at += length + 1;
        Some((&rest[..length], rest.as_bytes()[length]))
    }
}

/// The place of the first quote or backslash. Most texts are short, so that it pays to look at eight bytes at a time and
/// no more.
#[inline(always)]
fn mark_in(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let marks = eight::equal(word, b'"') | eight::equal(word, b'\\');
        if marks != 0 {
            return Some(8 * number + eight::first(marks));
        }
    }
    let last = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(bytes.len() - rest.len() + last)
}

/// More may not fit into the number.
const DIGITS_MAX: usize = 18;
/// Room for a text with escapes.
const CAPACITY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string(json: &str) -> Option<(String, usize)> {
        let mut plain = Plain::of(json)?;
        let text = plain.pass("\"").then(|| plain.string())??;
        Some((text.into_owned(), plain.at()))
    }

    proptest! {
        #[test]
        fn a_string_reads_as_json_does(
            parts in prop::collection::vec(
                prop_oneof!["[ -~é\u{202e}]{0,20}", r#"\\[nrtbf"/\\]"#, r"\\u00[0-9a-fA-F]{2}", r"\\u[0-9a-f]{4}", r"\\."],
                0..6,
            ),
        ) {
            let json = format!("\"{}\"", parts.concat());
            if let Some((text, end)) = string(&json) {
                prop_assert_eq!(serde_json::from_str::<String>(&json[..end]).unwrap(), text);
            }
        }

        #[test]
        fn what_is_without_other_escapes_is_plain(text in "[ -~é\u{202e}]{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(string(&json), Some((text, json.len())));
        }
    }

    #[test]
    fn escapes_of_ascii_are_plain_and_others_are_not() {
        assert_eq!(string("\"\\u0000\\u001f\\u007f\""), Some(("\0\u{1f}\u{7f}".to_owned(), 20)));
        for json in
            ["\"\\u0080\"", "\"\\ud800\"", "\"\\u00\"", "\"\\u004", "\"\t\"", "\"x", "\"\\", "\"\\x\""]
        {
            assert_eq!(string(json), None, "{json}");
        }
    }
}
