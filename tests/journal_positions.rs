//! What the journal knows of the followed files outlives the agent, whatever ends it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{Draft, FollowedFile, Input, Progress};
use otrail::model::{FileNo, Position, Time};
use support::trail::{event, open_journal};

fn file(number: u32) -> FollowedFile {
    let file = FollowedFile { number: FileNo(number), source: "timeline".into(), ..FollowedFile::default() };
    FollowedFile { path: format!("/log.{number}").into(), inode: u64::from(number), ..file }
}

/// What a journal knows after these batches, before and after it is opened again.
fn reopened(batches: Vec<Input>) -> [Vec<FollowedFile>; 2] {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_journal(dir.path());
    for batch in batches {
        journal.append(batch, Time::default()).unwrap();
    }
    let before = journal.files_of("timeline");
    drop(journal);
    let journal = open_journal(dir.path());
    assert_eq!(journal.last_file(), before.last().unwrap().number);
    [before, journal.files_of("timeline")]
}

/// The first line of a batch says what is durable, too: no reason to overlook what else it says.
#[test]
fn a_file_is_known_after_a_restart_wherever_its_line_stands_in_a_batch() {
    let [before, after] = reopened(vec![Input { files: vec![file(1), file(2)], ..Input::default() }]);
    assert_eq!((before.len(), &before), (2, &after));
}

#[test]
fn a_position_counts_after_a_restart_wherever_its_line_stands_in_a_batch() {
    let progress = |number, offset, finished| Progress {
        file: FileNo(number),
        offset,
        entries: 7,
        passed_over: 7,
        finished,
        mark: None,
    };
    let draft =
        Draft { event: event("alice"), position: Some(Position { file: FileNo(1), offset: 40 }), mark: None };
    let [before, after] = reopened(vec![
        Input { files: vec![file(1), file(2)], ..Input::default() },
        Input { drafts: vec![draft], ..Input::default() },
        Input { progress: vec![progress(1, 90, true), progress(2, 50, false)], ..Input::default() },
    ]);
    assert_eq!(before, after);
    let known: Vec<_> = after.iter().map(|file| (file.offset, file.passed_over, file.finished)).collect();
    assert_eq!(known, [(90, 7, true), (50, 7, false)]);
}
