//! The taxonomy: every action, one row each; all formats, filters and SIEM content are derived from it.

use super::{Class, Outcome, Severity};
use std::fmt;

/// A canonical action: one row of `ACTIONS`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(u8);

impl Action {
    /// The action of that name, such as `user.login`.
    pub fn parse(name: &str) -> Option<Action> {
        ACTIONS.iter().position(|row| row.name == name).map(|at| Action(at as u8))
    }

    /// The same at compile time; a name that is not in the table does not compile.
    const fn named(name: &str) -> Action {
        let mut at = 0;
        while !equal(ACTIONS[at].name.as_bytes(), name.as_bytes()) {
            at += 1;
        }
        Action(at as u8)
    }

    /// Its row in the taxonomy.
    pub fn row(self) -> &'static ActionRow {
        &ACTIONS[usize::from(self.0)]
    }

    /// The canonical name, such as `user.login`.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the schemas say about an action.
#[derive(Debug)]
pub struct ActionRow {
    /// Canonical name.
    pub name: &'static str,
    /// Stable signature id.
    pub code: &'static str,
    /// Human name, without data.
    pub title: &'static str,
    /// Whose doing it is.
    pub class: Class,
    /// Severity when it worked or nothing is known.
    pub severity: u8,
    /// Severity when it failed.
    pub severity_failed: u8,
}

impl ActionRow {
    /// The severity of this action with that outcome.
    pub fn severity(&self, outcome: Outcome) -> Severity {
        Severity(if outcome == Outcome::Failure { self.severity_failed } else { self.severity })
    }
}

/// `==` for use at compile time.
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The actions that otrail itself names: its own events, and the one of entries that no rule knows.
impl Action {
    /// A user operation that no rule understands.
    pub const USER_OPERATION: Action = Action::named("user.operation");
    /// Agent started.
    pub const START: Action = Action::named("agent.start");
    /// Agent stopped.
    pub const STOP: Action = Action::named("agent.stop");
    /// Agent configuration changed.
    pub const CONFIG_CHANGED: Action = Action::named("agent.config_changed");
    /// Agent heartbeat.
    pub const HEARTBEAT: Action = Action::named("agent.heartbeat");
    /// Agent test event.
    pub const TEST: Action = Action::named("agent.test");
    /// Trail queried.
    pub const QUERY: Action = Action::named("agent.query");
    /// Trail query refused.
    pub const QUERY_DENIED: Action = Action::named("agent.query_denied");
    /// Events replayed.
    pub const REPLAY: Action = Action::named("agent.replay");
    /// Events backfilled.
    pub const BACKFILL: Action = Action::named("agent.backfill");
    /// Read position reset.
    pub const POSITION_RESET: Action = Action::named("agent.position_reset");
    /// Source missing.
    pub const SOURCE_MISSING: Action = Action::named("agent.source_missing");
    /// Source recovered.
    pub const SOURCE_RECOVERED: Action = Action::named("agent.source_recovered");
    /// Source rotated.
    pub const SOURCE_ROTATED: Action = Action::named("agent.source_rotated");
    /// Source truncated.
    pub const SOURCE_TRUNCATED: Action = Action::named("agent.source_truncated");
    /// Possible gap in source.
    pub const GAP_DETECTED: Action = Action::named("agent.gap_detected");
    /// Source silent.
    pub const SOURCE_SILENT: Action = Action::named("agent.source_silent");
    /// Source dialect changed.
    pub const DIALECT_CHANGED: Action = Action::named("agent.dialect_changed");
    /// Destination lost.
    pub const DESTINATION_LOST: Action = Action::named("agent.destination_lost");
    /// Destination restored.
    pub const DESTINATION_RESTORED: Action = Action::named("agent.destination_restored");
    /// Undeliverable event set aside.
    pub const EVENT_SET_ASIDE: Action = Action::named("agent.event_set_aside");
    /// Certificate expiring.
    pub const CERTIFICATE_EXPIRING: Action = Action::named("agent.certificate_expiring");
    /// Certificate changed.
    pub const CERTIFICATE_CHANGED: Action = Action::named("agent.certificate_changed");
    /// Certificate refused.
    pub const CERTIFICATE_REFUSED: Action = Action::named("agent.certificate_refused");
    /// Journal capacity.
    pub const CAPACITY: Action = Action::named("agent.capacity");
    /// Disk full.
    pub const DISK_FULL: Action = Action::named("agent.disk_full");
    /// Records dropped.
    pub const RECORDS_DROPPED: Action = Action::named("agent.records_dropped");
    /// Journal error.
    pub const JOURNAL_ERROR: Action = Action::named("agent.journal_error");
    /// Journal damaged.
    pub const JOURNAL_DAMAGED: Action = Action::named("agent.journal_damaged");
    /// Journal sealed.
    pub const SEAL: Action = Action::named("agent.seal");
    /// Seal key rotated.
    pub const KEY_ROTATED: Action = Action::named("agent.key_rotated");
    /// Clock stepped.
    pub const CLOCK_STEPPED: Action = Action::named("agent.clock_stepped");
    /// Entries not understood.
    pub const PARSE_FAILURES: Action = Action::named("agent.parse_failures");
    /// Agent events suppressed.
    pub const EVENTS_SUPPRESSED: Action = Action::named("agent.events_suppressed");
}

