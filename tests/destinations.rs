//! Several destinations: each gets what it is to get, whatever the others do and whatever took its place.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::model::status::{DestinationStatus, Status};
use otrail::model::{Action, Class};
use serde_json::json;
use support::certs::Kind as Certificate;
use support::daemon::{Kind, Receiver};
use support::frames::{Account, Frame};
use support::process::{House, entry, free_port, patiently};
use support::receiver::Receiver as Server;
use support::world::LOCAL;

#[test]
fn one_that_is_frozen_and_one_that_is_not_there_hold_up_nobody() {
    let mut house = House::new();
    let mut good = started(&house, Kind::RsyslogOpenssl);
    let frozen = started(&house, Kind::SyslogNg);
    house.forward("good", good.port, QUICK);
    house.forward("frozen", frozen.port, QUICK);
    house.forward("absent", free_port(), QUICK);
    house.start();
    house.wait_until("both connected", |status| caught_up(status, "good") && caught_up(status, "frozen"));
    frozen.freeze();
    write(&house, ENTRIES);
    let status =
        house.wait_until("the good one has all", |status| read(status, ENTRIES) && caught_up(status, "good"));
    assert!(!caught_up(&status, "frozen"));
    assert_eq!(named(&status, "absent").confirmed.0, 0);
    assert!(named(&status, "absent").error.contains("refused"), "{status:?}");
    let account = Account::of(&good.frames(), status.journal.newest.0);
    assert_eq!(account, Account::default());
    frozen.thaw();
    let status = house.wait_until("the other has all, too", |status| caught_up(status, "frozen"));
    // What its TLS has read comes into its file a moment later.
    let newest = status.journal.newest.0;
    assert!(
        patiently(|| Account::of(&frozen.frames(), newest).lost.is_empty()),
        "{:?} of {newest}",
        Account::of(&frozen.frames(), newest).lost
    );
    good.stop();
}

/// How often the trail tells a loss, and a return.
fn lost_and_restored(house: &House) -> (usize, usize) {
    let records = house.records();
    let count = |action| records.iter().filter(|record| record.event.action == action).count();
    (count(Action::DESTINATION_LOST), count(Action::DESTINATION_RESTORED))
}

#[test]
fn one_that_was_lost_before_a_restart_and_comes_back_after_it_is_told_to_be_back() {
    // A destroyed cursor takes nothing from that, though everything is sent again.
    for (is_killed, is_destroyed) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut house = House::new();
        let mut receiver = Server::start(&house);
        house.forward("siem", receiver.port, QUICK);
        house.start();
        house.wait_until("connected", |status| caught_up(status, "siem"));
        assert_eq!(lost_and_restored(&house), (0, 0), "who has not been lost is not back");
        receiver.away();
        assert!(patiently(|| lost_and_restored(&house) == (1, 0)), "{}", house.said());
        match is_killed {
            true => house.kill(),
            false => assert_eq!(house.stop(), Some(0)),
        }
        if is_destroyed {
            std::fs::write(house.path("state/cursors/siem"), "no cursor").unwrap();
        }
        receiver.back();
        house.start();
        assert!(patiently(|| lost_and_restored(&house) == (1, 1)), "{}", house.said());
        // It is told once.
        assert_eq!(house.stop(), Some(0));
        house.start();
        house.wait_until("connected", |status| caught_up(status, "siem"));
        assert_eq!(house.stop(), Some(0));
        assert_eq!(lost_and_restored(&house), (1, 1));
        let damaged = house.records().iter().filter(|it| it.event.action == Action::JOURNAL_DAMAGED).count();
        assert_eq!(damaged, usize::from(is_destroyed));
    }
}

