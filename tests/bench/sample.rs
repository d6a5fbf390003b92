//! A timeline as a busy sensor writes it: the documented types, the wordings that the rules know, always the same.
//!
//! ```text
//! 8 of 10   what users do, in words of 40 to 110 bytes; an entry has about 220
//! 1 of 10   what the sensor saw on its network
//! 1 of 10   a wording or a type that no rule knows
//! ```

use std::fmt::Write;
use std::ops::Range;

/// So many entries, one a line.
pub(crate) fn timeline(entries: usize) -> Vec<u8> {
    stretch(7, 0..entries, 0)
}

/// The entries of some seconds, one a line; one of ten is by one of so many other users.
pub(crate) fn stretch(seed: u64, seconds: Range<usize>, others: usize) -> Vec<u8> {
    let mut chance = Chance(seed);
    let mut log = String::new();
    for second in seconds {
        let (kind, title, label, owner, wording) = KINDS[chance.below(KINDS.len())];
        let (mut user, client) = (USERS[chance.below(USERS.len())], chance.address());
        let other = if others > 0 { format!("op{:04}", chance.below(others)) } else { String::new() };
        if others > 0 && chance.below(10) == 0 {
            user = &other;
        }
        let content = wording.replace("{user}", user).replace("{client}", &client);
        let content = content.replace("{number}", &chance.below(9000).to_string());
        let owner = owner.then_some(user);
        let entry = serde_json::json!({ "timestamp": 1_709_193_520_118 + 1000 * second, "type": kind,
            "title": title, "severity": label, "owner": owner, "content": content });
        writeln!(log, "{entry}").unwrap();
    }
    log.into_bytes()
}

/// Numbers that look random (Numerical Recipes' generator), the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn address(&mut self) -> String {
        format!("10.{}.{}.{}", self.below(256), self.below(256), self.below(256))
    }
}

const USERS: &[&str] =
    &["admin", "alice", "m.okafor", "t.bauer", "user749", r"CORP\j.rivera", "k.sato@plant.example"];

type Kind = (&'static str, &'static str, &'static str, bool, &'static str);

/// Type, title, severity, whether the owner is named, content.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    ("USER_OPERATION", "User Operation", "INFO", false, "User {user} logged in from {client}"),
    ("USER_OPERATION", "User Operation", "INFO", false, "User {user} logged in"),
    ("USER_OPERATION", "User Operation", "INFO", false, "User {user} logged out from {client}"),
    ("USER_OPERATION", "User Operation", "NOTICE", false, "User {user} failed to log in from {client}: invalid password"),
    ("USER_LOGIN", "User Login Attempt", "INFO", false, "User {user} logged in from {client}"),
    ("USER_OPERATION", "User Operation", "NOTICE", false, "User {user} created user operator{number} with role Security Analyst from {client}"),
    ("USER_OPERATION", "User Operation", "NOTICE", false, "User operator{number} was deleted by user {user} from {client}"),
    ("USER_OPERATION", "User Operation", "NOTICE", false, "User {user} changed the password of user t.bauer from {client}"),
    ("USER_OPERATION", "User Operation", "NOTICE", false, "User {user} changed the role of user t.bauer from Read Only to Admin from {client}"),
    ("USER_OPERATION", "User Operation", "INFO", false, "User {user} exported the event timeline from {client}"),
    ("USER_OPERATION", "User Operation", "INFO", false, "User {user} muted alert {number} from {client}"),
    ("USER_OPERATION", "User Operation", "NOTICE", false, "User {user} created a backup from {client}"),
    ("ALERT_UPDATED", "Alert Updated", "INFO", true, "Alert {number} was acknowledged by user {user} from {client}"),
    ("CUSTOM_EVENT", "User Defined Event", "INFO", true, "Firewall change on cell {number}, announced by {user}"),
    ("DELETE_DEVICE", "Device Deleted", "NOTICE", false, "Device 10.2.1.77 was deleted by user {user} from {client}"),
    ("DIP_UPLOADED", "Data Intelligence Package Uploaded", "INFO", false, "Threat intelligence package was uploaded by user {user} from {client}"),
    ("EXCLUSION_RULE_CREATED", "Exclusion Rule Created", "NOTICE", false, "Exclusion rule \"Night maintenance {number}\" was created by user {user} from {client}"),
    ("EXCLUSION_RULE_UPDATED", "Exclusion Rule Updated", "NOTICE", false, "User {user} edited exclusion rule {number} from {client}"),
    ("NOTIFICATION", "Notification was resolved manually", "INFO", false, "Notification {number} was resolved by user {user} from {client}"),
    ("REPORT_CREATED", "Report Created", "INFO", false, "Data mining report \"Internet activity\" was created by user {user} from {client}"),
    ("USER_DEFINED_RULE_CREATED", "User Defined Rule Created", "NOTICE", false, "Custom alert rule {number} was created by user {user} from {client}"),
    ("USER_DEFINED_RULE_DELETED", "User Defined Rule Deleted", "NOTICE", false, "User {user} deleted custom alert rule {number} from {client}"),
    ("ALERT_REPORTED", "Alert Detected", "ALERT", false, "Alert {number}: PLC stop command sent from {client} to 10.2.1.14"),
    ("DEVICE_CONNECTION_CREATED", "Device Connection Detected", "INFO", false, "Connection between {client} and 10.2.1.14 was detected"),
    ("BACK_TO_NORMAL", "Back to Normal", "INFO", false, "Traffic of {client} is back to normal"),
    ("USER_OPERATION", "User Operation", "INFO", false, "User {user} looked at the device map from {client}"),
    ("NEW_KIND_OF_EVENT", "New Kind of Event", "INFO", true, "Something happened on {client}, number {number}"),
];
