//! Which address of a destination comes next. Pure.
//!
//! ```text
//! no link        the first address, then the second ... each at once; after the last a wait, then the first again
//! link lost      after evidence: a wait, then the first; before any: the next, for this one takes us and is of no use
//! on a lower one every `return-interval` those before it are tried beside the link, which is left only for one of
//!                them that has been reached, and only with evidence for what was sent
//! ```
//!
//! One that takes us and shows nothing, a server that hangs, costs a wait for evidence each time: after each such link those
//! before are tried half as often, down to every eighth interval, until the first has given evidence.
//!
//! Order and evidence belong to one link at a time: there is no sharing of load.

use std::time::Duration;

/// The place in the list of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pool {
    count: usize,
    /// The address in use, or the next one to try.
    present: usize,
    /// The link has given evidence.
    is_proven: bool,
    /// So has one to the same address since the last loss: with evidence at the close each is another.
    has_given: bool,
    /// Losses in a row, of others than the last address, that owed evidence and had given none.
    vain: u32,
    return_interval: Duration,
    return_at: Option<Duration>,
}

/// When the next attempt is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    AtOnce,
    AfterAWait,
}

impl Pool {
    /// `count` is at least 1.
    pub(super) fn new(count: usize, return_interval: Duration) -> Pool {
        Pool {
            count,
            present: 0,
            is_proven: false,
            has_given: false,
            vain: 0,
            return_interval,
            return_at: None,
        }
    }

    /// The address in use, or the next one to try.
    pub(super) fn present(&self) -> usize {
        self.present
    }

    /// A link to this address is up.
    pub(super) fn on_connected(&mut self, address: usize, now: Duration) {
        // The next link to the same address does not put the return off.
        let due = self.return_at.filter(|_| address == self.present);
        self.has_given &= address == self.present;
        self.present = address;
        self.is_proven = false;
        self.return_at = (address > 0).then(|| due.unwrap_or(now + self.pause()));
    }

    /// The peer has shown that it does its work.
    pub(super) fn on_evidence(&mut self) {
        (self.is_proven, self.has_given) = (true, true);
        if self.present == 0 {
            self.vain = 0;
        }
    }

    /// There is no link any more, or it did not come up. `is_owed`: evidence was, for what went over it.
    pub(super) fn on_lost(&mut self, is_owed: bool) -> Retry {
        self.return_at = None;
        let was_proven = std::mem::take(&mut self.is_proven);
        let has_given = std::mem::take(&mut self.has_given);
        if is_owed && !has_given && self.present + 1 < self.count {
            self.vain = (self.vain + 1).min(VAIN_MAX);
        }
        self.present = if was_proven { 0 } else { (self.present + 1) % self.count };
        if self.present == 0 { Retry::AfterAWait } else { Retry::AtOnce }
    }

    /// When those before the address in use are to be tried.
    pub(super) fn return_at(&self) -> Option<Duration> {
        self.return_at
    }

    /// They are being tried, or could not be reached: next time is later.
    pub(super) fn on_return_tried(&mut self, now: Duration) {
        self.return_at = (self.present > 0).then(|| now + self.pause());
    }

    fn pause(&self) -> Duration {
        self.return_interval * (1 << self.vain)
    }
}

/// Those before are tried at least every eighth interval.
const VAIN_MAX: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn lost(pool: &mut Pool) -> (Retry, usize) {
        (pool.on_lost(false), pool.present())
    }

    #[test]
    fn every_address_is_tried_before_there_is_a_wait() {
        let mut pool = Pool::new(3, MINUTE);
        assert_eq!(pool.present(), 0);
        for _ in 0..2 {
            assert_eq!(lost(&mut pool), (Retry::AtOnce, 1));
            assert_eq!(lost(&mut pool), (Retry::AtOnce, 2));
            assert_eq!(lost(&mut pool), (Retry::AfterAWait, 0));
        }
    }

    #[test]
    fn an_address_that_takes_us_and_gives_no_evidence_is_left_for_the_next() {
        let mut pool = Pool::new(2, MINUTE);
        pool.on_connected(0, Duration::ZERO);
        assert_eq!(lost(&mut pool), (Retry::AtOnce, 1));
        pool.on_connected(1, Duration::ZERO);
        assert_eq!(lost(&mut pool), (Retry::AfterAWait, 0));
    }

    #[test]
    fn after_a_proven_link_the_first_comes_first_again() {
        let mut pool = Pool::new(3, MINUTE);
        lost(&mut pool);
        pool.on_connected(1, Duration::ZERO);
        pool.on_evidence();
        assert_eq!(lost(&mut pool), (Retry::AfterAWait, 0));
        assert_eq!(lost(&mut pool), (Retry::AtOnce, 1));
    }

    #[test]
    fn from_a_lower_address_those_before_it_are_tried_now_and_then() {
        let mut pool = Pool::new(2, MINUTE);
        pool.on_connected(0, Duration::ZERO);
        assert_eq!(pool.return_at(), None);
        pool.on_connected(1, MINUTE);
        assert_eq!(pool.return_at(), Some(2 * MINUTE));
        pool.on_connected(1, MINUTE * 3 / 2);
        assert_eq!(pool.return_at(), Some(2 * MINUTE), "also over another link");
        pool.on_return_tried(2 * MINUTE);
        assert_eq!(pool.return_at(), Some(3 * MINUTE));
        pool.on_connected(0, 3 * MINUTE);
        assert_eq!(pool.return_at(), None);
    }

    #[test]
    fn a_server_that_takes_us_and_shows_nothing_is_tried_less_often_until_it_does() {
        let mut pool = Pool::new(2, MINUTE);
        for intervals in [2, 4, 8, 8] {
            pool.on_connected(0, Duration::ZERO);
            assert_eq!((pool.on_lost(true), pool.present()), (Retry::AtOnce, 1));
            pool.on_connected(1, Duration::ZERO);
            pool.on_evidence();
            assert_eq!(pool.return_at(), Some(intervals * MINUTE), "the other one proves nothing for it");
        }
        pool.on_connected(0, Duration::ZERO);
        pool.on_evidence();
        pool.on_connected(0, Duration::ZERO);
        assert_eq!((pool.on_lost(true), pool.present()), (Retry::AtOnce, 1), "it had given some");
        assert_eq!(lost(&mut pool), (Retry::AfterAWait, 0));
        assert_eq!(lost(&mut pool), (Retry::AtOnce, 1), "it refuses, which costs nothing");
        pool.on_connected(1, Duration::ZERO);
        assert_eq!(pool.return_at(), Some(MINUTE));
    }

    #[test]
    fn a_single_address_always_waits() {
        let mut pool = Pool::new(1, MINUTE);
        assert_eq!(lost(&mut pool), (Retry::AfterAWait, 0));
        pool.on_connected(0, Duration::ZERO);
        pool.on_evidence();
        assert_eq!(lost(&mut pool), (Retry::AfterAWait, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever happens, no address is asked twice without a wait in between.
        #[test]
        fn there_is_no_busy_loop(
            count in 1..5usize,
            steps in prop::collection::vec((any::<bool>(), any::<bool>()), 0..40),
        ) {
            let mut pool = Pool::new(count, MINUTE);
            let mut at_once = 0;
            for (connects, proves) in steps {
                if connects {
                    pool.on_connected(pool.present(), Duration::ZERO);
                    if proves {
                        pool.on_evidence();
                    }
                }
                at_once = if pool.on_lost(connects) == Retry::AtOnce { at_once + 1 } else { 0 };
                prop_assert!(at_once < count && pool.present() < count);
            }
        }
    }
}
