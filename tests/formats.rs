//! Every format on every action and on hostile values: golden bytes, and strict readers that get back what went in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use expect_test::expect_file;
use otrail::format::{
    CefVersion, FIELDS, FORMATS, Field, Format, Header, Kind, Leef, OcsfVersion, Precision, Settings, schema,
};
use otrail::model::{Action, Event, Outcome, Raw};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::decode::{Decoded, decode};
use support::events::{HOSTILE, STREAM, encode, event, everywhere, extreme, usual, whole};

/// `UPDATE_EXPECT=1 cargo test` rewrites the expected files; read the diff before you commit it.
#[test]
fn every_action_and_every_hostile_value_has_its_golden_frame() {
    for (format, settings, name) in variants() {
        let mut text = String::new();
        let mut put = |name: &str, event: &Event| {
            let frame = String::from_utf8(encode(format, &settings, event)).unwrap();
            check(format, &settings, event);
            let frame = frame.replace(concat!("|", env!("CARGO_PKG_VERSION"), "|"), "|VERSION|");
            let frame = frame.replace(concat!("\"", env!("CARGO_PKG_VERSION"), "\""), "\"VERSION\"");
            text.push_str(&format!("{name}: {frame}\n"));
        };
        for action in Action::all() {
            put(action.name(), &usual(action, Outcome::Success));
        }
        for action in ["user.login", "ti_package.failed", "agent.query_denied"] {
            put(&format!("{action} failed"), &usual(Action::parse(action).unwrap(), Outcome::Failure));
        }
        put("whole", &whole());
        for (name, value) in HOSTILE {
            put(name, &everywhere(value));
        }
        for (name, event) in extreme().into_iter().filter(|(name, _)| !name.contains("long")) {
            put(name, &event);
        }
        expect_file![golden(&format!("{name}.txt"))].assert_eq(&text);
    }
}

/// Every format as it is by itself, and its other versions.
fn variants() -> Vec<(&'static Format, Settings, &'static str)> {
    let of = |name, settings, file| (Format::named(name).unwrap(), settings, file);
    let default = Settings::default;
    vec![
        of("rfc5424", default(), "rfc5424"),
        of("cef", default(), "cef"),
        of("cef", Settings { cef: CefVersion::V1, header: Some(Header::Rfc3164), ..default() }, "cef-1"),
        of("leef", default(), "leef"),
        of("leef", Settings { leef: Leef::V1, header: Some(Header::None), ..default() }, "leef-1"),
        of("leef", Settings { leef: Leef::V2 { delimiter: b'^' }, ..default() }, "leef-caret"),
        of("json", default(), "json"),
        of("ecs", default(), "ecs"),
        of("ocsf", default(), "ocsf"),
        of("ocsf", Settings { ocsf: OcsfVersion::V1_1, ..default() }, "ocsf-1.1"),
    ]
}

#[test]
fn every_format_shows_every_field_or_says_why_not() {
    for format in FORMATS {
        for row in FIELDS {
            let (keys, why) = (schema::keys(format, row.field), schema::why_absent(format, row.field));
            assert!(keys.is_empty() == why.is_some(), "{} in {}: {keys:?}, {why:?}", row.name, format.name);
        }
    }
}

#[test]
fn every_hostile_value_reads_back_for_every_action_in_every_format() {
    for (format, settings, _) in variants() {
        for action in Action::all() {
            for (_, value) in HOSTILE {
                check(format, &settings, &Event { action, ..everywhere(value) });
            }
        }
        for (_, event) in extreme() {
            check(format, &settings, &event);
        }
    }
}

#[test]
fn what_is_left_out_is_nowhere_in_the_frame() {
    let marked = |row: &otrail::format::FieldRow| format!("mark-of-{}-end", row.name);
    let of = |field: Field| Some(marked(field.row()).as_str().into());
    let event = Event {
        target: Some(Box::new(otrail::model::Target {
            kind: "user".into(),
            name: of(Field::TargetName),
            id: of(Field::TargetId),
        })),
        user: of(Field::User),
        account: of(Field::Account),
        domain: of(Field::Domain),
        role: of(Field::Role),
        client: of(Field::Client),
        devices: vec![marked(Field::Devices.row()).into()],
        message: marked(Field::Message.row()).into(),
        reason: of(Field::Reason),
        old: of(Field::Old),
        new: of(Field::New),
        kind: marked(Field::Type.row()).into(),
        title: marked(Field::Title.row()).into(),
        label: marked(Field::Label.row()).into(),
        raw: Raw::Text(marked(Field::Raw.row()).into()),
        ..whole()
    };
    // One action of each class: what a class has no place for stands elsewhere.
    let classes: BTreeMap<_, _> = Action::all()
        .map(|action| ((action.row().ocsf.class, action.row().ocsf_1_8.class), action))
        .collect();
    for (format, settings, name) in variants() {
        for &action in classes.values() {
            for row in FIELDS.iter().filter(|row| !row.required) {
                let settings = Settings { leave_out: [row.field].into_iter().collect(), ..settings.clone() };
                let event = Event { action, ..event.clone() };
                let frame = String::from_utf8(encode(format, &settings, &event)).unwrap();
                assert!(!frame.contains(&marked(row)), "{} in {name}: {frame}", row.name);
                check(format, &settings, &event);
            }
        }
    }
}

