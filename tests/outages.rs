//! Receivers that are killed, restarted or away while the sensor goes on writing: nothing is lost, what comes twice
//! says so and is no more than one window for each broken connection.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::model::Class;
use otrail::model::status::{DestinationStatus, Status};
use std::fs;
use support::daemon::{Kind, Receiver};
use support::frames::Account;
use support::process::House;
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
fn imrelp_with_openssl_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::RelpOpenssl);
}

#[test]
fn imrelp_with_gnutls_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::RelpGnutls);
}

#[test]
fn a_python_server_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::Python);
}

#[test]
fn a_node_server_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::Node);
}

#[test]
fn a_java_server_killed_after_a_freeze_costs_nothing() {
    is_killed_after_freezes(Kind::Java);
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

#[test]
fn imrelp_restarted_costs_nothing() {
    is_restarted(Kind::RelpOpenssl);
    is_restarted(Kind::RelpGnutls);
}

#[test]
fn a_receiver_that_is_away_gets_everything_when_it_is_back() {
    for kind in [Kind::RsyslogOpenssl, Kind::RsyslogGnutls, Kind::SyslogNg, Kind::RelpOpenssl] {
        let (mut house, mut receiver) = pair(kind);
        let writer = Writer::start(&house);
        house.wait_until("confirmed some", |status| destination(status).confirmed.0 > 50);
        // In the middle of its work.
        receiver.kill();
        let left = house.wait_until("refused", |status| destination(status).error.contains("refused"));
        house.wait_until("journaled more than a window without it", |status| {
            status.journal.newest.0 > left.journal.newest.0 + 300
        });
        receiver.start();
        nothing_is_lost(&mut house, &receiver, writer, 1);
    }
}

#[test]
fn an_agent_that_is_stopped_while_its_receiver_is_frozen_ends_and_delivers_later() {
    let (mut house, mut receiver) = pair(Kind::RsyslogOpenssl);
    let writer = Writer::start(&house);
    house.wait_until("confirmed some", |status| destination(status).confirmed.0 > 50);
    receiver.freeze();
    house.wait_until("sent without evidence", on_the_way);
    assert_eq!(house.stop(), Some(0));
    // Everything that its kernel had taken is gone.
    receiver.kill();
    receiver.start();
    house.start();
    nothing_is_lost(&mut house, &receiver, writer, 1);
}

/// The cursor is written once a second: that much comes again besides the window.
#[test]
fn an_agent_that_is_killed_in_its_first_moments_says_what_it_sends_again() {
    let (mut house, receiver) = pair(Kind::RsyslogOpenssl);
    let writer = Writer::start(&house);
    house.wait_until("confirmed some", |status| destination(status).confirmed.0 > 10);
    house.kill();
    house.start();
    assert!(all_arrives(&mut house, &receiver, writer).repeats <= 1);
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
        let status = house.wait_until("sent without evidence", on_the_way);
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
    house.forward("siem", receiver.port, &format!("{QUICK}transport = {:?}\n", kind.transport()));
    house.start();
    (house, receiver)
}

/// And no more comes twice than a window for each break.
fn nothing_is_lost(house: &mut House, receiver: &Receiver, writer: Writer, breaks: usize) {
    let account = all_arrives(house, receiver, writer);
    assert!(account.repeats <= breaks && account.duplicate_bytes <= breaks * WINDOW_BYTES_MAX, "{account:?}");
}

/// Every entry is a record and every record arrives, in order but for what says that it comes again.
fn all_arrives(house: &mut House, receiver: &Receiver, writer: Writer) -> Account {
    let written = writer.stop();
    let bytes = fs::metadata(house.log()).unwrap().len();
    let status = house.wait_until("everything confirmed", |status| {
        status.sources.iter().any(|source| source.offset == bytes)
            && destination(status).confirmed == status.journal.newest
    });
    let account = Account::of(&receiver.frames(), status.journal.newest.0);
    assert_eq!((&account.lost[..], &account.wrong[..]), (&[][..], &[][..]), "{:?}", receiver.kind);
    assert_eq!(house.stop(), Some(0));
    let of_users = house.records().iter().filter(|record| record.event.class == Class::UserOperation).count();
    assert_eq!(of_users, written);
    account
}

fn destination(status: &Status) -> &DestinationStatus {
    &status.destinations[0]
}

/// Something is on the way, or the receiver was frozen before it had shaken hands.
fn on_the_way(status: &Status) -> bool {
    let siem = destination(status);
    siem.sent > siem.confirmed || siem.state == "waiting"
}

fn is_connected(status: &Status) -> bool {
    destination(status).state == "connected"
}

const KILLS: usize = 10;
const RESTARTS: usize = 5;
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\nwindow-max = \"64 KiB\"\n";
/// The window, and the frame that fills it.
const WINDOW_BYTES_MAX: usize = (64 << 10) + (8 << 10);
