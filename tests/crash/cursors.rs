//! Damaged cursors send again and never skip; a second writer is refused.

use super::sample::{Sample, folder as empty, now};
use super::support::process::{House, entry};
use super::support::receiver::Receiver;
use super::support::trail;
use otrail::journal::{Journal, JournalError};
use otrail::model::Seq;
use std::fs;

#[test]
fn a_cursor_with_a_flipped_byte_is_one_step_behind_at_most_and_never_ahead() {
    let sample = Sample::new();
    let dir = empty();
    let confirmed = |dir| {
        let journal = sample.open(dir, &sample.bytes).unwrap();
        let cursor = journal.cursor("siem").unwrap();
        cursor.confirmed()
    };
    let journal = sample.open(dir.path(), &sample.bytes).unwrap();
    let mut cursor = journal.cursor("siem").unwrap();
    for seq in [5, 8] {
        journal.confirm("siem", &mut cursor, Seq(seq), now()).unwrap();
    }
    drop((journal, cursor));
    let path = dir.path().join("cursors/siem");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            fs::write(&path, bytes).unwrap();
            let found = confirmed(dir.path());
            assert!(found == Some(Seq(5)) || found == Some(Seq(8)), "byte {at}: {found:?}");
        }
    }
    let journal = sample.open(dir.path(), &sample.bytes).unwrap();
    for lost in [vec![0; whole.len()], vec![0xff; 5000], whole[..100].to_vec()] {
        fs::write(&path, lost).unwrap();
        for _ in 0..2 {
            let cursor = journal.cursor("siem").unwrap();
            assert_eq!((cursor.confirmed(), cursor.was_destroyed()), (None, true));
        }
        let mut cursor = journal.cursor("siem").unwrap();
        journal.confirm("siem", &mut cursor, Seq(3), now()).unwrap();
        assert_eq!(journal.cursor("siem").unwrap().confirmed(), Some(Seq(3)));
    }
    assert!(!journal.cursor("another").unwrap().was_destroyed());
}

#[test]
fn a_destination_whose_cursor_is_destroyed_gets_everything_again() {
    for from in ["oldest", "now"] {
        let mut house = House::new();
        let receiver = Receiver::start(&house);
        house.forward("siem", receiver.port, &format!("barrier-interval = \"100 ms\"\nfrom = {from:?}"));
        house.start();
        house.wait_until("started", |status| status.destinations[0].confirmed == status.journal.newest);
        house.write_log((0..20).map(entry).collect::<String>().as_bytes());
        house.wait_until("all confirmed", |status| {
            status.journal.newest.0 > 20 && status.destinations[0].lag_records == 0
        });
        house.kill();
        let path = house.path("state/cursors/siem");
        let mut bytes = fs::read(&path).unwrap();
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();

        house.start();
        let last = "session 0000019";
        house.wait_until("all confirmed again", |_| receiver.count(last) > 1);
        for number in 0..20 {
            let times = receiver.count(&format!("session {number:07}"));
            assert!(times >= 2, "from {from}: entry {number} came {times} times");
        }
        assert_eq!(house.stop(), Some(0));
        assert!(receiver.has("the cursor of siem is not readable"));
        let frames = receiver.frames();
        for frame in &frames {
            let same = frames.iter().filter(|other| other.seq() == frame.seq());
            assert!(same.into_iter().all(|other| other.param("id") == frame.param("id")));
        }
    }
}

#[test]
fn a_destination_that_begins_now_begins_at_its_first_start_and_not_at_the_next() {
    let mut house = House::new();
    let mut receiver = Receiver::start(&house);
    receiver.away();
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("entry 0 is journaled", |status| status.sources[0].entries == 1);
    house.kill();
    house.forward("siem", receiver.port, "from = \"now\"\nbackoff-max = \"100 ms\"");
    house.start();
    house.wait_until("the destination is known", |status| status.destinations.len() == 1);
    house.write_log(entry(1).as_bytes());
    house.wait_until("entry 1 is journaled", |status| status.sources[0].entries == 1);
    house.kill();
    receiver.back();
    house.start();
    house.wait_until("entry 1 is delivered", |_| receiver.has("session 0000001"));
    assert!(!receiver.has("session 0000000"), "that was before");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_second_writer_is_refused_with_a_sentence() {
    let dir = empty();
    let journal = trail::open_journal(dir.path());
    let refused = Journal::open(trail::journal_settings(dir.path()), now()).err().unwrap();
    assert!(matches!(refused, JournalError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains("another otrail is writing to"), "{refused}");
    drop(journal);
    drop(trail::open_journal(dir.path()));

    let mut house = House::new();
    house.start();
    house.wait_until("started", |_| true);
    let second = house.run(&["run"]);
    let said = String::from_utf8(second.stderr).unwrap();
    assert_ne!(second.status.code(), Some(0), "{said}");
    assert!(said.contains("another otrail is writing to"), "{said}");
    assert!(house.status().is_some(), "the first one goes on");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_journal_that_somebody_took_away_is_told_of_and_its_numbers_are_not_used_again() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    house.write_log((0..20).map(entry).collect::<String>().as_bytes());
    house.start();
    let all = |status: &otrail::model::status::Status| {
        status.sources[0].entries == 20 && status.destinations[0].lag_records == 0
    };
    house.wait_until("all confirmed", all);
    assert_eq!(house.stop(), Some(0));
    let newest = receiver.frames().iter().map(|frame| frame.seq()).max().unwrap();
    fs::remove_dir_all(house.path("state/journal")).unwrap();
    house.start();
    house.wait_until("read again", all);
    assert_eq!(house.stop(), Some(0));
    let told = format!("its records up to {newest} at least are lost here");
    assert!(receiver.has(&told) && house.said().contains(&told), "{}", house.said());
    let frames = receiver.frames();
    let again = frames.iter().filter(|frame| frame.text().contains("session 0000007")).collect::<Vec<_>>();
    assert_eq!(again.len(), 2);
    assert!(again[1].seq() > newest && again[0].param("id") == again[1].param("id"));
}
