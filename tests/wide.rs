//! A log of JSON objects in UTF-16, as PowerShell's `>` and `Out-File` write it, through the real agent.

mod support;

use otrail::model::{Flag, Record};
use std::fs;
use support::process::{House, entry};

/// The text in UTF-16, the low byte first or the high one.
fn wide(text: &str, is_little: bool) -> Vec<u8> {
    let unit = |unit: u16| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(unit).collect()
}

fn line(number: usize) -> String {
    entry(number).replace("alice", "zoë").replace('\n', "\r\n")
}

#[test]
fn it_is_read_as_it_would_be_in_utf_8_also_over_a_restart_in_the_middle_of_a_character() {
    for is_little in [true, false] {
        for dialect in ["auto", "timeline-json"] {
            let mut house = House::new();
            house.set(&format!("dialect = {dialect:?}"));
            let text: String = (0..40).map(line).collect();
            let log = [&wide("\u{feff}", is_little)[..], &wide(&text, is_little)].concat();
            // Within an entry, and between the two bytes of a unit.
            let at = 2 + wide(&(0..20).map(line).collect::<String>(), is_little).len() + 101;
            house.write_log(&log[..at]);
            house.start();
            let read = house.wait_until("half is read", |status| status.sources[0].entries == 20);
            assert_eq!(read.sources[0].dialect, "timeline-json");
            house.kill();
            house.write_log(&log[at..]);
            house.start();
            house.wait_until("all is read", |status| {
                status.sources[0].entries == 20 && status.sources[0].offset == log.len() as u64
            });
            assert_eq!(house.stop(), Some(0));
            let records = house.records();
            let is_of_log = |record: &&Record| record.event.action.name() == "user.login";
            let of_log: Vec<&Record> = records.iter().filter(is_of_log).collect();
            assert_eq!(of_log.len(), 40, "{dialect}");
            let flag = if is_little { Flag::UTF_16LE } else { Flag::UTF_16BE };
            for (number, record) in of_log.iter().enumerate() {
                let event = &record.event;
                assert_eq!(event.user.as_deref(), Some("zoë"), "{event:?}");
                assert!(event.flags.contains(flag) && !event.flags.contains(Flag::UNPARSED), "{event:?}");
                // With the flag, that is every byte of the entry.
                let raw = wide(std::str::from_utf8(event.raw.bytes()).unwrap(), is_little);
                assert_eq!(raw, wide(line(number).trim_end(), is_little));
                let end = usize::try_from(record.position.unwrap().offset).unwrap();
                let begin = end - raw.len() - wide("\r\n", is_little).len();
                assert_eq!(log[begin..begin + raw.len()], raw);
            }
            assert_eq!(fs::metadata(house.log()).unwrap().len(), log.len() as u64);
        }
    }
}
