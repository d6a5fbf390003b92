//! A backfill that something hinders in the middle: it says so, what it has added is in the trail once, and the same command
//! adds the rest.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::model::backfill::Backfilled;
use otrail::model::{Action, Class, Outcome};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::process::{Child, Output, Stdio};
use support::disk::mount;
use support::process::{House, entry, patiently};

const MANY: usize = 6_000;

fn entries(numbers: Range<usize>) -> String {
    numbers.map(entry).collect()
}

/// An agent that has read ten entries of the log, and a file with these and many more.
fn started(house: &mut House) -> String {
    house.write_log(entries(0..10).as_bytes());
    house.start();
    house.wait_until("the log is read", |status| status.sources.first().is_some_and(|it| it.entries == 10));
    let path = house.path("export.ndjson");
    fs::write(&path, entries(0..MANY)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A backfill of which the beginning is in the trail, and that waits for more.
fn begun(house: &House) -> Child {
    let mut command = house.otrail();
    command.args(["backfill", "--yes", "-o", "json", "-"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(entries(0..1500).as_bytes()).unwrap();
    house.wait_until("some are added", |status| status.journal.newest.0 >= 600);
    child
}

/// Brings the rest, as far as it is taken, and what came of it.
fn brought(mut child: Child) -> Output {
    let _refused = child.stdin.take().unwrap().write_all(entries(1500..MANY).as_bytes());
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> Backfilled {
    let mut all: Vec<Backfilled> = serde_json::from_slice(&output.stdout).unwrap();
    all.pop().unwrap()
}

#[track_caller]
fn assert_hindered(house: &House, output: &Output) {
    let Backfilled { complete, error, added, .. } = told(output);
    assert_eq!((output.status.code(), complete), (Some(1), false), "{error}");
    assert!(!error.is_empty() && (0..MANY as u64).contains(&added), "{added} {error}");
    let is_told = || {
        let records = house.records();
        let mut told = records.iter().filter(|record| record.event.action == Action::BACKFILL);
        told.next_back()
            .is_some_and(|end| end.event.outcome == Outcome::Failure && end.event.reason.is_some())
    };
    assert!(patiently(is_told), "{}", house.said());
}

/// The same command adds the rest: every entry is in the trail once.
#[track_caller]
fn assert_goes_on(house: &House, file: &str) {
    let output = house.run(&["backfill", "--yes", "-o", "json", file]);
    let Backfilled { added, known, complete, .. } = told(&output);
    assert!(output.status.success() && complete, "{output:?}");
    assert_eq!(added + known, MANY as u64);
    let records = house.records();
    let all: Vec<&str> = records
        .iter()
        .filter(|record| record.event.class == Class::UserOperation)
        .map(|record| record.event.message.as_str())
        .collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (MANY, MANY));
}

#[test]
fn by_a_full_disk() {
    let Some(disk) = mount(24 << 20) else { return };
    let mut house = House::new();
    house.keep_state_in(disk.path().join("state"));
    house
        .set("[journal]\nsize-max = \"16 MiB\"\nsegment-max = \"1 MiB\"\nreserve = \"64 KiB\"\nseal = false");
    let file = started(&mut house);
    let child = begun(&house);
    disk.fill_up_to(0);
    let output = brought(child);
    disk.make_room();
    house.wait_until("there is room again", |status| !status.journal.full);
    assert_hindered(&house, &output);
    assert_goes_on(&house, &file);
    let told: Vec<Outcome> = house
        .records()
        .iter()
        .filter(|record| record.event.action == Action::DISK_FULL)
        .map(|record| record.event.outcome)
        .collect();
    assert_eq!(told, [Outcome::Failure, Outcome::Success]);
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn by_a_journal_that_can_be_neither_read_nor_written() {
    let mut house = House::new();
    house.set("[journal]\nsize-max = \"16 MiB\"\nsegment-max = \"64 KiB\"\nseal = false");
    let file = started(&mut house);
    let child = begun(&house);
    let (journal, away) = (house.path("state/journal"), house.path("state/away"));
    fs::rename(&journal, &away).unwrap();
    let output = brought(child);
    let Backfilled { complete, error, .. } = told(&output);
    assert!(output.status.code() == Some(1) && !complete && !error.is_empty(), "{output:?}");
    // An agent that cannot write its journal any more ends, to be started again.
    let mut ended = None;
    assert!(patiently(|| {
        ended = house.agent().try_wait().unwrap();
        ended.is_some()
    }));
    assert_eq!(ended.and_then(|ended| ended.code()), Some(5), "{}", house.said());
    house.kill();
    fs::rename(&away, &journal).unwrap();
    house.start();
    house.wait_until("it is there again", |_| true);
    assert_goes_on(&house, &file);
    assert_eq!(house.stop(), Some(0));
    let state = house.path("state");
    let verified = house.run(&["journal", "verify", "-D", state.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

/// What could not be told in the trail is not done.
#[test]
fn by_many_before_it_that_leave_no_room_to_tell_of_its_beginning() {
    let mut house = House::new();
    house.start();
    house.wait_until("it is there", |_| true);
    let bring = |number: usize| {
        let path = house.path("export.ndjson");
        fs::write(&path, entry(number)).unwrap();
        house.run(&["backfill", "--yes", path.to_str().unwrap()])
    };
    let has = |number: usize| {
        let message = format!("session {number:07}");
        house.records().iter().filter(|record| record.event.message.ends_with(&message)).count()
    };
    let denied = (0..500).map(|number| (number, bring(number))).find(|(_, output)| !output.status.success());
    let (number, output) = denied.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && number > 10, "{number} {said}");
    assert!(said.contains("that could not be told in the trail; try again in a moment"), "{said}");
    assert_eq!((has(number - 1), has(number)), (1, 0));
    assert!(patiently(|| bring(number).status.success()));
    assert_eq!(has(number), 1);
    assert_eq!(house.stop(), Some(0));
    let records = house.records();
    let of = |end: bool| {
        let told = records.iter().filter(|record| record.event.action == Action::BACKFILL);
        told.filter(|record| record.event.count.is_some() == end).count()
    };
    assert_eq!(of(false), of(true), "each that began has an end");
}
