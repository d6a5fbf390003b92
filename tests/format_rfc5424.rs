//! RFC 5424 frames: golden bytes for a table of records, and two independent parsers that read back what went in.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

use expect_test::expect_file;
use otrail::format::{Envelope, FORMATS, Settings};
use otrail::model::{
    Action, Event, EventId, Flag, Flags, Outcome, Raw, Record, Seq, Severity, Target, Text, Time,
};
use proptest::prelude::*;
use std::path::PathBuf;
use syslog_loose::{ProcId, Protocol, Variant};

const STREAM: &str = "0123456789abcdef0123456789abcdef";

fn envelope() -> Envelope<'static> {
    Envelope {
        stream: STREAM,
        prev: Seq(4710),
        print: None,
        resent: false,
        replay: false,
        sequence_id: 17,
        clock_synced: true,
    }
}

fn encode(settings: &Settings, envelope: &Envelope<'_>, event: &Event) -> Vec<u8> {
    let format = FORMATS.iter().find(|format| format.name == "rfc5424").unwrap();
    let record = Record { seq: Seq(4711), position: None, event: event.clone(), chain: None };
    let mut out = b"before".to_vec();
    (format.encode)(settings, envelope, &record, &mut out);
    out.strip_prefix(b"before").unwrap().to_vec()
}

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// An event with every field.
fn whole() -> Event {
    Event {
        id: EventId(0x3f9c_2a17_d0b4_4e6f_8a51_c07b_e2d9_f614),
        seen: time("2024-02-29T09:11:03.456Z"),
        sensor: "plant-a-sensor-01".into(),
        source: "timeline".into(),
        severity: Severity(5),
        user: Some("alice".into()),
        domain: Some("CORP".into()),
        account: Some("CORP\\alice".into()),
        role: Some("Administrator".into()),
        target: Some(Box::new(Target {
            kind: "rule".into(),
            name: Some("Exclude rack ]1[ \"A\"".into()),
            id: Some("42".into()),
        })),
        client: Some("10.10.5.21".into()),
        devices: vec!["PLC 1".into(), "HMI 2".into()],
        message: "User alice changed exclusion rule".into(),
        reason: Some("maintenance".into()),
        old: Some("enabled".into()),
        new: Some("disabled".into()),
        count: Some(3),
        kind: "USER_OPERATION".into(),
        title: "Exclusion rule changed".into(),
        label: "NOTICE".into(),
        flags: [Flag::UNPARSED, Flag::MASKED].into_iter().collect(),
        ..Event::new(Action::USER_OPERATION, Outcome::Success, time("2024-02-29T09:11:02.123Z"))
    }
}

fn small(message: &str) -> Event {
    Event {
        sensor: "plant-a-sensor-01".into(),
        message: message.into(),
        ..Event::new(Action::USER_OPERATION, Outcome::Unknown, time("2024-02-29T09:11:02.123Z"))
    }
}

