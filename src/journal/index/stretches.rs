//! Fields that many lines have alike, side by side: read once, they are known again by their bytes.
//!
//! ```text
//! "class":"user-operation","action":"user.login","code":"OTA-1001", ... "source":"timeline",     what is done
//! "type":"USER_OPERATION","title":"User Operation","label":"INFO",                               how the sensor calls it
//! ```
//!
//! Invariant: a stretch is all of its fields, with the comma behind the last: the same bytes at the beginning of a field are
//! the same fields.

use super::columns::{Column, mix};
use super::fields::{Field, Name, eight_at};
use std::ops::Range;

/// The stretches that were met last.
pub(super) struct Stretches {
    slots: Vec<Stretch>,
    /// The one that is being read: where it begins, and what it has so far.
    open: Option<(usize, Start)>,
    pairs: Vec<(Range<usize>, Column)>,
}

/// One stretch; an empty one is none.
#[derive(Clone, Default)]
pub(super) struct Stretch {
    bytes: Vec<u8>,
    /// The fields that belong to a column.
    pairs: Vec<(Range<usize>, Column)>,
    /// The last frame that has its runs.
    frame: u32,
}

/// What a stretch begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Class,
    Type,
}

impl Start {
    fn at(body: &[u8], at: usize) -> Option<Start> {
        const CLASS: u64 = u64::from_le_bytes(*b"\"class\":");
        const TYPE: u64 = u64::from_le_bytes(*b"\"type\":\"");
        match eight_at(body, at)? {
            CLASS => Some(Start::Class),
            TYPE => Some(Start::Type),
            _ => None,
        }
    }

    /// What a stretch is found by: class and action, or type and title, as a rule; never what stands behind it.
    fn key_bytes(self) -> usize {
        match self {
            Start::Class => 56,
            Start::Type => 48,
        }
    }

    fn has(self, name: Name<'_>) -> bool {
        let names: &[u64] = match self {
            Start::Class => &IN_CLASS,
            Start::Type => &IN_TYPE,
        };
        matches!(name, Name::Short(name) if names.contains(&name))
    }
}

impl Stretches {
    pub(super) fn new() -> Stretches {
        Stretches { slots: vec![Stretch::default(); SLOTS], open: None, pairs: Vec::new() }
    }

    /// The stretch that begins there in a line, if it is known; else what is read from there on is one.
    #[inline]
    pub(super) fn find(&mut self, body: &[u8], at: usize, frame: u32) -> Option<&mut Stretch> {
        let start = Start::at(body, at)?;
        if let Some(open) = self.open.take() {
            self.learn(body, open, at, frame);
        }
        let slot = slot(body, at, start)?;
        // Most differ behind what the slot is found by, if at all: there are two of each.
        let found = [slot, slot ^ 1].into_iter().find(|&slot| self.slots[slot].is_at(body, at));
        if found.is_none() {
            self.open = Some((at, start));
            self.pairs.clear();
        }
        found.map(|slot| &mut self.slots[slot])
    }

    /// Takes in the next field of the line, of that frame, and what column it belongs to.
    #[inline]
    pub(super) fn read(&mut self, body: &[u8], field: &Field<'_>, column: Option<Column>, frame: u32) {
        let Some((begin, start)) = self.open else { return };
        if field.is_escaped {
            self.open = None;
        } else if start.has(field.name) {
            let pair = field.pair.start - begin..field.pair.end - begin;
            match (column, self.pairs.last_mut()) {
                (Some(column), Some((last, of))) if *of == column && last.end + 1 == pair.start => {
                    last.end = pair.end;
                }
                (Some(column), _) => self.pairs.push((pair, column)),
                (None, _) => {}
            }
        } else {
            self.open = None;
            self.learn(body, (begin, start), field.pair.start, frame);
        }
    }

    /// How many bytes they take.
    pub(super) fn memory(&self) -> usize {
        let of_one = |stretch: &Stretch| {
            size_of::<Stretch>()
                + stretch.bytes.capacity()
                + stretch.pairs.capacity() * size_of::<(Range<usize>, Column)>()
        };
        self.slots.iter().map(of_one).sum()
    }

    /// The line is over.
    pub(super) fn end_line(&mut self) {
        self.open = None;
    }

    fn learn(&mut self, body: &[u8], (begin, start): (usize, Start), end: usize, frame: u32) {
        let Some(slot) = slot(body, begin, start).filter(|_| end - begin <= STRETCH_BYTES_MAX) else {
            return;
        };
        // The one that was met longer ago makes room.
        let age = |stretch: &Stretch| (!stretch.bytes.is_empty(), stretch.frame);
        let is_older = age(&self.slots[slot]) <= age(&self.slots[slot ^ 1]);
        let stretch = &mut self.slots[if is_older { slot } else { slot ^ 1 }];
        stretch.bytes.clear();
        stretch.bytes.extend_from_slice(&body[begin..end]);
        std::mem::swap(&mut stretch.pairs, &mut self.pairs);
        stretch.frame = frame;
    }
}

impl Stretch {
    fn is_at(&self, body: &[u8], at: usize) -> bool {
        // Behind the comma something comes.
        !self.bytes.is_empty() && body.len() > at + self.bytes.len() && body[at..].starts_with(&self.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn pairs(&self) -> &[(Range<usize>, Column)] {
        &self.pairs
    }

    /// Whether the frame has its runs already; from now on it has.
    pub(super) fn was_in(&mut self, frame: u32) -> bool {
        std::mem::replace(&mut self.frame, frame) == frame
    }
}

/// Where a stretch is kept that begins there; `None` at the end of a line.
#[inline]
fn slot(body: &[u8], at: usize, start: Start) -> Option<usize> {
    let beginning = body.get(at..at + start.key_bytes())?;
    Some(mix(0, beginning) as usize % SLOTS)
}

const IN_CLASS: [u64; 7] = [
    Name::short(b"class"),
    Name::short(b"action"),
    Name::short(b"code"),
    Name::short(b"outcome"),
    Name::short(b"severity"),
    Name::short(b"sensor"),
    Name::short(b"source"),
];
const IN_TYPE: [u64; 3] = [Name::short(b"type"), Name::short(b"title"), Name::short(b"label")];
/// A power of two. A site has some dozens.
const SLOTS: usize = 256;
/// Longer ones are read each time.
const STRETCH_BYTES_MAX: usize = 512;
