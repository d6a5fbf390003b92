//! The fields of a journal line as they stand there: names and values, without making a record of them.
//!
//! Names and most values are a few bytes long: eight of them are looked at in one go, without a call.

use crate::model::eight;
use std::ops::Range;

/// The fields on the top level of a line's JSON, which lacks its closing brace; ends early where it is no JSON.
pub(super) fn fields(body: &[u8]) -> Fields<'_> {
    Fields { body, at: 1, whole: body.first() == Some(&b'{') }
}

/// The same from the field on that begins there, behind its comma.
pub(super) fn fields_from(body: &[u8], at: usize) -> Fields<'_> {
    Fields { body, at, whole: at < body.len() }
}

/// See `fields`.
pub(super) struct Fields<'a> {
    body: &'a [u8],
    /// Where the next one begins.
    at: usize,
    whole: bool,
}

impl Fields<'_> {
    /// Where the next field begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Passes over fields that are known, so many bytes with the comma behind them.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Whether the line was read to its end, once nothing comes any more.
    pub(super) fn were_whole(&self) -> bool {
        self.whole
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its name, without quotes, which has no escapes.
    pub name: Name<'a>,
    /// The value's JSON.
    pub value: &'a [u8],
    /// Something in the value is escaped.
    pub is_escaped: bool,
    /// Where both stand in the line, from the quote of the name on.
    pub pair: Range<usize>,
}

/// The name of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// One of at most eight bytes as a number, the first byte lowest: two are compared in one go.
    Short(u64),
    /// One of more.
    Long(&'a [u8]),
}

impl Name<'_> {
    /// A name that is known to be short.
    pub(super) const fn short(name: &[u8]) -> u64 {
        let (mut word, mut at) = (0, name.len());
        while at > 0 {
            at -= 1;
            word = word << 8 | name[at] as u64;
        }
        word
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        if self.at >= self.body.len() || !self.whole {
            return None;
        }
        let found = field(self.body, self.at);
        let end = found.as_ref().map_or(0, |field| field.pair.end);
        // Behind a comma one more comes.
        let is_followed = self.body.len() > end + 1 && self.body[end] == b',';
        self.whole = found.is_some() && (is_followed || self.body.len() == end);
        self.at = end + 1;
        found.filter(|_| self.whole)
    }
}

#[inline]
fn field(body: &[u8], begin: usize) -> Option<Field<'_>> {
    let (name, name_end) = name(body, begin)?;
    (*body.get(name_end)? == b':').then_some(())?;
    let begins = name_end + 1;
    let (end, is_escaped) = match name {
        Name::Short(RAW) => raw_end(body, begins)?,
        _ => value_end(body, begins)?,
    };
    Some(Field { name, value: &body[begins..end], is_escaped, pair: begin..end })
}

/// The name whose quote stands there, and where it has ended.
#[inline]
fn name(body: &[u8], begin: usize) -> Option<(Name<'_>, usize)> {
    if let Some(next) = eight_at(body, begin + 1).filter(|_| body[begin] == b'"') {
        let found = specials(next);
        if found != 0 {
            let bits = found.trailing_zeros() & !7;
            let end = begin + 1 + bits as usize / 8;
            let word = next & ((1 << bits) - 1);
            return (body[end] == b'"').then_some((Name::Short(word), end + 1));
        }
    }
    let (end, is_escaped) = string_end(body, begin)?;
    let text = &body[begin + 1..end - 1];
    let name = if text.len() > 8 { Name::Long(text) } else { Name::Short(Name::short(text)) };
    // A name with an escape could be any of them.
    (!is_escaped).then_some((name, end))
}

#[inline]
pub(super) fn eight_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The highest bit of each byte that is a quote or a backslash, up to the first of them; behind it anything.
#[inline]
fn specials(bytes: u64) -> u64 {
    eight::equal(bytes, b'"') | eight::equal(bytes, b'\\')
}

/// Where the string has ended whose quote stands there, and whether something in it is escaped.
#[inline]
fn string_end(bytes: &[u8], begin: usize) -> Option<(usize, bool)> {
    (*bytes.get(begin)? == b'"').then_some(())?;
    let (mut at, mut is_escaped) = (begin + 1, false);
    loop {
        at = next_special(bytes, at)?;
        if bytes[at] == b'"' {
            return Some((at + 1, is_escaped));
        }
        is_escaped = true;
        at += 2;
    }
}

