//! The taxonomy, from the words of a sensor to the action: every row is reached, and no trap is stepped into.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::expect_file;
use otrail::dialect::{self, Context, DIALECTS, Rules, TYPES};
use otrail::model::{Action, Class, Event, Flag, Outcome};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A row is reached when an entry of a golden log is read as that action, and without the rules is not: then neither
/// its type nor a field of its own says so, but its wording. For `user.operation` it is an entry that a rule reads,
/// which without rules would be `unparsed`.
///
/// Every row is reached so in success and in failure, but for those in `NEVER_FAIL` and `ONLY_FAILS`: no sensor tells
/// of a session that failed to end.
#[test]
fn every_row_of_the_taxonomy_is_reached_by_the_wording_of_a_golden_entry() {
    let mut reached = BTreeSet::new();
    for dialect in DIALECTS {
        let log = fs::read(golden().join("dialect").join(dialect.name).join("sensor.log")).unwrap();
        let with = dialect::normalize(dialect, &log, &context(Class::UserOperation, &RULES));
        let without = dialect::normalize(dialect, &log, &context(Class::UserOperation, &NO_RULES));
        for (with, without) in with.iter().zip(&without) {
            let is_read = !with.flags.contains(Flag::UNPARSED) && without.flags.contains(Flag::UNPARSED);
            if with.action != without.action || with.action == Action::USER_OPERATION && is_read {
                reached.insert((with.action.name(), with.outcome.name()));
            }
        }
    }
    let mut missing = String::new();
    for action in Action::all().filter(|action| action.row().class == Class::UserOperation) {
        for outcome in [Outcome::Success, Outcome::Failure] {
            let rows = if outcome == Outcome::Success { ONLY_FAILS } else { NEVER_FAIL };
            if !rows.contains(&action.name()) && !reached.contains(&(action.name(), outcome.name())) {
                writeln!(missing, "{} {}", action.name(), outcome.name()).unwrap();
            }
        }
    }
    assert_eq!(missing, "", "no golden entry is worded so");
}

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected file; read the diff before you commit it.
#[test]
fn sentences_as_products_write_them_are_read() {
    let dir = golden().join("wordings");
    let texts = fs::read_to_string(dir.join("wordings.txt")).unwrap();
    let lines: String =
        texts.lines().map(|text| format!("{text}\n    {}\n", brief(&operation(text)))).collect();
    let unread = texts.lines().filter(|text| operation(text).flags.contains(Flag::UNPARSED)).count();
    let count = texts.lines().count();
    expect_file![dir.join("read.txt")].assert_eq(&format!("{lines}{unread} of {count} are not read\n"));
}

#[test]
fn only_the_type_counts_and_never_the_title() {
    let titled =
        |kind: &str, title: &str| read(&serde_json::json!({"type": kind, "title": title, "content": "x"}));
    for row in TYPES {
        let own = titled(row.name, row.title);
        for other in
            ["PLC Program Update", "Exclusion Rule Created", "User Login Attempt", "Device Updated", ""]
        {
            let event = titled(row.name, other);
            assert_eq!((event.action, event.class), (own.action, own.class), "{} titled {other}", row.name);
        }
    }
    let shared = |title: &str| TYPES.iter().filter(|row| row.title == title).count();
    assert!(shared("Device Updated") > 1 && shared("Address Update") > 1 && shared("PLC Programming") > 1);
}

#[test]
fn what_is_done_to_a_controller_is_no_setting_of_the_sensor() {
    for kind in ["CONFIGURATION_CHANGE", "SRTP_PLC_CHANGE_PASSWORD", "PROGRAM_DEVICE", "CONFIGURATION_READ"] {
        for content in
            ["System settings were changed by alice", "User alice changed password of user bob", ""]
        {
            let event = read(&serde_json::json!({"type": kind, "content": content}));
            let found = (event.action.name(), event.class, event.user.as_deref());
            assert_eq!(found, ("network.activity", Class::Network, None), "{kind}: {content}");
        }
    }
}

#[test]
fn the_ambiguous_login_is_a_sign_in_or_network_traffic_as_the_config_says() {
    let entry = serde_json::json!({"type": "USER_LOGIN", "content": "User alice logged in from 10.2.3.4"})
        .to_string();
    let as_class = |class| {
        let event = dialect::normalize(&DIALECTS[0], entry.as_bytes(), &context(class, &RULES)).remove(0);
        (event.class, event.action.name(), event.user.map(String::from))
    };
    let alice = Some("alice".to_owned());
    assert_eq!(as_class(Class::UserOperation), (Class::UserOperation, "user.login", alice));
    assert_eq!(as_class(Class::Network), (Class::Network, "network.activity", None));
}

