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
//! Invariant: should it panic all the same, `unread` makes of the entry what it would be if nobody could read it; should
//! `split`, the lines are such entries (`uncut`).
//! Invariant: pure. No file, no clock; the same bytes and context give the same events.
//! Not here: following a file (`collect`), what an action means to a SIEM (`model`).

mod array;
mod audit_log;
mod auto;
mod cef;
mod csv;
mod encoding;
mod example;
mod fields;
mod flat;
mod habits;
mod halves;
mod identity;
mod json;
mod key_value;
mod lines;
mod mask;
mod mend;
mod object;
mod objects;
mod page;
mod parts;
mod plain;
mod read;
mod rules;
mod said;
mod state;
mod syslog;
mod text;
mod time;
mod timeline;
mod timeline_csv;
mod timeline_json;
mod types;
pub mod uncut;
mod wide;

pub use auto::{detect, rival};
pub use fields::{Fields, MEANINGS};
pub use habits::Habits;
pub use identity::Identity;
pub use mask::{Mask, MaskProblem, Masks};
pub use parts::{Part, json_parts};
pub use read::{read, unread};
pub use rules::{Explained, FailedExample, Near, RuleAt, RuleProblem, Rules};
pub use state::State;
pub use time::{Moment, read as time_of};
pub use timeline_csv::is_row;
pub use types::{Scope, TYPES, Type, class};

use crate::model::guard::Panicked;
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
    /// What in a log tells that it is in this language: "there is ...".
    pub sign: &'static str,
    /// Finds the whole entries at the head of `bytes`; returns how many bytes are done with. It may stop where
    /// entries begin to be read in another way: it is called again until nothing more is done.
    pub split: fn(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize,
    /// Reads one entry; never fails, what it cannot read becomes an `unparsed` event with the raw text.
    pub parse: fn(state: &State, context: &Context<'_>, entry: &[u8]) -> Parsed,
    /// The fields of an entry and where they stand, for showing how it is read.
    pub parts: fn(state: &State, context: &Context<'_>, text: &str) -> Vec<Part>,
    /// Whether the head of a file looks like this language.
    pub speaks: fn(head: &[u8]) -> bool,
    /// Whether the file has said before how to read this language, and that still holds.
    pub knows: fn(state: &State) -> bool,
    /// What a log whose beginning has been read should have said for it to be read in this language, and has not.
    pub lacks: fn(state: &State) -> Option<&'static str>,
    /// What it means that an entry can be read.
    pub claim: Claim,
}

/// What it means that a dialect can read an entry: the first is the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Nobody else writes like that.
    Own,
    /// Names and values, as many logs have them.
    Shape,
    /// Any text can be read so.
    Text,
}

/// All dialects; `auto` takes the first that speaks the language of the file.
pub const DIALECTS: &[Dialect] = &[
    timeline_json::DIALECT,
    timeline_csv::DIALECT,
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

/// Whether more bytes may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The file is still written: an entry without its end waits.
    Open,
    /// The file is still written, but has not grown for a while: an entry that can be whole is whole.
    Settled,
    /// It has not grown for so long that what is begun will not be finished: whole lines are entries.
    Overdue,
    /// The file is finished: what is left is the last entry.
    Final,
}

impl End {
    /// Whether the end of an entry that has been begun may still come.
    fn may_go_on(self) -> bool {
        matches!(self, End::Open | End::Settled)
    }
}

/// Where an entry stands in the bytes handed to `split`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The entry without its line end.
    pub text: Range<usize>,
    /// Just after the entry and its line end: where reading goes on.
    pub end: usize,
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
    /// Where otrail has panicked, instead of reading the entry.
    pub defect: Option<Panicked>,
}

/// The events of a whole file with that content, with their ids; for tests and for trying a log out.
pub fn normalize(dialect: &Dialect, bytes: &[u8], context: &Context<'_>) -> Vec<Event> {
    let mut equals: HashMap<EventId, u32> = HashMap::new();
    let mut events = Vec::new();
    each_entry(dialect, &mut State::at(0), bytes, |state, entry| {
        let Parsed { mut event, mut identity, .. } =
            (dialect.parse)(state, context, &bytes[entry.text.clone()]);
        if identity.needs_position() {
            identity = identity.at(b"", entry.end as u64);
        }
        let ordinal = equals.entry(identity.id(0)).or_default();
        event.id = identity.id(*ordinal);
        *ordinal += 1;
        events.push(event);
    });
    events
}

/// All entries of a finished file with that content.
pub fn entries(dialect: &Dialect, state: &mut State, bytes: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    each_entry(dialect, state, bytes, |_, entry| found.push(entry));
    found
}

/// Calls `take` with each entry of a finished file, and with the state that belongs to it.
fn each_entry(dialect: &Dialect, state: &mut State, bytes: &[u8], mut take: impl FnMut(&State, Entry)) {
    let (mut at, mut found) = (0, Vec::new());
    loop {
        let done = (dialect.split)(state, &bytes[at..], End::Final, &mut found);
        for Entry { text, end } in found.drain(..) {
            take(state, Entry { text: at + text.start..at + text.end, end: at + end });
        }
        at += done;
        if done == 0 {
            return;
        }
    }
}
