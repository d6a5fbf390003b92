//! The local socket of an agent that runs: its file may be taken away, and comes back.

mod support;

use std::fs;
use std::os::unix::fs::FileTypeExt;
use support::process::{House, patiently};

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
