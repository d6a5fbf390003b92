//! JSON → Record where the line is written as `encode` writes it: in one pass, field after field in that order.
//!
//! Invariant: what is decoded here, `serde_json` decodes to the same; everything else is left to it.

use crate::model::plain::Plain;
use crate::model::{
    Action, Chain, Class, Event, EventId, FileNo, Flag, Flags, Outcome, Position, Raw, Record, Seq, Severity,
    Target, Text, Time,
};
use std::borrow::Cow;

/// The record; `None` where the line is written otherwise.
pub(super) fn decode(line: &[u8]) -> Option<Record> {
    let json = &mut Plain::of(std::str::from_utf8(line).ok()?)?;
    let seq = Seq(number(json, "{\"seq\":")?);
    let id = EventId::parse(&string(json, ",\"id\":\"")?)?;
    let time = Time::parse_rfc3339(&string(json, ",\"time\":\"")?)?;
    let seen = Time::parse_rfc3339(&string(json, ",\"seen\":\"")?)?;
    let class = Class::parse(&string(json, ",\"class\":\"")?)?;
    let action = Action::parse(&string(json, ",\"action\":\"")?)?;
    let _of_the_action = string(json, ",\"code\":\"")?;
    let outcome = Outcome::parse(&string(json, ",\"outcome\":\"")?)?;
    let severity = Severity(number(json, ",\"severity\":")?.try_into().ok()?);
    let mut event = Event::new(action, outcome, time);
    (event.id, event.seen, event.class, event.severity) = (id, seen, class, severity);
    event.sensor = Text::from(string(json, ",\"sensor\":\"")?);
    event.source = Text::from(string(json, ",\"source\":\"")?);
    let position = optional(json, ",\"position\":{\"file\":", position)?;
    details(json, &mut event)?;
    let message = optional_text(json, ",\"message\":\"")?;
    event.reason = optional_text(json, ",\"reason\":\"")?;
    event.old = optional_text(json, ",\"old\":\"")?;
    event.new = optional_text(json, ",\"new\":\"")?;
    event.count = optional(json, ",\"count\":", digits)?;
    event.kind = optional_text(json, ",\"type\":\"")?.unwrap_or_default();
    event.title = optional_text(json, ",\"title\":\"")?.unwrap_or_default();
    event.label = optional_text(json, ",\"label\":\"")?.unwrap_or_default();
    event.flags = optional(json, ",\"flags\":[\"", flags)?.unwrap_or_default();
    let content = raw(json, &mut event.raw)?;
    event.message = message.unwrap_or(content);
    let _synced = optional(json, ",\"synced\":", digits)?;
    let _sum = optional(json, ",\"sum\":\"", Plain::string)?;
    let chain = optional(json, ",\"chain\":\"", |json| Chain::parse(json.string()?.as_bytes()))?;
    let is_whole = json.pass("}") && json.is_at_end();
    is_whole.then_some(Record { seq, position, event, chain })
}

/// Who and what.
#[inline(always)]
fn details(json: &mut Plain<'_>, event: &mut Event) -> Option<()> {
    event.user = optional_text(json, ",\"user\":\"")?;
    event.domain = optional_text(json, ",\"domain\":\"")?;
    event.account = optional_text(json, ",\"account\":\"")?;
    event.role = optional_text(json, ",\"role\":\"")?;
    event.target = optional(json, ",\"target\":{\"kind\":\"", target)?;
    event.client = optional_text(json, ",\"client\":\"")?;
    event.devices = optional(json, ",\"devices\":[\"", |json| list(json, Text::from))?.unwrap_or_default();
    Some(())
}

fn position(json: &mut Plain<'_>) -> Option<Position> {
    let file = FileNo(digits(json)?.try_into().ok()?);
    let offset = number(json, ",\"offset\":")?;
    let _before = optional(json, ",\"before\":\"", Plain::string)?;
    let _modified = optional(json, ",\"modified\":", digits)?;
    json.pass("}").then_some(Position { file, offset })
}

