//! Receivers that are killed, restarted or away while the sensor goes on writing: nothing is lost, what comes twice
//! says so and is no more than one window for each broken connection.

mod support;

use otrail::model::status::{DestinationStatus, Status};
use support::frames::Account;
use support::process::House;
use support::receiver::{Kind, Receiver};
use support::writer::Writer;

#[test]
fn rsyslog_with_openssl_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::RsyslogOpenssl);
}

#[test]
fn rsyslog_with_gnutls_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::RsyslogGnutls);
}

#[test]
fn syslog_ng_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::SyslogNg);
}

#[test]
fn rsyslog_with_openssl_restarted_costs_nothing() {
    is_restarted(Kind::RsyslogOpenssl);
}

#[test]
fn rsyslog_with_gnutls_restarted_costs_nothing() {
    is_restarted(Kind::RsyslogGnutls);
}

#[test]
fn syslog_ng_restarted_costs_nothing() {
    is_restarted(Kind::SyslogNg);
}

/// What a frozen receiver's kernel has taken is gone with it.
fn is_killed_after_freezes(kind: Kind) {
    let (mut house, mut receiver) = pair(kind);
    let writer = Writer::start(&house);
    let mut with_bytes_on_the_way = 0;
    for _ in 0..KILLS {
        let confirmed = destination(&house.wait_until("connected", is_connected)).confirmed;
        house.wait_until("confirmed more", |status| destination(status).confirmed > confirmed);
        receiver.freeze();
        let status = house.wait_until("sent without evidence", |status| {
            let siem = destination(status);
            siem.sent > siem.confirmed || siem.state == "waiting"
        });
        with_bytes_on_the_way += usize::from(destination(&status).window_bytes > 0);
        receiver.kill();
        receiver.start();
    }
    assert!(with_bytes_on_the_way > 0);
    nothing_is_lost(&mut house, &receiver, writer, KILLS);
}

fn is_restarted(kind: Kind) {
    let (mut house, mut receiver) = pair(kind);
    let writer = Writer::start(&house);
    for _ in 0..RESTARTS {
        let confirmed = destination(&house.wait_until("connected", is_connected)).confirmed;
        house.wait_until("confirmed more", |status| destination(status).confirmed > confirmed);
        receiver.stop();
        receiver.start();
    }
    nothing_is_lost(&mut house, &receiver, writer, RESTARTS);
}

/// Both run.
fn pair(kind: Kind) -> (House, Receiver) {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, kind);
    receiver.start();
    house.forward("siem", receiver.port, QUICK);
    house.start();
    (house, receiver)
}

fn nothing_is_lost(house: &mut House, receiver: &Receiver, writer: Writer, breaks: usize) {
    let written = writer.stop();
    let status = house.wait_until("everything confirmed", |status| has_confirmed(status, written));
    let account = Account::of(&receiver.frames(), status.journal.newest.0);
    eprintln!(
        "{:?} breaks {breaks} newest {} lost {} dup {} bytes {} repeats {} resent {} conns {} wrong {:?}",
        receiver.kind,
        status.journal.newest.0,
        account.lost.len(),
        account.duplicates,
        account.duplicate_bytes,
        account.repeats,
        status.destinations[0].resent,
        status.destinations[0].connections,
        account.wrong
    );
    assert_eq!((&account.lost[..], &account.wrong[..]), (&[][..], &[][..]), "{:?}", receiver.kind);
    assert!(account.repeats <= breaks && account.duplicate_bytes <= breaks * WINDOW_BYTES_MAX, "{account:?}");
    assert_eq!(house.stop(), Some(0));
}

fn destination(status: &Status) -> &DestinationStatus {
    &status.destinations[0]
}

fn is_connected(status: &Status) -> bool {
    destination(status).state == "connected"
}

fn has_confirmed(status: &Status, written: usize) -> bool {
    status.sources.iter().any(|source| source.entries == written as u64)
        && status.destinations.iter().all(|destination| destination.confirmed == status.journal.newest)
}

const KILLS: usize = 10;
const RESTARTS: usize = 5;
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\nwindow-max = \"64 KiB\"\n";
/// The window, and the frame that fills it.
const WINDOW_BYTES_MAX: usize = (64 << 10) + (8 << 10);
