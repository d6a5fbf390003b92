//! What values some fields have, in which frames, and how often: exact.

use super::fields::Field;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

/// Some fields of a record that are looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Class, action, outcome, severity, sensor, source, type, flags.
    What,
    /// User, domain, account, role.
    Who,
    /// The client.
    Client,
    /// The target.
    Target,
}

impl Column {
    /// All of them, in the order of the index.
    pub const ALL: [Column; 4] = [Column::What, Column::Who, Column::Client, Column::Target];

    /// The column that a field of a journal line belongs to.
    pub(super) fn of(field: &[u8]) -> Option<Column> {
        Some(match field {
            b"class" | b"action" | b"outcome" | b"severity" | b"sensor" | b"source" | b"type" | b"flags" => {
                Column::What
            }
            b"user" | b"domain" | b"account" | b"role" => Column::Who,
            b"client" => Column::Client,
            b"target" => Column::Target,
            _ => return None,
        })
    }
}

/// A value of a column, and where it is.
#[derive(Debug)]
struct Value {
    /// The fields as they stand in a line, each with a comma before it; empty when a record has none of them.
    json: Vec<u8>,
    /// Frames, and how many of their records have it.
    frames: Vec<(u32, u32)>,
}

/// A column while its segment is read.
pub(super) struct Counting {
    values: Vec<Value>,
    known: HashMap<Vec<u8>, u32, Seeded>,
    bytes: usize,
    places: usize,
    /// The value of the record at hand.
    json: Vec<u8>,
    /// There are too many values to keep.
    given_up: bool,
}

impl Counting {
    pub(super) fn new() -> Counting {
        let known = HashMap::with_hasher(Seeded(RandomState::new().hash_one(0)));
        Counting { values: Vec::new(), known, bytes: 0, places: 0, json: Vec::new(), given_up: false }
    }

    pub(super) fn add(&mut self, field: &Field<'_>) {
        self.json.push(b',');
        self.json.extend_from_slice(field.pair);
    }

    /// The record at hand, of that frame, is complete.
    pub(super) fn end_record(&mut self, frame: u32) {
        if !self.given_up {
            let at = match self.known.get(&self.json) {
                Some(&at) => at as usize,
                None => self.learn(),
            };
            match self.values[at].frames.last_mut() {
                Some((last, count)) if *last == frame => *count += 1,
                _ => {
                    self.values[at].frames.push((frame, 1));
                    self.places += 1;
                }
            }
            if self.bytes > COLUMN_BYTES_MAX {
                self.give_up();
            }
        }
        self.json.clear();
    }

    fn learn(&mut self) -> usize {
        let at = self.values.len();
        self.bytes += self.json.len();
        self.known.insert(self.json.clone(), at as u32);
        self.values.push(Value { json: self.json.clone(), frames: Vec::new() });
        at
    }

    /// Forgets all values, and whatever comes.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
        (self.values, self.bytes, self.places) = (Vec::new(), 0, 0);
        self.known = HashMap::with_hasher(self.known.hasher().clone());
    }

    /// About how many bytes it takes.
    pub(super) fn memory(&self) -> usize {
        2 * self.bytes + VALUE_MEMORY * self.values.len() + PLACE_MEMORY * self.places
    }

    /// The first so many frames of the column as they stand in an index; `None` when there are too many values.
    pub(super) fn encode(&self, frames: usize) -> Option<Vec<u8>> {
        if self.given_up {
            return None;
        }
        let (mut out, mut places) = (Vec::new(), Vec::new());
        push(self.values.len() as u64, &mut out);
        for value in &self.values {
            let (mut before, mut records) = (0, 0);
            places.clear();
            for &(frame, count) in value.frames.iter().filter(|(frame, _)| (*frame as usize) < frames) {
                push(u64::from(frame - before), &mut places);
                push(u64::from(count), &mut places);
                (before, records) = (frame, records + u64::from(count));
            }
            push(value.json.len() as u64, &mut out);
            out.extend_from_slice(&value.json);
            push(records, &mut out);
            push(places.len() as u64, &mut out);
            out.extend_from_slice(&places);
        }
        Some(out)
    }
}

/// The values of a column as they stand in an index.
#[derive(Debug)]
pub struct Values {
    bytes: Vec<u8>,
    /// Of each value its fields, how many records have it, and where they are.
    all: Vec<(Range<usize>, u64, Range<usize>)>,
}

