//! Keys and values in a row, as CEF and LEEF have them; what has no value is not there.

use super::field::Field;
use super::ink::Ink;
use super::subject::{Subject, Value};
use super::tree::Find;

/// One key.
pub(super) struct Pair {
    pub(super) key: &'static str,
    /// What stands in `keyLabel`; empty for keys that mean something by themselves.
    pub(super) label: &'static str,
    pub(super) of: Option<Field>,
    pub(super) value: Find,
    /// The most bytes that the schema allows.
    pub(super) bytes_max: usize,
}

/// A key with its field, at most so many bytes, and perhaps its label and how the value is found.
macro_rules! pair {
    ($key:literal, $field:ident, $max:literal) => {
        pair!($key, $field, $max, "", |subject| Field::$field.of(subject))
    };
    ($key:literal, $field:ident, $max:literal, $label:literal) => {
        pair!($key, $field, $max, $label, |subject| Field::$field.of(subject))
    };
    ($key:literal, $field:ident, $max:literal, $label:literal, $value:expr) => {
        Pair { key: $key, label: $label, of: Some(Field::$field), value: $value, bytes_max: $max }
    };
}
pub(super) use pair;

/// Writes all of them, with `delimiter` between.
pub(super) fn put(pairs: &[Pair], delimiter: u8, subject: &Subject<'_>, ink: &mut Ink<'_>) {
    let mut first = true;
    for Pair { key, label, of, value, bytes_max } in pairs {
        let value = if ink.wants(*of) { value(subject) } else { Value::Absent };
        if !ink.has(&value) || matches!(value, Value::Text("")) {
            continue;
        }
        if !std::mem::take(&mut first) {
            ink.out.push(delimiter);
        }
        ink.out.extend_from_slice(key.as_bytes());
        ink.out.push(b'=');
        put_value(value, *bytes_max, ink);
        if !label.is_empty() {
            ink.out.push(delimiter);
            ink.out.extend_from_slice(key.as_bytes());
            ink.out.extend_from_slice(b"Label=");
            ink.out.extend_from_slice(label.as_bytes());
        }
    }
}

/// Lists are joined by commas; a comma within one of their texts is told by nothing.
fn put_value(value: Value<'_>, bytes_max: usize, ink: &mut Ink<'_>) {
    match value {
        Value::Texts(texts) => {
            let end = ink.out.len() + bytes_max;
            for (at, text) in ink.fitting(texts).iter().enumerate() {
                let room = end.saturating_sub(ink.out.len() + 1);
                if at > 0 && room < ROOM_MIN {
                    ink.marks.cut = true;
                    break;
                }
                if at > 0 {
                    ink.out.push(b',');
                }
                ink.text(text, room);
            }
        }
        Value::Words(words) => join(words.iter().copied(), ink),
        Value::Flags(flags) => {
            let names: Vec<&str> = ink.flag_names(flags).collect();
            join(names.into_iter(), ink);
        }
        _ => ink.single(value, bytes_max),
    }
}

fn join<'w>(words: impl Iterator<Item = &'w str>, ink: &mut Ink<'_>) {
    for (at, word) in words.enumerate() {
        if at > 0 {
            ink.out.push(b',');
        }
        ink.out.extend_from_slice(word.as_bytes());
    }
}

/// With less room than this a list ends.
const ROOM_MIN: usize = 16;
