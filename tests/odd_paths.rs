//! The paths of logs that nobody expects: names that are no text, and ways that lead back to otrail itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::model::Action;
use otrail::model::status::{SourceStatus, Status};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use support::process::{House, entry};

/// A house with a second source, `others`, and its log, which is written once.
fn house(path: &Path) -> House {
    let mut house = House::new();
    let path = house.path(path.to_str().unwrap());
    house.set(&format!("[[source]]\nname = \"others\"\npath = {path:?}"));
    house.write_log(entry(1).as_bytes());
    house
}

fn others(wanted: impl Fn(&SourceStatus) -> bool) -> impl Fn(&Status) -> bool {
    move |status| status.sources.get(1).is_some_and(&wanted)
}

fn messages(house: &House, source: &str) -> Vec<String> {
    let of_source = house
        .records()
        .into_iter()
        .filter(|record| &*record.event.source == source && record.position.is_some());
    of_source.map(|record| record.event.message.to_string()).collect()
}

#[test]
fn a_name_that_is_no_utf_8_ends_nothing_and_is_read_on_after_a_kill() {
    let mut house = house(Path::new("log/others/*"));
    fs::create_dir(house.path("log/others")).unwrap();
    let odd = house.path("log/others").join(OsStr::from_bytes(b"\xff\n.log"));
    let write = |number| {
        let mut log = OpenOptions::new().create(true).append(true).open(&odd).unwrap();
        log.write_all(entry(number).as_bytes()).unwrap();
    };
    write(2);
    house.start();
    house.wait_until("reads it", others(|source| source.entries == 1));
    house.kill();
    write(3);
    house.start();
    house.wait_until("reads it on", others(|source| source.entries == 1 && source.bytes_behind == 0));
    let shown = String::from_utf8(house.run(&["source", "show"]).stdout).unwrap();
    assert!(shown.contains("\u{fffd}\\n.log: followed"), "{shown}");
    assert_eq!(house.stop(), Some(0));
    assert_eq!(
        messages(&house, "others"),
        ["User alice signed in, session 0000002", "User alice signed in, session 0000003"]
    );
    let journal = fs::read_dir(house.path("state/journal")).unwrap().flatten();
    for file in journal.map(|file| file.path()).filter(|path| path.extension() == Some(OsStr::new("ndjson")))
    {
        for line in fs::read(&file).unwrap().split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let json = serde_json::from_slice::<serde_json::Value>(line);
            assert!(json.is_ok(), "{}", String::from_utf8_lossy(line));
        }
    }
}

#[test]
fn what_otrail_writes_is_not_read_by_whatever_way_it_is_reached() {
    let mut house = house(Path::new("way/*"));
    house.start();
    house.wait_until("reads the log", |status| status.sources.first().is_some_and(|it| it.entries == 1));
    symlink("state/journal", house.path("way")).unwrap();
    house.wait_until("says so", others(|source| source.error.contains("in the state directory of otrail")));
    let checked = String::from_utf8(house.run(&["check"]).stdout).unwrap();
    assert!(checked.contains("are in the state directory of otrail"), "{checked}");
    assert_eq!(house.stop(), Some(0));
    assert!(messages(&house, "others").is_empty());
    let told = house.records().into_iter().map(|record| record.event);
    let told: Vec<_> = told.filter(|event| event.message.contains("what it writes itself")).collect();
    assert_eq!(told.iter().map(|event| event.action).collect::<Vec<_>>(), [Action::SOURCE_MISSING]);
}
