//! What holds of a frame of any event in any format, as functions that panic where it does not: for golden frames, for
//! random events and for the fuzz target, which takes this file as it is.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test takes what it needs and fails by panicking"
)]

use super::decode::{Decoded, decode};
use otrail::format::{
    CefVersion, Envelope, FIELDS, FORMATS, Field, Format, Header, Leef, OcsfVersion, Precision, Settings,
    schema,
};
use otrail::model::{Chain, Event, EventId, Position, Print, Record, Seq};
use sha2::{Digest, Sha256};

pub const STREAM: &str = "0123456789abcdef0123456789abcdef";
/// What the journal's chain is after the record.
const CHAIN: [u8; 32] = [0x33; 32];

pub fn envelope() -> Envelope<'static> {
    Envelope {
        stream: STREAM,
        prev: Seq(4710),
        print: Some(Print { id: EventId(0x11), kind: 300_201, hash: Chain([0x22; 32]) }),
        resent: false,
        replay: false,
        sequence_id: 17,
        clock_synced: true,
    }
}

pub fn record(event: &Event) -> Record {
    let file = otrail::model::FileNo(3);
    Record {
        seq: Seq(4711),
        position: Some(Position { file, offset: 815 }),
        event: event.clone(),
        chain: Some(Chain(CHAIN)),
    }
}

pub fn encode(format: &Format, settings: &Settings, event: &Event) -> Vec<u8> {
    let mut out = b"before".to_vec();
    (format.encode)(settings, &envelope(), &record(event), &mut out);
    out.strip_prefix(b"before").unwrap().to_vec()
}

/// Every format as it is by itself, and its other versions.
pub fn variants() -> Vec<(&'static Format, Settings, &'static str)> {
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

/// Any format with any settings that the config takes, and any envelope.
pub fn any_frame(choice: [u8; 10]) -> (&'static Format, Settings, Envelope<'static>) {
    let [format, limit, value, header, version, delimiter, number, flags, left, out] = choice;
    let of = |choice: u8, count: usize| usize::from(choice) % count;
    let format = &FORMATS[of(format, FORMATS.len())];
    let headers = [Header::Rfc5424, Header::Reduced, Header::Rfc3164, Header::None];
    let delimiters = Leef::DELIMITERS.as_bytes();
    let may: Vec<Field> = FIELDS.iter().filter(|row| !row.required).map(|row| row.field).collect();
    let header = Some(headers[of(header, 4)]).filter(|_| format.name != "rfc5424" && header > 127);
    let settings = Settings {
        header,
        precision: [Precision::Millis, Precision::Seconds, Precision::Micros][of(flags >> 4, 3)],
        facility: number % 24,
        enterprise: 1 + u32::from(number) * 16_000_001,
        frame_bytes_max: format.frame_bytes_min + 64 * usize::from(limit),
        value_bytes_max: 64 + 8 * usize::from(value),
        bom: flags & 1 == 0,
        // Mostly few of them.
        leave_out: may
            .into_iter()
            .enumerate()
            .filter(|(at, _)| left > 127 && (usize::from(left) * 31 + at * usize::from(out | 1)) % 7 == 0)
            .map(|(_, field)| field)
            .collect(),
        cef: [CefVersion::V0, CefVersion::V1][of(version, 2)],
        leef: match version % 4 {
            0 => Leef::V1,
            1 => Leef::V2 { delimiter: b'\t' },
            _ => Leef::V2 { delimiter: delimiters[of(delimiter, delimiters.len())] },
        },
        ocsf: [OcsfVersion::V1_9, OcsfVersion::V1_8, OcsfVersion::V1_1][of(version, 3)],
    };
    let print = envelope().print.filter(|_| flags & 2 == 0);
    let (resent, replay, clock_synced) = (flags & 4 != 0, flags & 8 != 0, number & 1 == 0);
    (format, settings, Envelope { print, resent, replay, clock_synced, ..envelope() })
}

/// What always holds of a frame, and that what is read from it is what went in.
pub fn holds(format: &Format, settings: &Settings, event: &Event) {
    holds_in(format, settings, &envelope(), event);
}

/// The same with any envelope.
pub fn holds_in(format: &Format, settings: &Settings, envelope: &Envelope<'_>, event: &Event) {
    let mut bytes = Vec::new();
    (format.encode)(settings, envelope, &record(event), &mut bytes);
    assert!(bytes.len() <= settings.frame_bytes_max, "{} bytes of {}", bytes.len(), format.name);
    let frame = String::from_utf8(bytes).unwrap();
    let parts_by_tabs = format.name == "leef" && delimiter(settings) == '\t';
    let is_bad =
        |c: char| (c.is_control() && !(c == '\t' && parts_by_tabs)) || "\u{2028}\u{2029}".contains(c);
    assert!(!frame.chars().any(is_bad), "{frame:?}");
    if format.name == "rfc5424" {
        // Its values have tests of their own.
        let strict = syslog_rfc5424::parse_message(&frame).unwrap();
        assert_eq!((strict.facility as u8, strict.sd.len()), (settings.facility, 4), "{frame:?}");
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
    if format.name == "ocsf" {
        is_bound(settings, text);
    }
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
            let marker = match format.name {
                "cef" => " CEF:",
                "leef" => " LEEF:",
                _ => " {\"",
            };
            let at = frame.find(marker).unwrap();
            assert!(frame[..at].is_ascii() && frame.starts_with('<'), "{frame}");
            &frame[at + 1..]
        }
    }
}

/// The fingerprint of an OCSF event is that of its canonical form, written by somebody else, without the fingerprint.
fn is_bound(settings: &Settings, text: &str) {
    let mut event: serde_json::Value = serde_json::from_str(text).unwrap();
    let is_wanted = settings.ocsf == OcsfVersion::V1_9 && !settings.leave_out.contains(Field::Chain);
    let profiles = event["metadata"]["profiles"].as_array().cloned().unwrap_or_default();
    assert_eq!(profiles.contains(&"record_integrity".into()), is_wanted, "{text}");
    let Some(attestation) = event.pointer_mut("/attestation_list/0") else {
        return assert!(!is_wanted, "{text}");
    };
    assert_eq!(attestation["uid"], Chain(CHAIN).to_string());
    let fingerprint = attestation.as_object_mut().unwrap().remove("fingerprint").unwrap();
    // With keys in order and the escapes of RFC 8785, as serde_json writes by itself.
    let canonical = event.to_string();
    let hash: [u8; 32] = Sha256::digest(&canonical).into();
    assert_eq!(fingerprint["value"], Chain(hash).to_string(), "{text}");
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
    if field == Field::Chain && format.name == "json" {
        assert_eq!(decoded.one("chain"), Some(&*Chain(CHAIN).to_string()));
    }
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
    match value.rsplit_once('…').filter(|_| value != expected) {
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

fn delimiter(settings: &Settings) -> char {
    match settings.leef {
        Leef::V1 => '\t',
        Leef::V2 { delimiter } => char::from(delimiter),
    }
}

/// A value as a reader of the format gets it.
fn shown(format: &str, settings: &Settings, value: &str) -> String {
    let delimiter = delimiter(settings);
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
