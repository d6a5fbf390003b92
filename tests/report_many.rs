//! A report of more records than an agent gives at once: it is asked for one stretch of the journal after the other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{Draft, Input, Journal, Scan};
use otrail::model::{Seq, Time};
use otrail::query::ROWS_MAX;
use serde_json::Value;
use std::collections::BTreeMap;
use support::process::House;
use support::trail::{event, is_query, journal_settings};

/// Runs a report, of the agent or of its folder.
fn report(house: &House, args: &[&str]) -> (Vec<Value>, String) {
    let output = house.run(&[&["report", "users", "class=user-operation", "-o", "json"], args].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), errors)
}

#[test]
fn it_counts_every_record_once() {
    const USERS: [&str; 3] = ["alice", "bob", "carol"];
    let count = ROWS_MAX + 1_000;
    let mut house = House::new();
    let state = house.path("state");
    let journal = Journal::open(journal_settings(&state), Time::default()).unwrap();
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for first in (0..count).step_by(3_000) {
        let users: Vec<&str> = (first..count.min(first + 3_000)).map(|at| USERS[at % 7 % 3]).collect();
        users.iter().for_each(|user| *expected.entry(user).or_default() += 1);
        let draft = |user: &&str| Draft { event: event(user), position: None, mark: None };
        let drafts = users.iter().map(draft).collect();
        journal.append(Input { drafts, ..Input::default() }, Time::default()).unwrap();
    }
    journal.settle(Time::default()).unwrap();
    drop(journal);
    house.start();
    house.wait_until("it is there", |_| true);
    let (rows, errors) = report(&house, &[]);
    let found: BTreeMap<&str, u64> =
        rows.iter().map(|row| (row["account"].as_str().unwrap(), row["events"].as_u64().unwrap())).collect();
    assert_eq!((found, errors.as_str()), (expected, ""));
    // Of the folder it is one question.
    assert_eq!(report(&house, &["-D", state.to_str().unwrap()]).0, rows);
    assert_eq!(house.stop(), Some(0));
    let recent = Scan::open(&state).unwrap().after(Seq(count as u64)).flatten();
    let asked: Vec<String> = recent
        .filter_map(|mut line| line.decode())
        .filter(is_query)
        .map(|record| record.event.message.to_string())
        .collect();
    let stretch =
        |first: usize| asked.iter().filter(|message| message.contains(&format!("seq >= {first} "))).count();
    assert_eq!((stretch(1), stretch(1 + ROWS_MAX)), (1, 1), "{asked:?}");
}
