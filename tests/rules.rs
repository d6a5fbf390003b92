//! Wording rules of a site, through the real program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use expect_test::expect;
use otrail::model::{Action, Outcome};
use regex::Regex;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use support::process::{House, entry, patiently};

const RULES: &str = r#"# Ours.
[[rule]]
name = "badge"
match = '^Operator {user} badged in at {target}' # two captures
action = "user.login"

[[rule.example]]
text = "Operator alice badged in at north"
user = "bob"
client = "10.1.1.1"

[[rule]]
name = "broken"
match = '^Operator ('
action = "user.login"
"#;

struct Site(tempfile::TempDir);

impl Site {
    fn new(rules: &str) -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        fs::create_dir(site.path("rules.d")).unwrap();
        site.write("rules.d/10-badge.toml", rules);
        site.write("sensor.log", "");
        site.write("otrail.toml", "sensor = \"a\"\nstate-dir = \"state\"\n[[source]]\nname = \"log\"\npath = \"sensor.log\"\n[query]\nadmin-groups = []\n");
        site.chmod("rules.d", 0o755);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.chmod(name, 0o644);
    }

    fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Lines about rules, and the exit code.
    fn run(&self, args: &[&str]) -> String {
        let otrail = Command::new(env!("CARGO_BIN_EXE_otrail"))
            .args(args)
            .arg("--config")
            .arg(self.path("otrail.toml"))
            .output()
            .unwrap();
        let text = String::from_utf8([otrail.stdout, otrail.stderr].concat()).unwrap();
        let text = text.replace(&self.0.path().display().to_string(), "DIR");
        let text =
            Regex::new("[0-9]+ rules, [0-9]+ examples, [0-9]+ good").unwrap().replace(&text, "N rules");
        format!("{text}exit {}\n", otrail.status.code().unwrap())
    }

    fn checked(&self) -> String {
        let checked = self.run(&["check"]);
        checked.lines().filter(|line| line.contains("rules")).map(|line| format!("{line}\n")).collect()
    }
}