/// The table: what the frame is about, and the event.
fn table() -> Vec<(&'static str, Event)> {
    let hostile = "x\"] [evil@1 a=\"b\"]\n<110>1 - - - - - - forged\r\n24 <110>1 - - - - - - forged";
    vec![
        ("every-field", whole()),
        (
            "own-event-without-message",
            Event::own(Action::HEARTBEAT, Outcome::Success, time("2024-02-29T09:11:02.123Z"), ""),
        ),
        (
            "failure-is-an-error",
            Event::own(Action::DISK_FULL, Outcome::Failure, time("9999-12-30T22:00:00Z"), "no space"),
        ),
        ("no-sensor-name", Event { sensor: Text::default(), ..small("no name") }),
        ("sensor-name-with-spaces", Event { sensor: "Werk Süd\n1".into(), ..small("cleaned name") }),
        ("forged-message", small(hostile)),
        (
            "forged-values",
            Event {
                user: Some(hostile.into()),
                devices: vec![hostile.into()],
                target: Some(Box::new(Target { kind: hostile.into(), name: Some(hostile.into()), id: None })),
                ..small("forged values")
            },
        ),
        (
            "terminal-escapes",
            Event { user: Some("\u{1b}]0;x\u{7}\u{9b}2J".into()), ..small("\u{1b}[2J\u{8}\u{7f}\0") },
        ),
        (
            "other-line-ends",
            Event { reason: Some("a\u{2028}b\u{85}c".into()), ..small("a\u{2029}b\u{b}c\u{c}") },
        ),
        (
            "backslashes",
            Event { user: Some("CORP\\alice\\".into()), ..small("C:\\new\\table \\n is not a line feed") },
        ),
        (
            "right-to-left",
            Event { user: Some("\u{202e}ecila".into()), ..small("Ω 表 👩‍🔧 \u{feff} \u{202e}txet") },
        ),
        ("empty-values", Event { user: Some("".into()), reason: Some("".into()), ..small("empty values") }),
        (
            "bytes-that-are-no-text",
            Event {
                raw: Raw::Bytes(Box::from(&b"user=\xff\xfe"[..])),
                flags: Flags::from_iter([Flag::INVALID_UTF8]),
                ..small("user=\u{fffd}\u{fffd}")
            },
        ),
        ("long-message", small(&"0123456789 ä ".repeat(1_000))),
        ("long-values", Event { user: Some("ä".repeat(2_000).into()), ..small("long user") }),
        (
            "everything-long",
            Event {
                devices: vec!["device ".repeat(100).into(); 100],
                account: Some("\n".repeat(5_000).into()),
                reason: Some("]".repeat(5_000).into()),
                old: Some("表".repeat(5_000).into()),
                new: Some("new ".repeat(5_000).into()),
                ..small(&"\u{1b}".repeat(5_000))
            },
        ),
    ]
}

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected files; read the diff before you commit it.
#[test]
fn every_record_of_the_table_has_its_golden_frame() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format/rfc5424");
    for (name, event) in table() {
        let settings = Settings::default();
        let frame = String::from_utf8(encode(&settings, &envelope(), &event)).unwrap();
        let frame = frame.replace(concat!("swVersion=\"", env!("CARGO_PKG_VERSION")), "swVersion=\"VERSION");
        check(&settings, &event);
        expect_file![folder.join(name).with_extension("txt")].assert_eq(&frame);
    }
}

#[test]
fn the_settings_and_the_envelope_show_in_the_frame() {
    let settings = Settings { facility: 10, enterprise: 311, bom: false, ..Settings::default() };
    let envelope = Envelope {
        prev: Seq::NONE,
        resent: true,
        replay: true,
        sequence_id: 2_147_483_647,
        clock_synced: false,
        ..envelope()
    };
    let frame = String::from_utf8(encode(&settings, &envelope, &small("text"))).unwrap();
    for part in [
        "<86>1 ",
        " [otrail@311 id=",
        " seq=\"4711\" prev=\"0\" ",
        " resent=\"1\" replay=\"1\"",
        " enterpriseId=\"311\"]",
        "[meta sequenceId=\"2147483647\"]",
        "[timeQuality tzKnown=\"1\" isSynced=\"0\"] text",
    ] {
        assert!(frame.contains(part), "{part} in {frame}");
    }
}

#[test]
fn what_fits_exactly_is_not_cut() {
    let event = |length: usize| small(&"m".repeat(length));
    let length = |event: &Event| encode(&Settings::default(), &envelope(), event).len();
    let most = (7_000..8_000).rev().find(|&bytes| !is_cut(&event(bytes))).unwrap();
    assert!(length(&event(most)) > 8_000 - 40, "{}", length(&event(most)));
    assert!(is_cut(&event(most + 1)));
}

fn is_cut(event: &Event) -> bool {
    String::from_utf8(encode(&Settings::default(), &envelope(), event)).unwrap().contains("flags=\"cut\"")
}

