//! A small journal with everything in it: batches, a settled line, progress over passed-over entries, own events.

use super::folder::{self, Line};
use super::support::trail;
use otrail::journal::{Draft, FollowedFile, Input, Journal, JournalError, Progress, Scan};
use otrail::model::{Action, Event, FileNo, Outcome, Position, Record, Time};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The journal as bytes, and what an independent reader and otrail itself see in it.
pub(crate) struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
    pub lines: Vec<Line>,
    pub records: Vec<Record>,
}

/// A folder where a sync costs nothing, if there is one: these tests are about bytes, not about disks.
pub(crate) fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

impl Sample {
    pub(crate) fn new() -> Sample {
        let dir = folder();
        let journal = trail::open_journal(dir.path());
        let file = FollowedFile {
            number: FileNo(1),
            source: "timeline".into(),
            path: "/log".into(),
            ..FollowedFile::default()
        };
        let progress =
            Progress { file: FileNo(1), offset: 60, entries: 7, passed_over: 1, finished: false, mark: None };
        append(&journal, Input { files: vec![file], drafts: entries(1..=3), progress: Vec::new() });
        append(&journal, Input { drafts: entries(4..=5), progress: vec![progress], ..Input::default() });
        journal.settle(Time::default()).unwrap();
        append(&journal, Input { drafts: entries(7..=9), ..Input::default() });
        journal.note(Event::own(Action::HEARTBEAT, Outcome::Success, Time::default(), "all is well"));
        append(&journal, Input { drafts: entries(10..=11), ..Input::default() });
        drop(journal);
        let segments = folder::segments(dir.path());
        assert_eq!(segments.len(), 1);
        let bytes = fs::read(&segments[0]).unwrap();
        let (records, complaints) = read(dir.path());
        assert_eq!((records.len(), complaints), (11, 0));
        assert_eq!(folder::chain_breaks(dir.path()), 0);
        let name = segments[0].file_name().unwrap().to_str().unwrap().to_owned();
        Sample { name, lines: folder::lines(&bytes), bytes, records }
    }

    /// Puts other bytes in the place of the segment, and opens that as a journal.
    pub(crate) fn open(&self, dir: &Path, bytes: &[u8]) -> Result<Journal, JournalError> {
        fs::create_dir_all(dir.join("journal")).unwrap();
        fs::write(dir.join("journal").join(&self.name), bytes).unwrap();
        Journal::open(trail::journal_settings(dir), Time::default())
    }
}

/// Entries of ten bytes each, by their numbers in the followed file.
pub(crate) fn entries(numbers: std::ops::RangeInclusive<u64>) -> Vec<Draft> {
    let draft = |number: u64| {
        let position = Some(Position { file: FileNo(1), offset: number * 10 });
        Draft { event: trail::event(&format!("user-{number}")), position, mark: None }
    };
    numbers.map(draft).collect()
}

pub(crate) fn now() -> Time {
    Time::default()
}

pub(crate) fn append(journal: &Journal, input: Input) {
    journal.append(input, Time::default()).unwrap();
}

/// How far the journal says that the followed file has been read.
pub(crate) fn position(journal: &Journal) -> Option<u64> {
    let files = journal.files_of("timeline");
    assert!(files.len() <= 1);
    files.first().map(|file| file.offset)
}

/// Every record of a folder, and how many damaged places there are.
pub(crate) fn read(dir: &Path) -> (Vec<Record>, usize) {
    all(Scan::open(dir).unwrap())
}

/// Every record that was announced, and how many damaged places there are.
pub(crate) fn announced(journal: &Journal) -> (Vec<Record>, usize) {
    all(journal.scan().through(journal.newest()))
}

fn all(scan: Scan) -> (Vec<Record>, usize) {
    let (mut records, mut damaged) = (Vec::new(), 0);
    for line in scan {
        match line {
            Ok(mut line) => records.push(line.decode().unwrap()),
            Err(error) if error.is_damage() => damaged += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (records, damaged)
}
