//! `timeline-json`: the documented events of the sensor's timeline as JSON objects, however they are laid out.
//!
//! ```text
//! {"severity":"INFO","title":"User Operation","timestamp":1709193520000,"content":"User admin logged in","owner":null,"type":"USER_OPERATION"}
//! timestamp   milliseconds since 1970 as a number or as digits in a string, or any other form of `time`
//! the others  text, or null; a number or boolean counts as its text
//! encoding    UTF-8 or UTF-16, each with a mark or without, see `wide`; what is no JSON but plain all the same, see `mend`
//! [{…},{…}]   the answer of the API: an array, also over many lines, also while it still grows; see `objects`
//! ```
//!
//! Entries stay in the order of the file: of an array that begins with the newest, as the API's does, the newest
//! entry is forwarded first. To turn it around would mean to wait for its end; a query sorts by time anyway.
//!
//! Unknown fields are kept in `raw` and otherwise passed over, for the sensor may say more in a later version.
//! Invariant: an entry that is not one JSON object, says a field twice, or says none of type, content and
//! timestamp, is an `unparsed` event with the entry as its message.

use super::flat::{self, Flat, Next};
use super::time;
use super::timeline::{self, Timeline};
use super::{Claim, Context, Dialect, Entry, Parsed, State, mend, objects, parts, wide};
use crate::model::{Flag, Raw};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

pub(super) const DIALECT: Dialect = Dialect {
    name: "timeline-json",
    about: "events of the sensor's timeline in JSON: an object a line, or an array as the API returns it",
    sign: "an object with a type or content",
    split: objects::split,
    parse,
    parts: |_, _, text| parts::json_parts(text),
    speaks,
    knows: |_| false,
    lacks: |_| None,
    claim: Claim::Own,
};

fn parse(state: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    wide::parsed(state, entry, |entry| of_utf_8(context, entry))
}

fn of_utf_8(context: &Context<'_>, entry: &[u8]) -> Parsed {
    let (text, valid) = match std::str::from_utf8(entry) {
        Ok(text) => (Cow::Borrowed(text), true),
        Err(_) => (String::from_utf8_lossy(entry), false),
    };
    let exact = read(&text, context);
    let mended = if exact.is_none() { mend::mended(&text) } else { None };
    let fields = exact.or_else(|| read(&mended.as_ref()?.text, context));
    let Some(Fields { timeline, others, is_plain }) = fields else {
        return timeline::unparsed(context, entry);
    };
    let raw = match valid {
        false => Raw::Bytes(entry.into()),
        true if mended.is_some() => Raw::Text(text.as_ref().into()),
        true if is_plain => Raw::Json(text.as_ref().into()),
        // The journal keeps an object, without the blanks around it.
        true if !(text.starts_with('{') && text.ends_with('}')) => Raw::Text(text.as_ref().into()),
        true if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some() => Raw::Text(text.as_ref().into()),
        true if others && is_risky(&text) => Raw::Text(text.as_ref().into()),
        true => Raw::Json(text.as_ref().into()),
    };
    let is_text = valid && !mended.as_ref().is_some_and(|mended| mended.replaced);
    let mut parsed = timeline::parsed(context, timeline, raw);
    if !is_text {
        parsed.event.flags.insert(Flag::INVALID_UTF8);
    }
    parsed
}

/// Whether one of the first lines reads as an entry.
fn speaks(head: &[u8]) -> bool {
    const LINES: usize = 8;
    let mut state = State::at(0);
    let entries = super::entries(&DIALECT, &mut state, head);
    let readable = |entry: &Entry| {
        is_written(&wide::text(&state, &head[entry.text.clone()]), |it| it.fields.timeline.says_something())
    };
    entries.iter().take(LINES).any(readable)
}

/// Whether a line is without doubt an event of the timeline: it has a number for its time, a type and text.
pub(super) fn is_event(line: &[u8]) -> bool {
    is_written(line, |Written { stamp, fields: Fields { timeline, .. } }| {
        matches!(stamp, Stamp::Number(_)) && timeline.kind.is_some() && timeline.content.is_some()
    })
}

