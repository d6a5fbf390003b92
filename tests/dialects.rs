//! Logs that are more than lines, read by the real agent: CSV, arrays, UTF-16, files that change their mind.

mod support;

use otrail::model::status::{SourceStatus, Status};
use otrail::model::{Action, Flag, Record};
use std::collections::HashSet;
use std::fs;
use support::process::{House, entry, rotate};

/// Whether the source is as it should be; there is none before the agent has first looked.
fn source(wanted: impl Fn(&SourceStatus) -> bool) -> impl Fn(&Status) -> bool {
    move |status| status.sources.first().is_some_and(&wanted)
}

/// The records of entries, in the order of the journal.
fn records(house: &House) -> Vec<Record> {
    let mut records = house.records();
    records.retain(|record| record.position.is_some());
    records
}

fn messages(house: &House) -> Vec<String> {
    records(house).into_iter().map(|record| record.event.message.to_string()).collect()
}

/// How often otrail has told of a change of the dialect.
fn changes(house: &House) -> usize {
    house.records().iter().filter(|record| record.event.action == Action::DIALECT_CHANGED).count()
}

fn row(number: usize, delimiter: char) -> String {
    let time = format!("2024-02-29 07:58:{:02}", number % 60);
    [&time, "USER_OPERATION", &format!("\"User admin logged in,\n\ttry {number}\"\n")]
        .join(&delimiter.to_string())
}

#[test]
fn a_csv_file_is_read_on_in_the_middle_after_a_kill_and_from_a_header_of_its_own_after_a_rotation() {
    let mut house = House::new();
    let quarter = |from| (from..from + 10).map(|number| row(number, ',')).collect::<String>();
    house.write_log(format!("Timestamp,Type,Content\n{}", quarter(0)).as_bytes());
    house.start();
    house.wait_until("reads the rows", source(|source| source.entries == 10));
    house.kill();
    house.write_log(&quarter(10).as_bytes()[..30]);
    house.start();
    house.wait_until("is there", source(|source| source.state == "reading"));
    house.write_log(&quarter(10).as_bytes()[30..]);
    house.wait_until("reads on", source(|source| source.entries == 10 && source.dialect == "timeline-csv"));
    house.kill();
    house.write_log(quarter(20).as_bytes());
    rotate(&house.log());
    let semicolons: String = (30..40).map(|number| row(number, ';')).collect();
    house.write_log(format!("Time;Event type;Description\n{semicolons}").as_bytes());
    house.start();
    house.wait_until("reads both", source(|source| source.entries == 20));
    assert_eq!(house.stop(), Some(0));
    let expected: Vec<String> =
        (0..40).map(|number| format!("User admin logged in,\n\ttry {number}")).collect();
    assert_eq!(messages(&house), expected);
    let read =
        |record: &Record| record.event.user.is_some() && record.event.time.to_string().starts_with("2024");
    assert!(records(&house).iter().all(read));
    assert_eq!(changes(&house), 0);
}

#[test]
fn utf_16_is_read_on_in_the_middle_of_a_file_with_a_mark_or_without() {
    for mark in ["\u{FEFF}", ""] {
        let mut house = House::new();
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        house.write_log(&wide(&format!("{mark}Timestamp\tType\tContent\n{}", row(0, '\t'))));
        house.start();
        house.wait_until("reads a row", source(|source| source.entries == 1));
        house.kill();
        house.write_log(&wide(&row(1, '\t')));
        house.start();
        house.wait_until("reads on", source(|source| source.entries == 1));
        assert_eq!(house.stop(), Some(0));
        let records = records(&house);
        assert_eq!(records.len(), 2);
        assert!(records.iter().all(|record| record.event.flags.contains(Flag::UTF_16LE)));
        assert!(records.iter().all(|record| !record.event.flags.contains(Flag::UNPARSED)));
    }
}

#[test]
fn an_array_is_read_while_it_grows_and_an_element_over_the_limit_costs_nothing_but_its_end() {
    let mut house = House::new();
    let element = |number| entry(number).trim().replace(",\"", ",\n  \"");
    let long = format!("{{\"type\":\"USER_LOGIN\",\"content\":\"long {}\"}}", "x},{".repeat(900_000));
    house.write_log(format!("[\n  {},\n  {}", element(0), &long[..1000]).as_bytes());
    house.start();
    house.wait_until("reads the first", source(|source| source.entries == 1));
    house.kill();
    house.write_log(format!("{},\n  {},", &long[1000..], element(1)).as_bytes());
    house.start();
    house.wait_until("reads on", source(|source| source.entries == 2 && source.truncated == 1));
    house.write_log(format!("{}\n]\n{}", element(2), entry(3)).as_bytes());
    house.wait_until("reads the rest", source(|source| source.entries == 4));
    assert_eq!(house.stop(), Some(0));
    let messages = messages(&house);
    assert_eq!(messages.len(), 5);
    for (message, number) in messages.iter().filter(|message| message.starts_with("User")).zip(0..) {
        assert_eq!(*message, format!("User alice signed in, session {number:07}"));
    }
}

