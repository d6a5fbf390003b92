//! What every dialect reads in its golden log, and what holds for any bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::expect_file;
use jiff::tz::TimeZone;
use otrail::dialect::{self, Context, DIALECTS, Dialect, End, Habits, Rules, State};
use otrail::model::{Class, Event, Text, Time};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected files; read the diff before you commit it.
#[test]
fn every_dialect_reads_its_golden_log() {
    for dialect in DIALECTS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dialect").join(dialect.name);
        let log = fs::read(dir.join("sensor.log")).unwrap();
        let events = normalize(dialect, &log);
        let shown: String = events.iter().map(shown).collect();
        expect_file![dir.join("events.txt")].assert_eq(&shown);
        assert!((dialect.speaks)(&log), "{} does not know its own log", dialect.name);
    }
}

#[test]
fn every_golden_log_is_known_for_its_own_dialect() {
    for dialect in DIALECTS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dialect").join(dialect.name);
        let log = fs::read(dir.join("sensor.log")).unwrap();
        assert_eq!(dialect::detect(&log).map(|found| found.name), Some(dialect.name));
    }
}

/// One event as a paragraph: what is empty is left out.
fn shown(event: &Event) -> String {
    let mut text = format!(
        "{} {} {} {} severity {}\n    id {}\n",
        event.time,
        event.class.name(),
        event.action.name(),
        event.outcome.name(),
        event.severity.0,
        event.id
    );
    let target = event.target.as_ref().map(|target| format!("{target:?}"));
    let devices: Vec<String> = event.devices.iter().map(|device| format!("{device:?}")).collect();
    let flags = event.flags.names().collect::<Vec<_>>().join(" ");
    for (name, value) in [
        ("user", event.user.as_deref()),
        ("domain", event.domain.as_deref()),
        ("account", event.account.as_deref()),
        ("role", event.role.as_deref()),
        ("target", target.as_deref()),
        ("client", event.client.as_deref()),
        ("reason", event.reason.as_deref()),
        ("old", event.old.as_deref()),
        ("new", event.new.as_deref()),
        ("devices", Some(devices.join(" ").as_str()).filter(|devices| !devices.is_empty())),
        ("type", Some(event.kind.as_str()).filter(|kind| !kind.is_empty())),
        ("title", Some(event.title.as_str()).filter(|title| !title.is_empty())),
        ("label", Some(event.label.as_str()).filter(|label| !label.is_empty())),
        ("flags", Some(flags.as_str()).filter(|flags| !flags.is_empty())),
        ("message", Some(event.message.as_str())),
    ] {
        if let Some(value) = value {
            writeln!(text, "    {name} {value:?}").unwrap();
        }
    }
    writeln!(text, "    raw {:?}", event.raw).unwrap();
    text
}

fn normalize(dialect: &Dialect, log: &[u8]) -> Vec<Event> {
    dialect::normalize(dialect, log, &context())
}

fn context() -> Context<'static> {
    static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);
    static HABITS: LazyLock<Habits> = LazyLock::new(Habits::default);
    static UTC: TimeZone = TimeZone::UTC;
    static SENSOR: Text = Text::const_new("plant-a");
    static SOURCE: Text = Text::const_new("timeline");
    Context {
        sensor: &SENSOR,
        source: &SOURCE,
        seen: Time::from_millis(1_709_200_000_000).unwrap(),
        zone: &UTC,
        rules: &RULES,
        user_login: Class::UserOperation,
        habits: &HABITS,
    }
}

/// The entries of `log` when it comes in pieces that end at `cuts`.
fn entries_in_pieces(dialect: &Dialect, log: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (mut state, mut start, mut found) = (State::at(0), 0, Vec::new());
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (log.len() + 1)).collect();
    ends.sort_unstable();
    for (end, is_last) in ends.into_iter().map(|end| (end, false)).chain([(log.len(), true)]) {
        let mut entries = Vec::new();
        let end_of = if is_last { End::Final } else { End::Open };
        let bytes = &log[start.min(end)..end];
        let done = (dialect.split)(&mut state, bytes, end_of, &mut entries);
        found.extend(entries.into_iter().map(|entry| bytes[entry.text].to_vec()));
        start += done;
    }
    found
}

/// Lines that are nearly entries, and bytes that are anything.
fn log() -> impl Strategy<Value = Vec<u8>> {
    let entry =
        (any::<Option<i64>>(), "[A-Z_]{0,12}|USER_OPERATION", ".{0,40}").prop_map(|(at, kind, content)| {
            let entry = serde_json::json!({"timestamp": at, "type": kind, "content": content, "owner": null});
            entry.to_string().into_bytes()
        });
    let worded =
        "(User|Alert|Exclusion rule) [a-z\"' ]{0,9} (logged in|was created by|failed to sign in)[ -~]{0,20}";
    let worded = worded.prop_map(|content| {
        let entry =
            serde_json::json!({"timestamp": 1_709_193_520_000_i64, "type": "USER_OPERATION", "content": content});
        entry.to_string().into_bytes()
    });
    let garbage = prop::collection::vec(any::<u8>(), 0..60);
    let head = "(<110>1 |<13>|7 <1>|CEF:0\\|)?(2024-02-29[ T]07:58:40[,.]118 |Feb 29 07:58:40 |-|a\\|b\\|1\\|c\\|d\\|3\\|)?";
    let rest = "(\\[main\\] INFO AUDIT- |h app\\[1\\]: |- - - \\[x y=\"z\"\\] )?[a-z]{0,3}[= ][ -~é]{0,30}";
    let other = (head, rest).prop_map(|(head, rest)| (head + &rest).into_bytes());
    let line = prop_oneof![entry, worded, garbage, other];
    prop::collection::vec(line, 0..8).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #[test]
    fn entries_do_not_depend_on_how_the_bytes_came(log in log(), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        for dialect in DIALECTS {
            prop_assert_eq!(entries_in_pieces(dialect, &log, &cuts), entries_in_pieces(dialect, &log, &[]));
        }
    }

    #[test]
    fn every_entry_is_an_event_that_keeps_it_verbatim(log in log()) {
        for dialect in DIALECTS {
            let events = normalize(dialect, &log);
            let entries = entries_in_pieces(dialect, &log, &[]);
            prop_assert_eq!(events.len(), entries.len());
            for (event, entry) in events.iter().zip(&entries) {
                prop_assert_eq!(event.raw.bytes(), entry.as_slice());
            }
        }
    }

    #[test]
    fn the_same_bytes_have_the_same_ids_and_no_id_comes_twice(log in log()) {
        for dialect in DIALECTS {
            let ids = |events: Vec<Event>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();
            let (first, second) = (ids(normalize(dialect, &log)), ids(normalize(dialect, &log)));
            prop_assert_eq!(&first, &second);
            let distinct: std::collections::HashSet<_> = first.iter().collect();
            prop_assert_eq!(distinct.len(), first.len());
        }
    }
}
