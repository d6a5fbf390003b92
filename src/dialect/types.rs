//! The sensor's event types: what each says about the action before anybody reads the text.
//!
//! The 78 types are the documented ones. A title is shared by several types and differs between versions,
//! so only the type counts. What may be a user's doing is a user operation: losing one is the worst thing.
//!
//! ```text
//! exact     the type says what was done; the text only adds who, what and from where
//! noun      the type says to what kind of thing; the text may say more exactly what was done
//! open      the type says nothing; the text does
//! network   the sensor saw it on its network; the text is that of strangers and not read for names
//! ```
//!
//! Invariant: a type never seen before is read like `open`; it is kept and flagged, not passed over.

use crate::model::{Action, Class, Outcome};
use std::sync::LazyLock;

/// A documented type.
#[derive(Debug)]
pub struct Type {
    /// As the sensor spells it.
    pub name: &'static str,
    /// The documented title.
    pub title: &'static str,
    /// The action when no wording rule says otherwise.
    pub action: Action,
    /// The outcome when no wording rule says otherwise.
    pub outcome: Outcome,
    /// How far wording rules may go.
    pub scope: Scope,
}

impl Type {
    /// The type of that name.
    pub fn find(name: &str) -> Option<&'static Type> {
        index(name).map(|at| &TYPES[at])
    }

    /// Whether the type alone says what was done.
    pub fn is_specific(&self) -> bool {
        self.scope != Scope::Open
    }
}

/// Which wording rules a type listens to, beside those that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of its own action.
    Exact,
    /// Those of actions on the same kind of thing.
    Noun,
    /// All.
    Open,
    /// None.
    Closed,
}

impl Scope {
    /// Whether a rule with the action `rule` may speak about a type with the action `own`.
    pub fn admits(self, own: Action, rule: Action) -> bool {
        match self {
            Scope::Exact => own == rule,
            Scope::Noun => noun(own) == noun(rule),
            Scope::Open => true,
            Scope::Closed => false,
        }
    }
}

/// `alert` of `alert.learn`.
fn noun(action: Action) -> &'static str {
    action.name().split_once('.').map_or("", |(noun, _)| noun)
}

/// The place of a type in `TYPES`.
pub(super) fn index(name: &str) -> Option<usize> {
    /// The places by the length of the name: few names are of one length.
    static PLACES: LazyLock<Vec<Vec<usize>>> = LazyLock::new(|| {
        let longest = TYPES.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let of = |length| (0..TYPES.len()).filter(|&at| TYPES[at].name.len() == length).collect();
        (0..=longest).map(of).collect()
    });
    PLACES.get(name.len())?.iter().copied().find(|&at| TYPES[at].name == name)
}

/// Whether this is the one type that may be a sign-in to the sensor or one seen on its network.
pub(super) fn is_ambiguous_login(name: &str) -> bool {
    name == "USER_LOGIN"
}

/// The action of what the sensor saw on its network.
pub(super) const NETWORK: Action = Action::named("network.activity");

/// The class of a type, given that of the ambiguous `USER_LOGIN`.
pub fn class(name: &str, user_login: Class) -> Class {
    match Type::find(name) {
        Some(_) if is_ambiguous_login(name) => user_login,
        Some(row) => row.action.row().class,
        None => Class::UserOperation,
    }
}

const fn exact(name: &'static str, title: &'static str, action: &'static str, outcome: Outcome) -> Type {
    Type { name, title, action: Action::named(action), outcome, scope: Scope::Exact }
}

const fn noun_of(name: &'static str, title: &'static str, action: &'static str, outcome: Outcome) -> Type {
    Type { name, title, action: Action::named(action), outcome, scope: Scope::Noun }
}

const fn open(name: &'static str, title: &'static str) -> Type {
    Type { name, title, action: Action::USER_OPERATION, outcome: Outcome::Unknown, scope: Scope::Open }
}

const fn network(name: &'static str, title: &'static str) -> Type {
    Type { name, title, action: NETWORK, outcome: Outcome::Unknown, scope: Scope::Closed }
}