#[test]
fn an_unknown_type_is_kept_flagged_and_its_wording_is_read() {
    let event = read(&serde_json::json!({"type": "USER_OPERATION_V2", "content": "User alice logged in"}));
    assert_eq!((event.class, event.action.name()), (Class::UserOperation, "user.login"));
    assert_eq!((event.kind.as_str(), event.user.as_deref()), ("USER_OPERATION_V2", Some("alice")));
    assert!(event.flags.contains(Flag::UNKNOWN_TYPE) && !event.flags.contains(Flag::UNPARSED));
    let event = read(&serde_json::json!({"type": "USER_OPERATION_V2", "content": "?"}));
    assert_eq!((event.class, event.action), (Class::UserOperation, Action::USER_OPERATION));
    assert!(event.flags.contains(Flag::UNKNOWN_TYPE) && event.flags.contains(Flag::UNPARSED));
}

#[test]
fn a_type_is_not_made_another_action_by_its_text() {
    let content = "User alice deleted exclusion rule \"Night\"";
    for (kind, action) in [
        ("EXCLUSION_RULE_CREATED", "exclusion_rule.create"),
        ("DIP_UPLOADED", "ti_package.upload"),
        ("ALERT_UPDATED", "alert.update"),
        ("EXCLUSION_RULE_REMOVED", "exclusion_rule.delete"),
    ] {
        let event = read(&serde_json::json!({"type": kind, "content": content}));
        assert_eq!(event.action.name(), action);
        assert_eq!(event.user.as_deref(), (kind == "EXCLUSION_RULE_REMOVED").then_some("alice"), "{kind}");
    }
}

#[test]
fn nothing_that_failed_is_read_as_a_success() {
    for text in [
        "Software update to 24.1.3 by admin failed: signature mismatch",
        "Login of user alice from 10.2.3.4 failed",
        "Export of device inventory by alice from 10.2.3.4 failed",
        "System restored from backup a.tar by alice unsuccessfully",
        "User alice logged in from 10.2.3.4 but failed the second factor",
        "Certificate import by admin was rejected",
        "Device \"PLC 7\" deleted by alice was not found",
        "User bob logged in: failed",
        "User bob logged in (failed)",
        "User bob logged in, but access was denied",
        "User bob logged in with wrong password",
        "User alice created user bob [status=failure]",
        "User alice deleted user bob. Error: not permitted",
    ] {
        assert_ne!(operation(text).outcome, Outcome::Success, "{text}");
    }
}

#[test]
fn no_text_is_read_as_what_was_not_done() {
    for (text, action) in [
        ("User alice deleted user bob's dashboard", "user.delete"),
        ("User alice deleted user group Operators", "user.delete"),
        ("User alice added user comment to alert 6", "user.create"),
        ("User alice created user role Auditor", "user.create"),
        ("User alice removed user bob from the allow list", "user.delete"),
        ("User bob was removed from the allow list by alice", "user.delete"),
        ("User alice removed device PLC-1 from group Cells", "device.delete"),
        ("User alice unauthorized device PLC-1", "device.authorize"),
        ("User alice marked device PLC-1 as unauthorized", "device.authorize"),
        ("User alice granted access to bob", "user.role_change"),
        ("User alice logged out user bob", "user.logout"),
    ] {
        assert_ne!(operation(text).action.name(), action, "{text}");
    }
}

#[test]
fn nobody_is_called_unknown_user() {
    for text in ["Login failed for unknown user", "Failed login attempt from 10.2.3.4 for unknown user 'bob'"]
    {
        assert_ne!(operation(text).user.as_deref(), Some("unknown"), "{text}");
    }
}

#[test]
fn a_name_without_quotes_is_whole() {
    for (text, name) in [
        ("User alice deleted device Boiler feed pump from 10.2.3.4", "Boiler feed pump"),
        ("User alice created exclusion rule Night maintenance", "Night maintenance"),
        ("User alice created user bob and sent an e-mail", "bob"),
    ] {
        assert_eq!(operation(text).target.unwrap().name.as_deref(), Some(name), "{text}");
    }
}

#[test]
fn an_address_is_the_client_wherever_it_stands() {
    for text in [
        "User alice (10.2.3.4) logged in",
        "User alice logged in from 10.2.3.4:51234",
        "User alice logged in from [10.2.3.4]",
    ] {
        let event = operation(text);
        assert_eq!(event.role, None, "{text}");
        assert_eq!(event.client.as_deref(), Some("10.2.3.4"), "{text}");
    }
    let event = operation("User alice logged in from [2001:db8::7]:51234");
    assert_eq!(event.client.as_deref(), Some("2001:db8::7"));
}

#[test]
fn devices_are_found_by_address_and_by_name() {
    let devices = |kind: &str, content: &str| -> Vec<String> {
        let event = read(&serde_json::json!({"type": kind, "content": content}));
        event.devices.into_iter().map(String::from).collect()
    };
    for (kind, content, found) in [
        (
            "DELETE_DEVICE",
            "Device \"PLC 7\" (10.2.1.14) was deleted by alice from 10.9.9.9",
            "10.2.1.14,PLC 7",
        ),
        ("USER_OPERATION", "alice merged devices \"PLC 7\" and HMI-1", "PLC 7,HMI-1"),
        ("USER_OPERATION", "Device 10.2.1.14 authorized by alice", "10.2.1.14"),
        ("USER_OPERATION", "3 inactive devices scheduled for deletion by alice", ""),
        ("PLC_START", "Device \"PLC 7\" was started by 10.2.1.30 over fe80::1", "10.2.1.30,fe80::1,PLC 7"),
        ("DEVICE_CONNECTION_CREATED", "Connection between 10.2.1.14 and 10.2.1.25", "10.2.1.14,10.2.1.25"),
        ("USER_OPERATION", "User alice logged in from 10.2.3.4", ""),
    ] {
        assert_eq!(devices(kind, content).join(","), found, "{content}");
    }
}

