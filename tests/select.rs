//! Destinations with a `select` of their own: each gets what it is to get and nothing else, and its chain of `prev` has
//! no hole, whatever ends in between.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails shows where")]

mod support;

use otrail::model::status::{DestinationStatus, Status};
use otrail::model::{Action, Class, Record};
use serde_json::json;
use support::daemon::{Kind, Receiver};
use support::frames::Frame;
use support::process::{House, entry, free_port};

const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\n";
const ENTRIES: usize = 400;

#[test]
fn each_gets_what_it_selects_and_every_hole_is_explained_whatever_is_killed() {
    for (kind, other) in [(Kind::RsyslogOpenssl, Kind::RelpOpenssl), (Kind::RsyslogGnutls, Kind::SyslogNg)] {
        let mut house = House::new();
        house.set("[select]\nclasses = [\"user-operation\", \"network\"]");
        let mut users = started(&house, kind);
        let mut bob = started(&house, other);
        let more = |kind: Kind, select: &str| format!("{QUICK}transport = {:?}\n{select}", kind.transport());
        house.forward("users", users.port, &more(kind, "select = { class = \"user-operation\" }"));
        let select = "[destination.select]\nuser = [\"bob\", \"carol\"]\nseverity = \"0..10\"\n";
        house.forward("bob", bob.port, &more(other, select));
        house.start();
        write(&house, 0);
        confirmed(&house, 1, ENTRIES);
        // The agent dies, and a receiver while the agent is away.
        house.kill();
        users.kill();
        write(&house, 1);
        house.start();
        house.wait_until("one has all", |status| {
            status.destinations.len() == 2 && caught_up(status, "bob") && read(status, ENTRIES)
        });
        users.start();
        confirmed(&house, 2, ENTRIES);
        // A receiver dies with a window on its way, which goes out again.
        write(&house, 2);
        bob.kill();
        write(&house, 3);
        bob.start();
        let status = confirmed(&house, 2, 3 * ENTRIES);
        assert_eq!(house.stop(), Some(0));
        let records = house.records();
        let of_users = |record: &Record| record.event.class == Class::UserOperation;
        let of_bob = |record: &Record| {
            record.event.class == Class::Agent || record.event.user.as_deref() == Some("bob")
        };
        check(&users.frames(), &records, of_users);
        check(&bob.frames(), &records, of_bob);
        for (name, wanted) in [("users", &of_users as &dyn Fn(&Record) -> bool), ("bob", &of_bob)] {
            let seen = |record: &&Record| record.seq <= status.journal.newest && !wanted(record);
            let passed = named(&status, name).passed_over;
            assert!(passed > 0 && passed <= records.iter().filter(seen).count() as u64, "{status:#?}");
        }
        assert_eq!(named(&status, "users").select, ["class=user-operation"]);
    }
}

