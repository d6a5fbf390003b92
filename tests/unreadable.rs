//! A log that nobody can read is forwarded as it is, from its first line on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::model::status::{SourceStatus, Status};
use std::fs::OpenOptions;
use std::io::Write;
use support::process::{House, entry, rotate};

/// Whether the source is as it should be; there is none before the agent has first looked.
fn source(wanted: impl Fn(&SourceStatus) -> bool) -> impl Fn(&Status) -> bool {
    move |status| status.sources.first().is_some_and(&wanted)
}

/// The texts of all entries, in order, and whether each was understood.
fn entries(house: &House) -> Vec<(String, bool)> {
    let mut rows = house.trail();
    rows.retain(|row| row["class"] != "agent");
    rows.sort_by_key(|row| row["seq"].as_u64());
    let text = |row: &serde_json::Value| match &row["raw"] {
        serde_json::Value::String(text) => text.clone(),
        raw => raw["content"].as_str().unwrap().to_owned(),
    };
    rows.iter().map(|row| (text(row), !row["flags"].to_string().contains("unparsed"))).collect()
}

#[test]
fn lines_in_no_known_language_are_kept_while_the_dialect_is_not_found() {
    let mut house = House::new();
    house.write_log(b"Feb 29 08:00:01 something else\n{\"a\":1}\n");
    house.start();
    house.wait_until("reads what nobody understands", source(|source| source.unparsed == 2));
    assert_eq!(house.status().unwrap().sources[0].dialect, "auto");
    house.write_log(entry(7).as_bytes());
    house.wait_until("finds the dialect", source(|source| source.dialect == "timeline-json"));
    assert_eq!(house.stop(), Some(0));
    let expected = ["Feb 29 08:00:01 something else", "{\"a\":1}", "User alice signed in, session 0000007"];
    let texts: Vec<String> = entries(&house).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, expected);
}

#[test]
fn a_file_that_is_rotated_before_its_dialect_is_found_is_kept_and_read_to_its_end() {
    let mut house = House::new();
    house.write_log(b"not a word of it\n");
    house.start();
    house.wait_until("reads the first file", source(|source| source.entries == 1));
    let mut old = OpenOptions::new().append(true).open(house.log()).unwrap();
    rotate(&house.log());
    old.write_all(b"nor of this\n").unwrap();
    house.wait_until("reads the late line", source(|source| source.entries == 2));
    assert_eq!(house.stop(), Some(0));
    let expected = [("not a word of it".to_owned(), false), ("nor of this".to_owned(), false)];
    assert_eq!(entries(&house), expected);
}
