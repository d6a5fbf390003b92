//! An admin looks at the position of a source and changes it, through the real agent.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::model::act::{FilePlace, Moved, SourcePlaces};
use otrail::model::{Action, EventId, Record};
use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};
use support::process::{House, entry, rotate};

/// Runs `otrail source ...` and returns its exit code and what it says.
fn source(house: &House, args: &[&str]) -> (Option<i32>, String) {
    let output = house.run(&[&["source"], args].concat());
    (output.status.code(), said(&output))
}

fn said(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].concat().iter().map(|&byte| char::from(byte)).collect()
}

/// A reset that is done, as JSON tells it.
fn reset(house: &House, args: &[&str]) -> Moved {
    let args = [&["reset", "timeline", "--yes", "-o", "json"], args].concat();
    let (code, said) = source(house, &args);
    assert_eq!(code, Some(0), "{said}");
    serde_json::from_str(&said).unwrap()
}

fn places(house: &House) -> Vec<FilePlace> {
    let (code, said) = source(house, &["show", "timeline", "-o", "json"]);
    assert_eq!(code, Some(0), "{said}");
    let mut sources: Vec<SourcePlaces> = serde_json::from_str(&said).unwrap();
    sources.remove(0).files
}

fn append(house: &House, numbers: std::ops::Range<usize>) {
    house.write_log(numbers.map(entry).collect::<String>().as_bytes());
}

/// A house whose agent has read so many entries.
fn reading(entries: usize) -> House {
    let mut house = House::new();
    append(&house, 0..entries);
    house.start();
    wait(&house, entries as u64);
    house
}

fn wait(house: &House, entries: u64) {
    house.wait_until("reads", |status| {
        status.sources[0].entries == entries && status.sources[0].bytes_behind == 0
    });
}

/// The ids of all entries in the order of the journal, a list for each time that a position was changed.
fn ids(house: &House) -> Vec<Vec<EventId>> {
    let mut lists = vec![Vec::new()];
    for record in house.records() {
        match record {
            Record { event, .. } if event.action == Action::POSITION_RESET => lists.push(Vec::new()),
            Record { position: Some(_), event, .. } => lists.last_mut().unwrap().push(event.id),
            _ => {}
        }
    }
    lists
}

#[test]
fn going_back_repeats_every_event_under_its_id_also_through_a_kill() {
    let mut house = House::new();
    // Entries that are alike in everything get ids by their order.
    let lines: Vec<String> = (0..2_000).map(|number| entry(number / 3)).collect();
    house.write_log(lines.concat().as_bytes());
    house.start();
    wait(&house, 2_000);
    let length = fs::metadata(house.log()).unwrap().len();
    let moved = reset(&house, &["--to", "beginning"]);
    assert_eq!((moved.from, moved.to, moved.again_bytes, moved.skipped_bytes), (length, 0, length, 0));
    assert!(moved.done && moved.changes && !moved.taken_back);
    house.kill();
    house.start();
    house.wait_until("reads all again", |status| status.sources[0].offset == length);
    house.write_log(lines[1999].as_bytes());
    house.wait_until("reads on", |status| status.sources[0].offset > length);
    // From the middle, within a line.
    let middle = lines[..1_000].concat().len() as u64;
    let moved = reset(&house, &["--to", &(middle + 5).to_string()]);
    assert_eq!((moved.to, moved.taken_back), (middle, true));
    house.wait_until("reads half again", |status| status.sources[0].offset > length);
    assert_eq!(house.stop(), Some(0));
    let lists = ids(&house);
    let [first, second, third] = lists.as_slice() else { panic!("{} lists", lists.len()) };
    assert_eq!(first.len(), 2_000);
    assert!(second[..2_000] == *first, "other ids");
    assert!(!first.contains(&second[2_000]), "a new entry has a new id");
    assert!(*third == second[1_000..], "other ids");
}

