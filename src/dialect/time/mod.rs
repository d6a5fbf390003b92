//! When an entry says it happened, in any of the forms that logs write.
//!
//! ```text
//! 1709193520  1709193520118  1709193520.118   since 1970: seconds, milliseconds, microseconds, nanoseconds by size
//! 2024-02-29T07:58:40.118+01:00               RFC 3339; also with a blank, a comma, `/`, no zone, CET
//! Feb  9 07:58:40                             the year is that of `seen`, or the one before: at most a day ahead
//! 29.02.2024 07:58:40   02/29/2024 7:58:40 PM 29/Feb/2024:07:58:40 +0000   Thu, 29 Feb 2024 07:58:40 GMT
//! ```
//!
//! A time without a zone is in the zone of the source. Where clocks go back it is the first of the two moments,
//! where they go forward it counts on from before; both are `is_assumed`. So is a day that `day-first` would decide
//! if it were set (`03/04/2024` is read as 4 March then) and a zone that says nothing.
//!
//! Invariant: reading looks at a bounded number of bytes beside blanks, and at most 10 years.
//! Not here: what an event without a credible time gets (it gets `seen`, see `said`).

mod calendar;
mod scan;

use super::Context;
use super::timeline::credible_time;
use crate::model::Time;
use calendar::{Clock, Day, Zone};
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use scan::Scan;

/// A time as it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// `None` if no living sensor can have meant it.
    pub time: Option<Time>,
    /// Whether another moment may be meant.
    pub is_assumed: bool,
}

/// Reads a text that is a time and nothing else; `None` when it is not written as one.
pub fn read(text: &str, context: &Context<'_>) -> Option<Moment> {
    let (moment, rest) = lead(text.trim(), context)?;
    rest.is_empty().then_some(moment)
}

/// Reads the time at the head of `text`; what follows it begins with something that is no part of a time.
pub(super) fn lead<'t>(text: &'t str, context: &Context<'_>) -> Option<(Moment, &'t str)> {
    let mut scan = Scan { rest: text };
    let moment = match scan.maybe(epoch) {
        Some(time) => Moment { time, is_assumed: false },
        None => written(&mut scan, context)?,
    };
    let ends = !scan.rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ends.then_some((moment, scan.rest))
}

/// The time itself, where `lead` left `rest` of `text`.
pub(super) fn before<'t>(text: &'t str, rest: &str) -> &'t str {
    text[..text.len() - rest.len()].trim_end()
}

/// Nine or more digits, since 1970.
fn epoch(scan: &mut Scan<'_>) -> Option<Option<Time>> {
    let number: i64 = scan.digits(9..=19)?.parse().ok()?;
    let millis = scan.maybe(calendar::fraction).unwrap_or(0);
    Some(by_size(number, millis))
}

/// A number since 1970: seconds, milliseconds, microseconds or nanoseconds by its size.
pub(super) fn since_1970(number: i64) -> Moment {
    Moment { time: by_size(number, 0), is_assumed: false }
}

/// Such a number, and the milliseconds behind it that count if it is seconds.
fn by_size(number: i64, millis: u32) -> Option<Time> {
    let seconds = number.checked_mul(1000).and_then(|whole| whole.checked_add(i64::from(millis)));
    let sizes = [seconds, Some(number), Some(number / 1000), Some(number / 1_000_000)];
    sizes.into_iter().flatten().find_map(credible_time)
}

fn written(scan: &mut Scan<'_>, context: &Context<'_>) -> Option<Moment> {
    let mut day = calendar::day(scan, context.habits.day_first)?;
    let separated = scan.one_of(b"Tt:").is_some() || {
        scan.one_of(b",");
        scan.blanks()
    };
    if !separated {
        return None;
    }
    let clock = calendar::clock(scan)?;
    let mut zone = calendar::zone(scan);
    if day.year.is_none() {
        day.year = scan.maybe(|scan| {
            scan.blanks().then(|| scan.number(4..=4)).flatten().filter(|year| {
                (2000..2200).contains(year)
                    && !scan.rest.starts_with(|c: char| c.is_alphanumeric() || c == ':')
            })
        });
        zone = zone.or_else(|| calendar::zone(scan));
    }
    let place = Place { zone, configured: context.zone };
    Some(match day.year {
        Some(year) => place.moment(year, day, clock),
        None => place.latest(day, clock, context.seen),
    })
}

/// Where a time is one.
struct Place<'a> {
    zone: Option<Zone>,
    configured: &'a TimeZone,
}

impl Place<'_> {
    fn moment(&self, year: u32, day: Day, clock: Clock) -> Moment {
        let Some(civil) = civil(year, day, clock) else { return Moment::default() };
        let (timestamp, is_ambiguous) = match self.zone {
            Some(Zone::Offset(seconds)) => {
                let offset = Offset::from_seconds(seconds).ok();
                (offset.and_then(|offset| offset.to_timestamp(civil).ok()), false)
            }
            zone => {
                let found = self.configured.to_ambiguous_timestamp(civil);
                let is_ambiguous = found.is_ambiguous() || zone.is_some();
                (found.compatible().ok(), is_ambiguous)
            }
        };
        let time = timestamp.and_then(|timestamp| credible_time(timestamp.as_millisecond()));
        Moment { time, is_assumed: day.is_guess || is_ambiguous }
    }

    /// The latest such day that is not more than a day ahead of `seen`; one of long ago is assumed.
    fn latest(&self, day: Day, clock: Clock, seen: Time) -> Moment {
        let newest = seen.plus_millis(DAY_MILLIS);
        let Ok(year) = u32::try_from(newest.timestamp().to_zoned(TimeZone::UTC).year()) else {
            return Moment::default();
        };
        for back in 0..=YEARS_BACK {
            // The year may have begun in a zone east of UTC.
            let moment = self.moment((year + 1).saturating_sub(back), day, clock);
            if let Some(time) = moment.time.filter(|&time| time <= newest) {
                let is_old = time < seen.plus_millis(-366 * DAY_MILLIS);
                return Moment { is_assumed: moment.is_assumed || is_old, ..moment };
            }
        }
        Moment::default()
    }
}

fn civil(year: u32, day: Day, clock: Clock) -> Option<DateTime> {
    let narrow = |number: u32| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, narrow(day.month)?, narrow(day.day)?).ok()?;
    let nanos = i32::try_from(clock.millis * 1_000_000).ok()?;
    let time =
        jiff::civil::Time::new(narrow(clock.hour)?, narrow(clock.minute)?, narrow(clock.second)?, nanos);
    Some(date.to_datetime(time.ok()?))
}

const DAY_MILLIS: i64 = 86_400_000;
/// A 29 February is at most 8 years from the next.
const YEARS_BACK: u32 = 9;

#[cfg(test)]
mod tests;
