//! An Action is what was done, as one row of the taxonomy; the rows stand in `taxonomy.rs`.
//!
//! All formats, filters and SIEM content are derived from a row, so a new action is one row and its wording rule.

use super::taxonomy::ACTIONS;
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
    pub(crate) const fn named(name: &str) -> Action {
        let mut at = 0;
        while !equal(ACTIONS[at].name.as_bytes(), name.as_bytes()) {
            at += 1;
        }
        Action(at as u8)
    }

    /// Every action, in the order of the table.
    pub fn all() -> impl Iterator<Item = Action> {
        (0..ACTIONS.len()).map(|at| Action(at as u8))
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
    /// Canonical name; at most 32 of `a-z 0-9 _ .`, as it is the MSGID of RFC 5424.
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
    /// One word for grouping (CEF and LEEF `cat`): `authentication`, `iam`, `configuration` ...
    pub category: &'static str,
    /// Kind of the thing acted on when a rule names one: `user`, `exclusion_rule` ...; empty when there is none.
    pub target: &'static str,
    /// Elastic Common Schema.
    pub ecs: Ecs,
    /// OCSF from 1.9.0 on.
    pub ocsf: Ocsf,
    /// OCSF up to 1.8.0, where the classes 3007 and 3008 do not exist.
    pub ocsf_1_8: Ocsf,
    /// Microsoft Sentinel.
    pub asim: Asim,
    /// Splunk Common Information Model.
    pub cim: Cim,
    /// MITRE ATT&CK techniques this may be a sign of when it worked or nothing is known.
    pub attack: &'static [&'static str],
    /// The same when it failed.
    pub attack_failed: &'static [&'static str],
}

impl ActionRow {
    /// The severity of this action with that outcome.
    pub fn severity(&self, outcome: Outcome) -> Severity {
        Severity(if outcome == Outcome::Failure { self.severity_failed } else { self.severity })
    }

    /// The ATT&CK techniques of this action with that outcome.
    pub fn attack(&self, outcome: Outcome) -> &'static [&'static str] {
        if outcome == Outcome::Failure { self.attack_failed } else { self.attack }
    }
}

/// `event.category` and `event.type` of ECS 9.
#[derive(Debug, Clone, Copy)]
pub struct Ecs {
    /// `event.category`.
    pub category: &'static str,
    /// `event.type`; an iam event carries the verb and `user`.
    pub types: &'static [&'static str],
}

/// A class of OCSF and the activity in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ocsf {
    /// `class_uid`.
    pub class: u32,
    /// `activity_id`.
    pub activity: u32,
}

impl Ocsf {
    /// `type_uid`.
    pub fn type_uid(self) -> u32 {
        self.class * 100 + self.activity
    }

    /// `category_uid`.
    pub fn category(self) -> u32 {
        self.class / 1000
    }
}

/// Where an action stands in ASIM.
#[derive(Debug, Clone, Copy)]
pub struct Asim {
    /// `EventSchema`.
    pub schema: AsimSchema,
    /// `EventType`.
    pub event: &'static str,
    /// `ObjectType` of the AuditEvent schema; empty for the others.
    pub object: &'static str,
}

/// The schemas of ASIM that fit user operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsimSchema {
    /// Signing in and out.
    Authentication,
    /// Accounts and their rights.
    UserManagement,
    /// Everything else.
    AuditEvent,
}

impl AsimSchema {
    /// `EventSchema`.
    pub fn name(self) -> &'static str {
        match self {
            AsimSchema::Authentication => "Authentication",
            AsimSchema::UserManagement => "UserManagement",
            AsimSchema::AuditEvent => "AuditEvent",
        }
    }

    /// `EventSchemaVersion`.
    pub fn version(self) -> &'static str {
        match self {
            AsimSchema::Authentication => "0.1.4",
            AsimSchema::UserManagement | AsimSchema::AuditEvent => "0.1.2",
        }
    }
}

