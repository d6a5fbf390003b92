//! Ordinals of equal entries: the second of two that are alike gets an id of its own.
//!
//! The window is the last 32,768 entries of a source. Its ids stand in the journal, from which it is rebuilt at
//! start: an id that is in the window is taken, and the entry gets the next ordinal whose id is free.

use crate::dialect::Identity;
use crate::model::EventId;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// How many ids of a source are remembered.
pub(super) const WINDOW: usize = 32_768;

/// Half of an id. Two ids that are alike in it cost the later entry an ordinal it would not have needed.
type Half = u64;

/// The recent ids of one source.
#[derive(Debug, Default)]
pub struct Ordinals {
    order: VecDeque<Half>,
    /// For each id in the window, the ordinal to try first for an entry that would get it.
    next: HashMap<Half, u32, BuildHasherDefault<IdHasher>>,
}

impl Ordinals {
    /// The id of the next entry with this identity.
    pub fn assign(&mut self, identity: &Identity) -> EventId {
        let first = identity.id(0);
        let Some(&known) = self.next.get(&half(first)) else {
            self.remember(first);
            return first;
        };
        let mut ordinal = known;
        loop {
            let id = identity.id(ordinal);
            ordinal += 1;
            if !self.next.contains_key(&half(id)) {
                self.next.insert(half(first), ordinal);
                self.remember(id);
                return id;
            }
        }
    }

    /// Whether an entry of that id is in the window.
    pub(super) fn has(&self, id: EventId) -> bool {
        self.next.contains_key(&half(id))
    }

    /// Takes an id into the window, as at start from the journal.
    pub(super) fn remember(&mut self, id: EventId) {
        if self.order.len() == WINDOW
            && let Some(oldest) = self.order.pop_front()
        {
            self.next.remove(&oldest);
        }
        self.order.push_back(half(id));
        self.next.insert(half(id), 1);
    }
}

fn half(id: EventId) -> Half {
    id.0 as Half
}

/// Ids are the output of a hash already.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut word = [0; 8];
        let count = bytes.len().min(8);
        word[..count].copy_from_slice(&bytes[..count]);
        self.0 = u64::from_ne_bytes(word);
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}
