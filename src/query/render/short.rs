//! `short`: one line for people.
//!
//! ```text
//! 2024-03-01 12:30:15.250+01:00 failure alice        user.login               client=10.0.0.7 reason="bad password" Sign-in
//! ```
//!
//! The free text stands last, where it can pass for nothing else.

use super::{Look, safe};
use crate::model::{Event, Outcome, Record};
use std::io::Write;

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    let event = &record.event;
    let colour = look.colour.then(|| colour(event)).flatten();
    out.extend_from_slice(colour.unwrap_or_default());
    let local = event.time.timestamp().to_zoned(look.zone.clone());
    let _infallible = write!(out, "{} {:<7}", local.strftime("%F %T%.3f%:z"), event.outcome.name());
    column(event.account.as_deref().or(event.user.as_deref()).unwrap_or("-"), 12, out);
    column(event.action.name(), 24, out);
    details(event, out);
    let message = if event.message.is_empty() { &event.title } else { &event.message };
    out.push(b' ');
    safe::text(message, out);
    let length = out.trim_ascii_end().len();
    out.truncate(length);
    if colour.is_some() {
        out.extend_from_slice(RESET);
    }
    out.push(b'\n');
}

/// Whatever else is known, as `name=value`.
fn details(event: &Event, out: &mut Vec<u8>) {
    if let Some(target) = &event.target {
        out.extend_from_slice(b" target=");
        let name = target.name.as_deref().or(target.id.as_deref()).unwrap_or_default();
        safe::word(&format!("{}:{name}", target.kind), out);
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
fn column(text: &str, width: usize, out: &mut Vec<u8>) {
    out.push(b' ');
    let from = out.len();
    safe::word(text, out);
    let shown = String::from_utf8_lossy(&out[from..]).chars().count();
    out.extend(std::iter::repeat_n(b' ', width.saturating_sub(shown)));
}

/// The colour of journalctl for the syslog severity; what failed is at least yellow.
fn colour(event: &Event) -> Option<&'static [u8]> {
    match (event.severity.syslog(), event.outcome) {
        (..=3, _) => Some(b"\x1b[1;31m"),
        (4, _) | (_, Outcome::Failure) => Some(b"\x1b[33m"),
        (5, _) => Some(b"\x1b[1m"),
        _ => None,
    }
}

const RESET: &[u8] = b"\x1b[0m";