#[test]
fn whoever_changes_a_position_is_in_the_trail_with_it() {
    let mut house = House::new();
    house.set("sensor = \"cell-4\"");
    append(&house, 0..10);
    house.start();
    wait(&house, 10);
    let length = fs::metadata(house.log()).unwrap().len();
    let place = entry(0).len() as u64;
    let output = house
        .otrail()
        .args(["source", "reset", "timeline", "--yes", "--to", &place.to_string()])
        .env("SUDO_USER", "carol")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    wait(&house, 19);
    assert_eq!(house.status().unwrap().sources[0].resets, 1);
    assert_eq!(house.stop(), Some(0));
    let records = house.records();
    let record = records.iter().find(|record| record.event.action == Action::POSITION_RESET).unwrap();
    let event = &record.event;
    assert_eq!(event.sensor, "cell-4", "that of the source, not of the config");
    let uid = nix::unistd::geteuid();
    assert!(event.message.contains(&format!("(uid {uid}, pid ")), "{}", event.message);
    assert!(
        event.message.contains(", by its own word carol before sudo, had the position"),
        "{}",
        event.message
    );
    assert!(
        event.message.ends_with(&format!("{} bytes are read again", length - place)),
        "{}",
        event.message
    );
    assert_eq!(event.reason.as_deref(), Some("read again"));
    assert_eq!(
        (event.old.as_deref(), event.new.as_deref()),
        (Some(&*length.to_string()), Some(&*place.to_string()))
    );
    assert_eq!(event.count, Some(length - place));
    assert_eq!(event.target.as_ref().unwrap().name.as_deref(), Some("timeline"));
    // The event and the position are one record.
    assert_eq!(record.position.unwrap().offset, place);
}

#[test]
fn what_is_passed_over_is_told_with_its_bytes_and_counted() {
    let mut house = House::new();
    let element = |number| entry(number).trim_end().to_owned();
    // An element that nobody will ever end.
    let begun = "{\"timestamp\":1,\n\"type\":\n";
    house.write_log(format!("[{},\n{begun}", element(0)).as_bytes());
    house.start();
    house.wait_until("reads", |status| status.sources[0].entries == 1 && status.sources[0].bytes_behind > 0);
    let moved = reset(&house, &["--to", "end"]);
    assert_eq!(moved.skipped_bytes, begun.len() as u64);
    house.write_log(format!("{},\n{}]\n", element(1), element(2)).as_bytes());
    wait(&house, 3);
    let status = house.status().unwrap();
    assert_eq!((status.sources[0].gaps.skipped, status.sources[0].unparsed), (1, 0));
    let shown = said(&house.run(&["status"]));
    assert!(shown.contains("1 skipped by an admin: something may be lost"), "{shown}");
    assert_eq!(house.stop(), Some(0));
    let events: Vec<_> = house.records().into_iter().map(|record| record.event).collect();
    let told = events.iter().find(|event| event.action == Action::POSITION_RESET).unwrap();
    assert_eq!((told.count, told.reason.as_deref()), (Some(moved.skipped_bytes), Some("passed over")));
    let users = events.iter().filter(|event| event.user.as_deref() == Some("alice")).count();
    assert_eq!(users, 3);
}

