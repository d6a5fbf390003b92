//! The classes of OCSF that user operations fall into, and their activities.

use crate::format::OcsfVersion;

/// A class.
pub(super) struct Class {
    pub(super) uid: u32,
    pub(super) name: &'static str,
    pub(super) activities: &'static [Activity],
}

/// An activity: its id and name, and the oldest of our versions that knows it.
pub(super) struct Activity(pub(super) u32, pub(super) &'static str, pub(super) OcsfVersion);

impl Class {
    /// The class of that uid.
    pub(super) fn of(uid: u32) -> &'static Class {
        CLASSES.iter().find(|class| class.uid == uid).unwrap_or(&CLASSES[0])
    }

    /// The activity of that id, if this version has it.
    pub(super) fn activity(&self, id: u32, version: OcsfVersion) -> Option<&'static Activity> {
        self.activities.iter().find(|activity| activity.0 == id && activity.2 <= version)
    }
}

/// `category_name`.
pub(super) fn category_name(uid: u32) -> &'static str {
    if uid == 3 { "Identity & Access Management" } else { "Application Activity" }
}

pub(super) const ACCOUNT_CHANGE: u32 = 3001;
pub(super) const AUTHENTICATION: u32 = 3002;
pub(super) const ENTITY_MANAGEMENT: u32 = 3004;
pub(super) const USER_ACCESS: u32 = 3005;
pub(super) const USER_MANAGEMENT: u32 = 3007;
pub(super) const APPLICATION_LIFECYCLE: u32 = 6002;
pub(super) const DATASTORE_ACTIVITY: u32 = 6005;

use OcsfVersion::{V1_1, V1_8, V1_9};

pub(super) const CLASSES: &[Class] = &[
    Class {
        uid: ENTITY_MANAGEMENT,
        name: "Entity Management",
        activities: &[
            Activity(1, "Create", V1_1),
            Activity(2, "Read", V1_1),
            Activity(3, "Update", V1_1),
            Activity(4, "Delete", V1_1),
            Activity(8, "Enable", V1_8),
            Activity(9, "Disable", V1_8),
            Activity(12, "Suspend", V1_8),
            Activity(13, "Resume", V1_8),
        ],
    },
    Class {
        uid: ACCOUNT_CHANGE,
        name: "Account Change",
        activities: &[
            Activity(1, "Create", V1_1),
            Activity(2, "Enable", V1_1),
            Activity(3, "Password Change", V1_1),
            Activity(4, "Password Reset", V1_1),
            Activity(5, "Disable", V1_1),
            Activity(6, "Delete", V1_1),
            Activity(9, "Lock", V1_1),
            Activity(12, "Unlock", V1_8),
        ],
    },
    Class {
        uid: AUTHENTICATION,
        name: "Authentication",
        activities: &[Activity(1, "Logon", V1_1), Activity(2, "Logoff", V1_1)],
    },
    Class {
        uid: USER_ACCESS,
        name: "User Access Management",
        activities: &[Activity(1, "Assign Privileges", V1_1), Activity(2, "Revoke Privileges", V1_1)],
    },
    Class {
        uid: USER_MANAGEMENT,
        name: "User Management",
        activities: &[
            Activity(1, "Create", V1_9),
            Activity(2, "Update", V1_9),
            Activity(3, "Delete", V1_9),
            Activity(4, "Enable", V1_9),
            Activity(5, "Disable", V1_9),
            Activity(6, "Lock", V1_9),
            Activity(7, "Unlock", V1_9),
            Activity(8, "Password Change", V1_9),
            Activity(9, "Password Reset", V1_9),
            Activity(14, "Assign Privileges", V1_9),
            Activity(15, "Remove Privileges", V1_9),
            Activity(16, "Assign Roles", V1_9),
            Activity(17, "Remove Roles", V1_9),
            Activity(18, "Create Programmatic Credentials", V1_9),
            Activity(19, "Delete Programmatic Credentials", V1_9),
        ],
    },
    Class {
        uid: APPLICATION_LIFECYCLE,
        name: "Application Lifecycle",
        activities: &[
            Activity(1, "Install", V1_1),
            Activity(2, "Remove", V1_1),
            Activity(3, "Start", V1_1),
            Activity(4, "Stop", V1_1),
            Activity(5, "Restart", V1_8),
            Activity(8, "Update", V1_8),
        ],
    },
    Class {
        uid: DATASTORE_ACTIVITY,
        name: "Datastore Activity",
        activities: &[Activity(1, "Read", V1_1), Activity(4, "Query", V1_1)],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ACTIONS;

    #[test]
    fn every_row_of_the_taxonomy_has_a_class_and_an_activity_here() {
        for row in ACTIONS {
            for (ocsf, version) in [(row.ocsf, V1_9), (row.ocsf_1_8, V1_8)] {
                let class = Class::of(ocsf.class);
                assert_eq!(class.uid, ocsf.class, "{}", row.name);
                let known = ocsf.activity == 99 || class.activity(ocsf.activity, version).is_some();
                assert!(known, "{}: {} {}", row.name, class.name, ocsf.activity);
            }
        }
    }
}
