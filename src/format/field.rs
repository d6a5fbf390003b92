//! The fields of an event as formats see them: one row each, with what it means and where its value comes from.
//!
//! A format says where a field goes, and nothing about how its value is found; one that forgets a field fails a test.

use super::subject::{Subject, Value};
use crate::model::Raw;

/// A field. Its place in `FIELDS` is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what they are")]
pub enum Field {
    Stream,
    Seq,
    Prev,
    Resent,
    Replay,
    Id,
    Time,
    Seen,
    Class,
    Action,
    Code,
    Name,
    Category,
    Outcome,
    Severity,
    Attack,
    Sensor,
    Source,
    Position,
    User,
    Domain,
    Account,
    Role,
    Client,
    TargetKind,
    TargetName,
    TargetId,
    Devices,
    Message,
    Reason,
    Old,
    New,
    Count,
    Type,
    Title,
    Label,
    Raw,
    Chain,
    Flags,
}

/// What is said about a field.
#[derive(Debug)]
pub struct FieldRow {
    /// Which one.
    pub field: Field,
    /// Its name in config and docs.
    pub name: &'static str,
    /// What kind of value it is.
    pub kind: Kind,
    /// Whether every event has it, and a destination cannot leave it out.
    pub required: bool,
    /// What it means, in one line.
    pub about: &'static str,
}

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text from outside.
    Text,
    /// One of a few words of ours.
    Word,
    /// A whole number, not negative.
    Number,
    /// A moment.
    Time,
    /// Several texts.
    List,
}

/// The table, in the order of `Field`.
pub const FIELDS: &[FieldRow] = &[
    need(Field::Stream, "stream", Kind::Word, "the journal the event is from: 32 hex digits"),
    need(Field::Seq, "seq", Kind::Number, "place in the journal: 1, 2, 3 ... without a gap"),
    need(
        Field::Prev,
        "prev",
        Kind::Number,
        "`seq` of the event sent before to the same destination, or by the same replay; 0 is none",
    ),
    need(Field::Resent, "resent", Kind::Word, "sent before without evidence of delivery: may be a copy"),
    need(Field::Replay, "replay", Kind::Word, "sent again because an admin asked for it: may be a copy"),
    need(Field::Id, "id", Kind::Word, "the event, the same in every copy: 32 hex digits"),
    need(Field::Time, "time", Kind::Time, "when the entry says it happened, UTC"),
    may(Field::Seen, "seen", Kind::Time, "when otrail read the entry, UTC"),
    need(
        Field::Class,
        "class",
        Kind::Word,
        "`user-operation`, `network`, or `agent` for otrail's own events",
    ),
    need(Field::Action, "action", Kind::Word, "what was done: `user.login`, `exclusion_rule.create` ..."),
    need(Field::Code, "code", Kind::Word, "number of the action, never given to another: `OTA-1001`"),
    need(Field::Name, "name", Kind::Word, "the action for people: `User login`"),
    need(
        Field::Category,
        "category",
        Kind::Word,
        "one word for grouping: `authentication`, `iam`, `configuration` ...",
    ),
    need(Field::Outcome, "outcome", Kind::Word, "`success`, `failure` or `unknown`"),
    need(Field::Severity, "severity", Kind::Number, "0 (nothing) to 10 (worst)"),
    may(Field::Attack, "attack", Kind::List, "MITRE ATT&CK techniques that this may be a sign of"),
    need(Field::Sensor, "sensor", Kind::Text, "configured name of the sensor"),
    need(Field::Source, "source", Kind::Text, "configured name of the log; `otrail` for its own events"),
    may(
        Field::Position,
        "position",
        Kind::Number,
        "number of the log file, and the byte just after the entry",
    ),
    may(Field::User, "user", Kind::Text, "who did it, without the domain"),
    may(Field::Domain, "domain", Kind::Text, "the domain of the user"),
    may(Field::Account, "account", Kind::Text, "the user as the entry spells it, when that differs"),
    may(Field::Role, "role", Kind::Text, "the role of the user, as the entry spells it"),
    may(Field::Client, "client", Kind::Text, "the network address or name the user came from"),
    may(
        Field::TargetKind,
        "target-kind",
        Kind::Text,
        "what it was done to: `user`, `exclusion_rule`, `alert` ...",
    ),
    may(Field::TargetName, "target-name", Kind::Text, "its name"),
    may(Field::TargetId, "target-id", Kind::Text, "its id on the sensor"),
    may(Field::Devices, "devices", Kind::List, "affected devices"),
    may(Field::Message, "message", Kind::Text, "the text of the entry; that of its action where it has none"),
    may(Field::Reason, "reason", Kind::Text, "why it failed or was done"),
    may(Field::Old, "old", Kind::Text, "the value before a change"),
    may(Field::New, "new", Kind::Text, "the value after a change"),
    may(Field::Count, "count", Kind::Number, "how many: rows of a query, bytes of a gap, events suppressed"),
    may(Field::Type, "type", Kind::Text, "the sensor's own type: `USER_OPERATION` ..."),
    may(Field::Title, "title", Kind::Text, "the sensor's own title"),
    may(Field::Label, "label", Kind::Text, "the sensor's own severity: `INFO`, `NOTICE`, `ALERT`"),
    may(Field::Raw, "raw", Kind::Text, "the entry as it was read; base64 if it is not UTF-8"),
    may(
        Field::Chain,
        "chain",
        Kind::Word,
        "the hash chain of the journal after the event: 64 hex digits; what binds the frames to each other goes with it",
    ),
    need(
        Field::Flags,
        "flags",
        Kind::List,
        "what is special: `unparsed`, `time-assumed`, `escaped`, `cut` ...",
    ),
];

