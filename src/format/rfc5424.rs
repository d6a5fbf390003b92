//! RFC 5424: every field as structured data, the message as text.
//!
//! ```text
//! <110>1 2024-02-29T09:11:02.123Z plant-a-sensor-01 otrail - user.login
//!   [otrail@32473 id=".." seq="4711" prev="4710" stream=".." action="user.login" user="alice" ..]
//!   [origin software="otrail" swVersion=".." enterpriseId="32473"]
//!   [meta sequenceId="17"][timeQuality tzKnown="1" isSynced="1"] BOM User alice logged in
//! ```
//!
//! Invariant: header and structured data always fit: the message is cut first, then long values are.

use super::escape::{self, Limit, MESSAGE_MARK_BYTES_MAX, Marks, put_hex128, put_number};
use super::{Envelope, Format, Settings, header};
use crate::model::{Event, Flags, Raw, Record, Target};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Its row.
pub(super) const ROW: Format =
    Format { name: "rfc5424", about: "structured data with every field (RFC 5424)", encode };

/// Appends one frame: one syslog message of at most `frame_bytes_max` bytes.
fn encode(settings: &Settings, envelope: &Envelope<'_>, record: &Record, frame: &mut Vec<u8>) {
    let start = frame.len();
    let end_max = start + settings.frame_bytes_max;
    let message_end_max = end_max.saturating_sub(flags_bytes_max(record.event.flags));
    for (value_bytes_max, devices_max) in TIGHTER_AND_TIGHTER {
        frame.truncate(start);
        header::put(settings, record, frame);
        let mut params =
            Params { frame, value: Limit::value(value_bytes_max), devices_max, marks: Marks::default() };
        params.put_all(settings, envelope, record);
        let mut marks = params.marks;
        let late_at = frame.len();
        put_other_elements(settings, envelope, frame);
        if frame.len() + MESSAGE_BYTES_MIN <= message_end_max || value_bytes_max == VALUE_BYTES_MIN {
            put_message(settings, &record.event, message_end_max, &mut marks, frame);
            put_late(&record.event, marks, late_at, end_max, frame);
            return;
        }
    }
}

/// Writes the parameters of our own element.
struct Params<'a> {
    frame: &'a mut Vec<u8>,
    value: Limit,
    devices_max: usize,
    marks: Marks,
}

/// The beginning of a parameter, in one piece.
macro_rules! param {
    ($name:literal) => {
        concat!(" ", $name, "=\"")
    };
}

impl Params<'_> {
    fn put_all(&mut self, settings: &Settings, envelope: &Envelope<'_>, record: &Record) {
        let (event, row) = (&record.event, record.event.action.row());
        self.frame.extend_from_slice(b"[otrail@");
        put_number(u64::from(settings.enterprise), self.frame);
        self.begin(param!("id"));
        put_hex128(event.id.0, self.frame);
        self.end();
        self.number(param!("seq"), record.seq.0);
        self.number(param!("prev"), envelope.prev.0);
        self.text(param!("stream"), envelope.stream);
        if envelope.resent {
            self.word(param!("resent"), "1");
        }
        self.word(param!("class"), event.class.name());
        self.word(param!("action"), row.name);
        self.word(param!("code"), row.code);
        self.word(param!("outcome"), event.outcome.name());
        self.number(param!("severity"), u64::from(event.severity.0));
        self.put_actor(event);
        self.put_target(event.target.as_deref());
        self.optional(param!("reason"), event.reason.as_deref());
        self.optional(param!("old"), event.old.as_deref());
        self.optional(param!("new"), event.new.as_deref());
        if let Some(count) = event.count {
            self.number(param!("count"), count);
        }
        self.unless_empty(param!("type"), &event.kind);
        self.unless_empty(param!("title"), &event.title);
        self.unless_empty(param!("label"), &event.label);
        self.begin(param!("seen"));
        event.seen.write_rfc3339(self.frame);
        self.end();
        self.put_devices(event);
    }

    fn put_actor(&mut self, event: &Event) {
        self.unless_empty(param!("sensor"), &event.sensor);
        self.unless_empty(param!("source"), &event.source);
        self.optional(param!("user"), event.user.as_deref());
        self.optional(param!("domain"), event.domain.as_deref());
        self.optional(param!("account"), event.account.as_deref());
        self.optional(param!("role"), event.role.as_deref());
        self.optional(param!("client"), event.client.as_deref());
    }

    fn put_target(&mut self, target: Option<&Target>) {
        let Some(target) = target else { return };
        self.unless_empty(param!("target-kind"), &target.kind);
        self.optional(param!("target-name"), target.name.as_deref());
        self.optional(param!("target-id"), target.id.as_deref());
    }

    /// A PARAM-NAME may stand more than once (RFC 5424 section 6.3.3).
    fn put_devices(&mut self, event: &Event) {
        for device in event.devices.iter().take(self.devices_max) {
            self.text(param!("device"), device);
        }
        self.marks.cut |= event.devices.len() > self.devices_max;
    }

    #[inline]
    fn begin(&mut self, param: &str) {
        self.frame.extend_from_slice(param.as_bytes());
    }

    #[inline]
    fn end(&mut self) {
        self.frame.push(b'"');
    }

    /// A value of our own, which needs no care.
    #[inline]
    fn word(&mut self, param: &str, word: &str) {
        self.begin(param);
        self.frame.extend_from_slice(word.as_bytes());
        self.end();
    }

    #[inline]
    fn number(&mut self, param: &str, number: u64) {
        self.begin(param);
        put_number(number, self.frame);
        self.end();
    }

    /// A value from outside.
    #[inline]
    fn text(&mut self, param: &str, text: &str) {
        self.begin(param);
        escape::PARAM_VALUE.put(text, &self.value, &mut self.marks, self.frame);
        self.end();
    }

    #[inline]
    fn optional(&mut self, param: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(param, text);
        }
    }

    #[inline]
    fn unless_empty(&mut self, param: &str, text: &str) {
        if !text.is_empty() {
            self.text(param, text);
        }
    }
}

