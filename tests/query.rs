//! Answers are what a reader of the whole journal would give, and safe to look at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "query/errors.rs"]
mod errors;
#[path = "query/narrow.rs"]
mod narrow;
#[path = "query/report.rs"]
mod report;
#[path = "query/shapes.rs"]
mod shapes;
#[path = "query/values.rs"]
mod values;
#[path = "query/words.rs"]
mod words;

use otrail::filter::{Clock, Filter};
use otrail::journal::{Draft, Input, Journal, Settings};
use otrail::model::{Action, Event, EventId, Outcome, Raw, Record, Seq, Text, Time};
use otrail::query::{Answer, Order, Query, ROWS_MAX, answer};
use proptest::prelude::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn journal(dir: &Path, events: impl IntoIterator<Item = Event>) -> Journal {
    let settings = Settings {
        state_dir: dir.to_owned(),
        sensor: "plant-a".to_owned(),
        bytes_max: 1 << 30,
        age_max: Duration::from_secs(86_400),
        segment_bytes_max: 64 << 10,
        recent_bytes_max: 1 << 20,
        reserve_bytes: 4096,
        seal: false,
        destinations: Vec::new(),
    };
    let journal = Journal::open(settings, Time::default()).unwrap();
    let drafts = events.into_iter().map(|event| Draft { event, position: None, mark: None }).collect();
    journal.append(Input { drafts, ..Input::default() }, Time::default()).unwrap();
    journal
}

/// Flips a byte in the line of that record.
fn damage(dir: &Path, seq: u64) {
    let journal = dir.join("journal");
    let path = fs::read_dir(journal).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(&format!("\"seq\":{seq},"), "\"seq\"?", 1)).unwrap();
}

fn event(user: &str, outcome: Outcome, millis: i64) -> Event {
    let time = Time::from_millis(millis).unwrap();
    let mut event = Event::new(Action::USER_OPERATION, outcome, time);
    event.id = EventId(1);
    event.user = (!user.is_empty()).then(|| Text::from(user));
    event.message = format!("{user} at {millis}").into();
    event.raw = Raw::Text(format!("entry of {user}").into());
    event
}

fn query(words: &[(&str, &str)], limit: Option<usize>) -> Query {
    let filter = Filter::parse(words.iter().copied(), &Clock::utc(Time::default())).unwrap();
    Query { filter: Arc::new(filter), limit, order: Order::OldestFirst, rows_max: ROWS_MAX }
}

fn ask(dir: &Path, query: &Query, through: u64) -> Answer {
    answer(dir, query, Seq(through), &AtomicBool::new(false)).unwrap()
}

fn places(answer: &mut Answer) -> Vec<u64> {
    answer.map(|record| record.seq.0).collect()
}

#[test]
fn an_answer_is_in_order_of_time_and_then_of_place() {
    let dir = tempfile::tempdir().unwrap();
    let times = [50, 10, 30, 10, 40];
    journal(dir.path(), times.map(|at| event("alice", Outcome::Success, at)));
    let mut asked = query(&[], Some(3));
    assert_eq!(places(&mut ask(dir.path(), &asked, 5)), [3, 5, 1]);
    asked.order = Order::NewestFirst;
    assert_eq!(places(&mut ask(dir.path(), &asked, 5)), [1, 5, 3]);
    asked.limit = None;
    assert_eq!(places(&mut ask(dir.path(), &asked, 4)), [1, 3, 4, 2]);
}

#[test]
fn nothing_newer_than_the_request_is_in_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Success, at)));
    assert_eq!(places(&mut ask(dir.path(), &query(&[], None), 2)), [1, 2]);
}

#[test]
fn damage_costs_the_damaged_row_and_the_answer_says_so() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Success, at)));
    damage(dir.path(), 2);
    let mut answer = ask(dir.path(), &query(&[], None), 3);
    assert_eq!(places(&mut answer), [1, 3]);
    assert!(answer.incomplete().unwrap().contains("damaged at byte"));
}