#[test]
fn objects_side_by_side_are_events_of_their_own_and_none_is_lost_or_repeated_by_a_kill_between_them() {
    let mut house = House::new();
    let object = |number: usize| entry(number).trim().to_owned();
    let untimed = r#"{"type":"USER_OPERATION","content":"User admin logged in"}"#;
    house.write_log(format!("{}{} {untimed},{}", object(0), object(1), &object(2)[..40]).as_bytes());
    house.start();
    house.wait_until("reads three", source(|source| source.entries == 3));
    house.kill();
    house.write_log(format!("{}{untimed} , {untimed}\n{}", &object(2)[40..], object(3)).as_bytes());
    house.start();
    house.wait_until("reads on", source(|source| source.entries == 3));
    house.write_log(format!("{}\n", object(4)).as_bytes());
    house.wait_until("reads what follows it", source(|source| source.entries == 5));
    assert_eq!(house.stop(), Some(0));
    let records = records(&house);
    let said = |number: usize| format!("User alice signed in, session {number:07}");
    let admin = "User admin logged in".to_owned();
    let wanted = [said(0), said(1), admin.clone(), said(2), admin.clone(), admin, said(3), said(4)];
    assert!(records.iter().map(|record| record.event.message.as_str()).eq(wanted));
    let ids: HashSet<_> = records.iter().map(|record| record.event.id).collect();
    let places: HashSet<_> = records.iter().map(|record| record.position.unwrap().offset).collect();
    assert_eq!((ids.len(), places.len()), (8, 8));
    assert_eq!(String::from_utf8_lossy(records[1].event.raw.bytes()), object(1));
}

#[test]
fn an_object_over_several_lines_and_a_page_are_read_while_they_are_written() {
    let mut house = House::new();
    let pretty = |number: usize| entry(number).trim().replace(",\"", ",\n  \"");
    house.write_log(format!("{}\n{}", pretty(0), &pretty(1)[..60]).as_bytes());
    house.start();
    house.wait_until("reads the first", source(|source| source.entries == 1));
    house.kill();
    house.start();
    house.wait_until("is there", source(|source| source.state == "reading"));
    house.write_log(format!("{}\n{{\"value\":[{},", &pretty(1)[60..], pretty(2)).as_bytes());
    house.wait_until("reads on", source(|source| source.entries == 2));
    house.kill();
    house.write_log(format!("{}],\"nextLink\":null}}{{\"value\":[{}", entry(3).trim(), entry(4)).as_bytes());
    house.start();
    house.wait_until("reads two pages", source(|source| source.entries == 2));
    house.write_log(format!("]}}\n{}", entry(5)).as_bytes());
    house.wait_until("reads a line", source(|source| source.entries == 3));
    assert_eq!(house.stop(), Some(0));
    let records = records(&house);
    let wanted = (0..6).map(|number| format!("User alice signed in, session {number:07}"));
    assert!(records.iter().map(|record| record.event.message.to_string()).eq(wanted));
    assert!(records.iter().all(|record| !record.event.flags.contains(Flag::UNPARSED)));
    assert_eq!(String::from_utf8_lossy(records[1].event.raw.bytes()), pretty(1));
}

#[test]
fn a_file_that_changes_its_mind_is_read_in_the_other_dialect_and_that_is_told() {
    let mut house = House::new();
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("finds the dialect", source(|source| source.dialect == "timeline-json"));
    house.write_log(format!("Timestamp,Type,Content\n{}{}{}", row(1, ','), entry(2), row(3, ',')).as_bytes());
    let status = house.wait_until("reads rows", source(|source| source.entries == 4));
    assert_eq!(status.sources[0].dialect, "timeline-csv");
    assert!(status.sources[0].dialect_reason.contains("no timeline-json any more"), "{status:?}");
    house.kill();
    house.write_log(row(4, ',').as_bytes());
    house.start();
    house.wait_until("reads on", source(|source| source.entries == 1));
    assert_eq!(house.stop(), Some(0));
    let records = records(&house);
    let numbers: Vec<char> =
        records.iter().filter_map(|record| record.event.message.chars().last()).collect();
    assert_eq!(numbers, ['0', '1', '2', '3', '4']);
    assert!(records.iter().all(|record| !record.event.flags.contains(Flag::TIME_ASSUMED)));
    assert_eq!(changes(&house), 1, "one for all that came at once");
}

#[test]
fn an_unclosed_quote_and_a_line_without_end_cost_no_more_than_themselves() {
    let mut house = House::new();
    let lines = "2024-02-29 07:58:40,USER_OPERATION,User admin logged in\n".repeat(20_000);
    let log = format!("Timestamp,Type,Content\n2024-02-29 07:58:40,USER_OPERATION,\"User\n{lines}");
    fs::write(house.log(), log).unwrap();
    house.start();
    house.wait_until("reads all", source(|source| source.entries == 20_001));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(
        records(&house).iter().filter(|record| record.event.flags.contains(Flag::UNPARSED)).count(),
        1
    );
}
