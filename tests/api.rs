//! The real agent asks a sensor: every row that ever stood in an answer is in the trail once, and what no answer ever
//! showed is told as a gap.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "api/commands.rs"]
mod commands;
#[path = "api/selected.rs"]
mod selected;

use otrail::demo::{Answering, SensorApi};
use otrail::journal::{self, FollowedFile, Input, Journal, Progress};
use otrail::model::status::{SourceStatus, Status};
use otrail::model::{Action, Event, FileNo, Flag, Time};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use support::daemon::{Kind, Receiver};
use support::process::{House, a_moment};
use support::proxy::Proxy;

const TOKEN: &str = "s3cr3t-token-of-the-sensor";
const KIND: &str = "USER_OPERATION";

/// A house whose agent asks that sensor for two types every second.
fn house(sensor: &SensorApi) -> House {
    house_that_asks(sensor, "")
}

fn house_that_asks(sensor: &SensorApi, more: &str) -> House {
    let mut house = House::new();
    write_token(&house, TOKEN);
    house.set(&format!(
        "[[source]]\nname = \"cell-7\"\nkind = \"api\"\nsensor = \"plant-b\"\nurl = {:?}\npin = [\"{}\"]\n\
         token-file = {:?}\ninterval = \"1 s\"\nanswer-timeout = \"2 s\"\n\
         types = [\"USER_OPERATION\", \"EXCLUSION_RULE_CREATED\"]\n{more}",
        sensor.url(),
        sensor.pin().unwrap(),
        house.path("token"),
    ));
    house
}

fn write_token(house: &House, token: &str) {
    fs::write(house.path("token"), format!("{token}\n")).unwrap();
    fs::set_permissions(house.path("token"), Permissions::from_mode(0o600)).unwrap();
}

fn api(status: &Status) -> &SourceStatus {
    status.sources.iter().find(|source| source.kind == "api").unwrap()
}

/// Waits until the sensor has been asked everything after now, and nothing of it is new any more.
#[track_caller]
fn settle(house: &House, sensor: &SensorApi) {
    let from = sensor.answers();
    house.wait_until("has every row", |status| {
        sensor.answers() >= from + 4
            && api(status).error.is_empty()
            && events(house).len() >= sensor.shown().len()
    });
}

/// Time and text of each event that came from the sensor, in the order of the journal.
fn events(house: &House) -> Vec<Event> {
    let records = house.records().into_iter();
    records.filter(|record| record.event.source == "cell-7").map(|record| record.event).collect()
}

fn told(house: &House, action: Action) -> Vec<Event> {
    let events = house.records().into_iter().map(|record| record.event);
    events.filter(|event| event.action == action).collect()
}

/// Every row that stood in an answer is there, and once.
#[track_caller]
fn assert_account(house: &House, sensor: &SensorApi) {
    let mut expected: Vec<(i64, String)> =
        sensor.shown().into_iter().map(|row| (row.timestamp, row.content)).collect();
    let mut found: Vec<(i64, String)> =
        events(house).iter().map(|event| (event.time.millis(), event.message.to_string())).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let mut ids: Vec<_> = events(house).iter().map(|event| event.id).collect();
    ids.sort_by_key(|id| id.0);
    ids.dedup();
    assert_eq!(ids.len(), found.len(), "an id twice");
}

/// A real syslog server that the agent of this house forwards to.
fn siem_of(house: &mut House) -> Receiver {
    let mut siem = Receiver::of(house, Kind::RsyslogOpenssl);
    siem.start();
    house.forward("siem", siem.port, "");
    siem
}

