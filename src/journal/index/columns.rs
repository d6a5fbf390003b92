//! What values some fields have, in which frames, and how often: exact.

use super::fields::Field;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// The fields as they stand in a line, each with a comma before it; empty when a record has none of them.
    pub json: Vec<u8>,
    /// Frames, and how many of their records have it.
    pub frames: Vec<(u32, u32)>,
}

/// A column while its segment is read.
pub(super) struct Counting {
    values: Vec<Value>,
    known: HashMap<Vec<u8>, u32, Seeded>,
    bytes: usize,
    /// The value of the record at hand.
    json: Vec<u8>,
    /// There are too many values to keep.
    given_up: bool,
}

impl Counting {
    pub(super) fn new() -> Counting {
        let known = HashMap::with_hasher(Seeded(RandomState::new().hash_one(0)));
        Counting { values: Vec::new(), known, bytes: 0, json: Vec::new(), given_up: false }
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
                _ => self.values[at].frames.push((frame, 1)),
            }
        }
        self.json.clear();
    }

    fn learn(&mut self) -> usize {
        let at = self.values.len();
        self.bytes += self.json.len();
        self.known.insert(self.json.clone(), at as u32);
        self.values.push(Value { json: self.json.clone(), frames: Vec::new() });
        self.given_up = self.bytes > COLUMN_BYTES_MAX;
        at
    }

    /// The column as it stands in the index; `None` when there are too many values.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        if self.given_up {
            return None;
        }
        let mut out = Vec::new();
        push(self.values.len() as u64, &mut out);
        for value in &self.values {
            push(value.json.len() as u64, &mut out);
            out.extend_from_slice(&value.json);
            push(value.frames.len() as u64, &mut out);
            let mut before = 0;
            for &(frame, count) in &value.frames {
                push(u64::from(frame - before), &mut out);
                push(u64::from(count), &mut out);
                before = frame;
            }
        }
        Some(out)
    }
}

/// The inverse of `Counting::encode`.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Value>> {
    let mut rest = bytes;
    let count = usize::try_from(pull(&mut rest)?).ok().filter(|&count| count <= bytes.len())?;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::try_from(pull(&mut rest)?).ok()?;
        let (json, after) = rest.split_at_checked(length)?;
        rest = after;
        let places = usize::try_from(pull(&mut rest)?).ok().filter(|&places| places <= rest.len())?;
        let (mut frames, mut frame) = (Vec::with_capacity(places), 0_u32);
        for _ in 0..places {
            frame = frame.checked_add(u32::try_from(pull(&mut rest)?).ok()?)?;
            frames.push((frame, u32::try_from(pull(&mut rest)?).ok()?));
        }
        values.push(Value { json: json.to_vec(), frames });
    }
    rest.is_empty().then_some(values)
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
        let encoded = counting.encode().unwrap();
        let values = decode(&encoded).unwrap();
        let found: Vec<(&str, &[(u32, u32)])> = values
            .iter()
            .map(|value| (std::str::from_utf8(&value.json).unwrap(), &value.frames[..]))
            .collect();
        let expected: [(&str, &[(u32, u32)]); 3] = [
            (",\"user\":\"a\"", &[(0, 2), (2, 1)]),
            (",\"user\":\"b\"", &[(0, 1), (300, 1)]),
            ("", &[(300, 1)]),
        ];
        assert_eq!(found, expected);
        for cut in 0..encoded.len() {
            assert!(decode(&encoded[..cut]).is_none());
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
        assert!(counting.encode().is_none());
    }
}
