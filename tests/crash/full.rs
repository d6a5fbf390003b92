//! A full disk: reading pauses, that is told, nothing is dropped, and it goes on when there is room again.

use super::folder;
use super::sample::{entries, read};
use super::support::disk::mount;
use super::support::process::{House, entry};
use super::support::receiver::Receiver;
use super::support::trail;
use otrail::journal::{FollowedFile, Input, Journal, Settings};
use otrail::model::{Action, Event, FileNo, Outcome, Time};
use std::collections::BTreeMap;
use std::path::Path;

fn settings(dir: &Path, reserve_bytes: u64) -> Settings {
    Settings { segment_bytes_max: 64 << 10, reserve_bytes, ..trail::journal_settings(dir) }
}

/// The file whose entries the tests append.
fn followed() -> Input {
    let file = FollowedFile { number: FileNo(1), source: "timeline".into(), ..FollowedFile::default() };
    Input { files: vec![file], ..Input::default() }
}

/// Appends batches of entries as the collector does: not while the journal is paused.
struct Feeder {
    journal: Journal,
    next: u64,
}

impl Feeder {
    fn new(journal: Journal) -> Feeder {
        let feeder = Feeder { journal, next: 1 };
        feeder.give(followed());
        feeder
    }

    fn give(&self, input: Input) {
        match self.journal.append(input, Time::default()) {
            Ok(()) => {}
            Err(error) => assert!(error.is_full(), "{error}"),
        }
    }

    fn batch(&mut self, count: u64) {
        self.give(Input { drafts: entries(self.next..=self.next + count - 1), ..Input::default() });
        self.next += count;
    }
}

#[test]
fn a_disk_that_fills_up_at_any_place_costs_nothing() {
    let Some(disk) = mount(320 << 10) else { return };
    let mut tellings = 0;
    for pages in 0..40 {
        disk.clear();
        let dir = disk.path().join("state");
        let mut feeder = Feeder::new(Journal::open(settings(&dir, 32 << 10), Time::default()).unwrap());
        disk.fill_up_to(pages * 4096);
        for _ in 0..200 {
            if feeder.journal.is_paused() {
                break;
            }
            feeder.batch(25);
        }
        assert!(feeder.journal.is_paused(), "{pages} pages are no room for all");
        feeder.journal.note(heartbeat());
        let _ = feeder.journal.retry(Time::default());
        assert!(feeder.journal.is_paused() && feeder.journal.status().full, "{pages} pages");
        disk.make_room();
        feeder.journal.retry(Time::default()).unwrap();
        assert!(!feeder.journal.is_paused(), "{pages} pages");
        feeder.batch(3);
        let last = feeder.next - 1;
        drop(feeder);
        tellings += usize::from(whole(&dir, last, &format!("{pages} pages")));
    }
    assert!(tellings > 30, "the reserve is there to tell of it: {tellings} of 40 times");
}

/// Every entry is there once and in order; opening finds nothing wrong. Whether the full disk was told.
fn whole(dir: &Path, last: u64, what: &str) -> bool {
    let (records, damaged) = read(dir);
    assert_eq!((damaged, folder::chain_breaks(dir)), (0, 0), "{what}");
    let seqs: Vec<u64> = records.iter().map(|record| record.seq.0).collect();
    assert_eq!(seqs, (1..=records.len() as u64).collect::<Vec<_>>(), "{what}");
    let numbers: Vec<u64> =
        records.iter().filter_map(|record| record.position).map(|position| position.offset / 10).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{what}");
    let journal = Journal::open(settings(dir, 4096), Time::default()).unwrap();
    assert_eq!(super::sample::position(&journal), Some(last * 10), "{what}");
    let told: Vec<Outcome> = records
        .iter()
        .filter(|record| record.event.action == Action::DISK_FULL)
        .map(|record| record.event.outcome)
        .collect();
    told.contains(&Outcome::Failure) && told.contains(&Outcome::Success)
}

