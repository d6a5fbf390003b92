//! Certificates and keys are replaced on disk under way: neither half of a replacement nor all of it costs anything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::model::status::Status;
use otrail::model::{Action, Record};
use otrail::net::Pin;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use support::certs::{Ca, Identity, Kind as Certificate};
use support::daemon::{Kind, Receiver, Tls};
use support::frames::Account;
use support::process::{House, entry, patiently};
use support::proxy::Proxy;
use support::world::LOCAL;
use support::writer::Writer;

#[test]
fn a_certificate_without_its_key_yet_costs_nothing_and_is_told_once() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    // Each barrier makes a connection anew.
    receiver.tls = Tls::V1_2;
    receiver.start();
    house.forward("siem", receiver.port, "barrier-interval = \"200 ms\"");
    house.start();
    let writer = Writer::start(&house);
    let more = |house: &House| {
        let before = house.status().unwrap();
        house.wait_until("confirmed over two more connections", |status| {
            let (siem, was) = (&status.destinations[0], &before.destinations[0]);
            siem.confirmed > before.journal.newest && siem.connections > was.connections + 2
        })
    };
    house.wait_until("confirmed", |status| status.destinations.iter().any(|siem| siem.confirmed.0 > 20));
    let before = shown(&house.status().unwrap(), "own");
    let next = house.ca.sign(Certificate::Client, &["sensor"]);
    fs::write(house.path("client.pem"), &next.certificate_pem).unwrap();
    more(&house);
    let unused = |status: &Status| status.destinations[0].files_unused.clone();
    let status = house.wait_until("in the status", |status| unused(status).contains("does not belong"));
    assert!(
        status.problems.iter().any(|problem| problem.contains("its TLS files are not used")),
        "{status:?}"
    );
    assert_eq!((before.len(), shown(&status, "own")), (1, before), "the one in use is watched");
    next.write(house.folder.path(), "client");
    more(&house);
    let status = house.wait_until("in the status no more", |status| unused(status).is_empty());
    assert_eq!(status.destinations[0].resent, 0);
    let written = writer.stop();
    let all = |status: &Status| {
        status.sources[0].entries == written as u64
            && status.destinations[0].confirmed == status.journal.newest
    };
    let status = house.wait_until("everything confirmed", all);
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0), Account::default());
    assert_eq!(house.stop(), Some(0));
    let told: Vec<_> = house.records().into_iter().filter(is_refusal).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].event.message.contains("does not belong to the certificate"), "{told:?}");
}

#[test]
fn a_new_certificate_is_used_beside_a_link_that_stays_up_and_one_that_the_peer_refuses_is_not() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    receiver.start();
    house.forward("siem", receiver.port, "evidence = \"probe\"");
    house.start();
    let writer = Writer::start(&house);
    let up = |status: &Status| status.destinations.iter().any(|siem| siem.confirmed.0 > 20);
    let first = house.wait_until("confirmed", up).destinations[0].connections;
    house.ca.sign(Certificate::Client, &["sensor"]).write(house.folder.path(), "client");
    let second = house.wait_until("moved over", |status| status.destinations[0].connections > first);
    let stranger = Ca::new("nobody's CA").sign(Certificate::Client, &["sensor"]);
    stranger.write(house.folder.path(), "client");
    assert!(patiently(|| house.records().iter().any(is_refusal)), "not told");
    let status = house.status().unwrap();
    assert!(!status.healthy && !status.destinations[0].files_unused.is_empty(), "{status:?}");
    assert_eq!(shown(&status, "own"), shown(&second, "own"));
    assert_eq!(shown(&status, "own-on-disk"), [Pin::of(&stranger.certificate).to_string()]);
    let before = status.journal.newest;
    let last = house.wait_until("confirmed more", |status| status.destinations[0].confirmed > before);
    assert_eq!(last.destinations[0].connections, second.destinations[0].connections);
    let written = writer.stop();
    let status = house.wait_until("everything confirmed", |status| {
        status.sources[0].entries == written as u64
            && status.destinations[0].confirmed == status.journal.newest
    });
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0), Account::default());
    assert_eq!(house.stop(), Some(0));
    let records = house.records();
    let told = |action| records.iter().filter(|record| record.event.action == action).count();
    assert_eq!((told(Action::CERTIFICATE_CHANGED), told(Action::CERTIFICATE_REFUSED)), (1, 1));
    assert_eq!(told(Action::DESTINATION_LOST), 0);
}

#[test]
fn a_new_certificate_that_could_not_be_tried_is_tried_again() {
    let (mut house, proxy) = (House::new(), Proxy::start(None));
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    receiver.start();
    let through = format!("evidence = \"probe\"\nproxy = \"http://localhost:{}\"", proxy.port);
    house.forward("siem", receiver.port, &through);
    house.write_log(entry(1).as_bytes());
    house.start();
    let up = |status: &Status| {
        status.sources[0].entries == 1 && status.destinations[0].confirmed == status.journal.newest
    };
    let first = house.wait_until("confirmed", up).destinations[0].connections;
    proxy.shut(true);
    house.ca.sign(Certificate::Client, &["sensor"]).write(house.folder.path(), "client");
    assert!(patiently(|| house.records().iter().any(is_refusal)), "not told");
    proxy.shut(false);
    house.wait_until("moved over", |status| status.destinations[0].connections > first);
    assert_eq!(house.stop(), Some(0));
    let records = house.records();
    let told = |action| records.iter().filter(|record| record.event.action == action).count();
    assert_eq!((told(Action::CERTIFICATE_CHANGED), told(Action::CERTIFICATE_REFUSED)), (1, 1));
    assert_eq!(told(Action::DESTINATION_LOST), 0);
}

