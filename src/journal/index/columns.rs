//! What values some fields have, in which frames, and how often: exact.

use super::fields::Name;
use std::hash::{BuildHasher, RandomState};
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
    pub(super) fn of(name: Name<'_>) -> Option<Column> {
        Some(match name {
            Name::Short(CLASS | ACTION | OUTCOME | SEVERITY | SENSOR | SOURCE | TYPE | FLAGS) => Column::What,
            Name::Short(USER | DOMAIN | ACCOUNT | ROLE) => Column::Who,
            Name::Short(CLIENT) => Column::Client,
            Name::Short(TARGET) => Column::Target,
            _ => return None,
        })
    }
}

const CLASS: u64 = Name::short(b"class");
const ACTION: u64 = Name::short(b"action");
const OUTCOME: u64 = Name::short(b"outcome");
const SEVERITY: u64 = Name::short(b"severity");
const SENSOR: u64 = Name::short(b"sensor");
const SOURCE: u64 = Name::short(b"source");
const TYPE: u64 = Name::short(b"type");
const FLAGS: u64 = Name::short(b"flags");
const USER: u64 = Name::short(b"user");
const DOMAIN: u64 = Name::short(b"domain");
const ACCOUNT: u64 = Name::short(b"account");
const ROLE: u64 = Name::short(b"role");
const CLIENT: u64 = Name::short(b"client");
const TARGET: u64 = Name::short(b"target");

/// A column while its segment is read.
pub(super) struct Counting {
    /// What the values are, one behind the other.
    json: Vec<u8>,
    values: Vec<Kept>,
    /// Where a value is found by its hash: its number and one, or 0. A power of two, of which half are in use at most.
    slots: Vec<u32>,
    /// How often a value is in a frame, in the order of the frames.
    places: Vec<Place>,
    /// Where the value of the record at hand stands in its line.
    pieces: Vec<Range<usize>>,
    /// Nobody knows it: values are what a sensor's users write.
    seed: u64,
    /// There are too many values to keep.
    given_up: bool,
}

struct Kept {
    hash: u64,
    /// Where it ends in `json`.
    end: usize,
    /// The last of its places.
    last: u32,
}

struct Place {
    frame: u32,
    count: u32,
    /// The place of the same value before.
    before: u32,
}

impl Counting {
    pub(super) fn new() -> Counting {
        Counting {
            json: Vec::new(),
            values: Vec::new(),
            slots: Vec::new(),
            places: Vec::new(),
            pieces: Vec::new(),
            seed: RandomState::new().hash_one(0),
            given_up: false,
        }
    }

    /// Takes in a field of the record at hand, which stands there in its line.
    pub(super) fn add(&mut self, pair: &Range<usize>) {
        match self.pieces.last_mut() {
            // Most stand side by side, with the comma between them that they have here.
            Some(piece) if piece.end + 1 == pair.start => piece.end = pair.end,
            _ => self.pieces.push(pair.clone()),
        }
    }

    /// The record at hand, of that frame, is complete. Whether one before it in the frame had the same value.
    pub(super) fn end_record(&mut self, line: &[u8], frame: u32) -> bool {
        if self.given_up {
            self.pieces.clear();
            return false;
        }
        let hash = self.pieces.iter().fold(self.seed, |hash, piece| mix(hash, &line[piece.clone()]));
        let at = self.find(line, hash).unwrap_or_else(|| self.learn(line, hash));
        self.pieces.clear();
        let Some(value) = self.values.get_mut(at) else { return false };
        if let Some(place) = self.places.get_mut(value.last as usize).filter(|place| place.frame == frame) {
            place.count += 1;
            return true;
        }
        let before = std::mem::replace(&mut value.last, self.places.len() as u32);
        self.places.push(Place { frame, count: 1, before });
        false
    }

