//! Which segments may go: the oldest first, and only what every destination has confirmed.

use super::segment::SegmentName;
use crate::model::{Seq, Time};
use std::time::Duration;

/// A segment as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub name: SegmentName,
    /// Its last record.
    pub last: Seq,
    pub bytes: u64,
    /// When it was last written.
    pub written: Time,
}

/// The limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub bytes_max: u64,
    pub age_max: Duration,
}

/// The segments that go now. `held` is in order and without the one that is written, whose size is `open_bytes`;
/// `confirmed` is the least that any destination has confirmed; `clock_sane` allows removal by age.
pub(super) fn to_remove(
    held: &[Held],
    open_bytes: u64,
    limits: Limits,
    confirmed: Seq,
    now: Time,
    clock_sane: bool,
) -> Vec<SegmentName> {
    let mut bytes = open_bytes + held.iter().map(|segment| segment.bytes).sum::<u64>();
    let mut gone = Vec::new();
    for (at, segment) in held.iter().take_while(|segment| segment.last <= confirmed).enumerate() {
        // One that a clock in the future has dated is at least as old as the next that another has: it holds up nobody.
        let written = held[at..].iter().map(|segment| segment.written).find(|&written| written <= now);
        let age = now.millis().saturating_sub(written.unwrap_or(now).millis());
        let old = clock_sane && u128::try_from(age).is_ok_and(|age| age > limits.age_max.as_millis());
        if bytes <= limits.bytes_max && !old {
            break;
        }
        bytes -= segment.bytes;
        gone.push(segment.name.clone());
    }
    gone
}

/// Whether a journal that is over its size is so for a moment only: it is packed, to a fifth of that as a rule, or what came
/// since it was looked at makes the oldest go the next time.
pub(super) fn may_make_room(looked_at: u64, bytes_max: u64, packs: bool) -> bool {
    packs || looked_at <= bytes_max
}

/// The threshold in percent (75, 90, 100) that `bytes` of `bytes_max` has reached; 0 below the first. `before` is that of the
/// last time: it stays while there is not much less, for segments come and go at the size of a full journal. Not so 100: that
/// reading is paused is told each time.
pub(super) fn threshold(bytes: u64, bytes_max: u64, before: u8) -> u8 {
    let percent = u128::from(bytes) * 100 / u128::from(bytes_max.max(1));
    let reached = [100, 90, 75].into_iter().find(|&threshold| percent >= u128::from(threshold)).unwrap_or(0);
    let before = before.min(90);
    if percent + NOT_MUCH_LESS > u128::from(before) { reached.max(before) } else { reached }
}

/// In percent: more than a segment is, of which a journal has eight at least.
const NOT_MUCH_LESS: u128 = 20;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    /// A segment of ten records and a hundred bytes that was last written at that time.
    pub(in crate::journal) fn segment(first: u64, millis: i64) -> Held {
        Held {
            name: SegmentName { first: Seq(first), run: 1 },
            last: Seq(first + 9),
            bytes: 100,
            written: Time::from_millis(millis).unwrap(),
        }
    }

    fn held() -> Vec<Held> {
        vec![segment(1, DAY), segment(11, 2 * DAY), segment(21, 3 * DAY)]
    }

    fn firsts(bytes_max: u64, age_days: u64, confirmed: u64, clock_sane: bool) -> Vec<u64> {
        let limits = Limits { bytes_max, age_max: Duration::from_secs(age_days * 86_400) };
        let now = Time::from_millis(10 * DAY).unwrap();
        let gone = to_remove(&held(), 50, limits, Seq(confirmed), now, clock_sane);
        gone.into_iter().map(|name| name.first.0).collect()
    }

    #[test]
    fn the_oldest_go_until_the_size_fits() {
        assert!(firsts(350, 400, 30, true).is_empty());
        assert_eq!(firsts(349, 400, 30, true), [1]);
        assert_eq!(firsts(150, 400, 30, true), [1, 11]);
    }

    #[test]
    fn what_a_destination_has_not_confirmed_stays_however_large_and_old() {
        assert_eq!(firsts(0, 0, 19, true), [1]);
        assert!(firsts(0, 0, 9, true).is_empty());
    }

    #[test]
    fn age_counts_only_while_the_clock_is_sane() {
        assert_eq!(firsts(1000, 8, 30, true), [1]);
        assert!(firsts(1000, 8, 30, false).is_empty());
    }

    #[test]
    fn what_was_written_while_the_clock_was_in_the_future_goes_with_what_came_after_it() {
        let held = [segment(1, DAY), segment(11, 9000 * DAY), segment(21, 2 * DAY), segment(31, 9 * DAY)];
        let limits = |days: u64| Limits { bytes_max: 1000, age_max: Duration::from_secs(days * 86_400) };
        let firsts = |held: &[Held], days: u64| {
            let now = Time::from_millis(10 * DAY).unwrap();
            let gone = to_remove(held, 50, limits(days), Seq(40), now, true);
            gone.into_iter().map(|name| name.first.0).collect::<Vec<_>>()
        };
        assert_eq!(firsts(&held, 8), [1]);
        assert_eq!(firsts(&held, 7), [1, 11, 21]);
        assert_eq!(firsts(&held[1..2], 1), [0; 0], "nothing is known of it yet");
    }

    /// Nobody is told that reading waits for a destination when it does not.
    #[test]
    fn a_journal_that_has_just_become_too_large_is_not_full_yet() {
        assert!(may_make_room(1000, 1000, false), "it grew while it was looked at");
        assert!(may_make_room(1001, 1000, true));
        assert!(!may_make_room(1001, 1000, false), "nothing more could go");
    }

    #[test]
    fn thresholds_are_75_90_and_100_percent() {
        let of = |bytes| threshold(bytes, 1000, 0);
        assert_eq!(
            [of(749), of(750), of(899), of(900), of(999), of(1000), of(5000)],
            [0, 75, 75, 90, 90, 100, 100]
        );
    }

    #[test]
    fn a_threshold_stays_reached_while_there_is_not_much_less() {
        for (bytes, before, reached) in [
            (899, 90, 90),
            (710, 90, 90),
            (709, 90, 0),
            (999, 100, 90),
            (710, 100, 90),
            (709, 100, 0),
            (1000, 90, 100),
            (900, 75, 90),
        ] {
            assert_eq!(threshold(bytes, 1000, before), reached, "{bytes} after {before}");
        }
    }
}