/// Where an action stands in the Splunk CIM.
#[derive(Debug, Clone, Copy)]
pub struct Cim {
    /// The data model.
    pub model: CimModel,
    /// `action`; of the Authentication model it is the outcome, and this is empty.
    pub action: &'static str,
}

/// The data models of the CIM that fit user operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CimModel {
    /// Tag `authentication`.
    Authentication,
    /// Tags `change` and `account`: `user` is the account changed, `src_user` who did it.
    Account,
    /// Tag `change`.
    Change,
    /// Tags `change` and `audit`: otrail's own events.
    Audit,
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
    /// Source replaced.
    pub const SOURCE_REPLACED: Action = Action::named("agent.source_replaced");
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_codes_are_unique() {
        let names: HashSet<_> = ACTIONS.iter().map(|row| row.name).collect();
        let codes: HashSet<_> = ACTIONS.iter().map(|row| row.code).collect();
        assert_eq!((names.len(), codes.len()), (ACTIONS.len(), ACTIONS.len()));
    }

    #[test]
    fn a_name_fits_the_msgid_of_rfc_5424() {
        for row in ACTIONS {
            let plain = row.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'));
            assert!(plain && row.name.len() <= 32 && row.name.contains('.'), "{}", row.name);
        }
    }

    #[test]
    fn every_name_leads_back_to_its_row() {
        for action in Action::all() {
            assert_eq!(Action::parse(action.name()), Some(action));
        }
        assert_eq!(Action::parse("user.fly"), None);
    }

    #[test]
    fn severities_are_those_of_cef() {
        for row in ACTIONS {
            assert!(row.severity <= 10 && row.severity_failed >= row.severity.min(10), "{}", row.name);
        }
        let login = Action::parse("user.login").unwrap().row();
        let both = (login.severity(Outcome::Success), login.severity(Outcome::Failure));
        assert_eq!(both, (Severity(3), Severity(6)));
    }

    #[test]
    fn codes_tell_own_events_from_those_of_users() {
        for row in ACTIONS {
            let number: u32 = row.code.strip_prefix("OTA-").unwrap().parse().unwrap();
            let class = match number {
                1000..2000 => Class::UserOperation,
                2000..3000 => Class::Network,
                _ => Class::Agent,
            };
            assert_eq!(row.class, class, "{}", row.name);
            assert_eq!(row.name.starts_with("agent."), class == Class::Agent, "{}", row.name);
        }
    }

    #[test]
    fn the_types_of_an_ecs_category_are_those_it_allows() {
        for row in ACTIONS {
            let allowed: &[&str] = match row.ecs.category {
                "authentication" | "session" => &["start", "end", "info"],
                "iam" => &["admin", "change", "creation", "deletion", "group", "info", "user"],
                "configuration" => &["access", "change", "creation", "deletion", "info"],
                "package" => &["access", "change", "deletion", "info", "installation", "start"],
                "host" => &["access", "change", "end", "info", "start"],
                "network" => {
                    &["access", "allowed", "connection", "denied", "end", "info", "protocol", "start"]
                }
                other => panic!("{other} of {}", row.name),
            };
            assert!(!row.ecs.types.is_empty(), "{}", row.name);
            assert!(row.ecs.types.iter().all(|kind| allowed.contains(kind)), "{}", row.name);
        }
    }

    #[test]
    fn deprecated_classes_of_ocsf_stand_only_on_the_old_side() {
        for row in ACTIONS {
            assert!(![3001, 3005].contains(&row.ocsf.class), "{}", row.name);
            assert!(![3007, 3008].contains(&row.ocsf_1_8.class), "{}", row.name);
        }
        assert_eq!(Action::parse("user.create").unwrap().row().ocsf.type_uid(), 300_701);
    }

    #[test]
    fn only_audit_events_of_asim_have_an_object_type() {
        for row in ACTIONS {
            let audit = row.asim.schema == AsimSchema::AuditEvent;
            assert_eq!(audit, !row.asim.object.is_empty(), "{}", row.name);
            assert_eq!(row.cim.model == CimModel::Authentication, row.cim.action.is_empty(), "{}", row.name);
        }
    }
}
