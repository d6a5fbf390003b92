//! What every dialect reads in its golden log, and what holds for any bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::expect_file;
use jiff::tz::TimeZone;
use otrail::dialect::{self, Context, DIALECTS, Dialect, End, Habits, Rules, State};
use otrail::model::{Class, Event, Flag, Raw, Text, Time};
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
        assert!(events.len() >= 40, "{} has too few entries", dialect.name);
        check_resumed(dialect, &log);
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

/// The entries of `log` when it comes in pieces that end at `cuts`: where each begins, and its bytes.
fn entries_in_pieces(dialect: &Dialect, log: &[u8], cuts: &[usize]) -> Vec<(usize, Vec<u8>)> {
    let (mut state, mut start, mut found) = (State::at(0), 0, Vec::new());
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (log.len() + 1)).collect();
    ends.sort_unstable();
    for (end, is_last) in ends.into_iter().map(|end| (end, false)).chain([(log.len(), true)]) {
        let end_of = if is_last { End::Final } else { End::Open };
        loop {
            let (mut entries, bytes) = (Vec::new(), &log[start.min(end)..end]);
            let done = (dialect.split)(&mut state, bytes, end_of, &mut entries);
            let place = |entry: dialect::Entry| (start + entry.text.start, bytes[entry.text].to_vec());
            found.extend(entries.into_iter().map(place));
            start += done;
            if done == 0 {
                break;
            }
        }
    }
    found
}

/// Whoever stops after any entry and rebuilds the state from head and anchor finds the same events.
fn check_resumed(dialect: &Dialect, log: &[u8]) {
    let (mut state, mut at, mut anchor, mut stops) = (State::at(0), 0, 0, Vec::new());
    let mut all = Vec::new();
    loop {
        let mut entries = Vec::new();
        let done = (dialect.split)(&mut state, &log[at..], End::Final, &mut entries);
        if state.take_anchored() {
            anchor = at;
        }
        for entry in entries {
            let parsed = (dialect.parse)(&state, &context(), &log[at..][entry.text]);
            all.push((at + entry.end, parsed.event));
            stops.push((at + entry.end, anchor));
        }
        at += done;
        if done == 0 {
            break;
        }
    }
    for (number, (stop, anchor)) in stops.into_iter().enumerate() {
        let head = &log[..log.len().min(4)];
        let mut state = State::rebuilt(dialect, head, anchor as u64, &log[anchor..], stop as u64);
        let (mut at, mut rest) = (stop, Vec::new());
        loop {
            let mut entries = Vec::new();
            let done = (dialect.split)(&mut state, &log[at..], End::Final, &mut entries);
            for entry in entries {
                let parsed = (dialect.parse)(&state, &context(), &log[at..][entry.text]);
                rest.push((at + entry.end, parsed.event));
            }
            at += done;
            if done == 0 {
                break;
            }
        }
        assert_eq!(
            rest,
            all[number + 1..],
            "{} after {stop} of {:?}",
            dialect.name,
            String::from_utf8_lossy(log)
        );
    }
}

