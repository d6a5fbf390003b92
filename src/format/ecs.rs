//! ECS, the Elastic Common Schema, 9.x.
//!
//! `user` is who did it and `user.target` the account it was done to; `host` and `observer` are the sensor. What ECS has no place for stands in `labels`.
//! Several values are arrays also where there is one, as ECS wants it.

use super::field::{Field, position_file, position_offset, raw_bytes, raw_text};
use super::subject::{Subject, Value, text};
use super::tree::{self, Node, fact, group, leaf};
use super::{Envelope, Format, NO_CHAIN, Settings};
use crate::model::{Print, Record};

/// Its row.
pub(super) const ROW: Format = Format {
    name: "ecs",
    about: "JSON in the Elastic Common Schema",
    encode,
    frame_bytes_min: tree::FRAME_BYTES_MIN,
    header: tree::HEADER,
    counter: None,
    places: super::Places::Tree(TREE),
    elsewhere: &[],
    absent: &[NO_CHAIN],
};

/// Appends one frame.
fn encode(
    settings: &Settings,
    envelope: &Envelope<'_>,
    record: &Record,
    frame: &mut Vec<u8>,
) -> Option<Print> {
    tree::frame(TREE, &Subject::new(settings, envelope, record), frame);
    None
}

const TREE: &[Node] = &[
    leaf!("@timestamp", Time),
    group!("ecs", fact!("version", |_| Value::Word(ECS_VERSION))),
    leaf!("message", Message),
    EVENT,
    USER,
    group!(
        "source",
        leaf!("address", Client),
        leaf!("ip", Client, |subject| match subject.client {
            Some(_) => Field::Client.of(subject),
            None => Value::Absent,
        }),
    ),
    RELATED,
    group!(
        "rule",
        leaf!("name", TargetName, |subject| {
            text(subject.target_rule().and_then(|target| target.name.as_deref()))
        }),
        leaf!("id", TargetId, |subject| text(subject.target_rule().and_then(|target| target.id.as_deref()))),
    ),
    group!(
        "threat",
        leaf!("framework", Attack, |subject| match subject.row.attack(subject.event.outcome) {
            [] => Value::Absent,
            _ => Value::Word("MITRE ATT&CK"),
        }),
        group!("technique", leaf!("id", Attack)),
    ),
    group!("host", leaf!("name", Sensor)),
    group!(
        "observer",
        fact!("vendor", |_| Value::Word("Microsoft")),
        fact!("product", |_| Value::Word("Defender for IoT")),
        fact!("type", |_| Value::Word("sensor")),
        leaf!("name", Sensor),
    ),
    group!(
        "agent",
        fact!("type", |_| Value::Word("otrail")),
        fact!("version", |_| Value::Word(env!("CARGO_PKG_VERSION"))),
    ),
    LABELS,
    leaf!("tags", Flags),
];

const EVENT: Node = group!(
    "event",
    fact!("kind", |_| Value::Word("event")),
    leaf!("category", Action, |subject| Value::One(subject.row.ecs.category)),
    leaf!("type", Action, |subject| Value::Words(subject.row.ecs.types)),
    leaf!("action", Action),
    leaf!("outcome", Outcome),
    leaf!("code", Code),
    leaf!("severity", Severity),
    leaf!("id", Id),
    leaf!("sequence", Seq),
    leaf!("created", Seen),
    leaf!("reason", Reason),
    fact!("module", |_| Value::Word("otrail")),
    fact!("dataset", |_| Value::Word("otrail.audit")),
    leaf!("provider", Source),
    leaf!("original", Raw, raw_text),
);

const USER: Node = group!(
    "user",
    leaf!("name", User),
    leaf!("domain", Domain),
    leaf!("id", Account),
    leaf!("email", Account, |subject| {
        text(subject.event.account.as_deref().filter(|account| account.contains('@')))
    }),
    leaf!("roles", Role, |subject| subject.event.role.as_deref().map_or(Value::Absent, Value::One)),
    group!(
        "target",
        leaf!("name", TargetName, |subject| {
            text(subject.target_user().and_then(|target| target.name.as_deref()))
        }),
        leaf!("id", TargetId, |subject| text(subject.target_user().and_then(|target| target.id.as_deref()))),
    ),
);

/// Everyone and everything named in the event, each once.
const RELATED: Node = group!(
    "related",
    leaf!("user", User, |subject| {
        let event = subject.event;
        let target = subject.target_user().and_then(|target| target.name.as_deref());
        few([
            subject.wanted(Field::User, event.user.as_deref()),
            subject.wanted(Field::Account, event.account.as_deref()),
            subject.wanted(Field::TargetName, target),
        ])
    }),
    leaf!("ip", Client, |subject| match subject.client {
        Some(_) => few([subject.event.client.as_deref(), None, None]),
        None => Value::Absent,
    }),
    leaf!("hosts", Sensor, |subject| {
        let client = subject.event.client.as_deref().filter(|_| subject.client.is_none());
        few([Some(&subject.event.sensor), subject.wanted(Field::Client, client), None])
    }),
);

const LABELS: Node = group!(
    "labels",
    leaf!("stream", Stream),
    leaf!("prev", Prev, |subject| Value::Digits(subject.envelope.prev.0)),
    leaf!("resent", Resent, |subject| said(subject.envelope.resent)),
    leaf!("replay", Replay, |subject| said(subject.envelope.replay)),
    leaf!("class", Class),
    leaf!("name", Name),
    leaf!("category", Category),
    leaf!("target_kind", TargetKind),
    leaf!("target_name", TargetName),
    leaf!("target_id", TargetId),
    leaf!("devices", Devices),
    leaf!("old", Old),
    leaf!("new", New),
    leaf!("count", Count, |subject| subject.event.count.map_or(Value::Absent, Value::Digits)),
    leaf!("type", Type),
    leaf!("title", Title),
    leaf!("label", Label),
    leaf!("raw_base64", Raw, raw_bytes),
    leaf!("file", Position, |subject| digits(position_file(subject))),
    leaf!("offset", Position, |subject| digits(position_offset(subject))),
);

/// `labels` holds keywords.
fn said(yes: bool) -> Value<'static> {
    if yes { Value::Word("true") } else { Value::Absent }
}

/// The same of a number.
fn digits(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Number(number) => Value::Digits(number),
        other => other,
    }
}

fn few(texts: [Option<&str>; 3]) -> Value<'_> {
    let mut kept: [Option<&str>; 3] = [None; 3];
    for (at, text) in texts.into_iter().enumerate() {
        if text.is_some_and(|text| !text.is_empty()) && !kept.contains(&text) {
            kept[at] = text;
        }
    }
    Value::Few(kept)
}

/// `ecs.version`.
const ECS_VERSION: &str = "9.4.0";