#[test]
fn a_new_certificate_that_counts_while_the_link_is_down_is_told_once_the_peer_keeps_it() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    receiver.start();
    house.forward("siem", receiver.port, "evidence = \"probe\"");
    house.write_log(entry(1).as_bytes());
    house.start();
    let up = |status: &Status| {
        status.sources[0].entries == 1 && status.destinations[0].confirmed == status.journal.newest
    };
    house.wait_until("confirmed", up);
    receiver.stop();
    let next = Ca::new("the next CA");
    receiver.ca_file = next.write(house.folder.path(), "clients");
    next.sign(Certificate::Client, &["sensor"]).write(house.folder.path(), "client");
    receiver.start();
    let is_change = |record: &Record| record.event.action == Action::CERTIFICATE_CHANGED;
    assert!(patiently(|| house.records().iter().any(is_change)), "not told");
    house.wait_until("all confirmed", |status| status.destinations[0].confirmed == status.journal.newest);
    assert_eq!(house.stop(), Some(0));
    let changes: Vec<Record> = house.records().into_iter().filter(is_change).collect();
    assert_eq!(changes.len(), 1);
    assert!(changes[0].event.message.contains("the peer takes the new certificate"), "{changes:?}");
}

/// A server with a list that revokes nobody, and an event that it has confirmed; the list, and what it shows.
fn up_with_a_list(house: &mut House, more: &str) -> (Receiver, PathBuf, Identity) {
    let mut receiver = Receiver::of(house, Kind::RsyslogOpenssl);
    let (list, shown) = (house.path("revoked.pem"), house.ca.sign(Certificate::Server, LOCAL));
    receiver.certificate = shown.write(house.folder.path(), "shown");
    fs::write(&list, house.ca.revoke(&[])).unwrap();
    receiver.start();
    house.forward("siem", receiver.port, &format!("crl-file = {list:?}\n{more}"));
    house.start();
    house.write_log(entry(1).as_bytes());
    house.wait_until("confirmed", |status| {
        status.sources[0].entries == 1 && status.destinations[0].confirmed == status.journal.newest
    });
    (receiver, list, shown)
}

#[test]
fn a_server_that_a_new_list_revokes_gets_nothing_more_and_one_with_another_certificate_does() {
    let mut house = House::new();
    let (mut receiver, list, shown) = up_with_a_list(&mut house, "backoff-max = \"500 ms\"");
    fs::write(&list, house.ca.revoke(&[&shown])).unwrap();
    house.wait_until("left it", |status| status.destinations[0].error.contains("is revoked"));
    let before = receiver.frames().len();
    house.write_log(entry(2).as_bytes());
    let status = house.wait_until("reads on", |status| status.sources[0].entries == 2);
    assert!(status.destinations[0].connected_since.is_empty());
    assert_eq!(receiver.frames().len(), before);
    receiver.stop();
    receiver.show(&house.ca, Certificate::Server, LOCAL);
    receiver.start();
    let status = house
        .wait_until("confirmed again", |status| status.destinations[0].confirmed == status.journal.newest);
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0).lost, [0; 0]);
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_server_that_a_new_list_revokes_gets_nothing_more_also_where_our_own_files_cannot_be_used() {
    let mut house = House::new();
    let (receiver, list, shown) = up_with_a_list(&mut house, "");
    let next = house.ca.sign(Certificate::Client, &["sensor"]);
    fs::write(house.path("client.pem"), &next.certificate_pem).unwrap();
    fs::write(&list, house.ca.revoke(&[&shown])).unwrap();
    let left = |status: &Status| {
        let siem = &status.destinations[0];
        siem.files_unused.contains("does not belong") && siem.error.contains("is revoked")
    };
    house.wait_until("left it", left);
    let before = receiver.frames().len();
    house.write_log(entry(2).as_bytes());
    house.wait_until("reads on", |status| status.sources[0].entries == 2);
    assert_eq!(receiver.frames().len(), before);
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_server_that_a_new_list_revokes_gets_nothing_more_also_where_no_second_link_can_be_made() {
    let (mut house, proxy) = (House::new(), Proxy::start(None));
    let through = format!("proxy = \"http://127.0.0.1:{}\"", proxy.port);
    let (receiver, list, shown) = up_with_a_list(&mut house, &through);
    proxy.shut(true);
    fs::write(&list, house.ca.revoke(&[&shown])).unwrap();
    let is_told = || house.records().iter().any(|record| record.event.message.contains("is revoked"));
    assert!(patiently(is_told), "{}", house.said());
    let before = receiver.frames().len();
    house.write_log(entry(2).as_bytes());
    house.wait_until("reads on", |status| status.sources[0].entries == 2);
    assert_eq!(receiver.frames().len(), before);
    assert_eq!(house.stop(), Some(0));
}

/// While there is no link what was good before has its turns, too; not for whom it trusts.
#[test]
fn a_server_that_is_revoked_while_it_is_away_gets_nothing_when_it_is_back() {
    let mut house = House::new();
    let proxy = Proxy::start(None);
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    let (list, shown) = (house.path("revoked.pem"), house.ca.sign(Certificate::Server, LOCAL));
    receiver.certificate = shown.write(house.folder.path(), "shown");
    fs::write(&list, house.ca.revoke(&[])).unwrap();
    receiver.start();
    let way = format!("proxy = \"http://127.0.0.1:{}\"\nbackoff-max = \"200 ms\"", proxy.port);
    house.forward("siem", receiver.port, &format!("crl-file = {list:?}\n{way}"));
    house.start();
    house.write_log(entry(1).as_bytes());
    let all = |status: &Status| status.destinations[0].confirmed == status.journal.newest;
    house.wait_until("confirmed", |status| status.sources[0].entries == 1 && all(status));
    receiver.stop();
    fs::write(&list, house.ca.revoke(&[&shown])).unwrap();
    let before = receiver.frames().len();
    receiver.start();
    house.write_log(entry(2).as_bytes());
    // A moment without the list takes nothing back.
    for is_there in [true, false] {
        if !is_there {
            fs::remove_file(&list).unwrap();
        }
        let tried = proxy.seen().len();
        assert!(patiently(|| proxy.seen().len() > tried + 4), "not tried");
        house.wait_until("refused", |status| status.destinations[0].error.contains("is revoked"));
        assert_eq!(receiver.frames().len(), before, "there: {is_there}");
    }
    fs::write(&list, house.ca.revoke(&[])).unwrap();
    let status = house.wait_until("confirmed again", |status| status.sources[0].entries == 2 && all(status));
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0).lost, [0; 0]);
    assert_eq!(house.stop(), Some(0));
}

