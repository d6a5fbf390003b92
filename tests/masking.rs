//! What is masked is nowhere: not in the journal, not on the wire, not in an answer, whatever the log is written in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::dialect::{self, Context, Dialect, End, Mask, Masks, State};
use otrail::format::{Envelope, FORMATS, Settings};
use otrail::journal::{Draft, Input, Journal};
use otrail::model::{Event, Flag, Record, Seq, Time};
use otrail::query::render::json_line;
use proptest::prelude::*;
use proptest::sample::select;
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use support::process::{House, entry, patiently};

/// A dialect, what stands before the entry, and how a text stands in it.
type Form = (&'static str, &'static str, fn(&str) -> String);

const FORMS: &[Form] = &[
    ("timeline-json", "", |text| {
        serde_json::json!({"timestamp": 1_709_193_520_000_i64, "type": "USER_OPERATION", "content": text})
            .to_string()
    }),
    ("timeline-json", "", |text| {
        serde_json::json!({"type": "NEW", "extra": {"a": [1, text]}, "content": "x"}).to_string()
    }),
    ("timeline-json", "", |text| {
        format!(
            "{},",
            serde_json::json!({"timestamp": 1_709_193_520_000_i64, "type": "NEW", "content": text})
        )
    }),
    ("timeline-csv", "Timestamp,Type,Content,Owner\n", |text| {
        format!("2024-02-29 07:58:40,USER_OPERATION,\"{}\",alice", text.replace('"', "\"\""))
    }),
    ("timeline-csv", "Content;Timestamp;Type\n", |text| {
        format!("\"{}\";2024-02-29 07:58:40;USER_OPERATION", text.replace('"', "\"\""))
    }),
    ("timeline-csv", "Timestamp\tNote\tType\tContent\n", |text| {
        format!(
            "2024-02-29 07:58:40\t\"{}\"\tUSER_OPERATION\tUser alice logged in",
            text.replace('"', "\"\"")
        )
    }),
    ("audit-log", "", |text| format!("2024-02-29 07:58:40,118 [main] INFO  AUDIT- [32200] {text}")),
    ("syslog", "", |text| format!("<110>1 2024-02-29T07:58:40.118Z plant-a console 1 AUDIT - {text}")),
    ("syslog", "", |text| {
        format!("<110>Feb 29 07:58:40 plant-a console[1]: {}", serde_json::json!({"message": text}))
    }),
    ("syslog", "", |text| {
        format!("<110>Feb 29 07:58:40 plant-a console[1]: CEF:0|V|P|1|x|y|3|msg={} suser=alice", cef(text))
    }),
    ("cef", "", |text| format!("CEF:0|V|P|1|x|y|3|suser=alice msg={} src=10.2.3.4", cef(text))),
    ("json", "", |text| {
        serde_json::json!({"time": "2024-02-29T07:58:40Z", "message": text, "user": "alice"}).to_string()
    }),
    ("json", "", |text| {
        serde_json::json!({"time": "2024-02-29T07:58:40Z", "deep": [{"note": text}], "user": "alice"})
            .to_string()
    }),
    ("key-value", "", |text| {
        format!("ts=1709193520 user=alice msg=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }),
    ("lines", "", |text| format!("2024-02-29 07:58:40 {text}")),
];

fn cef(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=")
}

proptest! {
    #[test]
    fn a_secret_is_in_no_journal_no_frame_and_no_answer(
        inner in "[a-z0-9\"'\\\\=,;|&%<>{}\\[\\]äß]{0,12}", form in 0..FORMS.len(), wide: bool, quoted: bool,
    ) {
        let (name, head, write) = FORMS[form];
        let secret = if quoted { format!("\"{HEAD} {} {TAIL}\"", inner.replace('"', "")) } else { format!("{HEAD}{inner}{TAIL}") };
        let log = format!("{head}{}\n", write(&format!("User alice logged in badge:{secret} from 10.2.3.4")));
        let log = if wide && name == "timeline-csv" { utf_16(&log) } else { log.into_bytes() };
        let events = events(dialect::find(name).unwrap(), &log);
        prop_assert_eq!(events.len(), 1);
        let record = Record { seq: Seq(1), position: None, event: events[0].clone(), chain: None };
        prop_assert!(record.event.flags.contains(Flag::MASKED), "{:?}", record.event);
        for bytes in written(&record) {
            prop_assert!(!tells(&bytes), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn what_a_text_calls_a_password_is_nowhere_also_in_json_within_json_that_is_broken(
        inner in "[a-z0-9 =,;|&%.äß]{0,12}", form in 0..FORMS.len(), depth in 0..4_usize, broken: bool, separator in "( ?[=:] ?)",
        quote in "[\"']", name in "(password|pwd|API_KEY|secret)",
    ) {
        let (dialect, head, write) = FORMS[form];
        let secret = format!("{HEAD} {inner} {TAIL}");
        let mut text = format!("{name}{separator}{quote}{secret}{quote}");
        for level in 0..depth {
            let value = if level == 0 { secret.clone() } else { text };
            text = serde_json::json!({"pwd": 7, (name.as_str()): value, "x": "y"}).to_string();
        }
        let entry = write(&format!("User alice was told {text} from 10.2.3.4"));
        // A row of CSV whose quotes are broken has its own way to write them, see the unit tests.
        let entry = if broken && head.is_empty() { format!("{{\"{}", &entry[..entry.len() - 1]) } else { entry };
        let log = format!("{head}{entry}\n");
        for event in events(dialect::find(dialect).unwrap(), log.as_bytes()) {
            let record = Record { seq: Seq(1), position: None, event, chain: None };
            for bytes in written(&record) {
                prop_assert!(!tells(&bytes), "{entry}\n{}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn what_the_mask_found_before_it_knew_json_within_json_it_still_finds(
        name in select(NAMES), before in pieces(0..3), sign in select(vec!["=", ":", " = ", "=\\", ": "]),
        value in pieces(0..4), after in pieces(0..4),
    ) {
        let text = format!("by {name}{before}{sign}{value}{HEAD}{after}");
        let found = |mask: &Mask| mask.secrets(&text).collect::<Vec<_>>();
        let (then, now) = (found(&Mask::new("then", THEN, "").unwrap()), found(&Mask::shipped("assignment", "").unwrap()));
        for at in text.match_indices(HEAD).flat_map(|(at, _)| at..at + HEAD.len()) {
            let is_in = |places: &[Range<usize>]| places.iter().any(|place| place.contains(&at));
            prop_assert!(!is_in(&then) || is_in(&now), "{text}\n{then:?} {now:?}");
        }
    }

    #[test]
    fn the_cells_of_a_masked_row_stay_in_their_columns(
        before in "[a-z ,;\"]{0,8}", after in "[a-z ,;\"]{0,8}", owner in "[a-z]{1,6}", secret in "[a-z0-9=\\\\]{3,9}",
    ) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        // The pattern takes all that it can get.
        let content = format!("{before} code {HEAD}{secret} {after}");
        let row = format!("2024-02-29 07:58:40,USER_OPERATION,{},{owner},\"\"\n", quoted(&content));
        let log = format!("Timestamp,Type,Content,Owner,Title\n{row}");
        let events = events(dialect::find("timeline-csv").unwrap(), log.as_bytes());
        let event = &events[0];
        prop_assert_eq!(event.message.as_str(), format!("{before} code ***"));
        prop_assert_eq!(event.user.as_deref(), Some(owner.as_str()));
        let raw = row.trim_end().replace(&quoted(&content), &quoted(&format!("{before} code ***")));
        prop_assert_eq!(event.raw.bytes(), raw.as_bytes());
    }
}

#[test]
fn what_the_name_of_a_column_makes_a_secret_is_masked() {
    let log =
        "Timestamp,Password,Type,Content\n2024-02-29 07:58:40,hunter2,USER_OPERATION,User alice logged in\n";
    let events = events(dialect::find("timeline-csv").unwrap(), log.as_bytes());
    let raw = String::from_utf8_lossy(events[0].raw.bytes()).into_owned();
    assert_eq!(raw, "2024-02-29 07:58:40,***,USER_OPERATION,User alice logged in");
    assert_eq!(events[0].user.as_deref(), Some("alice"));
}

#[test]
fn no_segment_of_the_journal_holds_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(support::trail::journal_settings(dir.path()), Time::default()).unwrap();
    for (name, head, write) in FORMS {
        for secret in SECRETS {
            let text = format!("User alice logged in badge:{HEAD}{secret}{TAIL} from 10.2.3.4");
            let log = format!("{head}{}\n", write(&text));
            let events = events(dialect::find(name).unwrap(), log.as_bytes());
            let drafts =
                events.into_iter().map(|event| Draft { event, position: None, mark: None }).collect();
            journal.append(Input { drafts, ..Input::default() }, Time::default()).unwrap();
        }
    }
    journal.settle(Time::default()).unwrap();
    let (files, bytes) = read_all(dir.path());
    assert!(files > 0 && bytes.len() > FORMS.len() * SECRETS.len() * 100);
    assert!(!tells(&bytes));
}

#[test]
fn what_an_admin_asks_for_leaves_no_secret_in_the_trail() {
    let mut house = House::new();
    house.set("[[mask]]\nname = \"assignment\"\n");
    house.write_log(entry(1).as_bytes());
    house.start();
    house.wait_until("reads the log", |status| status.sources.first().is_some_and(|it| it.entries == 1));
    for asked in [["-g", "password=Qz7KxWp9Jm"], ["--where", "user = \"token=Qz7KxWp9Jm\""]] {
        assert_eq!(
            house.run(&[&["query"][..], &asked[..]].concat()).status.code(),
            Some(1),
            "nothing is found"
        );
    }
    assert_eq!(house.stop(), Some(0));
    let trail = house.trail();
    let queries = trail.iter().filter(|row| row["action"] == "agent.query");
    assert!(queries.map(|row| row["flags"][0].as_str()).eq([Some("masked"); 2]), "{trail:#?}");
    assert!(!tells(&read_all(&house.path("state")).1));
}

/// The event about a follower is not shown to it, and is known by its words.
#[test]
fn a_follower_is_not_shown_its_own_question_where_that_is_masked() {
    let mut house = House::new();
    house.set("[[mask]]\nname = \"assignment\"\n");
    house.start();
    house.wait_until("is there", |_| true);
    let mut follow = house.otrail();
    follow.args(["query", "-f", "-q", "-o", "cat", "-g", "password=Qz7KxWp9Jm|follows|count"]);
    let mut follower = follow.stdout(Stdio::piped()).spawn().unwrap();
    let rows = BufReader::new(follower.stdout.take().unwrap());
    assert!(patiently(|| house.records().iter().any(|it| it.event.message.contains("follows the trail"))));
    house.run(&["query", "--count", "user=nobody"]);
    let row = rows.lines().next().unwrap().unwrap();
    assert!(row.contains("counted 0 records"), "{row}");
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(house.stop(), Some(0));
    let asked =
        house.records().into_iter().find(|it| it.event.message.contains("follows the trail")).unwrap();
    assert!(asked.event.flags.contains(otrail::model::Flag::MASKED), "{}", asked.event.message);
}

/// What may stand around a secret.
fn pieces(count: Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec(select(PIECES), count).prop_map(|pieces| pieces.concat())
}

const NAMES: &[&str] = &["password", "PWD", "secret", "token", "api_key", "credential"];
const PIECES: &[&str] = &[
    "\\",
    "\\",
    "\\\\",
    "\"",
    "'",
    "\"\"",
    "\\\"",
    "\\\\\\\"",
    "\\u0022",
    "\\\\u0022",
    "u0022",
    "=",
    ":",
    " ",
    ",",
    ";",
    "|",
    ">",
    "&",
    "x",
    "user=",
    "bob",
    "10.2.3.4",
    "fe80::1%eth0",
    HEAD,
];
/// The pattern of the mask `assignment` that knew no quotes but those right behind one backslash.
const THEN: &str = concat!(
    r"(?i-u)(?:passwords?|passwd|passphrase|pwd|secret|token|api[_-]?key|credentials?|private[_-]?key)",
    r#"\\?["']?(?:\s*=\s*|:|\\?["']\s*:\s*)"#,
    r#"(?<secret>"(?:[^"\\]|\\[^"]|\\"(?:[^"\\\s,;&)}\]]|\\.))*(?:\\"[\s,;&)}\]][^"=:]*|\\")?""#,
    r#"|'(?:[^'\\]|\\[^']|\\'(?:[^'\\\s,;&)}\]]|\\.))*(?:\\'[\s,;&)}\]][^'=:]*|\\')?'"#,
    r#"|\\"(?:[^"\\]|\\\\\\\\|\\\\[^"\\]|\\\\\\"[^"\\\s,;&)}\]])*(?:\\\\\\"[\s,;&)}\]][^"=:\\]*|\\\\\\")?\\""#,
    r#"|\\?"[^"]*"?|'[^']*'?|[^\s"',;&][^\s",;&]*)"#,
);
const SECRETS: &[&str] = &["", "=", "\\", "\"", "\\\"", "a=b", "'", "\"\"", "\\\\", "{\"x\":1}", ","];
const HEAD: &str = "Qz7Kx";
const TAIL: &str = "Wp9Jm";

/// Whether any part of the secret is in there, in one byte for a character or in two.
fn tells(bytes: &[u8]) -> bool {
    let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    [HEAD, TAIL].iter().any(|mark| memchr::memmem::find(&narrow, mark.as_bytes()).is_some())
}

/// Everything that is ever written of a record.
fn written(record: &Record) -> Vec<Vec<u8>> {
    let envelope = Envelope {
        stream: "00",
        prev: Seq::NONE,
        print: None,
        resent: false,
        replay: false,
        sequence_id: 1,
        clock_synced: true,
    };
    let mut all = vec![record.event.raw.bytes().to_vec(), format!("{record:?}").into_bytes(), Vec::new()];
    json_line(record, all.last_mut().unwrap());
    for format in FORMATS {
        let mut frame = Vec::new();
        (format.encode)(&Settings::default(), &envelope, record, &mut frame);
        all.push(frame);
    }
    all
}

fn read_all(dir: &Path) -> (usize, Vec<u8>) {
    let (mut files, mut bytes) = (0, Vec::new());
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (more, inside) = read_all(&path);
            files += more;
            bytes.extend(inside);
        } else {
            files += 1;
            bytes.extend(fs::read(path).unwrap());
        }
    }
    (files, bytes)
}

fn utf_16(text: &str) -> Vec<u8> {
    "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// The events of a log, masked as the agent does it.
fn events(dialect: &Dialect, log: &[u8]) -> Vec<Event> {
    let badge = Mask::new("badge", r#"badge:(?<secret>"[^"]*"|\S+)"#, "***").unwrap();
    let greedy = Mask::new("code", "code (?<secret>.+)", "***").unwrap();
    let shipped = Mask::shipped_names().filter_map(|name| Mask::shipped(name, "***"));
    let masks = Masks::with([badge, greedy].into_iter().chain(shipped).collect());
    let context = Context::example();
    let (mut state, mut at, mut events) = (State::at(0), 0, Vec::new());
    loop {
        let mut entries = Vec::new();
        let done = (dialect.split)(&mut state, &log[at..], End::Final, &mut entries);
        let read = |entry: dialect::Entry| {
            dialect::read(dialect, &state, &context, &masks, &log[at..][entry.text]).event
        };
        events.extend(entries.into_iter().map(read));
        at += done;
        if done == 0 {
            return events;
        }
    }
}
