//! Which records should stand before the one that comes: of what was taken away, the hole is all that is left.
//!
//! Seqs are given out without a gap, so records that are not there were there once. A damaged place that was told explains
//! what is missing behind it. Pure.

use crate::model::Seq;

/// How far a reader is in the seqs of the journal.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The last record that was met, wanted or not; `None` where anything may come first.
    met: Option<Seq>,
    /// A damaged place behind it was told.
    is_told: bool,
}

impl Watch {
    /// What comes next is this record, whatever was there before it.
    pub(super) fn begin(&mut self, first: Seq) {
        *self = Watch { met: Some(Seq(first.0.saturating_sub(1))), is_told: false };
    }

    /// A damaged place is told.
    pub(super) fn damage(&mut self) {
        self.is_told = true;
    }

    /// Whether what is missing before the next record may be told by a damaged place.
    pub(super) fn is_told(&self) -> bool {
        self.is_told
    }

    /// The records that should have been met before `seq`: first and last.
    pub(super) fn missing_before(&self, seq: Seq) -> Option<(Seq, Seq)> {
        let first = self.met?.next();
        (first < seq).then(|| (first, Seq(seq.0 - 1)))
    }

    /// A record is met.
    pub(super) fn meet(&mut self, seq: Seq) {
        *self = Watch { met: self.met.max(Some(seq)), is_told: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stands_between_two_records() {
        let mut watch = Watch::default();
        assert_eq!(watch.missing_before(Seq(7)), None, "nobody knows where the journal begins");
        watch.meet(Seq(7));
        assert_eq!(watch.missing_before(Seq(8)), None);
        assert_eq!(watch.missing_before(Seq(11)), Some((Seq(8), Seq(10))));
        watch.meet(Seq(3));
        assert_eq!(watch.missing_before(Seq(8)), None, "a line that was put elsewhere changes nothing");
        watch.begin(Seq(20));
        assert_eq!(watch.missing_before(Seq(20)), None);
        assert_eq!(watch.missing_before(Seq(22)), Some((Seq(20), Seq(21))));
    }

    #[test]
    fn damage_explains_what_is_missing_up_to_the_next_record() {
        let mut watch = Watch::default();
        watch.begin(Seq(1));
        watch.damage();
        assert!(watch.is_told());
        watch.meet(Seq(3));
        assert!(!watch.is_told());
    }
}
