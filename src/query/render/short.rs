//! `short`: one line for people. `short-iso` is the same, its time in one word as ISO 8601 has it.
//!
//! ```text
//! 2024-03-01 12:30:15.250+01:00 failure alice        user.login               client=10.0.0.7 reason="bad password" Sign-in
//! ```
//!
//! The free text stands last, where it can pass for nothing else.

use super::{Look, colour, column, safe};
use crate::model::{Event, Record};
use std::io::Write;

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    line(look, record, "%F %T%.3f%:z", out);
}

/// Appends one row.
pub(super) fn write_iso(look: &Look, record: &Record, out: &mut Vec<u8>) {
    line(look, record, "%FT%T%.3f%:z", out);
}

fn line(look: &Look, record: &Record, time: &str, out: &mut Vec<u8>) {
    let event = &record.event;
    let colour = look.colour.then(|| colour::of(event)).flatten();
    colour::over(colour, out, |out| {
        let local = event.time.timestamp().to_zoned(look.zone.clone());
        let _infallible = write!(out, "{} {:<7}", local.strftime(time), event.outcome.name());
        let account = column::account(event);
        word(if account.is_empty() { "-" } else { account }, 12, out);
        word(event.action.name(), 24, out);
        details(event, out);
        let message = if event.message.is_empty() { &event.title } else { &event.message };
        out.push(b' ');
        safe::text(message, out);
        let length = out.trim_ascii_end().len();
        out.truncate(length);
    });
    out.push(b'\n');
}

/// Whatever else is known, as `name=value`.
fn details(event: &Event, out: &mut Vec<u8>) {
    if event.target.is_some() {
        out.extend_from_slice(b" target=");
        safe::word(&column::target(event), out);
    }
    let fields =
        [("client", &event.client), ("reason", &event.reason), ("old", &event.old), ("new", &event.new)];
    for (name, value) in fields {
        if let Some(value) = value {
            let _infallible = write!(out, " {name}=");
            safe::word(value, out);
        }
    }
    if !event.flags.is_empty() {
        let _infallible = write!(out, " flags={}", event.flags.names().collect::<Vec<_>>().join(","));
    }
}

/// A space and a word, filled up to `width` characters.
fn word(text: &str, width: usize, out: &mut Vec<u8>) {
    out.push(b' ');
    let from = out.len();
    safe::word(text, out);
    let shown = String::from_utf8_lossy(&out[from..]).chars().count();
    out.extend(std::iter::repeat_n(b' ', width.saturating_sub(shown)));
}
