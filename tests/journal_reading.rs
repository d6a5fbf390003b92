//! Damage costs the damaged records and no others, whoever reads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{self, Draft, Input, Journal, JournalError, Line, Next, Scan};
use otrail::model::{Action, Raw, Seq, Time};
use std::fs;
use std::path::{Path, PathBuf};
use support::trail::{event, journal_settings, open_journal};

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

/// What reading met that is not a record, in a word each.
fn told(scan: impl Iterator<Item = Result<Line, JournalError>>) -> Vec<String> {
    let errors = scan.filter_map(Result::err);
    let told = errors.map(|error| match error {
        JournalError::Gap { first, last } => format!("{first}..{last}"),
        JournalError::Damaged { .. } => "damage".to_owned(),
        error => unreachable!("{error}"),
    });
    told.collect()
}

/// A journal of four segments with three records each, sealed or not.
fn four_segments(dir: &Path, is_sealed: bool) -> Journal {
    let settings = journal::Settings { seal: is_sealed, ..journal_settings(dir) };
    let journal = Journal::open(settings, Time::default()).unwrap();
    (1..=4).for_each(|day| append(&journal, day, 3));
    while is_sealed && journal.seal_next(&mut |_| Ok(()), || Time::from_millis(4 * DAY).unwrap()).unwrap() {}
    journal
}

/// Removes the segments with these numbers in whichever form they are.
fn remove(dir: &Path, numbers: &[u64]) {
    for number in numbers {
        let begin = format!("{:020}-", 1 + 3 * number);
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&begin);
        segments(dir).iter().filter(|path| is_it(path)).for_each(|path| fs::remove_file(path).unwrap());
    }
}

#[test]
fn a_segment_that_is_gone_from_the_middle_is_told_with_its_records() {
    for is_sealed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        drop(four_segments(dir.path(), is_sealed));
        remove(dir.path(), &[1]);
        let scan = || Scan::open(dir.path()).unwrap();
        let seqs: Vec<u64> = scan().flatten().map(|line| line.place.seq.0).collect();
        assert_eq!(seqs[..9], [1, 2, 3, 7, 8, 9, 10, 11, 12]);
        assert_eq!(told(scan()), ["4..6"]);
        assert_eq!(told(scan().after(Seq(5))), ["4..6"], "nobody knows which of them was read before");
        assert!(told(scan().after(Seq(6))).is_empty() && told(scan().through(Seq(3))).is_empty());
        remove(dir.path(), &[2]);
        assert_eq!(told(scan()), ["4..9"]);
        // Each part by itself, as who asks reads them.
        let parts = journal::parts(dir.path()).unwrap();
        let alone: Vec<String> = parts.iter().flat_map(|part| told(part.scan().unwrap())).collect();
        assert_eq!(alone, ["4..9"]);
        let known: Vec<(Seq, Seq)> =
            parts.windows(2).filter_map(|two| two[0].missing_behind(&two[1])).collect();
        assert_eq!(known, if is_sealed { vec![(Seq(4), Seq(9))] } else { vec![] });
    }
}

#[test]
fn lines_that_were_taken_out_are_told_and_what_is_damaged_is_no_gap_besides() {
    let dir = tempfile::tempdir().unwrap();
    drop(four_segments(dir.path(), false));
    let path = &segments(dir.path())[2];
    let whole = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let scan = || Scan::open(dir.path()).unwrap();
    fs::write(path, [lines[0], lines[1], lines[3]].concat()).unwrap();
    assert_eq!(told(scan()), ["8..8", "damage"], "the next header knows how long it was");
    let seqs: Vec<u64> = scan().flatten().map(|line| line.place.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]);
    assert!(told(scan().after(Seq(8)).through(Seq(9))).is_empty());
    fs::write(path, &whole).unwrap();
    // The last record of a segment, and with it the next segment.
    damage(&segments(dir.path())[1], 3);
    assert_eq!(told(scan()), ["damage"]);
    remove(dir.path(), &[2]);
    assert_eq!(told(scan()), ["damage", "6..9"]);
    let parts = journal::parts(dir.path()).unwrap();
    assert_eq!(told(parts[1].scan().unwrap()), ["damage", "6..9"]);
}

#[test]
fn the_oldest_segments_go_without_a_word_also_under_a_slow_reader() {
    let dir = tempfile::tempdir().unwrap();
    let journal = four_segments(dir.path(), false);
    let (follower, batch) = journal.follower().read(Seq::NONE, Seq(12), 1).unwrap();
    assert_eq!(batch.len(), 1);
    remove(dir.path(), &[0, 1]);
    let (follower, batch) = follower.read(Seq(1), Seq(12), 1 << 20).unwrap();
    let seqs: Vec<u64> = batch.iter().map(|record| record.seq.0).collect();
    assert_eq!(seqs, [2, 3, 7, 8, 9, 10, 11, 12], "the file that it had open, and what is there");
    assert!(follower.damaged.is_empty());
    assert!(told(journal.scan()).is_empty() && told(journal.scan().after(Seq(2))).is_empty());
}

#[test]
fn records_that_are_gone_are_an_event_of_the_trail_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = four_segments(dir.path(), false);
    remove(dir.path(), &[1]);
    let events = |journal: &Journal| {
        let records = journal.scan().flatten().map(|mut line| line.decode().unwrap().event);
        let damaged = records.filter(|event| event.action == Action::JOURNAL_DAMAGED);
        damaged.map(|event| (event.message.to_string(), event.count)).collect::<Vec<_>>()
    };
    let once = [("records 4 to 6 are missing from the journal".to_owned(), Some(3))];
    for after in [Seq::NONE, Seq(2), Seq(5)] {
        let (follower, _) = journal.follower().read(after, Seq(12), 1 << 20).unwrap();
        assert_eq!(follower.damaged.len(), 1);
        follower.damaged.iter().for_each(|damage| journal.damaged(damage, Time::default()));
        assert_eq!(events(&journal), once);
    }
    drop(journal);
    let journal = open_journal(dir.path());
    let (follower, _) = journal.follower().read(Seq::NONE, Seq(12), 1 << 20).unwrap();
    follower.damaged.iter().for_each(|damage| journal.damaged(damage, Time::default()));
    assert_eq!(events(&journal), once);
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

#[test]
fn a_follower_that_memory_has_carried_further_on_finds_its_place_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    let mut follower = journal.follower();
    for days in 1..=4 {
        append(&journal, days, 5);
        let newest = journal.newest();
        for after in [newest.0 - 5, newest.0 - 2, newest.0 - 4, newest.0 - 1] {
            let batch;
            (follower, batch) = follower.read(Seq(after), newest, 1).unwrap();
            assert_eq!(batch.iter().map(|record| record.seq.0).collect::<Vec<_>>(), [after + 1]);
        }
    }
    let (follower, batch) = follower.read(Seq(3), Seq(20), 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|record| record.seq.0).collect::<Vec<_>>(), (4..=20).collect::<Vec<_>>());
    assert!(follower.damaged.is_empty());
}
