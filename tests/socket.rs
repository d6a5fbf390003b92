//! The local socket of an agent that runs: its file may be taken away, and comes back.

mod support;

use otrail::model::Action;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use support::process::{House, entry, patiently};

fn is_socket(house: &House) -> bool {
    fs::symlink_metadata(house.path("control.sock")).is_ok_and(|found| found.file_type().is_socket())
}

#[test]
fn a_socket_whose_file_is_taken_away_or_replaced_is_made_again_and_that_is_told() {
    let mut house = House::new();
    house.start();
    house.wait_until("it is there", |status| status.control.made_again == 0);
    fs::remove_file(house.path("control.sock")).unwrap();
    let status = house.wait_until("it answers again", |status| status.control.made_again == 1);
    assert!(!status.control.made_again_at.is_empty(), "{status:?}");
    assert!(house.said().contains("control.sock was gone, or another stood there: it has been made again"));
    let screen = String::from_utf8(house.run(&["status"]).stdout).unwrap();
    assert!(
        screen.contains("socket: its file was gone or another, and was made again once, last at 2"),
        "{screen}"
    );

    // What is no socket is not removed: the agent says why nobody can ask, and goes on when the place is free.
    fs::remove_file(house.path("control.sock")).unwrap();
    fs::write(house.path("control.sock"), "mine").unwrap();
    assert!(patiently(|| house.said().contains("nobody can ask any more")), "{}", house.said());
    assert!(house.said().contains("control.sock is not a socket; move it away"), "{}", house.said());
    assert_eq!(fs::read_to_string(house.path("control.sock")).unwrap(), "mine");
    fs::remove_file(house.path("control.sock")).unwrap();
    house.wait_until("it answers again", |status| status.control.made_again == 2);
    assert_eq!(house.run(&["query", "class=agent"]).status.code(), Some(0));

    // Another life goes on with the new one, and the end takes it away.
    house.set_at_top("heartbeat = \"1 h\"");
    assert_eq!(house.run(&["reload"]).status.code(), Some(0));
    assert!(is_socket(&house));
    assert_eq!(house.stop(), Some(0));
    assert!(!house.path("control.sock").exists());
}

#[test]
fn a_socket_that_cannot_be_made_at_the_start_is_made_as_soon_as_it_can() {
    let mut house = House::new();
    let socket = house.path("control.sock");
    fs::write(&socket, "something else").unwrap();
    house.start();
    let told = || house.said().contains("queries cannot be answered until the socket can be made");
    assert!(patiently(told), "{}", house.said());
    house.write_log(entry(1).as_bytes());
    assert!(
        patiently(|| house.records().iter().any(|record| record.event.source == "timeline")),
        "it goes on"
    );
    assert_eq!(fs::read(&socket).unwrap(), b"something else");
    fs::remove_file(&socket).unwrap();
    house.wait_until("it answers", |status| status.sources[0].entries == 1);
    assert_eq!(house.stop(), Some(0));
    // It may be stopped while it waits, too.
    fs::write(&socket, "something else").unwrap();
    house.start();
    assert!(patiently(|| house
        .records()
        .iter()
        .filter(|record| record.event.action == Action::START)
        .count()
        == 2));
    assert_eq!(house.stop(), Some(0));
}