fn target(json: &mut Plain<'_>) -> Option<Box<Target>> {
    let kind = Text::from(json.string()?);
    let name = optional_text(json, ",\"name\":\"")?;
    let id = optional_text(json, ",\"id\":\"")?;
    json.pass("}").then(|| Box::new(Target { kind, name, id }))
}

fn flags(json: &mut Plain<'_>) -> Option<Flags> {
    let names = list(json, |name| name)?;
    Some(names.iter().filter_map(|name| Flag::parse(name)).collect())
}

/// The strings of an array whose first quote has been read.
fn list<'t, T>(json: &mut Plain<'t>, read: impl Fn(Cow<'t, str>) -> T) -> Option<Vec<T>> {
    let mut list = vec![read(json.string()?)];
    while json.pass(",\"") {
        list.push(read(json.string()?));
    }
    json.pass("]").then_some(list)
}

/// The entry, and the message that the encoder leaves out because it stands there.
#[inline(always)]
fn raw(json: &mut Plain<'_>, raw: &mut Raw) -> Option<Text> {
    if !json.pass(",\"raw\":") {
        // Without the entry all that there is has been read; in base64 it is left to others.
        return Some(Text::default());
    }
    let start = json.at();
    match json.take()? {
        b'"' => {
            let entry = json.string()?;
            let message = entry.as_ref().into();
            *raw = Raw::Text(entry.into());
            Some(message)
        }
        b'{' if json.at() == start + 1 => {
            let content = content(json)?;
            *raw = Raw::Json(json.since(start).into());
            Some(content)
        }
        _ => None,
    }
}

/// The text of the one `content` of a flat object whose brace has been read.
fn content(json: &mut Plain<'_>) -> Option<Text> {
    let mut content = None;
    let mut is_first = true;
    loop {
        match json.take()? {
            b'}' if is_first => break,
            b'"' if is_first => {}
            b',' if !is_first => (json.take()? == b'"').then_some(())?,
            b'}' => break,
            _ => return None,
        }
        is_first = false;
        let is_content = json.string()? == "content";
        (json.take()? == b':').then_some(())?;
        let value = match json.take()? {
            b'"' => json.string()?,
            _ if is_content => return None,
            b'n' => json.pass("ull").then_some(Cow::default())?,
            b't' => json.pass("rue").then_some(Cow::default())?,
            b'f' => json.pass("alse").then_some(Cow::default())?,
            digit @ b'0'..=b'9' => json.number(digit).map(|_| Cow::default())?,
            _ => return None,
        };
        if is_content && content.replace(Text::from(value)).is_some() {
            return None;
        }
    }
    Some(content.unwrap_or_default())
}

/// What follows such a head; `None` when another does.
#[inline(always)]
fn string<'t>(json: &mut Plain<'t>, head: &str) -> Option<Cow<'t, str>> {
    if json.pass(head) { json.string() } else { None }
}

#[inline(always)]
fn number(json: &mut Plain<'_>, head: &str) -> Option<u64> {
    if json.pass(head) { digits(json) } else { None }
}

#[inline(always)]
fn digits(json: &mut Plain<'_>) -> Option<u64> {
    let first = json.rest().first().copied().filter(u8::is_ascii_digit)?;
    let number = json.take().and_then(|_| json.number(first))?;
    u64::try_from(number).ok()
}

/// What follows such a head, if it is there; the outer `None` where that cannot be read.
#[inline(always)]
fn optional<'t, T>(
    json: &mut Plain<'t>,
    head: &str,
    read: impl FnOnce(&mut Plain<'t>) -> Option<T>,
) -> Option<Option<T>> {
    if json.pass(head) { read(json).map(Some) } else { Some(None) }
}

#[inline(always)]
fn optional_text(json: &mut Plain<'_>, head: &str) -> Option<Option<Text>> {
    optional(json, head, |json| json.string().map(Text::from))
}