#[inline]
fn next_special(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // Beyond that a call is worth it.
    while at < from + 32 {
        let Some(next) = eight_at(bytes, at) else { break };
        let found = specials(next);
        if found != 0 {
            return Some(at + eight::first(found));
        }
        at += 8;
    }
    Some(at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?)
}

#[inline]
fn value_end(bytes: &[u8], begin: usize) -> Option<(usize, bool)> {
    match *bytes.get(begin)? {
        b'"' => string_end(bytes, begin),
        b'{' | b'[' => nested_end(bytes, begin),
        _ => {
            let rest = &bytes[begin..];
            let length =
                rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len());
            (length > 0).then_some((begin + length, false))
        }
    }
}

/// What a sensor wrote is the last field but for `synced`, which is a number: an object that ends the line is all there is
/// to it.
#[inline]
fn raw_end(bytes: &[u8], begin: usize) -> Option<(usize, bool)> {
    let rest = bytes.get(begin..)?;
    if rest.first() != Some(&b'{') || rest.last() != Some(&b'}') {
        return value_end(bytes, begin);
    }
    Some((bytes.len(), memchr::memchr(b'\\', rest).is_some()))
}

/// Behind the bracket that closes the one there.
fn nested_end(bytes: &[u8], begin: usize) -> Option<(usize, bool)> {
    let (mut depth, mut at, mut is_escaped) = (0_usize, begin, false);
    loop {
        match *bytes.get(at)? {
            b'"' => {
                let (end, escaped) = string_end(bytes, at)?;
                (at, is_escaped) = (end, is_escaped || escaped);
            }
            byte => {
                at += 1;
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.checked_sub(1)?,
                    _ => {}
                }
                if depth == 0 {
                    return Some((at, is_escaped));
                }
            }
        }
    }
}

const RAW: u64 = Name::short(b"raw");

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> (Vec<(String, String)>, bool) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all = fields(body.as_bytes());
        let name = |name: Name<'_>| match name {
            Name::Short(word) => text(&word.to_le_bytes()).trim_end_matches('\0').to_owned(),
            Name::Long(name) => text(name),
        };
        let pairs = all.by_ref().map(|field| (name(field.name), text(field.value))).collect();
        (pairs, all.were_whole())
    }

    #[test]
    fn values_end_where_json_says() {
        let (pairs, whole) = names(r#"{"seq":7,"a":"x,\"}","raw":{"b":"]}","c":[1,{"d":"\\"}]},"synced":6"#);
        let expected =
            [("seq", "7"), ("a", r#""x,\"}""#), ("raw", r#"{"b":"]}","c":[1,{"d":"\\"}]}"#), ("synced", "6")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(whole);
    }

    #[test]
    fn what_breaks_off_is_not_called_whole() {
        for body in [r#"{"a":"#, r#"{"a":"x"#, r#"{"a":{"#, r#"{"a":1,"#, r#"{"a":"\"#, "{a", r#"{"a":1}"#] {
            assert!(!names(body).1, "{body}");
        }
        // It could be any name.
        assert!(!names(r#"{"us\u0065r":1"#).1);
        assert_eq!(names("{"), (Vec::new(), true));
    }

    #[test]
    fn a_string_of_any_length_ends_at_its_quote() {
        for length in 0..80 {
            for escaped in ["", r#"\""#, r"\\", r"\u00e4"] {
                let (name, text) = ("n".repeat(length % 20), "x".repeat(length));
                let body = format!(r#"{{"{name}":"{text}{escaped}","last":["{escaped}{text}"]"#);
                let expected = [
                    (name, format!(r#""{text}{escaped}""#)),
                    ("last".to_owned(), format!(r#"["{escaped}{text}"]"#)),
                ];
                assert_eq!(names(&body), (expected.to_vec(), true));
                assert!(fields(body.as_bytes()).all(|field| field.is_escaped != escaped.is_empty()));
            }
        }
    }
}