/// Waits for the evidence, ends the agent, and looks for every row at the server: once, but for what a kill or a break
/// lets come again, which says so.
#[track_caller]
fn stop_and_assert_arrived(house: &mut House, siem: &Receiver) {
    house.wait_until("delivers", |status| status.destinations[0].lag_records == 0);
    assert_eq!(house.stop(), Some(0));
    let arrived = siem.frames();
    for event in events(house) {
        let id = event.id.to_string();
        let frames: Vec<_> = arrived.iter().filter(|frame| frame.id == id).collect();
        assert!(!frames.is_empty() && frames.iter().filter(|frame| !frame.resent).count() <= 1, "{event:?}");
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[test]
fn what_happens_on_a_sensor_is_asked_for_and_in_the_trail_once_over_restarts() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    let siem = siem_of(&mut house);
    for minutes in 1..=5 {
        sensor.add_at(now() - minutes * 60_000, KIND, &format!("User alice logged in from 10.2.3.{minutes}"));
    }
    sensor.add_at(now() - 4000, "EXCLUSION_RULE_CREATED", "Exclusion rule \"Night\" was created by user bob");
    sensor.add_at(now() - 4000, "SCAN", "a scan that nobody asked for");
    let twin = now() - 3000;
    sensor.add_at(twin, KIND, "User carol logged out");
    sensor.add_at(twin, KIND, "User carol logged out");
    house.start();
    settle(&house, &sensor);
    house.kill();
    sensor.add(KIND, "User dave logged in from 10.9.9.9");
    house.start();
    settle(&house, &sensor);
    sensor.add(KIND, "User dave logged out");
    settle(&house, &sensor);
    stop_and_assert_arrived(&mut house, &siem);

    assert_account(&house, &sensor);
    let events = events(&house);
    assert_eq!(events.len(), 10);
    assert!(events.iter().all(|event| event.sensor == "plant-b" && event.flags.is_empty()), "{events:?}");
    let login = events.iter().find(|event| event.message.contains("dave logged in")).unwrap();
    assert_eq!((login.user.as_deref(), login.client.as_deref()), (Some("dave"), Some("10.9.9.9")));
    let of_alice: Vec<Time> = events
        .iter()
        .filter(|event| event.user.as_deref() == Some("alice"))
        .map(|event| event.time)
        .collect();
    assert!(of_alice.is_sorted() && of_alice.len() == 5, "oldest first");
    assert!(told(&house, Action::GAP_DETECTED).is_empty());
    let mut asked = sensor.asked();
    assert!(asked.iter().all(|query| query.contains("&type=USER_OPERATION") || query.contains("_CREATED")));
    asked.sort();
    let all = asked.len();
    asked.dedup();
    assert!(all - asked.len() <= 4, "the same within the hour: {asked:?}");
    let said = house.said() + &fs::read_to_string(house.path("state/LOCK")).unwrap_or_default();
    assert!(!said.contains(TOKEN));
}

#[test]
fn more_rows_than_an_answer_holds_are_told_as_a_gap_with_its_span() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    sensor.add(KIND, "User alice logged in");
    let siem = siem_of(&mut house);
    house.start();
    settle(&house, &sensor);
    let before = events(&house)[0].clone();
    let burst = now();
    // All at one moment for who asks: the clock stands.
    sensor.answer(Answering::Status(503));
    for number in 0..500 {
        sensor.add_at(burst + number / 10, KIND, &format!("User alice acknowledged alert {number}"));
    }
    sensor.answer(Answering::Well);
    settle(&house, &sensor);
    stop_and_assert_arrived(&mut house, &siem);
    assert_account(&house, &sensor);
    assert_eq!(events(&house).len(), 101);
    let gaps = told(&house, Action::GAP_DETECTED);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let gap = &gaps[0];
    let (from, to) = (before.time.to_string(), Time::from_millis(burst + 40).unwrap().to_string());
    assert!(gap.message.contains(&from) && gap.message.contains(&to), "{}", gap.message);
    assert_eq!(gap.reason.as_deref(), Some("overflow"));
    assert_eq!(gap.old.as_deref(), Some(before.id.to_string().as_str()));
    assert_eq!(gap.target.as_ref().unwrap().name.as_deref(), Some("cell-7"));
}

