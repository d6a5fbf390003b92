//! A report is what the rows of a query come to.

use super::{damage, event, journal, told};
use expect_test::expect;
use otrail::model::{Action, Event, Outcome, Target};
use otrail::query::report::{REPORTS, Rows};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.args(args).args(["-q", "--utc", "-D"]).arg(dir).env_remove("COLUMNS");
    told(&command.output().unwrap())
}

fn report(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    run(dir, &[&["report"], args].concat())
}

/// Some hundred events of three users, three clients, six actions and all outcomes, over a week.
fn events() -> Vec<Event> {
    let mut rng = fastrand::Rng::with_seed(8);
    let mut any = |from: &[&'static str]| from[rng.usize(..from.len())];
    (0..400)
        .map(|at| {
            let action =
                ["user.login", "user.create", "exclusion_rule.create", "user.logout", "config.change"];
            let action = Action::parse(any(&action)).unwrap();
            let outcome = match any(&["success", "success", "failure", "unknown"]) {
                "success" => Outcome::Success,
                "failure" => Outcome::Failure,
                _ => Outcome::Unknown,
            };
            let mut event = event(any(&["alice", "bob", "=cmd", ""]), outcome, at * 1_500_000);
            event.action = action;
            event.client = Some(any(&["10.2.0.1", "10.2.0.2"]).into());
            let target = Target { kind: "user".into(), name: Some(any(&["x", "y"]).into()), id: None };
            event.target = Some(Box::new(target));
            event
        })
        .collect()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Groups by the fields, in the shape of a report: keys, how many, how many failed, first, last.
fn grouped(
    rows: &[Value],
    keys: &[&str],
    wanted: impl Fn(&Value) -> bool,
) -> BTreeMap<Vec<String>, Vec<Value>> {
    let mut groups: BTreeMap<Vec<String>, Vec<&Value>> = BTreeMap::new();
    for row in rows.iter().filter(|row| wanted(row)) {
        let key = keys.iter().map(|key| match *key {
            "account" => row["account"].as_str().or(row["user"].as_str()),
            key => row[key].as_str(),
        });
        groups.entry(key.map(|key| key.unwrap_or_default().to_owned()).collect()).or_default().push(row);
    }
    let text = |text: String| if text.is_empty() { Value::Null } else { text.into() };
    let numbers = |rows: Vec<&Value>| {
        let failed = rows.iter().filter(|row| row["outcome"] == "failure").count();
        let mut times: Vec<&str> = rows.iter().filter_map(|row| row["time"].as_str()).collect();
        times.sort_unstable();
        vec![rows.len().into(), failed.into(), times[0].into(), times[times.len() - 1].into()]
    };
    groups
        .into_iter()
        .map(|(key, rows)| (key.into_iter().map(|key| text(key).to_string()).collect(), numbers(rows)))
        .collect()
}

#[test]
fn the_numbers_of_a_report_are_those_of_the_rows_of_a_query() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events());
    let rows = objects(&run(dir.path(), &["query", "-o", "json"]).1);
    assert_eq!(rows.len(), 400);
    for (name, keys, counts, wanted) in [
        (
            "failed",
            &["action", "account", "client"][..],
            &["events", "events"][..],
            Box::new(|row: &Value| row["outcome"] == "failure") as Box<dyn Fn(&Value) -> bool>,
        ),
        (
            "logins",
            &["account", "client"],
            &["sign-ins", "failure"],
            Box::new(|row| row["action"] == "user.login"),
        ),
        ("users", &["account"], &["events", "failed"], Box::new(|_| true)),
        ("clients", &["client", "account"], &["events", "failed"], Box::new(|_| true)),
    ] {
        let (code, text, errors) = report(dir.path(), &[name, "-o", "json"]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{name}");
        let lines = objects(&text);
        let fields = counts.iter().chain(&["first", "last"]);
        let found: BTreeMap<Vec<String>, Vec<Value>> = lines
            .iter()
            .map(|line| {
                let of = |name: &&str| line[*name].clone();
                (keys.iter().map(|key| of(key).to_string()).collect(), fields.clone().map(of).collect())
            })
            .collect();
        assert_eq!(found, grouped(&rows, keys, wanted), "{name}");
        let first: Vec<u64> = lines.iter().filter_map(|line| line[counts[0]].as_u64()).collect();
        assert!(
            first.len() == lines.len() && first.is_sorted_by(|one, other| one >= other),
            "{name}: {first:?}"
        );
    }
}

/// So that whoever wonders about a number can look at its records.
#[test]
fn what_a_topic_counts_a_query_finds() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events());
    let lines = objects(&report(dir.path(), &["summary", "-o", "json"]).1);
    let Rows::Topics(topics) = REPORTS[0].rows else { panic!("the summary has topics") };
    assert_eq!(lines.len(), topics.len());
    for (line, topic) in lines.iter().zip(topics) {
        let count = run(dir.path(), &["query", "--count", "--where", topic.of]).1;
        assert_eq!(line["events"].to_string(), count.trim_end(), "{}", topic.name);
        let failed = run(dir.path(), &["query", "--count", "--failed", "--where", topic.of]).1;
        assert_eq!(line["failed"].to_string(), failed.trim_end(), "{}", topic.name);
    }
}

