//! `audit-log`: the management console's text log, one entry a line and what continues it.
//!
//! ```text
//! 2024-02-29 07:58:40,118 [http-nio-9090-exec-2] INFO  AUDIT- [32200] Login. User: admin
//! time                    thread                 level logger   number  message
//!     and the lines after it that do not begin with a time belong to the message
//! ```
//!
//! An entry ends where the next begins, or the file, or when the file has not grown for a while (`End::Settled`).
//!
//! A line that is plainly in another language is an entry of its own: an event of the timeline, a syslog line, CEF.
//!
//! Invariant: whether a line continues an entry depends on the bytes alone, not on how they came. A line with no
//! entry before it is an `unparsed` event of its own.

use super::said::{self, Said};
use super::{
    Claim, Context, Dialect, End, Entry, Parsed, State, cef, lines, parts, syslog, time, timeline_json,
};
use memchr::memchr_iter;
use std::borrow::Cow;

pub(super) const DIALECT: Dialect = Dialect {
    name: "audit-log",
    about: "the management console's audit log: time, level, logger and message, with continuation lines",
    sign: "a line with date, time of day and level",
    split,
    parse,
    parts: |_, context, text| parts::said_parts(text, read(text, context)),
    speaks,
    knows: |_| false,
    lacks: |_| None,
    claim: Claim::Own,
};

fn split(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize {
    let Some(head) = lines::head(state, bytes, end) else { return 0 };
    let rest = (end == End::Final && !bytes[head..].ends_with(b"\n")).then_some(bytes.len());
    let ends = memchr_iter(b'\n', &bytes[head..]).map(|at| head + at + 1).chain(rest);
    let (mut done, mut line, mut held) = (head, head, None::<Entry>);
    for next in ends {
        let text = line..line + content(&bytes[line..next]);
        let blank = bytes[text.clone()].iter().all(u8::is_ascii_whitespace);
        match &mut held {
            Some(entry) if !blank && continues(&bytes[text.clone()]) => {
                *entry = Entry { text: entry.text.start..text.end, end: next };
            }
            _ if blank => {}
            _ => {
                entries.extend(held.take());
                done = line;
                if begins(&bytes[text.clone()]) {
                    held = Some(Entry { text, end: next });
                } else {
                    entries.push(Entry { text, end: next });
                    done = next;
                }
            }
        }
        line = next;
        if held.is_none() {
            done = next;
        }
    }
    if end != End::Open {
        entries.extend(held);
        done = line;
    }
    done
}

/// The length of a line without its end.
fn content(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

/// Whether a line belongs to the entry before it.
fn continues(line: &[u8]) -> bool {
    let is_foreign = match line.first() {
        Some(b'{') => timeline_json::is_event(line),
        Some(b'<' | b'A'..=b'Z') => syslog::speaks(line) || cef::speaks(line),
        _ => false,
    };
    !is_foreign && !begins(line)
}

/// Whether a line begins with a day and a time of day: `2024-02-29 07:58:40`.
fn begins(line: &[u8]) -> bool {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        b'-' => matches!(byte, b'-' | b'/'),
        _ => byte == shape,
    };
    line.len() > SHAPE.len() && line.iter().zip(SHAPE).all(fits)
}

fn parse(_: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    said::parsed(context, entry, read)
}

/// Whether one of the first lines is an entry with a level.
fn speaks(head: &[u8]) -> bool {
    const LINES: usize = 8;
    let is_entry = |line: &[u8]| {
        let Some((before, _)) = line.split_at_checked(LEVEL_WITHIN.min(line.len())) else { return false };
        begins(line)
            && before[20..]
                .split(|byte| matches!(byte, b' ' | b'[' | b']'))
                .any(|word| std::str::from_utf8(word).is_ok_and(is_level))
    };
    let head = head.strip_prefix(lines::MARK).unwrap_or(head);
    head.split(|&byte| byte == b'\n').take(LINES).any(is_entry)
}

fn read<'t>(text: &'t str, context: &Context<'_>) -> Option<Said<'t>> {
    let (moment, rest_of_time) = time::lead(text, context).filter(|_| begins(text.as_bytes()))?;
    let mut rest = rest_of_time;
    let (mut label, mut title) = (None, None);
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some((_, after)) = bracketed(rest) {
            rest = after;
        } else if label.is_none()
            && let Some((level, after)) = word(rest).filter(|(word, _)| is_level(word))
        {
            (label, rest) = (Some(level), after);
        } else if label.is_some()
            && title.is_none()
            && let Some((logger, after)) = logger(rest)
        {
            (title, rest) = (Some(logger), after);
        } else {
            break;
        }
    }
    let message = rest.strip_prefix("- ").unwrap_or(rest);
    Some(Said {
        time: Some(moment),
        written: Some(Cow::Borrowed(time::before(text, rest_of_time))),
        label: label.map(Cow::Borrowed),
        title: title.map(Cow::Borrowed),
        message: Some(Cow::Borrowed(message)),
        ..Said::default()
    })
}