#[test]
fn outages_half_answers_pages_and_refusals_cost_nothing_and_are_told() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    sensor.add(KIND, "User alice logged in");
    let siem = siem_of(&mut house);
    house.start();
    settle(&house, &sensor);
    for (answering, state, why) in [
        (Answering::Half, "unreachable", "in the middle of an answer"),
        (Answering::HalfJson, "unreachable", "breaks off after"),
        (Answering::LoginPage, "unreachable", "login page"),
        (Answering::Status(500), "unreachable", "HTTP 500"),
        (Answering::Late(Duration::from_secs(3)), "unreachable", "took longer than 2s"),
    ] {
        sensor.answer(answering);
        sensor.add(KIND, &format!("User alice created user {answering:?}"));
        house.wait_until(why, |status| api(status).error.contains(why) && api(status).state == state);
        sensor.answer(Answering::Well);
        settle(&house, &sensor);
    }
    sensor.set_token("another");
    sensor.add(KIND, "User alice logged out");
    house.wait_until("is refused", |status| api(status).state == "refused");
    write_token(&house, "another");
    settle(&house, &sensor);
    stop_and_assert_arrived(&mut house, &siem);
    assert_account(&house, &sensor);
    assert_eq!(events(&house).len(), 7);
    let of_sensor = |action| {
        let events = told(&house, action).into_iter();
        events.filter(|event| event.message.starts_with("https:")).collect::<Vec<_>>()
    };
    let (recovered, missing) = (of_sensor(Action::SOURCE_RECOVERED), of_sensor(Action::SOURCE_MISSING));
    assert_eq!(recovered.len(), missing.len(), "{missing:#?}");
    let refusal = missing.last().unwrap();
    assert!(refusal.message.contains("refuses the token"), "{}", refusal.message);
    assert!(told(&house, Action::GAP_DETECTED).is_empty());
}

#[test]
fn that_a_sensor_answers_again_is_told_after_a_restart_too_and_once() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    sensor.answer(Answering::Status(500));
    house.start();
    house.wait_until("unreachable", |status| api(status).state == "unreachable");
    assert_eq!(house.stop(), Some(0));
    sensor.answer(Answering::Well);
    for _again in 0..2 {
        house.start();
        settle(&house, &sensor);
        assert_eq!(house.stop(), Some(0));
        let recovered: Vec<_> = told(&house, Action::SOURCE_RECOVERED);
        assert_eq!(recovered.len(), 1, "{recovered:#?}");
        assert!(recovered[0].message.ends_with("answers again"), "{}", recovered[0].message);
    }
}

#[test]
fn a_sensor_with_another_certificate_gets_no_token() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    house.start();
    settle(&house, &sensor);
    sensor.replace_certificate().unwrap();
    house.wait_until("sees another certificate", |status| api(status).error.contains("is not a pinned one"));
    let asked = sensor.asked().len();
    a_moment(1500);
    assert_eq!(sensor.asked().len(), asked, "it was asked all the same");
    assert!(house.status().unwrap().problems.iter().any(|problem| problem.starts_with("source cell-7:")));
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn a_clock_that_is_off_is_told_and_its_events_are_flagged() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    sensor.set_clock(-600_000);
    sensor.add(KIND, "User alice logged in");
    house.start();
    settle(&house, &sensor);
    let status = house.status().unwrap();
    assert!((-601..=-599).contains(&api(&status).clock_ahead_seconds), "{status:?}");
    sensor.set_clock(0);
    sensor.add(KIND, "User alice logged out");
    settle(&house, &sensor);
    assert_eq!(house.stop(), Some(0));
    assert_account(&house, &sensor);
    let flags: Vec<bool> = events(&house).iter().map(|event| event.flags.contains(Flag::CLOCK_OFF)).collect();
    assert_eq!(flags, [true, false]);
    let messages: Vec<_> =
        told(&house, Action::CLOCK_STEPPED).into_iter().map(|event| event.message.to_string()).collect();
    assert!(
        messages[0].contains("600 s behind ours") || messages[0].contains("s behind ours"),
        "{messages:?}"
    );
    assert!(messages[1].contains("goes with ours again"), "{messages:?}");
}

#[test]
fn a_slow_sensor_does_not_hold_up_another_nor_a_log() {
    let (slow, quick) = (SensorApi::open(TOKEN).unwrap(), SensorApi::open(TOKEN).unwrap());
    slow.answer(Answering::Late(Duration::from_secs(600)));
    let mut house = house(&quick);
    house.set(&format!(
        "[[source]]\nname = \"slow\"\nkind = \"api\"\nurl = {:?}\npin = [\"{}\"]\ntoken-file = {:?}\n\
         interval = \"1 s\"\nanswer-timeout = \"10 min\"\n",
        slow.url(),
        slow.pin().unwrap(),
        house.path("token"),
    ));
    quick.add(KIND, "User alice logged in");
    house.start();
    settle(&house, &quick);
    house.write_log(support::process::entry(1).as_bytes());
    house.wait_until("reads the log", |status| status.sources[0].entries == 1);
    assert_eq!(house.stop(), Some(0));
    assert_account(&house, &quick);
    // The thread of the slow one sleeps on; the process ends with the test.
    std::mem::forget(slow);
}