#[test]
fn a_frame_is_cut_only_when_it_has_to_be() {
    for format in FORMATS {
        let at = |bytes: usize| Event { raw: Raw::None, ..support::events::small(&"m".repeat(bytes)) };
        let is_cut = |event: &Event, max: usize| {
            let settings = Settings { frame_bytes_max: max, ..Settings::default() };
            let frame = String::from_utf8(encode(format, &settings, event)).unwrap();
            (frame.contains("…[cut "), frame.len())
        };
        if ["cef", "leef", "rfc5424"].contains(&format.name) {
            // The dictionary says how long a message may be; the last has a test of its own.
            continue;
        }
        let whole = is_cut(&at(6_000), 1 << 20).1;
        assert_eq!(is_cut(&at(6_000), whole), (false, whole), "{}", format.name);
        let (cut, bytes) = is_cut(&at(6_000), whole - 1);
        assert!(cut && bytes > whole - 1 - 150, "{}: {bytes} of {whole}", format.name);
    }
}

#[test]
fn the_docs_and_schemas_that_are_shipped_are_those_of_the_program() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/siem");
    expect_file![dir.join("fields.md")].assert_eq(&schema::markdown());
    expect_file![dir.join("event.schema.json")].assert_eq(&format!("{:#}\n", schema::json_schema()));
    expect_file![dir.join("config.schema.json")]
        .assert_eq(&format!("{:#}\n", otrail::config::schema::json_schema()));
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format").join(name)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_reads_back_from_one_harmless_frame_in_any_format(
        event in event(),
        variant in 0..variants().len(),
        frame_bytes_max in prop_oneof![Just(4_096usize), Just(8_192), 4_096..20_000usize],
        value_bytes_max in prop_oneof![Just(1_024usize), 64..5_000usize],
    ) {
        let (format, settings, _) = variants().remove(variant);
        check(format, &Settings { frame_bytes_max, value_bytes_max, ..settings }, &event);
    }
}

/// What always holds of a frame, and that what is read from it is what went in.
fn check(format: &Format, settings: &Settings, event: &Event) {
    let bytes = encode(format, settings, event);
    assert!(bytes.len() <= settings.frame_bytes_max, "{} bytes of {}", bytes.len(), format.name);
    let frame = String::from_utf8(bytes).unwrap();
    let parts_by_tabs = format.name == "leef" && settings.leef != Leef::V2 { delimiter: b'^' };
    let is_bad =
        |c: char| (c.is_control() && !(c == '\t' && parts_by_tabs)) || "\u{2028}\u{2029}".contains(c);
    assert!(!frame.chars().any(is_bad), "{frame:?}");
    if format.name == "rfc5424" {
        return;
    }
    let text = without_header(format, settings, event, &frame);
    let decoded = decode(format.name, text);
    let cut = decoded
        .values
        .get(flags_key(format))
        .into_iter()
        .flatten()
        .any(|flags| flags.split(',').any(|flag| flag == "cut"));
    for row in FIELDS {
        if !settings.leave_out.contains(row.field) {
            check_field(format, settings, event, row.field, &decoded, cut);
        }
    }
}

fn flags_key(format: &Format) -> &'static str {
    match format.name {
        "cef" => "otrailAuditFlags",
        "ecs" => "tags",
        "ocsf" => "unmapped.flags",
        _ => "flags",
    }
}

/// The header is read by other readers than ours.
fn without_header<'f>(format: &Format, settings: &Settings, event: &Event, frame: &'f str) -> &'f str {
    match settings.header.unwrap_or(format.header) {
        Header::None => frame,
        Header::Rfc5424 => {
            let strict = syslog_rfc5424::parse_message(frame).unwrap();
            assert_eq!(strict.msgid.as_deref(), Some(event.action.name()));
            assert_eq!(
                (strict.severity as u8, strict.facility as u8),
                (event.severity.syslog(), settings.facility)
            );
            assert_eq!(strict.sd.len(), 0);
            assert!(frame.ends_with(&strict.msg));
            &frame[frame.len() - strict.msg.len()..]
        }
        Header::Rfc3164 | Header::Reduced => {
            let marker = if format.name == "cef" { " CEF:" } else { " LEEF:" };
            let at = frame.find(marker).unwrap();
            assert!(frame[..at].is_ascii() && frame.starts_with('<'), "{frame}");
            &frame[at + 1..]
        }
    }
}

