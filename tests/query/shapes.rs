//! How rows look, whatever stands in them.

use super::{event, journal, otrail, told};
use expect_test::expect_file;
use otrail::journal::line;
use otrail::model::{Action, Event, Flag, Outcome, Raw, Record, Seq, Target};
use otrail::query::render::{Column, Look, SHAPES, Shape, Sink};

/// Values that try to be something else.
fn hostile() -> Vec<Event> {
    let mut plain = event("alice", Outcome::Success, 1_709_292_615_250);
    plain.client = Some("10.0.0.7".into());
    plain.target = Some(Box::new(Target { kind: "user".into(), name: Some("bob".into()), id: None }));
    let mut failed = event("bob", Outcome::Failure, 1_709_292_616_000);
    failed.account = Some(r"CORP\bob".into());
    failed.reason = Some("bad password".into());
    failed.message = "Sign-in\nfailed\x1b]0;title\x07".into();
    let mut forged = event("alice  agent.start", Outcome::Unknown, 1_709_292_617_000);
    forged.client = Some("10.0.0.1 reason=\"none\"".into());
    forged.old = Some("".into());
    forged.new = Some("\u{202e}drawkcab\u{200b}".into());
    forged.message = "\u{9b}2J\r2024-03-01 00:00:00 success root".into();
    forged.raw = Raw::Bytes(b"\xff\x1b[2Jbytes\n"[..].into());
    let mut empty = event("", Outcome::Success, 1_729_990_800_000);
    empty.message = "".into();
    empty.title = "Title alone ".into();
    empty.flags = [Flag::UNPARSED, Flag::TRUNCATED].into_iter().collect();
    empty.raw = Raw::Json("{\"k\": \"\u{202e}\"}".into());
    let mut worst =
        Event::own(Action::JOURNAL_DAMAGED, Outcome::Unknown, plain.time, "a range was set aside");
    worst.target = Some(Box::new(Target { kind: "journal".into(), name: None, id: None }));
    vec![plain, failed, forged, empty, worst]
}

fn rendered(shape: &Shape, look: &Look) -> Vec<u8> {
    let mut out = Vec::new();
    (shape.head)(look, &mut out);
    for (event, seq) in hostile().into_iter().zip(1..) {
        (shape.write)(look, &Record { seq: Seq(seq), position: None, event, chain: None }, &mut out);
    }
    out
}

fn look(sink: Sink) -> Look {
    Look { zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(), ..Look::plain(sink) }
}

/// `raw` may be any bytes towards a program.
fn visible(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\x1b', "ESC")
}

#[test]
fn every_shape_looks_as_it_did() {
    for shape in SHAPES {
        let wide = rendered(shape, &look(Sink::File));
        let columns = ["seq", "time", "target-name", "flags", "message", "raw"];
        let fields = columns.iter().map(|name| Column::named(name).unwrap()).collect();
        let terminal = Look { colour: true, width: Some(100), ..look(Sink::Terminal) };
        let mut text =
            format!("--- into a file\n{}--- to a terminal of 100 columns, in colour\n", visible(&wide));
        text += &visible(&rendered(shape, &terminal));
        if shape.takes_fields {
            let chosen = rendered(shape, &Look { fields, ..terminal });
            text += &format!("--- {}\n{}", columns.join(","), visible(&chosen));
        }
        expect_file![format!("../golden/query/{}.txt", shape.name)].assert_eq(&text);
    }
}

#[test]
fn a_table_fits_every_terminal() {
    let table = Shape::named("table").unwrap();
    let mut seen = String::new();
    for width in [40, 60, 80, 100, 120, 160, 200] {
        let text = visible(&rendered(table, &Look { width: Some(width), ..look(Sink::Terminal) }));
        let longest = text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap();
        assert!(longest <= width, "{width}: {longest}\n{text}");
        seen += &format!("--- {width} columns\n{text}");
    }
    expect_file!["../golden/query/table-widths.txt"].assert_eq(&seen);
}

#[test]
fn no_shape_lets_a_terminal_obey_or_a_row_break() {
    for shape in SHAPES {
        let narrow = Look { width: Some(90), ..look(Sink::Terminal) };
        let text = String::from_utf8(rendered(shape, &narrow)).unwrap();
        let text = if shape.name == "tsv" { text.replace('\t', " ") } else { text };
        for line in text.lines() {
            assert!(!line.contains(otrail::query::render::safe::is_unsafe), "{}: {line:?}", shape.name);
        }
        let rows = match shape.name {
            "raw" => 4,
            "table" | "csv" | "tsv" => 6,
            "card" | "json-pretty" => continue,
            _ => 5,
        };
        assert_eq!(text.lines().count(), rows, "{}", shape.name);
    }
}

#[test]
fn a_row_of_json_is_the_record_wherever_it_goes() {
    for sink in [Sink::File, Sink::Terminal] {
        let text = rendered(Shape::named("json").unwrap(), &look(sink));
        let rows: Vec<Record> =
            text.split_inclusive(|&byte| byte == b'\n').map(|row| line::decode(row).unwrap()).collect();
        let events: Vec<Event> = rows.into_iter().map(|record| record.event).map(without_raw).collect();
        assert_eq!(events, hostile().into_iter().map(without_raw).collect::<Vec<_>>());
    }
}

#[test]
fn fields_that_are_asked_for_are_shown_in_their_order_and_others_refused() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [event("alice", Outcome::Failure, 1_709_292_615_250)]);
    let rows = |args: &[&str]| told(&otrail(dir.path(), &[args, &["-q"]].concat()));
    for (form, shown) in [
        ("json", "{\"user\":\"alice\",\"seq\":1,\"time\":\"2024-03-01T11:30:15.250Z\"}\n"),
        ("csv", "user,seq,domain,time\nalice,1,,2024-03-01T11:30:15.250Z\n"),
        ("tsv", "user\tseq\tdomain\ttime\nalice\t1\t\t2024-03-01T11:30:15.250Z\n"),
        (
            "table",
            "USER           SEQ      DOMAIN     TIME\nalice          1                   2024-03-01 11:30:15+00\n",
        ),
    ] {
        assert_eq!(
            rows(&["-o", form, "--fields", "user,seq,domain,time"]),
            (Some(0), shown.to_owned(), String::new())
        );
    }
    let twice = rows(&["-o", "json", "--fields", "seq,user,seq"]).1;
    assert_eq!(twice, "{\"seq\":1,\"user\":\"alice\"}\n", "a name stands once in an object");
    let (code, _, errors) = rows(&["--fields", "user"]);
    assert_eq!(
        (code, errors.as_str()),
        (
            Some(2),
            "otrail: -o short has fields of its own; --fields is for table, card, json, json-pretty, csv, tsv\n"
        )
    );
    assert_eq!(rows(&["-o", "csv", "--fields", "colour"]).0, Some(2));
}

/// JSON inside of a row is spelled another way for a terminal; its value is the same.
fn without_raw(mut event: Event) -> Event {
    if let Raw::Json(json) = &event.raw {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        event.raw = Raw::Json(value.to_string().into());
    }
    event
}

#[test]
fn raw_entries_leave_byte_for_byte_towards_a_program() {
    let text = rendered(Shape::named("raw").unwrap(), &look(Sink::File));
    let third = b"\xff\x1b[2Jbytes\n\n";
    assert!(text.windows(third.len()).any(|part| part == third));
}
