//! How long the room of the journal lasts, by what waits for a destination and how fast that grows: pure.

use super::retention::Held;
use crate::model::{Seq, Time};
use std::time::Duration;

/// What is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    /// Bytes that wait for a destination; all others make room.
    pub waiting: u64,
    /// When they will be all of the journal, if more comes as fast as they did; `None` where that cannot be told.
    pub left: Option<Duration>,
}

/// `held` is in order and without the segment that is written, whose size is `open_bytes`; `confirmed` is the least that any
/// destination has confirmed, `newest` the newest record.
pub(super) fn outlook(
    held: &[Held],
    (open_bytes, newest): (u64, Seq),
    bytes_max: u64,
    confirmed: Seq,
    now: Time,
) -> Outlook {
    if newest <= confirmed {
        return Outlook { waiting: 0, left: None };
    }
    let mut closed = held.iter().skip_while(|segment| segment.last <= confirmed);
    let first = closed.next();
    let since: u64 = closed.map(|segment| segment.bytes).sum::<u64>() + open_bytes;
    let waiting = since + first.map_or(0, |segment| segment.bytes);
    let left = first.and_then(|first| {
        // What came since the first of them was full.
        let millis = u64::try_from(now.millis().checked_sub(first.written.millis())?).ok()?;
        let millis = u128::from(bytes_max.saturating_sub(waiting)) * u128::from(millis);
        Some(Duration::from_millis(u64::try_from(millis.checked_div(u128::from(since))?).ok()?))
    });
    Outlook { waiting, left }
}

impl Outlook {
    /// The same in words, to go on a sentence with.
    pub(super) fn words(&self) -> String {
        match (self.waiting, self.left) {
            (0, _) => "; when it is full the oldest records make room for new ones".to_owned(),
            (waiting, None) => format!("; {waiting} of them wait for a destination"),
            (waiting, Some(left)) => {
                format!(
                    "; {waiting} of them wait for a destination and fill it in {} at this pace",
                    about(left)
                )
            }
        }
    }
}

fn about(left: Duration) -> String {
    let minutes = left.as_secs() / 60;
    match (minutes, minutes / 60, minutes / 60 / 24) {
        (0, ..) => "less than a minute".to_owned(),
        (1, ..) => "a minute".to_owned(),
        (minutes, 0..=1, _) => format!("{minutes} minutes"),
        (_, hours, 0..=1) => format!("{hours} hours"),
        (.., days) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::retention::tests::segment;

    const HOUR: i64 = 3_600_000;

    fn held() -> Vec<Held> {
        vec![segment(1, HOUR), segment(11, 2 * HOUR), segment(21, 4 * HOUR)]
    }

    fn words(confirmed: u64, bytes_max: u64) -> String {
        let now = Time::from_millis(6 * HOUR).unwrap();
        outlook(&held(), (50, Seq(35)), bytes_max, Seq(confirmed), now).words()
    }

    #[test]
    fn what_waits_fills_the_journal_as_fast_as_it_came() {
        let room = "; when it is full the oldest records make room for new ones";
        assert_eq!([words(35, 1000), words(u64::MAX, 1000)], [room, room]);
        // 150 bytes came within the four hours since the second was full: 750 take twenty.
        let waits = "; 250 of them wait for a destination and fill it in";
        assert_eq!(words(10, 1000), format!("{waits} 20 hours at this pace"));
        assert_eq!(words(19, 250), format!("{waits} less than a minute at this pace"));
        assert_eq!(words(19, 100), format!("{waits} less than a minute at this pace"));
        assert_eq!(words(19, 1_000_000), format!("{waits} 1110 days at this pace"));
        assert_eq!(words(30, 1000), "; 50 of them wait for a destination");
    }

    #[test]
    fn spans_are_told_in_the_unit_that_fits() {
        let of = |seconds| about(Duration::from_secs(seconds));
        assert_eq!(of(59), "less than a minute");
        assert_eq!(of(60), "a minute");
        assert_eq!(of(7199), "119 minutes");
        assert_eq!(of(7200), "2 hours");
        assert_eq!(of(172_799), "47 hours");
        assert_eq!(of(172_800), "2 days");
    }
}
