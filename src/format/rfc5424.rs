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
use super::field::Field;
use super::subject::{Subject, Value};
use super::tree::Find;
use super::{Envelope, Format, Header, NO_CHAIN, Places, Settings, header};
use crate::model::{Event, Flags, Print, Raw, Record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Its row.
pub(super) const ROW: Format = Format {
    name: "rfc5424",
    about: "structured data with every field (RFC 5424)",
    encode,
    frame_bytes_min: 2048,
    header: Header::Rfc5424,
    counter: Some("[meta sequenceId=\""),
    places: Places::Params(PARAMS),
    elsewhere: &[
        (Field::Time, "header: TIMESTAMP"),
        (Field::Message, "MSG"),
        (Field::Flags, "flags"),
        (Field::Raw, "raw-base64, for an entry that is not UTF-8 and fits"),
    ],
    absent: &[
        (Field::Name, "one to one with `code`; the message of an event that has none"),
        (Field::Category, "one to one with `code`"),
        (Field::Attack, "one to one with `code` and `outcome`"),
        NO_CHAIN,
        (Field::Position, "tells about otrail's own disk only"),
    ],
};

/// Appends one frame: one syslog message of at most `frame_bytes_max` bytes.
fn encode(
    settings: &Settings,
    envelope: &Envelope<'_>,
    record: &Record,
    frame: &mut Vec<u8>,
) -> Option<Print> {
    let start = frame.len();
    let subject = Subject::new(settings, envelope, record);
    let end_max = start + settings.frame_bytes_max.max(ROW.frame_bytes_min);
    let message_end_max = end_max.saturating_sub(flags_bytes_max(record.event.flags));
    let first = (settings.value_bytes_max, DEVICES_MAX);
    for (value_bytes_max, devices_max) in [first].into_iter().chain(TIGHTER_AND_TIGHTER) {
        let value_bytes_max = value_bytes_max.min(settings.value_bytes_max);
        frame.truncate(start);
        header::put(settings, record, frame);
        let mut params =
            Params { frame, value: Limit::value(value_bytes_max), devices_max, marks: Marks::default() };
        params.put_all(&subject);
        let mut marks = params.marks;
        let late_at = frame.len();
        put_other_elements(settings, envelope, frame);
        if frame.len() + MESSAGE_BYTES_MIN <= message_end_max || devices_max == 1 {
            put_message(settings, &record.event, message_end_max, &mut marks, frame);
            put_late(&subject, marks, late_at, end_max, frame);
            break;
        }
    }
    None
}

/// One parameter of our own element.
pub(super) struct Param {
    /// ` name="`, in one piece.
    begin: &'static str,
    pub(super) of: Field,
    value: Find,
}

impl Param {
    /// Its PARAM-NAME.
    pub(super) fn name(&self) -> &'static str {
        self.begin.trim_matches([' ', '=', '"'])
    }
}

macro_rules! param {
    ($name:literal, $field:ident) => {
        Param {
            begin: concat!(" ", $name, "=\""),
            of: Field::$field,
            value: |subject| Field::$field.of(subject),
        }
    };
}

const PARAMS: &[Param] = &[
    param!("id", Id),
    param!("seq", Seq),
    param!("prev", Prev),
    param!("stream", Stream),
    param!("resent", Resent),
    param!("replay", Replay),
    param!("class", Class),
    param!("action", Action),
    param!("code", Code),
    param!("outcome", Outcome),
    param!("severity", Severity),
    param!("sensor", Sensor),
    param!("source", Source),
    param!("user", User),
    param!("domain", Domain),
    param!("account", Account),
    param!("role", Role),
    param!("client", Client),
    param!("target-kind", TargetKind),
    param!("target-name", TargetName),
    param!("target-id", TargetId),
    param!("reason", Reason),
    param!("old", Old),
    param!("new", New),
    param!("count", Count),
    param!("type", Type),
    param!("title", Title),
    param!("label", Label),
    param!("seen", Seen),
    param!("device", Devices),
];

/// Writes the parameters of our own element.
struct Params<'a> {
    frame: &'a mut Vec<u8>,
    value: Limit,
    devices_max: usize,
    marks: Marks,
}

