//! What the journal tells of itself: its own events, and how many of them were held back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{Draft, FollowedFile, Input, Journal, Progress, Scan, Settings};
use otrail::model::{Action, Event, FileNo, Outcome, Seq, Time};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};
use support::trail;

#[test]
fn events_that_the_limit_held_back_are_told_with_their_number() {
    let dir = tempfile::tempdir().unwrap();
    let journal = trail::open_journal(dir.path());
    for _ in 0..100 {
        journal.note(Event::own(Action::QUERY, Outcome::Success, Time::default(), "asked"));
    }
    journal.note_suppressed(Time::default());
    let records = Scan::open(dir.path()).unwrap().map(|line| line.unwrap().decode().unwrap().event);
    let told: Vec<Event> = records.filter(|event| event.action == Action::EVENTS_SUPPRESSED).collect();
    let asked = journal.newest().0 - 1;
    assert_eq!(told.iter().map(|event| event.count).collect::<Vec<_>>(), [Some(100 - asked)]);
}

/// They are what a server holds against the journal, and as many as there are segments.
#[test]
fn a_seal_is_never_held_back() {
    let dir = tempfile::tempdir().unwrap();
    let journal = trail::open_journal(dir.path());
    for _ in 0..100 {
        journal.note(Event::own(Action::SEAL, Outcome::Success, Time::default(), "sealed"));
    }
    journal.note_suppressed(Time::default());
    let actions = Scan::open(dir.path()).unwrap().map(|line| line.unwrap().decode().unwrap().event.action);
    assert_eq!(actions.filter(|&action| action == Action::SEAL).count(), 100);
}

#[test]
fn files_and_positions_are_known_again_also_by_the_first_line_of_a_batch() {
    let dir = tempfile::tempdir().unwrap();
    let journal = trail::open_journal(dir.path());
    let file = FollowedFile { number: FileNo(1), source: "timeline".into(), ..FollowedFile::default() };
    let progress =
        Progress { file: FileNo(1), offset: 70, entries: 7, passed_over: 7, finished: false, mark: None };
    journal.append(Input { files: vec![file], ..Input::default() }, Time::default()).unwrap();
    journal.append(Input { progress: vec![progress], ..Input::default() }, Time::default()).unwrap();
    let before = journal.files_of("timeline");
    assert_eq!((before.len(), before[0].offset), (1, 70));
    drop(journal);
    assert_eq!(trail::open_journal(dir.path()).files_of("timeline"), before);
}

/// A small journal that a destination has to confirm, or nobody.
fn small(dir: &Path, destinations: &[&str]) -> Journal {
    let destinations = destinations.iter().map(|&name| name.to_owned()).collect();
    let settings = Settings { bytes_max: 1 << 20, destinations, ..trail::journal_settings(dir) };
    Journal::open(settings, now()).unwrap()
}

fn now() -> Time {
    Time::from_timestamp(jiff::Timestamp::now())
}

/// Appends as much as the journal takes and half as much again, unless it is paused, with a look at the limits after each.
fn fill(journal: &Journal) {
    for _ in 0..60 {
        if journal.is_paused() {
            return;
        }
        let event = trail::event(&"x".repeat(15_000));
        let drafts = vec![Draft { event, position: None, mark: None }];
        journal.append(Input { drafts, ..Input::default() }, now()).unwrap();
        journal.maintain(now()).unwrap();
    }
}

/// What was told of the capacity after a record.
fn told_of_capacity(dir: &Path, after: Seq) -> Vec<String> {
    let lines = Scan::open(dir).unwrap().after(after);
    let events = lines.map(|line| line.unwrap().decode().unwrap().event);
    let told = events.filter(|event| event.action == Action::CAPACITY);
    told.map(|event| event.message.to_string()).collect()
}