/// A control character as a frame shows it.
fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            _ if character.is_control() || "\u{2028}\u{2029}".contains(character) => {
                format!("\\u{:04x}", u32::from(character))
            }
            _ => character.to_string(),
        })
        .collect()
}

/// What the parsers must give back, by name; `None` for an optional field that is not there.
fn values(event: &Event) -> Vec<(&'static str, Option<String>)> {
    let unless_empty = |text: &Text| (!text.is_empty()).then(|| visible(text));
    let optional = |text: &Option<Text>| text.as_ref().map(|text| visible(text));
    let target = event.target.as_deref().cloned().unwrap_or_default();
    vec![
        ("id", Some(event.id.to_string())),
        ("seq", Some("4711".to_owned())),
        ("stream", Some(STREAM.to_owned())),
        ("class", Some(event.class.name().to_owned())),
        ("action", Some(event.action.name().to_owned())),
        ("outcome", Some(event.outcome.name().to_owned())),
        ("severity", Some(event.severity.0.to_string())),
        ("sensor", unless_empty(&event.sensor)),
        ("source", unless_empty(&event.source)),
        ("user", optional(&event.user)),
        ("domain", optional(&event.domain)),
        ("account", optional(&event.account)),
        ("role", optional(&event.role)),
        ("client", optional(&event.client)),
        ("target-kind", unless_empty(&target.kind)),
        ("target-name", optional(&target.name)),
        ("target-id", optional(&target.id)),
        ("reason", optional(&event.reason)),
        ("old", optional(&event.old)),
        ("new", optional(&event.new)),
        ("count", event.count.map(|count| count.to_string())),
        ("type", unless_empty(&event.kind)),
        ("title", unless_empty(&event.title)),
        ("label", unless_empty(&event.label)),
        ("seen", Some(event.seen.to_string())),
    ]
}

/// What always holds, and what two independent parsers make of the frame.
fn check(settings: &Settings, event: &Event) {
    let bytes = encode(settings, &envelope(), event);
    assert!(bytes.len() <= settings.frame_bytes_max, "{} bytes", bytes.len());
    let frame = String::from_utf8(bytes).unwrap();
    assert!(
        !frame.chars().any(|character| character.is_control() || "\u{2028}\u{2029}".contains(character)),
        "{frame}"
    );

    let strict = syslog_rfc5424::parse_message(&frame).unwrap();
    assert_eq!(strict.appname.as_deref(), Some("otrail"));
    assert_eq!(strict.msgid.as_deref(), Some(event.action.name()));
    assert_eq!(strict.severity as u8, event.severity.syslog());
    assert_eq!(strict.facility as u8, settings.facility);
    assert_eq!(strict.sd.len(), 4);
    let ours = strict.sd.find_sdid("otrail@32473").unwrap();
    let flags: Vec<&str> = ours.get("flags").map(|flags| flags.split(',').collect()).unwrap_or_default();
    let cut = flags.contains(&"cut");
    for flag in event.flags.names() {
        assert!(flags.contains(&flag));
    }
    for (name, value) in values(event) {
        match (ours.get(name), value) {
            (Some(read), Some(value)) if read.ends_with('…') && cut => {
                assert!(value.starts_with(read.trim_end_matches('…')), "{name}: {read}");
            }
            (read, value) => assert_eq!(read.cloned(), value, "{name}"),
        }
    }
    check_message(settings, event, &strict.msg, cut);
    check_loosely(event, &frame, &strict.msg, cut);
}

fn check_message(settings: &Settings, event: &Event, message: &str, cut: bool) {
    let text = if settings.bom { message.strip_prefix('\u{feff}').unwrap() } else { message };
    let expected = if event.message.is_empty() { event.action.row().title } else { &event.message };
    let missing = text.rsplit_once("…[cut ").and_then(|(kept, mark)| {
        mark.strip_suffix(" bytes]")?.parse::<usize>().ok().map(|missing| (kept, missing))
    });
    match missing {
        Some((kept, missing)) if cut => assert_eq!(kept, visible(&expected[..expected.len() - missing])),
        _ => assert_eq!(text, visible(expected)),
    }
}

