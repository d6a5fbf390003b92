//! Somebody edits the log while it is followed: the real agent, and the tools with which logs are edited.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use nix::sys::signal::Signal;
use otrail::model::Record;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Command;
use support::process::{House, entry, patiently};

/// An agent that has read a log of so many entries, behind that header.
fn followed(header: &str, entries: impl Iterator<Item = String>) -> (House, u64) {
    let mut house = House::new();
    let log: String = std::iter::once(header.to_owned()).chain(entries).collect();
    house.write_log(log.as_bytes());
    house.start();
    let length = log.len() as u64;
    house.wait_until("all is read", |status| status.sources[0].offset == length);
    (house, length)
}

fn run(program: &str, house: &House, args: &[&str]) {
    let output = Command::new(program).args(args).arg(house.log()).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
}

/// The numbers of the sessions in the trail, in its order.
fn sessions(records: &[Record]) -> Vec<usize> {
    let texts = records.iter().map(|record| record.event.message.as_str());
    texts.filter_map(|text| text.split_once("session ")?.1.get(..7)?.parse().ok()).collect()
}

/// What was told of the log: severity, reason, old, new, count.
fn told(records: &[Record]) -> Vec<(u8, String, String, String, u64)> {
    let of = |record: &&Record| record.event.action.name() == "agent.source_replaced";
    let text = |text: &Option<otrail::model::Text>| text.as_deref().unwrap_or_default().to_owned();
    let events = records.iter().filter(of).map(|record| &record.event);
    events
        .map(|it| {
            (it.severity.0, text(&it.reason), text(&it.old), text(&it.new), it.count.unwrap_or_default())
        })
        .collect()
}

/// Everything that was told is in the trail, and no more comes.
fn end(house: &mut House) -> Vec<Record> {
    assert_eq!(house.stop(), Some(0));
    house.records()
}

/// Bytes of an entry.
const LINE: u64 = 159;

#[test]
fn a_line_that_sed_takes_out_is_told_and_nothing_comes_twice() {
    let (mut house, length) = followed("", (0..40).map(entry));
    assert_eq!(length, 40 * LINE);
    run("sed", &house, &["-i", "/session 0000010/d"]);
    house.wait_until("the edit is told", |status| status.sources[0].replacements == 1);
    house.write_log(entry(40).as_bytes());
    house.wait_until("the log goes on", |status| status.sources[0].entries == 41);
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..41).collect::<Vec<_>>());
    let place = format!("{}-{}", 10 * LINE, 11 * LINE);
    let empty = format!("{}-{}", 10 * LINE, 10 * LINE);
    assert_eq!(told(&records), [(9, "edited".to_owned(), place, empty, LINE)]);
    assert!(!records.iter().any(|it| it.event.action.name() == "agent.source_rotated"));
}

#[test]
fn what_an_editor_alters_and_puts_in_is_read_and_told_where_it_stands() {
    let (mut house, _) = followed("", (0..40).map(entry));
    let script = "s/session 0000003/session 0000703/; s/session 0000030/session 0000730/; \
                  print qq({\"timestamp\":1764000000000,\"type\":\"USER_LOGIN\",\"title\":\"t\",\"severity\":\"NOTICE\",\
                  \"owner\":\"eve\",\"content\":\"session 0000720\"}\\n) if /session 0000020/";
    run("perl", &house, &["-i", "-pe", script]);
    house.wait_until("the edit is told", |status| status.sources[0].entries == 43);
    let records = end(&mut house);
    let expected: Vec<usize> = (0..40).chain([703, 720, 730]).collect();
    assert_eq!(sessions(&records), expected);
    let [(severity, reason, old, new, count)] = told(&records).try_into().unwrap();
    assert_eq!((severity, reason.as_str(), count), (9, "edited", 2 * LINE));
    assert_eq!((old.split(',').count(), new.split(',').count()), (3, 3), "{old} {new}");
}

#[test]
fn a_log_that_is_replaced_by_a_copy_of_itself_goes_on() {
    let (mut house, length) = followed("", (0..40).map(entry));
    for (round, number) in (40..43).enumerate() {
        let copy = house.path("log/copy");
        fs::copy(house.log(), &copy).unwrap();
        fs::rename(&copy, house.log()).unwrap();
        house.wait_until("the copy is told", |status| status.sources[0].replacements == round as u64 + 1);
        house.write_log(entry(number).as_bytes());
        house.wait_until("the log goes on", |status| status.sources[0].entries == number as u64 + 1);
    }
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..43).collect::<Vec<_>>());
    assert_eq!(told(&records), vec![(4, "copy".to_owned(), String::new(), String::new(), 0); 3]);
    assert!(length > 4096);
}

