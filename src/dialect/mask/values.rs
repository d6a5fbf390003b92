//! The values of an entry that is a list of names and values, or a line with JSON at its end, masked in place.
//!
//! A pattern that takes all up to the next blank would take the quote behind a value, too, and leave what stands behind
//! an escape in it: so each value is masked as it is meant, and written anew as it was written.

use super::super::{cef, key_value};
use super::Masks;
use super::json::{self, by_name};
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;

/// The entry without secrets, or nothing when it has none; `None` when it has no such form.
pub(super) fn masked(masks: &Masks, text: &str) -> Option<Option<String>> {
    if let Some(found) = json_at_end(masks, text) {
        return Some(found);
    }
    let mark = MARKS.iter().find(|mark| !text.contains(**mark))?.to_string();
    let mut out = Masked { masks, text, mark: &mark, out: String::new(), copied: 0, pairs: 0 };
    match text.find("CEF:") {
        Some(at) => cef::each_pair(&text[at..], |place, (name, value)| {
            out.pair(at + place.start..at + place.end, &name, &value, cef_escaped);
        }),
        None => {
            let secrets = Quoted::of(masks, text);
            key_value::each_pair(text, |place, (name, value)| match secrets.go_beyond(text, &place) {
                true => out.pairs += 1,
                false => out.pair(place, &name, &value, quoted),
            });
        }
    }
    (out.pairs > 0).then(|| out.finished())
}

/// The secrets in quotes of the entry as it stands, by their beginnings, and how far all up to each of them reach.
struct Quoted(Vec<(Range<usize>, usize)>);

impl Quoted {
    fn of(masks: &Masks, text: &str) -> Quoted {
        let is_closed = |secret: &Range<usize>| {
            let secret = &text.as_bytes()[secret.clone()];
            let quotes = || memmem::find_iter(secret, b"u0022").take(2).count();
            secret.ends_with(b"\"") || secret.ends_with(b"'") || quotes() == 2
        };
        let mut secrets: Vec<_> = masks.secrets(text).filter(is_closed).collect();
        secrets.sort_unstable_by_key(|secret| secret.start);
        let mut reach = 0;
        let reaching = secrets.into_iter().map(|secret| {
            reach = reach.max(secret.end);
            (secret, reach)
        });
        Quoted(reaching.collect())
    }

    /// Whether a secret has a part of a value that has no quotes of its own, and more: the value is a piece of what is in
    /// quotes of JSON, as they are written in a text of JSON, and whoever replaces it may take their end away.
    fn go_beyond(&self, text: &str, value: &Range<usize>) -> bool {
        let (before, from) =
            self.0.split_at(self.0.partition_point(|(secret, _)| secret.start < value.start));
        let reaches_in = before.last().is_some_and(|(_, reach)| *reach > value.start);
        let mut inside = from.iter().take_while(|(secret, _)| secret.start < value.end);
        !text[value.clone()].starts_with(['"', '\''])
            && (reaches_in || inside.any(|(secret, _)| secret.end > value.end))
    }
}

/// A line with a JSON object at its end: what is before it and the object.
fn json_at_end(masks: &Masks, text: &str) -> Option<Option<String>> {
    let at = text.find('{').filter(|_| text.trim_end().ends_with('}'))?;
    let object = json::masked(masks, &text[at..])?;
    let head = masks.masked_text(&text[..at]);
    match (head, object) {
        (None, Cow::Borrowed(_)) => Some(None),
        (head, object) => Some(Some(head.as_deref().unwrap_or(&text[..at]).to_owned() + &object)),
    }
}

/// What has been written so far; a mark stands before each replacement until the end.
struct Masked<'a> {
    masks: &'a Masks,
    text: &'a str,
    mark: &'a str,
    out: String,
    copied: usize,
    pairs: usize,
}

impl Masked<'_> {
    fn pair(&mut self, place: Range<usize>, name: &str, value: &str, write: fn(&str, &str) -> String) {
        self.pairs += 1;
        let named = by_name(self.masks, name, value);
        let alone = self.masks.marked_text(value, self.mark);
        let masked = match named {
            // Its name makes all of it a secret.
            Some(named) if self.masks.masked_text(value).as_ref() != Some(&named) => {
                Some(format!("{}{named}", self.mark))
            }
            _ => alone,
        };
        if let Some(masked) = masked {
            self.out.push_str(&self.text[self.copied..place.start]);
            self.out.push_str(&write(&self.text[place.clone()], &masked));
            self.copied = place.end;
        }
    }

    /// What stands between the values may be a secret, too.
    fn finished(mut self) -> Option<String> {
        self.out.push_str(&self.text[self.copied..]);
        let masked = self.masks.marked_text(&self.out, self.mark);
        let changed = self.copied > 0 || masked.is_some();
        changed.then(|| masked.unwrap_or(self.out).replace(self.mark, ""))
    }
}

/// A value as one of CEF is written.
fn cef_escaped(before: &str, value: &str) -> String {
    let blanks = &before[before.trim_end().len()..];
    let value = value.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r");
    value + blanks
}

/// A value in the quotes that it had.
fn quoted(before: &str, value: &str) -> String {
    match before.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        Some(quote) if before.len() > 1 && before.ends_with(quote) => {
            let value = value.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"));
            format!("{quote}{value}{quote}")
        }
        _ => value.to_owned(),
    }
}

/// Characters that no text should have: one that it has not marks what has been replaced.
const MARKS: [char; 4] = ['\u{FDD0}', '\u{FDD1}', '\u{FDEE}', '\u{FDEF}'];