const fn need(field: Field, name: &'static str, kind: Kind, about: &'static str) -> FieldRow {
    FieldRow { field, name, kind, required: true, about }
}

const fn may(field: Field, name: &'static str, kind: Kind, about: &'static str) -> FieldRow {
    FieldRow { field, name, kind, required: false, about }
}

impl Field {
    /// Its row.
    pub fn row(self) -> &'static FieldRow {
        &FIELDS[self as usize]
    }

    /// Its value in the plainest form; the two that have none of their own, position and raw, are `Absent`.
    #[inline]
    pub(super) fn of<'a>(self, subject: &Subject<'a>) -> Value<'a> {
        let event = subject.event;
        let optional =
            |text: &'a Option<crate::model::Text>| text.as_deref().map_or(Value::Absent, Value::Text);
        let unless_empty = |text: &'a str| if text.is_empty() { Value::Absent } else { Value::Text(text) };
        let target = event.target.as_deref();
        match self {
            Field::Stream => Value::Text(subject.envelope.stream),
            Field::Seq => Value::Number(subject.record.seq.0),
            Field::Prev => Value::Number(subject.envelope.prev.0),
            Field::Resent if subject.envelope.resent => Value::Yes,
            Field::Replay if subject.envelope.replay => Value::Yes,
            Field::Id => Value::Hex(event.id.0),
            Field::Time => Value::Time(event.time),
            Field::Seen => Value::Time(event.seen),
            Field::Class => Value::Word(event.class.name()),
            Field::Action => Value::Word(subject.row.name),
            Field::Code => Value::Word(subject.row.code),
            Field::Name => Value::Word(subject.row.title),
            Field::Category => Value::Word(subject.row.category),
            Field::Outcome => Value::Word(event.outcome.name()),
            Field::Severity => Value::Number(u64::from(event.severity.0)),
            Field::Attack => Value::Words(subject.row.attack(event.outcome)),
            Field::Sensor => unless_empty(&event.sensor),
            Field::Source => unless_empty(&event.source),
            Field::User => optional(&event.user),
            Field::Domain => optional(&event.domain),
            Field::Account => optional(&event.account),
            Field::Role => optional(&event.role),
            Field::Client => optional(&event.client),
            Field::TargetKind => target.map_or(Value::Absent, |target| unless_empty(&target.kind)),
            Field::TargetName => target.map_or(Value::Absent, |target| optional(&target.name)),
            Field::TargetId => target.map_or(Value::Absent, |target| optional(&target.id)),
            Field::Devices => Value::Texts(&event.devices),
            Field::Message if event.message.is_empty() => Value::Message(subject.row.title),
            Field::Message => Value::Message(&event.message),
            Field::Reason => optional(&event.reason),
            Field::Old => optional(&event.old),
            Field::New => optional(&event.new),
            Field::Count => event.count.map_or(Value::Absent, Value::Number),
            Field::Type => unless_empty(&event.kind),
            Field::Title => unless_empty(&event.title),
            Field::Label => unless_empty(&event.label),
            Field::Chain => subject.record.chain.map_or(Value::Absent, Value::Hash),
            Field::Flags => Value::Flags(event.flags),
            Field::Resent | Field::Replay | Field::Position | Field::Raw => Value::Absent,
        }
    }
}

/// The entry as text.
pub(super) fn raw_text<'a>(subject: &Subject<'a>) -> Value<'a> {
    match &subject.event.raw {
        Raw::Json(text) | Raw::Text(text) => Value::RawText(text),
        Raw::None | Raw::Bytes(_) => Value::Absent,
    }
}

/// The entry that is no text.
pub(super) fn raw_bytes<'a>(subject: &Subject<'a>) -> Value<'a> {
    match &subject.event.raw {
        Raw::Bytes(bytes) => Value::RawBytes(bytes),
        _ => Value::Absent,
    }
}

/// Number of the log file.
pub(super) fn position_file<'a>(subject: &Subject<'a>) -> Value<'a> {
    subject.record.position.map_or(Value::Absent, |at| Value::Number(u64::from(at.file.0)))
}

/// The byte just after the entry.
pub(super) fn position_offset<'a>(subject: &Subject<'a>) -> Value<'a> {
    subject.record.position.map_or(Value::Absent, |at| Value::Number(at.offset))
}

/// A set of fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fields(u64);

impl Fields {
    /// Adds a field.
    pub fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u64;
    }

    /// Whether the field is in the set.
    #[inline]
    pub fn contains(self, field: Field) -> bool {
        self.0 >> field as u64 & 1 == 1
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Fields {
        let mut set = Fields::default();
        fields.into_iter().for_each(|field| set.insert(field));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_at_the_number_of_its_field() {
        for (at, row) in FIELDS.iter().enumerate() {
            assert_eq!(row.field as usize, at, "{}", row.name);
            assert!(
                at < 64 && FIELDS.iter().filter(|other| other.name == row.name).count() == 1,
                "{}",
                row.name
            );
        }
        assert_eq!(FIELDS.len(), Field::Flags as usize + 1);
    }
}