    fn find(&self, line: &[u8], hash: u64) -> Option<usize> {
        let mut slot = self.slot(hash)?;
        loop {
            let at = self.slots[slot].checked_sub(1)? as usize;
            if self.values[at].hash == hash && self.is_value(line, self.value(at)) {
                return Some(at);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// Whether the record at hand has this value.
    fn is_value(&self, line: &[u8], value: &[u8]) -> bool {
        let mut rest = Some(value);
        for piece in &self.pieces {
            rest = rest
                .and_then(|rest| rest.strip_prefix(b","))
                .and_then(|rest| rest.strip_prefix(&line[piece.clone()]));
        }
        rest.is_some_and(<[u8]>::is_empty)
    }

    fn value(&self, at: usize) -> &[u8] {
        let begin = at.checked_sub(1).map_or(0, |before| self.values[before].end);
        &self.json[begin..self.values[at].end]
    }

    fn slot(&self, hash: u64) -> Option<usize> {
        Some(hash as usize & self.slots.len().checked_sub(1)?)
    }

    fn learn(&mut self, line: &[u8], hash: u64) -> usize {
        for piece in &self.pieces {
            self.json.push(b',');
            self.json.extend_from_slice(&line[piece.clone()]);
        }
        let at = self.values.len();
        self.values.push(Kept { hash, end: self.json.len(), last: u32::MAX });
        if self.json.len() > COLUMN_BYTES_MAX {
            self.give_up();
        } else if self.values.len() * 2 > self.slots.len() {
            self.slots = vec![0; SLOTS_MIN.max(self.slots.len() * 2)];
            (0..=at).for_each(|at| self.place(at));
        } else {
            self.place(at);
        }
        at
    }

    /// Forgets all values, and whatever comes.
    pub(super) fn give_up(&mut self) {
        *self = Counting { given_up: true, ..Counting::new() };
    }

    /// How many bytes it takes.
    pub(super) fn memory(&self) -> usize {
        let of_values =
            self.values.capacity() * size_of::<Kept>() + self.places.capacity() * size_of::<Place>();
        self.json.capacity() + of_values + self.slots.capacity() * size_of::<u32>()
    }

    /// Makes a value be found.
    fn place(&mut self, at: usize) {
        let Some(mut slot) = self.slot(self.values[at].hash) else { return };
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = at as u32 + 1;
    }

    /// The first so many frames of the column as they stand in an index; `None` when there are too many values.
    pub(super) fn encode(&self, frames: usize) -> Option<Vec<u8>> {
        if self.given_up {
            return None;
        }
        let (mut out, mut counts, mut places) = (Vec::new(), Vec::new(), Vec::new());
        push(self.values.len() as u64, &mut out);
        for (at, kept) in self.values.iter().enumerate() {
            counts.clear();
            let mut last = kept.last;
            while let Some(place) = self.places.get(last as usize) {
                counts.push((place.frame, place.count));
                last = place.before;
            }
            let (mut before, mut records) = (0, 0);
            places.clear();
            for &(frame, count) in counts.iter().rev().filter(|(frame, _)| (*frame as usize) < frames) {
                push(u64::from(frame - before), &mut places);
                push(u64::from(count), &mut places);
                (before, records) = (frame, records + u64::from(count));
            }
            let json = self.value(at);
            push(json.len() as u64, &mut out);
            out.extend_from_slice(json);
            push(records, &mut out);
            push(places.len() as u64, &mut out);
            out.extend_from_slice(&places);
        }
        Some(out)
    }
}

/// A hash of the bytes and of what was before them: of sixteen at a time one half is multiplied with the other.
pub(super) fn mix(before: u64, bytes: &[u8]) -> u64 {
    let mut hash = before ^ bytes.len() as u64;
    let mut step = |sixteen: [u8; 16]| {
        let both = u128::from_le_bytes(sixteen);
        let product = u128::from(both as u64 ^ ODD) * u128::from((both >> 64) as u64 ^ hash);
        hash = product as u64 ^ (product >> 64) as u64;
    };
    bytes.as_chunks().0.iter().for_each(|&sixteen| step(sixteen));
    let mut few = [0; 16];
    match bytes.last_chunk() {
        // Some of them once more.
        Some(&last) => step(last),
        None => {
            few[..bytes.len()].copy_from_slice(bytes);
            step(few);
        }
    }
    hash
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

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
/// A column whose values take more than this is not kept: a segment of 64 MiB has some 100,000 records.
const COLUMN_BYTES_MAX: usize = 512 << 10;
/// Slots to begin with.
const SLOTS_MIN: usize = 1 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::index::fields::fields;

    #[test]
    fn values_are_counted_in_every_frame_and_read_back() {
        let mut counting = Counting::new();
        for (frame, user) in [(0, "a"), (0, "b"), (0, "a"), (2, "a"), (300, "b")] {
            let body = format!("{{\"user\":\"{user}\"");
            fields(body.as_bytes()).for_each(|field| counting.add(&field.pair));
            counting.end_record(body.as_bytes(), frame);
        }
        counting.end_record(b"{", 300);
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
    fn values_that_differ_in_one_byte_are_two() {
        let mut counting = Counting::new();
        let mut expected = 0;
        for length in 1..60 {
            for place in 0..length {
                let mut json = vec![b'x'; length];
                json[place] = b'y';
                expected += 1;
                for was_there in [false, true] {
                    counting.add(&(0..length));
                    assert_eq!(counting.end_record(&json, 0), was_there);
                }
            }
        }
        let values = Values::read(counting.encode(1).unwrap()).unwrap();
        assert_eq!(values.iter().count(), expected);
        assert!(values.iter().all(|value| value.records == 2));
    }

    #[test]
    fn a_column_of_too_many_values_is_given_up() {
        let mut counting = Counting::new();
        for at in 0..30_000 {
            let body = format!("{{\"user\":\"somebody {at}\"");
            fields(body.as_bytes()).for_each(|field| counting.add(&field.pair));
            counting.end_record(body.as_bytes(), 0);
        }
        assert!(counting.encode(1).is_none());
        assert_eq!(counting.memory(), 0);
    }
}
