//! That a log can be read again is told to whoever has heard that it could not, also by the next agent.

mod support;

use otrail::model::Action;
use std::fs;
use support::process::{House, entry};

fn told(house: &House, action: Action) -> Vec<String> {
    let events = house.records().into_iter().map(|record| record.event);
    events.filter(|event| event.action == action).map(|event| event.message.to_string()).collect()
}

/// Whether it is told of the log with another name.
fn is_owed(house: &House) -> bool {
    house.path("state/peers/timeline.missing").exists()
}

fn wait_for_the_log(house: &House, entries: u64) {
    house.wait_until("the log is read", |status| {
        status.sources.first().is_some_and(|source| source.entries == entries && source.state == "idle")
    });
}

#[test]
fn the_next_agent_tells_once_that_a_log_is_there_again() {
    let mut house = House::new();
    house.forward_nowhere();
    house.start();
    house.wait_until("the log is missing", |status| status.sources[0].state == "missing");
    house.kill();
    assert!(is_owed(&house));
    house.write_log(entry(1).as_bytes());
    for start in 0..3 {
        house.start();
        wait_for_the_log(&house, u64::from(start == 0));
        assert_eq!(house.stop(), Some(0));
        assert_eq!(told(&house, Action::SOURCE_MISSING).len(), 1);
        let recovered = told(&house, Action::SOURCE_RECOVERED);
        assert_eq!(recovered.len(), 1, "{recovered:?}");
        assert!(recovered[0].ends_with("is there again"), "{recovered:?}");
        assert!(!is_owed(&house));
    }
}

#[test]
fn a_log_that_comes_back_while_it_is_waited_for_is_told_once_and_owed_no_more() {
    let mut house = House::new();
    house.forward_nowhere();
    house.start();
    house.wait_until("the log is missing", |status| status.sources[0].state == "missing");
    house.write_log(entry(1).as_bytes());
    wait_for_the_log(&house, 1);
    assert_eq!(house.stop(), Some(0));
    assert!(!is_owed(&house));
    assert_eq!(told(&house, Action::SOURCE_RECOVERED).len(), 1);
}

#[test]
fn another_log_of_the_same_name_was_never_away() {
    let mut house = House::new();
    house.forward_nowhere();
    let source = |path: &str| format!("[[source]]\nname = \"other\"\npath = {:?}\n", house.path(path));
    let (gone, pattern, new) = (source("other.log"), source("other*.log"), source("new.log"));
    let state_of_other = |house: &House, state: &str| {
        house.wait_until(state, |status| {
            status.sources.iter().any(|source| source.name == "other" && source.state == state)
        });
    };
    let is_owed = |house: &House| house.path("state/peers/other.missing").exists();
    house.write_log(entry(1).as_bytes());
    for (number, others) in [None, Some(&pattern)].into_iter().enumerate() {
        house.set(&gone);
        house.start();
        state_of_other(&house, "missing");
        assert_eq!(house.stop(), Some(0));
        assert!(is_owed(&house));
        house.unset();
        // It leaves the config, or is followed as several logs meanwhile.
        others.into_iter().for_each(|pattern| house.set(pattern));
        house.start();
        house.wait_until("the log is read", |status| status.sources[0].state == "idle");
        assert_eq!(house.stop(), Some(0));
        assert!(!is_owed(&house));
        house.unset();
        fs::write(house.path("new.log"), entry(2)).unwrap();
        house.set(&new);
        house.start();
        state_of_other(&house, "idle");
        assert_eq!(house.stop(), Some(0));
        assert_eq!(told(&house, Action::SOURCE_MISSING).len(), number + 1);
        assert_eq!(told(&house, Action::SOURCE_RECOVERED), [""; 0]);
        assert!(!is_owed(&house));
        house.unset();
    }
}
