//! Bytes become entries, an entry becomes an Event. One language, one file, one row of `DIALECTS`.
//!
//! ```text
//! split   {"timestamp":1709193520000,"type":"USER_OPERATION", … "content":"User admin logged in"}\n   one entry
//! types   USER_OPERATION says nothing about the action, EXCLUSION_RULE_CREATED says all
//! rules   '^User {user} logged in{from}' says user.login, and who
//! parse   an Event, and the values that make its id
//! ```
//!
//! Invariant: `parse` never fails. What it cannot read is a `user.operation` with the flag `unparsed`.
//! Invariant: pure. No file, no clock; the same bytes and context give the same events.
//! Not here: following a file (`collect`), what an action means to a SIEM (`model`).

mod audit_log;
mod cef;
mod fields;
mod habits;
mod identity;
mod json;
mod key_value;
mod lines;
mod mask;
mod plain;
mod read;
mod rules;
mod said;
mod syslog;
mod text;
mod time;
mod timeline;
mod timeline_json;
mod types;

pub use fields::{Fields, MEANINGS};
pub use habits::Habits;
pub use identity::Identity;
pub use mask::{Mask, MaskProblem, Masks};
pub use read::read;
pub use rules::{Explained, FailedExample, Near, RuleAt, RuleProblem, Rules};
pub use types::{Scope, TYPES, Type, class};

use crate::model::{Class, Event, EventId, Text, Time};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::ops::Range;

/// One language of sensor logs.
#[derive(Debug)]
pub struct Dialect {
    /// Its name in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Finds the whole entries at the head of `bytes`; returns how many bytes are done with.
    pub split: fn(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize,
    /// Reads one entry; never fails, what it cannot read becomes an `unparsed` event with the raw text.
    pub parse: fn(state: &State, context: &Context<'_>, entry: &[u8]) -> Parsed,
    /// Whether the head of a file looks like this language.
    pub speaks: fn(head: &[u8]) -> bool,
}

/// All dialects; `auto` takes the first that speaks the language of the file.
pub const DIALECTS: &[Dialect] = &[
    timeline_json::DIALECT,
    audit_log::DIALECT,
    syslog::DIALECT,
    cef::DIALECT,
    json::DIALECT,
    key_value::DIALECT,
    plain::DIALECT,
];

/// The dialect of that name.
pub fn find(name: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name == name)
}

/// The dialect of a file whose first bytes are `head`; `None` while there is no telling.
pub fn detect(head: &[u8]) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| (dialect.speaks)(head))
}

/// Whether more bytes may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The file is still written: an entry without its end waits.
    Open,
    /// The file is still written, but has not grown for a while: an entry of whole lines is whole.
    Settled,
    /// The file is finished: what is left is the last entry.
    Final,
}

/// Where an entry stands in the bytes handed to `split`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry without its line end.
    pub text: Range<usize>,
    /// Just after the entry and its line end: where reading goes on.
    pub end: usize,
}

/// What a dialect must remember between entries of one file.
#[derive(Debug, Clone)]
pub struct State {
    /// The next byte is the first of the file.
    at_head: bool,
}

impl State {
    /// For reading a file on from `offset`.
    pub fn at(offset: u64) -> State {
        State { at_head: offset == 0 }
    }
}

impl Default for State {
    fn default() -> State {
        State::at(0)
    }
}

/// What `parse` needs to know beside the entry.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Configured sensor name.
    pub sensor: &'a Text,
    /// Configured source name.
    pub source: &'a Text,
    /// When the entry was read.
    pub seen: Time,
    /// Zone of times that carry none.
    pub zone: &'a TimeZone,
    /// The wording rules.
    pub rules: &'a Rules,
    /// Class of the ambiguous type `USER_LOGIN`.
    pub user_login: Class,
    /// How the source writes.
    pub habits: &'a Habits,
}

/// An event and what its id is made of.
#[derive(Debug)]
pub struct Parsed {
    /// The event; its `id` is not set yet.
    pub event: Event,
    /// The values that make the id.
    pub identity: Identity,
}

/// The events of a whole file with that content, with their ids; for tests and for trying a log out.
pub fn normalize(dialect: &Dialect, bytes: &[u8], context: &Context<'_>) -> Vec<Event> {
    let (mut state, mut entries) = (State::at(0), Vec::new());
    (dialect.split)(&mut state, bytes, End::Final, &mut entries);
    let mut equals: HashMap<EventId, u32> = HashMap::new();
    let number = |entry: &Entry| {
        let Parsed { mut event, mut identity } = (dialect.parse)(&state, context, &bytes[entry.text.clone()]);
        if identity.needs_position() {
            identity = identity.at(b"", entry.end as u64);
        }
        let ordinal = equals.entry(identity.id(0)).or_default();
        event.id = identity.id(*ordinal);
        *ordinal += 1;
        event
    };
    entries.iter().map(number).collect()
}
