//! A range of the trail that is sent again: the same events, marked, with evidence, beside what is new; told in the trail,
//! and told as it is when it does not come to its end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails shows where")]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otrail::model::act::Replayed;
use otrail::model::status::Status;
use otrail::model::{Action, Class, Event, Outcome, Record};
use std::fs;
use std::process::{Child, Output, Stdio};
use support::daemon::{Kind, Receiver};
use support::frames::{Account, Frame};
use support::process::{House, entry, patiently};
use support::writer::Writer;

const ENTRIES: usize = 600;
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\n";
/// Milliseconds 100 to 299 of the entries.
const RANGE: [&str; 4] = ["--since", "2025-11-24T16:00:00.100Z", "--until", "2025-11-24T16:00:00.299Z"];

fn forwards(house: &mut House, kind: Kind, more: &str) -> Receiver {
    let mut receiver = Receiver::of(house, kind);
    receiver.start();
    let transport = kind.transport();
    house.forward("siem", receiver.port, &format!("{QUICK}transport = {transport:?}\n{more}"));
    receiver
}

fn confirmed(house: &House, entries: usize) -> Status {
    house.wait_until("all confirmed", |status| {
        status.sources.iter().any(|source| source.entries >= entries as u64)
            && status.destinations.iter().all(|destination| destination.lag_records == 0)
    })
}

fn replay(house: &House, args: &[&str]) -> Output {
    house.run(&[&["replay", "-o", "json"], args].concat())
}

