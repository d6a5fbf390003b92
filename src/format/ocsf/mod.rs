//! OCSF, the Open Cybersecurity Schema Framework: 1.9, and 1.8 and 1.1 for lakes that lag.
//!
//! ```text
//! base       class, activity, severity, status, time, metadata, the sensor as `device`
//! by class   Authentication: user, dst_endpoint       User Management, Account Change: user
//!            User Access: user, privileges            Entity Management: entity
//!            Application Lifecycle: app               Datastore Activity: src_endpoint, database
//! 1.9        `attestation_list`: the profile `record_integrity`
//! unmapped   what OCSF has no place for
//! ```
//!
//! `actor.user` is who did it and `user` the account it was done to; of a sign-in both are the same. Where a class
//! demands what the entry does not tell, it is `unknown`. An activity that a version does not know yet is 99, with its
//! name.

mod attestation;
mod classes;

use super::field::{Field, position_file, position_offset, raw_bytes, raw_text};
use super::subject::{Subject, Value, text};
use super::tree::{self, Node, fact, group, leaf};
use super::{Envelope, Format, OcsfVersion, Settings};
use crate::model::{Class as EventClass, Ocsf, Outcome, Print, Record};
use classes::{
    ACCOUNT_CHANGE, APPLICATION_LIFECYCLE, AUTHENTICATION, Class, DATASTORE_ACTIVITY, ENTITY_MANAGEMENT,
    USER_ACCESS, USER_MANAGEMENT, category_name,
};

/// Its row.
pub(super) const ROW: Format = Format {
    name: "ocsf",
    about: "JSON in the Open Cybersecurity Schema Framework",
    encode,
    frame_bytes_min: tree::FRAME_BYTES_MIN,
    header: tree::HEADER,
    counter: None,
    places: super::Places::Tree(TREE),
    elsewhere: &[],
    absent: &[],
};

/// Appends one frame.
fn encode(
    settings: &Settings,
    envelope: &Envelope<'_>,
    record: &Record,
    frame: &mut Vec<u8>,
) -> Option<Print> {
    let subject = Subject::new(settings, envelope, record);
    let begin = tree::frame(TREE, &subject, frame);
    let hash = attestation::is_wanted(&subject).then(|| attestation::sign(&mut frame[begin..]))?;
    Some(Print { id: record.event.id, kind: ocsf(&subject).type_uid(), hash })
}

/// Keys are in order everywhere: `attestation` says why.
const TREE: &[Node] = &[
    leaf!("activity_id", Action, |subject| number(ocsf(subject).activity)),
    leaf!("activity_name", Action, |subject| Value::Word(activity_name(subject))),
    ACTOR,
    Node::When { test: |subject| is(subject, APPLICATION_LIFECYCLE), nodes: APP },
    Node::When { test: attestation::is_wanted, nodes: attestation::NODES },
    leaf!("category_name", Action, |subject| Value::Word(category_name(ocsf(subject).category()))),
    leaf!("category_uid", Action, |subject| number(ocsf(subject).category())),
    leaf!("class_name", Action, |subject| Value::Word(Class::of(ocsf(subject).class).name)),
    leaf!("class_uid", Action, |subject| number(ocsf(subject).class)),
    Node::When { test: |subject| is(subject, DATASTORE_ACTIVITY), nodes: DATABASE },
    Node::When { test: |subject| !is(subject, DATASTORE_ACTIVITY) || newer(subject), nodes: DEVICE },
    Node::When {
        test: |subject| is(subject, AUTHENTICATION) || is(subject, DATASTORE_ACTIVITY),
        nodes: DST_ENDPOINT,
    },
    Node::When { test: |subject| is(subject, ENTITY_MANAGEMENT), nodes: ENTITY },
    leaf!("message", Message),
    METADATA,
    Node::When { test: |subject| is(subject, USER_ACCESS), nodes: PRIVILEGES },
    leaf!("raw_data", Raw, raw_text),
    leaf!("severity", Severity, |subject| Value::Word(severity(subject).1)),
    leaf!("severity_id", Severity, |subject| number(severity(subject).0)),
    Node::When { test: has_src_endpoint, nodes: SRC_ENDPOINT },
    leaf!("status", Outcome, |subject| Value::Word(status(subject).1)),
    leaf!("status_detail", Reason),
    leaf!("status_id", Outcome, |subject| number(status(subject).0)),
    leaf!("time", Time, |subject| Value::Millis(subject.event.time)),
    leaf!("type_uid", Action, |subject| number(ocsf(subject).type_uid())),
    UNMAPPED,
    Node::When { test: |subject| is(subject, AUTHENTICATION), nodes: AUTHENTICATED },
    Node::When {
        test: |subject| [ACCOUNT_CHANGE, USER_MANAGEMENT, USER_ACCESS].contains(&ocsf(subject).class),
        nodes: USER_NODES,
    },
];

