//! How long to wait before the next attempt: longer each time, never the same for all, never for ever.

use std::time::Duration;

/// Doubles from the first wait to the longest, with jitter, and never gives up.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest: longest.max(first), failures: 0 }
    }

    /// The wait after one more failure. `random` from 0 to 1 spreads it over the upper half, so that many agents
    /// do not come back at the same moment.
    pub(super) fn fail(&mut self, random: f64) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        doubled.min(self.longest).mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    /// It worked: the next wait is the first again.
    pub(super) fn succeed(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(2));
        let waits: Vec<u128> = (0..6).map(|_| backoff.fail(1.0).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 2000, 2000]);
        backoff.succeed();
        assert_eq!(backoff.fail(0.0).as_millis(), 125);
    }
}