/// The bytes of the entry, from what the event has kept of it.
fn bytes_of(event: &Event) -> Vec<u8> {
    let units = || std::str::from_utf8(event.raw.bytes()).unwrap().encode_utf16();
    match &event.raw {
        Raw::Text(_) if event.flags.contains(Flag::UTF_16LE) => units().flat_map(u16::to_le_bytes).collect(),
        Raw::Text(_) if event.flags.contains(Flag::UTF_16BE) => units().flat_map(u16::to_be_bytes).collect(),
        raw => raw.bytes().to_vec(),
    }
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
    let worded = worded.prop_map(|content: String| {
        let entry =
            serde_json::json!({"timestamp": 1_709_193_520_000_i64, "type": "USER_OPERATION", "content": content});
        entry.to_string().into_bytes()
    });
    let element = worded.clone().prop_map(|mut entry| {
        entry.push(b',');
        entry
    });
    let row = ("[0-9]{13}|2024-02-29 07:58:4[0-9]", "USER_OPERATION|[A-Z]{3}", "[ -~\n]{0,30}").prop_map(
        |(time, kind, content)| format!("{time},{kind},\"{}\"", content.replace('"', "\"\"")).into_bytes(),
    );
    let part =
        prop::sample::select(&["Time,Type,Content", "[", "]", "[{}", "\"", "null,", "{\"a\":\"b},"][..]);
    let part = part.prop_map(|part| part.as_bytes().to_vec());
    let garbage = prop::collection::vec(any::<u8>(), 0..60);
    let head = "(<110>1 |<13>|7 <1>|CEF:0\\|)?(2024-02-29[ T]07:58:40[,.]118 |Feb 29 07:58:40 |-|a\\|b\\|1\\|c\\|d\\|3\\|)?";
    let rest = "(\\[main\\] INFO AUDIT- |h app\\[1\\]: |- - - \\[x y=\"z\"\\] )?[a-z]{0,3}[= ][ -~é]{0,30}";
    let other = (head, rest).prop_map(|(head, rest)| (head + &rest).into_bytes());
    let line = prop_oneof![entry, worded, element, row, part, garbage, other];
    let log = prop::collection::vec(line, 0..8).prop_map(|lines| lines.join(&b'\n'));
    (log, 0..6).prop_map(|(log, form)| in_form(&log, form))
}

/// The log as it is, as the text of a file with a mark, or with a header before it.
fn in_form(log: &[u8], form: i32) -> Vec<u8> {
    let text = String::from_utf8_lossy(log);
    let text = text.chars();
    match form {
        0 => "\u{FEFF}Time,Type,Content\n".chars().chain(text).collect::<String>().into_bytes(),
        1 => utf_16(&"Time;Type;Content\n".chars().chain(text).collect::<String>(), u16::to_le_bytes),
        2 => utf_16(&text.collect::<String>(), u16::to_be_bytes),
        3 => [b"Time,Type,Content\r\n", log].concat(),
        4 => [b"[", log].concat(),
        _ => log.to_vec(),
    }
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
}

proptest! {
    #[test]
    fn entries_do_not_depend_on_how_the_bytes_came(log in log(), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        for dialect in DIALECTS {
            prop_assert_eq!(entries_in_pieces(dialect, &log, &cuts), entries_in_pieces(dialect, &log, &[]));
        }
    }

    #[test]
    fn what_is_no_entry_is_structure(log in log()) {
        for dialect in DIALECTS {
            let mut rest = log.clone();
            for (start, entry) in entries_in_pieces(dialect, &log, &[]).into_iter().rev() {
                rest.drain(start..start + entry.len());
            }
            let mark = b"\0\xEF\xBB\xBF\xFE\xFF";
            rest.retain(|byte| !mark.contains(byte));
            let rest = String::from_utf8_lossy(&rest);
            let rest = rest.replace("Time,Type,Content", "").replace("Time;Type;Content", "");
            prop_assert_eq!(rest.trim_matches(|it: char| "[], \t\r\n\x0C".contains(it)), "", "{} of {:?}", dialect.name, String::from_utf8_lossy(&log));
        }
    }

    #[test]
    fn reading_goes_on_after_any_entry_as_if_it_had_never_stopped(log in log()) {
        for dialect in DIALECTS {
            check_resumed(dialect, &log);
        }
    }

    #[test]
    fn every_entry_is_an_event_that_keeps_it_verbatim(log in log()) {
        for dialect in DIALECTS {
            let events = normalize(dialect, &log);
            let entries = entries_in_pieces(dialect, &log, &[]);
            prop_assert_eq!(events.len(), entries.len());
            for (event, (_, entry)) in events.iter().zip(&entries) {
                prop_assert_eq!(&bytes_of(event), entry);
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