const METADATA: Node = group!(
    "metadata",
    leaf!("event_code", Code),
    leaf!("log_name", Source),
    fact!("log_provider", |_| Value::Word("otrail")),
    leaf!("logged_time", Seen, |subject| Value::Millis(subject.event.seen)),
    leaf!("original_time", Time),
    group!(
        "product",
        fact!("name", |_| Value::Word("OT Sensor Audit")),
        fact!("vendor_name", |_| Value::Word("otrail")),
        fact!("version", |_| Value::Word(env!("CARGO_PKG_VERSION"))),
    ),
    fact!("profiles", |subject| {
        let host = !is(subject, DATASTORE_ACTIVITY) || newer(subject);
        match (host, attestation::is_wanted(subject)) {
            (_, true) => Value::Words(&["host", "record_integrity"]),
            (true, false) => Value::Words(&["host"]),
            (false, false) => Value::Absent,
        }
    }),
    leaf!("sequence", Seq),
    leaf!("uid", Id),
    fact!("version", |subject| Value::Word(subject.settings.ocsf.name())),
);

/// Datastore Activity demands an actor.
const ACTOR: Node = group!(
    "actor",
    group!(
        "user",
        leaf!("domain", Domain),
        leaf!("name", User, |subject| match actor_name(subject) {
            Value::Absent if is(subject, DATASTORE_ACTIVITY) => UNKNOWN,
            name => name,
        }),
        leaf!("type", Role, |subject| match actor_name(subject) {
            Value::Absent => Value::Absent,
            _ => Value::Word(user_type(subject).1),
        }),
        leaf!("type_id", Role, |subject| match actor_name(subject) {
            Value::Absent => Value::Absent,
            _ => number(user_type(subject).0),
        }),
        leaf!("uid", Account),
    ),
);

const DEVICE: &[Node] = &[group!(
    "device",
    leaf!("name", Sensor, sensor),
    fact!("type", |_| Value::Word("OT network sensor")),
    fact!("type_id", |_| Value::Number(99)),
)];

/// Datastore Activity demands one: our own queries come over a local socket.
const SRC_ENDPOINT: &[Node] = &[group!(
    "src_endpoint",
    leaf!("ip", Client, |subject| match subject.client {
        Some(_) => Field::Client.of(subject),
        None => Value::Absent,
    }),
    leaf!("name", Client, |subject| match (subject.client, Field::Client.of(subject)) {
        (Some(_), _) => Value::Absent,
        (None, Value::Absent) if is(subject, DATASTORE_ACTIVITY) => Value::Word("local"),
        (None, name) => name,
    }),
    fact!("uid", |subject| match subject.wanted(Field::Client, subject.event.client.as_deref()) {
        None if is(subject, DATASTORE_ACTIVITY) && subject.event.client.is_some() => UNKNOWN,
        _ => Value::Absent,
    }),
)];

const AUTHENTICATED: &[Node] = &[group!(
    "user",
    leaf!("domain", Domain),
    fact!("name", |subject| match subject.wanted(Field::User, actor(subject)) {
        Some(name) => Value::Text(name),
        None => UNKNOWN,
    }),
    leaf!("type", Role, |subject| Value::Word(user_type(subject).1)),
    leaf!("type_id", Role, |subject| number(user_type(subject).0)),
    leaf!("uid", Account),
)];

/// The sensor, where it is the one spoken to.
const DST_ENDPOINT: &[Node] = &[group!("dst_endpoint", leaf!("name", Sensor, sensor))];

/// Whose account it is: that of the target, or the actor's own.
const USER_NODES: &[Node] = &[group!(
    "user",
    fact!("name", |subject| {
        let target = subject.target_user();
        let name = match target {
            Some(target) => subject.wanted(Field::TargetName, target.name.as_deref()),
            None => subject.wanted(Field::User, actor(subject)),
        };
        name.map_or(UNKNOWN, Value::Text)
    }),
    fact!("type_id", |_| Value::Number(0)),
    leaf!("uid", TargetId, |subject| text(subject.target_user().and_then(|target| target.id.as_deref()))),
)];

const PRIVILEGES: &[Node] = &[fact!("privileges", |subject| {
    Value::One(subject.wanted(Field::New, subject.event.new.as_deref()).unwrap_or("unknown"))
})];

const ENTITY: &[Node] = &[group!(
    "entity",
    fact!("name", |subject| {
        let target = subject.event.target.as_deref();
        let name = subject.wanted(Field::TargetName, target.and_then(|target| target.name.as_deref()));
        let id = subject.wanted(Field::TargetId, target.and_then(|target| target.id.as_deref()));
        name.or(id).map_or(UNKNOWN, Value::Text)
    }),
    leaf!("type", TargetKind, |subject| entity_type(subject).1),
    leaf!("type_id", TargetKind, |subject| match newer(subject) {
        true => number(entity_type(subject).0),
        false => Value::Absent,
    }),
    leaf!("uid", TargetId),
)];

const APP: &[Node] = &[group!(
    "app",
    fact!("name", |subject| {
        let target = subject.event.target.as_deref().and_then(|target| target.name.as_deref());
        match (subject.wanted(Field::TargetName, target), subject.event.class) {
            (Some(name), _) => Value::Text(name),
            (None, EventClass::Agent) => Value::Word("otrail"),
            (None, _) => Value::Word("Defender for IoT"),
        }
    }),
    fact!("vendor_name", |subject| match subject.event.class {
        EventClass::Agent => Value::Word("otrail"),
        _ => Value::Word("Microsoft"),
    }),
)];