/// Whichever of the two the server takes: neither a replacement that is wrong nor one that is needed holds delivery up.
#[test]
fn while_the_server_is_away_the_new_files_and_what_was_good_take_turns() {
    for kind in [Kind::RsyslogOpenssl, Kind::RsyslogGnutls, Kind::RelpOpenssl] {
        let mut house = House::new();
        let mut receiver = Receiver::of(&house, kind);
        receiver.start();
        let quick = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"";
        house.forward("siem", receiver.port, &format!("{quick}\ntransport = {:?}", kind.transport()));
        house.start();
        let confirmed = |house: &House, entries: u64| {
            house.write_log(entry(usize::try_from(entries).unwrap()).as_bytes());
            house.wait_until("confirmed", |status| {
                status.sources.iter().any(|source| source.entries == entries)
                    && status.destinations[0].confirmed == status.journal.newest
            })
        };
        confirmed(&house, 1);
        receiver.kill();
        let other = Ca::new("another CA");
        other.sign(Certificate::Client, &["sensor"]).write(house.folder.path(), "client");
        receiver.start();
        confirmed(&house, 2);
        receiver.kill();
        receiver.ca_file = other.write(house.folder.path(), "other");
        receiver.start();
        let status = confirmed(&house, 3);
        assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0).lost, [0; 0], "{kind:?}");
        assert_eq!(house.stop(), Some(0));
    }
}

#[test]
fn keys_that_systemd_hands_over_are_used() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    receiver.start();
    let credentials = house.path("credentials");
    fs::create_dir(&credentials).unwrap();
    house.ca.sign(Certificate::Client, &["sensor"]).write(&credentials, "client");
    // With an access list for the user of the service, which shows as rights of the group (systemd.exec(5)).
    fs::set_permissions(credentials.join("client.key"), Permissions::from_mode(0o440)).unwrap();
    house.tell_agent("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap());
    let files = "cert-file = \"credential:client.pem\"\nkey-file = \"credential:client.key\"";
    house.forward_as_nobody("siem", receiver.port, files);
    house.write_log(entry(1).as_bytes());
    house.start();
    house.wait_until("confirmed", |status| {
        status.sources[0].entries == 1 && status.destinations[0].confirmed == status.journal.newest
    });
    assert_eq!(house.stop(), Some(0));
    // A command that systemd did not start looks where the unit has them.
    let checked = house.run(&["check"]);
    let said =
        String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(said.contains("/run/credentials/otrail.service/client.pem"), "{said}");
    assert_ne!(checked.status.code(), Some(0));
}

/// The fingerprints of these certificates.
fn shown(status: &Status, whose: &str) -> Vec<String> {
    let all = status.destinations[0].certificates.iter();
    all.filter(|one| one.whose == whose).map(|one| one.fingerprint.clone()).collect()
}

fn is_refusal(record: &Record) -> bool {
    record.event.action == Action::CERTIFICATE_REFUSED
}
