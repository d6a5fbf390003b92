//! Bytes become entries, an entry becomes an Event. One language, one file, one row of `DIALECTS`.

use crate::model::{Class, Event, EventId, Text, Time};
use jiff::tz::TimeZone;
use std::ops::Range;

/// The rules that read the wording of entries; see `rules/`.
#[derive(Debug, Default)]
pub struct Rules;

impl Rules {
    /// The rules that come with otrail.
    pub fn embedded() -> Rules {
        Rules
    }
}

/// One language of sensor logs.
#[derive(Debug)]
pub struct Dialect {
    /// Its name in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Finds the whole entries at the head of `bytes`.
    pub split: fn(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize,
    /// Reads one entry; never fails, what it cannot read becomes an `unparsed` event with the raw text.
    pub parse: fn(state: &State, context: &Context<'_>, entry: &[u8]) -> Parsed,
}

/// All dialects.
pub const DIALECTS: &[Dialect] = &[];

/// Whether more bytes may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The file is still written: an entry without its end waits.
    Open,
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
#[derive(Debug, Clone, Default)]
pub struct State;

impl State {
    /// For reading from a byte offset of the file on.
    pub fn at(_offset: u64) -> State {
        State
    }
}

/// The dialect that these first bytes of a file look like.
pub fn detect(_bytes: &[u8]) -> Option<&'static Dialect> {
    DIALECTS.first()
}

/// What `parse` needs to know beside the entry.
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
}

/// An event and what its id is made of.
pub struct Parsed {
    /// The event; its `id` is not set yet.
    pub event: Event,
    /// The values that make the id.
    pub identity: Identity,
}

/// The values that make an event's id, without the ordinal.
pub struct Identity;

impl Identity {
    /// Whether the entry has no time of its own, so that its place must go into the id.
    pub fn needs_position(&self) -> bool {
        false
    }

    /// Takes the entry's place into the id.
    pub fn at(&mut self, _file: &[u8], _offset: u64) {}

    /// The id of the entry that is the `ordinal`-th (from 0) of equal entries of equal time.
    pub fn id(&self, _ordinal: u32) -> EventId {
        EventId(0)
    }
}
