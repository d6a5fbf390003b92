//! The packs: the program has the files of `packaging/siem`, the rules of all packs are those of the Sigma rules, and these
//! find in events of otrail what they say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "packs/queries.rs"]
mod queries;
mod support;

use otrail::format::{FIELDS, Format, Header, Settings};
use otrail::model::{Action, Outcome};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::events::usual;
use support::python::python_with;
use support::reading::encode;

fn siem() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/siem")
}

fn otrail(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otrail")).args(args).output().unwrap()
}

/// All files below a folder, by their paths in it.
fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let path = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(path, fs::read(&entry).unwrap());
            }
        }
    }
    files
}

/// What pySigma says; `None` where it cannot be had.
fn pysigma(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Option<String> {
    let python = python_with(
        "yaml, sigma.backends.elasticsearch, sigma.backends.kusto, sigma.backends.loki, sigma.backends.splunk, \
         sigma.backends.sqlite",
    )?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/packs.py");
    let output = Command::new(python).arg(script).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn rules() -> PathBuf {
    siem().join("sigma/rules")
}

#[test]
fn a_pack_is_written_out_as_it_stands_and_none_of_its_files_is_missing() {
    let listed: Vec<Value> = serde_json::from_slice(&otrail(&["pack", "list", "-o", "json"]).stdout).unwrap();
    let mut seen = BTreeSet::new();
    for pack in &listed {
        let name = pack["name"].as_str().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("new/folder");
        let output = otrail(&["pack", "export", name, target.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let written = files_below(&target);
        assert_eq!(
            json!(written.keys().collect::<BTreeSet<_>>().len()),
            json!(pack["files"].as_array().unwrap().len())
        );
        if name == "integrity" {
            assert_eq!(written["check-integrity.py"], fs::read(siem().join("check-integrity.py")).unwrap());
        } else {
            assert_eq!(written, files_below(&siem().join(name)), "{name}");
        }
        seen.insert(name.to_owned());
    }
    let folders =
        fs::read_dir(siem()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let folders: BTreeSet<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(folders.is_subset(&seen), "{folders:?} {seen:?}");
}

#[test]
fn a_pack_writes_over_nothing_unless_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    fs::write(dir.path().join("rules.yaml"), "groups: [] # ours").unwrap();
    let refused = otrail(&["pack", "export", "loki", path]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("rules.yaml would be written over") && said.contains("--force"), "{said}");
    assert_eq!(files_below(dir.path()).len(), 1, "nothing was written");
    for args in [&["pack", "export", "loki", path, "--force"][..], &["pack", "export", "loki", path]] {
        assert_eq!(otrail(args).status.code(), Some(0));
        assert_eq!(files_below(dir.path()), files_below(&siem().join("loki")));
    }
    let unknown = otrail(&["pack", "export", "arcsight", path]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("sentinel"));
}

#[test]
fn a_pack_needs_folders_and_names_what_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("rules"), "ours").unwrap();
    for (pack, to, none) in [
        ("loki", path("rules"), path("rules")),
        ("loki", path("rules/below"), path("rules")),
        // The pack has a folder of that name.
        ("sigma", path(""), path("rules")),
    ] {
        for force in [&[][..], &["--force"]] {
            let refused = otrail(&[&["pack", "export", pack, &to], force].concat());
            assert_eq!(refused.status.code(), Some(1));
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(said.contains(&format!("{none} is no folder: choose another")), "{said}");
        }
    }
    assert_eq!(files_below(dir.path()).len(), 1, "nothing was written");
}

/// `UPDATE_EXPECT=1 cargo test --test packs` writes what is made of the rules into the packs.
#[test]
fn the_rules_of_all_packs_are_those_of_the_sigma_rules() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_) = pysigma(&[&"convert", &rules(), &siem().join("sigma/pipelines"), &dir.path()]) else {
        return;
    };
    let made = files_below(dir.path());
    for (path, text) in &made {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(siem().join(path), text).unwrap();
        }
        let there = fs::read(siem().join(path)).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&there), String::from_utf8_lossy(text), "{path}");
    }
    let of_sentinel = files_below(&siem().join("sentinel/rules"));
    assert!(of_sentinel.keys().all(|name| made.contains_key(&format!("sentinel/rules/{name}"))));
    pysigma(&[&"parse", &siem()]);
}

