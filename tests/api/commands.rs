//! What an admin sees of a sensor before the agent asks it: its certificate, and what is on disk for it.

use super::support::process::{House, free_port};
use super::{TOKEN, api, house};
use otrail::demo::{Answering, SensorApi};
use otrail::model::{Action, Flag};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_certificate_of_a_sensor_can_be_looked_at_and_no_other_peer_passes_for_one() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let house = House::new();
    let shown = house.run(&["cert", "pin", &sensor.url()]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.status.code(), Some(0));
    assert!(text.ends_with(&format!("\npin = [\"{}\"]\n", sensor.pin().unwrap())), "{text}");
    assert!(text.contains("names    sensor.local"), "{text}");
    let address = format!("127.0.0.1:{}", sensor.port);
    let json = house.run(&["cert", "pin", &address, "-o", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["pin"], sensor.pin().unwrap().to_string());
    assert!(sensor.asked().is_empty(), "nothing but a handshake");
    for (url, why) in [
        ("http://127.0.0.1", "in the clear"),
        (format!("127.0.0.1:{}", free_port()).as_str(), "refused the connection"),
    ] {
        let refused = house.run(&["cert", "pin", url]);
        assert_eq!(refused.status.code(), Some(1), "{url}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(why), "{refused:?}");
    }
}

#[test]
fn check_looks_at_token_and_trust() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let house = house(&sensor);
    house.write_log(b"");
    let checked = |house: &House| String::from_utf8(house.run(&["check"]).stdout).unwrap();
    assert!(checked(&house).contains("its token is readable"), "{}", checked(&house));
    fs::set_permissions(house.path("token"), Permissions::from_mode(0o644)).unwrap();
    let text = checked(&house);
    assert!(text.contains("others can get at it: ch") && !text.contains(TOKEN), "{text}");
}

#[test]
fn a_sensor_that_is_asked_shows_its_last_answer_and_has_no_position_to_change() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    let source = |house: &House, args: &[&str]| {
        let output = house.run(&[&["source"], args].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    house.start();
    let status = house.wait_until("was answered", |status| !api(status).last_answer.is_empty());
    let answered = &api(&status).last_answer;
    let (code, shown) = source(&house, &["show"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(&format!("source cell-7: {}", api(&status).path)), "{shown}");
    assert!(shown.contains("it last answered every question at "), "{shown}");
    let (_, json) = source(&house, &["show", "cell-7", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["kind"], "api");
    assert!(json[0]["answered"].as_str().unwrap() >= answered.as_str());
    let before = house.records().len();
    for place in ["beginning", "end", "7"] {
        let (code, said) = source(&house, &["reset", "cell-7", "--to", place, "--yes"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("source cell-7 is asked and has no position to change"), "{said}");
        assert!(said.contains("restart the agent"), "{said}");
    }
    let resets = house.records().split_off(before);
    assert!(resets.iter().all(|record| record.event.action != Action::POSITION_RESET));
    // What the journal remembers is shown while the sensor is away.
    house.stop();
    drop(sensor);
    house.start();
    house.wait_until("is up", |_| true);
    let (_, shown) = source(&house, &["show", "cell-7"]);
    assert!(shown.contains("it last answered every question at "), "{shown}");
}

/// A row of the sensor, or the page of a proxy that shows what it was asked.
#[test]
fn a_token_that_is_repeated_goes_nowhere() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    sensor.add("USER_OPERATION", &format!("User admin made access token {TOKEN}"));
    house.start();
    let status = house.wait_until("has the row", |status| api(status).entries == 1);
    let record = house.records().into_iter().find(|record| record.event.source == "cell-7").unwrap();
    assert_eq!(record.event.message, "User admin made access token ***");
    assert!(record.event.flags.contains(Flag::MASKED));
    sensor.answer(Answering::Echo);
    let seen = house.wait_until("is told", |status| !api(status).error.is_empty());
    assert!(
        api(&seen).error.ends_with("no array of rows: {\"authorization\":\"***\"}"),
        "{}",
        api(&seen).error
    );
    house.stop();
    let told = [serde_json::to_string(&(&status, &seen)).unwrap(), format!("{:?}", house.records())].concat();
    assert!(!told.contains(TOKEN) && told.contains("***"), "{told}");
}