#[test]
fn what_nobody_selected_holds_up_no_retention_also_while_the_server_is_away() {
    let mut house = House::new();
    house.set("[journal]\nsize-max = \"1 MiB\"\nsegment-max = \"64 KiB\"\nrecent-max = \"64 KiB\"");
    let port = free_port();
    house.forward("siem", port, &format!("{QUICK}select = {{ class = \"network\" }}"));
    house.start();
    // Sealed segments are small: it takes many entries until the oldest have to go.
    let mut entries = 0;
    while house.status().is_none_or(|status| status.journal.oldest.0 <= 1) && entries < 100_000 {
        house.write_log((entries..entries + 2000).map(entry).collect::<String>().as_bytes());
        entries += 2000;
        house.wait_until("read on", |status| read(status, entries));
    }
    let status = house.wait_until("the oldest are gone and the rest has room", |status| {
        status.journal.oldest.0 > 1 && !status.journal.full
    });
    assert!(named(&status, "siem").confirmed.0 >= status.journal.oldest.0, "{status:#?}");
    assert_eq!((named(&status, "siem").connections, named(&status, "siem").frames), (0, 0));
    let shown = house.run(&["status"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("select: class=network; ") && shown.contains(" records passed over"), "{shown}");
    assert_eq!(house.stop(), Some(0), "{}", house.said());
    removals_are_told(&house);
}

/// Which records were removed, each time from where the last time ended up to what is there now.
fn removals_are_told(house: &House) {
    let said = house.said();
    let told = " are older than the journal may keep (size-max, age-max) and are removed";
    let ranges = said.lines().filter_map(|line| line.strip_suffix(told)?.split_once("records "));
    let ends = ranges.filter_map(|(_, range)| range.split_once(" to "));
    let removed: Vec<[u64; 2]> =
        ends.map(|(first, last)| [first, last].map(|seq| seq.parse().unwrap())).collect();
    assert_eq!(removed.first().map(|[first, _]| *first), Some(1), "{said}");
    assert!(removed.windows(2).all(|two| two[1][0] == two[0][1] + 1), "{removed:?}");
    let left = house.records().first().map(|record| record.seq.0);
    assert_eq!(removed.last().map(|[_, last]| last + 1), left, "{removed:?}");
}

#[test]
fn what_is_selected_is_kept_for_a_server_that_is_away() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    let select = "[destination.select]\nclass = \"user-operation\"\nuser = \"bob\"\n";
    house.forward("siem", receiver.port, &format!("{QUICK}{select}"));
    house.start();
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.write_log(by("bob", 1).as_bytes());
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    let status = house.wait_until("looked up to it", |status| {
        read(status, 2 * ENTRIES + 1) && named(status, "siem").confirmed.0 >= ENTRIES as u64
    });
    // The start of the agent and those of alice come before it.
    let bob = house.records().iter().find(|record| record.event.user.as_deref() == Some("bob")).unwrap().seq;
    assert_eq!(named(&status, "siem").confirmed.next(), bob);
    assert_eq!(named(&status, "siem").lag_records, status.journal.newest.0 - bob.0 + 1);
    house.kill();
    receiver.start();
    house.start();
    house.wait_until("delivered", |status| status.destinations.len() == 1 && caught_up(status, "siem"));
    let frames = receiver.frames();
    assert_eq!(frames.iter().map(|frame| (frame.seq, frame.prev)).collect::<Vec<_>>(), [(bob.0, 0)]);
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_test_event_goes_also_to_whom_own_events_do_not() {
    let mut house = House::new();
    let receiver = started(&house, Kind::RsyslogOpenssl);
    let select = "select = { class = \"user-operation\", action = \"user.login\" }";
    house.forward("siem", receiver.port, &format!("{QUICK}{select}"));
    house.write_log((by("bob", 1) + &by("bob", 2)).as_bytes());
    house.start();
    house.wait_until("confirmed", |status| read(status, 2) && caught_up(status, "siem"));
    let output = house.run(&["send-test", "--count", "2", "--show-bytes", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(house.stop(), Some(0));
    let frames = receiver.frames();
    let actions: Vec<&str> = frames.iter().map(|frame| frame.action.as_str()).collect();
    assert_eq!(actions, ["user.login", "user.login", "agent.test", "agent.test"]);
    let tested: Vec<otrail::model::act::Tested> = serde_json::from_slice(&output.stdout).unwrap();
    for (message, frame) in tested[0].messages.iter().zip(&frames[2..]) {
        assert!(message.contains(&format!(" seq=\"{}\" prev=\"{}\" ", frame.seq, frame.prev)), "{message}");
    }
    check(&frames, &house.records(), |record| {
        record.event.class == Class::UserOperation || record.event.action == Action::TEST
    });
}

#[test]
fn a_changed_select_counts_from_then_on() {
    let mut house = House::new();
    let receiver = started(&house, Kind::RsyslogOpenssl);
    let class = |class: &str| format!("{QUICK}select = {{ class = {class:?}, user = \"bob\" }}");
    house.forward("siem", receiver.port, &class("user-operation"));
    house.start();
    house.write_log((by("bob", 1) + &by("alice", 2)).as_bytes());
    house.wait_until("confirmed", |status| read(status, 2) && caught_up(status, "siem"));
    assert_eq!(house.stop(), Some(0));
    house.forward_nowhere();
    house.forward("siem", receiver.port, QUICK);
    house.start();
    house.write_log(by("alice", 3).as_bytes());
    house.wait_until("confirmed", |status| read(status, 1) && caught_up(status, "siem"));
    assert_eq!(house.stop(), Some(0));
    let records = house.records();
    let starts = records.iter().filter(|record| record.event.action == Action::START);
    let second = starts.max_by_key(|record| record.seq).unwrap().seq;
    // What the first run journaled when it had stopped forwarding comes now.
    let stop = records.iter().find(|record| record.event.action == Action::STOP).unwrap().seq;
    let frames = receiver.frames();
    assert_eq!((frames[0].user.as_deref(), frames[0].prev), (Some("bob"), 0));
    assert_eq!(frames[1].prev, frames[0].seq, "{stop} and {second} follow what was sent before");
    assert!(frames[1].seq > stop.0 && frames[1..].windows(2).all(|pair| pair[1].prev == pair[0].seq));
    assert!(!frames.iter().any(|frame| frame.seq < second.0 && frame.user.as_deref() == Some("alice")));
}

/// Exactly the wanted records arrived, each says which one came before it, and what came twice says so.
#[track_caller]
fn check(frames: &[Frame], records: &[Record], wants: impl Fn(&Record) -> bool) {
    let wanted: Vec<&Record> = records.iter().filter(|record| wants(record)).collect();
    let mut arrived = vec![false; wanted.len()];
    for frame in frames {
        let at = wanted.iter().position(|record| record.seq.0 == frame.seq);
        let at = at.unwrap_or_else(|| panic!("{} is not selected: {frame:?}", frame.seq));
        assert_eq!(frame.prev, if at == 0 { 0 } else { wanted[at - 1].seq.0 }, "before {}", frame.seq);
        assert_eq!(frame.id, wanted[at].event.id.to_string());
        assert!(!arrived[at] || frame.resent, "{} came again", frame.seq);
        arrived[at] = true;
    }
    // The agent's last words may come with its next start only.
    let missing: Vec<_> = wanted
        .iter()
        .zip(&arrived)
        .filter(|(record, arrived)| !**arrived && record.event.action != Action::STOP)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn started(house: &House, kind: Kind) -> Receiver {
    let mut receiver = Receiver::of(house, kind);
    receiver.start();
    receiver
}

/// Entries of alice, of bob and of the network.
fn write(house: &House, round: usize) {
    for number in (round * ENTRIES..(round + 1) * ENTRIES).step_by(4) {
        let lines = [entry(number), by("bob", number), of_the_network(number), of_the_network(number + 1)];
        house.write_log(lines.concat().as_bytes());
    }
}

fn by(user: &str, number: usize) -> String {
    entry(number).replace("alice", user)
}

fn of_the_network(number: usize) -> String {
    let entry = json!({
        "timestamp": 1_764_000_000_000_u64 + number as u64, "type": "DEVICE_CREATE", "title": "Device detected",
        "severity": "INFO", "owner": "", "content": format!("New device {number}")
    });
    format!("{entry}\n")
}

fn confirmed(house: &House, destinations: usize, entries: usize) -> Status {
    house.wait_until("all confirmed", |status| {
        status.destinations.len() >= destinations
            && read(status, entries)
            && status.destinations.iter().all(|it| it.confirmed == status.journal.newest)
    })
}

fn named<'a>(status: &'a Status, name: &str) -> &'a DestinationStatus {
    status.destinations.iter().find(|destination| destination.name == name).unwrap()
}

fn caught_up(status: &Status, name: &str) -> bool {
    named(status, name).confirmed == status.journal.newest
}

fn read(status: &Status, entries: usize) -> bool {
    status.sources.iter().any(|source| source.entries == entries as u64)
}