#[test]
fn a_journal_that_is_full_for_a_destination_that_left_names_it_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut cursor = small(dir.path(), &["old"]).cursor("old").unwrap();
    small(dir.path(), &["old"]).confirm("old", &mut cursor, Seq(1), now()).unwrap();
    let journal = small(dir.path(), &[]);
    fill(&journal);
    assert!(journal.is_paused());
    let told = told_of_capacity(dir.path(), Seq::NONE).pop().unwrap();
    let why = "for destination old, which left the config; `otrail destination forget old` lets it go";
    assert!(told.contains("reading is paused until ") && told.ends_with(why), "{told}");
    let left = journal.all_left().unwrap();
    assert_eq!((left.len(), left[0].name.as_str()), (1, "old"));
    journal.forget(&left[0]).unwrap();
    journal.maintain(now()).unwrap();
    journal.retry(now()).unwrap();
    assert!(!journal.is_paused());
}

#[test]
fn capacity_is_told_with_what_waits_and_each_time_that_reading_is_paused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = small(dir.path(), &["siem"]);
    fill(&journal);
    assert!(journal.is_paused());
    let told = told_of_capacity(dir.path(), Seq::NONE);
    let percent = |told: &String| told.split_once(" bytes (").map(|(_, after)| after[..4].to_owned());
    assert_eq!(told.iter().filter_map(percent).collect::<Vec<_>>(), ["75 %", "90 %", "100 "]);
    for warning in &told[..2] {
        assert!(warning.contains(" of them wait for a destination and fill it in "), "{warning}");
    }
    let paused = |told: &&String| told.ends_with("(100 %); reading is paused until a destination confirms");
    assert!(paused(&&told[2]), "{}", told[2]);
    // Delivered records stay as long as there is room: the journal is nearly full when the next outage begins.
    let (mut cursor, confirmed) = (journal.cursor("siem").unwrap(), journal.newest());
    journal.confirm("siem", &mut cursor, confirmed, now()).unwrap();
    journal.maintain(now()).unwrap();
    assert!(!journal.is_paused());
    fill(&journal);
    assert!(journal.is_paused());
    let told = told_of_capacity(dir.path(), confirmed);
    assert!(told.iter().any(|told| paused(&told)), "{told:?}");
}

/// Else every start of an agent that cannot deliver would add to a journal that is too large already.
#[test]
fn a_journal_that_was_left_full_is_full_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let journal = small(dir.path(), &["siem"]);
    fill(&journal);
    drop(journal);
    let journal = small(dir.path(), &["siem"]);
    assert!(journal.is_paused());
    journal.retry(now()).unwrap();
    assert!(journal.is_paused());
    let (mut cursor, confirmed) = (journal.cursor("siem").unwrap(), journal.newest());
    journal.confirm("siem", &mut cursor, confirmed, now()).unwrap();
    journal.retry(now()).unwrap();
    assert!(!journal.is_paused());
}

/// An outage that lasts longer than that is no reason to take its records away with the first change of the config.
#[test]
fn what_left_the_config_of_late_keeps_its_records_however_old_its_cursor_is_and_then_their_loss_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let days = |count: i64| now().plus_millis(-count * 86_400_000);
    let path = dir.path().join("cursors/siem");
    let date = |days: u64| {
        let time = SystemTime::now() - Duration::from_secs(days * 86_400);
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    };
    let journal = small(dir.path(), &["siem"]);
    journal.note(Event::own(Action::START, Outcome::Success, now(), "begun"));
    let mut cursor = journal.cursor("siem").unwrap();
    journal.confirm("siem", &mut cursor, Seq(1), days(40)).unwrap();
    date(40);
    fill(&journal);
    assert!(journal.is_paused());
    drop((cursor, journal));

    let journal = small(dir.path(), &[]);
    let left = journal.left(now()).unwrap();
    assert!(left[0].until > days(-29), "{left:?}");
    fill(&journal);
    assert!(journal.is_paused());

    date(31);
    journal.retry(now()).unwrap();
    assert!(!journal.is_paused());
    let told = |after: Seq| -> Vec<Event> {
        let events = Scan::open(dir.path()).unwrap().after(after);
        let events = events.map(|line| line.unwrap().decode().unwrap().event);
        events.filter(|event| event.action == Action::RECORDS_DROPPED).collect()
    };
    let newest = journal.newest();
    let first = &told(Seq(1))[..];
    let [event] = first else { panic!("{first:?}") };
    assert!(
        event.message.starts_with("destination siem is in the config no more since "),
        "{}",
        event.message
    );
    assert!(event.message.contains(": records 2 to ") && event.count > Some(1), "{}", event.message);
    fill(&journal);
    assert!(told(newest).is_empty(), "once");
}

