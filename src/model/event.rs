//! An Event: one entry of the sensor's log, or one of otrail's own, in words that do not depend on either.

use super::hash::bytes_of;
use super::{Action, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Text of a field; up to 24 bytes live without a heap allocation.
pub type Text = compact_str::CompactString;

/// What happened: who did what, to what, from where, with which outcome.
///
/// Empty `kind`, `title`, `label`, `message` mean that the entry had none.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Stable id of the entry, see `EventId`.
    pub id: EventId,
    /// When the entry says it happened.
    pub time: Time,
    /// When otrail read it.
    pub seen: Time,
    /// Configured name of the sensor.
    pub sensor: Text,
    /// Configured name of the source; `otrail` for its own events.
    pub source: Text,
    /// User operation, network activity, or otrail itself.
    pub class: Class,
    /// What was done; its row in the taxonomy gives code and names.
    pub action: Action,
    /// Whether it worked.
    pub outcome: Outcome,
    /// 0 (nothing) to 10 (worst), by action and outcome.
    pub severity: Severity,
    /// The actor's name without its domain.
    pub user: Option<Text>,
    /// The actor's domain, from `DOMAIN\user` or `user@domain`.
    pub domain: Option<Text>,
    /// The actor as the entry spells it, when that differs from `user`.
    pub account: Option<Text>,
    /// The actor's role, as the entry spells it.
    pub role: Option<Text>,
    /// What was acted on.
    pub target: Option<Box<Target>>,
    /// The actor's network address.
    pub client: Option<Text>,
    /// Affected devices, as the entry shows them.
    pub devices: Vec<Text>,
    /// The entry's free text.
    pub message: Text,
    /// Why it failed or was done.
    pub reason: Option<Text>,
    /// The value before a change.
    pub old: Option<Text>,
    /// The value after a change.
    pub new: Option<Text>,
    /// How many: rows of a query, bytes of a gap, events suppressed. otrail's own events only.
    pub count: Option<u64>,
    /// The sensor's own type, such as `USER_OPERATION` (field `type`).
    pub kind: Text,
    /// The sensor's own title.
    pub title: Text,
    /// The sensor's own severity label: `INFO`, `NOTICE`, `ALERT`.
    pub label: Text,
    /// What is special about this event.
    pub flags: Flags,
    /// The entry verbatim.
    pub raw: Raw,
}

impl Event {
    /// An event with this action and time, everything else empty; severity and class come from the taxonomy.
    pub fn new(action: Action, outcome: Outcome, time: Time) -> Event {
        let row = action.row();
        Event {
            id: EventId(0),
            time,
            seen: time,
            sensor: Text::default(),
            source: Text::default(),
            class: row.class,
            action,
            outcome,
            severity: row.severity(outcome),
            user: None,
            domain: None,
            account: None,
            role: None,
            target: None,
            client: None,
            devices: Vec::new(),
            message: Text::default(),
            reason: None,
            old: None,
            new: None,
            count: None,
            kind: Text::default(),
            title: Text::default(),
            label: Text::default(),
            flags: Flags::default(),
            raw: Raw::None,
        }
    }

    /// One of otrail's own events (class `agent`): what happened and, in `message`, a sentence about it.
    /// The journal gives it its id, sensor and source.
    pub fn own(action: Action, outcome: Outcome, now: Time, message: impl Into<Text>) -> Event {
        Event { message: message.into(), ..Event::new(action, outcome, now) }
    }
}

/// Stable id of an entry: the first 128 bits of a SHA-256 over the entry's values, as 32 hex digits.
///
/// Equal entries of equal time differ by an ordinal that goes into the hash, so that ids differ too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventId(pub u128);

impl EventId {
    /// Reads the 32 hex digits that `Display` writes.
    pub fn parse(text: &str) -> Option<EventId> {
        parse_hex128(text).map(EventId)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// 32 hex digits, neither more nor fewer, no sign.
pub(super) fn parse_hex128(text: &str) -> Option<u128> {
    let ours = text.as_bytes().try_into().ok().and_then(bytes_of::<32, 16>);
    ours.map(u128::from_be_bytes).or_else(|| {
        let plain = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        plain.then(|| u128::from_str_radix(text, 16).ok()).flatten()
    })
}

/// Whose doing an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something a user did on the sensor, or may have done.
    UserOperation,
    /// Activity that the sensor saw on the OT network.
    Network,
    /// otrail's own events.
    Agent,
}

impl Class {
    /// Every class, in the order of the docs.
    pub const ALL: [Class; 3] = [Class::UserOperation, Class::Network, Class::Agent];

    /// The word used in the journal, on the wire and in the config.
    pub fn name(self) -> &'static str {
        match self {
            Class::UserOperation => "user-operation",
            Class::Network => "network",
            Class::Agent => "agent",
        }
    }