impl Params<'_> {
    fn put_all(&mut self, subject: &Subject<'_>) {
        self.frame.extend_from_slice(b"[otrail@");
        put_number(u64::from(subject.settings.enterprise), self.frame);
        for param in PARAMS {
            if !subject.settings.leave_out.contains(param.of) {
                self.put(param.begin, (param.value)(subject));
            }
        }
    }

    #[inline]
    fn put(&mut self, begin: &str, value: Value<'_>) {
        match value {
            Value::Absent => return,
            // A PARAM-NAME may stand more than once (RFC 5424 section 6.3.3).
            Value::Texts(texts) => {
                for text in texts.iter().take(self.devices_max) {
                    self.put(begin, Value::Text(text));
                }
                self.marks.cut |= texts.len() > self.devices_max;
                return;
            }
            _ => self.frame.extend_from_slice(begin.as_bytes()),
        }
        match value {
            Value::Word(word) => self.frame.extend_from_slice(word.as_bytes()),
            Value::Text(text) => escape::PARAM_VALUE.put(text, &self.value, &mut self.marks, self.frame),
            Value::Number(number) => put_number(number, self.frame),
            Value::Hex(number) => put_hex128(number, self.frame),
            Value::Time(time) => time.write_rfc3339(self.frame),
            // Of the values that our parameters can have only yes is left.
            _ => self.frame.push(b'1'),
        }
        self.frame.push(b'"');
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
    let left_out = settings.leave_out.contains(Field::Message);
    let text = if event.message.is_empty() || left_out { event.action.row().title } else { &event.message };
    frame.push(b' ');
    if settings.bom {
        frame.extend_from_slice(BOM);
    }
    escape::MESSAGE.put(text, &Limit::message(end_max.saturating_sub(frame.len())), marks, frame);
}

/// Puts what is known only now at the end of our own element: the flags, and bytes that are no text if they fit.
fn put_late(subject: &Subject<'_>, marks: Marks, at: usize, end_max: usize, frame: &mut Vec<u8>) {
    let event = subject.event;
    let raw = match &event.raw {
        Raw::Bytes(bytes) if !subject.settings.leave_out.contains(Field::Raw) => Some(bytes),
        _ => None,
    };
    if event.flags.is_empty() && marks == Marks::default() && raw.is_none() {
        return;
    }
    let ours = [(marks.escaped, "escaped"), (marks.cut, "cut")];
    let ours = ours.into_iter().filter_map(|(set, name)| set.then_some(name));
    let mut late = Vec::new();
    for name in event.flags.names().chain(ours) {
        late.extend_from_slice(if late.is_empty() { FLAGS } else { "," }.as_bytes());
        late.extend_from_slice(name.as_bytes());
    }
    if !late.is_empty() {
        late.push(b'"');
    }
    if let Some(bytes) = raw {
        let text = STANDARD.encode(bytes);
        if frame.len() + late.len() + RAW.len() + text.len() < end_max {
            late.extend_from_slice(RAW.as_bytes());
            late.extend_from_slice(text.as_bytes());
            late.push(b'"');
        }
    }
    frame.splice(at..at, late);
}

/// The most that `put_late` needs for flags.
fn flags_bytes_max(flags: Flags) -> usize {
    let ours = FLAGS.len() + "escaped,cut\"".len();
    flags.names().map(|name| name.len() + 1).sum::<usize>() + ours
}

const FLAGS: &str = " flags=\"";
const RAW: &str = " raw-base64=\"";
/// Longest value and most devices: less and less for events that would not fit.
const TIGHTER_AND_TIGHTER: [(usize, usize); 3] = [(256, 16), (64, 4), (VALUE_BYTES_MIN, 1)];
const DEVICES_MAX: usize = 64;
/// With no value longer than this everything but the message fits into 2048 bytes. A stream id has 32.
const VALUE_BYTES_MIN: usize = 32;
/// A space, a BOM and the mark of a cut message.
const MESSAGE_BYTES_MIN: usize = 1 + BOM.len() + MESSAGE_MARK_BYTES_MAX;
const BOM: &[u8] = b"\xef\xbb\xbf";
const ORIGIN: &str =
    concat!("][origin software=\"otrail\" swVersion=\"", env!("CARGO_PKG_VERSION"), "\" enterpriseId=\"");