#[test]
fn a_source_that_never_shows_a_user_operation_says_so_until_it_does() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house_that_asks(&sensor, "silent-after = \"1 s\"\n");
    house.start();
    house.wait_until("says so", |status| api(status).notice.contains("no user operation has come"));
    assert!(house.status().unwrap().problems.iter().all(|problem| !problem.contains("cell-7")));
    sensor.add(KIND, "User alice logged in");
    house.wait_until("says so no more", |status| api(status).notice.is_empty());
    assert_eq!(house.stop(), Some(0));
    assert_eq!(told(&house, Action::SOURCE_SILENT).len(), 1);
}

/// The journal of an agent that last heard of the sensor four days ago.
fn left_four_days_ago(house: &House, sensor: &SensorApi) {
    let then = Time::from_millis(now() - 4 * 86_400_000).unwrap();
    let settings = journal::Settings {
        state_dir: house.path("state"),
        sensor: "plant-a".to_owned(),
        bytes_max: 64 << 20,
        age_max: Duration::from_secs(400 * 86_400),
        segment_bytes_max: 1 << 20,
        recent_bytes_max: 1 << 20,
        reserve_bytes: 1 << 16,
        seal: false,
        destinations: Vec::new(),
    };
    let journal = Journal::open(settings, then).unwrap();
    let file = FollowedFile {
        number: FileNo(1),
        source: "cell-7".into(),
        path: format!("{}/api/v1/events", sensor.url()).into(),
        ..FollowedFile::default()
    };
    journal.append(Input { files: vec![file], ..Input::default() }, then).unwrap();
    let offset = u64::try_from(then.millis()).unwrap();
    let progress =
        Progress { file: FileNo(1), offset, entries: 0, passed_over: 0, finished: false, mark: None };
    journal.append(Input { progress: vec![progress], ..Input::default() }, then).unwrap();
    journal.settle(then).unwrap();
}

#[test]
fn a_sensor_that_nobody_asked_for_longer_than_it_looks_back_is_a_gap() {
    let sensor = SensorApi::open(TOKEN).unwrap();
    let mut house = house(&sensor);
    left_four_days_ago(&house, &sensor);
    for days in [1, 2, 4] {
        sensor.add_at(
            now() - days * 86_400_000 + 60_000,
            KIND,
            &format!("User alice logged in {days} days ago"),
        );
    }
    house.start();
    settle(&house, &sensor);
    house.wait_until("tells the gap", |status| api(status).gaps.outages == 1);
    assert_eq!(house.stop(), Some(0));
    assert_account(&house, &sensor);
    assert_eq!(events(&house).len(), 2, "what the sensor still shows");
    let gaps = told(&house, Action::GAP_DETECTED);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].message.contains("the last three days only"), "{}", gaps[0].message);
    assert_eq!(gaps[0].reason.as_deref(), Some("outage"));
}

#[test]
fn a_sensor_behind_a_proxy_is_asked_through_it() {
    let (sensor, proxy) = (SensorApi::open(TOKEN).unwrap(), Proxy::start(Some("Basic b3RyYWlsOnBhc3N3b3Jk")));
    let credentials = "proxy-credentials-file = \"proxy\"\n";
    let mut house =
        house_that_asks(&sensor, &format!("proxy = \"http://127.0.0.1:{}\"\n{credentials}", proxy.port));
    fs::write(house.path("proxy"), "otrail:password\n").unwrap();
    fs::set_permissions(house.path("proxy"), Permissions::from_mode(0o600)).unwrap();
    sensor.add(KIND, "User alice logged in");
    house.start();
    settle(&house, &sensor);
    assert_eq!(house.stop(), Some(0));
    assert_account(&house, &sensor);
    assert!(proxy.seen().iter().all(|head| head.starts_with(&format!("CONNECT 127.0.0.1:{} ", sensor.port))));
    assert!(proxy.seen().iter().all(|head| !head.contains(TOKEN)));
}