#[test]
fn a_whole_answer_is_not_called_incomplete() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2].map(|at| event("alice", Outcome::Success, at)));
    let mut answer = ask(dir.path(), &query(&[], Some(1)), 2);
    assert_eq!((places(&mut answer), answer.incomplete()), (vec![2], None));
}

#[test]
fn more_rows_than_the_cap_are_cut_with_the_reason_and_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Success, at)));
    let asked = Query { rows_max: 2, ..query(&[], None) };
    let mut answer = ask(dir.path(), &asked, 3);
    assert_eq!(places(&mut answer), [2, 3]);
    assert_eq!(
        answer.incomplete().unwrap(),
        "more than 2 rows match and these are the newest; narrow the time range or read the folder with -D"
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_not_an_empty_answer() {
    let dir = tempfile::tempdir().unwrap();
    let asked = query(&[], None);
    assert!(answer(&dir.path().join("none"), &asked, Seq(9), &AtomicBool::new(false)).is_err());
}

#[test]
fn a_stopped_search_ends() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), (0..50).map(|at| event("alice", Outcome::Success, at)));
    let mut stopped = answer(dir.path(), &query(&[], None), Seq(50), &AtomicBool::new(true)).unwrap();
    assert_eq!(places(&mut stopped), [1]);
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = ("[abAB]{0,2}", prop::sample::select(&Outcome::ALL[..]), 0..30_i64);
    prop::collection::vec(one.prop_map(|(user, outcome, at)| event(&user, outcome, at * 1000)), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_what_a_reader_of_everything_would_give(
        events in events(), user in prop::option::of("[ab*]{1,2}"), failed in any::<bool>(),
        since in 0..30_i64, limit in prop::option::of(0..10_usize), newest_first in any::<bool>(), through in 0..45_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let through = through.min(journal(dir.path(), events.clone()).newest().0);
        let mut words = vec![("since", format!("@{since}"))];
        words.extend(user.map(|user| ("user", user)));
        words.extend(failed.then(|| ("outcome", "failure".to_owned())));
        let filter = Arc::new(Filter::parse(words, &Clock::utc(Time::default())).unwrap());
        let order = if newest_first { Order::NewestFirst } else { Order::OldestFirst };

        let all = events.into_iter().zip(1..).map(|(event, seq)| Record { seq: Seq(seq), position: None, event, chain: None });
        let mut expected: Vec<Record> =
            all.filter(|record| record.seq.0 <= through && filter.matches(record)).collect();
        expected.sort_by_key(|record| (record.event.time, record.seq));
        expected.drain(..expected.len().saturating_sub(limit.unwrap_or(usize::MAX)));
        if newest_first {
            expected.reverse();
        }

        let asked = Query { filter, limit, order, rows_max: ROWS_MAX };
        let answer: Vec<Record> = ask(dir.path(), &asked, through).map(unchained).collect();
        prop_assert_eq!(answer, expected);
    }
}

/// A record as it was before it was journaled.
fn unchained(record: Record) -> Record {
    assert!(record.chain.is_some());
    Record { chain: None, ..record }
}

/// Runs `otrail query` on that state directory.
fn otrail(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.args(["query", "--utc", "-D"]).arg(dir).args(args).env_remove("SUDO_USER").output().unwrap()
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_exit_code_says_how_the_query_went() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Failure, at)));
    let none = dir.path().join("none");
    for (dir, args, code) in [
        (dir.path(), &["--failed", "-u", "al*"][..], 0),
        (dir.path(), &["-n", "all", "-S", "-1000000h"], 0),
        (dir.path(), &["-u", "bob"], 1),
        (dir.path(), &["-S", "tomorrow"], 1),
        (dir.path(), &["-S", "noon"], 2),
        (dir.path(), &["-g", "("], 2),
        (dir.path(), &["-n", "few"], 2),
        (dir.path(), &["-f"], 2),
        (&none, &[], 5),
    ] {
        let (found, _, errors) = told(&otrail(dir, args));
        assert_eq!(found, Some(code), "{args:?}: {errors}");
        assert!(!errors.is_empty(), "{args:?}");
    }
    damage(dir.path(), 2);
    let (code, rows, errors) = told(&otrail(dir.path(), &["-q"]));
    assert_eq!((code, rows.lines().count()), (Some(5), 2));
    assert!(errors.starts_with("otrail: the answer is incomplete: "), "{errors}");
}

