//! Where bytes lead to from each state of an automaton, as far as it is known.
//!
//! States are numbered as they are met, so along the text that was the first of its wording each state leads to the next
//! number. The bytes of that text stand together, the trail: a later text of the same wording is compared with them,
//! and ways are looked up only where it differs, as it does in names. To look one up the processor has to know the
//! state before; along the trail it need not wait.

use regex_automata::util::alphabet::ByteClasses;
use std::sync::{Mutex, MutexGuard};

/// Of each state, where bytes lead to.
#[derive(Debug)]
pub(super) struct Table {
    /// For each state, for each kind of byte and then for the end of the text.
    ways: Vec<Way>,
    kinds: usize,
    /// For each state the byte that leads to the next number, where nothing else is to be done on that way.
    trail: Vec<u8>,
}

/// Where a byte leads to; what is in it, its user knows.
pub(super) type Way = u32;
pub(super) type Number = usize;
/// A byte, or the end of the text.
pub(super) type Byte = Option<u8>;

/// Bytes of one kind lead to the same states.
#[derive(Debug)]
pub(super) struct Kinds {
    of: [u8; 256],
    /// The kind of the end of the text.
    end: usize,
}

impl Kinds {
    /// The kinds that an automaton tells apart, which reads what `read` makes of a byte.
    pub(super) fn of(classes: &ByteClasses, read: impl Fn(u8) -> u8) -> Kinds {
        let of = std::array::from_fn(|byte| classes.get(read(byte as u8)));
        Kinds { of, end: classes.alphabet_len() - 1 }
    }

    /// How many kinds there are, with the end of the text.
    pub(super) fn len(&self) -> usize {
        self.end + 1
    }

    #[inline]
    pub(super) fn kind(&self, byte: Byte) -> usize {
        byte.map_or(self.end, |byte| usize::from(self.of[usize::from(byte)]))
    }
}

impl Table {
    /// One without states, for so many kinds of bytes, the end of the text among them.
    pub(super) fn new(kinds: usize) -> Table {
        Table { ways: Vec::new(), kinds, trail: Vec::new() }
    }

    /// Adds a state with no known ways, and returns its number.
    pub(super) fn push(&mut self) -> Number {
        let number = self.len();
        self.ways.resize(self.ways.len() + self.kinds, UNKNOWN);
        self.trail.push(NO_BYTE);
        number
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.trail.len()
    }

    /// About, in memory.
    pub(super) fn bytes(&self) -> usize {
        self.ways.len() * size_of::<Way>() + self.trail.len()
    }

    /// Where a kind of byte, or the end of the text, leads to.
    #[inline]
    pub(super) fn way(&self, from: Number, kind: usize) -> Way {
        self.ways[from.wrapping_mul(self.kinds).wrapping_add(kind)]
    }

    pub(super) fn set_way(&mut self, from: Number, kind: usize, way: Way) {
        self.ways[from * self.kinds + kind] = way;
    }

    /// From now on that byte leads to the next number, if no other does.
    pub(super) fn set_trail(&mut self, from: Number, byte: u8) {
        if self.trail[from] == NO_BYTE {
            self.trail[from] = byte;
        }
    }

    /// Whether that byte leads along the trail.
    #[inline]
    pub(super) fn is_on_trail(&self, from: Number, byte: u8) -> bool {
        self.trail[from] == byte
    }
}

/// What is known so far. What a panic has left half learned is learned anew.
pub(super) fn lock<K>(known: &Mutex<K>, anew: impl FnOnce() -> K) -> MutexGuard<'_, K> {
    known.lock().unwrap_or_else(|poisoned| {
        let mut known_again = poisoned.into_inner();
        *known_again = anew();
        known.clear_poison();
        known_again
    })
}

/// Nobody has asked yet.
pub(super) const UNKNOWN: Way = Way::MAX;
/// It stands in no text.
const NO_BYTE: u8 = 0xff;

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    #[test]
    fn what_a_panic_has_left_is_learned_anew_once() {
        let known = Mutex::new(1);
        let learning = AssertUnwindSafe(|| {
            *lock(&known, || unreachable!()) = 2;
            let _half = lock(&known, || unreachable!());
            resume_unwind(Box::new(()))
        });
        assert!(catch_unwind::<_, ()>(learning).is_err());
        assert_eq!(*lock(&known, || 7), 7);
        *lock(&known, || unreachable!()) = 8;
        assert_eq!(*lock(&known, || unreachable!()), 8);
    }
}
