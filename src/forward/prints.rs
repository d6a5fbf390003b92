//! What the next frame says of the one before, where the format binds them, kept of every place that a destination may
//! have to go on from: the frames without evidence, for a server that acknowledges each may do so within a batch, and the
//! one that is confirmed. Pure.

use crate::model::{Print, Seq};
use std::collections::VecDeque;

/// Those prints, oldest first.
#[derive(Debug, Default)]
pub(super) struct Prints {
    frames: VecDeque<(Seq, Print)>,
}

impl Prints {
    /// Of the last frame before, if it has one.
    pub(super) fn after(last: Seq, print: Option<Print>) -> Prints {
        Prints { frames: print.map(|print| (last, print)).into_iter().collect() }
    }

    /// That of the frame with this record.
    pub(super) fn of(&self, seq: Seq) -> Option<Print> {
        let at = self.frames.binary_search_by_key(&seq, |(of, _)| *of).ok()?;
        self.frames.get(at).map(|&(_, print)| print)
    }

    /// The frame with `seq` comes after `prev`; what was sent after `prev` before is not what comes now.
    pub(super) fn add(&mut self, prev: Seq, seq: Seq, print: Option<Print>) {
        while self.frames.back().is_some_and(|(seq, _)| *seq > prev) {
            self.frames.pop_back();
        }
        self.frames.extend(print.map(|print| (seq, print)));
    }

    /// Nothing goes on from a place before this one.
    pub(super) fn forget_before(&mut self, confirmed: Seq) {
        while self.frames.front().is_some_and(|(seq, _)| *seq < confirmed) {
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Chain, EventId};

    #[test]
    fn after_a_break_the_next_frame_follows_the_confirmed_one_and_not_what_was_lost() {
        let print = |kind| Some(Print { id: EventId(1), kind, hash: Chain::default() });
        let mut prints = Prints::after(Seq(4), print(4));
        prints.add(Seq(4), Seq(7), print(7));
        prints.add(Seq(7), Seq(9), print(9));
        assert_eq!((prints.of(Seq(9)), prints.of(Seq(8))), (print(9), None));
        prints.forget_before(Seq(7));
        assert_eq!((prints.of(Seq(4)), prints.of(Seq(7))), (None, print(7)));
        // What came after 7 is lost; it goes out again.
        prints.add(Seq(7), Seq(8), print(80));
        assert_eq!((prints.of(Seq(8)), prints.of(Seq(9))), (print(80), None));
        prints.add(Seq(8), Seq(9), None);
        assert_eq!(prints.of(Seq(9)), None);
    }
}