#[test]
fn a_bad_rule_is_named_and_the_others_work() {
    let site = Site::new(RULES);
    expect![[r#"
        problem  rules: DIR/rules.d/10-badge.toml:14:9: the pattern of rule `broken` is no regex: unclosed group; the syntax is that of Rust's regex crate in ASCII, (?u:...) around what is beyond it; a brace or bracket meant as itself needs a backslash
        warning  rules: DIR/rules.d/10-badge.toml:8:8: user is `alice`, expected `bob`; correct rule `badge` or its example
    "#]].assert_eq(&site.checked());
    let explained = site.run(&["explain", "--expect", "user=alice", "--expect", "rule=badge", ENTRY]);
    assert!(explained.ends_with("exit 0\n"), "{explained}");
}

#[test]
fn the_test_shows_what_is_otherwise_and_can_correct_it() {
    let site = Site::new(&RULES[..RULES.find("[[rule]]\nname = \"broken\"").unwrap()]);
    expect![[r#"
        DIR/rules.d/10-badge.toml:8:8: rule `badge`: user is `alice`, expected `bob`
            text = Operator alice badged in at north
          - user = bob
          + user = alice
          + target = north
          - client = 10.1.1.1
        N rules, 1 failed
        1 examples updated
        exit 1
    "#]]
    .assert_eq(&site.run(&["rules", "test", "--update"]));
    expect![[r##"
        # Ours.
        [[rule]]
        name = "badge"
        match = '^Operator {user} badged in at {target}' # two captures
        action = "user.login"

        [[rule.example]]
        text = "Operator alice badged in at north"
        user = "alice"
        target = "north"

    "##]]
    .assert_eq(&fs::read_to_string(site.path("rules.d/10-badge.toml")).unwrap());
    expect![[r#"
        N rules, 0 failed
        exit 0
    "#]]
    .assert_eq(&site.run(&["rules", "test"]));
}

#[test]
fn a_rule_of_the_site_may_take_over_what_others_read() {
    let site = Site::new(
        "[[rule]]\nname = \"login\"\nmatch = '^User {user} logged in'\naction = \"config.change\"\n",
    );
    let tested = site.run(&["rules", "test"]);
    let good = Regex::new(
        "^N rules, 0 failed, [0-9]+ that came with otrail are read by rules of the site\nexit 0\n$",
    );
    assert!(good.unwrap().is_match(&tested), "{tested}");
    assert!(site.checked().starts_with("ok "), "{}", site.checked());
}

#[test]
fn rules_that_others_can_write_are_not_used() {
    let site = Site::new(RULES);
    site.chmod("rules.d/10-badge.toml", 0o666);
    expect![[r#"
        problem  rules: DIR/rules.d/10-badge.toml: is writable by others (mode 0666): its rules are not used; chmod go-w DIR/rules.d/10-badge.toml
    "#]].assert_eq(&site.checked());
    site.chmod("rules.d", 0o777);
    expect![[r#"
        problem  rules: DIR/rules.d: is writable by others: its rules are not used; chmod go-w DIR/rules.d
    "#]]
    .assert_eq(&site.checked());
}

#[test]
fn a_mask_of_the_site_is_used_and_a_bad_one_is_cited() {
    let site = Site::new("");
    let config = fs::read_to_string(site.path("otrail.toml")).unwrap();
    site.write(
        "otrail.toml",
        &format!("{config}[[mask]]\nname = \"badge\"\npattern = 'badged in at (?<secret>\\S+)'\n"),
    );
    assert!(site.run(&["normalize", &site.path("entry.log").display().to_string()]).contains("exit 1"));
    let explained = site.run(&["explain", "--expect", "flags=unparsed,masked", ENTRY]);
    assert!(
        explained.contains("Operator alice badged in at ***") && explained.ends_with("exit 0\n"),
        "{explained}"
    );
    site.write(
        "otrail.toml",
        &format!("{config}[[mask]]\nname = \"badge\"\npattern = 'a('\nreplacement = \"\\\"\"\n"),
    );
    expect![[r#"
        DIR/otrail.toml:10:11: `pattern` is no regex: unclosed group
          10 | pattern = 'a('
             |           ^^^^ the syntax is that of Rust's regex crate
        DIR/otrail.toml:11:15: `replacement` holds what may mean something in a log
          11 | replacement = "\""
             |               ^^^^ letters, digits and * # _ . - < >, at most 32, so that no entry changes its form
        otrail: 2 problems in the configuration
        exit 78
    "#]].assert_eq(&site.run(&["check"]));
}

const ENTRY: &str =
    r#"{"timestamp":1709193520000,"type":"USER_OPERATION","content":"Operator alice badged in at north"}"#;

#[test]
fn a_rule_is_cited_where_it_stands_though_another_has_its_name() {
    let rule = |begin: &str| {
        format!(
            "[[rule]]\nname = \"badge\"\nmatch = '^{begin} {{user}} came in'\naction = \"user.login\"\n\n"
        )
    };
    let site = Site::new(&(rule("Operator") + &rule("Guard")));
    for (text, line) in [("Operator alice came in", 3), ("Guard alice came in", 8)] {
        let explained = site.run(&["explain", text]);
        assert!(explained.contains(&format!("10-badge.toml:{line})")), "{explained}");
    }
}

#[test]
fn a_log_beside_the_config_is_found_from_its_folder() {
    let site = Site::new("");
    let checked = Command::new(env!("CARGO_BIN_EXE_otrail"))
        .args(["check", "--config", "otrail.toml"])
        .current_dir(site.path("."))
        .output()
        .unwrap();
    let text = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(text.contains("source log: sensor.log is readable"), "{text}");
}

/// Whether the rule of the site reads this text: the name of the target that it finds.
fn target(house: &House, number: usize) -> Option<String> {
    let text = format!("Operator alice badged in at north{number}");
    house.write_log(entry(number).replace("User alice signed in", &format!("{text};")).as_bytes());
    let found = || {
        let records = house.records();
        records.into_iter().find(|record| record.event.message.starts_with(&text))
    };
    assert!(patiently(|| found().is_some()), "{}", house.said());
    found()?.event.target.and_then(|target| target.name.map(|name| name.to_string()))
}

#[test]
fn a_reload_with_a_changed_rule_file_that_has_a_problem_changes_nothing() {
    let mut house = House::new();
    fs::create_dir(house.path("rules.d")).unwrap();
    let folder = house.path("");
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
    };
    fs::set_permissions(house.path("rules.d"), Permissions::from_mode(0o755)).unwrap();
    let good = "[[rule]]\nname = \"badge\"\nmatch = '^Operator {user} badged in at {target};'\n\
                action = \"user.login\"\n";
    write("rules.d/site.toml", good);
    house.start();
    house.wait_until("it is there", |_| true);
    assert_eq!(target(&house, 1).as_deref(), Some("north1"));

    // Changed, and no rule any more.
    write("rules.d/site.toml", &good.replace("{target};'", "(;'"));
    let place = format!("{}:3:9: ", house.path("rules.d/site.toml").display());
    let output = house.run(&["reload"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains(&place), "{said}");
    assert!(said.ends_with("the agent goes on with the config that it had; told in the trail\n"), "{said}");
    let status = house.status().unwrap();
    assert_eq!((status.config.round, status.healthy), (0, false));
    assert!(status.config.unused.starts_with(&place), "{status:?}");
    let records = house.records();
    let event = &records.iter().rfind(|record| record.event.action == Action::CONFIG_CHANGED).unwrap().event;
    assert_eq!(event.outcome, Outcome::Failure);
    assert!(event.message.contains(&format!("it is not used: {place}")), "{}", event.message);
    assert_eq!(target(&house, 2).as_deref(), Some("north2"), "the rules in use stay");
    // One that may not be read any more is no less of a problem.
    write("rules.d/site.toml", good);
    fs::set_permissions(house.path("rules.d/site.toml"), Permissions::from_mode(0o666)).unwrap();
    assert_eq!(house.run(&["reload"]).status.code(), Some(78));
    write("rules.d/site.toml", good);
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    assert!(house.status().unwrap().config.unused.is_empty());

    // What a start has left out, and nobody has changed since, is in no other change's way.
    write("rules.d/wrong.toml", "[[rule]]\nname = 1\n");
    assert_eq!(house.run(&["reload"]).status.code(), Some(78));
    assert_eq!(house.stop(), Some(0));
    house.start();
    house.wait_until("it is there", |_| true);
    house.set_at_top("heartbeat = \"1 h\"");
    let output = house.run(&["reload"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("left out: "));
    write("rules.d/wrong.toml", "[[rule]]\nname = 1\n\n");
    assert_eq!(house.run(&["reload"]).status.code(), Some(78), "it was changed, and is still wrong");
    assert_eq!(house.stop(), Some(0));
}
