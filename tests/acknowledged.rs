//! What the agent makes of a RELP server's answers.

mod support;

use otrail::model::Action;
use otrail::model::status::{DestinationStatus, Status};
use std::collections::HashMap;
use support::frames::Account;
use support::process::{House, entry};
use support::relp_server::{RelpServer, Reply};

#[test]
fn answers_in_any_order_confirm_everything_once() {
    let server = RelpServer::start(|frame| if frame.seq % 3 == 0 { Reply::Yes } else { Reply::Later });
    let house = forwarding(&server);
    let status = confirmed(&house);
    assert_eq!(Account::of(&server.frames(), status.journal.newest.0), Account::default());
    let siem = destination(&status);
    assert_eq!((siem.evidence.as_str(), siem.resent, siem.connections), ("ack", 0, 1));
    assert_eq!(siem.tls, "plain TCP, RELP with test");
}

/// What was acknowledged before the end is not sent again, and what was not is.
#[test]
fn a_server_that_closes_in_the_middle_gets_the_rest_over_the_next_connection() {
    let mut seen = HashMap::<u64, usize>::new();
    let server = RelpServer::start(move |frame| {
        let times = seen.entry(frame.seq).or_default();
        *times += 1;
        match (*times, frame.seq % 50) {
            (1, 0) => Reply::Close,
            (_, 1..20) => Reply::Later,
            _ => Reply::Yes,
        }
    });
    let house = forwarding(&server);
    let status = confirmed(&house);
    let account = Account::of(&server.frames(), status.journal.newest.0);
    assert_eq!((account.lost, account.wrong, account.duplicates), (Vec::new(), Vec::new(), 0));
    assert!(destination(&status).connections > 5, "{status:?}");
}

#[test]
fn an_event_that_is_refused_is_told_and_tried_until_it_is_taken() {
    let mut refusals = 0;
    let server = RelpServer::start(move |frame| {
        let refused = frame.seq == REFUSED && refusals < 4;
        refusals += usize::from(refused);
        if refused { Reply::No("500 no room") } else { Reply::Yes }
    });
    let mut house = forwarding(&server);
    let told = format!("record {REFUSED}: the peer refused an event: 500 no room");
    let status = house.wait_until("told", |status| {
        status.destinations.iter().any(|siem| siem.error == told && siem.confirmed.0 == REFUSED - 1)
    });
    assert!(!status.healthy);
    let status = confirmed(&house);
    // Those behind it were taken before it.
    assert_eq!(Account::of(&server.frames(), status.journal.newest.0).lost, [0; 0]);
    assert_eq!(house.stop(), Some(0));
    let lost: Vec<_> = house
        .records()
        .into_iter()
        .filter(|record| record.event.action == Action::DESTINATION_LOST)
        .collect();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].event.message.ends_with(&told), "{lost:?}");
}

/// An agent that sends its log to this server.
fn forwarding(server: &RelpServer) -> House {
    let mut house = House::new();
    house.set(&format!(
        "[[destination]]\nname = \"siem\"\ntransport = \"relp\"\naddress = \"127.0.0.1:{}\"\n\
         backoff-max = \"200 ms\"\nwindow-max = \"64 KiB\"",
        server.port
    ));
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.start();
    house
}

fn confirmed(house: &House) -> Status {
    house.wait_until("everything confirmed", |status| {
        status.sources.iter().any(|source| source.entries == ENTRIES as u64)
            && destination(status).confirmed == status.journal.newest
    })
}

fn destination(status: &Status) -> &DestinationStatus {
    &status.destinations[0]
}

const ENTRIES: usize = 400;
const REFUSED: u64 = 100;
