//! What can stand in a column: the fields of a record under the names that they have in `json`.

use super::safe;
use crate::model::{Event, Raw, Record, Text, Time};
use std::borrow::Cow;

/// One field, as text.
pub struct Column {
    /// Its name on the command line and in heads.
    pub name: &'static str,
    /// How many characters of a line it takes on a terminal, if there is room.
    pub(super) width: usize,
    /// What stands there; empty if there is none.
    pub(super) text: fn(&Record) -> Cow<'_, str>,
    /// The moment, of fields that are one.
    pub(super) time: Option<fn(&Event) -> Time>,
}

/// All fields, in the order of the docs.
pub const COLUMNS: &[Column] = &[
    column("seq", 8, |record| record.seq.to_string().into()),
    column("id", 32, |record| record.event.id.to_string().into()),
    moment("time", |event| event.time),
    moment("seen", |event| event.seen),
    column("sensor", 16, |record| record.event.sensor.as_str().into()),
    column("source", 12, |record| record.event.source.as_str().into()),
    column("class", 14, |record| record.event.class.name().into()),
    column("action", 22, |record| record.event.action.name().into()),
    column("code", 8, |record| record.event.action.row().code.into()),
    column("outcome", 7, |record| record.event.outcome.name().into()),
    column("severity", 3, |record| record.event.severity.0.to_string().into()),
    column("user", 14, |record| maybe(&record.event.user)),
    column("domain", 10, |record| maybe(&record.event.domain)),
    column("account", 18, |record| account(&record.event).into()),
    column("role", 16, |record| maybe(&record.event.role)),
    column("target", 22, |record| target(&record.event)),
    column("target-kind", 14, |record| of_target(&record.event, |target| Some(&target.kind))),
    column("target-name", 18, |record| of_target(&record.event, |target| target.name.as_ref())),
    column("target-id", 12, |record| of_target(&record.event, |target| target.id.as_ref())),
    column("client", 15, |record| maybe(&record.event.client)),
    column("devices", 18, |record| record.event.devices.join(" ").into()),
    column("message", 40, |record| record.event.message.as_str().into()),
    column("reason", 18, |record| maybe(&record.event.reason)),
    column("old", 14, |record| maybe(&record.event.old)),
    column("new", 14, |record| maybe(&record.event.new)),
    column("count", 8, |record| {
        record.event.count.map_or_else(String::new, |count| count.to_string()).into()
    }),
    column("type", 16, |record| record.event.kind.as_str().into()),
    column("title", 18, |record| record.event.title.as_str().into()),
    column("label", 7, |record| record.event.label.as_str().into()),
    column("flags", 14, |record| record.event.flags.names().collect::<Vec<_>>().join(" ").into()),
    column("position", 16, |record| {
        record.position.map_or_else(String::new, |at| format!("{}:{}", at.file.0, at.offset)).into()
    }),
    column("chain", 64, |record| record.chain.map(|chain| chain.to_string()).unwrap_or_default().into()),
    column("raw", 60, |record| match &record.event.raw {
        Raw::None => "".into(),
        Raw::Json(text) | Raw::Text(text) => (&**text).into(),
        Raw::Bytes(bytes) => {
            let mut text = Vec::new();
            safe::bytes(bytes, &mut text);
            String::from_utf8_lossy(&text).into_owned().into()
        }
    }),
];

impl Column {
    /// The column of that name.
    pub fn named(name: &str) -> Option<&'static Column> {
        COLUMNS.iter().find(|column| column.name == name)
    }

    /// What a record has there, a time as RFC 3339; empty if there is nothing.
    pub fn value<'a>(&self, record: &'a Record) -> Cow<'a, str> {
        match self.time {
            Some(time) => time(&record.event).to_string().into(),
            None => (self.text)(record),
        }
    }
}

impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn column(name: &'static str, width: usize, text: fn(&Record) -> Cow<'_, str>) -> Column {
    Column { name, width, text, time: None }
}

const fn moment(name: &'static str, time: fn(&Event) -> Time) -> Column {
    Column { name, width: MOMENT_WIDTH, text: |_| Cow::Borrowed(""), time: Some(time) }
}

fn maybe(text: &Option<Text>) -> Cow<'_, str> {
    text.as_deref().unwrap_or_default().into()
}

/// The actor as the sensor spells it.
pub(super) fn account(event: &Event) -> &str {
    event.account.as_deref().or(event.user.as_deref()).unwrap_or_default()
}

/// What was acted on, as `KIND:NAME`.
pub(super) fn target(event: &Event) -> Cow<'_, str> {
    let Some(target) = event.target.as_deref() else { return "".into() };
    let name = target.name.as_deref().or(target.id.as_deref()).unwrap_or_default();
    format!("{}:{name}", target.kind).into()
}

fn of_target(event: &Event, part: fn(&crate::model::Target) -> Option<&Text>) -> Cow<'_, str> {
    event.target.as_deref().and_then(part).map_or("", |text| text.as_str()).into()
}

/// `2024-03-01 12:30:15+01`.
const MOMENT_WIDTH: usize = 22;
