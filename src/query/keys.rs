//! The newest rows of an answer, by keys alone: a row is read only when it is its turn.

use super::Order;
use crate::journal::Place;
use crate::model::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where a row stands in the order of answers, and where it is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// When it happened.
    pub time: Time,
    /// Its place in the journal; orders by seq.
    pub place: Place,
}

/// At most so many keys, the newest of all that were offered.
pub(super) struct Newest<K = Key> {
    limit: usize,
    keys: BinaryHeap<Reverse<K>>,
    passed_over: u64,
}

impl Newest {
    /// Whether nothing that is no newer than `time` can be among the newest any more.
    pub(super) fn is_settled(&self, time: Time) -> bool {
        let is_full = self.keys.len() >= self.limit;
        is_full && self.keys.peek().is_none_or(|Reverse(oldest)| oldest.time > time)
    }
}

impl<K: Ord> Newest<K> {
    pub(super) fn new(limit: usize) -> Newest<K> {
        Newest { limit, keys: BinaryHeap::new(), passed_over: 0 }
    }

    /// Takes it in; returns the one that is none of the newest any more.
    pub(super) fn offer(&mut self, key: K) -> Option<K> {
        self.keys.push(Reverse(key));
        if self.keys.len() <= self.limit {
            return None;
        }
        self.passed_over += 1;
        self.keys.pop().map(|Reverse(oldest)| oldest)
    }

    /// How many keys were offered and are not among the newest.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// All keys, in the order of the answer.
    pub(super) fn in_order(self, order: Order) -> Vec<K> {
        let mut keys: Vec<K> = self.keys.into_iter().map(|Reverse(key)| key).collect();
        keys.sort_unstable();
        if order == Order::NewestFirst {
            keys.reverse();
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_newest_are_kept(mut all in prop::collection::vec((0..20_i64, any::<u8>()), 0..60), limit in 0..70_usize) {
            let mut newest = Newest::new(limit);
            for &key in &all {
                newest.offer(key);
            }
            prop_assert_eq!(newest.passed_over(), all.len().saturating_sub(limit) as u64);
            all.sort_unstable();
            let from = all.len().saturating_sub(limit);
            prop_assert_eq!(newest.in_order(Order::OldestFirst), &all[from..]);
        }
    }
}
