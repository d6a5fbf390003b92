//! What one frame is about, and the values in it.

use super::field::Field;
use super::{Envelope, Settings};
use crate::model::{ActionRow, Chain, Event, Flags, Record, Target, Text, Time};
use std::net::IpAddr;

/// Everything that a value can come from.
pub(super) struct Subject<'a> {
    pub(super) settings: &'a Settings,
    pub(super) envelope: &'a Envelope<'a>,
    pub(super) record: &'a Record,
    pub(super) event: &'a Event,
    pub(super) row: &'static ActionRow,
    /// The address, if the client is one.
    pub(super) client: Option<IpAddr>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(settings: &'a Settings, envelope: &'a Envelope<'a>, record: &'a Record) -> Subject<'a> {
        let event = &record.event;
        let client = event.client.as_deref().and_then(|client| client.parse().ok());
        Subject { settings, envelope, record, event, row: event.action.row(), client }
    }

    /// The text, if this destination gets the field: for values that are made of several fields.
    pub(super) fn wanted(&self, field: Field, text: Option<&'a str>) -> Option<&'a str> {
        text.filter(|text| !text.is_empty() && !self.settings.leave_out.contains(field))
    }

    /// The target, if it is an account.
    pub(super) fn target_user(&self) -> Option<&'a Target> {
        self.event.target.as_deref().filter(|target| target.kind == "user")
    }

    /// The target, if it is a rule.
    pub(super) fn target_rule(&self) -> Option<&'a Target> {
        let is_rule = |target: &&Target| target.kind == "rule" || target.kind.ends_with("_rule");
        self.event.target.as_deref().filter(is_rule)
    }
}

/// A value, before it is written the way of a format.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// There is none.
    Absent,
    /// A word of ours, which needs no care.
    Word(&'a str),
    /// Text from outside.
    Text(&'a str),
    /// The message, which may be long.
    Message(&'a str),
    /// A number.
    Number(u64),
    /// 32 hex digits.
    Hex(u128),
    /// 64 hex digits.
    Hash(Chain),
    /// A moment, readable.
    Time(Time),
    /// A moment in milliseconds since 1970.
    Millis(Time),
    /// True; false is `Absent`.
    Yes,
    /// Several texts.
    Texts(&'a [Text]),
    /// Up to three texts.
    Few([Option<&'a str>; 3]),
    /// A number where the schema wants text.
    Digits(u64),
    /// Several words of ours.
    Words(&'static [&'static str]),
    /// A list of one text.
    One(&'a str),
    /// The names of flags, and what became of the values before.
    Flags(Flags),
    /// The entry, as text.
    RawText(&'a str),
    /// The entry, as bytes.
    RawBytes(&'a [u8]),
}

/// The text of an optional field.
pub(super) fn text(value: Option<&str>) -> Value<'_> {
    value.filter(|text| !text.is_empty()).map_or(Value::Absent, Value::Text)
}