const DATABASE: &[Node] = &[group!(
    "database",
    fact!("name", |_| Value::Word("audit trail")),
    fact!("type", |_| Value::Word("journal")),
    fact!("type_id", |_| Value::Number(99)),
    leaf!("uid", Stream),
)];

const UNMAPPED: Node = group!(
    "unmapped",
    leaf!("action", Action),
    leaf!("attack", Attack),
    leaf!("category", Category),
    leaf!("class", Class),
    leaf!("client", Client, |subject| match has_src_endpoint(subject) {
        true => Value::Absent,
        false => Field::Client.of(subject),
    }),
    leaf!("count", Count),
    leaf!("devices", Devices),
    leaf!("file", Position, position_file),
    Node::Flags { key: "flags" },
    leaf!("label", Label),
    leaf!("name", Name),
    leaf!("new", New),
    leaf!("offset", Position, position_offset),
    leaf!("old", Old),
    leaf!("prev", Prev),
    leaf!("raw_base64", Raw, raw_bytes),
    leaf!("replay", Replay),
    leaf!("resent", Resent),
    leaf!("role", Role),
    leaf!("severity", Severity),
    leaf!("stream", Stream),
    leaf!("target_id", TargetId),
    leaf!("target_kind", TargetKind),
    leaf!("target_name", TargetName),
    leaf!("title", Title),
    leaf!("type", Type),
);

/// Class and activity in the version of the settings.
fn ocsf(subject: &Subject<'_>) -> Ocsf {
    let version = subject.settings.ocsf;
    let ocsf = if version == OcsfVersion::V1_9 { subject.row.ocsf } else { subject.row.ocsf_1_8 };
    match Class::of(ocsf.class).activity(ocsf.activity, version) {
        Some(_) => ocsf,
        None => Ocsf { activity: OTHER, ..ocsf },
    }
}

fn activity_name(subject: &Subject<'_>) -> &'static str {
    let ocsf = ocsf(subject);
    let activity = Class::of(ocsf.class).activity(ocsf.activity, subject.settings.ocsf);
    activity.map_or(subject.row.title, |activity| activity.1)
}

fn is(subject: &Subject<'_>, class: u32) -> bool {
    ocsf(subject).class == class
}

fn newer(subject: &Subject<'_>) -> bool {
    subject.settings.ocsf > OcsfVersion::V1_1
}

fn has_src_endpoint(subject: &Subject<'_>) -> bool {
    match ocsf(subject).class {
        ENTITY_MANAGEMENT | USER_ACCESS => newer(subject),
        APPLICATION_LIFECYCLE => false,
        _ => true,
    }
}

fn actor<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    subject.event.user.as_deref().or(subject.event.account.as_deref())
}

fn actor_name<'a>(subject: &Subject<'a>) -> Value<'a> {
    subject.wanted(Field::User, actor(subject)).map_or(Value::Absent, Value::Text)
}

fn sensor<'a>(subject: &Subject<'a>) -> Value<'a> {
    if subject.event.sensor.is_empty() { UNKNOWN } else { Value::Text(&subject.event.sensor) }
}

/// `user.type_id` and `user.type`: the sensor's own roles are Admin, Security Analyst and Read Only.
fn user_type(subject: &Subject<'_>) -> (u32, &'static str) {
    match subject.event.role.as_deref() {
        None => (0, "Unknown"),
        Some(role) if role.to_ascii_lowercase().starts_with("admin") => (2, "Admin"),
        Some(_) => (1, "User"),
    }
}

/// `entity.type_id` and `entity.type`.
fn entity_type<'a>(subject: &Subject<'a>) -> (u32, Value<'a>) {
    let kind = subject.event.target.as_deref().map_or(subject.row.target, |target| &target.kind);
    match kind {
        "device" => (1, Value::Word("Device")),
        "user" => (2, Value::Word("User")),
        "" => (0, Value::Word("Unknown")),
        _ if kind.ends_with("rule") => (5, Value::Word("Policy")),
        _ => (OTHER, Value::Text(kind)),
    }
}

fn severity(subject: &Subject<'_>) -> (u32, &'static str) {
    match subject.event.severity.0 {
        0..=3 => (1, "Informational"),
        4..=5 => (2, "Low"),
        6..=7 => (3, "Medium"),
        8..=9 => (4, "High"),
        _ => (5, "Critical"),
    }
}

fn status(subject: &Subject<'_>) -> (u32, &'static str) {
    match subject.event.outcome {
        Outcome::Unknown => (0, "Unknown"),
        Outcome::Success => (1, "Success"),
        Outcome::Failure => (2, "Failure"),
    }
}

fn number(number: u32) -> Value<'static> {
    Value::Number(u64::from(number))
}

const UNKNOWN: Value<'static> = Value::Word("unknown");
const OTHER: u32 = 99;
