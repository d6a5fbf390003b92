//! What writes the values of one frame: it knows the place they go to, and how much of each there is room for.

use super::escape::{Limit, MESSAGE_MARK_BYTES_MAX, Marks, Place, put_hex128, put_number};
use super::field::{Field, Fields};
use super::subject::{Subject, Value};
use crate::model::Text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Writes values.
pub(super) struct Ink<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) marks: Marks,
    place: &'a Place,
    leave_out: Fields,
    room: Room,
    /// Bytes of the message as written.
    message_bytes: usize,
    /// Where flags go that stand before other values, and under which key.
    pub(super) flags_late: Option<(&'static str, usize)>,
}

/// How much there is room for.
#[derive(Clone, Copy)]
struct Room {
    value: usize,
    devices: usize,
    message: usize,
    raw: bool,
}

impl Ink<'_> {
    /// Whether this destination gets the field.
    #[inline]
    pub(super) fn wants(&self, field: Option<Field>) -> bool {
        field.is_none_or(|field| !self.leave_out.contains(field))
    }

    /// Whether there will be something to write of this value.
    #[inline]
    pub(super) fn has(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Absent => false,
            Value::Texts(texts) => !texts.is_empty(),
            Value::Words(words) => !words.is_empty(),
            Value::Few(few) => few.iter().any(Option::is_some),
            Value::Flags(flags) => !flags.is_empty() || self.marks != Marks::default(),
            Value::RawText(_) | Value::RawBytes(_) => self.room.raw,
            _ => true,
        }
    }

    /// Writes a text from outside in at most `bytes_max` bytes.
    #[inline]
    pub(super) fn text(&mut self, text: &str, bytes_max: usize) {
        let limit = Limit::value(self.room.value.min(bytes_max));
        self.place.put(text, &limit, &mut self.marks, self.out);
    }

    /// Writes the message in at most `bytes_max` bytes.
    pub(super) fn message(&mut self, text: &str, bytes_max: usize) {
        let from = self.out.len();
        let limit = Limit::message(self.room.message.min(bytes_max));
        self.place.put(text, &limit, &mut self.marks, self.out);
        self.message_bytes += self.out.len() - from;
    }

    /// Writes a value that is no list.
    pub(super) fn single(&mut self, value: Value<'_>, bytes_max: usize) {
        match value {
            Value::Word(word) => self.out.extend_from_slice(word.as_bytes()),
            Value::Text(text) | Value::One(text) => self.text(text, bytes_max),
            Value::Message(text) => self.message(text, bytes_max),
            Value::Number(number) | Value::Digits(number) => put_number(number, self.out),
            Value::Hex(number) => put_hex128(number, self.out),
            Value::Hash(hash) => self.out.extend_from_slice(&hash.hex()),
            Value::Time(time) => time.write_rfc3339(self.out),
            Value::Millis(time) => {
                if time.millis() < 0 {
                    self.out.push(b'-');
                }
                put_number(time.millis().unsigned_abs(), self.out);
            }
            Value::Yes => self.out.push(b'1'),
            Value::RawText(text) => self.entry(text),
            Value::RawBytes(bytes) => self.entry(&STANDARD.encode(bytes)),
            Value::Absent | Value::Texts(_) | Value::Few(_) | Value::Words(_) | Value::Flags(_) => {}
        }
    }

    /// What is over drops the whole of it, so no limit cuts it here.
    fn entry(&mut self, text: &str) {
        self.place.put(text, &Limit::value(usize::MAX), &mut self.marks, self.out);
    }

    /// As many of the texts as there is room for.
    pub(super) fn fitting<'t>(&mut self, texts: &'t [Text]) -> &'t [Text] {
        self.marks.cut |= texts.len() > self.room.devices;
        &texts[..texts.len().min(self.room.devices)]
    }

    /// The names of flags, and of what became of the values so far.
    pub(super) fn flag_names(
        &self,
        flags: crate::model::Flags,
    ) -> impl Iterator<Item = &'static str> + use<> {
        let ours = [(self.marks.escaped, "escaped"), (self.marks.cut, "cut")];
        flags.names().chain(ours.into_iter().filter_map(|(set, name)| set.then_some(name)))
    }
}

/// Appends what `write` writes, in at most `bytes_max` bytes, less and less of it until it fits: first all of it, then
/// without the entry itself, then with the message cut, then with shorter values.
///
/// `write` puts the flags last, so that they tell what was cut.
pub(super) fn fit(
    subject: &Subject<'_>,
    place: &Place,
    bytes_max: usize,
    frame: &mut Vec<u8>,
    write: impl Fn(&mut Ink<'_>),
) {
    let start = frame.len();
    let mut attempt = |room: Room| {
        frame.truncate(start);
        let marks = Marks { cut: !room.raw && !subject.event.raw.bytes().is_empty(), ..Marks::default() };
        let leave_out = subject.settings.leave_out;
        let marks = if leave_out.contains(Field::Raw) { Marks::default() } else { marks };
        let mut ink = Ink { out: frame, marks, place, leave_out, room, message_bytes: 0, flags_late: None };
        write(&mut ink);
        let bytes = ink.message_bytes;
        (frame.len() - start, bytes)
    };
    let value = subject.settings.value_bytes_max;
    for raw in [true, false] {
        if attempt(Room { value, devices: DEVICES_MAX, message: usize::MAX, raw }).0 <= bytes_max {
            return;
        }
    }
    let tighter = TIGHTER_AND_TIGHTER.iter().map(|&(least, devices)| (value.min(least), devices));
    for (value, devices) in [(value, DEVICES_MAX)].into_iter().chain(tighter) {
        let room = Room { value, devices, message: MESSAGE_MARK_BYTES_MAX, raw: false };
        let (bytes, of_message) = attempt(room);
        if bytes + FLAG_BYTES <= bytes_max {
            attempt(Room { message: bytes_max - (bytes - of_message) - FLAG_BYTES, ..room });
            return;
        }
    }
}

/// Longest value and most devices, for events that would not fit.
const TIGHTER_AND_TIGHTER: [(usize, usize); 3] = [(256, 16), (64, 4), (VALUE_BYTES_MIN, 1)];
const DEVICES_MAX: usize = 64;
/// A stream id has as many.
const VALUE_BYTES_MIN: usize = 32;
/// A longer part of the message may need the flag `escaped`, with what stands around it.
const FLAG_BYTES: usize = 48;