/// Whether it is an object of which that is true.
fn is_written(object: &[u8], what: fn(&Written<'_>) -> bool) -> bool {
    let read = |object: &[u8]| serde_json::from_slice(object).is_ok_and(|written| what(&written));
    let mended = || mend::mended(std::str::from_utf8(object).ok()?);
    read(object) || mended().is_some_and(|mended| read(mended.text.as_bytes()))
}

/// The fields of an entry that says anything.
fn read<'t>(text: &'t str, context: &Context<'_>) -> Option<Fields<'t>> {
    let exactly = || serde_json::from_str(text).ok();
    let leniently = || serde_json::from_str(parts::bare(text)).ok();
    let Written { stamp, mut fields } = plainly(text).or_else(exactly).or_else(leniently)?;
    fields.timeline.time = match stamp {
        Stamp::None => None,
        Stamp::Number(number) => Some(time::since_1970(number)),
        Stamp::Text(text) => time::read(&text, context),
    };
    fields.timeline.says_something().then_some(fields)
}

/// An entry as the sensor writes it, without unknown fields; others are left to `serde_json`.
#[inline(always)]
fn plainly(text: &str) -> Option<Written<'_>> {
    let (mut flat, mut stamp, mut seen) = (Flat::of(text)?, Stamp::None, 0u8);
    let mut texts: [Option<Cow<'_, str>>; 5] = [const { None }; 5];
    let keys = ["timestamp\"", "type\"", "title\"", "severity\"", "owner\"", "content\""];
    while let Next::Member(key, value) = flat.next(keys)? {
        if seen & (1 << key) != 0 {
            return None;
        }
        seen |= 1 << key;
        match (value, key.checked_sub(1)) {
            (flat::Value::Text(text), Some(place)) => texts[place] = Some(text),
            (flat::Value::Text(text), None) => stamp = Stamp::Text(text),
            (flat::Value::Number(number), None) => stamp = Stamp::Number(number),
            (flat::Value::Number(_), Some(_)) => return None,
            (flat::Value::Null, _) => {}
        }
    }
    let [kind, title, label, owner, content] = texts;
    let timeline = Timeline { time: None, kind, title, label, owner, content };
    Some(Written { stamp, fields: Fields { timeline, others: false, is_plain: true } })
}

/// Whether an unknown field may hold what a reader of the journal could choke on: deep nesting, half a surrogate pair.
fn is_risky(text: &str) -> bool {
    const NESTING_MAX: usize = 64;
    let half = |text: &[u8]| matches!(text, [b'\\', b'u', b'd' | b'D']);
    memchr::memchr2_iter(b'[', b'{', text.as_bytes()).count() > NESTING_MAX
        || text.as_bytes().windows(3).any(half)
}

struct Fields<'a> {
    timeline: Timeline<'a>,
    /// Whether there are fields that are not documented.
    others: bool,
    /// Whether it is known to be nothing but the documented fields, all on one line.
    is_plain: bool,
}

/// The fields while nobody has looked at the time.
struct Written<'a> {
    stamp: Stamp<'a>,
    fields: Fields<'a>,
}

impl<'de> Deserialize<'de> for Written<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written<'de>, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Written<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of the timeline")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written<'de>, A::Error> {
        let (mut timeline, mut stamp) = (Timeline::default(), Stamp::None);
        let mut seen = 0u8;
        let mut others: BTreeSet<Cow<'de, str>> = BTreeSet::new();
        while let Some(Key(key)) = map.next_key()? {
            let (bit, place) = match key.as_ref() {
                "timestamp" => {
                    stamp = map.next_value()?;
                    (1, None)
                }
                "type" => (2, Some(&mut timeline.kind)),
                "title" => (4, Some(&mut timeline.title)),
                "severity" => (8, Some(&mut timeline.label)),
                "owner" => (16, Some(&mut timeline.owner)),
                "content" => (32, Some(&mut timeline.content)),
                _ => (0, None),
            };
            if let Some(place) = place {
                *place = map.next_value::<Value<'de>>()?.0;
            }
            if bit == 0 {
                map.next_value::<IgnoredAny>()?;
            }
            if seen & bit != 0 || (bit == 0 && !others.insert(key)) {
                return Err(A::Error::custom("a field is there twice"));
            }
            seen |= bit;
        }
        Ok(Written { stamp, fields: Fields { timeline, others: !others.is_empty(), is_plain: false } })
    }
}

/// A key, borrowed when it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'de>, D::Error> {
        deserializer.deserialize_str(ScalarVisitor).map(|value| Key(value.unwrap_or_default()))
    }
}

/// The text of a string, number or boolean; `None` for null.
struct Value<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(ScalarVisitor).map(Value)
    }
}

/// What stands where the time should.
enum Stamp<'a> {
    /// Nothing that can be one.
    None,
    Number(i64),
    Text(Cow<'a, str>),
}

impl<'de> Deserialize<'de> for Stamp<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stamp<'de>, D::Error> {
        deserializer.deserialize_any(StampVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }
}

struct StampVisitor;

impl<'de> Visitor<'de> for StampVisitor {
    type Value = Stamp<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Stamp::None, Stamp::Number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Stamp::Number(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Stamp::Text(Cow::Owned(number.to_string())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Stamp::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Stamp::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Stamp::None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Stamp::None)
    }
}
