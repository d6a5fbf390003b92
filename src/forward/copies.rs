//! Frames that several destinations send alike: encoded by the first that comes, copied by the others.
//!
//! ```text
//! siem-a ──▶ is it there? ──no──▶ encode ──▶ slot of the record
//! siem-b ──▶ is it there? ──yes─▶ copy, with its own counter
//! ```
//!
//! A frame is the same for two destinations when their formats with all settings are, and the record, and what is said of
//! the delivery; but for the counter of RFC 5424, whose place in the frame is known. What is bound to the frame before is
//! never the same. Each record has one slot among a fixed number: who is far behind finds nothing there and leaves
//! nothing behind.
//!
//! Invariant: what comes out is what the format would write.

use super::{Destination, Settings};
use crate::format::{self, Envelope, Format};
use crate::model::guard::Panicked;
use crate::model::{Print, Record, Seq};
use memchr::memmem;
use std::sync::{Arc, Mutex, PoisonError};

/// The newest frames of some destinations.
pub(super) struct Copies {
    format: &'static Format,
    frame: format::Settings,
    slots: Box<[Mutex<Slot>]>,
}

/// A frame, and what it is the frame of.
#[derive(Default)]
struct Slot {
    of: Option<Key>,
    frame: Vec<u8>,
    /// Where the counter stands.
    counter: Option<usize>,
}

/// What differs between frames of one stream with the same format and settings.
#[derive(PartialEq, Eq)]
struct Key {
    seq: Seq,
    prev: Seq,
    clock_synced: bool,
    /// Digits of the counter: with more of them something may have to be cut.
    digits: usize,
}

impl Destination {
    /// Lets those destinations share their frames whose frames are alike.
    pub fn share(destinations: &mut [Destination]) {
        for at in 0..destinations.len() {
            let (one, others) = destinations[at..].split_at_mut(1);
            let alike = |of: &&mut Destination| are_alike(&of.settings, &one[0].settings);
            let mut alike: Vec<_> = others.iter_mut().filter(alike).collect();
            if one[0].copies.is_none() && !alike.is_empty() {
                let of = &one[0].settings;
                let copies = Arc::new(Copies::new(of.format, of.frame.clone()));
                alike.iter_mut().for_each(|other| other.copies = Some(Arc::clone(&copies)));
                one[0].copies = Some(copies);
            }
        }
    }
}

fn are_alike(one: &Settings, other: &Settings) -> bool {
    one.format.name == other.format.name && one.frame == other.frame
}

impl Copies {
    pub(super) fn new(format: &'static Format, frame: format::Settings) -> Copies {
        Copies { format, frame, slots: (0..SLOTS).map(|_| Mutex::default()).collect() }
    }

    /// As `Format::write`; `newest` is the newest record there is.
    pub(super) fn encode(
        &self,
        envelope: &Envelope<'_>,
        record: &Record,
        newest: Seq,
        out: &mut Vec<u8>,
    ) -> Result<Option<Print>, Panicked> {
        let is_old = newest.0.saturating_sub(record.seq.0) >= SLOTS as u64;
        if is_old || envelope.resent || envelope.replay || envelope.print.is_some() {
            return self.format.write(&self.frame, envelope, record, out);
        }
        let key = Key {
            seq: record.seq,
            prev: envelope.prev,
            clock_synced: envelope.clock_synced,
            digits: self.format.counter.map_or(0, |_| digits_of(envelope.sequence_id)),
        };
        let slot = &self.slots[(record.seq.0 % SLOTS as u64) as usize];
        if slot.lock().unwrap_or_else(PoisonError::into_inner).copy(&key, envelope, out) {
            return Ok(None);
        }
        let start = out.len();
        let print = self.format.write(&self.frame, envelope, record, out)?;
        if print.is_none() {
            slot.lock().unwrap_or_else(PoisonError::into_inner).keep(key, self.format, &out[start..]);
        }
        Ok(print)
    }
}

