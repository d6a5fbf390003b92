//! Damage costs the damaged records and no others, whoever reads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{Draft, Input, Journal, JournalError, Next, Scan};
use otrail::model::{Raw, Seq, Time};
use std::fs;
use std::path::{Path, PathBuf};
use support::trail::{event, open_journal};

const DAY: i64 = 86_400_000;

/// Appends so many records, each a batch of its own, on a day of its own: another day is another segment.
fn append(journal: &Journal, day: i64, count: usize) {
    for _ in 0..count {
        let drafts = vec![Draft { event: event("alice"), position: None, mark: None }];
        journal.append(Input { drafts, ..Input::default() }, Time::from_millis(day * DAY).unwrap()).unwrap();
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The records that can be read, and how many damaged places were met.
fn read(scan: &mut Scan) -> (Vec<u64>, usize) {
    let (mut seqs, mut damaged) = (Vec::new(), 0);
    for line in scan {
        match line {
            Ok(line) => seqs.push(line.place.seq.0),
            Err(JournalError::Damaged { .. }) => damaged += 1,
            Err(error) => unreachable!("{error}"),
        }
    }
    (seqs, damaged)
}

/// Flips a bit in the line `number` of a segment; the header is line 0.
fn damage(segment: &Path, number: usize) {
    let mut bytes = fs::read(segment).unwrap();
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let begin = number.checked_sub(1).map_or(0, |before| ends.clone().nth(before).unwrap() + 1);
    bytes[begin + 10] ^= 1;
    fs::write(segment, bytes).unwrap();
}

#[test]
fn a_damaged_header_does_not_take_the_records_of_the_segment_before_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    (1..=3).for_each(|day| append(&journal, day, 3));
    drop(journal);
    let segments = segments(dir.path());
    assert_eq!(segments.len(), 3);
    damage(&segments[1], 0);
    let (seqs, damaged) = read(&mut Scan::open(dir.path()).unwrap());
    assert_eq!((seqs, damaged), ((1..=9).collect(), 1));
}

#[test]
fn a_segment_that_has_less_than_the_next_one_knows_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    (1..=3).for_each(|day| append(&journal, day, 3));
    drop(journal);
    let segment = &segments(dir.path())[1];
    let bytes = fs::read(segment).unwrap();
    let end_of_line =
        |number| bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(number).unwrap().0;
    for (kept, left) in [(0, vec![1, 2, 3, 7, 8, 9]), (end_of_line(2) + 1, vec![1, 2, 3, 4, 5, 7, 8, 9])] {
        fs::write(segment, &bytes[..kept]).unwrap();
        assert_eq!(read(&mut Scan::open(dir.path()).unwrap()), (left, 1));
    }
}

/// Each damaged place costs two synced files in `aside/`: a block of garbage must not make thousands of them.
#[test]
fn damaged_lines_that_follow_one_another_are_told_as_one_place() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    append(&journal, 1, 6);
    [2, 3, 4, 6].into_iter().for_each(|line| damage(&segments(dir.path())[0], line));
    let (follower, batch) = journal.follower().read(Seq::NONE, Seq(6), 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|record| record.seq.0).collect::<Vec<_>>(), [1, 5]);
    assert_eq!(follower.damaged.len(), 2);
}

/// Its checksum holds, and still there is no record in it: it is not passed over without a word.
#[test]
fn a_whole_line_that_is_no_record_is_told_as_damage() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    append(&journal, 1, 1);
    let mut odd = event("alice");
    odd.raw = Raw::Json("{\"half\":".into());
    let drafts = vec![Draft { event: odd, position: None, mark: None }];
    journal.append(Input { drafts, ..Input::default() }, Time::from_millis(DAY).unwrap()).unwrap();
    append(&journal, 1, 1);
    let (follower, batch) = journal.follower().read(Seq::NONE, Seq(3), 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|record| record.seq.0).collect::<Vec<_>>(), [1, 3]);
    let bytes = fs::read(&segments(dir.path())[0]).unwrap();
    let [JournalError::Damaged { offset, bytes: length, .. }] = follower.damaged[..] else { unreachable!() };
    let place = &bytes[offset as usize..][..length as usize];
    assert!(place.starts_with(b"{\"seq\":2,") && place.ends_with(b"}\n"));
}

/// What is written to a file without a name is nowhere when the agent ends.
#[test]
fn a_state_directory_that_is_removed_ends_the_writing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    append(&journal, 1, 1);
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let drafts = vec![Draft { event: event("alice"), position: None, mark: None }];
    let now = Time::from_millis(DAY).unwrap();
    let error = journal.append(Input { drafts, ..Input::default() }, now).unwrap_err();
    assert!(!error.is_full());
    assert_eq!(journal.newest(), Seq(1), "nothing was announced");
}

/// The reader meets a record beyond its end in a segment that has its successor by then.
#[test]
fn a_reader_that_has_read_as_far_as_it_may_stays_in_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    append(&journal, 1, 5);
    append(&journal, 2, 1);
    damage(&segments(dir.path())[0], 3);
    let follower = journal.follower();
    let (mut follower, batch) = follower.read(Seq::NONE, Seq(3), 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|record| record.seq.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(std::mem::take(&mut follower.damaged).len(), 1);
    let (_, batch) = follower.read(Seq(2), Seq(6), 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|record| record.seq.0).collect::<Vec<_>>(), [4, 5, 6]);
}

#[test]
fn a_record_has_the_chain_of_its_line_from_memory_and_from_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    let draft = || Draft { event: event("alice"), position: None, mark: None };
    // The second batch begins a segment, so that its lines are chained twice.
    for (day, count) in [(0, 2), (1, 3), (1, 1)] {
        let drafts = (0..count).map(|_| draft()).collect();
        let now = Time::from_millis(day * DAY).unwrap();
        journal.append(Input { drafts, ..Input::default() }, now).unwrap();
    }
    let on_disk: Vec<String> = segments(dir.path())
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            let records = lines.filter(|line: &serde_json::Value| line.get("seq").is_some());
            records.map(|line| line["chain"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let read = Scan::open(dir.path()).unwrap().map(|line| line.unwrap().decode().unwrap());
    let read: Vec<String> = read.map(|record| record.chain.unwrap().to_string()).collect();
    let mut recent = Vec::new();
    while let Next::Records { batch, from } = journal.next_after(Seq(recent.len() as u64)) {
        recent.extend(batch[from..].iter().map(|record| record.chain.unwrap().to_string()));
    }
    assert_eq!((on_disk.len(), &read, &recent), (6, &on_disk, &on_disk));
}
