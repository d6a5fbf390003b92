//! The fields of a JSON object and where they stand in it.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// A field of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// First byte of its value in the entry, quotes included.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its value: the text of a string, anything else as it stands.
    pub(super) text: String,
}

/// The fields of an entry that is a JSON object; of any other there are none to tell apart.
pub(super) fn parts(entry: &str) -> Vec<Part> {
    let Ok(Fields(fields)) = serde_json::from_str::<Fields<'_>>(entry) else { return Vec::new() };
    let part = |(name, value): (String, &str)| {
        let start = value.as_ptr() as usize - entry.as_ptr() as usize;
        let text = match serde_json::from_str(value) {
            Ok(Value::String(text)) => text,
            _ => value.to_owned(),
        };
        Part { name, start, end: start + value.len(), text }
    };
    fields.into_iter().map(part).collect()
}

/// Where a stretch of the text stands in the entry, which may spell it with escapes.
pub(super) fn in_entry(entry: &str, text: &str, span: &Range<usize>) -> Option<(usize, usize)> {
    if let Some(part) = parts(entry).into_iter().find(|part| part.text == text) {
        let inside = &entry[part.start + 1..part.end.saturating_sub(1)];
        let at = |wanted: usize| Some(part.start + 1 + spelled(inside, wanted)?);
        return Some((at(span.start)?, at(span.end)?));
    }
    let found = entry.find(text)?;
    Some((found + span.start, found + span.end))
}

/// The byte of a JSON string's inside at which `wanted` bytes of its text have been spelled.
fn spelled(inside: &str, wanted: usize) -> Option<usize> {
    let (mut at, mut told) = (0, 0);
    while told < wanted {
        let rest = inside.get(at..)?;
        let unit = match rest.as_bytes() {
            [b'\\', b'u', ..] if rest.get(6..8) == Some("\\u") && is_high(rest.get(2..6)?) => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => rest.chars().next()?.len_utf8(),
        };
        let text: String = serde_json::from_str(&format!("\"{}\"", rest.get(..unit)?)).ok()?;
        at += unit;
        told += text.len();
    }
    Some(at)
}

fn is_high(digits: &str) -> bool {
    u16::from_str_radix(digits, 16).is_ok_and(|unit| (0xd800..0xdc00).contains(&unit))
}

struct Fields<'a>(Vec<(String, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            fields.push((name, value.get()));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_it_stands() {
        let entry = r#"{"a": 1, "b":"CORP\\x \ud83d\ude00 y"}"#;
        let found: Vec<_> = parts(entry).into_iter().map(|part| &entry[part.start..part.end]).collect();
        assert_eq!(found, ["1", r#""CORP\\x \ud83d\ude00 y""#]);
        let text = "CORP\\x \u{1f600} y";
        let at = |word: &str| {
            let start = text.find(word).unwrap();
            let (start, end) = in_entry(entry, text, &(start..start + word.len())).unwrap();
            &entry[start..end]
        };
        assert_eq!((at("CORP\\x"), at("y"), at("\u{1f600}")), (r"CORP\\x", "y", r"\ud83d\ude00"));
        assert_eq!(in_entry("say hi", "hi", &(0..2)), Some((4, 6)));
    }
}