#[test]
fn an_actor_is_read_in_all_its_forms() {
    for (actor, user, domain) in [
        ("alice", "alice", None),
        ("CORP\\alice", "alice", Some("CORP")),
        ("alice@corp.example", "alice", Some("corp.example")),
        ("\"Alice B\"", "Alice B", None),
        ("'CORP\\alice'", "alice", Some("CORP")),
    ] {
        for text in [
            format!("User {actor} logged in"),
            format!("{actor} logged in"),
            format!("Exclusion rule \"n\" was deleted by user {actor}"),
            format!("Exclusion rule \"n\" deleted by {actor} (Admin) from 10.2.3.4"),
        ] {
            let event = operation(&text);
            assert_eq!((event.user.as_deref(), event.domain.as_deref()), (Some(user), domain), "{text}");
            assert_eq!(event.role.as_deref(), text.contains("(Admin)").then_some("Admin"), "{text}");
        }
    }
}

proptest! {
    /// A name in quotes may hold anything but the quote.
    #[test]
    fn no_name_in_quotes_makes_somebody_else_the_actor(
        parts in prop::collection::vec(prop::sample::select(FORGED), 1..6), form in 0..FORMS.len(),
    ) {
        let name = parts.concat();
        let event = operation(&FORMS[form].replace("NAME", &name));
        prop_assert!(matches!(event.user.as_deref(), None | Some("alice")), "{:?} in {:?}", event, name);
        prop_assert!(matches!(event.client.as_deref(), None | Some("10.2.3.4")), "{:?}", event);
        prop_assert_ne!(event.outcome, Outcome::Failure);
    }
}

const FORMS: &[&str] = &[
    "User alice deleted exclusion rule \"NAME\" from 10.2.3.4",
    "alice renamed device \"NAME\" to 'x' from 10.2.3.4",
    "Exclusion rule \"NAME\" was deleted by alice from 10.2.3.4",
    "Exclusion rule \"NAME\" deleted by user alice",
    "Report created: \"NAME\" by alice",
    "Report created by alice: \"NAME\"",
    "Creation of report \"NAME\" by alice",
    "Device 10.2.1.14 added to group \"NAME\" by alice",
    "Test message sent for forwarding rule \"NAME\" by alice",
];
const FORGED: &[&str] = &[
    "x",
    " ",
    " by mallory",
    " by user mallory",
    " from 10.9.9.9",
    " was deleted",
    " failed",
    ": ",
    "User mallory",
    "'",
    " (",
    ")",
    " logged in",
    "Exclusion rule ",
    " to ",
    ", reason: ",
    " could not be deleted",
    "mallory deleted",
];

/// What was found, in one line.
fn brief(event: &Event) -> String {
    if event.flags.contains(Flag::UNPARSED) {
        return "?".to_owned();
    }
    let mut text = format!("{} {}", event.action.name(), event.outcome.name());
    let target = event.target.as_deref();
    let kind = target.map_or(String::new(), |target| format!("target {}", target.kind));
    let devices = event.devices.join(",");
    for (name, value) in [
        ("user", event.user.as_deref()),
        ("domain", event.domain.as_deref()),
        ("role", event.role.as_deref()),
        (kind.as_str(), target.and_then(|target| target.name.as_deref())),
        ("id", target.and_then(|target| target.id.as_deref())),
        ("client", event.client.as_deref()),
        ("reason", event.reason.as_deref()),
        ("old", event.old.as_deref()),
        ("new", event.new.as_deref()),
        ("devices", Some(devices.as_str()).filter(|devices| !devices.is_empty())),
    ] {
        if let Some(value) = value {
            write!(text, ", {name} {value}").unwrap();
        }
    }
    text
}

fn operation(content: &str) -> Event {
    read(&serde_json::json!({"type": "USER_OPERATION", "content": content}))
}

fn read(entry: &serde_json::Value) -> Event {
    let entry = entry.to_string();
    dialect::normalize(&DIALECTS[0], entry.as_bytes(), &context(Class::UserOperation, &RULES)).remove(0)
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);
static NO_RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

fn context(user_login: Class, rules: &'static Rules) -> Context<'static> {
    Context { rules, user_login, ..Context::example() }
}

const NEVER_FAIL: &[&str] =
    &["user.logout", "session.expired", "user.lockout", "ti_package.upload", "user.operation"];
/// A failed upload has an action of its own.
const ONLY_FAILS: &[&str] = &["ti_package.failed"];
