//! Test events: through the agent and without one, to servers that take them and to servers that do not.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod support;

use otrail::model::Action;
use otrail::model::act::Tested;
use std::process::Output;
use support::process::{House, entry, free_port};
use support::receiver::Receiver;

/// Evidence comes soon also from a server whose only evidence is its close.
const SOON: &str = "barrier-interval = \"1 s\"";

fn tested(output: &Output) -> Vec<Tested> {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn through_the_agent_test_events_go_the_way_of_every_event_and_are_in_the_trail() {
    let mut house = House::new();
    let (first, second) = (Receiver::start(&house), Receiver::start(&house));
    house.forward("first", first.port, SOON);
    house.forward("second", second.port, SOON);
    house.write_log(entry(1).as_bytes());
    house.start();
    house.wait_until("forwards", |status| status.destinations.iter().all(|it| it.confirmed.0 >= 1));
    let output = house.run(&["send-test", "--count", "3", "--show-bytes", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let all = tested(&output);
    assert_eq!(all.len(), 2);
    for (tested, receiver) in [("first", &first), ("second", &second)]
        .map(|(name, receiver)| (all.iter().find(|it| it.destination == name).unwrap(), receiver))
    {
        assert!(tested.confirmed && !tested.evidence.is_empty() && tested.error.is_empty(), "{tested:?}");
        assert_eq!(receiver.count("code=\"OTA-9005\""), 3);
        assert_eq!(tested.messages.len(), 3);
        assert!(receiver.has("test event 3 of 3, asked for by "));
        assert!(tested.messages[2].contains("test event 3 of 3"), "{:?}", tested.messages);
    }
    let one = house.run(&["send-test", "second"]);
    let said = String::from_utf8_lossy(&one.stdout);
    assert!(said.starts_with("second at localhost:") && said.contains("arrived after "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let unknown = house.run(&["send-test", "third"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(said.contains("there is no destination third; there is first, second"), "{said}");
    assert_eq!(house.stop(), Some(0));
    let tests = house.records().into_iter().filter(|record| record.event.action == Action::TEST);
    assert!(tests.clone().all(|record| record.event.user.is_some()));
    assert_eq!(tests.count(), 4);
}

#[test]
fn a_destination_that_is_away_is_named_with_the_reason() {
    let mut house = House::new();
    house.forward("siem", free_port(), "");
    house.start();
    house.wait_until("finds nobody", |status| status.destinations[0].state == "waiting");
    for through in ["the agent", "nobody"] {
        let output = house.run(&["send-test", "-o", "json"]);
        assert_eq!(output.status.code(), Some(1), "{through}");
        let all = tested(&output);
        assert!(!all[0].confirmed && all[0].error.contains("refused the connection"), "{through}: {all:?}");
        if through == "the agent" {
            assert_eq!(house.stop(), Some(0));
        }
    }
}

#[test]
fn without_an_agent_they_go_directly_and_are_no_part_of_the_trail() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    let output = house.run(&["send-test", "-n", "2", "--show-bytes", "-o", "json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no agent answers"), "{said}");
    let all = tested(&output);
    assert!(all[0].confirmed, "{all:?}");
    let frames = receiver.frames();
    let texts: Vec<&str> = frames.iter().map(support::receiver::Frame::text).collect();
    assert_eq!(texts, all[0].messages, "the bytes are what was sent");
    assert!(!house.path("state").exists());
    let nobody = house.run(&["send-test", "nobody"]);
    assert_eq!(nobody.status.code(), Some(2));
}

#[test]
fn where_there_is_no_destination_nothing_is_sent_and_that_is_said() {
    let mut house = House::new();
    let said_by = |house: &House, command: &[&str]| {
        let output = house.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let why = "otrail: nothing was sent: the config has no [[destination]]; ";
    let said = said_by(&house, &["send-test"]);
    assert!(said.contains(why), "{said}");
    house.start();
    for command in [&["send-test"][..], &["replay", "--since", "yesterday"]] {
        let said = said_by(&house, command);
        assert!(said.contains(why), "{command:?}: {said}");
    }
    assert_eq!(house.stop(), Some(0));
}