#[test]
fn without_yes_nothing_is_changed_and_what_would_be_is_said() {
    let mut house = reading(5);
    let (code, said) = source(&house, &["reset", "timeline", "--to", "beginning"]);
    let length = fs::metadata(house.log()).unwrap().len();
    let log = house.log();
    let would = format!(
        "{} is read from byte 0 on, not from byte {length}: {length} bytes are read again\n\
         nothing has been changed; --yes does it\n",
        log.display()
    );
    assert_eq!((code, said), (Some(1), would));
    let (code, said) = source(&house, &["reset", "timeline", "--yes", "--to", "end"]);
    assert_eq!(code, Some(0));
    assert!(said.ends_with("already: nothing changes\nnothing has been changed\n"), "{said}");
    append(&house, 5..6);
    wait(&house, 6);
    assert_eq!(house.stop(), Some(0));
    assert_eq!(ids(&house).len(), 1);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_way_out() {
    let mut house = reading(5);
    let length = fs::metadata(house.log()).unwrap().len();
    fs::write(house.path("log/other"), entry(9)).unwrap();
    fs::write(house.path("secret"), entry(9)).unwrap();
    let (other, secret) = (house.path("log/other"), house.path("secret"));
    let nothing = house.path("log/operations.ndjson.1");
    let beyond = (length + 1).to_string();
    for (args, code, told) in [
        (
            &["reset", "tymeline", "--yes", "--to", "end"][..],
            2,
            "there is no source tymeline; there is timeline",
        ),
        (&["show", "tymeline"], 2, "there is no source tymeline; there is timeline"),
        (&["reset", "timeline", "--yes", "--to", &beyond], 1, "ends before byte"),
        (
            &["reset", "timeline", "--yes", "--to", "end", "--file", other.to_str().unwrap()],
            1,
            "is no file of source timeline",
        ),
        (
            &["reset", "timeline", "--yes", "--to", "end", "--file", secret.to_str().unwrap()],
            1,
            "is no file of source timeline",
        ),
        (
            &["reset", "timeline", "--yes", "--to", "end", "--file", nothing.to_str().unwrap()],
            1,
            "cannot read",
        ),
        (&["reset", "timeline", "--to", "yesterday"], 2, "write beginning, end or a number of bytes"),
        (&["reset", "timeline", "--yes"], 2, "--to"),
    ] {
        let (found, said) = source(&house, args);
        assert_eq!(found, Some(code), "{args:?}: {said}");
        assert!(said.contains(told), "{args:?}: {said}");
    }
    assert_eq!(house.stop(), Some(0));
    assert_eq!(ids(&house).len(), 1);
    let (code, said) = source(&house, &["reset", "timeline", "--yes", "--to", "end"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("no agent answers on"), "{said}");
}

#[test]
fn a_rotated_file_is_read_again_alone_also_a_compressed_one_and_one_from_before() {
    let mut house = House::new();
    // Rotated before otrail came.
    append(&house, 100..110);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(house.log()).unwrap().set_modified(hour_ago).unwrap();
    rotate(&house.log());
    append(&house, 0..10);
    house.start();
    wait(&house, 10);
    rotate(&house.log());
    append(&house, 10..20);
    wait(&house, 20);
    house.wait_until("leaves the rotated one", |status| status.sources[0].files.len() == 1);
    let packed = house.path("log/operations.ndjson.1.gz");
    let former = house.path("log/operations.ndjson.1");
    fs::write(&packed, Command::new("gzip").arg("-c").arg(&former).output().unwrap().stdout).unwrap();
    fs::remove_file(&former).unwrap();
    let moved = reset(&house, &["--to", "beginning", "--file", packed.to_str().unwrap()]);
    assert!(!moved.is_new && moved.again_bytes > 0, "{moved:?}");
    wait(&house, 30);
    let before = house.path("log/operations.ndjson.2");
    let moved = reset(&house, &["--to", "beginning", "--file", before.to_str().unwrap()]);
    assert!(moved.is_new && moved.again_bytes == 0, "{moved:?}");
    wait(&house, 40);
    // A rotation meanwhile does not bring in what was not asked for.
    append(&house, 20..30);
    rotate(&house.log());
    append(&house, 30..40);
    wait(&house, 60);
    let files = places(&house);
    assert_eq!(files.iter().map(|file| file.number.0).collect::<Vec<_>>(), [1, 2, 3, 4], "{files:?}");
    assert!(files[3].open && !files[3].finished && files[3].head_bytes > 0, "{files:?}");
    assert_eq!(house.stop(), Some(0));
    let lists = ids(&house);
    let [first, second, third] = lists.as_slice() else { panic!("{} lists", lists.len()) };
    assert_eq!((first.len(), third.len()), (20, 30));
    assert_eq!(second[..], first[..10]);
    assert!(third.iter().all(|id| !first.contains(id)));
}

#[test]
fn of_several_logs_one_has_to_be_named() {
    let mut house = House::new();
    let other = house.path("log/operations.ndjson");
    let second = house.path("more.log");
    fs::write(&second, entry(7)).unwrap();
    house.set(&format!("[[source]]\nname = \"more\"\npath = {:?}\n", house.path("*.log")));
    fs::write(house.path("third.log"), entry(8)).unwrap();
    fs::write(&other, entry(1)).unwrap();
    house.start();
    house.wait_until("reads", |status| status.sources.iter().map(|source| source.entries).sum::<u64>() >= 3);
    let (code, said) = source(&house, &["reset", "more", "--yes", "--to", "beginning"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("say which with --file") && said.contains("third.log"), "{said}");
    let file = second.to_str().unwrap();
    let (code, said) = source(&house, &["reset", "more", "--yes", "--to", "beginning", "--file", file]);
    assert_eq!(code, Some(0), "{said}");
    let (_, shown) = source(&house, &["show"]);
    assert!(shown.contains("source timeline: ") && shown.contains("source more: "), "{shown}");
    assert_eq!(house.stop(), Some(0));
}

/// A record says where the log was read to, not how many entries before it were passed over.
#[test]
fn what_was_passed_over_between_records_is_counted_over_a_restart() {
    let mut house = House::new();
    let network = "{\"timestamp\":1709193520000,\"type\":\"DEVICE_CREATE\",\"content\":\"PLC stopped\"}\n";
    let mixed: String = (0..10).map(|number| network.to_owned() + &entry(number)).collect();
    house.write_log(mixed.as_bytes());
    house.start();
    wait(&house, 20);
    assert_eq!(house.stop(), Some(0));
    house.start();
    wait(&house, 0);
    let counts = |file: &FilePlace| (file.entries, file.passed_over);
    assert_eq!(places(&house).iter().map(counts).collect::<Vec<_>>(), [(20, 10)]);
    house.write_log([network, &entry(10)].concat().as_bytes());
    wait(&house, 2);
    assert_eq!(house.stop(), Some(0));
    house.start();
    wait(&house, 0);
    assert_eq!(places(&house).iter().map(counts).collect::<Vec<_>>(), [(22, 11)]);
    assert_eq!(house.stop(), Some(0));
}

/// What the log was rotated to before otrail came: the agent says what has it read, and that does it.
#[test]
fn what_was_rotated_before_the_first_start_is_read_by_the_commands_that_are_told() {
    let mut house = House::new();
    let log = house.log();
    let name = |more: &str| log.with_file_name(format!("operations.ndjson{more}"));
    for (numbers, former, day) in [(0..10, ".3.zst", 1), (10..20, ".2 of Kim's", 2), (20..30, ".1", 3)] {
        let text = numbers.map(entry).collect::<String>();
        let text = if former.ends_with(".zst") {
            zstd::encode_all(text.as_bytes(), 1).unwrap()
        } else {
            text.into_bytes()
        };
        fs::write(name(former), text).unwrap();
        let file = fs::File::options().write(true).open(name(former)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * day)).unwrap();
    }
    append(&house, 30..40);
    house.start();
    wait(&house, 10);
    let told = house.said();
    assert!(told.contains("3 files that"), "{told}");
    let commands: Vec<&str> =
        told.lines().filter_map(|line| line.split_once("otrail source reset ")).map(|it| it.1).collect();
    assert_eq!(commands.len(), 3, "{told}");
    for (at, command) in commands.iter().enumerate() {
        // As an admin has it done who takes the line as it is.
        let otrail = format!("{:?} -c {:?}", env!("CARGO_BIN_EXE_otrail"), house.config());
        let output =
            Command::new("sh").args(["-c", &format!("{otrail} source reset {command}")]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        wait(&house, 20 + 10 * at as u64);
    }
    assert_eq!(house.stop(), Some(0));
    let sessions: Vec<String> = house
        .records()
        .into_iter()
        .filter_map(|record| {
            let at = record.event.message.split("session ").nth(1)?.get(..7)?.to_owned();
            record.position.map(|_| at)
        })
        .collect();
    let expected = (30..40).chain(0..30);
    assert_eq!(sessions, expected.map(|number| format!("{number:07}")).collect::<Vec<_>>());
    house.start();
    house.wait_until("runs again", |status| !status.sources.is_empty());
    assert_eq!(house.stop(), Some(0));
    assert_eq!(house.said().matches("before this first start").count(), 1, "{}", house.said());
}
