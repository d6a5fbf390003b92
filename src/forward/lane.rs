//! Two senders to one destination, what is new and a replay, share its pace; what is new goes first. Pure but for the lock.

use super::pace::Pace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One sender's part of it. Times are of one clock for both.
pub(super) struct Lane {
    side: Side,
    road: Arc<Mutex<Road>>,
}

struct Road {
    pace: Pace,
    is_limited: bool,
    /// There is something new, and a link for it.
    is_busy: bool,
}

enum Side {
    Live,
    /// Since when it has given way, if it does.
    Replay {
        waits_since: Option<Duration>,
    },
}

impl Lane {
    /// For what is new. `rate_max` in events per second; 0 is no limit.
    pub(super) fn new(rate_max: u32) -> Lane {
        let road = Road { pace: Pace::new(rate_max), is_limited: rate_max > 0, is_busy: false };
        Lane { side: Side::Live, road: Arc::new(Mutex::new(road)) }
    }

    /// For a replay to the same destination.
    pub(super) fn beside(&self) -> Lane {
        Lane { side: Side::Replay { waits_since: None }, road: Arc::clone(&self.road) }
    }

    /// Whether this sender has something to send now.
    pub(super) fn on_turn(&self, has_something: bool) {
        if let Side::Live = self.side {
            self.road().is_busy = has_something;
        }
    }

    /// How many events may go out now, or when to ask again.
    pub(super) fn room(&mut self, now: Duration) -> Result<usize, Duration> {
        let mut road = self.road.lock().unwrap_or_else(PoisonError::into_inner);
        if let Side::Replay { waits_since } = &mut self.side
            && road.is_busy
        {
            let since = *waits_since.get_or_insert(now);
            // Where the rate has a limit, what a replay takes is missing elsewhere.
            if road.is_limited || now < since + GIVE_WAY_MAX {
                return Err(now + LOOK_AGAIN);
            }
        }
        road.pace.room(now)
    }

    /// So many went out.
    pub(super) fn on_sent(&mut self, events: u64) {
        if let Side::Replay { waits_since } = &mut self.side {
            *waits_since = None;
        }
        self.road().pace.on_sent(events);
    }

    fn road(&self) -> MutexGuard<'_, Road> {
        self.road.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a replay lets what is new go first, before each of its batches.
const GIVE_WAY_MAX: Duration = Duration::from_millis(100);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_replay_gives_way_to_what_is_new_but_not_for_ever() {
        let live = Lane::new(0);
        let mut replay = live.beside();
        assert_eq!(replay.room(SECOND), Ok(usize::MAX));
        live.on_turn(true);
        assert_eq!(replay.room(SECOND), Err(SECOND + LOOK_AGAIN));
        assert_eq!(replay.room(SECOND + GIVE_WAY_MAX), Ok(usize::MAX));
        replay.on_sent(1);
        assert!(replay.room(SECOND + GIVE_WAY_MAX).is_err(), "again before each batch");
        live.on_turn(false);
        assert!(replay.room(SECOND + GIVE_WAY_MAX).is_ok());
    }

    #[test]
    fn both_together_keep_to_the_rate_and_what_is_new_has_all_of_it() {
        let mut live = Lane::new(100);
        let mut replay = live.beside();
        let (mut now, mut old, mut new) = (Duration::ZERO, 0, 0);
        while now < 20 * SECOND {
            let is_busy = now < 10 * SECOND;
            live.on_turn(is_busy);
            for (lane, sent, wants) in [(&mut replay, &mut old, true), (&mut live, &mut new, is_busy)] {
                if let (true, Ok(room)) = (wants, lane.room(now)) {
                    lane.on_sent(room as u64);
                    *sent += room;
                }
            }
            now += Duration::from_millis(5);
        }
        assert!((980..=1020).contains(&new) && (980..=1020).contains(&old), "{new} {old}");
    }
}
