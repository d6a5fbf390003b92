//! How much is put on the way to a server that ends one connection after the other: less, until it is known whether one
//! record alone is what it cannot take. Pure.
//!
//! ```text
//! calm ──breaks in a row, nothing confirmed in between──▶ narrow: 1 frame on the way, 2, 4 ... as long as they arrive
//!   ▲                                                        │ a break: 1 again
//!   └── everything that was on the way in a break is confirmed ┤
//!                                                        └─▶ the same record alone twice: it is suspected
//! ```

use crate::model::Seq;

/// What breaks have taught about one destination.
#[derive(Debug, Default)]
pub(super) struct Caution {
    /// In a row, without a confirmation in between.
    breaks: u32,
    narrow: Option<Narrow>,
}

#[derive(Debug, Clone, Copy)]
struct Narrow {
    frames_max: usize,
    /// Until this is confirmed.
    until: Seq,
    /// The record that was alone in the last break.
    alone: Option<Seq>,
}

impl Caution {
    /// Most frames on the way.
    pub(super) fn frames_max(&self) -> usize {
        self.narrow.map_or(usize::MAX, |narrow| narrow.frames_max)
    }

    /// Whether little goes out.
    pub(super) fn is_narrow(&self) -> bool {
        self.narrow.is_some()
    }

    /// A link broke with so many frames on the way, the newest of which is `last`: the record to suspect, if there is one.
    pub(super) fn on_break(&mut self, frames: usize, last: Seq) -> Option<Seq> {
        if frames == 0 {
            return None;
        }
        self.breaks += 1;
        match &mut self.narrow {
            None if self.breaks >= BREAKS_MAX => {
                self.narrow = Some(Narrow { frames_max: 1, until: last, alone: None });
                None
            }
            None => None,
            Some(narrow) => {
                let before = narrow.alone.take();
                narrow.frames_max = 1;
                narrow.until = narrow.until.max(last);
                narrow.alone = (frames == 1).then_some(last);
                narrow.alone.filter(|_| before == narrow.alone)
            }
        }
    }

    /// Everything up to here is confirmed; `all`: nothing is on the way any more.
    pub(super) fn on_progress(&mut self, confirmed: Seq, all: bool) {
        self.breaks = 0;
        if let Some(narrow) = &mut self.narrow {
            narrow.alone = None;
            if all {
                narrow.frames_max = narrow.frames_max.saturating_mul(2);
            }
        }
        self.narrow = self.narrow.filter(|narrow| confirmed < narrow.until);
    }

    /// What was suspected is done with, or no longer suspected: on from there with one frame.
    pub(super) fn on_cleared(&mut self) {
        if let Some(narrow) = &mut self.narrow {
            (narrow.frames_max, narrow.alone) = (1, None);
        }
    }
}

/// A server that is restarted breaks a link or two.
const BREAKS_MAX: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn breaks_in_between_which_something_arrives_change_nothing() {
        let mut caution = Caution::default();
        for round in 1..100 {
            assert_eq!((caution.on_break(50, Seq(round)), caution.on_break(1, Seq(round))), (None, None));
            caution.on_progress(Seq(round), false);
            assert_eq!(caution.frames_max(), usize::MAX);
        }
    }

    #[test]
    fn breaks_of_links_that_carried_nothing_say_nothing() {
        let mut caution = Caution::default();
        (0..100).for_each(|_| assert_eq!(caution.on_break(0, Seq(7)), None));
        assert_eq!(caution.frames_max(), usize::MAX);
    }

    #[test]
    fn what_goes_well_goes_faster_until_all_that_broke_is_through() {
        let mut caution = Caution::default();
        (0..3).for_each(|_| assert_eq!(caution.on_break(50, Seq(100)), None));
        let widths: Vec<usize> = [1, 3, 7, 15]
            .map(|confirmed| {
                let width = caution.frames_max();
                caution.on_progress(Seq(50 + confirmed), true);
                width
            })
            .to_vec();
        assert_eq!(widths, [1, 2, 4, 8]);
        caution.on_progress(Seq(100), false);
        assert_eq!(caution.frames_max(), usize::MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A server that ends every connection on which it sees one of these is suspected of exactly the first of them,
        /// after few breaks, whatever lies before and behind it.
        #[test]
        fn the_record_that_breaks_every_link_is_found(
            poison in prop::collection::btree_set(1..400_u64, 1..4),
            window in 1..300_usize,
        ) {
            let first = *poison.first().unwrap();
            let (mut caution, mut confirmed, mut breaks) = (Caution::default(), 0, 0);
            loop {
                let last = confirmed + window.min(caution.frames_max()) as u64;
                match poison.range(confirmed + 1..=last).next() {
                    Some(_) => {
                        breaks += 1;
                        prop_assert!(breaks <= 16, "{:?}", caution);
                        if let Some(found) = caution.on_break((last - confirmed) as usize, Seq(last)) {
                            prop_assert_eq!(found, Seq(first));
                            break;
                        }
                    }
                    None => {
                        confirmed = last;
                        caution.on_progress(Seq(confirmed), true);
                    }
                }
            }
        }
    }
}
