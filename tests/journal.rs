//! What the journal tells of itself: its own events, and how many of them were held back.

mod support;

use otrail::journal::{FollowedFile, Input, Progress, Scan};
use otrail::model::{Action, Event, FileNo, Outcome, Time};
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
