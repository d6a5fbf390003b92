//! When to ask, and how far back: pure.
//!
//! ```text
//! window   back to the last whole answer, and an hour and a quarter more: the API may answer from a cache of an hour
//! cache    it is keyed on the exact parameters, so no window is asked for twice within that time
//! waits    the interval with some jitter; after failures longer and longer; after a refusal minutes at least
//! ```
//!
//! The limits are the vendor's (page "sensor-alert-apis"): a window of at most 4320 minutes, identical queries
//! answered from a cache within the hour.

use std::collections::VecDeque;
use std::time::Duration;

/// How a round of questions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// Every question was answered.
    Whole,
    /// Some were, or none.
    Failed,
    /// The sensor does not accept the token.
    Refused,
}

/// The plan of one source. Times are of any clock that does not go back.
#[derive(Debug)]
pub(super) struct Plan {
    interval: Duration,
    /// When all questions were last answered.
    whole_at: Option<Duration>,
    next_at: Duration,
    failures: u32,
    /// Windows that the cache may still have answers for, and when they were asked for.
    asked: VecDeque<(u16, Duration)>,
    /// Where this run begins to choose its windows, so that the one before it seldom chose the same.
    salt: u16,
}

impl Plan {
    /// The first round is due at `first_at`; `random` is between 0 and 1.
    pub(super) fn new(interval: Duration, first_at: Duration, random: f64) -> Plan {
        let salt = (f64::from(SALT_MAX) * random.clamp(0.0, 1.0)) as u16;
        Plan { interval, whole_at: None, next_at: first_at, failures: 0, asked: VecDeque::new(), salt }
    }

    /// When the next round is due.
    pub(super) fn next_at(&self) -> Duration {
        self.next_at
    }

    /// The window to ask for now, in minutes.
    pub(super) fn window(&mut self, now: Duration) -> u16 {
        self.asked.retain(|&(_, at)| now.saturating_sub(at) < CACHED_WITHIN);
        let needed = match self.whole_at {
            Some(whole_at) => (now.saturating_sub(whole_at) + REACH).as_secs().div_ceil(60) + 1,
            None => u64::from(WINDOW_MAX),
        };
        let needed = u16::try_from(needed).unwrap_or(WINDOW_MAX).min(WINDOW_MAX);
        let is_free = |window: &u16| self.asked.iter().all(|(asked, _)| asked != window);
        let (from, down) = ((needed + self.salt).min(WINDOW_MAX), WINDOW_MAX - self.salt);
        let window = (from..=WINDOW_MAX).find(is_free).filter(|_| needed + self.salt < WINDOW_MAX);
        // Near the end of what the API shows, a little less far back is better than an old answer.
        let window = window.or_else(|| (1..=down).rev().find(is_free)).unwrap_or(WINDOW_MAX);
        self.asked.push_back((window, now));
        window
    }

    /// A round that began at `began` has ended so; `random` is between 0 and 1.
    pub(super) fn on_round(&mut self, round: Round, began: Duration, now: Duration, random: f64) {
        match round {
            Round::Whole => (self.whole_at, self.failures) = (Some(began), 0),
            Round::Failed | Round::Refused => self.failures = self.failures.saturating_add(1),
        }
        let doubled = self.interval.saturating_mul(1 << self.failures.saturating_sub(1).min(10));
        let pause = match round {
            Round::Whole => self.interval,
            Round::Failed => doubled.min(FAILED_MAX.max(self.interval)),
            Round::Refused => doubled.clamp(REFUSED_MIN, REFUSED_MAX).max(self.interval),
        };
        let jitter = pause.mul_f64(JITTER * random.clamp(0.0, 1.0));
        // The interval counts from beginning to beginning, but a slow sensor gets some rest.
        self.next_at = (began + pause - jitter).max(now + self.interval.min(REST));
    }
}