/// A value of a column.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// The fields of the column as they stand in a line.
    pub json: &'a [u8],
    /// How many records of the segment have it.
    pub records: u64,
    places: &'a [u8],
}

impl Values {
    /// The inverse of `Counting::encode`; where the values are is left for later.
    pub(super) fn read(bytes: Vec<u8>) -> Option<Values> {
        let mut rest = &bytes[..];
        let count = usize::try_from(pull(&mut rest)?).ok().filter(|&count| count <= bytes.len())?;
        let mut all = Vec::with_capacity(count);
        let taken = |rest: &mut &[u8]| {
            let length = usize::try_from(pull(rest)?).ok()?;
            let (_, after) = rest.split_at_checked(length)?;
            let begin = bytes.len() - rest.len();
            *rest = after;
            Some(begin..begin + length)
        };
        for _ in 0..count {
            let json = taken(&mut rest)?;
            let records = pull(&mut rest)?;
            all.push((json, records, taken(&mut rest)?));
        }
        rest.is_empty().then_some(())?;
        Some(Values { bytes, all })
    }

    /// All of them, in no order that means something.
    pub fn iter(&self) -> impl Iterator<Item = Counted<'_>> {
        self.all.iter().map(|(json, records, places)| Counted {
            json: &self.bytes[json.clone()],
            records: *records,
            places: &self.bytes[places.clone()],
        })
    }
}

impl Counted<'_> {
    /// Calls `found` with each frame that has the value, and how many of its records do; `None` when that cannot be read.
    pub fn each_frame(&self, mut found: impl FnMut(usize, u64)) -> Option<()> {
        let (mut rest, mut frame) = (self.places, 0_usize);
        while !rest.is_empty() {
            frame = frame.checked_add(usize::try_from(pull(&mut rest)?).ok()?)?;
            found(frame, pull(&mut rest)?);
        }
        Some(())
    }
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
pub(super) fn push(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn pull(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// A quick hash whose seed nobody knows: values are what a sensor's users write.
#[derive(Clone)]
struct Seeded(u64);

impl BuildHasher for Seeded {
    type Hasher = Quick;

    fn build_hasher(&self) -> Quick {
        Quick(self.0)
    }
}

struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }
}

/// A column whose values take more than this is not kept: a segment of 64 MiB has some 100,000 records.
const COLUMN_BYTES_MAX: usize = 512 << 10;

/// What a value takes besides its fields, which are kept twice, and a frame that has it.
const VALUE_MEMORY: usize = 128;
const PLACE_MEMORY: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::index::fields::fields;

    #[test]
    fn values_are_counted_in_every_frame_and_read_back() {
        let mut counting = Counting::new();
        for (frame, user) in [(0, "a"), (0, "b"), (0, "a"), (2, "a"), (300, "b")] {
            let body = format!("{{\"user\":\"{user}\"");
            fields(body.as_bytes()).for_each(|field| counting.add(&field));
            counting.end_record(frame);
        }
        counting.end_record(300);
        let encoded = counting.encode(301).unwrap();
        let mut found = Vec::new();
        for value in Values::read(encoded.clone()).unwrap().iter() {
            let mut frames = Vec::new();
            value.each_frame(|frame, count| frames.push((frame, count))).unwrap();
            found.push((String::from_utf8(value.json.to_vec()).unwrap(), value.records, frames));
        }
        let expected = [
            (",\"user\":\"a\"".to_owned(), 3, vec![(0, 2), (2, 1)]),
            (",\"user\":\"b\"".to_owned(), 2, vec![(0, 1), (300, 1)]),
            (String::new(), 1, vec![(300, 1)]),
        ];
        assert_eq!(found, expected);
        for cut in 0..encoded.len() {
            assert!(Values::read(encoded[..cut].to_vec()).is_none());
        }
    }

    #[test]
    fn a_column_of_too_many_values_is_given_up() {
        let mut counting = Counting::new();
        for at in 0..30_000 {
            let body = format!("{{\"user\":\"somebody {at}\"");
            fields(body.as_bytes()).for_each(|field| counting.add(&field));
            counting.end_record(0);
        }
        assert!(counting.encode(1).is_none());
    }
}
