//! `syslog`: lines of RFC 5424 and RFC 3164 whose message is a timeline event, CEF, JSON, pairs or text.
//!
//! ```text
//! <110>1 2024-02-29T07:58:40.118Z plant-a console 32200 AUDIT [x@32473 a="b"] User admin logged in
//! <110>Feb 29 07:58:40 plant-a console[32200]: {"timestamp":1709193520000,"type":"USER_OPERATION", …}
//! Feb 29 07:58:40 plant-a console: CEF:0|…           as syslog daemons write it to files, without <PRI>
//! 102 <110>1 …                                        with its octet count
//! ```
//!
//! What the message says goes before what the header says. The tag or application is the title.
//! Invariant: reading takes time linear in the line.

use super::said::{self, Said};
use super::time::Moment;
use super::{Claim, Context, Dialect, Parsed, State, cef, json, key_value, lines, parts, plain, time};
use std::borrow::Cow;

pub(super) const DIALECT: Dialect = Dialect {
    name: "syslog",
    about: "syslog lines (RFC 5424, RFC 3164) around timeline JSON, CEF, JSON, pairs or text",
    sign: "a line with a priority, or with a date, a host and a tag",
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

/// Whether one of the first lines has a priority, or a day without year, a host and a tag.
pub(super) fn speaks(head: &[u8]) -> bool {
    let head = head.strip_prefix(lines::MARK).unwrap_or(head);
    let is_line = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        priority(uncounted(&line)).is_some() || is_written_by_daemon(&line)
    };
    head.split(|&byte| byte == b'\n').take(8).any(is_line)
}

/// `Feb 29 07:58:40 host tag: ` or `Feb  9 …`.
fn is_written_by_daemon(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 16
        && bytes[..3].iter().all(u8::is_ascii_alphabetic)
        && (bytes[3], bytes[6], bytes[9], bytes[12], bytes[15]) == (b' ', b' ', b':', b':', b' ')
        && line.get(16..).is_some_and(|rest| tagged(rest).is_some())
}

fn read<'t>(text: &'t str, context: &Context<'_>) -> Option<Said<'t>> {
    let text = uncounted(text);
    let (level, rest) = match priority(text) {
        Some((priority, rest)) => (Some(LEVELS[usize::from(priority % 8)]), rest),
        None => (None, text),
    };
    let header = match rest.strip_prefix("1 ").filter(|_| level.is_some()) {
        Some(rest) => rfc5424(rest, context)?,
        None => match rfc3164(rest, context).filter(|header| level.is_some() || header.tag.is_some()) {
            Some(header) => header,
            // A message that has a priority and no header is still one.
            None if level.is_some() => Header { time: None, written: "", tag: None, message: rest },
            None => return None,
        },
    };
    let mut said = message(header.message, context);
    if said.time.is_none_or(|moment| moment.time.is_none()) && header.time.is_some() {
        (said.time, said.written) = (header.time, Some(Cow::Borrowed(header.written)));
    }
    said.title = said.title.or_else(|| header.tag.map(Cow::Borrowed));
    said.label = said.label.or_else(|| level.map(Cow::Borrowed));
    Some(said)
}

struct Header<'t> {
    time: Option<Moment>,
    written: &'t str,
    tag: Option<&'t str>,
    message: &'t str,
}

/// Without the octet count of RFC 6587 in front.
fn uncounted(text: &str) -> &str {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - after.len();
    let rest = after.strip_prefix(' ').filter(|rest| (1..=7).contains(&digits) && rest.starts_with('<'));
    rest.unwrap_or(text)
}

/// The number of `<110>`.
fn priority(text: &str) -> Option<(u8, &str)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.bytes().take(4).position(|byte| byte == b'>')?;
    let digits = &inner[..end];
    let number: u8 = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    (number <= 191).then(|| (number, &inner[end + 1..]))
}

fn rfc5424<'t>(text: &'t str, context: &Context<'_>) -> Option<Header<'t>> {
    let (written, rest) = text.split_once(' ')?;
    let (_host, rest) = rest.split_once(' ')?;
    let (tag, rest) = rest.split_once(' ')?;
    let (_process, rest) = rest.split_once(' ')?;
    let (_id, rest) = rest.split_once(' ')?;
    let rest = match rest.strip_prefix('-') {
        Some(rest) => rest,
        None => elements(rest)?,
    };
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Header { time: time::read(written, context), written, tag: (tag != "-").then_some(tag), message })
}

/// What follows the structured data.
fn elements(text: &str) -> Option<&str> {
    let (mut is_inside, mut is_quoted, mut is_escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' if is_inside => is_quoted = !is_quoted,
            b']' if is_inside && !is_quoted => is_inside = false,
            b'[' if !is_inside => is_inside = true,
            _ if !is_inside => return (at > 0).then(|| &text[at..]),
            _ => {}
        }
    }
    (!is_inside && !text.is_empty()).then_some("")
}

fn rfc3164<'t>(text: &'t str, context: &Context<'_>) -> Option<Header<'t>> {
    let (moment, rest) = time::lead(text, context)?;
    let written = time::before(text, rest);
    let rest = rest.strip_prefix(": ").or_else(|| rest.strip_prefix(' '))?;
    let (tag, message) = match tagged(rest) {
        Some((tag, message)) => (Some(tag), message),
        None => (None, rest),
    };
    Some(Header { time: Some(moment), written, tag, message })
}

/// The tag behind a host: `plant-a console[32200]: message`.
fn tagged(text: &str) -> Option<(&str, &str)> {
    let (host, rest) = text.split_once(' ')?;
    let end = rest.bytes().take(TAG_BYTES_MAX).position(|byte| matches!(byte, b':' | b'[' | b' '))?;
    let tag = &rest[..end];
    let after = match rest.as_bytes()[end] {
        b'[' => rest[end..].split_once(']')?.1.strip_prefix(':')?,
        b':' => &rest[end + 1..],
        _ => return None,
    };
    let is_host = !host.is_empty() && !host.ends_with(':') && !host.starts_with('[');
    (is_host && !tag.is_empty()).then(|| (tag, after.strip_prefix(' ').unwrap_or(after)))
}

/// What the message says, in the first language that it is in.
fn message<'t>(text: &'t str, context: &Context<'_>) -> Said<'t> {
    let trimmed = text.trim_start();
    let found = cef::read(trimmed, context).or_else(|| json::read(trimmed, context));
    let found =
        found.or_else(|| key_value::is_pairs(trimmed).then(|| key_value::read(trimmed, context)).flatten());
    found.unwrap_or_else(|| plain::read(text, context))
}

/// By number (RFC 5424 section 6.2.1).
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const TAG_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_data_ends_where_no_element_follows() {
        assert_eq!(elements(r#"[a b="]\"\\"][c] msg"#), Some(" msg"));
        assert_eq!((elements("[a]"), elements("[a"), elements("x")), (Some(""), None, None));
    }

    #[test]
    fn a_priority_is_a_number_up_to_191() {
        assert_eq!(priority("<110>x"), Some((110, "x")));
        for odd in ["<192>x", "<>x", "<+1>x", "<1100>x", "110>x", "<1"] {
            assert_eq!(priority(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_tag_stands_behind_a_host() {
        assert_eq!(tagged("h su[12]: x"), Some(("su", "x")));
        assert_eq!((tagged("User admin logged in"), tagged("h: a: b")), (None, None));
    }
}
