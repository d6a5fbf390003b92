//! What makes an event's id: the values of its entry, and its place when the values do not suffice.
//!
//! ```text
//! id = first 128 bits of SHA-256( values, ordinal )
//! value = 0                             absent
//!       | 1, length (u32, big end), bytes
//! ```
//!
//! Invariant: different values make different bytes to hash; absent is not empty.

use crate::model::EventId;
use sha2::{Digest, Sha256};

/// The values that make an event's id, without the ordinal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    values: Vec<u8>,
    needs_position: bool,
}

impl Identity {
    /// Of an entry that is known by its values and its time.
    pub(super) fn of_values(kind: u8, values: &[Option<&[u8]>]) -> Identity {
        let length = values.iter().flatten().map(|value| value.len() + 5).sum::<usize>();
        let mut identity = Identity { values: Vec::with_capacity(length + 24), needs_position: false };
        identity.values.push(kind);
        values.iter().for_each(|value| identity.push(*value));
        identity
    }

    /// Of an entry whose values do not suffice: unreadable, or without a time of its own.
    pub(super) fn of_values_and_position(kind: u8, values: &[Option<&[u8]>]) -> Identity {
        Identity { needs_position: true, ..Identity::of_values(kind, values) }
    }

    /// Whether `at` must be called before `id`, since equal entries cannot be told apart by time.
    pub fn needs_position(&self) -> bool {
        self.needs_position
    }

    /// The same with the place of the entry: what identifies the file, and the byte offset of the entry's end in it.
    #[must_use]
    pub fn at(mut self, file: &[u8], offset: u64) -> Identity {
        self.push(Some(file));
        self.push(Some(&offset.to_be_bytes()));
        self.needs_position = false;
        self
    }

    /// The id of the entry that is the `ordinal`-th (from 0) of equal entries of equal time.
    ///
    /// `id(0)` is the key by which equal entries find each other.
    pub fn id(&self, ordinal: u32) -> EventId {
        let digest = Sha256::new_with_prefix(&self.values).chain_update(ordinal.to_be_bytes()).finalize();
        EventId(digest.iter().take(16).fold(0, |id, &byte| id << 8 | u128::from(byte)))
    }

    fn push(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.values.push(0),
            Some(value) => {
                let [a, b, c, d] = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
                self.values.extend_from_slice(&[1, a, b, c, d]);
                self.values.extend_from_slice(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(values: &[Option<&[u8]>]) -> EventId {
        Identity::of_values(b't', values).id(0)
    }

    #[test]
    fn an_id_depends_on_every_value_and_its_place() {
        let ids = [
            id(&[Some(b"ab"), Some(b"")]),
            id(&[Some(b"a"), Some(b"b")]),
            id(&[Some(b""), Some(b"ab")]),
            id(&[Some(b"ab"), None]),
            id(&[None, Some(b"ab")]),
            Identity::of_values(b'u', &[Some(b"ab"), Some(b"")]).id(0),
            Identity::of_values(b't', &[Some(b"ab"), Some(b"")]).id(1),
            Identity::of_values(b't', &[Some(b"ab"), Some(b"")]).at(b"file", 7).id(0),
        ];
        assert!((1..ids.len()).all(|at| !ids[..at].contains(&ids[at])), "{ids:?}");
    }

    #[test]
    fn an_id_never_changes() {
        assert_eq!(id(&[Some(b"plant-a"), None]).to_string(), "671aa635a21736a218ad4f52431eb713");
    }

    #[test]
    fn an_entry_without_a_time_asks_for_its_place() {
        let identity = Identity::of_values_and_position(b'r', &[Some(b"x")]);
        assert!(identity.needs_position());
        assert_ne!(identity.clone().at(b"file", 1).id(0), identity.clone().at(b"file", 2).id(0));
        assert!(!identity.at(b"file", 1).needs_position());
    }
}