#[test]
fn rows_are_frames_of_every_format_and_each_names_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2].map(|at| event("alice", Outcome::Failure, at)));
    for (format, start, prev) in [
        ("rfc5424", "<110>1 ", " seq=\"2\" prev=\"1\""),
        ("cef", "<110>1 ", " cn2=1 cn2Label=previousSequence"),
        ("leef", "<110>1 ", "\tsequence=2\tpreviousSequence=1"),
        ("ecs", "<110>1 ", "\"prev\":\"1\""),
        ("ocsf", "<110>1 ", "\"prev\":1"),
    ] {
        let (code, rows, _) = told(&otrail(dir.path(), &["-o", format, "-q"]));
        assert_eq!((code, rows.lines().count()), (Some(0), 2), "{format}");
        assert!(rows.lines().all(|row| row.starts_with(start)), "{rows}");
        assert!(rows.lines().nth(1).unwrap().contains(prev), "{rows}");
    }
}

#[test]
fn what_is_not_a_row_goes_to_stderr_and_can_be_silenced() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [event("alice", Outcome::Success, 1_709_292_615_250)]);
    let args = ["-S", "2024-03-01 11:00 UTC", "-U", "@1709292615.25"];
    let (code, rows, errors) = told(&otrail(dir.path(), &args));
    assert_eq!(code, Some(0));
    assert!(rows.starts_with("2024-03-01 11:30:15.250+00:00 success alice "), "{rows}");
    assert_eq!(
        errors,
        "otrail: since 2024-03-01 11:00:00.000+00:00 until 2024-03-01 11:30:15.250+00:00\n\
         otrail: reading the folder itself: this query is not recorded in the trail\n"
    );
    assert_eq!(told(&otrail(dir.path(), &["-q", "-S", "@0"])).2, "");
}

#[test]
fn a_zone_is_for_reading_and_showing_and_the_range_is_told_in_both() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [event("alice", Outcome::Success, 1_698_541_200_000)]);
    let in_berlin = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
        command
            .args(["query", "--tz", "Europe/Berlin", "-D"])
            .arg(dir.path())
            .args(args)
            .env("TZ", "Asia/Tokyo");
        told(&command.output().unwrap())
    };
    let (code, rows, errors) = in_berlin(&["2023-10-29 02:30..2023-10-29 02:45"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(rows.starts_with("2023-10-29 02:00:00.000+01:00 success alice "), "{rows}");
    assert_eq!(
        errors,
        "otrail: 2023-10-29 02:30: this local time came twice, the first is meant\n\
         otrail: 2023-10-29 02:45: this local time came twice, the second is meant\n\
         otrail: since 2023-10-29 02:30:00.000+02:00 (2023-10-29 00:30:00.000 UTC) \
         until 2023-10-29 02:45:00.000+01:00 (2023-10-29 01:45:00.000 UTC)\n\
         otrail: reading the folder itself: this query is not recorded in the trail\n"
    );
    assert_eq!(in_berlin(&["-q", "time > 'today 00:00'"]).0, Some(1));
    assert_eq!(in_berlin(&["-q", "boot.."]).0, Some(1));
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_otrail"));
    let refused = told(&nowhere.args(["query", "--tz", "Mars/Olympus"]).output().unwrap());
    assert!(refused.0 == Some(2) && refused.2.contains("no such time zone"), "{refused:?}");
    assert_eq!(in_berlin(&["--utc"]).0, Some(2));
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_query_quietly() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), (0..20_000).map(|at| event("alice", Outcome::Success, at)));
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.args(["query", "-q", "-D"]).arg(dir.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("alice"));
    assert_eq!(told(&running.wait_with_output().unwrap()), (Some(0), String::new(), String::new()));
}