fn heartbeat() -> Event {
    Event::own(Action::HEARTBEAT, Outcome::Success, Time::default(), "x".repeat(5000))
}

#[test]
fn a_batch_that_comes_while_another_waits_for_space_is_kept_too() {
    let Some(disk) = mount(256 << 10) else { return };
    let dir = disk.path().join("state");
    let mut feeder = Feeder::new(Journal::open(settings(&dir, 4096), Time::default()).unwrap());
    feeder.batch(5);
    disk.fill_up_to(0);
    // Own events of other threads use up the room and the reserve while the collector is reading.
    for _ in 0..10 {
        feeder.journal.note(heartbeat());
    }
    for _ in 0..3 {
        feeder.batch(5);
    }
    assert!(feeder.journal.is_paused());
    disk.make_room();
    feeder.journal.retry(Time::default()).unwrap();
    feeder.batch(5);
    let last = feeder.next - 1;
    drop(feeder);
    whole(&dir, last, "entries between own events");
}

#[test]
fn an_event_that_waits_for_space_is_not_counted_as_held_back() {
    let Some(disk) = mount(256 << 10) else { return };
    let dir = disk.path().join("state");
    let journal = Journal::open(settings(&dir, 4096), Time::default()).unwrap();
    disk.fill_up_to(0);
    let noted = 20_u64;
    for _ in 0..noted {
        journal.note(heartbeat());
    }
    // What cannot be told now is told later, with the same number.
    journal.note_suppressed(Time::default());
    journal.note_suppressed(Time::default());
    disk.make_room();
    journal.retry(Time::default()).unwrap();
    journal.note_suppressed(Time::default());
    drop(journal);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for record in read(&dir).0 {
        *counts.entry(record.event.action.name()).or_default() += record.event.count.unwrap_or(1);
    }
    assert_eq!(counts["agent.heartbeat"] + counts["agent.events_suppressed"], noted, "{counts:?}");
}

#[test]
fn a_journal_opened_on_a_full_disk_is_paused_and_tells_that() {
    let Some(disk) = mount(256 << 10) else { return };
    let dir = disk.path().join("state");
    let mut feeder = Feeder::new(Journal::open(settings(&dir, 32 << 10), Time::default()).unwrap());
    feeder.batch(5);
    drop(feeder.journal);
    std::fs::remove_file(dir.join("reserve")).unwrap();
    disk.fill_up_to(8 << 10);
    let journal = Journal::open(settings(&dir, 32 << 10), Time::default()).unwrap();
    assert!(journal.is_paused() && journal.status().full);
    assert!(journal.status().error.contains("full"), "{}", journal.status().error);
    // There is no room for the reserve, but for what otrail tells of itself.
    let start = Event::own(Action::START, Outcome::Success, Time::default(), "started");
    assert!(journal.note_durably(start) && journal.is_paused());
    disk.make_room();
    journal.retry(Time::default()).unwrap();
    assert!(!journal.is_paused() && journal.status().error.is_empty());
    drop(journal);
    assert!(whole(&dir, 5, "opened on a full disk"));
}

#[test]
fn that_the_disk_has_space_again_is_told_by_the_next_run_too_and_once() {
    let Some(disk) = mount(256 << 10) else { return };
    let dir = disk.path().join("state");
    let mut feeder = Feeder::new(Journal::open(settings(&dir, 32 << 10), Time::default()).unwrap());
    disk.fill_up_to(0);
    while !feeder.journal.is_paused() {
        feeder.batch(25);
    }
    let _full = feeder.journal.retry(Time::default());
    assert!(feeder.journal.is_paused());
    drop(feeder);
    disk.make_room();
    for _run in 0..2 {
        drop(Journal::open(settings(&dir, 32 << 10), Time::default()).unwrap());
    }
    let told = read(&dir).0.into_iter().filter(|record| record.event.action == Action::DISK_FULL);
    let outcomes: Vec<Outcome> = told.map(|record| record.event.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failure, Outcome::Success]);
}