#[test]
fn without_a_destination_the_oldest_records_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let journal = small(dir.path(), &[]);
    fill(&journal);
    assert!(!journal.is_paused());
    let told = told_of_capacity(dir.path(), Seq::NONE);
    // What was told first may have made room by then.
    assert!(told.len() == 1 || told.len() == 2, "{told:?}");
    for warning in told {
        assert!(
            warning.ends_with("; when it is full the oldest records make room for new ones"),
            "{warning}"
        );
    }
}

/// Records are confirmed by nobody and old by the clock alone: whether any are gone after another look at the limits.
fn look(journal: &Journal, dir: &Path, now: Time) -> bool {
    journal.note(Event::own(Action::HEARTBEAT, Outcome::Success, now, "healthy"));
    journal.maintain(now).unwrap();
    Scan::open(dir).unwrap().next().unwrap().unwrap().place.seq != Seq(1)
}

#[test]
fn a_clock_that_jumps_years_ahead_takes_nothing_away() {
    let (dir, years) = (tempfile::tempdir().unwrap(), 500 * 86_400_000);
    let age_max = Duration::from_secs(400 * 86_400);
    let settings = Settings { age_max, segment_bytes_max: 64 << 10, ..trail::journal_settings(dir.path()) };
    let journal = Journal::open(settings.clone(), now()).unwrap();
    fill(&journal);
    assert!(!look(&journal, dir.path(), now()));
    assert!(!look(&journal, dir.path(), now().plus_millis(years)), "while it runs");
    drop(journal);
    // As if it had been set right, and were wrong again at the next start.
    let journal = Journal::open(settings.clone(), now()).unwrap();
    assert!(!look(&journal, dir.path(), now()));
    drop(journal);
    let journal = Journal::open(settings, now().plus_millis(years)).unwrap();
    assert!(!look(&journal, dir.path(), now().plus_millis(years)), "at the start");
    let events = Scan::open(dir.path()).unwrap().map(|line| line.unwrap().decode().unwrap().event);
    let told: Vec<Event> = events.filter(|event| event.action == Action::CLOCK_STEPPED).collect();
    let told: Vec<&str> = told.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains(" s before the newest record"), "{told:?}");
    assert!(told[1].starts_with("by the clock otrail starts 500 days after the newest record"), "{told:?}");
}

/// A journal that is written and cannot be listed: no question is answered, and nothing is sealed or removed.
#[test]
fn a_folder_that_cannot_be_listed_is_a_problem_of_the_status_while_it_lasts() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(trail::journal_settings(dir.path()), now()).unwrap();
    journal.note(Event::own(Action::HEARTBEAT, Outcome::Success, now(), "healthy"));
    journal.maintain(now()).unwrap();
    assert_eq!(journal.status().error, "");
    // Whatever the rights of who runs this: a file in the place of the folder cannot be listed either.
    let (folder, aside) = (dir.path().join("journal"), dir.path().join("elsewhere"));
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "").unwrap();
    let told = format!("cannot read {}: ", folder.display());
    assert!(journal.status().error.starts_with(&told), "{}", journal.status().error);
    journal.maintain(now()).unwrap_err();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    assert!(journal.status().error.starts_with(&told), "until the limits could be looked at again");
    journal.maintain(now()).unwrap();
    assert_eq!(journal.status().error, "");
}
