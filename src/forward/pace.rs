//! No more events per second than a destination wants. Pure.
//!
//! An allowance grows with the time up to what a tenth of a second is worth; each event takes one from it.

use std::time::Duration;

/// The allowance of one destination; without a limit it is never used up.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: Option<f64>,
    allowance: f64,
    at: Duration,
}

impl Pace {
    /// `rate_max` in events per second; 0 is no limit.
    pub(super) fn new(rate_max: u32) -> Pace {
        let per_second = (rate_max > 0).then(|| f64::from(rate_max));
        Pace { per_second, allowance: 1.0, at: Duration::ZERO }
    }

    /// How many events may go out now, or when the next one may.
    pub(super) fn room(&mut self, now: Duration) -> Result<usize, Duration> {
        let Some(per_second) = self.per_second else { return Ok(usize::MAX) };
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.allowance = (self.allowance + passed * per_second).min((per_second * BURST).max(1.0));
        if self.allowance >= 1.0 {
            return Ok(self.allowance as usize);
        }
        let missing = (1.0 - self.allowance) / per_second;
        Err(now + Duration::from_secs_f64(missing).max(WAIT_MIN))
    }

    /// So many went out.
    pub(super) fn on_sent(&mut self, events: u64) {
        self.allowance -= events as f64;
    }
}

/// What may go out at once, in seconds of the rate.
const BURST: f64 = 0.1;
/// Below that a timer is not exact.
const WAIT_MIN: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_a_limit_there_is_always_room() {
        let mut pace = Pace::new(0);
        pace.on_sent(1_000_000);
        assert_eq!(pace.room(Duration::ZERO), Ok(usize::MAX));
    }

    #[test]
    fn one_event_a_second_waits_a_second_for_the_next() {
        let mut pace = Pace::new(1);
        assert_eq!(pace.room(Duration::ZERO), Ok(1));
        pace.on_sent(1);
        assert_eq!(pace.room(Duration::ZERO), Err(Duration::from_secs(1)));
        assert_eq!(pace.room(Duration::from_secs(1)), Ok(1));
        assert_eq!(pace.room(Duration::from_secs(99)), Ok(1), "a long silence saves nothing up");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_second_sees_more_than_the_rate_and_none_is_wasted(rate in 1..100_000_u32) {
            let (mut pace, mut now, mut sent) = (Pace::new(rate), Duration::ZERO, 0_u64);
            let end = Duration::from_secs(10);
            while now < end {
                match pace.room(now) {
                    Ok(room) => {
                        pace.on_sent(room as u64);
                        sent += room as u64;
                    }
                    Err(until) => now = until,
                }
            }
            let most = f64::from(rate) * (10.0 + 1.0 + BURST) + 2.0;
            prop_assert!(sent as f64 <= most && sent as f64 >= f64::from(rate) * 9.5, "{} at {}", sent, rate);
        }
    }
}