/// `[http-nio-exec-2]`, a thread or a number.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
    (inner.len() <= BRACKETED_MAX && !inner.contains('\n')).then_some((inner, rest))
}

fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', '\t', '\n']).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `AUDIT-`, `com.example.Audit:` or `AUDIT -`: a word that is not the first of the message.
fn logger(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = word(text)?;
    if let Some(name) = word.strip_suffix('-').filter(|name| !name.is_empty()) {
        return Some((name, rest));
    }
    if let Some(name) = word.strip_suffix(':') {
        let is_name = name.contains('.') || !name.contains(|c: char| c.is_lowercase());
        return (is_name && !name.is_empty()).then_some((name, rest));
    }
    rest.strip_prefix(" - ").map(|rest| (word, rest))
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

const LEVELS: [&str; 11] =
    ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "SEVERE", "AUDIT"];
const BRACKETED_MAX: usize = 128;
/// How far from the beginning of a line the level may stand.
const LEVEL_WITHIN: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2024-02-29 07:58:40,118 INFO A- one\n  two\n\nthree\r\n\n2024-02-29 07:58:41,118 INFO A- four\n five";

    fn texts(bytes: &str, end: End) -> (Vec<&str>, usize) {
        let mut entries = Vec::new();
        let done = split(&mut State::at(1), bytes.as_bytes(), end, &mut entries);
        (entries.into_iter().map(|entry| &bytes[entry.text]).collect(), done)
    }

    #[test]
    fn what_does_not_begin_with_a_time_belongs_to_the_entry_before() {
        let first = "2024-02-29 07:58:40,118 INFO A- one\n  two\n\nthree";
        assert_eq!(texts(LOG, End::Open), (vec![first], LOG.find("2024-02-29 07:58:41").unwrap_or(0)));
        let (found, done) = texts(LOG, End::Final);
        assert_eq!((found[1], done), ("2024-02-29 07:58:41,118 INFO A- four\n five", LOG.len()));
    }

    #[test]
    fn a_line_in_another_language_belongs_to_nobody() {
        let event = r#"{"timestamp":1709193520000,"type":"USER_OPERATION","content":"x"}"#;
        let log =
            format!("2024-02-29 07:58:40,118 INFO A- one\n{{\"type\":1}}\n{event}\nrest\n<110>Feb 29 x\n");
        let (found, done) = texts(&log, End::Open);
        assert_eq!(found[0], "2024-02-29 07:58:40,118 INFO A- one\n{\"type\":1}");
        assert_eq!((&found[1..], done), (&[event, "rest", "<110>Feb 29 x"][..], log.len()));
    }

    #[test]
    fn when_the_file_has_settled_whole_lines_are_an_entry() {
        let (found, done) = texts(LOG, End::Settled);
        assert_eq!(found[1], "2024-02-29 07:58:41,118 INFO A- four");
        assert_eq!(&LOG[done..], " five");
    }

    #[test]
    fn a_line_with_no_entry_before_it_stands_alone() {
        assert_eq!(texts("a\n\nb\nc", End::Open), (vec!["a", "b"], 5));
    }

    #[test]
    fn only_a_whole_level_tells_the_language() {
        assert!(speaks(b"junk\n2024-02-29 07:58:40,118 [main] INFO  AUDIT- x\n"));
        assert!(!speaks(b"2024-02-29 07:58:40,118 user=a INFORMED\n") && !speaks(b"2024-02-29 07:58:40\n"));
    }
}