/// The documented types, by name.
pub static TYPES: &[Type] = &[
    network("ALERT_REPORTED", "Alert Detected"),
    noun_of("ALERT_UPDATED", "Alert Updated", "alert.update", Outcome::Success),
    network("BACK_TO_NORMAL", "Back to Normal"),
    network("CAMP_MEMORY_WRITE_OPERATION", "Common ASCII Message Protocol Memory Write Operation"),
    network("CLEARTEXT_AUTHENTICATION", "Cleartext Authentication"),
    network("CONFIGURATION_CHANGE", "PLC Configuration Write"),
    network("CONFIGURATION_OF_CLEARTEXT_PASSWORD", "Configuration Of Cleartext Password"),
    network("CONFIGURATION_READ", "PLC Configuration Read"),
    exact("CUSTOM_EVENT", "User Defined Event", "event.create_manual", Outcome::Success),
    network("DATABASE_ACTION", "Database Structure Manipulation"),
    exact("DELETE_DEVICE", "Device Deleted", "device.delete", Outcome::Success),
    exact(
        "DELETE_DEVICE_SCHEDULE",
        "Inactive Devices Scheduled for deletion",
        "device.delete_schedule",
        Outcome::Success,
    ),
    network("DELTAV_PROGRAMMING", "DeltaV Install Script"),
    network("DEVICE_CONNECTION_CREATED", "Device Connection Detected"),
    network("DEVICE_CREATE", "Device Detected"),
    exact("DEVICE_UNIFICATION", "Device Updated", "device.merge", Outcome::Success),
    noun_of("DEVICE_UPDATE", "Device Updated", "device.update", Outcome::Success),
    network("DHCP_UPDATE", "Address Update"),
    exact(
        "DIP_FAILURE",
        "Data Intelligence Package Installation Failure",
        "ti_package.failed",
        Outcome::Failure,
    ),
    exact("DIP_UPLOADED", "Data Intelligence Package Uploaded", "ti_package.upload", Outcome::Success),
    network("ENIP_CONTROLLER_GENERIC_RESET", "Controller Reset"),
    network("ENIP_CONTROLLER_GENERIC_START", "Controller Start"),
    network("ENIP_CONTROLLER_GENERIC_STOP", "Controller Stop"),
    network("ENIP_CONTROLLER_PROGRAM_DELETE", "Controller Program Delete"),
    network("ENIP_CONTROLLER_PROGRAM_RESET", "Controller Program Reset"),
    exact("EXCLUSION_RULE_CREATED", "Exclusion Rule Created", "exclusion_rule.create", Outcome::Success),
    exact("EXCLUSION_RULE_REMOVED", "Exclusion Rule Removed", "exclusion_rule.delete", Outcome::Success),
    exact("EXCLUSION_RULE_UPDATED", "Exclusion Rule Updated", "exclusion_rule.update", Outcome::Success),
    network("FILE_TRANSFER", "File Transfer Detected"),
    network("FIRMWARE_CHANGED", "PLC Firmware Changed"),
    network("FIRMWARE_UPDATE", "Firmware Update"),
    network("FTP_AUTHENTICATION_FAILURE", "FTP Authentication Failure"),
    network("HARDWARE_UPDATE_BY_IDENTIFIER", "Address Update"),
    network("HTTP_BASIC_AUTHENTICATION", "HTTP Basic Authentication"),
    network("INTERNET_ACCESS", "Internet Access"),
    network("MMS_MEMORY_BLOCK_OPERATION", "MMS Memory Block Operation"),
    network("MMS_PROGRAM_DEVICE", "PLC Program Update"),
    network("MMS_PROGRAM_OPERATION", "MMS Program Operation"),
    exact("MUTED_ALERT", "Event Detected and Muted", "alert.mute", Outcome::Success),
    exact("NOTIFICATION", "Notification was resolved manually", "notification.resolve", Outcome::Success),
    network("OPC_AE_EVENT", "OPC AE Event"),
    network("OPC_AE_EVENT_CONDITION_MANAGEMENT_OPERATION", "OPC AE Event Condition Management Operation"),
    network("OPC_AE_EVENT_SUBSCRIPTION", "OPC AE Event Subscription"),
    network("OPC_DATA_ACCESS_GROUP_MANAGEMENT_OPERATION", "OPC Data Access Group Management Operation"),
    network(
        "OPC_DATA_ACCESS_IO_SUBSCRIPTION_MANAGEMENT_OPERATION",
        "OPC Data Access IO Subscription Management Operation",
    ),
    network("OPC_DATA_ACCESS_ITEM_MANAGEMENT_OPERATION", "OPC Data Access Item Management Operation"),
    network("PLC_MODULE_CHANGE", "PLC Module Change"),
    network("PLC_OPERATING_MODE_CHANGED", "PLC Operating Mode Change Detected"),
    network("PLC_START", "PLC Start"),
    network("PROFINET_DPC_VALUE_SET", "Profinet SET operation"),
    network("PROGRAM_DEVICE", "PLC Programming"),
    network("PROGRAM_UPLOAD_DEVICE", "PLC Program Upload"),
    network("REMOTE_ACCESS", "Remote Access Connection Established"),
    network("REMOTE_PROCESS_EXECUTION", "Remote Process Execution"),
    exact("REPORT_CREATED", "Report Created", "report.create", Outcome::Success),
    network("S7PLUS_PLC_MODE_CHANGE", "PLC Mode Change"),
    network("S7PLUS_PROGRAMMING", "PLC Programming"),
    network("S7_PLC_MODE_CHANGE", "PLC Mode Change"),
    network("SCAN", "Scan Device Detected"),
    exact("SCL_UPLOADED", "SCL Uploaded", "scl.upload", Outcome::Success),
    network("SIEMENS_S_7_AUTHENTICATION", "Siemens S7 Authentication"),
    network("SIEMENS_S_7_MEMORY_BLOCK_OPERATION", "Siemens S7 Memory Block Operation"),
    network("SNMP_TRAP", "SNMP Trap detected"),
    network("SRTP_CHANGE_LEVEL_FAILED", "PLC Change access level failed"),
    network("SRTP_CHANGE_PRIVILEGE", "PLC Change access level"),
    network("SRTP_LOGIN_PROGRAMMING", "PLC Programming Mode Set"),
    network("SRTP_PLC_CHANGE_PASSWORD", "PLC Password Change"),
    network("SRTP_PLC_COPY_FIRMWARE", "Firmware Update"),
    network("SRTP_PLC_RESET", "PLC Reset"),
    network("SUITELINK_INIT_CONNECTION", "Wonderware session initialized"),
    network("SYSLOG_MSG", "Syslog Message"),
    network("TELNET_AUTHENTICATION_FAILURE", "Telnet Authentication Failure"),
    exact(
        "USER_DEFINED_RULE_CREATED",
        "User Defined Rule Created",
        "detection_rule.create",
        Outcome::Success,
    ),
    exact(
        "USER_DEFINED_RULE_DELETED",
        "User Defined Rule Deleted",
        "detection_rule.delete",
        Outcome::Success,
    ),
    exact("USER_DEFINED_RULE_EDITED", "User Defined Rule Edited", "detection_rule.update", Outcome::Success),
    open("USER_DEFINED_RULE_OPERATION", "User Defined Rule Operation"),
    exact("USER_LOGIN", "User Login Attempt", "user.login", Outcome::Unknown),
    open("USER_OPERATION", "User Operation"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_type_is_there_once_and_in_order() {
        assert_eq!(TYPES.len(), 78);
        assert!(TYPES.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(TYPES.iter().all(|row| std::ptr::eq(Type::find(row.name).unwrap(), row)));
    }

    #[test]
    fn what_may_be_a_users_doing_is_a_user_operation() {
        for name in
            ["USER_OPERATION", "DIP_FAILURE", "DEVICE_UPDATE", "MUTED_ALERT", "SCL_UPLOADED", "CUSTOM_EVENT"]
        {
            assert_eq!(class(name, Class::Network), Class::UserOperation, "{name}");
        }
        assert_eq!(class("NEVER_SEEN_BEFORE", Class::Network), Class::UserOperation);
    }

    #[test]
    fn what_happens_on_the_wire_is_network() {
        for name in ["CONFIGURATION_CHANGE", "SRTP_PLC_CHANGE_PASSWORD", "ALERT_REPORTED", "DEVICE_CREATE"] {
            assert_eq!(class(name, Class::UserOperation), Class::Network, "{name}");
        }
    }

    #[test]
    fn the_ambiguous_login_is_what_the_config_says() {
        assert_eq!(class("USER_LOGIN", Class::Network), Class::Network);
        assert_eq!(class("USER_LOGIN", Class::UserOperation), Class::UserOperation);
    }

    #[test]
    fn a_type_about_alerts_listens_to_all_rules_about_alerts() {
        let (update, learn) = (Action::named("alert.update"), Action::named("alert.learn"));
        assert!(Scope::Noun.admits(update, learn) && !Scope::Exact.admits(update, learn));
        assert!(!Scope::Noun.admits(update, Action::named("user.login")));
    }
}