#[test]
fn the_rules_speak_of_fields_actions_and_techniques_that_there_are() {
    let Some(words) = pysigma(&[&"words", &rules()]) else { return };
    let in_json = |field: &str| field.replace('.', "-");
    let fields: BTreeSet<&str> = FIELDS.iter().map(|row| row.name).collect();
    for rule in words.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let name = rule["name"].as_str().unwrap();
        let texts = |key: &str| -> Vec<String> { serde_json::from_value(rule[key].clone()).unwrap() };
        for field in texts("fields") {
            assert!(fields.contains(in_json(&field).as_str()), "{name}: {field}");
        }
        let mut known = BTreeSet::new();
        for action in texts("actions").iter().filter(|action| !action.contains('*')) {
            let row = Action::all().map(Action::row).find(|row| row.name == action);
            let row = row.unwrap_or_else(|| unreachable!("{name}: there is no {action}"));
            known.extend(row.attack.iter().chain(row.attack_failed).copied());
        }
        // Of what counts the actions are those of the rule that it counts.
        for technique in texts("techniques").iter().filter(|_| rule["actions"] != json!([])) {
            let base = technique.split('.').next().unwrap();
            let is_known = known.iter().any(|known| known == technique || known.starts_with(base));
            assert!(is_known, "{name}: {technique} is none of {known:?}");
        }
    }
}

/// What a sensor may write, and the rules that find it.
const SENTENCES: &[(&str, &[&str])] = &[
    ("User admin logged in from 10.2.3.4", &[]),
    ("Failed login attempt for user admin from 10.2.9.13: wrong password", &["user_login_failed"]),
    ("User eve was locked out", &["user_lockout"]),
    ("User admin created user eve with role Admin", &["user_admin_created"]),
    ("User admin created user mallory with role admin", &["user_admin_created"]),
    ("User admin created user eve with role Read Only", &[]),
    ("User admin changed role of user eve from Read Only to Admin", &["user_role_raised"]),
    ("User admin changed role of user eve from read only to admin", &["user_role_raised"]),
    ("User admin changed role of user eve from Admin to Read Only", &[]),
    ("User admin reset the password of user eve", &["user_password_reset"]),
    ("User admin deleted user eve", &["user_deleted"]),
    ("Failed to delete user eve by user admin", &["operation_failed"]),
    ("User admin created API token ci", &["api_token_created"]),
    ("Exclusion rule \"Night\" was created by user admin", &["exclusion_rule_changed"]),
    ("Exclusion rule \"Night\" was updated by user admin", &["exclusion_rule_changed"]),
    ("Exclusion rule \"Night\" was deleted by user admin", &[]),
    ("User bob could not create exclusion rule \"x\": access denied", &["operation_failed"]),
    ("Alert 1185 was learned by user admin", &["alert_silenced"]),
    ("Alert 1185 was muted by user admin", &["alert_silenced"]),
    ("Alert 1185 was acknowledged by user admin", &[]),
    ("Custom rule \"X\" was deleted by user admin", &["detection_rule_weakened"]),
    ("Forwarding rule \"S\" was deleted by user admin", &["forwarding_rule_changed"]),
    ("Setting \"Session timeout\" was changed by user admin", &["config_changed"]),
    ("User admin rebooted the system", &["system_interrupted"]),
    ("Backup was restored by user admin", &["system_interrupted"]),
];