/// Largest window in minutes.
pub(super) const WINDOW_MAX: u16 = 4320;
/// As long as the API may answer from its cache, and a little more.
const CACHED_WITHIN: Duration = Duration::from_secs(65 * 60);
/// How much farther back than the last whole answer a window reaches: that answer may have been an hour old.
const REACH: Duration = Duration::from_secs(75 * 60);
const SALT_MAX: u16 = 180;
const JITTER: f64 = 0.1;
const REST: Duration = Duration::from_secs(1);
/// Longest wait after failures, where the interval is not longer.
const FAILED_MAX: Duration = Duration::from_secs(15 * 60);
/// Shortest and longest wait after a refusal: the sensor may count them, and a new token takes somebody's time.
const REFUSED_MIN: Duration = Duration::from_secs(2 * 60);
const REFUSED_MAX: Duration = Duration::from_secs(30 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn plan(interval: Duration) -> Plan {
        Plan::new(interval, Duration::ZERO, 0.0)
    }

    #[test]
    fn nothing_known_asks_for_all_there_is() {
        assert_eq!(plan(MINUTE).window(Duration::ZERO), WINDOW_MAX);
    }

    #[test]
    fn a_window_reaches_behind_the_last_whole_answer_by_more_than_the_cache() {
        let mut plan = plan(MINUTE);
        plan.on_round(Round::Whole, MINUTE, MINUTE, 0.0);
        let window = plan.window(31 * MINUTE);
        assert!((30 + 75..30 + 75 + 5).contains(&window), "{window}");
        plan.on_round(Round::Failed, 31 * MINUTE, 31 * MINUTE, 0.0);
        assert!(plan.window(600 * MINUTE) >= 599 + 75, "a round that failed does not count");
        assert_eq!(plan.window(9000 * MINUTE), WINDOW_MAX);
        assert_eq!(plan.window(9000 * MINUTE), WINDOW_MAX - 1, "not twice");
    }

    #[test]
    fn failures_are_waited_for_longer_and_longer_and_a_success_ends_that() {
        let mut plan = plan(MINUTE);
        let mut now = Duration::ZERO;
        for minutes in [1, 2, 4, 8, 15, 15] {
            plan.on_round(Round::Failed, now, now, 0.0);
            assert_eq!(plan.next_at(), now + minutes * MINUTE);
            now = plan.next_at();
        }
        plan.on_round(Round::Whole, now, now, 0.0);
        assert_eq!(plan.next_at(), now + MINUTE);
        plan.on_round(Round::Whole, now, now, 1.0);
        assert_eq!(plan.next_at(), now + Duration::from_secs(54));
    }

    #[test]
    fn a_refusal_is_repeated_slowly() {
        let mut plan = plan(Duration::from_secs(10));
        plan.on_round(Round::Refused, Duration::ZERO, Duration::ZERO, 0.0);
        assert_eq!(plan.next_at(), 2 * MINUTE);
    }

    #[test]
    fn a_slow_sensor_is_not_asked_without_end() {
        let mut plan = plan(Duration::from_secs(10));
        plan.on_round(Round::Whole, Duration::ZERO, MINUTE, 0.0);
        assert_eq!(plan.next_at(), MINUTE + REST);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_window_comes_twice_while_the_cache_may_answer(
            steps in prop::collection::vec((10..4000_u64, 0..3_u8), 1..400),
            salt in 0.0..1.0,
        ) {
            let mut plan = Plan::new(Duration::from_secs(10), Duration::ZERO, salt);
            let (mut now, mut asked) = (Duration::ZERO, Vec::<(u16, Duration)>::new());
            for (seconds, round) in steps {
                now += Duration::from_secs(seconds);
                let window = plan.window(now);
                prop_assert!((1..=WINDOW_MAX).contains(&window));
                let recent = |&&(_, at): &&(u16, Duration)| now - at < Duration::from_secs(3600);
                prop_assert!(asked.iter().filter(recent).all(|&(before, _)| before != window));
                asked.push((window, now));
                let round = [Round::Whole, Round::Failed, Round::Refused][usize::from(round)];
                plan.on_round(round, now, now, 0.5);
            }
        }
    }
}
