//! The taxonomy: every action, one row each.
//!
//! ```text
//! OTA-10xx  sessions    11xx  accounts    12xx  alerts    13xx  rules     14xx  timeline
//! OTA-15xx  devices     16xx  reports     17xx  settings  18xx  system    1999  what no rule knows
//! OTA-2001  what the sensor saw on its network             9xxx  otrail itself
//! ```
//!
//! Invariant: a code is never given to another action, a name never to another code.
//! Not here: how an entry is recognised (`dialect`), how a row is written down (`format`).

use super::Class;
use super::action::{ActionRow, Asim, AsimSchema, Cim, CimModel, Ecs, Ocsf};
use super::row::*;

/// The table.
pub const ACTIONS: &[ActionRow] = &[
    ActionRow {
        severity_failed: 6,
        attack: &["T1078", "T0859"],
        attack_failed: &["T1110"],
        ..session("user.login", "OTA-1001", "User login", 3, &["start"], 1, "Logon")
    },
    session("user.logout", "OTA-1002", "User logout", 1, &["end"], 2, "Logoff"),
    ActionRow {
        category: "session",
        ecs: Ecs { category: "session", types: &["end"] },
        ..session("session.expired", "OTA-1003", "Session expired", 1, &["end"], 2, "Logoff")
    },
    ActionRow {
        cim: Cim { model: CimModel::Account, action: "lockout" },
        ..account(
            "user.lockout",
            "OTA-1004",
            "User locked out",
            6,
            CHANGE,
            (6, 3001, 9),
            "UserLocked",
            &["T1110"],
        )
    },
    ActionRow {
        cim: Cim { model: CimModel::Account, action: "created" },
        ..account(
            "user.create",
            "OTA-1101",
            "User created",
            6,
            CREATION,
            (1, 3001, 1),
            "UserCreated",
            &["T1136.001"],
        )
    },
    account("user.update", "OTA-1102", "User modified", 5, CHANGE, (2, 3004, 3), "UserModified", &["T1098"]),
    ActionRow {
        ecs: Ecs { category: "iam", types: &["user", "change", "admin"] },
        ..account(
            "user.role_change",
            "OTA-1103",
            "User role changed",
            7,
            CHANGE,
            (16, 3005, 1),
            "UserModified",
            &["T1098"],
        )
    },
    ActionRow {
        cim: Cim { model: CimModel::Account, action: "deleted" },
        ..account(
            "user.delete",
            "OTA-1104",
            "User deleted",
            7,
            DELETION,
            (3, 3001, 6),
            "UserDeleted",
            &["T1531"],
        )
    },
    account(
        "user.password_change",
        "OTA-1105",
        "Password changed",
        5,
        CHANGE,
        (8, 3001, 3),
        "PasswordChanged",
        &["T1098"],
    ),
    account(
        "user.password_reset",
        "OTA-1106",
        "Password reset",
        7,
        CHANGE,
        (9, 3001, 4),
        "PasswordReset",
        &["T1098"],
    ),
    ActionRow { attack: &["T0878"], ..change("alert.learn", "OTA-1201", "Alert learned", 6, "alert", OTHER) },
    change("alert.acknowledge", "OTA-1202", "Alert acknowledged", 3, "alert", OTHER),
    change("alert.remediate", "OTA-1203", "Alert remediated", 3, "alert", OTHER),
    ActionRow {
        ocsf: Ocsf { class: 3004, activity: 12 },
        ocsf_1_8: Ocsf { class: 3004, activity: 12 },
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Disable", object: OTHER },
        attack: &["T0878"],
        ..change("alert.mute", "OTA-1204", "Alert muted", 6, "alert", OTHER)
    },
    change("alert.update", "OTA-1209", "Alert updated", 3, "alert", OTHER),
    ActionRow {
        attack: &["T1562.001", "T0878", "T0838"],
        ..creation("exclusion_rule.create", "OTA-1301", "Exclusion rule created", 7, "exclusion_rule", POLICY)
    },
    ActionRow {
        attack: &["T0838"],
        ..change("exclusion_rule.update", "OTA-1302", "Exclusion rule updated", 6, "exclusion_rule", POLICY)
    },
    deletion("exclusion_rule.delete", "OTA-1303", "Exclusion rule deleted", 5, "exclusion_rule", POLICY),
    creation("detection_rule.create", "OTA-1311", "Custom rule created", 4, "detection_rule", POLICY),
    ActionRow {
        attack: &["T0838"],
        ..change("detection_rule.update", "OTA-1312", "Custom rule edited", 5, "detection_rule", POLICY)
    },
    ActionRow {
        attack: &["T1562.001"],
        ..deletion("detection_rule.delete", "OTA-1313", "Custom rule deleted", 6, "detection_rule", POLICY)
    },
    creation("forwarding_rule.create", "OTA-1321", "Forwarding rule created", 5, "forwarding_rule", POLICY),
    change("forwarding_rule.update", "OTA-1322", "Forwarding rule updated", 6, "forwarding_rule", POLICY),
    ActionRow {
        attack: &["T1562.006"],
        ..deletion(
            "forwarding_rule.delete",
            "OTA-1323",
            "Forwarding rule deleted",
            7,
            "forwarding_rule",
            POLICY,
        )
    },
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["info"] },
        ..creation("event.create_manual", "OTA-1401", "Manual event created", 2, "event", EVENT_LOG)
    },
    change("notification.resolve", "OTA-1402", "Notification resolved", 3, "notification", OTHER),
    deletion("device.delete", "OTA-1501", "Device deleted", 5, "device", OTHER),
    change(
        "device.delete_schedule",
        "OTA-1502",
        "Inactive devices scheduled for deletion",
        4,
        "device",
        "Scheduled Task",
    ),
    change("device.merge", "OTA-1503", "Devices merged", 4, "device", OTHER),
    change("device.authorize", "OTA-1504", "Device authorized", 4, "device", OTHER),
    change("device.update", "OTA-1505", "Device updated", 4, "device", OTHER),
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["access"] },
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Execute", object: OTHER },
        attack: &["T1213"],
        ..creation("report.create", "OTA-1601", "Report created", 3, "report", OTHER)
    },
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["access"] },
        attack: &["T1213"],
        ..configuration("data.export", "OTA-1602", "Data exported", 5, "data", 2, "Read", EVENT_LOG, "read")
    },
    ActionRow {
        attack: &["T1562.001"],
        ..change("config.change", "OTA-1701", "Setting changed", 6, "setting", "Configuration Atom")
    },
    ActionRow {
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Install", object: "Configuration Atom" },
        ..change(
            "certificate.import",
            "OTA-1702",
            "Certificate imported",
            6,
            "certificate",
            "Configuration Atom",
        )
    },
    token("api_token.create", "OTA-1703", "API token created", 7, 18, "Create", "created", &["T1098.001"]),
    token("api_token.delete", "OTA-1704", "API token deleted", 5, 19, "Delete", "deleted", &[]),
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["info"] },
        ..configuration(
            "backup.create",
            "OTA-1801",
            "Backup created",
            2,
            "backup",
            1,
            "Execute",
            "Service",
            "created",
        )
    },
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["change"] },
        ..configuration(
            "backup.restore",
            "OTA-1802",
            "Backup restored",
            8,
            "backup",
            3,
            "Execute",
            "Service",
            "modified",
        )
    },
    package("software.upgrade", "OTA-1811", "Software upgraded", 6, "package", "Service"),
    package("sensor.upgrade_retry", "OTA-1812", "Sensor upgrade retried", 4, "sensor", "Service"),
    package("ti_package.upload", "OTA-1821", "Threat intelligence package uploaded", 3, "package", OTHER),
    package("ti_package.failed", "OTA-1822", "Package installation failed", 5, "package", OTHER),
    creation("scl.upload", "OTA-1823", "SCL file uploaded", 4, "file", OTHER),
    host("system.reboot", "OTA-1831", "System rebooted", &["change"], 5, "Execute", "restarted"),
    host("system.shutdown", "OTA-1832", "System shut down", &["end"], 4, "Stop", "stopped"),
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["info"] },
        ..configuration("user.operation", "OTA-1999", "User operation", 3, "", 99, "Other", OTHER, "updated")
    },
    ActionRow {
        class: Class::Network,
        category: "network",
        ecs: Ecs { category: "network", types: &["info"] },
        ..configuration("network.activity", "OTA-2001", "Network activity", 3, "", 99, "Other", OTHER, "read")
    },
    started("agent.start", "OTA-9001", "Agent started", 3, 3, "Start", "started"),
    started("agent.stop", "OTA-9002", "Agent stopped", 5, 4, "Stop", "stopped"),
    own_change("agent.config_changed", "OTA-9003", "Agent configuration changed", 5),
    own("agent.heartbeat", "OTA-9004", "Agent heartbeat", 1),
    own("agent.test", "OTA-9005", "Agent test event", 1),
    own_read("agent.query", "OTA-9010", "Trail queried", 3),
    own_read("agent.query_denied", "OTA-9011", "Trail query refused", 6),
    own_read("agent.replay", "OTA-9012", "Events replayed", 5),
    own_read("agent.backfill", "OTA-9013", "Events backfilled", 5),
    own_change("agent.position_reset", "OTA-9014", "Read position reset", 7),
    own("agent.source_missing", "OTA-9020", "Source missing", 6),
    own("agent.source_recovered", "OTA-9021", "Source recovered", 4),
    own("agent.source_rotated", "OTA-9022", "Source rotated", 1),
    ActionRow {
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Clear", object: EVENT_LOG },
        cim: Cim { model: CimModel::Audit, action: "cleared" },
        severity_failed: 9,
        attack_failed: &["T1070", "T0872"],
        ..own("agent.source_truncated", "OTA-9023", "Source truncated", 4)
    },
    ActionRow {
        attack: &["T1070", "T0872"],
        attack_failed: &["T1070", "T0872"],
        ..own("agent.gap_detected", "OTA-9024", "Possible gap in source", 8)
    },
    ActionRow {
        severity_failed: 9,
        attack_failed: &["T1070", "T0872"],
        ..own("agent.source_replaced", "OTA-9027", "Source replaced", 4)
    },
    own("agent.source_silent", "OTA-9025", "Source silent", 6),
    own("agent.dialect_changed", "OTA-9026", "Source dialect changed", 4),
    own("agent.destination_lost", "OTA-9030", "Destination lost", 6),
    own("agent.destination_restored", "OTA-9031", "Destination restored", 4),
    own("agent.event_set_aside", "OTA-9032", "Undeliverable event set aside", 8),
    own("agent.certificate_expiring", "OTA-9033", "Certificate expiring", 6),
    own_change("agent.certificate_changed", "OTA-9034", "Certificate changed", 5),
    own("agent.certificate_refused", "OTA-9035", "Certificate refused", 7),
    own("agent.capacity", "OTA-9040", "Journal capacity", 6),
    own("agent.disk_full", "OTA-9041", "Disk full", 8),
    ActionRow {
        cim: Cim { model: CimModel::Audit, action: "deleted" },
        ..own("agent.records_dropped", "OTA-9042", "Records dropped", 9)
    },
    own("agent.journal_error", "OTA-9043", "Journal error", 9),
    ActionRow {
        attack: &["T1070", "T0872"],
        attack_failed: &["T1070", "T0872"],
        ..own("agent.journal_damaged", "OTA-9044", "Journal damaged", 9)
    },
    own("agent.seal", "OTA-9050", "Journal sealed", 1),
    own_change("agent.key_rotated", "OTA-9051", "Seal key rotated", 4),
    own("agent.clock_stepped", "OTA-9060", "Clock stepped", 6),
    own("agent.parse_failures", "OTA-9061", "Entries not understood", 5),
    own("agent.events_suppressed", "OTA-9070", "Agent events suppressed", 5),
];