#[test]
fn the_agent_pauses_on_a_full_disk_says_so_and_goes_on_without_loss() {
    let Some(disk) = mount(8 << 20) else { return };
    let mut house = House::new();
    house.keep_state_in(disk.path().join("state"));
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    house.set("[journal]\nreserve = \"2 MiB\"");
    house.start();
    house.write_log((0..100).map(entry).collect::<String>().as_bytes());
    house.wait_until("delivered", |_| receiver.has("session 0000099"));

    disk.fill_up_to(16 << 10);
    house.write_log((100..2000).map(entry).collect::<String>().as_bytes());
    let paused = house.wait_until("paused", |status| {
        status.journal.full && status.sources[0].state == "paused" && receiver.has("OTA-9041")
    });
    assert!(!paused.healthy && paused.problems.iter().any(|why| why.contains("reading is paused")));
    assert!(house.said().contains("is full"), "{}", house.said());

    house.write_log((2000..4000).map(entry).collect::<String>().as_bytes());
    disk.make_room();
    let status = house.wait_until("going on", |status| {
        receiver.has("session 0003999") && !status.journal.full && status.destinations[0].lag_records == 0
    });
    assert!(status.healthy, "{:?}", status.problems);
    assert_eq!(house.stop(), Some(0));
    for number in 0..4000 {
        assert_eq!(receiver.count(&format!("session {number:07}")), 1, "entry {number}");
    }
    assert_eq!(folder::chain_breaks(&disk.path().join("state")), 0);
    assert_eq!(receiver.count("the disk has space again"), 1);
}

#[test]
fn a_disk_that_is_smaller_than_size_max_keeps_the_newest_of_what_is_delivered_and_goes_on() {
    let Some(disk) = mount(8 << 20) else { return };
    let mut house = House::new();
    house.keep_state_in(disk.path().join("state"));
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    house.set("[journal]\nreserve = \"1 MiB\"\nsegment-max = \"256 KiB\"\nseal = false");
    house.start();
    house.write_log((0..15_000).map(entry).collect::<String>().as_bytes());
    let status = house.wait_until("delivered", |status| {
        receiver.has("session 0014999") && status.destinations[0].lag_records == 0
    });
    assert!(status.journal.bytes_max < 6 << 20 && status.journal.oldest.0 > 1, "{:?}", status.journal);
    assert_eq!(house.stop(), Some(0));
    assert_eq!(receiver.count(" session 0"), 15_000);
}

#[test]
fn a_limit_on_the_size_of_files_ends_the_agent_with_a_word_and_costs_nothing() {
    let mut house = House::new();
    house.set("[journal]\nreserve = \"64 KiB\"");
    // Whoever runs the tests may have it ignored.
    let within = ["env", "--default-signal=XFSZ", "prlimit", "--fsize=262144"];
    house.start_within(&within);
    house.start();
    house.write_log((0..1000).map(entry).collect::<String>().as_bytes());
    assert_eq!(house.agent().wait().unwrap().code(), Some(5));
    assert!(house.said().contains("File too large"), "{}", house.said());
    house.kill();
    house.start_within(&[]);
    house.start();
    house.wait_until("read to the end", |status| {
        status.sources[0].state == "idle" && status.journal.newest.0 >= 1001
    });
    let texts: Vec<String> = house.records().iter().map(|record| record.event.message.to_string()).collect();
    for number in 0..1000 {
        let name = format!("session {number:07}");
        assert_eq!(texts.iter().filter(|text| text.contains(&name)).count(), 1, "{name}");
    }
    // So it is with one that meets it while it begins.
    assert_eq!(house.stop(), Some(0));
    house.start_within(&["env", "--default-signal=XFSZ", "prlimit", "--fsize=65536"]);
    house.start();
    assert_eq!(house.agent().wait().unwrap().code(), Some(5), "{}", house.said());
}
