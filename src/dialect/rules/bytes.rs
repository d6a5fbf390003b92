//! Bytes by what a pattern makes of them.

use super::steps::{Place, WaySet};
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::{BTreeSet, HashMap};

/// Some of the 256 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) const NONE: ByteSet = ByteSet([0; 4]);
    pub(super) const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// The bytes of a part that is one byte long.
    pub(super) fn of(part: &Hir) -> Option<ByteSet> {
        match part.kind() {
            HirKind::Literal(literal) if literal.0.len() == 1 => Some(ByteSet::default().with(literal.0[0])),
            HirKind::Class(Class::Bytes(class)) => {
                let bytes = class.iter().flat_map(|range| range.start()..=range.end());
                Some(bytes.fold(ByteSet::default(), ByteSet::with))
            }
            _ => None,
        }
    }

    pub(super) fn with(mut self, byte: u8) -> ByteSet {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        self
    }

    pub(super) fn or(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

/// Bytes that no choice of a pattern tells apart are of one kind. For each choice there are two rows: the ways that can
/// go on with a byte of each kind, and those that can have it behind the next byte.
#[derive(Debug)]
pub(super) struct Kinds {
    of: Box<[u8; 256]>,
    /// An example of each.
    bytes: Vec<u8>,
    rows: Vec<WaySet>,
    places: HashMap<Vec<WaySet>, Place>,
}

impl Kinds {
    /// As many as these sets tell apart.
    pub(super) fn of(sets: BTreeSet<ByteSet>) -> Kinds {
        let mut of = Box::new([0; 256]);
        let mut bytes = vec![0];
        for set in sets {
            // Those in the set part from those of their kind that are not.
            let mut parted: HashMap<(u8, bool), u8> = HashMap::new();
            let is_in = |byte: u8| set.has(byte);
            for (&byte, kind) in bytes.iter().zip(0..=u8::MAX) {
                parted.insert((kind, is_in(byte)), kind);
            }
            for byte in 0..=u8::MAX {
                let kind = &mut of[usize::from(byte)];
                *kind = *parted.entry((*kind, is_in(byte))).or_insert_with(|| {
                    bytes.push(byte);
                    (bytes.len() - 1) as u8
                });
            }
        }
        Kinds { of, bytes, rows: Vec::new(), places: HashMap::new() }
    }

    /// A row for ways that can go on with these bytes; where the text ends, all can.
    pub(super) fn row(&mut self, ways: &[ByteSet]) -> Option<Place> {
        let with = |byte: u8| ways.iter().rev().fold(0, |row, way| row << 1 | WaySet::from(way.has(byte)));
        let all = ways.iter().fold(0, |row, _| row << 1 | 1);
        let row: Vec<WaySet> = self.bytes.iter().map(|&byte| with(byte)).chain([all]).collect();
        if let Some(&known) = self.places.get(&row) {
            return Some(known);
        }
        let place = Place::try_from(self.rows.len()).ok()?;
        self.rows.extend(&row);
        self.places.insert(row, place);
        Some(place)
    }

    /// No more rows come.
    pub(super) fn finish(&mut self) {
        self.places = HashMap::new();
        self.rows.shrink_to_fit();
    }

    /// The ways in a row that can go on with this byte.
    #[inline]
    pub(super) fn ways(&self, row: Place, byte: Option<&u8>) -> WaySet {
        let kind = byte.map_or(self.bytes.len(), |&byte| usize::from(self.of[usize::from(byte)]));
        self.rows[(row as usize).wrapping_add(kind)]
    }
}