/// Ends our own element and appends those of RFC 5424 section 7. Times are UTC and say so, hence `tzKnown`.
fn put_other_elements(settings: &Settings, envelope: &Envelope<'_>, frame: &mut Vec<u8>) {
    frame.extend_from_slice(ORIGIN.as_bytes());
    put_number(u64::from(settings.enterprise), frame);
    frame.extend_from_slice(b"\"][meta sequenceId=\"");
    put_number(u64::from(envelope.sequence_id), frame);
    frame.extend_from_slice(b"\"][timeQuality tzKnown=\"1\" isSynced=\"");
    frame.push(b'0' + u8::from(envelope.clock_synced));
    frame.extend_from_slice(b"\"]");
}

/// MSG-ANY or MSG-UTF8 (RFC 5424 section 6.4), up to `end_max`.
fn put_message(settings: &Settings, event: &Event, end_max: usize, marks: &mut Marks, frame: &mut Vec<u8>) {
    let text = if event.message.is_empty() { event.action.row().title } else { &event.message };
    frame.push(b' ');
    if settings.bom {
        frame.extend_from_slice(BOM);
    }
    escape::MESSAGE.put(text, &Limit::message(end_max.saturating_sub(frame.len())), marks, frame);
}

/// Puts what is known only now at the end of our own element: the flags, and bytes that are no text if they fit.
fn put_late(event: &Event, marks: Marks, at: usize, end_max: usize, frame: &mut Vec<u8>) {
    let raw = match &event.raw {
        Raw::Bytes(bytes) => Some(bytes),
        _ => None,
    };
    if event.flags.is_empty() && marks == Marks::default() && raw.is_none() {
        return;
    }
    let ours = [(marks.escaped, "escaped"), (marks.cut, "cut")];
    let ours = ours.into_iter().filter_map(|(set, name)| set.then_some(name));
    let mut late = Vec::new();
    for name in event.flags.names().chain(ours) {
        late.extend_from_slice(if late.is_empty() { param!("flags") } else { "," }.as_bytes());
        late.extend_from_slice(name.as_bytes());
    }
    if !late.is_empty() {
        late.push(b'"');
    }
    if let Some(bytes) = raw {
        let text = STANDARD.encode(bytes);
        if frame.len() + late.len() + param!("raw-base64").len() + text.len() < end_max {
            late.extend_from_slice(param!("raw-base64").as_bytes());
            late.extend_from_slice(text.as_bytes());
            late.push(b'"');
        }
    }
    frame.splice(at..at, late);
}

/// The most that `put_late` needs for flags.
fn flags_bytes_max(flags: Flags) -> usize {
    let ours = param!("flags").len() + "escaped,cut\"".len();
    flags.names().map(|name| name.len() + 1).sum::<usize>() + ours
}

/// Longest value and most devices: as they should be, and less and less for events that would not fit.
const TIGHTER_AND_TIGHTER: [(usize, usize); 4] = [(1024, 64), (256, 16), (64, 4), (VALUE_BYTES_MIN, 1)];
/// With no value longer than this everything but the message fits into 2048 bytes. A stream id has 32.
const VALUE_BYTES_MIN: usize = 32;
/// A space, a BOM and the mark of a cut message.
const MESSAGE_BYTES_MIN: usize = 1 + BOM.len() + MESSAGE_MARK_BYTES_MAX;
const BOM: &[u8] = b"\xef\xbb\xbf";
const ORIGIN: &str =
    concat!("][origin software=\"otrail\" swVersion=\"", env!("CARGO_PKG_VERSION"), "\" enterpriseId=\"");
