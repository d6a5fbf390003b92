//! What happens on the sensor: made-up operations in the words of its timeline.

/// One operation as the timeline tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub kind: &'static str,
    pub title: &'static str,
    pub severity: &'static str,
    /// Filled only for events that somebody entered by hand.
    pub owner: Option<&'static str>,
    pub content: &'static str,
}

const fn operation(severity: &'static str, content: &'static str) -> Operation {
    Operation { kind: "USER_OPERATION", title: "User Operation", severity, owner: None, content }
}

const fn entry(
    kind: &'static str,
    title: &'static str,
    severity: &'static str,
    content: &'static str,
) -> Operation {
    Operation { kind, title, severity, owner: None, content }
}

/// A morning at the plant.
pub(super) const LIVE: &[Operation] = &[
    operation("INFO", "User admin logged in from 10.2.3.4"),
    operation("NOTICE", "User admin created user m.okafor with role Security Analyst"),
    operation("INFO", "User m.okafor logged in from 10.2.3.9"),
    operation("NOTICE", "Failed login attempt for user CORP\\j.rivera from 10.2.3.77: wrong password"),
    operation("INFO", "User CORP\\j.rivera logged in from 10.2.3.77"),
    entry(
        "EXCLUSION_RULE_CREATED",
        "Exclusion Rule Created",
        "NOTICE",
        "Exclusion rule \"Night maintenance\" was created by user CORP\\j.rivera",
    ),
    entry("ALERT_UPDATED", "Alert Updated", "INFO", "Alert 1184 was learned by user m.okafor"),
    Operation {
        kind: "CUSTOM_EVENT",
        title: "User Defined Event",
        severity: "INFO",
        owner: Some("j.rivera"),
        content: "Firewall change CHG-20411 on cell 7 started",
    },
];

/// The last entries before the server goes.
pub(super) const BEFORE_OUTAGE: &[Operation] = &[
    operation("NOTICE", "User admin changed the role of user m.okafor from Security Analyst to Admin"),
    entry("ALERT_UPDATED", "Alert Updated", "INFO", "Alert 1185 was acknowledged by user m.okafor"),
];

/// What happens while the server is away: just what a SIEM should not miss.
pub(super) const OUTAGE: &[Operation] = &[
    operation("NOTICE", "Failed login attempt for user admin from 10.2.9.13: wrong password"),
    operation("NOTICE", "Failed login attempt for user admin from 10.2.9.13: wrong password"),
    operation("INFO", "User admin logged in from 10.2.9.13"),
    operation("NOTICE", "User admin created user backup with role Admin"),
    entry(
        "EXCLUSION_RULE_UPDATED",
        "Exclusion Rule Updated",
        "NOTICE",
        "Exclusion rule \"Night maintenance\" was updated by user backup",
    ),
    operation("NOTICE", "User admin deleted user t.bauer"),
];

/// Written to the old file after it was renamed.
pub(super) const LATE: &[Operation] = &[
    operation("INFO", "User backup logged in from 10.2.9.13"),
    entry("DELETE_DEVICE", "Device Deleted", "NOTICE", "Device 10.2.1.77 was deleted by user backup"),
];

/// Written to the new file.
pub(super) const ROTATED: &[Operation] = &[
    operation("INFO", "User backup logged out"),
    operation("NOTICE", "User m.okafor deleted user backup"),
    entry(
        "EXCLUSION_RULE_REMOVED",
        "Exclusion Rule Removed",
        "NOTICE",
        "Exclusion rule \"Night maintenance\" was removed by user m.okafor",
    ),
];

/// Written while no agent runs.
pub(super) const KILLED: &[Operation] = &[
    operation("NOTICE", "User m.okafor changed the password of user admin"),
    operation("NOTICE", "Failed login attempt for user admin from 10.2.9.13: wrong password"),
    entry(
        "DIP_UPLOADED",
        "Data Intelligence Package Uploaded",
        "INFO",
        "Threat intelligence package was uploaded by user m.okafor",
    ),
    operation("INFO", "User m.okafor logged out"),
];
