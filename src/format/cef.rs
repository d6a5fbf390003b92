//! CEF, the Common Event Format of ArcSight, for Microsoft Sentinel, ArcSight and many more.
//!
//! ```text
//! CEF:0|otrail|OT Sensor Audit|0.1.0|OTA-1001|User login|3|rt=1709197862123 act=user.login outcome=success ...
//! CEF:VERSION|vendor|product|version|class id|name|severity|extension
//! ```
//!
//! Lengths are those of the dictionary of the standard, counted in bytes as written. `src` is IPv4 only, so that an
//! IPv6 client goes to `c6a2` and any other to `shost`. A value has line feeds as `\n` and `\r`; other control
//! characters become visible escapes, and the event gets the flag `escaped`.

use super::escape;
use super::field::{Field, raw_bytes};
use super::header::Before;
use super::ink::fit;
use super::pairs::{self, Pair, pair};
use super::subject::{Subject, Value, text};
use super::{CefVersion, Envelope, Format, Header, NO_CHAIN, Settings};
use crate::model::{Print, Record};
use std::net::IpAddr;

/// Its row.
pub(super) const ROW: Format = Format {
    name: "cef",
    about: "CEF (ArcSight), for Microsoft Sentinel and many more",
    encode,
    frame_bytes_min: 4096,
    header: Header::Rfc5424,
    counter: None,
    places: super::Places::Pairs(&[EXTENSION, EXTENSION_OF_1_2]),
    elsewhere: &[
        (Field::Code, "header: Device Event Class ID"),
        (Field::Name, "header: Name"),
        (Field::Severity, "header: Severity"),
    ],
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
    let (version, extra) = match settings.cef {
        CefVersion::V0 => ("CEF:0|", &[][..]),
        CefVersion::V1 => ("CEF:1|", EXTENSION_OF_1_2),
    };
    frame.extend_from_slice(version.as_bytes());
    frame.extend_from_slice(PRODUCER.as_bytes());
    frame.extend_from_slice(subject.row.code.as_bytes());
    frame.push(b'|');
    frame.extend_from_slice(subject.row.title.as_bytes());
    frame.push(b'|');
    escape::put_number(u64::from(subject.event.severity.0.min(SEVERITY_MAX)), frame);
    frame.push(b'|');
    let bytes_max = settings.frame_bytes_max.max(ROW.frame_bytes_min) - (frame.len() - start);
    fit(&subject, &escape::CEF, bytes_max, frame, |ink| {
        if !extra.is_empty() && ink.wants(Some(Field::Attack)) {
            let before = ink.out.len();
            pairs::put(extra, b' ', &subject, ink);
            if ink.out.len() > before {
                ink.out.push(b' ');
            }
        }
        pairs::put(EXTENSION, b' ', &subject, ink);
    });
    None
}

/// Only with `CEF:1`.
const EXTENSION_OF_1_2: &[Pair] = &[
    pair!("frameworkName", Attack, 256, "", |subject| {
        if attack(subject).is_some() { Value::Word("MITRE ATT&CK") } else { Value::Absent }
    }),
    pair!("threatAttackID", Attack, 32, "", |subject| attack(subject).map_or(Value::Absent, Value::Word)),
];

/// The order is free; the flags come last, when it is known what was cut.
const EXTENSION: &[Pair] = &[
    pair!("rt", Time, 32, "", |subject| Value::Millis(subject.event.time)),
    pair!("act", Action, 63),
    pair!("outcome", Outcome, 63),
    pair!("cat", Category, 1023),
    pair!("externalId", Id, 40),
    pair!("suser", User, 1023),
    pair!("sntdom", Domain, 255),
    pair!("suid", Account, 1023),
    pair!("spriv", Role, 1023),
    pair!("src", Client, 15, "", |subject| match subject.client {
        Some(IpAddr::V4(_)) => Field::Client.of(subject),
        _ => Value::Absent,
    }),
    pair!("c6a2", Client, 45, "sourceIPv6Address", |subject| match subject.client {
        Some(IpAddr::V6(_)) => Field::Client.of(subject),
        _ => Value::Absent,
    }),
    pair!("shost", Client, 1023, "", |subject| match subject.client {
        Some(_) => Value::Absent,
        None => Field::Client.of(subject),
    }),
    pair!("duser", TargetName, 1023, "", |subject| {
        text(subject.target_user().and_then(|target| target.name.as_deref()))
    }),
    pair!("duid", TargetId, 1023, "", |subject| {
        text(subject.target_user().and_then(|target| target.id.as_deref()))
    }),
    pair!("dvchost", Sensor, 100),
    pair!("deviceExternalId", Sensor, 255),
    pair!("deviceFacility", Source, 1023),
    pair!("reason", Reason, 1023),
    pair!("msg", Message, 1023),
    pair!("cs1", Type, 4000, "sourceType"),
    pair!("cs2", TargetKind, 4000, "targetKind"),
    pair!("cs3", TargetName, 4000, "targetName"),
    pair!("cs4", Old, 4000, "oldValue"),
    pair!("cs5", New, 4000, "newValue"),
    pair!("cs6", Stream, 4000, "stream"),
    pair!("cn1", Seq, 20, "sequence"),
    pair!("cn2", Prev, 20, "previousSequence"),
    pair!("cn3", Count, 20, "count"),
    pair!("flexString1", TargetId, 1023, "targetId"),
    pair!("flexString2", Devices, 1023, "devices"),
    pair!("deviceCustomDate1", Seen, 32, "seen", |subject| Value::Millis(subject.event.seen)),
    pair!("otrailAuditClass", Class, 1023),
    pair!("otrailAuditAttack", Attack, 1023),
    pair!("otrailAuditTitle", Title, 1023),
    pair!("otrailAuditLabel", Label, 1023),
    pair!("otrailAuditFile", Position, 20, "", super::field::position_file),
    pair!("otrailAuditOffset", Position, 20, "", super::field::position_offset),
    pair!("otrailAuditResent", Resent, 1),
    pair!("otrailAuditReplay", Replay, 1),
    pair!("otrailAuditRawBase64", Raw, 4000, "", raw_bytes),
    pair!("otrailAuditFlags", Flags, 1023),
];

fn attack(subject: &Subject<'_>) -> Option<&'static str> {
    subject.row.attack(subject.event.outcome).first().copied()
}

/// Vendor and product are ours, not those of the sensor: they must be unique to who writes the event.
const PRODUCER: &str = concat!("otrail|OT Sensor Audit|", env!("CARGO_PKG_VERSION"), "|");
const BEFORE: Before = Before { header: ROW.header, has_tag: true };
const SEVERITY_MAX: u8 = 10;
