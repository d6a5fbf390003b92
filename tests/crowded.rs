//! The real agent where few files may be open: it says so at the start, or waits, and loses nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::model::{Action, Outcome};
use std::collections::HashSet;
use std::fs;
use std::process::Command;
use support::process::{House, entry, patiently};

/// util-linux's `prlimit` sets it for a process that runs, too.
fn limit(house: &mut House, files: &str) {
    let pid = house.agent().id().to_string();
    let done = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={files}")]).status();
    assert!(done.unwrap().success());
}

#[test]
fn an_agent_that_may_open_too_few_files_says_how_many_it_needs() {
    let house = House::new();
    for few in ["8", "14", "40", "60"] {
        let command = format!("ulimit -n {few} && exec \"$0\" run -c \"$1\"");
        let run = Command::new("sh")
            .args(["-c", &command, env!("CARGO_BIN_EXE_otrail")])
            .arg(house.config())
            .output()
            .unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        let told = format!("at most {few} files may be open at once, and this config needs ");
        assert!(said.contains(&told) && said.contains("set LimitNOFILE= of the service"), "{said}");
        assert_eq!(run.status.code(), Some(1), "{said}");
    }
}

#[test]
fn a_low_soft_limit_is_raised() {
    let mut house = House::new();
    house.start_within(&["prlimit", "--nofile=16:200"]);
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("reads", |status| status.sources[0].entries == 1);
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn more_logs_than_may_be_open_leave_the_journal_what_it_needs() {
    let mut house = House::new();
    let logs = house.log().with_file_name("many");
    fs::create_dir(&logs).unwrap();
    (0..60).for_each(|number| fs::write(logs.join(format!("{number:02}.log")), entry(number)).unwrap());
    let pattern = logs.join("*.log");
    house.set(&format!(
        "[[source]]\nname = \"many\"\npath = {pattern:?}\n[journal]\nsegment-max = \"64 KiB\""
    ));
    house.start_within(&["prlimit", "--nofile=100:100"]);
    house.start();
    let told = "as many log files are open as this process may have";
    let status = house.wait_until("reads what it may", |status| {
        status.sources[1].entries > 5 && status.sources[1].error.contains(told)
    });
    let read = status.sources[1].files.len();
    assert!(status.sources[1].entries == read as u64 && read < 30, "{read} of 60");
    // Segments begin while as many logs are open as may be.
    (0..2000).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.wait_until("reads all of the other", |status| status.sources[0].entries == 2000);
    assert_eq!(house.stop(), Some(0), "{}", house.said());
    house.start_within(&["prlimit", "--nofile=1000:1000"]);
    house.start();
    house.wait_until("reads the rest", |status| {
        status.sources[1].files.len() == 60 && status.sources[1].error.is_empty()
    });
    assert_eq!(house.stop(), Some(0), "{}", house.said());
    let read: Vec<_> = house.records().into_iter().filter(|record| record.position.is_some()).collect();
    let of_many = read.iter().filter(|record| &*record.event.source == "many");
    assert_eq!(of_many.map(|record| record.event.message.to_string()).collect::<HashSet<_>>().len(), 60);
    assert_eq!(read.len(), 2060);
}

#[test]
fn a_journal_that_may_not_open_its_next_file_waits_for_it() {
    let mut house = House::new();
    house.set("[journal]\nsegment-max = \"64 KiB\"");
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("reads", |status| status.sources[0].entries == 1);
    limit(&mut house, "5:200");
    house.write_log((1..1000).map(entry).collect::<String>().as_bytes());
    let told = "too many files are open for the journal";
    assert!(patiently(|| house.said().contains(told)), "{}", house.said());
    limit(&mut house, "200:200");
    house.wait_until("reads on", |status| status.sources[0].entries == 1000 && status.problems.is_empty());
    assert_eq!(house.stop(), Some(0), "{}", house.said());
    let records = house.records();
    assert_eq!(records.iter().filter(|record| record.position.is_some()).count(), 1000);
    let told: Vec<Outcome> = records
        .iter()
        .filter(|record| record.event.action == Action::JOURNAL_ERROR)
        .map(|record| record.event.outcome)
        .collect();
    assert_eq!(told, [Outcome::Failure, Outcome::Success]);
}
