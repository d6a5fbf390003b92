//! Which records the acknowledgements of a link mean: the link counts messages, the journal counts records. Pure.

use crate::model::Seq;
use std::collections::VecDeque;

/// The messages of the present link that are not acknowledged, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flight {
    records: VecDeque<Seq>,
    confirmed: u64,
}

impl Flight {
    /// A message with this record goes out.
    pub(super) fn push(&mut self, seq: Seq) {
        self.records.push_back(seq);
    }

    /// So many messages of the link are acknowledged, from its first on: the last record among the new ones.
    pub(super) fn on_confirmed(&mut self, count: u64) -> Option<Seq> {
        let mut through = None;
        while self.confirmed < count {
            through = Some(self.records.pop_front()?);
            self.confirmed += 1;
        }
        through
    }

    /// How many have no acknowledgement.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.records.len()
    }

    /// The oldest record without acknowledgement.
    pub(super) fn first(&self) -> Option<Seq> {
        self.records.front().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_messages_means_the_last_record_among_them() {
        let mut flight = Flight::default();
        [3, 4, 9, 10].into_iter().for_each(|seq| flight.push(Seq(seq)));
        assert_eq!(flight.on_confirmed(0), None);
        assert_eq!(flight.on_confirmed(3), Some(Seq(9)));
        assert_eq!((flight.on_confirmed(3), flight.first()), (None, Some(Seq(10))));
        assert_eq!((flight.on_confirmed(4), flight.first()), (Some(Seq(10)), None));
    }
}
