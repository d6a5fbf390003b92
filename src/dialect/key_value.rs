//! `key-value`: a log that we do not know, names and values in a line; the config may say which field means what.
//!
//! ```text
//! 2024-02-29T07:58:40Z user=alice action="user.login" result=ok msg="User alice logged in"
//! ```
//!
//! A value stands in quotes, where a backslash takes the next character as it is, or ends at a blank or comma.
//! What stands before the first name is a time or, where there is no other, the message.
//! Invariant: reading takes time linear in the line. A line without a pair is an `unparsed` event.

use super::fields::Field;
use super::said::{self, Said};
use super::{Claim, Context, Dialect, Parsed, State, fields, lines, parts, time};
use std::borrow::Cow;
use std::ops::Range;

pub(super) const DIALECT: Dialect = Dialect {
    name: "key-value",
    about: "any log of name=value pairs, one entry a line; see [source.fields]",
    sign: "a line of at least three name=value pairs",
    split: lines::split,
    parse,
    parts: |_, context, text| parts::said_parts(text, read(text, context)),
    speaks,
    knows: |_| false,
    lacks: |_| None,
    claim: Claim::Shape,
};

fn parse(_: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    said::parsed(context, entry, read)
}

/// Whether one of the first lines has several pairs.
fn speaks(head: &[u8]) -> bool {
    let head = head.strip_prefix(lines::MARK).unwrap_or(head);
    let has_pairs = |line: &[u8]| std::str::from_utf8(line).is_ok_and(is_pairs);
    head.split(|&byte| byte == b'\n').take(8).any(has_pairs)
}

/// Whether a text has several pairs.
pub(super) fn is_pairs(text: &str) -> bool {
    !text.starts_with("CEF:") && !text.starts_with(['{', '[', '<']) && pairs(text).1.len() >= 3
}

/// What the pairs of a line say; also for pairs that stand in a syslog line.
pub(super) fn read<'t>(text: &'t str, context: &Context<'_>) -> Option<Said<'t>> {
    let (before, found) = pairs(text);
    if found.is_empty() {
        return None;
    }
    let mut said = fields::said(found, context);
    let before = match time::lead(before, context) {
        Some((moment, rest)) => {
            if said.time.is_none() {
                said.written = Some(Cow::Borrowed(time::before(before, rest)));
            }
            said.time = said.time.or(Some(moment));
            rest
        }
        None => before,
    };
    let before = before.trim_matches([' ', '\t', ',', ':', '-']);
    if said.message.is_none() && !before.is_empty() {
        said.message = Some(Cow::Borrowed(before));
    }
    Some(said)
}

/// What stands before the first pair, and the pairs.
fn pairs(text: &str) -> (&str, Vec<Field<'_>>) {
    let mut found = Vec::new();
    let before = each_pair(text, |_, field| found.push(field));
    (before, found)
}

/// Hands out where each value stands, with its quotes, and the pair; returns what stands before the first.
pub(super) fn each_pair<'a>(text: &'a str, mut take: impl FnMut(Range<usize>, Field<'a>)) -> &'a str {
    let mut found = 0;
    let (mut before, mut rest) = (text, text);
    while let Some(equals) = memchr::memchr(b'=', rest.as_bytes()).filter(|_| found < FIELDS_MAX) {
        let start = rest[..equals].rfind(SEPARATORS).map_or(0, |at| at + 1);
        let name = &rest[start..equals];
        let value = &rest[equals + 1..];
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte))
        {
            rest = value;
            continue;
        }
        if found == 0 {
            before = &text[..text.len() - rest.len() + start];
        }
        let place = text.len() - value.len();
        let (value, after) = quoted(value).unwrap_or_else(|| {
            let end = value.find(SEPARATORS).unwrap_or(value.len());
            (Cow::Borrowed(&value[..end]), &value[end..])
        });
        take(place..text.len() - after.len(), (Cow::Borrowed(name), value));
        found += 1;
        rest = after;
    }
    before
}

/// The value in quotes at the head of `text`, and what follows it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (mut value, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !is_escaped => is_escaped = true,
            c if c == quote && !is_escaped => return Some((value.into(), &text[at + 1..])),
            c => {
                if is_escaped && !matches!(c, '\\' | '"' | '\'') {
                    value.push('\\');
                }
                value.push(c);
                is_escaped = false;
            }
        }
    }
    None
}

const SEPARATORS: [char; 5] = [' ', '\t', ',', ';', '|'];
const FIELDS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_quotes_holds_anything() {
        let (before, found) = pairs(r#"x: a=1, b="c=\"d\" e\f" g='h' i= j=k"#);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(before, "x: ");
        assert_eq!(found, [("a", "1"), ("b", "c=\"d\" e\\f"), ("g", "h"), ("i", ""), ("j", "k")]);
    }

    #[test]
    fn a_quote_without_its_end_is_an_ordinary_character() {
        assert_eq!(pairs("a=\"b c=d").1.len(), 2);
    }
}
