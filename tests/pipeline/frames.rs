//! Frames as two independent parsers read them, and the trail beside them.

use super::support::process::House;
use super::support::receiver::{Frame, Receiver};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use syslog_loose::{ProcId, Protocol, Variant};

/// What a frame says.
#[derive(Debug)]
pub(crate) struct Told {
    pub params: BTreeMap<String, Vec<String>>,
    pub message: String,
}

impl Told {
    pub(crate) fn one(&self, name: &str) -> &str {
        match self.params.get(name).map(Vec::as_slice) {
            Some([value]) => value,
            other => panic!("{name}: {other:?} in {self:?}"),
        }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.one("seq").parse().unwrap()
    }

    pub(crate) fn flags(&self) -> &str {
        self.params.get("flags").map_or("", |values| &values[0])
    }
}

/// Reads a frame with both parsers, which must agree.
pub(crate) fn told(frame: &Frame) -> Told {
    let text = frame.text();
    assert!(frame.bytes.len() <= 8000, "{} bytes", frame.bytes.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let loose = syslog_loose::parse_message(text, Variant::RFC5424);
    assert_eq!(loose.protocol, Protocol::RFC5424(1), "{text}");
    assert_eq!((loose.hostname, loose.appname), (Some("plant-a"), Some("otrail")), "{text}");
    assert_eq!(loose.procid, None::<ProcId<&str>>);
    let ids: Vec<&str> = loose.structured_data.iter().map(|element| element.id).collect();
    assert_eq!(ids, ["otrail@32473", "origin", "meta", "timeQuality"], "{text}");
    let strict = syslog_rfc5424::parse_message(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(strict.msgid.as_deref(), loose.msgid);
    let mut params: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in loose.structured_data[0].params() {
        params.entry((*name).to_owned()).or_default().push(value.to_owned());
    }
    let message = loose.msg.trim_start_matches('\u{feff}').to_owned();
    let told = Told { params, message };
    assert_eq!(Some(told.one("action")), loose.msgid);
    told
}

/// The frames of a source by their seqs; each has come once.
pub(crate) fn frames_of(receiver: &Receiver, source: &str) -> Vec<Told> {
    let frames = receiver.frames().iter().map(told).collect::<Vec<_>>();
    let mut found: Vec<Told> = frames.into_iter().filter(|told| told.one("source") == source).collect();
    found.sort_by_key(Told::seq);
    assert!(found.is_sorted_by(|left, right| left.seq() < right.seq()), "a frame came twice");
    found
}

/// A record as `-o json` shows it.
#[derive(Debug)]
pub(crate) struct Row {
    pub json: Value,
    /// The entry that it was made of, byte for byte.
    pub raw: Vec<u8>,
}

/// The records of a source in the order of their seqs. The trail has no gap, and ids are not used twice.
pub(crate) fn records_of(house: &House, source: &str) -> Vec<Row> {
    let state = house.path("state");
    let output = house.run(&["query", "-D", state.to_str().unwrap(), "-n", "all", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut rows: Vec<Row> = text.lines().map(row).collect();
    rows.sort_by_key(|row| row.json["seq"].as_u64());
    let seqs: Vec<u64> = rows.iter().map(|row| row.json["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=rows.len() as u64).collect::<Vec<_>>());
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.json["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rows.len());
    rows.retain(|row| row.json["source"] == source);
    rows
}

fn row(line: &str) -> Row {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Entry<'a> {
        #[serde(borrow)]
        raw: Option<&'a RawValue>,
        raw_base64: Option<String>,
    }
    // A raw entry may be nested deeper than a value can be held; then only its own text counts.
    let entry: Entry<'_> = serde_json::from_str(line).unwrap();
    let raw = match (entry.raw.map(RawValue::get), entry.raw_base64) {
        (Some(text), None) if text.starts_with('"') => {
            serde_json::from_str::<String>(text).unwrap().into_bytes()
        }
        (Some(json), None) => json.as_bytes().to_vec(),
        (None, Some(base64)) => STANDARD.decode(base64).unwrap(),
        (None, None) => Vec::new(),
        both => panic!("{both:?}"),
    };
    Row { json: serde_json::from_str(line).unwrap(), raw }
}
