//! Whether the wall clock can be believed when it says how old something is: pure.
//!
//! ```text
//! start   a week or more after the newest record, or an hour before it       doubted
//! look    it went an hour more or less than has passed since the last look   doubted
//! then    a day without a doubt                                              believed
//! ```
//!
//! A clock that is years ahead makes everything old: whoever has set it wrong has a day to set it right.

use crate::model::Time;
use std::time::Duration;

/// The wall clock beside one that nobody sets, which counts from the start of the agent.
#[derive(Debug)]
pub(super) struct Clock {
    time: Time,
    at: Duration,
    doubted: Option<Duration>,
}

impl Clock {
    /// At the start, when the newest record was written at `newest`.
    pub(super) fn new(newest: Option<Time>, now: Time) -> Clock {
        let doubted = doubt(newest, now).map(|_| Duration::ZERO);
        Clock { time: now, at: Duration::ZERO, doubted }
    }

    /// A look at both: whether what the wall clock says counts.
    pub(super) fn is_believed(&mut self, now: Time, at: Duration) -> bool {
        let passed = millis(at.saturating_sub(self.at));
        let went = now.millis().saturating_sub(self.time.millis());
        (self.time, self.at) = (now, at);
        if went.saturating_sub(passed).saturating_abs() >= millis(STEP) {
            self.doubted = Some(at);
        }
        self.doubted.is_none_or(|since| at.saturating_sub(since) > DOUBTED_FOR)
    }
}

/// What is odd about the clock at the start, in words.
pub(super) fn doubt(newest: Option<Time>, now: Time) -> Option<String> {
    let newest = newest?;
    let ahead = now.millis().saturating_sub(newest.millis());
    let odd = match ahead {
        ahead if ahead >= millis(ABSENCE) => format!("{} days after", ahead / millis(DAY)),
        ahead if ahead <= -millis(STEP) => format!("{} s before", ahead / -1000),
        _ => return None,
    };
    Some(format!(
        "by the clock otrail starts {odd} the newest record, which is of {newest}: if it is wrong, set it; nothing is \
         removed for its age for a day"
    ))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

const DAY: Duration = Duration::from_secs(86_400);
/// A jump below this makes nothing much older than it is.
const STEP: Duration = Duration::from_secs(3600);
/// An agent may have been off for a holiday.
const ABSENCE: Duration = Duration::from_secs(7 * 86_400);
const DOUBTED_FOR: Duration = DAY;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// So many hours after some moment.
    fn time(hours: i64) -> Time {
        Time::from_millis(1_764_000_000_000 + hours * HOUR).unwrap()
    }

    fn passed(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn a_clock_that_goes_with_the_time_is_believed() {
        let mut clock = Clock::new(Some(time(-24 * 6)), time(0));
        assert!(clock.is_believed(time(0), passed(0)) && clock.is_believed(time(30), passed(30)));
        assert!(Clock::new(None, time(0)).is_believed(time(0), passed(0)));
    }

    #[test]
    fn a_clock_that_was_moved_is_not_believed_for_a_day() {
        for moved in [-1, 1, 24 * 500] {
            let mut clock = Clock::new(None, time(0));
            assert!(clock.is_believed(time(5), passed(5)));
            assert!(!clock.is_believed(time(6 + moved), passed(6)), "{moved}");
            assert!(!clock.is_believed(time(30 + moved), passed(30)), "{moved}");
            assert!(clock.is_believed(time(31 + moved), passed(31)), "{moved}");
        }
    }

    #[test]
    fn a_clock_that_starts_far_from_the_newest_record_is_not_believed_for_a_day() {
        for (newest, is_odd) in
            [(-24 * 7, true), (-24 * 7 + 1, false), (0, false), (1, true), (24 * 500, true)]
        {
            assert_eq!(doubt(Some(time(newest)), time(0)).is_some(), is_odd, "{newest}");
            let mut clock = Clock::new(Some(time(newest)), time(0));
            assert_eq!(clock.is_believed(time(24), passed(24)), !is_odd, "{newest}");
            assert!(clock.is_believed(time(25), passed(25)), "{newest}");
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let mut clock = Clock::new(Some(Time::MAX), Time::MIN);
        assert!(!clock.is_believed(Time::MAX, Duration::MAX));
    }
}
