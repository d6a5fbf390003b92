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

/// The recent ids of one source.
#[derive(Debug, Default)]
pub struct Ordinals {
    order: VecDeque<EventId>,
    /// For each id in the window, the ordinal to try first for an entry that would get it.
    next: HashMap<EventId, u32, BuildHasherDefault<IdHasher>>,
}

impl Ordinals {
    /// The id of the next entry with this identity.
    pub fn assign(&mut self, identity: &Identity) -> EventId {
        let first = identity.id(0);
        let Some(&known) = self.next.get(&first) else {
            self.remember(first);
            return first;
        };
        let mut ordinal = known;
        loop {
            let id = identity.id(ordinal);
            ordinal += 1;
            if !self.next.contains_key(&id) {
                self.next.insert(first, ordinal);
                self.remember(id);
                return id;
            }
        }
    }

    /// Takes an id into the window, as at start from the journal.
    pub(super) fn remember(&mut self, id: EventId) {
        if self.order.len() == WINDOW
            && let Some(oldest) = self.order.pop_front()
        {
            self.next.remove(&oldest);
        }
        self.order.push_back(id);
        self.next.insert(id, 1);
    }
}

/// Ids are the output of a hash already: half of one is a good hash.
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

    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }
}