/// What otrail tells of itself, and the rule that finds it; of all else that it tells none does.
const OWN: &[(&str, &[&str])] = &[
    ("agent_stopped", &["agent.stop", "agent.config_changed"]),
    ("query_denied", &["agent.query_denied"]),
    (
        "trail_incomplete",
        &[
            "agent.gap_detected",
            "agent.source_truncated",
            "agent.source_replaced",
            "agent.event_set_aside",
            "agent.journal_damaged",
            "agent.records_dropped",
            "agent.position_reset",
        ],
    ),
    (
        "trail_disturbed",
        &[
            "agent.source_missing",
            "agent.source_silent",
            "agent.destination_lost",
            "agent.certificate_refused",
            "agent.certificate_expiring",
            "agent.capacity",
            "agent.disk_full",
            "agent.journal_error",
            "agent.clock_stepped",
        ],
    ),
];

/// Of these it says only that something is missing, which is no success.
const OWN_UNLESS_SUCCESSFUL: &[&str] = &["agent.source_truncated", "agent.source_replaced"];

/// A log with these texts, a minute apart.
fn entries<'t>(texts: impl Iterator<Item = &'t str>, apart_millis: u64) -> String {
    let entry = |(at, text): (u64, &str)| {
        let timestamp = 1_709_193_665_000 + at * apart_millis;
        let entry = json!({"timestamp": timestamp, "type": "USER_OPERATION", "title": "User Operation",
            "severity": "NOTICE", "owner": null, "content": text});
        format!("{entry}\n")
    };
    (0..).zip(texts).map(entry).collect()
}