    /// The class of that name.
    pub fn parse(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// Whether the action worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It worked.
    Success,
    /// It was tried and did not work.
    Failure,
    /// The entry does not say.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Unknown];

    /// The word used in the journal and on the wire (ECS `event.outcome` has the same three).
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Unknown => "unknown",
        }
    }

    /// The outcome of that name.
    pub fn parse(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// 0 to 10, as in CEF.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Severity(pub u8);

impl Severity {
    /// The syslog severity of RFC 5424 section 6.2.1: 6 info, 5 notice, 4 warning, 3 error.
    pub fn syslog(self) -> u8 {
        match self.0 {
            0..=3 => 6,
            4..=5 => 5,
            6..=7 => 4,
            _ => 3,
        }
    }
}

/// What was acted on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Target {
    /// `user`, `rule`, `alert`, `device`, `report`, `package` ...
    pub kind: Text,
    /// Its name.
    pub name: Option<Text>,
    /// Its id on the sensor.
    pub id: Option<Text>,
}

/// The entry as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// There is no entry behind this event: it is otrail's own.
    None,
    /// One line of valid JSON, kept byte for byte; stands as an object in the journal line.
    Json(Box<str>),
    /// Valid UTF-8 that is not JSON.
    Text(Box<str>),
    /// Not valid UTF-8; stands as base64 in the journal line.
    Bytes(Box<[u8]>),
}

impl Raw {
    /// The entry's bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Raw::None => &[],
            Raw::Json(text) | Raw::Text(text) => text.as_bytes(),
            Raw::Bytes(bytes) => bytes,
        }
    }
}

/// What is special about an event. One bit each; the names stand in the journal and on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(u16, &'static str);

impl Flag {
    /// The dialect could not read the entry, or no rule knew its wording.
    pub const UNPARSED: Flag = Flag(1, "unparsed");
    /// The entry was longer than the line limit, or a field longer than its own, and was cut.
    pub const TRUNCATED: Flag = Flag(1 << 1, "truncated");
    /// The entry is not valid UTF-8, or escapes half a surrogate pair in JSON; `raw` has it as it is, the text fields have
    /// U+FFFD in its place.
    pub const INVALID_UTF8: Flag = Flag(1 << 2, "invalid-utf8");
    /// The entry had no usable time; `time` is when it was read.
    pub const TIME_ASSUMED: Flag = Flag(1 << 3, "time-assumed");
    /// The sensor's type is not one of the documented ones.
    pub const UNKNOWN_TYPE: Flag = Flag(1 << 4, "unknown-type");
    /// The entry's bytes ended at the end of a file that is no longer written, without a newline.
    pub const NO_NEWLINE: Flag = Flag(1 << 5, "no-newline");
    /// A secret was replaced before the event was stored.
    pub const MASKED: Flag = Flag(1 << 6, "masked");

    /// The entry was UTF-16, the low byte first: `raw` is its text.
    pub const UTF_16LE: Flag = Flag(1 << 7, "utf-16le");
    /// The entry was UTF-16, the high byte first: `raw` is its text.
    pub const UTF_16BE: Flag = Flag(1 << 8, "utf-16be");

    /// The sensor's clock was wrong when it told of the entry: so is `time`, perhaps.
    pub const CLOCK_OFF: Flag = Flag(1 << 9, "clock-off");

    /// The entry comes from a file that an admin has brought; `agent.backfill` tells who and which.
    pub const BACKFILLED: Flag = Flag(1 << 10, "backfilled");

    /// Every flag.
    pub const ALL: [Flag; 11] = [
        Flag::UNPARSED,
        Flag::TRUNCATED,
        Flag::INVALID_UTF8,
        Flag::TIME_ASSUMED,
        Flag::UNKNOWN_TYPE,
        Flag::NO_NEWLINE,
        Flag::MASKED,
        Flag::UTF_16LE,
        Flag::UTF_16BE,
        Flag::CLOCK_OFF,
        Flag::BACKFILLED,
    ];

    /// The word used in the journal and on the wire.
    pub fn name(self) -> &'static str {
        self.1
    }

    /// The flag of that name.
    pub fn parse(name: &str) -> Option<Flag> {
        Flag::ALL.into_iter().find(|flag| flag.name() == name)
    }
}

/// A set of flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Adds a flag.
    pub fn insert(&mut self, flag: Flag) {
        self.0 |= flag.0;
    }

    /// The same without a flag.
    #[must_use]
    pub fn without(self, flag: Flag) -> Flags {
        Flags(self.0 & !flag.0)
    }

    /// Whether the flag is set.
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & flag.0 != 0
    }

    /// Whether no flag is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the set flags, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flag::ALL.into_iter().filter(move |&flag| self.contains(flag)).map(Flag::name)
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Flags {
        let mut set = Flags::default();
        flags.into_iter().for_each(|flag| set.insert(flag));
        set
    }
}