/// A field stands under one of its keys as it is, or its beginning, if the frame says that something was cut.
fn check_field(
    format: &Format,
    settings: &Settings,
    event: &Event,
    field: Field,
    decoded: &Decoded,
    cut: bool,
) {
    let Some(expected) = expected(event, field) else { return };
    let keys = schema::keys(format, field);
    let expected: Vec<String> = expected.iter().map(|value| shown(format.name, settings, value)).collect();
    let joined = [expected.join(",")];
    // Schemas have no use for a name that is empty.
    if expected.iter().all(String::is_empty) && format.name != "json" {
        return;
    }
    let mut found = Vec::new();
    for key in &keys {
        let (key, label) = key.split_once(" (").unwrap_or((key, ""));
        let Some(values) = decoded.values.get(key) else { continue };
        if !label.is_empty() {
            assert_eq!(decoded.one(&format!("{key}Label")), label.strip_suffix(')'));
        }
        if values[..] == expected || values[..] == joined || cut && is_beginning(values, &expected) {
            return;
        }
        found.push((key.to_owned(), values.clone()));
    }
    let in_header = decoded.header.iter().any(|part| [part.clone()] == expected[..]);
    let gone = cut && field == Field::Raw;
    assert!(in_header || gone, "{} in {}: {found:?} for {expected:?}", field.row().name, format.name);
}

fn is_beginning(values: &[String], expected: &[String]) -> bool {
    let whole = expected.join(",");
    let beginning = values.iter().zip(expected).all(|(value, expected)| begins(value, expected));
    (values.len() <= expected.len() && beginning)
        || values.len() == 1 && values[0].split('…').all(|part| whole.contains(part.trim_start_matches(',')))
}

fn begins(value: &str, expected: &str) -> bool {
    match value.rsplit_once('…') {
        Some((kept, mark)) => expected.starts_with(kept) && (mark.is_empty() || mark.starts_with("[cut ")),
        None => value == expected,
    }
}

/// What a reader must get for a field, as text; `None` for what an event does not have.
fn expected(event: &Event, field: Field) -> Option<Vec<String>> {
    let target = event.target.as_deref();
    let optional = |text: &Option<otrail::model::Text>| text.as_ref().map(|text| vec![text.to_string()]);
    let unless_empty = |text: &str| (!text.is_empty()).then(|| vec![text.to_owned()]);
    let row = event.action.row();
    match field {
        Field::Stream => unless_empty(STREAM),
        Field::Seq => unless_empty("4711"),
        Field::Prev => unless_empty("4710"),
        Field::Id => unless_empty(&event.id.to_string()),
        Field::Class => unless_empty(event.class.name()),
        Field::Action => unless_empty(row.name),
        Field::Code => unless_empty(row.code),
        Field::Name => unless_empty(row.title),
        Field::Category => unless_empty(row.category),
        Field::Sensor => unless_empty(&event.sensor),
        Field::Source => unless_empty(&event.source),
        Field::User => optional(&event.user),
        Field::Domain => optional(&event.domain),
        Field::Account => optional(&event.account),
        Field::Role => optional(&event.role),
        Field::Client => optional(&event.client),
        Field::TargetKind => target.and_then(|target| unless_empty(&target.kind)),
        Field::TargetName => target.and_then(|target| optional(&target.name)),
        Field::TargetId => target.and_then(|target| optional(&target.id)),
        Field::Message if event.message.is_empty() => unless_empty(row.title),
        Field::Message => unless_empty(&event.message),
        Field::Reason => optional(&event.reason),
        Field::Old => optional(&event.old),
        Field::New => optional(&event.new),
        Field::Count => event.count.map(|count| vec![count.to_string()]),
        Field::Type => unless_empty(&event.kind),
        Field::Title => unless_empty(&event.title),
        Field::Label => unless_empty(&event.label),
        Field::Devices if !event.devices.is_empty() => {
            Some(event.devices.iter().map(|device| device.to_string()).collect())
        }
        // Numbers, times, words and the entry have forms of their own; the golden frames show them.
        _ => None,
    }
}

/// A value as a reader of the format gets it.
fn shown(format: &str, settings: &Settings, value: &str) -> String {
    let delimiter =
        if format == "leef" && settings.leef == (Leef::V2 { delimiter: b'^' }) { '^' } else { '\t' };
    let visible = |c: char| match c {
        '\n' if format == "cef" => "\n".to_owned(),
        '\r' if format == "cef" => "\r".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ if format == "leef" && c == delimiter => format!("\\u{:04x}", u32::from(c)),
        _ if c.is_control() || "\u{2028}\u{2029}".contains(c) => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    if ["json", "ecs", "ocsf"].contains(&format) {
        value.to_owned()
    } else {
        value.chars().map(visible).collect()
    }
}

#[test]
fn the_kinds_of_fields_are_all_in_use() {
    for kind in [Kind::Text, Kind::Word, Kind::Number, Kind::Time, Kind::List] {
        assert!(FIELDS.iter().any(|row| row.kind == kind), "{kind:?}");
    }
    assert_eq!(Settings::default().precision, Precision::Millis);
}