/// The events of that log as lines of the format json.
fn events_of(log: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, log).unwrap();
    let output = otrail(&["normalize", path.to_str().unwrap(), "-o", "json"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Which rules find what, without the `otrail_` before their names.
fn found_in(events: &str) -> Option<BTreeMap<String, Value>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    fs::write(&path, events).unwrap();
    let lines = pysigma(&[&"fire", &rules(), &path])?;
    let of_line = |line: &str| {
        let (name, found): (String, Value) = serde_json::from_str(line).unwrap();
        (name.strip_prefix("otrail_").unwrap().to_owned(), found)
    };
    Some(lines.lines().map(of_line).collect())
}

#[test]
fn each_rule_finds_what_it_says_in_the_events_of_a_sensor_and_nothing_else() {
    let Some(found) = found_in(&events_of(&entries(SENTENCES.iter().map(|(text, _)| *text), 3_600_000)))
    else {
        return;
    };
    let spoken = SENTENCES.iter().flat_map(|(_, rules)| *rules);
    assert!(spoken.collect::<BTreeSet<_>>().iter().all(|rule| found.contains_key(**rule)));
    for (rule, seqs) in found.iter().filter(|(_, found)| found.is_array()) {
        let expected = (1..).zip(SENTENCES).filter(|(_, (_, rules))| rules.contains(&rule.as_str()));
        assert_eq!(*seqs, json!(expected.map(|(seq, _)| seq).collect::<Vec<_>>()), "{rule}");
    }
}

#[test]
fn what_otrail_tells_of_its_own_trouble_is_found() {
    let settings = Settings { header: Some(Header::None), ..Settings::default() };
    let own = || {
        let actions = Action::all().filter(|action| action.row().name.starts_with("agent."));
        actions.flat_map(|action| [(action, Outcome::Failure), (action, Outcome::Success)])
    };
    let events = (1..).zip(own()).map(|(seq, (action, outcome))| {
        let frame = encode(Format::named("json").unwrap(), &settings, &usual(action, outcome));
        let mut event: Value = serde_json::from_slice(&frame).unwrap();
        event["seq"] = json!(seq);
        format!("{event}\n")
    });
    let Some(found) = found_in(&events.collect::<String>()) else { return };
    for (rule, seqs) in found.iter().filter(|(_, found)| found.is_array()) {
        let actions = OWN.iter().find(|(name, _)| name == rule).map_or(&[][..], |(_, actions)| *actions);
        let is_found = |(action, outcome): (Action, Outcome)| {
            let name = action.row().name;
            actions.contains(&name) && (outcome == Outcome::Failure || !OWN_UNLESS_SUCCESSFUL.contains(&name))
        };
        let expected = (1..).zip(own()).filter(|(_, told)| is_found(*told));
        assert_eq!(*seqs, json!(expected.map(|(seq, _)| seq).collect::<Vec<u64>>()), "{rule}");
    }
}

#[test]
fn a_rule_that_counts_finds_many_in_a_short_time_and_no_fewer() {
    let login = |user: &str| format!("Failed login attempt for user {user} from 10.2.9.13: wrong password");
    let muted = |alert: usize| format!("Alert {alert} was muted by user admin");
    let one = |count: usize| (0..count).map(|_| login("alice")).collect::<Vec<_>>();
    let several = |count: usize| (0..count).map(|at| login(&format!("user{at}"))).collect::<Vec<_>>();
    let alerts = |count: usize| (0..count).map(muted).collect::<Vec<_>>();
    for (rule, many, few) in [
        ("user_login_failed_burst", one(5), one(4)),
        ("user_login_failed_spray", several(4), several(3)),
        ("alert_silenced_burst", alerts(10), alerts(9)),
    ] {
        for (texts, apart_seconds, expected) in [(&many, 30, true), (&few, 30, false), (&many, 700, false)] {
            let log = entries(texts.iter().map(String::as_str), apart_seconds * 1000);
            let Some(found) = found_in(&events_of(&log)) else { return };
            assert_eq!(
                found[rule] != json!(0),
                expected,
                "{rule} in {} events, {apart_seconds} s apart",
                texts.len()
            );
        }
    }
}

/// What a pipeline calls the fields.
fn names_of(pipeline: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(siem().join("sigma/pipelines").join(pipeline)).unwrap();
    let pair =
        |line: &str| line.strip_prefix("          ")?.split_once(": ").map(|(a, b)| (a.into(), b.into()));
    text.lines()
        .filter_map(pair)
        .filter(|(field, _): &(String, String)| !field.starts_with([' ', '-']))
        .collect()
}

#[test]
fn what_the_fields_are_called_elsewhere_is_what_the_formats_and_the_function_call_them() {
    let fields = fs::read_to_string(siem().join("fields.md")).unwrap();
    let elastic = names_of("elastic.yml");
    assert!(elastic.len() > 8);
    for (field, name) in elastic {
        let field = field.replace('.', "-");
        let is_row =
            |line: &&str| line.split('|').nth(1).is_some_and(|cell| cell.trim().trim_matches('*') == field);
        let row = fields.lines().find(is_row).unwrap();
        assert!(row.split('|').nth(7).unwrap().contains(&format!("`{name}`")), "{field} is no {name} in ECS");
    }
    let function = fs::read_to_string(siem().join("sentinel/OtrailAudit.kql")).unwrap();
    let columns: BTreeSet<&str> =
        function.lines().filter_map(|line| line.strip_prefix("    ")?.split([' ', ',']).next()).collect();
    let sentinel = names_of("sentinel.yml");
    assert!(sentinel.len() > 8);
    assert!(sentinel.iter().all(|(_, name)| columns.contains(name.as_str())), "{sentinel:?} {columns:?}");
}

/// The quoted words of a dashboard that begin as actions do.
fn actions_in(text: &str) -> BTreeSet<String> {
    let kinds: BTreeSet<&str> =
        Action::all().map(|action| action.row().name.split('.').next().unwrap()).collect();
    let text = text.replace("\\\"", "\"");
    let words =
        text.split('"').filter(|word| word.split_once('.').is_some_and(|(kind, _)| kinds.contains(kind)));
    words.filter(|word| !word.contains(' ')).map(str::to_owned).collect()
}

#[test]
fn the_dashboards_ask_for_actions_that_there_are() {
    for (file, at_least) in
        [("splunk/otrail/default/data/ui/views/otrail.xml", 14), ("sentinel/workbook.json", 14)]
    {
        let asked = actions_in(&fs::read_to_string(siem().join(file)).unwrap());
        assert!(asked.len() >= at_least, "{file}: {asked:?}");
        for word in asked {
            let start = word.trim_end_matches('*');
            let is_start = start != word || start.ends_with(['.', '_']);
            let mut names = Action::all().map(|action| action.row().name);
            assert!(names.any(|name| name == word || is_start && name.starts_with(start)), "{file}: {word}");
        }
    }
}
