//! How many rows have each value of a field.

use super::{damage, event, journal, told};
use otrail::model::{Event, Outcome};
use otrail::query::render::{COLUMNS, OF_VALUES, SHAPES};
use std::path::Path;
use std::process::Command;

fn by(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    let args = [&["query", "-q", "--utc", "--by"], args].concat();
    told(&command.args(args).arg("-D").arg(dir).env_remove("SUDO_USER").output().unwrap())
}

fn events() -> Vec<Event> {
    let mut events: Vec<Event> = ["bob", "alice", "carol", "alice", "bob", "alice", ""]
        .into_iter()
        .zip(1..)
        .map(|(user, at)| event(user, if at % 2 == 0 { Outcome::Failure } else { Outcome::Success }, at))
        .collect();
    events[1].client = Some("10.2.3.4".into());
    events
}

#[test]
fn the_most_frequent_value_comes_first_and_equal_ones_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events());
    let rows = |args: &[&str]| by(dir.path(), args).1;
    assert_eq!(rows(&["user"]), "      3  alice\n      2  bob\n      1  -\n      1  carol\n");
    assert_eq!(rows(&["user", "-n", "1"]), "      3  alice\n");
    assert_eq!(rows(&["user", "--failed", "-o", "csv"]), "user,records\nalice,3\n");
    assert_eq!(rows(&["client", "--where", "user = alice", "-o", "cat"]), "10.2.3.4\n");
    assert_eq!(
        rows(&["outcome", "-o", "json"]),
        "{\"outcome\":\"success\",\"records\":4}\n{\"outcome\":\"failure\",\"records\":3}\n"
    );
    assert_eq!(rows(&["time", "--until", "@0.002", "-o", "tsv"]).lines().count(), 3);
}

#[test]
fn every_field_can_be_counted_by_and_every_form_shows_values_or_says_which_do() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events());
    for column in COLUMNS {
        let (code, rows, errors) = by(dir.path(), &[column.name]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{}", column.name);
        let sum: u64 =
            rows.lines().map(|line| line.split_whitespace().next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(sum, 7, "{}: {rows}", column.name);
    }
    for shape in SHAPES {
        let (code, rows, errors) = by(dir.path(), &["user", "-o", shape.name]);
        match OF_VALUES.contains(&shape.name) {
            true => assert!(code == Some(0) && rows.contains("alice"), "{}: {errors}", shape.name),
            false => assert!(code == Some(2) && errors.contains("--by is for short"), "{}", shape.name),
        }
    }
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events());
    assert_eq!(by(dir.path(), &["user", "-u", "nobody"]), (Some(1), String::new(), String::new()));
    assert_eq!(by(dir.path(), &["shoe-size"]).0, Some(2));
    assert_eq!(by(dir.path(), &["user", "--follow"]).0, Some(2));
    damage(dir.path(), 3);
    let (code, rows, errors) = by(dir.path(), &["user"]);
    assert_eq!((code, rows.as_str()), (Some(5), "      3  alice\n      2  bob\n      1  -\n"));
    assert!(errors.contains("the answer is incomplete: "), "{errors}");
}
