//! The life of a log: it is missing, appears, is rotated, is cut; its last line waits for its end.

use super::frames::{frames_of, records_of};
use super::support::process::{House, entry, rotate};
use super::support::receiver::Receiver;
use std::fs::{self, OpenOptions};
use std::io::Write;

fn house() -> (House, Receiver) {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    (house, receiver)
}

/// The trail and the receiver have exactly these entries, in this order, each once.
fn check(house: &House, receiver: &Receiver, numbers: &[usize]) {
    let expected: Vec<String> = numbers.iter().map(|&number| entry(number).trim_end().to_owned()).collect();
    let records = records_of(house, "timeline");
    let found: Vec<String> = records.iter().map(|row| String::from_utf8(row.raw.clone()).unwrap()).collect();
    assert_eq!(found, expected);
    let messages: Vec<String> =
        frames_of(receiver, "timeline").into_iter().map(|told| told.message).collect();
    let sessions: Vec<String> = numbers.iter().map(|number| format!("session {number:07}")).collect();
    assert_eq!(messages.len(), sessions.len());
    assert!(
        messages.iter().zip(&sessions).all(|(message, session)| message.ends_with(session)),
        "{messages:?}"
    );
}

#[test]
fn a_last_line_waits_for_its_end() {
    let (mut house, receiver) = house();
    let second = entry(1);
    let (head, tail) = second.split_at(60);
    house.write_log(entry(0).as_bytes());
    house.write_log(head.as_bytes());
    house.start();
    house.wait_until("the first is delivered", |status| {
        receiver.has("session 0000000") && status.sources[0].bytes_behind == head.len() as u64
    });
    house.kill();
    house.start();
    let waiting = house.wait_until("the half is seen again", |status| {
        status.sources[0].bytes_behind == head.len() as u64 && status.sources[0].offset > 0
    });
    assert_eq!(waiting.sources[0].entries, 0);
    house.write_log(tail.as_bytes());
    house.wait_until("the second is delivered", |status| {
        receiver.has("session 0000001") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    let records = records_of(&house, "timeline");
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].raw, entry(1).trim_end().as_bytes());
}

#[test]
fn a_renamed_log_is_read_to_its_end_with_what_a_late_writer_adds() {
    let (mut house, receiver) = house();
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("the first is delivered", |_| receiver.has("session 0000000"));
    let mut late = OpenOptions::new().append(true).open(house.log()).unwrap();
    rotate(&house.log());
    house.write_log(entry(3).as_bytes());
    house.wait_until("the new file is read", |_| receiver.has("session 0000003"));
    late.write_all(entry(1).as_bytes()).unwrap();
    house.wait_until("the late one is read", |_| receiver.has("session 0000001"));
    late.write_all(entry(2).trim_end().as_bytes()).unwrap();
    drop(late);
    // Nobody ends this line any more: it is taken when the file is left.
    let status = house.wait_until("the last line is taken", |status| {
        receiver.has("session 0000002") && status.destinations[0].lag_records == 0
    });
    assert_eq!((status.sources[0].rotations, status.sources[0].truncations), (1, 0));
    assert_eq!(house.stop(), Some(0));
    check(&house, &receiver, &[0, 3, 1, 2]);
    let records = records_of(&house, "timeline");
    assert!(records[3].json["flags"].to_string().contains("no-newline"), "{:?}", records[3]);
    assert_eq!(receiver.count("OTA-9022"), 1);
}