#[test]
fn a_report_can_be_narrowed_as_a_query() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events());
    let sum = |args: &[&str]| -> u64 {
        let lines = objects(&report(dir.path(), &[args, &["-o", "json"]].concat()).1);
        lines.iter().filter_map(|line| line["events"].as_u64()).sum()
    };
    let count = |args: &[&str]| -> u64 {
        run(dir.path(), &[&["query", "--count"], args].concat()).1.trim_end().parse().unwrap()
    };
    let range = ["-S", "@86400", "-U", "@172800"];
    assert_eq!(sum(&[&["users"][..], &range].concat()), count(&range));
    assert_eq!(
        sum(&["users", "user = alice and not client = 10.2.0.1"]),
        count(&["-u", "alice", "--client", "10.2.0.2"])
    );
    assert_eq!(sum(&["clients", "client=10.2.0.1", "user=bob"]), count(&["client=10.2.0.1", "user=bob"]));
    // 1970-01-01 was a Thursday; a whole day of it and a whole weekend.
    let outside = sum(&["off-hours", "--hours", "00:00..24:00", "--days", "mon..fri"]);
    assert_eq!(outside, count(&["1970-01-03..1970-01-04T23:59:59.999"]));
    assert_eq!(outside + sum(&["off-hours", "--hours", "0:00..24:00", "--days", "sat,sun"]), 400);
    assert_eq!(report(dir.path(), &["users", "-n", "1"]).1.lines().count(), 2);
}

