//! How long the writer waits for readers that it would leave behind.
//!
//! ```text
//!   files                          memory
//!   … ─────────────────────│───[ oldest ][      ][ newest ]  next batch
//!      far: never      near: waited for     held: waited for
//! ```
//!
//! A reader that falls out of memory reads the files, where every record costs it several times as much; and as collecting
//! is about as fast as that, it would come back only at the log's end. So a writer that is fast gives those a moment who
//! hold the oldest batch, or read the files just before it.
//!
//! Invariant: however slow the readers are, a writer that has more to write gets `PACE_BYTES` a second done, but for one
//! wait of `WAIT_MAX`. Nobody waits longer than that for a reader who stands still, nor at all for one whose link is down.

use super::Journal;
use crate::model::Seq;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Until when the writer may wait: pure. Times are of any clock that does not go back.
#[derive(Debug, Default)]
pub(super) struct Courtesy {
    until: Duration,
}

impl Courtesy {
    /// A batch with so many bytes on disk was written: what it was faster than `PACE_BYTES` a second may be spent.
    pub(super) fn on_written(&mut self, bytes: usize, now: Duration) {
        let earned = Duration::from_secs_f64(bytes as f64 / PACE_BYTES);
        self.until = (self.until.max(now) + earned).min(now + WAIT_MAX);
    }

    pub(super) fn has_time(&self, now: Duration) -> bool {
        now < self.until
    }
}

/// How far each reader of the files is.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Vec<Weak<Mutex<Reading>>>>);

/// How far one of them is; it counts while that is kept.
#[derive(Debug)]
pub(super) struct Place(Arc<Mutex<Reading>>);

/// What it has read and since when that is so; `None` while it does not read.
type Reading = Option<(Seq, Instant)>;

impl Places {
    /// For a reader that does not read yet.
    pub(super) fn add(&self) -> Place {
        let place = Arc::default();
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|place| place.strong_count() > 0);
        places.push(Arc::downgrade(&place));
        Place(place)
    }

    /// Of those that have moved `since` then, everything that each has read.
    fn moving(&self, since: Option<Instant>) -> Vec<Seq> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = places.iter().filter_map(Weak::upgrade).filter_map(|place| *lock(&place));
        reading.filter(|&(_, at)| since.is_none_or(|since| at >= since)).map(|(through, _)| through).collect()
    }
}

impl Place {
    /// Everything up to here is read, and the reader goes on.
    pub(super) fn reach(&self, through: Seq) {
        *lock(&self.0) = Some((through, Instant::now()));
    }

    /// The reader does not go on for now.
    pub(super) fn rest(&self) {
        *lock(&self.0) = None;
    }
}

fn lock(place: &Mutex<Reading>) -> MutexGuard<'_, Reading> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Gives readers a moment that the next batch would leave behind. Blocks, for `WAIT_MAX` at most.
    pub(super) fn let_readers_follow(&self) {
        while self.courtesy().has_time(self.0.begun.elapsed()) && self.leaves_a_reader_behind() {
            thread::sleep(LOOK_EVERY);
        }
    }

    fn leaves_a_reader_behind(&self) -> bool {
        let moving = self.0.places.moving(Instant::now().checked_sub(WAIT_MAX));
        self.0.recent.read().unwrap_or_else(PoisonError::into_inner).leaves_behind(&moving)
    }
}

/// A writer that is slower waits for nobody: of 1,200 bytes an event 7,000 a second, more than sensors write. A reader
/// that is slower than that may as well read the files.
const PACE_BYTES: f64 = 8.0 * 1024.0 * 1024.0;
/// Longest wait at once: a peer that is asked for evidence takes some tenths of a second now and then.
const WAIT_MAX: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_micros(500);

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: usize = PACE_BYTES as usize;

    /// Writes batches of so many bytes, waits as long as it may before each, and says when they are written.
    fn held_up(batches: usize, bytes: usize, write: Duration) -> Duration {
        let (mut courtesy, mut now) = (Courtesy::default(), Duration::from_secs(7));
        for _ in 0..batches {
            now = now.max(courtesy.until) + write;
            courtesy.on_written(bytes, now);
        }
        now - Duration::from_secs(7)
    }

    #[test]
    fn a_fast_writer_is_held_up_to_the_pace_and_no_further() {
        let second = held_up(1000, PACE / 1000, Duration::from_micros(100));
        assert!(second.as_millis().abs_diff(1000) <= 100, "{second:?}");
    }

    #[test]
    fn a_writer_that_is_slower_than_the_pace_has_no_time_to_wait() {
        let (mut courtesy, mut now) = (Courtesy::default(), Duration::ZERO);
        for _ in 0..100 {
            courtesy.on_written(1200, now);
            now += Duration::from_millis(1);
            assert!(!courtesy.has_time(now), "a batch a millisecond");
        }
    }

    #[test]
    fn however_fast_it_was_it_waits_for_a_moment_only() {
        let (mut courtesy, now) = (Courtesy::default(), Duration::from_secs(1));
        (0..100).for_each(|_| courtesy.on_written(PACE, now));
        assert!(courtesy.has_time(now + WAIT_MAX / 2));
        assert!(!courtesy.has_time(now + WAIT_MAX));
    }

    #[test]
    fn a_reader_counts_while_it_moves_until_it_rests_or_is_gone() {
        let places = Places::default();
        let (one, other) = (places.add(), places.add());
        assert_eq!(places.moving(None), []);
        one.reach(Seq(7));
        let later = Instant::now() + Duration::from_nanos(1);
        assert_eq!(places.moving(Some(later)), [], "it stands still since");
        other.reach(Seq(0));
        assert_eq!(places.moving(None), [Seq(7), Seq(0)]);
        other.rest();
        assert_eq!(places.moving(None), [Seq(7)]);
        drop(one);
        assert_eq!(places.moving(None), []);
    }
}