#[test]
fn a_new_one_begins_where_it_is_told_to() {
    let mut house = House::new();
    let (first, oldest, now) = (
        started(&house, Kind::RsyslogOpenssl),
        started(&house, Kind::RsyslogOpenssl),
        started(&house, Kind::RsyslogOpenssl),
    );
    house.forward("first", first.port, QUICK);
    house.start();
    write(&house, ENTRIES);
    house.wait_until("read", |status| read(status, ENTRIES));
    assert_eq!(house.stop(), Some(0));
    let before = house.records().last().unwrap().seq.0;
    house.forward("oldest", oldest.port, QUICK);
    house.forward("now", now.port, &format!("{QUICK}from = \"now\""));
    house.start();
    let names = ["first", "oldest", "now"];
    let status = house.wait_until("all confirmed", |status| {
        status.journal.newest.0 > before && names.iter().all(|name| caught_up(status, name))
    });
    let newest = status.journal.newest.0;
    for receiver in [&first, &oldest] {
        assert_eq!(Account::of(&receiver.frames(), newest), Account::default());
    }
    let frames = now.frames();
    let seqs: Vec<u64> = frames.iter().map(|frame| frame.seq).collect();
    assert_eq!((seqs, frames[0].prev), ((before + 1..=newest).collect(), before));
}

#[test]
fn those_that_send_alike_count_their_frames_each_for_itself() {
    let mut house = House::new();
    let (first, second) = (started(&house, Kind::RsyslogOpenssl), started(&house, Kind::RsyslogOpenssl));
    house.forward("first", first.port, QUICK);
    house.start();
    write(&house, ENTRIES);
    house.wait_until("the first has all", |status| read(status, ENTRIES) && caught_up(status, "first"));
    assert_eq!(house.stop(), Some(0));
    let before = first.frames().len();
    house.forward("second", second.port, QUICK);
    house.start();
    let both = |status: &Status| caught_up(status, "first") && caught_up(status, "second");
    house.wait_until("both are at the end", both);
    write(&house, ENTRIES);
    house.wait_until("both have all", |status| read(status, ENTRIES) && both(status));
    assert_eq!(house.stop(), Some(0));
    let (first, second) = (&first.frames()[before..], second.frames());
    let counted = |frames: &[Frame]| frames.iter().map(|frame| apart(&frame.bytes).0).collect::<Vec<_>>();
    assert_eq!(counted(first), (1..=first.len() as u64).collect::<Vec<_>>());
    assert_eq!(counted(&second), (1..=second.len() as u64).collect::<Vec<_>>());
    let rest = |frames: &[Frame]| frames.iter().map(|frame| apart(&frame.bytes).1).collect::<Vec<_>>();
    assert_eq!(rest(first), rest(&second[second.len() - first.len()..]));
}

/// The counter of a frame, and what else stands in it.
fn apart(frame: &[u8]) -> (u64, String) {
    let text = std::str::from_utf8(frame).unwrap();
    let (head, tail) = text.split_once("[meta sequenceId=\"").unwrap();
    let (counter, tail) = tail.split_once('"').unwrap();
    (counter.parse().unwrap(), format!("{head} {tail}"))
}

#[test]
fn a_new_one_does_not_begin_again_when_the_agent_is_killed_before_it_got_anything() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    house.forward("siem", receiver.port, &format!("{QUICK}from = \"now\""));
    house.start();
    write(&house, ENTRIES);
    house.wait_until("read", |status| read(status, ENTRIES));
    house.kill();
    receiver.start();
    house.start();
    let status = house.wait_until("all confirmed", |status| {
        status.journal.newest.0 > ENTRIES as u64 && caught_up(status, "siem")
    });
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0), Account::default());
}

#[test]
fn what_is_not_selected_makes_no_hole() {
    let mut house = House::new();
    let receiver = started(&house, Kind::RsyslogOpenssl);
    house.forward("siem", receiver.port, QUICK);
    house.start();
    for number in 0..ENTRIES {
        house.write_log(of_the_network(number).as_bytes());
        house.write_log(entry(number).as_bytes());
    }
    let status =
        house.wait_until("all confirmed", |status| read(status, 2 * ENTRIES) && caught_up(status, "siem"));
    assert_eq!(status.sources[0].passed_over, ENTRIES as u64);
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0), Account::default());
    let logins = |frames: &[Frame]| frames.iter().filter(|frame| frame.action == "user.login").count();
    assert_eq!(logins(&receiver.frames()), ENTRIES);

    house.stop();
    house.set("[select]\nclasses = [\"user-operation\", \"network\"]");
    house.start();
    write(&house, 1);
    house.write_log(of_the_network(ENTRIES).as_bytes());
    let status = house.wait_until("all confirmed", |status| read(status, 2) && caught_up(status, "siem"));
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0), Account::default());
    let records = house.records();
    let network = records.iter().filter(|record| record.event.class == Class::Network);
    assert_eq!(network.count(), 1);
}