#[test]
fn every_form_of_a_report_looks_as_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let mut events: Vec<Event> = [("al\u{1b}[2Jice", 1), ("=cmd()", 2), ("=cmd()", 90_000_000), ("", 3)]
        .map(|(user, at)| event(user, if at == 2 { Outcome::Failure } else { Outcome::Success }, at))
        .into();
    events[1].action = Action::parse("user.login").unwrap();
    journal(dir.path(), events);
    let mut text = String::new();
    for form in ["table", "csv", "tsv", "json", "json-pretty"] {
        let (code, lines, errors) = report(dir.path(), &["users", "-o", form, "-n", "2"]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{form}");
        text += &format!("{form}\n{lines}");
    }
    let narrow = Command::new(env!("CARGO_BIN_EXE_otrail"))
        .args(["report", "users", "-q", "--utc", "-D"])
        .arg(dir.path())
        .env("COLUMNS", "74")
        .output();
    text += &format!("in 74 columns\n{}", told(&narrow.unwrap()).1);
    expect![[r#"
        table
        EVENTS  SIGN-INS  CHANGES  FAILED  FIRST                   LAST                    USER
             2         1        0       1  1970-01-01 00:00:00+00  1970-01-02 01:00:00+00  =cmd()
             1         0        0       0  1970-01-01 00:00:00+00  1970-01-01 00:00:00+00  -
        csv
        account,events,sign-ins,changes,failed,first,last
        "'=cmd()",2,1,0,1,1970-01-01T00:00:00.002Z,1970-01-02T01:00:00.000Z
        ,1,0,0,0,1970-01-01T00:00:00.003Z,1970-01-01T00:00:00.003Z
        tsv
        account	events	sign-ins	changes	failed	first	last
        =cmd()	2	1	0	1	1970-01-01T00:00:00.002Z	1970-01-02T01:00:00.000Z
        	1	0	0	0	1970-01-01T00:00:00.003Z	1970-01-01T00:00:00.003Z
        json
        {"account":"=cmd()","events":2,"sign-ins":1,"changes":0,"failed":1,"first":"1970-01-01T00:00:00.002Z","last":"1970-01-02T01:00:00.000Z"}
        {"account":null,"events":1,"sign-ins":0,"changes":0,"failed":0,"first":"1970-01-01T00:00:00.003Z","last":"1970-01-01T00:00:00.003Z"}
        json-pretty
        {
          "account": "=cmd()",
          "events": 2,
          "sign-ins": 1,
          "changes": 0,
          "failed": 1,
          "first": "1970-01-01T00:00:00.002Z",
          "last": "1970-01-02T01:00:00.000Z"
        }
        {
          "account": null,
          "events": 1,
          "sign-ins": 0,
          "changes": 0,
          "failed": 0,
          "first": "1970-01-01T00:00:00.003Z",
          "last": "1970-01-01T00:00:00.003Z"
        }
        in 74 columns
        EVENTS  SIGN-INS  CHANGES  FAILED  LAST                    USER
             2         1        0       1  1970-01-02 01:00:00+00  =cmd()
             1         0        0       0  1970-01-01 00:00:00+00  -
             1         0        0       0  1970-01-01 00:00:00+00  al\x1b[2Jice
    "#]].assert_eq(&text);
}

#[test]
fn what_an_admin_has_passed_over_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let mut reset = event("root", Outcome::Success, 1);
    reset.action = Action::POSITION_RESET;
    let mut skipped = reset.clone();
    skipped.reason = Some("passed over".into());
    journal(dir.path(), [reset, skipped]);
    let lines = report(dir.path(), &["gaps", "-o", "tsv"]).1;
    assert!(lines.lines().count() == 2 && lines.contains("\tpassed over\t1\t"), "{lines}");
}

#[test]
fn what_is_wrong_or_missing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Success, at)));
    let (code, lines, errors) = report(dir.path(), &["failed"]);
    assert_eq!((code, lines.lines().count(), errors.as_str()), (Some(1), 1, ""));
    for (args, why) in [
        (&["fialed"][..], "possible values: summary, logins"),
        (&["users", "user = (alice"], "^"),
        (&["off-hours", "--hours", "07:00-18:00"], "write 07:00..18:00"),
        (&["users", "--hours", "07:00..18:00"], "are for off-hours"),
        (&["off-hours", "--days", "mon-fri"], "write mon..fri"),
        (&["users", "-S", "noon"], "noon"),
        (&["users", "-S", "@9", "-U", "@1"], "swap them"),
        (&["users", "-o", "short"], "possible values: table"),
    ] {
        let (code, lines, errors) = report(dir.path(), args);
        assert!(code == Some(2) && lines.is_empty() && errors.contains(why), "{args:?}: {errors}");
    }
    damage(dir.path(), 2);
    let (code, lines, errors) = report(dir.path(), &["users", "-o", "tsv"]);
    assert_eq!(code, Some(5));
    assert!(lines.contains("alice\t2\t"), "{lines}");
    assert!(errors.starts_with("otrail: the report is incomplete: "), "{errors}");
}
