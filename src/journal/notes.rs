//! How many of otrail's own events may enter the journal: a bucket for each action, with exact counts of the rest.
//!
//! Nobody, neither a local user nor a log entry, can flood the trail with them.

use crate::model::Action;
use std::collections::BTreeMap;
use std::time::Duration;

/// Token buckets, one for each action.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    buckets: BTreeMap<Action, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Duration,
    suppressed: u64,
}

impl Limiter {
    /// Whether one more event with this action may pass. `now` is any clock that does not go back.
    pub(super) fn admit(&mut self, action: Action, now: Duration) -> bool {
        let bucket = self.buckets.entry(action).or_insert(Bucket { tokens: BURST, at: now, suppressed: 0 });
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * PER_SECOND).min(BURST);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            true
        } else {
            bucket.suppressed += 1;
            false
        }
    }

    /// Counts events that could not be written.
    pub(super) fn count_lost(&mut self, action: Action, count: u64, now: Duration) {
        let bucket = self.buckets.entry(action).or_insert(Bucket { tokens: BURST, at: now, suppressed: 0 });
        bucket.suppressed += count;
    }

    /// What was held back since the last call, by action.
    pub(super) fn take_suppressed(&mut self) -> Vec<(Action, u64)> {
        let counts =
            self.buckets.iter_mut().map(|(&action, bucket)| (action, std::mem::take(&mut bucket.suppressed)));
        counts.filter(|&(_, count)| count > 0).collect()
    }
}

/// Events of one action that may come at once.
const BURST: f64 = 60.0;
/// Events of one action that may come in the long run: one every two seconds.
const PER_SECOND: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_held_back_and_counted_to_the_last_one() {
        let mut limiter = Limiter::default();
        let passed = (0..1000).filter(|_| limiter.admit(Action::QUERY, Duration::ZERO)).count();
        assert_eq!(passed, 60);
        assert_eq!(limiter.take_suppressed(), [(Action::QUERY, 940)]);
        assert_eq!(limiter.take_suppressed(), []);
    }

    #[test]
    fn time_lets_new_ones_through_and_other_actions_are_not_touched() {
        let mut limiter = Limiter::default();
        while limiter.admit(Action::QUERY, Duration::ZERO) {}
        assert!(limiter.admit(Action::START, Duration::ZERO));
        assert!(!limiter.admit(Action::QUERY, Duration::from_secs(1)));
        assert!(limiter.admit(Action::QUERY, Duration::from_secs(4)));
    }
}