#[test]
fn a_small_log_with_a_header_is_known_by_the_times_of_its_entries() {
    let row = |number: usize| {
        format!("1764000000{number:03},USER_LOGIN,User logged in,NOTICE,alice,session {number:07}\n")
    };
    let header = "timestamp,type,title,severity,owner,content\n";
    let (mut house, _) = followed(header, (0..4).map(row));
    run("sed", &house, &["-i", "/session 0000001/d"]);
    house.wait_until("the edit is told", |status| status.sources[0].replacements == 1);
    // A new log with the same header is none of that.
    fs::rename(house.log(), house.path("log/operations.ndjson.1")).unwrap();
    let new = house.path("log/new");
    fs::write(&new, format!("{header}{}{}", row(7), row(8))).unwrap();
    fs::rename(&new, house.log()).unwrap();
    house.wait_until("the new log is read", |status| status.sources[0].entries == 6);
    let records = end(&mut house);
    assert_eq!(sessions(&records), [0, 1, 2, 3, 7, 8]);
    assert_eq!(told(&records).len(), 1);
}

#[test]
fn whoever_has_the_log_open_while_it_is_edited_is_heard() {
    let (mut house, _) = followed("", (0..40).map(entry));
    let mut sensor = OpenOptions::new().append(true).open(house.log()).unwrap();
    sensor.write_all(entry(40).as_bytes()).unwrap();
    run("sed", &house, &["-i", "/session 0000010/d"]);
    sensor.write_all(entry(41).as_bytes()).unwrap();
    house.wait_until("the edit is told", |status| {
        status.sources[0].replacements == 1 && status.sources[0].entries == 42
    });
    sensor.write_all(entry(42).as_bytes()).unwrap();
    house.wait_until("the sensor is heard", |status| status.sources[0].entries == 43);
    house.write_log(entry(43).as_bytes());
    house.wait_until("the copy is read on", |status| status.sources[0].entries == 44);
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..44).collect::<Vec<_>>());
}

/// vim makes a new file and writes it in pieces, the former one having another name meanwhile.
#[test]
fn a_log_that_is_saved_as_vim_does_it_goes_on() {
    let (mut house, length) = followed("", (0..400).map(entry));
    let text = fs::read_to_string(house.log()).unwrap();
    fs::rename(house.log(), house.path("log/operations.ndjson~")).unwrap();
    let cut = usize::try_from(length / 2).unwrap() + 50;
    house.write_log(&text.as_bytes()[..cut]);
    house.write_log(&text.as_bytes()[cut..]);
    fs::remove_file(house.path("log/operations.ndjson~")).unwrap();
    house.wait_until("the copy is told", |status| status.sources[0].replacements == 1);
    house.write_log(entry(400).as_bytes());
    house.wait_until("the log goes on", |status| status.sources[0].entries == 401);
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..401).collect::<Vec<_>>());
}

#[test]
fn an_agent_that_is_killed_after_an_edit_neither_loses_nor_repeats() {
    let (mut house, _) = followed("", (0..3_000).map(entry));
    run("sed", &house, &["-i", "s/session 0000010/session 0009010/; /session 0002000/d"]);
    house.wait_until("the edit is told", |status| status.sources[0].replacements == 1);
    house.kill();
    house.write_log(entry(3_000).as_bytes());
    house.start();
    house.wait_until("the log goes on", |status| status.sources[0].entries > 0);
    let records = end(&mut house);
    let mut found = sessions(&records);
    found.sort_unstable();
    assert_eq!(found, (0..=3_000).chain([9_010]).collect::<Vec<_>>());
    assert_eq!(told(&records).len(), 1);
}

#[test]
fn an_agent_that_is_killed_while_it_compares_begins_anew() {
    let (mut house, _) = followed("", (0..3_000).map(entry));
    house.signal(Signal::SIGSTOP);
    run("sed", &house, &["-i", "$!{/session 0002000/d}"]);
    house.kill();
    house.start();
    let count = |house: &House| house.status().map_or(0, |status| status.sources[0].offset);
    let length = fs::metadata(house.log()).unwrap().len();
    assert!(patiently(|| count(&house) == length));
    let mut found = sessions(&end(&mut house));
    found.sort_unstable();
    found.dedup();
    assert_eq!(
        found,
        (0..3_000).collect::<Vec<_>>(),
        "nobody can tell: all is read again, and nothing is lost"
    );
}

/// An entry a minute.
fn minutely(number: usize) -> String {
    let at = 1_764_000_000_000_u64 + number as u64 * 60_000;
    entry(number).replace(&(1_764_000_000_000_u64 + number as u64).to_string(), &at.to_string())
}

/// Waits until all of the log is read.
fn settle(house: &House) {
    let length = fs::metadata(house.log()).unwrap().len();
    house.wait_until("all is read", |status| status.sources[0].offset == length);
}

