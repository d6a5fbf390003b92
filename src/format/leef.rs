//! LEEF, the Log Event Extended Format of IBM QRadar.
//!
//! ```text
//! LEEF:2.0|otrail|OT Sensor Audit|0.1.0|OTA-1001|x09|devTime=1709197862123<TAB>cat=authentication<TAB>sev=3 ...
//! LEEF:VERSION|vendor|product|version|event id|delimiter|key=value<delimiter>key=value
//! ```
//!
//! LEEF knows no escapes: in a value the delimiter becomes `\u005e`, a tab `\t`, other control characters are
//! written alike, and the event gets the flag `escaped`. The tab is the one control character in a frame.

use super::escape::Place;
use super::field::{Field, raw_bytes};
use super::header::Before;
use super::ink::fit;
use super::pairs::{self, Pair, pair};
use super::subject::{Subject, Value, text};
use super::{Envelope, Format, Header, Leef, NO_CHAIN, Settings};
use crate::model::{Print, Record, Time};

/// Its row.
pub(super) const ROW: Format = Format {
    name: "leef",
    about: "LEEF (IBM QRadar)",
    encode,
    frame_bytes_min: 4096,
    header: Header::Reduced,
    counter: None,
    places: super::Places::Pairs(&[PAIRS]),
    elsewhere: &[(Field::Code, "header: EventID")],
    absent: &[NO_CHAIN],
};

/// Appends one frame.
fn encode(
    settings: &Settings,
    envelope: &Envelope<'_>,
    record: &Record,
    frame: &mut Vec<u8>,
) -> Option<Print> {
    let subject = Subject::new(settings, envelope, record);
    let start = frame.len();
    BEFORE.put(settings, record, frame);
    let delimiter = match settings.leef {
        Leef::V1 => b'\t',
        Leef::V2 { delimiter } => delimiter,
    };
    frame.extend_from_slice(match settings.leef {
        Leef::V1 => b"LEEF:1.0|",
        Leef::V2 { .. } => b"LEEF:2.0|",
    });
    frame.extend_from_slice(PRODUCER.as_bytes());
    frame.extend_from_slice(subject.row.code.as_bytes());
    frame.push(b'|');
    if let Leef::V2 { delimiter } = settings.leef {
        let digits = [delimiter >> 4, delimiter & 0xf].map(|digit| b"0123456789ABCDEF"[usize::from(digit)]);
        frame.extend_from_slice(&[b'x', digits[0], digits[1], b'|']);
    }
    let bytes_max = settings.frame_bytes_max.max(ROW.frame_bytes_min) - (frame.len() - start);
    fit(&subject, &Place::leef(delimiter), bytes_max, frame, |ink| {
        pairs::put(PAIRS, delimiter, &subject, ink);
    });
    None
}

/// Predefined keys first, then our own, which are single words of letters and digits.
const PAIRS: &[Pair] = &[
    pair!("devTime", Time, 32, "", |subject| match needs_format(subject.event.time) {
        true => Value::Time(subject.event.time),
        false => Value::Millis(subject.event.time),
    }),
    pair!("devTimeFormat", Time, 32, "", |subject| match needs_format(subject.event.time) {
        true => Value::Word("yyyy-MM-dd'T'HH:mm:ss.SSSX"),
        false => Value::Absent,
    }),
    pair!("cat", Category, 1023),
    pair!("sev", Severity, 2, "", |subject| Value::Number(u64::from(subject.event.severity.0.clamp(1, 10)))),
    pair!("usrName", User, 255),
    pair!("domain", Domain, 1023),
    pair!("role", Role, 1023),
    pair!("src", Client, 45, "", |subject| match subject.client {
        Some(_) => Field::Client.of(subject),
        None => Value::Absent,
    }),
    pair!("accountName", TargetName, 255, "", |subject| {
        text(subject.target_user().and_then(|target| target.name.as_deref()))
    }),
    pair!("policy", TargetName, 1023, "", |subject| {
        text(subject.target_rule().and_then(|target| target.name.as_deref()))
    }),
    pair!("resource", Sensor, 1023),
    pair!("action", Action, 63),
    pair!("eventName", Name, 512),
    pair!("outcome", Outcome, 63),
    pair!("reason", Reason, 1023),
    pair!("message", Message, 4096),
    pair!("targetKind", TargetKind, 1023),
    pair!("targetName", TargetName, 1023),
    pair!("targetId", TargetId, 1023),
    pair!("oldValue", Old, 1023),
    pair!("newValue", New, 1023),
    pair!("devices", Devices, 1023),
    pair!("eventCount", Count, 20),
    pair!("client", Client, 1023),
    pair!("userAccount", Account, 1023),
    pair!("logSource", Source, 1023),
    pair!("sourceType", Type, 1023),
    pair!("sourceTitle", Title, 1023),
    pair!("sourceLabel", Label, 1023),
    pair!("eventClass", Class, 63),
    pair!("attack", Attack, 1023),
    pair!("seenTime", Seen, 32, "", |subject| Value::Millis(subject.event.seen)),
    pair!("logFile", Position, 20, "", super::field::position_file),
    pair!("logOffset", Position, 20, "", super::field::position_offset),
    pair!("eventId", Id, 40),
    pair!("stream", Stream, 64),
    pair!("sequence", Seq, 20),
    pair!("previousSequence", Prev, 20),
    pair!("resent", Resent, 1),
    pair!("replay", Replay, 1),
    pair!("rawBase64", Raw, 4000, "", raw_bytes),
    pair!("flags", Flags, 1023),
];

/// QRadar reads thirteen digits as milliseconds since 1970 and needs to be told of anything else.
fn needs_format(time: Time) -> bool {
    !(1_000_000_000_000..10_000_000_000_000).contains(&time.millis())
}

const PRODUCER: &str = concat!("otrail|OT Sensor Audit|", env!("CARGO_PKG_VERSION"), "|");
const BEFORE: Before = Before { header: ROW.header, has_tag: true };
