//! The fields of an entry and where they stand in it: for showing how it is read.

use super::mend;
use super::said::Said;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A field of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it means, or is called where the entry names it.
    pub name: String,
    /// The bytes of its value in the text of the entry, quotes included; `None` if it does not stand there as it is.
    pub span: Option<Range<usize>>,
    /// Its value: the text of a string, anything else as it stands.
    pub text: String,
}

/// The fields of a text that is a JSON object; of any other there are none to tell apart.
pub fn json_parts(text: &str) -> Vec<Part> {
    let read = |text| serde_json::from_str::<Fields<'_>>(text).ok();
    let spaced = mend::spaced(text);
    let found = read(text).or_else(|| read(bare(text))).map(|fields| (fields, text));
    let found = found.or_else(|| Some((read(bare(&spaced))?, &*spaced)));
    let Some((Fields(fields), read)) = found else { return Vec::new() };
    let part = |(name, value): (String, &str)| {
        let span = within(read, value);
        let value = span.clone().map_or(value, |span| &text[span]);
        Part { name, span, text: meaning(value) }
    };
    fields.into_iter().map(part).collect()
}

/// The text of a string, anything else as it stands.
fn meaning(value: &str) -> String {
    let text = |json: &str| serde_json::from_str::<String>(json).ok();
    let mended = || text(&mend::mended(value)?.text);
    text(value).or_else(mended).unwrap_or_else(|| value.to_owned())
}

/// The object in a text that has more than one: a byte order mark, where files were put together, before it, or the
/// comma of an array, whose beginning nobody saw, behind it.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim_end();
    text.strip_suffix(',').map(str::trim_end).filter(|object| object.ends_with('}')).unwrap_or(text)
}

/// What an entry says, as fields of its text.
pub(super) fn said_parts(text: &str, said: Option<Said<'_>>) -> Vec<Part> {
    let Some(said) = said else { return Vec::new() };
    let Said { time: _, written, kind, title, label, user, role, target, client, .. } = said;
    let Said { outcome, reason, action, message, .. } = said;
    let named = [
        ("time", written),
        ("type", kind),
        ("title", title),
        ("severity", label),
        ("user", user),
        ("role", role),
        ("target", target),
        ("client", client),
        ("outcome", outcome),
        ("reason", reason),
        ("action", action),
        ("message", message),
    ];
    let part = |(name, value): (&str, Option<Cow<'_, str>>)| Some(part_of(text, name, value?));
    named.into_iter().filter_map(part).collect()
}

/// A value that may have been borrowed from the text.
pub(super) fn part_of(text: &str, name: &str, value: Cow<'_, str>) -> Part {
    let span = match &value {
        Cow::Borrowed(value) => within(text, value),
        Cow::Owned(_) => None,
    };
    Part { name: name.to_owned(), span, text: value.into_owned() }
}

/// Where a slice of the text stands in it.
fn within(text: &str, slice: &str) -> Option<Range<usize>> {
    let start = (slice.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (start + slice.len() <= text.len()).then(|| start..start + slice.len())
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
    fn a_value_with_a_control_character_is_seen_where_it_stands() {
        let text = "{\"a\":\"b\tc\",\"d\":\"\\ud800\"}";
        let parts = json_parts(text);
        let parts: Vec<_> = parts
            .iter()
            .map(|part| (&part.name[..], &text[part.span.clone().unwrap()], &part.text[..]))
            .collect();
        assert_eq!(parts, [("a", "\"b\tc\"", "b\tc"), ("d", "\"\\ud800\"", "\u{fffd}")]);
    }

    #[test]
    fn what_stands_around_an_object_is_no_part_of_it() {
        for text in ["{\"a\":\"b\"}", "\u{feff}{\"a\":\"b\"}", "{\"a\":\"b\"} ,\r", "\u{feff}{\"a\":\"b\"},"]
        {
            let parts = json_parts(text);
            assert_eq!(parts.len(), 1, "{text}");
            assert_eq!(&text[parts[0].span.clone().unwrap()], "\"b\"", "{text}");
        }
        assert_eq!(bare("a,"), "a,");
    }
}