fn replay_going_on(house: &House, args: &[&str]) -> Child {
    let mut command = house.otrail();
    command.args(["replay", "-o", "json"]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn replayed(output: &Output) -> Replayed {
    let said = String::from_utf8_lossy(&output.stderr);
    let all: Vec<Replayed> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let [only] = <[Replayed; 1]>::try_from(all).unwrap();
    only
}

/// What the trail says of replays.
fn told(house: &House) -> Vec<Event> {
    let of_replays = house.records().into_iter().map(|record| record.event);
    of_replays.filter(|event| event.action == Action::REPLAY).collect()
}

/// The frame without what a copy may say otherwise.
fn content(frame: &Frame) -> String {
    let text = String::from_utf8_lossy(&frame.bytes).into_owned();
    let parts = text.split(' ');
    let of_the_way = |part: &&str| {
        !["prev=", "resent=", "replay=", "sequenceId="].iter().any(|name| part.starts_with(name))
    };
    parts.filter(of_the_way).collect::<Vec<_>>().join(" ")
}

/// The first copies are whole and in order, and the replays are copies of these, in order, with a chain of their own.
#[track_caller]
fn check(frames: &[Frame], through: u64, wanted: &[u64]) {
    let (again, live): (Vec<Frame>, Vec<Frame>) = frames.iter().cloned().partition(|frame| frame.replay);
    let account = Account::of(&live, through);
    assert!(account.lost.is_empty() && account.wrong.is_empty(), "{account:?}");
    let mut seen = Vec::new();
    let mut prev = 0;
    for frame in &again {
        let first = live.iter().find(|first| first.seq == frame.seq).unwrap();
        assert_eq!((&frame.id, content(frame)), (&first.id, content(first)));
        if frame.seq <= prev {
            assert!(frame.resent, "{} after {prev}", frame.seq);
        } else {
            assert_eq!(frame.prev, prev, "{}", frame.seq);
        }
        seen.push(frame.seq);
        prev = frame.seq;
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, wanted);
}

/// Records of the entries of these numbers.
fn seqs(records: &[Record], numbers: std::ops::Range<i64>) -> Vec<u64> {
    let of = records.iter().filter(|record| {
        record.event.class == Class::UserOperation
            && numbers.contains(&(record.event.time.millis() - 1_764_000_000_000))
    });
    of.map(|record| record.seq.0).collect()
}

#[test]
fn a_range_comes_again_with_its_ids_marked_and_confirmed_beside_what_is_new() {
    for (kind, evidence) in
        [(Kind::RsyslogOpenssl, "probe"), (Kind::RsyslogGnutls, "fin"), (Kind::RelpOpenssl, "ack")]
    {
        let mut house = House::new();
        let receiver = forwards(&mut house, kind, "");
        house.start();
        (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
        confirmed(&house, ENTRIES);
        let writer = Writer::start(&house);
        let output = replay(&house, &RANGE);
        let more = writer.stop();
        let replayed = replayed(&output);
        assert_eq!(output.status.code(), Some(0), "{kind:?}: {replayed:?}");
        assert!(replayed.complete && replayed.error.is_empty(), "{kind:?}: {replayed:?}");
        assert_eq!((replayed.evidence.as_str(), replayed.resent, replayed.unreadable), (evidence, 0, 0));
        let status = confirmed(&house, ENTRIES + more);
        assert_eq!(house.stop(), Some(0));
        let records = house.records();
        // The writer began with entry 0 again: those before the replay began belong to it.
        let mut wanted = seqs(&records, 100..300);
        wanted.truncate(usize::try_from(replayed.sent).unwrap());
        assert!(wanted.len() >= 200 && replayed.confirmed == replayed.sent, "{kind:?}: {replayed:?}");
        let newest = status.journal.newest.0;
        let mut frames = receiver.frames();
        frames.retain(|frame| frame.seq <= newest);
        check(&frames, newest, &wanted);
        let told = told(&house);
        assert_eq!(told.len(), 2);
        for event in &told {
            assert_eq!(event.target.as_ref().unwrap().name.as_deref(), Some("siem"));
            assert!(
                event.user.is_some() && event.message.contains("since=2025-11-24T16:00:00.100"),
                "{event:?}"
            );
        }
        assert_eq!((told[1].outcome, told[1].count), (Outcome::Success, Some(replayed.sent)));
        assert!(told[1].message.contains("events confirmed by evidence"), "{}", told[1].message);
    }
}

#[test]
fn a_replay_moves_no_cursor_and_makes_none() {
    let mut house = House::new();
    let receiver = forwards(&mut house, Kind::RsyslogOpenssl, "");
    house.start();
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    let before = confirmed(&house, ENTRIES);
    let output = replay(&house, &RANGE);
    assert_eq!(output.status.code(), Some(0));
    let after = confirmed(&house, ENTRIES);
    // What came since are the two events about it.
    assert_eq!(after.journal.newest.0, before.journal.newest.0 + 2);
    let [old, new] = [&before, &after].map(|status| &status.destinations[0]);
    assert_eq!((new.frames, new.resent, new.connections), (old.frames + 2, 0, old.connections));
    let names: Vec<_> =
        fs::read_dir(house.path("state/cursors")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(names.len(), 1);
    assert_eq!(house.stop(), Some(0));
    let records = house.records();
    check(&receiver.frames(), after.journal.newest.0, &seqs(&records, 100..300));
    let nothing = House::new();
    assert_eq!(replay(&nothing, &RANGE).status.code(), Some(3), "no agent");
}

/// Slow enough to be met in the middle of all entries.
const SLOW: &str = "rate-max = 300\n";
const ALL: [&str; 3] = ["--since", "2025-11-24T16:00:00Z", "class=user-operation"];

fn in_the_middle(receiver: &Receiver) {
    assert!(patiently(|| receiver.frames().iter().filter(|frame| frame.replay).count() > 50));
}

#[test]
fn a_receiver_that_is_killed_in_the_middle_gets_the_rest_when_it_is_back() {
    let mut house = House::new();
    let mut receiver = forwards(&mut house, Kind::RsyslogOpenssl, SLOW);
    house.start();
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    confirmed(&house, ENTRIES);
    let going_on = replay_going_on(&house, &ALL);
    in_the_middle(&receiver);
    receiver.freeze();
    let busy = house.run(&[&["replay"], &ALL[..]].concat());
    assert_eq!(busy.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&busy.stderr).contains("a replay to siem goes on already"));
    receiver.kill();
    receiver.start();
    let output = going_on.wait_with_output().unwrap();
    let replayed = replayed(&output);
    assert_eq!(output.status.code(), Some(0), "{replayed:?}");
    assert_eq!((replayed.sent, replayed.confirmed), (600, 600));
    let status = confirmed(&house, ENTRIES);
    assert_eq!(house.stop(), Some(0));
    let mut frames = receiver.frames();
    frames.retain(|frame| frame.seq <= status.journal.newest.0);
    check(&frames, status.journal.newest.0, &seqs(&house.records(), 0..600));
}

#[test]
fn what_is_not_confirmed_is_said_to_be_so_when_the_receiver_stays_away() {
    let mut house = House::new();
    let mut receiver = forwards(&mut house, Kind::RsyslogOpenssl, SLOW);
    house.start();
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    confirmed(&house, ENTRIES);
    let going_on = replay_going_on(&house, &[&ALL[..], &["--wait", "2"]].concat());
    in_the_middle(&receiver);
    receiver.kill();
    let output = going_on.wait_with_output().unwrap();
    let replayed = replayed(&output);
    assert_eq!(output.status.code(), Some(1), "{replayed:?}");
    assert!(!replayed.complete && replayed.confirmed < 600, "{replayed:?}");
    assert!(replayed.error.starts_with("given up after 2 s: "), "{replayed:?}");
    assert_eq!(house.stop(), Some(0));
    let told = told(&house);
    assert_eq!((told[1].outcome, told[1].count), (Outcome::Failure, Some(replayed.confirmed)));
    assert_eq!(told[1].reason.as_deref(), Some(replayed.error.as_str()));
}

#[test]
fn who_leaves_and_an_agent_that_stops_end_it_and_the_trail_says_so() {
    for leaves in [true, false] {
        let mut house = House::new();
        let receiver = forwards(&mut house, Kind::RsyslogOpenssl, SLOW);
        house.start();
        (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
        confirmed(&house, ENTRIES);
        let mut going_on = replay_going_on(&house, &ALL);
        in_the_middle(&receiver);
        if leaves {
            kill(Pid::from_raw(going_on.id().cast_signed()), Signal::SIGTERM).unwrap();
            house.wait_until("over", |status| {
                status.destinations[0].lag_records == 0 && told(&house).len() == 2
            });
        }
        assert_eq!(house.stop(), Some(0));
        assert_ne!(going_on.wait().unwrap().code(), Some(0));
        let reason = if leaves { "whoever asked left before the end" } else { "the agent is stopping" };
        let told = told(&house);
        assert_eq!(told.len(), 2, "{leaves}");
        assert_eq!((told[1].outcome, told[1].reason.as_deref()), (Outcome::Failure, Some(reason)));
        assert!(told[1].count < Some(600));
        // "51 of 51 events confirmed" would be all that was wanted.
        let message = &told[1].message;
        assert!(
            message.contains(" events went out, ") && message.contains(" of them confirmed"),
            "{message}"
        );
        assert!(!message.contains(" of 600") && !message.contains(": 600 events"), "{message}");
        let last = house.records().pop().unwrap().event.action;
        assert_eq!(last, Action::STOP, "told before the end");
    }
}

#[test]
fn what_a_destination_does_not_select_goes_to_it_only_when_asked_for() {
    let mut house = House::new();
    let receiver = forwards(&mut house, Kind::RsyslogOpenssl, "select = { user = \"bob\" }");
    house.start();
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.write_log(entry(150).replace("alice", "bob").as_bytes());
    confirmed(&house, ENTRIES + 1);
    let output = replay(&house, &RANGE);
    assert_eq!((output.status.code(), replayed(&output).sent), (Some(0), 1));
    let output = replay(&house, &[&RANGE[..], &["user=alice", "--unselected"]].concat());
    assert_eq!((output.status.code(), replayed(&output).sent), (Some(0), 200));
    let none = replay(&house, &["id=00000000000000000000000000000000"]);
    assert_eq!((none.status.code(), replayed(&none).sent), (Some(0), 0));
    let unknown = house.run(&["replay", "--dest", "other", "--since", "today"]);
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(said.contains("there is no destination other; there is siem"), "{said}");
    assert_eq!(unknown.status.code(), Some(2), "wrong usage, as for every command that takes one");
    assert_eq!(house.run(&["replay"]).status.code(), Some(2), "of what?");
    assert_eq!(house.run(&["replay", "--since", "whenever"]).status.code(), Some(2));
    assert_eq!(house.stop(), Some(0));
    let again = receiver.frames().into_iter().filter(|frame| frame.replay);
    let users: Vec<String> = again.map(|frame| frame.user.unwrap()).collect();
    assert_eq!(users.iter().filter(|user| *user == "bob").count(), 1);
    assert_eq!(users.len(), 201);
}
