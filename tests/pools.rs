//! A destination with several addresses: the next takes over when one fails, and the first gets it back.

mod support;

use otrail::model::status::{DestinationStatus, Status};
use std::net::TcpListener;
use support::daemon::{Kind, Receiver};
use support::frames::{Account, Frame};
use support::process::{House, entry};
use support::receiver;
use support::writer::Writer;

#[test]
fn the_next_address_takes_over_and_the_first_gets_it_back_without_loss() {
    for kind in [Kind::RsyslogOpenssl, Kind::RelpOpenssl, Kind::RsyslogGnutls] {
        let mut house = House::new();
        let (mut first, mut second) = (Receiver::of(&house, kind), Receiver::of(&house, kind));
        first.start();
        second.start();
        forward(&mut house, &[first.port, second.port], kind.transport());
        house.start();
        let writer = Writer::start(&house);
        house.wait_until("confirmed by the first", |status| siem(status).confirmed.0 > 50 && uses(status, 0));
        first.kill();
        let left = house.wait_until("at the second", |status| uses(status, 1));
        assert!(!siem(&left).addresses[0].error.is_empty(), "{left:?}");
        let at = left.journal.newest;
        house.wait_until("confirmed by the second", |status| siem(status).confirmed > at);
        first.start();
        let back = house.wait_until("back at the first", |status| uses(status, 0));
        let at = back.journal.newest;
        house.wait_until("confirmed by the first again", |status| siem(status).confirmed > at);
        // The other way round the first stays in use.
        second.kill();
        let at = house.status().unwrap().journal.newest;
        house.wait_until("confirmed by the first alone", |status| siem(status).confirmed > at);
        let written = writer.stop();
        let status = house.wait_until("everything confirmed", |status| {
            status.sources.iter().any(|source| source.entries == written as u64)
                && siem(status).confirmed == status.journal.newest
        });
        let mut frames: Vec<Frame> = first.frames().into_iter().chain(second.frames()).collect();
        frames.sort_by_key(|frame| frame.seq);
        let account = Account::of(&frames, status.journal.newest.0);
        assert_eq!(account.lost, [0; 0], "{kind:?}");
        let moved = status.destinations[0].resent;
        assert!(account.duplicates as u64 <= moved, "{kind:?}: {account:?}");
        assert_eq!(house.stop(), Some(0));
    }
}

#[test]
fn a_name_that_is_not_known_and_a_port_that_is_closed_are_passed_over_and_told() {
    let mut house = House::new();
    let mut last = Receiver::of(&house, Kind::SyslogNg);
    last.start();
    let places = [
        "no-such-host.invalid".to_owned(),
        format!("localhost:{}", support::process::free_port()),
        format!("localhost:{}", last.port),
    ];
    forward_to(&mut house, &places, "tls", "");
    (0..50).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.start();
    let status = house.wait_until("confirmed by the last", |status| {
        status.sources.iter().any(|source| source.entries == 50)
            && siem(status).confirmed == status.journal.newest
            && uses(status, 2)
    });
    let addresses = &siem(&status).addresses;
    assert!(addresses[0].error.contains("cannot resolve no-such-host.invalid"), "{addresses:?}");
    assert!(addresses[1].error.contains("refused"), "{addresses:?}");
    assert_eq!((siem(&status).address.as_str(), status.healthy), (addresses[2].address.as_str(), true));
    let shown = house.run(&["status"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("address") && shown.contains("in use") && shown.contains("refused"), "{shown}");
}

/// Takes connections and gives no evidence: the next one is asked.
#[test]
fn an_address_that_takes_us_and_gives_no_evidence_is_left() {
    let mut house = House::new();
    let sink = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = sink.local_addr().unwrap().port();
    // It accepts, reads a little and closes.
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = sink.accept() {
            let _ = std::io::Read::read(&mut socket, &mut [0; 1000]);
        }
    });
    let mut good = Receiver::of(&house, Kind::RelpGnutls);
    good.start();
    forward(&mut house, &[port, good.port], "relp-tls");
    (0..50).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.start();
    let status = house.wait_until("confirmed by the second", |status| {
        status.sources.iter().any(|source| source.entries == 50)
            && siem(status).confirmed == status.journal.newest
    });
    assert_eq!(Account::of(&good.frames(), status.journal.newest.0).lost, [0; 0]);
}

#[test]
fn a_visit_that_ends_late_does_not_lead_away_from_an_address_before_the_one_it_reached() {
    let mut house = House::new();
    let [mut first, mut second, mut third] = [(); 3].map(|()| receiver::Receiver::start(&house));
    first.away();
    second.away();
    let places = [first.port, second.port, third.port].map(|port| format!("localhost:{port}"));
    forward_to(&mut house, &places, "tls", "return-interval = \"300 ms\"\nconnect-timeout = \"60 s\"");
    house.write_log(entry(0).as_bytes());
    house.start();
    let is_confirmed = |status: &Status| siem(status).confirmed == status.journal.newest;
    house.wait_until("at the third", |status| uses(status, 2) && is_confirmed(status));
    // A visit to the first gets no answer there until the first has the link.
    let silent = TcpListener::bind(("127.0.0.1", first.port)).unwrap();
    let held = silent.accept().unwrap();
    drop(silent);
    first.back();
    second.back();
    third.away();
    house.wait_until("at the first", |status| uses(status, 0));
    drop(held);
    house.wait_until("the visit reaches the second", |_| second.connections() == 1);
    for number in 1..4 {
        house.write_log(entry(number).as_bytes());
        house.wait_until("confirmed", |status| {
            status.sources[0].entries == number as u64 + 1 && is_confirmed(status)
        });
    }
    let status = house.status().unwrap();
    assert!(uses(&status, 0) && siem(&status).addresses[1].connections == 0, "{:?}", siem(&status).addresses);
    assert!(first.has("session 0000003") && !second.has("session"));
    assert_eq!(house.stop(), Some(0));
}

fn forward(house: &mut House, ports: &[u16], transport: &str) {
    let addresses: Vec<String> = ports.iter().map(|port| format!("localhost:{port}")).collect();
    forward_to(house, &addresses, transport, "return-interval = \"300 ms\"");
}

fn forward_to(house: &mut House, addresses: &[String], transport: &str, more: &str) {
    house.set(&format!(
        "[[destination]]\nname = \"siem\"\naddresses = {addresses:?}\ntransport = {transport:?}\n\
         ca-file = {:?}\ncert-file = {:?}\nkey-file = {:?}\n{more}\n\
         barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"",
        house.path("ca.pem"),
        house.path("client.pem"),
        house.path("client.key"),
    ));
}

fn siem(status: &Status) -> &DestinationStatus {
    &status.destinations[0]
}

fn uses(status: &Status, address: usize) -> bool {
    siem(status).addresses.iter().position(|address| address.in_use) == Some(address)
}
