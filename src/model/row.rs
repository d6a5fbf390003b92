//! The kinds of rows of the taxonomy: each function is a row whose columns are right for its kind.

use super::Class;
use super::action::{ActionRow, Asim, AsimSchema, Cim, CimModel, Ecs, Ocsf};

/// Object types of the AuditEvent schema of ASIM.
pub(super) const OTHER: &str = "Other";
pub(super) const POLICY: &str = "Policy Rule";
pub(super) const EVENT_LOG: &str = "Event Log";

/// Event types of the iam category of ECS.
pub(super) const CREATION: &[&str] = &["user", "creation"];
pub(super) const CHANGE: &[&str] = &["user", "change"];
pub(super) const DELETION: &[&str] = &["user", "deletion"];

/// A row of the configuration category; the builders below differ from it.
#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
pub(super) const fn configuration(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    target: &'static str,
    activity: u32,
    asim: &'static str,
    object: &'static str,
    cim: &'static str,
) -> ActionRow {
    ActionRow {
        name,
        code,
        title,
        class: Class::UserOperation,
        severity,
        severity_failed: severity,
        category: "configuration",
        target,
        ecs: Ecs { category: "configuration", types: &["change"] },
        ocsf: Ocsf { class: 3004, activity },
        ocsf_1_8: Ocsf { class: 3004, activity },
        asim: Asim { schema: AsimSchema::AuditEvent, event: asim, object },
        cim: Cim { model: CimModel::Change, action: cim },
        attack: &[],
        attack_failed: &[],
    }
}

/// Something new on the sensor.
pub(super) const fn creation(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    target: &'static str,
    object: &'static str,
) -> ActionRow {
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["creation"] },
        ..configuration(name, code, title, severity, target, 1, "Create", object, "created")
    }
}

/// Something on the sensor is different now.
pub(super) const fn change(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    target: &'static str,
    object: &'static str,
) -> ActionRow {
    configuration(name, code, title, severity, target, 3, "Set", object, "modified")
}

/// Something is gone from the sensor.
pub(super) const fn deletion(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    target: &'static str,
    object: &'static str,
) -> ActionRow {
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["deletion"] },
        ..configuration(name, code, title, severity, target, 4, "Delete", object, "deleted")
    }
}

/// Signing in and out.
pub(super) const fn session(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    types: &'static [&'static str],
    activity: u32,
    asim: &'static str,
) -> ActionRow {
    let model = if activity == 1 { CimModel::Authentication } else { CimModel::Change };
    ActionRow {
        category: "authentication",
        ecs: Ecs { category: "authentication", types },
        ocsf: Ocsf { class: 3002, activity },
        ocsf_1_8: Ocsf { class: 3002, activity },
        asim: Asim { schema: AsimSchema::Authentication, event: asim, object: "" },
        cim: Cim { model, action: if activity == 1 { "" } else { "logoff" } },
        ..change(name, code, title, severity, "", "")
    }
}

/// Accounts; `ocsf` is the activity of User Management, then class and activity up to 1.8.
#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
pub(super) const fn account(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    types: &'static [&'static str],
    ocsf: (u32, u32, u32),
    asim: &'static str,
    attack: &'static [&'static str],
) -> ActionRow {
    ActionRow {
        category: "iam",
        ecs: Ecs { category: "iam", types },
        ocsf: Ocsf { class: 3007, activity: ocsf.0 },
        ocsf_1_8: Ocsf { class: ocsf.1, activity: ocsf.2 },
        asim: Asim { schema: AsimSchema::UserManagement, event: asim, object: "" },
        cim: Cim { model: CimModel::Account, action: "modified" },
        attack,
        ..change(name, code, title, severity, "user", "")
    }
}

/// Tokens of the sensor's API: programmatic credentials.
#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
pub(super) const fn token(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    activity: u32,
    asim: &'static str,
    cim: &'static str,
    attack: &'static [&'static str],
) -> ActionRow {
    ActionRow {
        category: "iam",
        target: "api_token",
        ocsf_1_8: Ocsf { class: 3004, activity: 3 },
        asim: Asim { schema: AsimSchema::AuditEvent, event: asim, object: "Configuration Atom" },
        cim: Cim { model: CimModel::Account, action: cim },
        ..account(name, code, title, severity, CHANGE, (activity, 3004, 3), asim, attack)
    }
}

/// Software and packages on the sensor.
pub(super) const fn package(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    target: &'static str,
    object: &'static str,
) -> ActionRow {
    ActionRow {
        category: "package",
        ecs: Ecs { category: "package", types: &["installation"] },
        ocsf: Ocsf { class: 6002, activity: 8 },
        ocsf_1_8: Ocsf { class: 6002, activity: 8 },
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Install", object },
        ..configuration(name, code, title, severity, target, 3, "Install", object, "updated")
    }
}

/// The appliance itself.
pub(super) const fn host(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    types: &'static [&'static str],
    activity: u32,
    asim: &'static str,
    cim: &'static str,
) -> ActionRow {
    ActionRow {
        category: "host",
        ecs: Ecs { category: "host", types },
        ocsf: Ocsf { class: 6002, activity },
        ocsf_1_8: Ocsf { class: 6002, activity },
        attack: &["T1529"],
        ..configuration(name, code, title, 7, "sensor", activity, asim, "Service", cim)
    }
}

/// An own event of otrail: a plain fact.
pub(super) const fn own(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
) -> ActionRow {
    ActionRow {
        class: Class::Agent,
        category: "agent",
        ecs: Ecs { category: "configuration", types: &["info"] },
        cim: Cim { model: CimModel::Audit, action: "updated" },
        ..configuration(name, code, title, severity, "", 99, "Other", "Service", "updated")
    }
}

/// An own event of otrail: it starts or stops.
pub(super) const fn started(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
    activity: u32,
    asim: &'static str,
    cim: &'static str,
) -> ActionRow {
    ActionRow {
        ocsf: Ocsf { class: 6002, activity },
        ocsf_1_8: Ocsf { class: 6002, activity },
        asim: Asim { schema: AsimSchema::AuditEvent, event: asim, object: "Service" },
        cim: Cim { model: CimModel::Audit, action: cim },
        ..own(name, code, title, severity)
    }
}

/// An own event of otrail: something about it is different now.
pub(super) const fn own_change(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
) -> ActionRow {
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["change"] },
        ocsf: Ocsf { class: 3004, activity: 3 },
        ocsf_1_8: Ocsf { class: 3004, activity: 3 },
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Set", object: "Service" },
        cim: Cim { model: CimModel::Audit, action: "modified" },
        ..own(name, code, title, severity)
    }
}

/// An own event of otrail: somebody read the trail.
pub(super) const fn own_read(
    name: &'static str,
    code: &'static str,
    title: &'static str,
    severity: u8,
) -> ActionRow {
    ActionRow {
        ecs: Ecs { category: "configuration", types: &["access"] },
        ocsf: Ocsf { class: 6005, activity: 4 },
        ocsf_1_8: Ocsf { class: 6005, activity: 4 },
        asim: Asim { schema: AsimSchema::AuditEvent, event: "Read", object: EVENT_LOG },
        cim: Cim { model: CimModel::Audit, action: "read" },
        ..own(name, code, title, severity)
    }
}