/// The lenient parser keeps repeated names.
fn check_loosely(event: &Event, frame: &str, message: &str, cut: bool) {
    let loose = syslog_loose::parse_message(frame, Variant::RFC5424);
    assert_eq!(loose.protocol, Protocol::RFC5424(1));
    // It drops blanks around the message; the strict one has seen them.
    assert_eq!(loose.msg, message.trim_start_matches(' ').trim_end());
    assert_eq!(loose.procid, None::<ProcId<&str>>);
    assert_eq!(loose.timestamp.unwrap().timestamp_millis(), event.time.millis());
    let ours = loose.structured_data.iter().find(|element| element.id == "otrail@32473").unwrap();
    let devices = ours.params.iter().filter(|(name, _)| *name == "device").count();
    assert!(devices == event.devices.len() || cut && devices < event.devices.len());
    let mut names: Vec<_> =
        ours.params.iter().map(|(name, _)| *name).filter(|&name| name != "device").collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{frame}");
}

/// Any text, with a liking for what might hurt.
fn text() -> impl Strategy<Value = Text> {
    let piece = prop_oneof![
        any::<String>(),
        "[a-z \\\\\"\\]\\[=,]{0,20}",
        prop::sample::select(vec![
            "\n",
            "\r\n",
            "\0",
            "\u{1b}[2J",
            "\"]",
            "\\",
            "…[cut ",
            "\u{85}",
            "\u{2028}",
            "ä",
            "👩‍🔧"
        ])
        .prop_map(str::to_owned),
    ];
    (prop::collection::vec(piece, 0..4), prop_oneof![9 => Just(1usize), 1 => 1..300usize])
        .prop_map(|(pieces, times)| pieces.concat().repeat(times).into())
}

prop_compose! {
    fn event()(
        texts in prop::collection::vec(text(), 6),
        options in prop::collection::vec(prop::option::of(text()), 10),
        devices in prop::collection::vec(text(), 0..6),
        (id, count) in any::<(u128, Option<u64>)>(),
        (millis, seen) in (Time::MIN.millis()..=Time::MAX.millis(), Time::MIN.millis()..=Time::MAX.millis()),
        flags in prop::sample::subsequence(Flag::ALL.to_vec(), 0..=Flag::ALL.len()),
        raw in prop::option::of(prop::collection::vec(any::<u8>(), 0..3_000)),
        failed in any::<bool>(),
    ) -> Event {
        let [sensor, source, message, kind, title, label] = <[Text; 6]>::try_from(texts).unwrap();
        let [user, domain, account, role, client, reason, old, new, name, target_id] =
            <[Option<Text>; 10]>::try_from(options).unwrap();
        let target = Some(Box::new(Target { kind: kind.clone(), name, id: target_id }));
        let outcome = if failed { Outcome::Failure } else { Outcome::Success };
        let row = Event::new(Action::CONFIG_CHANGED, outcome, Time::from_millis(millis).unwrap());
        Event {
            id: EventId(id), seen: Time::from_millis(seen).unwrap(), sensor, source, message, kind, title, label,
            user, domain, account, role, client, reason, old, new, target, devices, count,
            flags: flags.into_iter().collect(),
            raw: raw.map_or(Raw::None, |bytes| Raw::Bytes(bytes.into())),
            ..row
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_reads_back_from_one_harmless_frame(
        event in event(),
        frame_bytes_max in prop_oneof![Just(2_048usize), Just(8_192), 2_048..20_000usize],
        bom in any::<bool>(),
    ) {
        check(&Settings { frame_bytes_max, bom, ..Settings::default() }, &event);
    }
}