/// rsyslog with OpenSSL answers a close, with GnuTLS it does not: after some links without the usual answer the
/// weaker evidence counts again, and is shown as such. syslog-ng answers probes, too: whether it is sent one depends on how
/// many links it took to learn that GnuTLS leaves them unanswered.
#[test]
fn a_receiver_that_takes_the_place_of_another_is_learned_anew() {
    let mut house = House::new();
    let mut receiver = started(&house, Kind::RsyslogOpenssl);
    house.forward("siem", receiver.port, QUICK);
    house.start();
    house.wait_until("confirmed", |status| caught_up(status, "siem"));
    for (kind, evidence) in [(Kind::RsyslogGnutls, &["fin"][..]), (Kind::SyslogNg, &["barrier", "probe"])] {
        receiver.stop();
        receiver.kind = kind;
        receiver.start();
        write(&house, ENTRIES);
        house.wait_until(&evidence.join(" or "), |status| {
            caught_up(status, "siem") && evidence.contains(&named(status, "siem").evidence.as_str())
        });
    }
    let status = house.wait_until("confirmed", |status| caught_up(status, "siem"));
    let account = Account::of(&receiver.frames(), status.journal.newest.0);
    assert_eq!((account.lost, account.wrong), (Vec::new(), Vec::new()));
}

#[test]
fn who_wants_a_barrier_is_not_content_with_a_fin() {
    let mut house = House::new();
    let mut receiver = started(&house, Kind::RsyslogGnutls);
    house.forward("siem", receiver.port, &format!("{QUICK}evidence = \"barrier\""));
    house.start();
    let status = house.wait_until("said so", |status| {
        status.destinations.iter().any(|siem| siem.error.contains("evidence = \"barrier\" demands"))
    });
    assert_eq!((named(&status, "siem").confirmed.0, named(&status, "siem").frames), (0, 0));
    receiver.stop();
    receiver.kind = Kind::SyslogNg;
    receiver.start();
    let status = house.wait_until("confirmed", |status| caught_up(status, "siem"));
    let account = Account::of(&receiver.frames(), status.journal.newest.0);
    assert_eq!((account.lost, account.wrong), (Vec::new(), Vec::new()));
}

fn started(house: &House, kind: Kind) -> Receiver {
    let mut receiver = Receiver::of(house, kind);
    receiver.start();
    receiver
}

fn write(house: &House, entries: usize) {
    (0..entries).for_each(|number| house.write_log(entry(number).as_bytes()));
}

fn of_the_network(number: usize) -> String {
    let at = 1_764_000_000_000_u64 + number as u64;
    let entry = json!({
        "timestamp": at, "type": "DEVICE_CREATE", "title": "Device detected", "severity": "INFO", "owner": "",
        "content": "New device 10.0.0.1"
    });
    format!("{entry}\n")
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

const ENTRIES: usize = 300;
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\n";

#[test]
fn a_certificate_that_is_about_to_expire_is_told_once_and_not_again_after_a_restart() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    receiver.show(&house.ca, Certificate::Expiring, LOCAL);
    receiver.start();
    house.forward("siem", receiver.port, QUICK);
    let told = |house: &House| {
        let records = house.records().into_iter().map(|record| record.event);
        records.filter(|event| event.action == Action::CERTIFICATE_EXPIRING).collect::<Vec<_>>()
    };
    house.start();
    house.wait_until("connected", |status| {
        let shown = &named(status, "siem").certificates;
        shown.iter().map(|shown| shown.whose.as_str()).eq(["peer", "own"])
    });
    assert_eq!(house.stop(), Some(0));
    // It is looked at when the agent starts and now and then: what it knew of the peer is gone with the first run.
    house.start();
    house.wait_until("told", |_| !told(&house).is_empty());
    assert_eq!(house.stop(), Some(0));
    house.start();
    house.wait_until("connected again", |status| caught_up(status, "siem"));
    assert_eq!(house.stop(), Some(0));
    let events = told(&house);
    assert_eq!(events.len(), 1, "{events:?}");
    let message = &events[0].message;
    assert!(message.starts_with("siem: the peer's certificate CN=localhost expires in "), "{message}");
    assert!(matches!(events[0].count, Some(3..=5)), "{:?}", events[0].count);
}