#[test]
fn a_log_that_is_written_over_in_place_repeats_nothing() {
    let (mut house, _) = followed("", (0..40).map(minutely));
    for (round, without) in ["session 0000010", "session 0000038"].into_iter().enumerate() {
        let text = fs::read_to_string(house.log()).unwrap();
        let lines = text.split_inclusive('\n').filter(|line| !line.contains(without));
        fs::write(house.log(), lines.collect::<String>()).unwrap();
        house.wait_until("that is told", |status| status.sources[0].replacements > round as u64);
        settle(&house);
        house.write_log(minutely(40 + round).as_bytes());
        settle(&house);
    }
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..42).collect::<Vec<_>>());
    let told = told(&records);
    assert!(told.iter().all(|told| (told.0, told.1.as_str()) == (9, "rewritten")), "{told:?}");
    assert_eq!(told.iter().map(|told| told.4).sum::<u64>(), 39 + 39);
}

/// What an admin has brought was never read in the log: it takes the place of nothing in it, and says nothing of its order.
#[test]
fn a_log_that_is_written_anew_after_a_backfill_repeats_nothing_and_lacks_nothing() {
    let (mut house, _) = followed("", [minutely(20), minutely(40)].into_iter());
    let export = house.path("export.ndjson");
    fs::write(&export, minutely(20).repeat(2) + &(0..5).map(minutely).collect::<String>()).unwrap();
    let brought = house.run(&["backfill", "--yes", export.to_str().unwrap()]);
    assert!(brought.status.success(), "{brought:?}");
    fs::write(house.log(), minutely(20).repeat(2) + &minutely(60)).unwrap();
    house.wait_until("that is told", |status| status.sources[0].replacements == 1);
    settle(&house);
    let records = end(&mut house);
    assert_eq!(sessions(&records), [20, 40, 20, 0, 1, 2, 3, 4, 20, 60]);
    let ids: Vec<String> = records
        .iter()
        .filter(|record| record.event.message.ends_with("session 0000020"))
        .map(|record| record.event.id.to_string())
        .collect();
    assert!(
        ids[0] != ids[1] && ids[1] == ids[2],
        "the second of the log is the one that was brought: {ids:?}"
    );
}

/// The newest of before is of the moment in which its like may be another, and nothing older stands before it.
#[test]
fn an_export_that_begins_with_the_newest_and_is_written_anew_repeats_no_more_than_that() {
    let export = |count: usize| {
        let rows: Vec<String> = (0..count).rev().map(minutely).collect();
        format!("[\n{}]\n", rows.join(","))
    };
    let (mut house, _) = followed(&export(20), std::iter::empty());
    for (round, count) in [23, 24].into_iter().enumerate() {
        fs::write(house.log(), export(count)).unwrap();
        house.wait_until("that is told", |status| status.sources[0].replacements > round as u64);
        settle(&house);
    }
    let read = sessions(&end(&mut house));
    let expected = (0..20).rev().chain([22, 21, 20, 19, 23, 22]);
    assert_eq!(read, expected.collect::<Vec<_>>());
}

#[test]
fn a_log_that_is_edited_while_the_agent_is_down_repeats_nothing() {
    let (mut house, _) = followed("", (0..40).map(minutely));
    house.kill();
    run("sed", &house, &["-i", "/session 0000010/d; s/session 0000020/session 0000720/"]);
    house.write_log(minutely(40).as_bytes());
    house.start();
    house.wait_until("that is told", |status| status.sources[0].replacements > 0);
    settle(&house);
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..40).chain([720, 40]).collect::<Vec<_>>());
}

#[test]
fn an_edit_that_is_undone_repeats_nothing() {
    let (mut house, _) = followed("", (0..40).map(minutely));
    let text = fs::read_to_string(house.log()).unwrap();
    run("sed", &house, &["-i", "/session 0000010/d; /session 0000020/d"]);
    house.wait_until("the edit is told", |status| status.sources[0].replacements == 1);
    let former = house.path("log/former");
    fs::write(&former, text + &minutely(40)).unwrap();
    fs::rename(&former, house.log()).unwrap();
    house.wait_until("that it is undone is told", |status| status.sources[0].replacements == 3);
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..41).collect::<Vec<_>>());
    let told: Vec<_> = told(&records).into_iter().map(|told| (told.1, told.4)).collect();
    assert_eq!(
        told,
        [("edited".to_owned(), 2 * LINE), ("edited".to_owned(), 0), ("rewritten".to_owned(), 2)]
    );
}

/// A sensor whose times are in seconds may write the same once more just after its log was cut.
#[test]
fn what_comes_just_after_a_cut_is_read_though_it_looks_like_what_came_before() {
    let (mut house, _) = followed("", (0..40).map(minutely));
    fs::write(house.log(), "").unwrap();
    house.wait_until("the cut is told", |status| status.sources[0].truncations == 1);
    house.write_log((minutely(39) + &minutely(40)).as_bytes());
    settle(&house);
    let records = end(&mut house);
    assert_eq!(sessions(&records), (0..40).chain([39, 40]).collect::<Vec<_>>());
    assert!(told(&records).is_empty());
}
