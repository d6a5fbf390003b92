//! A flat JSON object as nearly everybody writes it, read in one pass: `{"type":"USER_OPERATION","owner":null}`.
//!
//! ```text
//! plain    text, also with \" \\ \/ \n and the like; null; a whole number of up to 18 digits; blanks between them
//! not so   unknown keys, \u escapes, other numbers, true, false, arrays, objects, control characters, blanks around the object
//! ```
//!
//! Invariant: what is read here reads the same with `serde_json`; what is not plain is left to it, as is what is wrong.

use crate::model::eight;
use std::borrow::Cow;

/// The members of an object, those before `at` done with.
pub(super) struct Flat<'t> {
    text: &'t str,
    at: usize,
}

/// The value of a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'t> {
    Null,
    Number(i64),
    Text(Cow<'t, str>),
}

/// What comes next in an object.
pub(super) enum Next<'t> {
    /// The place of its key among the known ones.
    Member(usize, Value<'t>),
    /// The object ends, and the text with it.
    End,
}

impl<'t> Flat<'t> {
    /// `None` where a control character makes it look otherwise.
    #[inline]
    pub(super) fn of(text: &'t str) -> Option<Flat<'t>> {
        let is_plain = text.starts_with('{') && text.bytes().fold(u8::MAX, u8::min) >= b' ';
        is_plain.then_some(Flat { text, at: 0 })
    }

    /// The next member, one of these keys, each with the quote that ends it; `None` where it is not plain.
    #[inline(always)]
    pub(super) fn next<const KEYS: usize>(&mut self, keys: [&str; KEYS]) -> Option<Next<'t>> {
        match self.take()? {
            b'{' if self.at == 1 => {}
            b',' => {}
            b'}' => return (self.at == self.text.len()).then_some(Next::End),
            _ => return None,
        }
        (self.take()? == b'"').then_some(())?;
        let rest = &self.text.as_bytes()[self.at..];
        let key = keys.iter().position(|key| rest.starts_with(key.as_bytes()))?;
        self.at += keys[key].len();
        (self.take()? == b':').then_some(())?;
        let value = match self.take()? {
            b'"' => Value::Text(self.string()?),
            b'n' => {
                self.at += self.text.as_bytes()[self.at..].starts_with(b"ull").then_some(3)?;
                Value::Null
            }
            digit @ b'0'..=b'9' => self.number(digit)?,
            _ => return None,
        };
        Some(Next::Member(key, value))
    }

    /// The next byte that is no blank.
    #[inline(always)]
    fn take(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            if byte != b' ' {
                return Some(byte);
            }
        }
    }

    /// The rest of a number that begins so.
    #[inline]
    fn number(&mut self, first: u8) -> Option<Value<'t>> {
        let bytes = self.text.as_bytes();
        let (mut number, start) = (i64::from(first - b'0'), self.at);
        while let Some(digit @ b'0'..=b'9') = bytes.get(self.at) {
            number = number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        let goes_on = matches!(bytes.get(self.at), Some(b'.' | b'e' | b'E'));
        let fits = self.at - start < DIGITS_MAX && (first != b'0' || self.at == start);
        (fits && !goes_on).then_some(Value::Number(number))
    }

    /// The rest of a string, and the quote behind it.
    #[inline(always)]
    fn string(&mut self) -> Option<Cow<'t, str>> {
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
    use serde_json::Value as Json;

    /// The members in order; `None` where it is not plain.
    fn members(text: &str) -> Option<Vec<(String, Json)>> {
        const KEYS: [&str; 4] = ["a", "timestamp", "", "é "];
        let (mut flat, mut found) = (Flat::of(text)?, Vec::new());
        while let Next::Member(key, value) = flat.next(["a\"", "timestamp\"", "\"", "é \""])? {
            let key = KEYS[key];
            let value = match value {
                Value::Null => Json::Null,
                Value::Number(number) => number.into(),
                Value::Text(text) => text.into(),
            };
            found.push((key.to_owned(), value));
        }
        Some(found)
    }

    /// What is plain reads as it does with `serde_json`.
    fn check(text: &str) -> bool {
        let Some(members) = members(text) else { return false };
        let json: serde_json::Map<String, Json> = serde_json::from_str(text).unwrap();
        let members: serde_json::Map<String, Json> = members.into_iter().collect();
        assert_eq!(members, json, "{text}");
        true
    }

    #[test]
    fn a_plain_object_is_read() {
        for text in [
            r#"{"timestamp":1709193520118,"a":"USER_OPERATION","":null,"é ":"é \"x\" \\ \n\/ and more"}"#,
            r#"{ "a" : 0 , "a":"" , "":null }"#,
        ] {
            assert!(check(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        for value in [
            "01",
            "1.0",
            "1e3",
            "-1",
            "1234567890123456789",
            "true",
            "[]",
            "{}",
            "nul",
            "\"\\u0041\"",
            "\"\t\"",
            "'",
            "",
        ] {
            assert!(!check(&format!("{{\"a\":{value}}}")), "{value}");
        }
        for text in [
            "",
            "{",
            "{\"a\":1",
            "{\"a\":1}x",
            "{\"a\":1,}",
            "{,}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            " {}",
            "{}\n",
        ] {
            assert!(!check(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_reads_so_elsewhere(
            text in r#"\{( ?"(a|timestamp|é |x|[a\\"]{0,3})" ?: ?("([ -~é]|\\["nu/\\x]){0,20}"|null|[0-9]{1,20}|[a-z0-9.{}-]{1,4}) ?[,}]?){0,4}\}?"#,
        ) {
            check(&text);
        }

        #[test]
        fn what_serde_json_writes_is_plain_but_for_control_characters(value in "[ -~é\\n\\t]{0,40}", number in 0..i64::pow(10, 17)) {
            let text = serde_json::json!({ "a": value, "timestamp": number, "": null }).to_string();
            prop_assert!(check(&text));
        }
    }
}
