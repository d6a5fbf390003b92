//! What the journal tells of itself: its own events, and how many of them were held back.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::journal::Scan;
use otrail::model::{Action, Event, Outcome, Time};
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