#[test]
fn files_rotated_while_nobody_looked_are_read_in_order() {
    let (mut house, receiver) = house();
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("the first is delivered", |_| receiver.has("session 0000000"));
    assert_eq!(house.stop(), Some(0));
    for number in 1..4 {
        house.write_log(entry(number).as_bytes());
        rotate(&house.log());
    }
    fs::write(house.path("log/operations.ndjson.lock"), entry(50)).unwrap();
    fs::write(house.path("log/other.ndjson.1"), entry(51)).unwrap();
    house.write_log(entry(4).as_bytes());
    house.start();
    house.wait_until("all are delivered", |status| {
        receiver.has("session 0000004") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    check(&house, &receiver, &[0, 1, 2, 3, 4]);
}

#[test]
fn a_log_that_is_cut_is_told_and_read_from_its_beginning() {
    let (mut house, receiver) = house();
    house.write_log((0..10).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("all are delivered", |_| receiver.has("session 0000009"));
    let file = OpenOptions::new().write(true).open(house.log()).unwrap();
    file.set_len(0).unwrap();
    house.wait_until("the cut is noticed", |status| {
        status.sources[0].truncations == 1 && receiver.has("OTA-9023")
    });
    house.write_log(entry(10).as_bytes());
    house.wait_until("reading goes on", |_| receiver.has("session 0000010"));
    // Cut and grown past the old place between two looks: the bytes before it are others now.
    house.signal(nix::sys::signal::Signal::SIGSTOP);
    file.set_len(0).unwrap();
    house.write_log((20..40).map(entry).collect::<String>().as_bytes());
    house.signal(nix::sys::signal::Signal::SIGCONT);
    house.wait_until("the second cut is noticed", |status| {
        status.sources[0].truncations == 2
            && receiver.has("session 0000039")
            && receiver.count("OTA-9023") == 2
            && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    check(&house, &receiver, &(0..11).chain(20..40).collect::<Vec<_>>());
}

#[test]
fn a_log_that_is_cut_while_nobody_looks_is_read_from_its_beginning() {
    let (mut house, receiver) = house();
    house.write_log((0..10).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("all are delivered", |status| {
        receiver.has("session 0000009") && status.destinations[0].lag_records == 0
    });
    house.kill();
    fs::write(house.log(), (20..22).map(entry).collect::<String>()).unwrap();
    house.start();
    house.wait_until("the new ones are delivered", |status| {
        receiver.has("session 0000021") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    let records = records_of(&house, "timeline");
    let sessions: Vec<usize> = records.iter().map(|row| session(&row.raw)).collect();
    assert_eq!(sessions, (0..10).chain(20..22).collect::<Vec<_>>());
}

fn session(raw: &[u8]) -> usize {
    let text = std::str::from_utf8(raw).unwrap();
    let from = text.find("session ").unwrap() + 8;
    text[from..from + 7].parse().unwrap()
}

#[test]
fn a_missing_log_and_a_missing_folder_are_waited_for_and_told_once() {
    let (mut house, receiver) = house();
    let other = house.path("later/folder/other.ndjson");
    house.set(&format!("[[source]]\nname = \"other\"\npath = {other:?}"));
    house.start();
    let status = house.wait_until("both are missing", |status| {
        status.sources.iter().all(|source| source.state == "missing") && receiver.count("OTA-9020") == 2
    });
    assert!(!status.healthy, "{status:?}");
    house.write_log(entry(0).as_bytes());
    house.wait_until("the first has appeared", |status| {
        receiver.has("session 0000000")
            && receiver.count("OTA-9021") == 1
            && status.sources[1].state == "missing"
    });
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, entry(1)).unwrap();
    house.wait_until("the second has appeared", |status| {
        receiver.has("session 0000001") && receiver.count("OTA-9021") == 2 && status.healthy
    });
    fs::remove_file(&other).unwrap();
    house.wait_until("the second is gone", |_| receiver.count("OTA-9020") == 3);
    assert_eq!(house.stop(), Some(0));
    assert_eq!(receiver.count("OTA-9020"), 3, "each said once");
    assert_eq!((frames_of(&receiver, "timeline").len(), frames_of(&receiver, "other").len()), (1, 1));
}

#[test]
fn a_source_that_starts_at_the_end_leaves_out_only_what_was_there_before() {
    let (mut house, receiver) = house();
    let late = house.path("log/late.ndjson");
    fs::write(&late, (0..5).map(entry).collect::<String>() + &entry(5)[..50]).unwrap();
    house.set(&format!("[[source]]\nname = \"late\"\npath = {late:?}\nstart = \"end\""));
    house.write_log(entry(100).as_bytes());
    house.start();
    house.wait_until("both are open", |status| {
        receiver.has("session 0000100")
            && status.sources[1].offset > 0
            && status.sources[1].state == "reading"
    });
    house.kill();
    let mut file = OpenOptions::new().append(true).open(&late).unwrap();
    file.write_all(&entry(5).as_bytes()[50..]).unwrap();
    file.write_all(entry(6).as_bytes()).unwrap();
    house.start();
    house.wait_until("the new ones are delivered", |status| {
        receiver.has("session 0000006") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    let sessions: Vec<usize> = records_of(&house, "late").iter().map(|row| session(&row.raw)).collect();
    assert_eq!(sessions, [5, 6], "a line that was half there is new");
}

#[test]
fn the_last_entry_of_a_text_log_does_not_wait_for_the_next() {
    let (mut house, receiver) = house();
    house.write_log(b"2024-02-29 07:58:40,118 [main] INFO AUDIT- Login. User: admin\n");
    house.write_log(b"2024-02-29 07:58:41,118 [main] INFO AUDIT- Login. User: last\n  and more of it\n");
    house.start();
    house.wait_until("the last is delivered", |status| {
        receiver.has("and more of it") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    let records = records_of(&house, "timeline");
    assert_eq!(records.len(), 2);
    assert!(records[1].raw.ends_with(b"User: last\n  and more of it"));
}
