//! JSON → Record, by `serde_json` where a line is not written just as we write it; unknown fields are passed over, so that
//! older readers read newer lines.

use super::quick;
use crate::model::guard::{Panicked, guard};
use crate::model::{
    Action, Chain, Class, Event, EventId, Flag, Outcome, Position, Raw, Record, Seq, Severity, Target, Text,
    Time,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Why a line is not a record.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not JSON, or a field has the wrong type.
    #[error("not a record: {0}")]
    Json(#[from] serde_json::Error),
    /// A field holds a word that is not one of its words.
    #[error("field `{0}` has a value that this otrail does not know")]
    Value(&'static str),
    /// A defect of otrail.
    #[error("a panic at {0}")]
    Defect(Panicked),
}

#[derive(Deserialize)]
struct Line<'a> {
    seq: Seq,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    seen: Cow<'a, str>,
    class: Class,
    #[serde(borrow)]
    action: Cow<'a, str>,
    outcome: Outcome,
    severity: Severity,
    sensor: Text,
    source: Text,
    position: Option<Position>,
    user: Option<Text>,
    domain: Option<Text>,
    account: Option<Text>,
    role: Option<Text>,
    target: Option<TargetLine>,
    client: Option<Text>,
    #[serde(default)]
    devices: Vec<Text>,
    message: Option<Text>,
    reason: Option<Text>,
    old: Option<Text>,
    new: Option<Text>,
    count: Option<u64>,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    title: Text,
    #[serde(default)]
    label: Text,
    #[serde(default, borrow)]
    flags: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(rename = "raw-base64", borrow)]
    raw_base64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    chain: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct TargetLine {
    kind: Text,
    name: Option<Text>,
    id: Option<Text>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

/// Reads one record line, with or without its `sum` and `chain`.
pub fn decode(line: &[u8]) -> Result<Record, LineError> {
    decode_by(line, quick::decode, decode_any)
}

/// By whoever is quick, else by the other. The line is all that they have: nothing is left of one that panics.
pub(super) fn decode_by(
    line: &[u8],
    quick: fn(&[u8]) -> Option<Record>,
    any: fn(&[u8]) -> Result<Record, LineError>,
) -> Result<Record, LineError> {
    match guard(|| quick(line)) {
        Ok(Some(record)) => Ok(record),
        Ok(None) | Err(_) => guard(|| any(line)).unwrap_or_else(|panicked| Err(LineError::Defect(panicked))),
    }
}

/// The same, however it is written.
pub(super) fn decode_any(line: &[u8]) -> Result<Record, LineError> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let raw = read_raw(line.raw, line.raw_base64.as_deref())?;
    let message = match line.message {
        Some(message) => message,
        None => message_from(&raw)?,
    };
    let event = Event {
        id: EventId::parse(&line.id).ok_or(LineError::Value("id"))?,
        time: Time::parse_rfc3339(&line.time).ok_or(LineError::Value("time"))?,
        seen: Time::parse_rfc3339(&line.seen).ok_or(LineError::Value("seen"))?,
        sensor: line.sensor,
        source: line.source,
        class: line.class,
        action: Action::parse(&line.action).ok_or(LineError::Value("action"))?,
        outcome: line.outcome,
        severity: line.severity,
        user: line.user,
        domain: line.domain,
        account: line.account,
        role: line.role,
        target: line.target.map(|it| Box::new(Target { kind: it.kind, name: it.name, id: it.id })),
        client: line.client,
        devices: line.devices,
        message,
        reason: line.reason,
        old: line.old,
        new: line.new,
        count: line.count,
        kind: line.kind,
        title: line.title,
        label: line.label,
        flags: line.flags.iter().filter_map(|name| Flag::parse(name)).collect(),
        raw,
    };
    let chain = line.chain.map(|chain| Chain::parse(chain.as_bytes()).ok_or(LineError::Value("chain")));
    Ok(Record { seq: line.seq, position: line.position, event, chain: chain.transpose()? })
}

fn read_raw(raw: Option<&RawValue>, base64: Option<&str>) -> Result<Raw, LineError> {
    Ok(match (raw, base64) {
        (Some(raw), _) if raw.get().starts_with('"') => Raw::Text(serde_json::from_str(raw.get())?),
        (Some(raw), _) => Raw::Json(raw.get().into()),
        (None, Some(base64)) => {
            Raw::Bytes(STANDARD.decode(base64).map_err(|_| LineError::Value("raw-base64"))?.into())
        }
        (None, None) => Raw::None,
    })
}

/// The message that the encoder left out because it stands in `raw`.
fn message_from(raw: &Raw) -> Result<Text, LineError> {
    Ok(match raw {
        Raw::None => Text::default(),
        Raw::Text(text) => text.as_ref().into(),
        Raw::Bytes(bytes) => String::from_utf8_lossy(bytes).as_ref().into(),
        Raw::Json(json) => {
            let content: Content<'_> = serde_json::from_str(json)?;
            content.content.as_deref().unwrap_or_default().into()
        }
    })
}

/// The two numbers of a line that recovery and seeking need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::journal) struct SeqAndSynced {
    /// The line's seq; `None` for lines that are no records.
    pub seq: Option<Seq>,
    /// The newest seq that was durable when the line was written, where the line says so.
    pub synced: Option<Seq>,
}

/// Reads both without decoding the line: `seq` is its first field, `synced` its last.
///
/// `body` comes without the line's closing brace, so that a brace at its end belongs to `raw`: what a sensor
/// writes cannot pass for our `synced`.
pub(in crate::journal) fn peek(body: &[u8]) -> SeqAndSynced {
    let seq = body.strip_prefix(b"{\"seq\":").and_then(leading_number);
    let digits = body.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, number) = body.split_at(body.len() - digits);
    let synced = head.ends_with(b",\"synced\":").then(|| leading_number(number)).flatten();
    SeqAndSynced { seq, synced }
}

fn leading_number(bytes: &[u8]) -> Option<Seq> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok().map(Seq)
}
