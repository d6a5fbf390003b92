//! `cef`: ArcSight's Common Event Format, as other products of the plant write it.
//!
//! ```text
//! CEF:0|Vendor|Product|1.0|LOGIN|User login|3|suser=alice src=10.2.3.4 outcome=success msg=User alice logged in
//! ```
//!
//! In the header `\|` and `\\` stand for themselves, in the extension `\=`, `\\`, `\n` and `\r`.
//! Invariant: reading takes time linear in the line.

use super::fields::Field;
use super::said::{self, Said};
use super::{Claim, Context, Dialect, Parsed, State, fields, lines, parts};
use std::borrow::Cow;
use std::ops::Range;

pub(super) const DIALECT: Dialect = Dialect {
    name: "cef",
    about: "Common Event Format, one event a line",
    sign: "a line that begins with CEF:",
    split: lines::split,
    parse,
    parts: |_, context, text| parts::said_parts(text, read(text, context)),
    speaks,
    knows: |_| false,
    lacks: |_| None,
    claim: Claim::Own,
};

fn parse(_: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    said::parsed(context, entry, read)
}

pub(super) fn speaks(head: &[u8]) -> bool {
    let head = head.strip_prefix(lines::MARK).unwrap_or(head);
    head.split(|&byte| byte == b'\n').take(8).any(|line| line.starts_with(b"CEF:"))
}

/// What an event says; also for events that stand in a syslog line.
pub(super) fn read<'t>(text: &'t str, context: &Context<'_>) -> Option<Said<'t>> {
    let mut rest = text.strip_prefix("CEF:")?;
    let mut header: [Cow<'t, str>; 7] = Default::default();
    for field in &mut header {
        let end = unescaped(rest, b'|')?;
        *field = plain(&rest[..end]);
        rest = &rest[end + 1..];
    }
    let [_, _, _, _, kind, name, severity] = header;
    let mut said = fields::said(extension(rest), context);
    said.kind = said.kind.or(Some(kind));
    said.label = said.label.or(Some(severity));
    if said.message.is_none() {
        said.message = Some(name.clone());
    }
    said.title = said.title.or(Some(name));
    Some(said)
}

/// The names and values of an extension; a value ends before the last word in front of the next `=`.
fn extension(text: &str) -> Vec<Field<'_>> {
    let mut found = Vec::new();
    each_pair(text, |_, field| found.push(field));
    found
}

/// Hands out where each value stands, and the pair.
pub(super) fn each_pair<'a>(text: &'a str, mut take: impl FnMut(Range<usize>, Field<'a>)) {
    let Some(mut equals) = unescaped(text, b'=') else { return };
    let mut name = text[..equals].trim();
    for _ in 0..FIELDS_MAX {
        let value = &text[equals + 1..];
        let next = unescaped(value, b'=');
        let end = match next {
            Some(next) => value[..next].trim_end().rfind(' ').unwrap_or(0),
            None => value.len(),
        };
        let place = equals + 1;
        take(place..place + end, (Cow::Borrowed(name), plain(value[..end].trim())));
        let Some(next) = next else { break };
        name = value[end..next].trim();
        equals += 1 + next;
    }
}

/// Where `mark` stands first without a backslash before it.
fn unescaped(text: &str, mark: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(mark, b'\\', &bytes[at.min(bytes.len())..])?;
        if bytes[at] == mark {
            return Some(at);
        }
        at += 2;
    }
}

/// The text without its backslashes.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut chars) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(next @ ('\\' | '=' | '|' | 'n' | 'r'))) => {
                plain.push(if next == 'n' {
                    '\n'
                } else if next == 'r' {
                    '\r'
                } else {
                    next
                });
                chars.next();
            }
            _ => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

const FIELDS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_values_hold_blanks() {
        let found = extension(r"msg=a\=b c\\ d\nx suser=CORP\\al src=");
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(found, [("msg", "a=b c\\ d\nx"), ("suser", "CORP\\al"), ("src", "")]);
        assert!(extension("no pairs").is_empty() && extension(r"a\").is_empty());
    }
}