impl Slot {
    /// Appends the frame, if it is the one.
    fn copy(&self, key: &Key, envelope: &Envelope<'_>, out: &mut Vec<u8>) -> bool {
        if self.of.as_ref() != Some(key) {
            return false;
        }
        let start = out.len();
        out.extend_from_slice(&self.frame);
        if let Some(at) = self.counter {
            let mut rest = envelope.sequence_id;
            for digit in out[start + at..][..key.digits].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        true
    }

    /// Keeps the frame for others.
    fn keep(&mut self, key: Key, format: &Format, frame: &[u8]) {
        let counter =
            format.counter.map(|before| memmem::find(frame, before.as_bytes()).map(|at| at + before.len()));
        if frame.len() > FRAME_BYTES_MAX || counter == Some(None) {
            return;
        }
        (self.of, self.counter) = (Some(key), counter.flatten());
        self.frame.clear();
        self.frame.extend_from_slice(frame);
    }
}

fn digits_of(number: u32) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Records that have a slot: more than one destination sends at once.
const SLOTS: usize = 1024;
/// Longer frames are not kept: all slots together have at most 4 MiB.
const FRAME_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{FORMATS, Header, Settings as Frame};
    use crate::model::{Action, Event, Outcome, Time};
    use proptest::prelude::*;

    const COUNTER: &str = "[meta sequenceId=\"";

    fn copies(format: usize, frame_bytes_max: usize, header: Option<Header>) -> Copies {
        let format = &FORMATS[format];
        let frame_bytes_max = frame_bytes_max.max(format.frame_bytes_min);
        let header = header.filter(|_| format.name != "rfc5424");
        Copies::new(format, Frame { frame_bytes_max, header, ..Frame::default() })
    }

    fn text() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            "[ -~]{0,20}",
            Just(COUNTER.to_owned()),
            Just("\"][meta sequenceId=\"7\"".to_owned()),
            Just("é\u{1}\n\\".to_owned()),
            Just("x".repeat(700)),
        ];
        prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Whatever was kept before: by others with other counters and other ways of delivery.
        #[test]
        fn a_copy_is_what_the_format_would_write(
            format in 0..FORMATS.len(), frame_bytes_max in 2048..9000_usize, bare: bool, message in text(), user in text(),
            sent in prop::collection::vec(
                (1..3_u64, 0..3_u64, prop_oneof![0..120_u32, Just(u32::MAX >> 1)], any::<[bool; 3]>()), 1..12),
        ) {
            let copies = copies(format, frame_bytes_max, bare.then_some(Header::None));
            let event = Event {
                user: Some(user.as_str().into()),
                sensor: user.as_str().into(),
                ..Event::own(Action::TEST, Outcome::Success, Time::default(), message)
            };
            for (seq, prev, sequence_id, [resent, replay, clock_synced]) in sent {
                let record = Record { seq: Seq(seq), position: None, event: event.clone(), chain: None };
                let prev = Seq(prev);
                let envelope =
                    Envelope { stream: "00", prev, print: None, resent, replay, sequence_id, clock_synced };
                let (mut copied, mut written) = (b"before".to_vec(), b"before".to_vec());
                copies.encode(&envelope, &record, Seq(seq), &mut copied).unwrap();
                (copies.format.encode)(&copies.frame, &envelope, &record, &mut written);
                prop_assert_eq!(String::from_utf8(copied).unwrap(), String::from_utf8(written).unwrap());
            }
        }
    }

    #[test]
    fn the_second_gets_a_copy_with_its_own_counter_and_who_is_far_behind_none() {
        let copies = copies(0, 8000, None);
        let event = Event::own(Action::TEST, Outcome::Success, Time::default(), "one");
        let first = Record { seq: Seq(7), position: None, event, chain: None };
        // What the same record would say otherwise shows whether it was encoded again.
        let mut second = first.clone();
        second.event.message = "two".into();
        let frame = |record: &Record, sequence_id, newest| {
            let envelope = Envelope {
                stream: "00",
                prev: Seq(6),
                print: None,
                resent: false,
                replay: false,
                sequence_id,
                clock_synced: true,
            };
            let mut out = Vec::new();
            copies.encode(&envelope, record, Seq(newest), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(frame(&first, 11, 7).contains("sequenceId=\"11\""));
        let copy = frame(&second, 42, 7);
        assert!(copy.contains("sequenceId=\"42\"") && copy.ends_with("one"), "{copy}");
        assert!(frame(&second, 42, 7 + SLOTS as u64).ends_with("two"), "it is far behind");
    }

    #[test]
    fn nothing_but_the_counter_of_the_format_stands_behind_its_mark() {
        assert!(FORMATS.iter().all(|format| format.counter.is_none_or(|counter| counter == COUNTER)));
    }
}
