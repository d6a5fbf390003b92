//! How a log grows, and so how much may have been written to it that nobody has seen.
//!
//! ```text
//!        ... seen ────── copied ── written ── cut            what was written there is in no file any more
//!             └── at its pace of late, or in one go as much as of late
//! ```
//!
//! A sensor may write evenly or in bursts. Of an even one as much is missing as it writes in the time; of one that
//! writes in bursts a whole one, or nothing. What is told is the larger of both: an auditor who is told too much looks
//! for what is not missing, one who is told too little does not look.
//!
//! It is the length of the file that counts and not what was read of it: a backlog says nothing about the pace.

use std::time::{Duration, Instant};

/// The length of a file over time.
#[derive(Debug)]
pub(super) struct Growth {
    length: u64,
    looked: Instant,
    /// When it was last seen to be longer than before.
    grown: Instant,
    pub habit: Habit,
}

/// How its writer writes, which the next log inherits.
#[derive(Debug, Clone, Default)]
pub(super) struct Habit {
    /// Bytes a second, lately.
    pace: f64,
    /// Of what came from one look to the next, lately: the bytes, and their squares.
    bytes: f64,
    squares: f64,
}

impl Growth {
    /// Of a file that is `length` bytes long.
    pub(super) fn new(length: u64, now: Instant) -> Growth {
        Growth { length, looked: now, grown: now, habit: Habit::default() }
    }

    /// The file has been looked at.
    pub(super) fn see(&mut self, length: u64, now: Instant) {
        let bytes = length.saturating_sub(self.length);
        if bytes > 0 {
            let seconds = (now - self.grown).as_secs_f64().max(SHORTEST_SECONDS);
            // Whoever has not looked for long has not seen one step.
            let share = LOOKED.as_secs_f64() / (now - self.looked).max(LOOKED).as_secs_f64();
            self.habit.take(bytes as f64, seconds, share);
            self.grown = now;
        }
        (self.length, self.looked) = (length, now);
    }

    /// How many bytes there were behind this place when the file was last looked at.
    pub(super) fn seen_after(&self, place: u64) -> u64 {
        self.length.saturating_sub(place)
    }

    /// About how many bytes may have been added since it was last looked at, or within so long before now if that is
    /// shorter.
    pub(super) fn unseen(&self, now: Instant, within: Option<Duration>) -> u64 {
        let since = now - self.looked;
        self.habit.unseen(within.map_or(since, |within| since.min(within)))
    }
}

impl Habit {
    fn take(&mut self, bytes: f64, seconds: f64, share: f64) {
        let weight = (seconds / LATELY_SECONDS).min(1.0);
        self.pace += weight * (bytes / seconds - self.pace);
        let (step, kept) = (bytes * share, (-seconds / LATELY_SECONDS).exp());
        (self.bytes, self.squares) = (self.bytes * kept + step, self.squares * kept + step * step);
    }

    /// About how many bytes may come in that time.
    pub(super) fn unseen(&self, time: Duration) -> u64 {
        (self.pace * time.as_secs_f64()).max(self.step()).round() as u64
    }

    /// The size of the step in which a byte comes: among many small steps and a large one, that of the large one.
    fn step(&self) -> f64 {
        if self.bytes > 0.0 { self.squares / self.bytes } else { 0.0 }
    }
}

/// How often a log is looked at that nothing has told about.
pub(super) const LOOKED: Duration = Duration::from_secs(1);
/// What counts as lately.
pub(super) const LATELY_SECONDS: f64 = 10.0;
/// A shorter time says nothing about the pace.
const SHORTEST_SECONDS: f64 = 0.001;

#[cfg(test)]
mod tests {
    use super::*;

    /// A log that grows by `bytes` every `every`, looked at then and every second between, and the time at the end.
    fn grown(first: u64, times: u64, bytes: u64, every: Duration) -> (Growth, Instant) {
        let mut now = Instant::now();
        let mut growth = Growth::new(first, now);
        for time in 1..=times {
            let grows_at = now + every;
            while grows_at - now > LOOKED {
                now += LOOKED;
                growth.see(first + bytes * (time - 1), now);
            }
            now = grows_at;
            growth.see(first + bytes * time, now);
        }
        (growth, now)
    }

    #[test]
    fn of_an_even_writer_as_much_is_missing_as_it_writes_in_the_time() {
        let (growth, now) = grown(0, 60_000, 100, Duration::from_millis(1));
        let missing = growth.unseen(now + Duration::from_millis(50), None);
        assert!((4_900..=5_100).contains(&missing), "{missing}");
    }

    #[test]
    fn of_one_that_writes_in_bursts_a_whole_one_is_missing() {
        let (growth, now) = grown(0, 20, 9_540, Duration::from_secs(5));
        assert_eq!(growth.unseen(now + Duration::from_millis(1), None), 9_540);
    }

    #[test]
    fn a_burst_of_long_ago_is_forgotten() {
        let (mut growth, now) = grown(0, 1, 1 << 20, Duration::from_secs(1));
        for second in 1..=300 {
            growth.see((1 << 20) + 300 * second, now + Duration::from_secs(second));
        }
        let missing = growth.unseen(now + Duration::from_secs(300), None);
        assert!(missing < 1_000, "{missing}");
    }

    /// A log of 10 GB that is there at the start says nothing about how fast it grows.
    #[test]
    fn a_backlog_is_neither_a_step_nor_a_pace() {
        let (growth, now) = grown(10_000_000_000, 10, 300, Duration::from_secs(1));
        assert_eq!(growth.unseen(now + Duration::from_millis(10), None), 300);
    }

    #[test]
    fn what_has_come_while_nobody_looked_for_an_hour_is_not_one_step() {
        let (mut growth, now) = grown(0, 10, 1_000, Duration::from_secs(1));
        let now = now + Duration::from_secs(3_600);
        growth.see(10_000 + 3_600_000, now);
        let missing = growth.unseen(now, None);
        assert!((900..=1_100).contains(&missing), "{missing}");
    }

    #[test]
    fn a_time_that_is_known_limits_what_is_missing() {
        let (growth, now) = grown(0, 100, 1_000, Duration::from_secs(1));
        let later = now + Duration::from_secs(60);
        let missing = [None, Some(LOOKED)].map(|within| growth.unseen(later, within));
        assert!((55_000..=60_000).contains(&missing[0]), "{missing:?}");
        assert_eq!(missing[1], 1_000);
    }
}
