//! What every dialect reads in its golden log, and what holds for any bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/auto.rs"]
mod auto;
#[path = "support/properties.rs"]
mod properties;

use expect_test::expect_file;
use otrail::dialect::{self, DIALECTS, End};
use otrail::model::Event;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected files; read the diff before you commit it.
#[test]
fn every_dialect_reads_its_golden_log() {
    for dialect in DIALECTS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dialect").join(dialect.name);
        let log = fs::read(dir.join("sensor.log")).unwrap();
        let events = properties::events(dialect, &log);
        let shown: String = events.iter().map(shown).collect();
        expect_file![dir.join("events.txt")].assert_eq(&shown);
        assert!((dialect.speaks)(&log), "{} does not know its own log", dialect.name);
        assert!(events.len() >= 40, "{} has too few entries", dialect.name);
        properties::reading_goes_on_after_any_entry(dialect, &log, usize::MAX);
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

#[test]
fn every_dialect_has_its_fuzz_target() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
    for dialect in DIALECTS {
        let path = format!("targets/{}.rs", dialect.name.replace('-', "_"));
        let target = fs::read_to_string(dir.join(&path)).unwrap_or_default();
        let call = format!("otrail_fuzz::dialect(\"{}\", log)", dialect.name);
        assert!(target.contains(&call), "{path} lacks {call}");
        let bin = format!("[[bin]]\nname = \"{}\"\npath = \"{path}\"\n", dialect.name);
        assert!(manifest.contains(&bin), "tests/fuzz/Cargo.toml lacks\n{bin}");
    }
}

/// In each of them something was once lost or read in another way the second time.
#[test]
fn logs_that_fuzzing_found_keep_what_every_log_keeps() {
    let broken =
        format!("Time,Type,Content\n1,A,\"x\n{}\nTime,Type,Content\n2,B,y\n3,C,\"z\"\n", "x".repeat(2_000));
    for (dialect, log) in
        [("timeline-json", &b"  {\"content\":42} \n"[..]), ("timeline-csv", broken.as_bytes())]
    {
        properties::hold(dialect::find(dialect).unwrap(), log);
    }
}

#[test]
fn an_array_that_proves_to_be_none_is_forgotten_when_the_dialect_is_found() {
    let line = format!("{{\"a\":1}}{}", "]".repeat(100));
    let log = format!("[{{\"a\nx=1 y=2 z=3\n{line}\nx=1 y=2 z=3\n");
    auto::in_pieces(log.as_bytes(), &[(4, End::Open), (60, End::Open), (100, End::Open)], 32);
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
    let part = prop::sample::select(PARTS).prop_map(|part| part.as_bytes().to_vec());
    let several = prop::collection::vec((worded.clone(), prop::sample::select(LAYOUTS)), 1..4);
    let several = several.prop_map(|objects| objects.iter().flat_map(laid_out).collect());
    let garbage = prop::collection::vec(any::<u8>(), 0..60);
    let head = "(<110>1 |<13>|7 <1>|CEF:0\\|)?(2024-02-29[ T]07:58:40[,.]118 |Feb 29 07:58:40 |-|a\\|b\\|1\\|c\\|d\\|3\\|)?";
    let rest = "(\\[main\\] INFO AUDIT- |h app\\[1\\]: |- - - \\[x y=\"z\"\\] )?[a-z]{0,3}[= ][ -~é]{0,30}";
    let other = (head, rest).prop_map(|(head, rest)| (head + &rest).into_bytes());
    let line = prop_oneof![entry, worded, element, several, row, part, garbage, other];
    let log = prop::collection::vec(line, 0..8).prop_map(|lines| lines.join(&b'\n'));
    (log, 0..7).prop_map(|(log, form)| in_form(&log, form))
}

/// What a log may hold beside its entries, whole or torn.
const PARTS: &[&str] = &[
    "Time,Type,Content",
    "[",
    "]",
    "[{}",
    "\"",
    "null,",
    "{\"a\":\"b},",
    "{",
    "}",
    "{\"a\":{",
    " \"a\" : 1 ,",
    "{\"value\":[",
    "{\"@odata.count\":2, \"value\" :",
    "],\"nextLink\":\"x\"}",
    "]}",
    "{\"value\":[]}",
];
/// What stands before an object, between its members and behind it.
const LAYOUTS: &[[&str; 3]] = &[
    ["", ",", ""],
    ["", ",", ","],
    ["", ",", " , "],
    [" ", ",\n  ", "\n"],
    ["", "\n,", ""],
    ["", ",\r\n", ",\r\n"],
    ["", ",", " x"],
    ["{\"value\":[", ",", "]}"],
    ["{\n \"value\": [\n ", ",\n", "\n]\n,\"count\":1\n}"],
];

fn laid_out((object, [before, between, behind]): &(Vec<u8>, [&str; 3])) -> Vec<u8> {
    let object = String::from_utf8_lossy(object).replace(",\"", &format!("{between}\""));
    format!("{before}{object}{behind}").into_bytes()
}

/// The log as it is, as the text of a file with a mark, or with a header before it.
fn in_form(log: &[u8], form: i32) -> Vec<u8> {
    let text = String::from_utf8_lossy(log);
    let text = text.chars();
    match form {
        0 => "\u{FEFF}Time,Type,Content\n".chars().chain(text).collect::<String>().into_bytes(),
        1 => utf_16(&"Time;Type;Content\n".chars().chain(text).collect::<String>(), u16::to_le_bytes),
        2 => utf_16(&text.collect::<String>(), u16::to_be_bytes),
        5 => utf_16(&text.collect::<String>(), u16::to_le_bytes)[2..].to_vec(),
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
            properties::entries_do_not_depend_on_pieces(dialect, &log, &cuts, 1 << 20);
            properties::entries_do_not_depend_on_pieces(dialect, &log, &cuts, 16);
        }
    }

    #[test]
    fn in_a_log_whose_dialect_nobody_has_told_nothing_is_lost(log in log()) {
        auto::auto(&log);
    }

    #[test]
    fn what_is_no_entry_is_structure(log in log()) {
        for dialect in DIALECTS {
            properties::what_is_no_entry_is_structure(dialect, &log);
        }
    }

    #[test]
    fn reading_goes_on_after_any_entry_as_if_it_had_never_stopped(log in log()) {
        for dialect in DIALECTS {
            properties::reading_goes_on_after_any_entry(dialect, &log, usize::MAX);
        }
    }

    #[test]
    fn every_entry_is_an_event_that_keeps_it_verbatim(log in log()) {
        for dialect in DIALECTS {
            properties::every_entry_is_an_event_that_keeps_it(dialect, &log, &properties::events(dialect, &log));
        }
    }

    #[test]
    fn the_same_bytes_have_the_same_ids_and_no_id_comes_twice(log in log()) {
        for dialect in DIALECTS {
            properties::the_same_bytes_make_the_same_events(dialect, &log, &properties::events(dialect, &log));
        }
    }

    #[test]
    fn every_event_can_be_written_and_read_back(log in log()) {
        for dialect in DIALECTS {
            properties::events(dialect, &log).into_iter().for_each(properties::can_be_written);
        }
    }
}