/// One row for an own event of otrail.
const fn own(name: &'static str, code: &'static str, title: &'static str, severity: u8) -> ActionRow {
    ActionRow { name, code, title, class: Class::Agent, severity, severity_failed: severity }
}

/// The table.
pub const ACTIONS: &[ActionRow] = &[
    ActionRow {
        name: "user.operation",
        code: "OTA-1999",
        title: "User operation",
        class: Class::UserOperation,
        severity: 3,
        severity_failed: 3,
    },
    own("agent.start", "OTA-9001", "Agent started", 3),
    own("agent.stop", "OTA-9002", "Agent stopped", 5),
    own("agent.config_changed", "OTA-9003", "Agent configuration changed", 5),
    own("agent.heartbeat", "OTA-9004", "Agent heartbeat", 1),
    own("agent.test", "OTA-9005", "Agent test event", 1),
    own("agent.query", "OTA-9010", "Trail queried", 3),
    own("agent.query_denied", "OTA-9011", "Trail query refused", 6),
    own("agent.replay", "OTA-9012", "Events replayed", 5),
    own("agent.backfill", "OTA-9013", "Events backfilled", 5),
    own("agent.position_reset", "OTA-9014", "Read position reset", 7),
    own("agent.source_missing", "OTA-9020", "Source missing", 6),
    own("agent.source_recovered", "OTA-9021", "Source recovered", 4),
    own("agent.source_rotated", "OTA-9022", "Source rotated", 1),
    own("agent.source_truncated", "OTA-9023", "Source truncated", 9),
    own("agent.gap_detected", "OTA-9024", "Possible gap in source", 8),
    own("agent.source_silent", "OTA-9025", "Source silent", 6),
    own("agent.dialect_changed", "OTA-9026", "Source dialect changed", 4),
    own("agent.destination_lost", "OTA-9030", "Destination lost", 6),
    own("agent.destination_restored", "OTA-9031", "Destination restored", 4),
    own("agent.event_set_aside", "OTA-9032", "Undeliverable event set aside", 8),
    own("agent.certificate_expiring", "OTA-9033", "Certificate expiring", 6),
    own("agent.certificate_changed", "OTA-9034", "Certificate changed", 5),
    own("agent.certificate_refused", "OTA-9035", "Certificate refused", 7),
    own("agent.capacity", "OTA-9040", "Journal capacity", 6),
    own("agent.disk_full", "OTA-9041", "Disk full", 8),
    own("agent.records_dropped", "OTA-9042", "Records dropped", 9),
    own("agent.journal_error", "OTA-9043", "Journal error", 9),
    own("agent.journal_damaged", "OTA-9044", "Journal damaged", 9),
    own("agent.seal", "OTA-9050", "Journal sealed", 1),
    own("agent.key_rotated", "OTA-9051", "Seal key rotated", 4),
    own("agent.clock_stepped", "OTA-9060", "Clock stepped", 6),
    own("agent.parse_failures", "OTA-9061", "Entries not understood", 5),
    own("agent.events_suppressed", "OTA-9070", "Agent events suppressed", 5),
];
