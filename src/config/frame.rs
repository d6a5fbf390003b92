//! What a `[[destination]]` says about its frames: settings of the format, and which go together.

use super::problem::quoted;
use super::raw::{Table, Value};
use crate::format::{CefVersion, FIELDS, Field, Format, Header, Leef, OcsfVersion, Precision, Settings};
use crate::transport;
use toml::de::DeValue;

/// The settings of frames, for a format if it is known.
pub(super) fn frame(table: &Table<'_>, format: Option<&Format>, relp: bool) -> Settings {
    let default = Settings::default();
    let longest = if relp { transport::RELP_DATA_BYTES_MAX as u64 } else { 1 << 20 };
    let own = format.map(|format| format.header);
    let header = table.read("header", |value| value.one_of(HEADERS)).filter(|header| Some(*header) != own);
    let precision = table.read("timestamp", |value| value.one_of(PRECISIONS));
    let number = |value: &Value<'_>| value.integer(1..=u32::MAX);
    let limit = |value: &Value<'_>| value.memory(2 << 10..=longest);
    let leave_out = table.read("leave-out", |value| value.list(FIELDS.len(), field)).unwrap_or_default();
    let settings = Settings {
        header,
        precision: precision.unwrap_or(default.precision),
        facility: table.read("facility", Value::facility).unwrap_or(default.facility),
        enterprise: table.read("enterprise-number", number).unwrap_or(default.enterprise),
        frame_bytes_max: table.read("frame-max", limit).unwrap_or(default.frame_bytes_max),
        value_bytes_max: table
            .read("value-max", |value| value.memory(64..=64 << 10))
            .unwrap_or(default.value_bytes_max),
        bom: table.read("bom", Value::boolean).unwrap_or(default.bom),
        leave_out: leave_out.into_iter().collect(),
        cef: table.read("cef-version", |value| value.one_of(CEF_VERSIONS)).unwrap_or(default.cef),
        leef: leef(table).unwrap_or(default.leef),
        ocsf: table.read("ocsf-version", |value| value.one_of(OCSF_VERSIONS)).unwrap_or(default.ocsf),
    };
    if let Some(format) = format {
        go_together(table, format, &settings);
    }
    settings
}

/// Notes what does not go with the format.
fn go_together(table: &Table<'_>, format: &Format, settings: &Settings) {
    let name = format.name;
    for (of, key, value, is_default) in [
        ("cef", "cef-version", table.value("cef-version"), settings.cef == CefVersion::V0),
        ("leef", "leef-version", table.value("leef-version"), settings.leef != Leef::V1),
        ("leef", "leef-delimiter", table.value("leef-delimiter"), settings.leef == TABS),
        ("ocsf", "ocsf-version", table.value("ocsf-version"), settings.ocsf == OcsfVersion::V1_9),
        ("rfc5424", "bom", table.value("bom"), !settings.bom),
    ] {
        if let Some(value) = value.filter(|_| of != name && !is_default) {
            value.problem(
                format!("`{key}` does not go with format `{name}`"),
                format!("leave it out, or format = \"{of}\""),
            );
        }
    }
    let header = settings.header.unwrap_or(format.header);
    if let Some(value) = table.value("header").filter(|_| name == "rfc5424" && header != Header::Rfc5424) {
        value.problem(
            "the fields of format `rfc5424` stand in its header",
            "leave it out, or choose another format",
        );
    }
    if let Some(value) = table.value("timestamp") {
        if name == "leef" && settings.precision != Precision::Millis {
            value.problem("QRadar reads milliseconds in a header, and nothing else", "timestamp = \"ms\"");
        } else if matches!(header, Header::Rfc3164 | Header::None) && settings.precision != Precision::Millis
        {
            value.problem("`timestamp` has no effect with this header", "leave it out");
        }
    }
    if let Some(value) =
        table.value("frame-max").filter(|_| settings.frame_bytes_max < format.frame_bytes_min)
    {
        let kib = format.frame_bytes_min >> 10;
        value.problem(format!("so little is not enough for format `{name}`"), format!("at least {kib} KiB"));
    }
}

/// A field that may be left out.
fn field(value: &Value<'_>) -> Option<Field> {
    let name = value.text()?;
    match FIELDS.iter().find(|row| row.name == name) {
        Some(row) if row.required => {
            let can: Vec<&str> = FIELDS.iter().filter(|row| !row.required).map(|row| row.name).collect();
            let message = format!("every event needs its {}", quoted(name));
            value.problem(message, format!("can be left out: {}", can.join(", ")));
            None
        }
        _ => value.one_of(FIELDS.iter().filter(|row| !row.required).map(|row| (row.name, row.field))),
    }
}

/// The version and what stands between the fields, which the old one does not let choose.
fn leef(table: &Table<'_>) -> Option<Leef> {
    let version = table.read("leef-version", |value| value.one_of([("1.0", Leef::V1), ("2.0", TABS)]));
    let delimiter = table.read("leef-delimiter", delimiter);
    if let (Some(Leef::V1), Some(value), Some(delimiter)) =
        (version, table.value("leef-delimiter"), delimiter)
        && delimiter != b'\t'
    {
        value.problem("LEEF 1.0 has tabs between its fields", "leave it out, or leef-version = \"2.0\"");
    }
    match (version, delimiter) {
        (Some(Leef::V1), _) => Some(Leef::V1),
        (_, Some(delimiter)) => Some(Leef::V2 { delimiter }),
        (version, None) => version,
    }
}

fn delimiter(value: &Value<'_>) -> Option<u8> {
    if let DeValue::String(text) = value.value {
        let text: &str = text;
        match text.as_bytes() {
            b"tab" => return Some(b'\t'),
            &[byte] if Leef::DELIMITERS.as_bytes().contains(&byte) => return Some(byte),
            _ => {}
        }
    }
    let text = value.text()?;
    let way_out = format!("\"tab\", or one of {}", Leef::DELIMITERS);
    value.problem(format!("{} cannot part the fields of LEEF", quoted(text)), way_out);
    None
}

const TABS: Leef = Leef::V2 { delimiter: b'\t' };
const HEADERS: [(&str, Header); 4] = [
    ("rfc5424", Header::Rfc5424),
    ("reduced", Header::Reduced),
    ("rfc3164", Header::Rfc3164),
    ("none", Header::None),
];
const PRECISIONS: [(&str, Precision); 3] =
    [("s", Precision::Seconds), ("ms", Precision::Millis), ("us", Precision::Micros)];
const CEF_VERSIONS: [(&str, CefVersion); 2] = [("0", CefVersion::V0), ("1", CefVersion::V1)];
const OCSF_VERSIONS: [(&str, OcsfVersion); 3] =
    [("1.1", OcsfVersion::V1_1), ("1.8", OcsfVersion::V1_8), ("1.9", OcsfVersion::V1_9)];
