//! Whether all that was sent has come, though the peer's kernel has not said so of the last bytes. Pure.
//!
//! A kernel may keep an acknowledgement back for up to half a second (RFC 1122 section 4.2.3.2; Linux does for 40 ms), as long
//! as less than two full segments wait for it. While anything of the rest is on the way, acknowledgements come: so when
//! everything was sent and nothing has changed for some round trips, the way is empty, or something was lost on it.

pub(crate) use crate::net::kernel::Info;
use std::time::Duration;

/// What is not acknowledged, and since when it is the same. Times are of any clock that does not go back.
#[derive(Debug, Default)]
pub(crate) struct Still {
    left: Option<u32>,
    since: Duration,
}

impl Still {
    /// So many bytes are not acknowledged. How long to wait until that says something, zero when it does.
    pub(crate) fn on_look(&mut self, left: u32, info: Option<Info>, now: Duration) -> Duration {
        let is_on_the_way = info.is_none_or(|info| info.unsent > 0);
        if is_on_the_way || self.left != Some(left) {
            (self.left, self.since) = ((!is_on_the_way).then_some(left), now);
        }
        let round_trip = info.and_then(|info| info.round_trip).unwrap_or_default();
        (self.since + (round_trip * 4).max(STILL_MIN)).saturating_sub(now)
    }
}

/// Shortest time in which nothing changes.
const STILL_MIN: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn info(unsent: u32) -> Option<Info> {
        Some(Info { min_round_trip: Some(MS), round_trip: Some(3 * MS), unsent })
    }

    #[test]
    fn some_round_trips_without_news_are_enough_when_everything_was_sent() {
        let mut still = Still::default();
        assert_eq!(still.on_look(9000, info(0), 100 * MS), 12 * MS);
        assert_eq!(still.on_look(9000, info(0), 105 * MS), 7 * MS);
        assert_eq!(still.on_look(8000, info(0), 106 * MS), 12 * MS, "something was on the way");
        assert_eq!(still.on_look(8000, info(0), 118 * MS), Duration::ZERO);
    }

    #[test]
    fn what_was_not_sent_yet_or_cannot_be_known_is_on_the_way() {
        let mut still = Still::default();
        for (at, info) in [(0, info(1)), (50, info(1)), (100, None), (150, None)] {
            assert!(still.on_look(9000, info, at * MS) > Duration::ZERO);
        }
        assert_eq!(still.on_look(9000, info(0), 151 * MS), 12 * MS);
    }
}
