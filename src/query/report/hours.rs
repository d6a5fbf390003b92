//! Working hours: the days on which they begin, and the times of day from and to which they go.
//!
//! ```text
//! mon..fri  07:00..18:00     Monday 06:59 is outside, 07:00 inside, 18:00 outside, Saturday outside
//! mon..fri  22:00..06:00     over midnight: Saturday 05:59 is inside, it belongs to the night that Friday began
//! ```

use crate::model::Time;
use jiff::civil;
use jiff::tz::TimeZone;

/// Hours of some days of the week, in a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    /// From Monday on.
    days: [bool; 7],
    /// Minutes since midnight; the end does not belong to them, and may be 24:00.
    from: u16,
    to: u16,
    zone: TimeZone,
}

/// Why a text says no hours or days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not two times of day.
    #[error("`{0}` are no hours; write 07:00..18:00, or 22:00..06:00 for those over midnight")]
    Hours(String),
    /// They begin when they end.
    #[error("`{0}` begin when they end: nothing would be outside, or all of it; 00:00..24:00 is a whole day")]
    Empty(String),
    /// Not days.
    #[error("`{0}` are no days; write mon..fri, or mon,wed,sat..sun")]
    Days(String),
}

impl Hours {
    /// Reads both, such as `07:00..18:00` and `mon..fri`.
    pub fn parse(hours: &str, days: &str, zone: TimeZone) -> Result<Hours, HoursError> {
        let times = hours.split_once("..").and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        let (from, to) = times.ok_or_else(|| HoursError::Hours(hours.to_owned()))?;
        if from == DAY {
            return Err(HoursError::Hours(hours.to_owned()));
        }
        if from == to {
            return Err(HoursError::Empty(hours.to_owned()));
        }
        let days = self::days(days).ok_or_else(|| HoursError::Days(days.to_owned()))?;
        Ok(Hours { days, from, to, zone })
    }

    /// Whether the moment is within them.
    pub fn has(&self, time: Time) -> bool {
        let local = time.timestamp().to_zoned(self.zone.clone());
        let minute = minute_of(local.time());
        let today = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs()) % 7;
        let yesterday = (today + 6) % 7;
        if self.from < self.to {
            return self.days[today] && (self.from..self.to).contains(&minute);
        }
        (self.days[today] && minute >= self.from) || (self.days[yesterday] && minute < self.to)
    }

    /// The day of the moment in their zone, as 2024-02-29.
    pub(super) fn day(&self, time: Time) -> civil::Date {
        time.timestamp().to_zoned(self.zone.clone()).date()
    }
}

fn minute_of(time: civil::Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

/// A time of day, to the minute.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| match digits.len() {
        1..=2 if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u16>().ok(),
        _ => None,
    };
    let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
    (minute < 60).then_some(hour * 60 + minute).filter(|&minute| minute <= DAY)
}

/// Days and ranges of days; a range may go over the end of the week.
fn days(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (mut at, last) = (day(first)?, day(last)?);
        days[at] = true;
        while at != last {
            at = (at + 1) % 7;
            days[at] = true;
        }
    }
    Some(days)
}

/// The place of a day in the week, by its name or the beginning of it.
fn day(text: &str) -> Option<usize> {
    let text = text.trim().to_lowercase();
    (text.len() >= 3).then(|| NAMES.iter().position(|name| name.starts_with(&text)))?
}

const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const DAY: u16 = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-26 is a Monday.
    fn inside(hours: &str, days: &str, moment: &str) -> bool {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let moment: jiff::Timestamp = format!("{moment}:00+01:00").parse().unwrap();
        Hours::parse(hours, days, zone).unwrap().has(Time::from_timestamp(moment))
    }

    #[test]
    fn the_end_of_working_hours_is_outside_of_them() {
        for (moment, expected) in [
            ("2024-02-26T06:59", false),
            ("2024-02-26T07:00", true),
            ("2024-02-26T17:59", true),
            ("2024-02-26T18:00", false),
            ("2024-03-02T12:00", false),
        ] {
            assert_eq!(inside("07:00..18:00", "mon..fri", moment), expected, "{moment}");
        }
        assert!(inside("00:00..24:00", "sat..sun", "2024-03-03T23:59"));
        assert!(!inside("0:00..24:00", "sat..sun", "2024-03-04T00:00"));
    }

    #[test]
    fn a_night_belongs_to_the_day_that_began_it() {
        for (moment, expected) in [
            ("2024-02-26T05:00", false),
            ("2024-02-26T22:00", true),
            ("2024-02-27T05:59", true),
            ("2024-02-27T06:00", false),
            ("2024-03-02T05:59", true),
            ("2024-03-02T22:00", false),
        ] {
            assert_eq!(inside("22:00..06:00", "mon..fri", moment), expected, "{moment}");
        }
    }

    #[test]
    fn days_are_names_and_ranges_also_over_the_end_of_the_week() {
        let on = |text| self::days(text).map(|days| days.map(u8::from));
        assert_eq!(on("mon..fri"), Some([1, 1, 1, 1, 1, 0, 0]));
        assert_eq!(on("Sat..Mon, wednesday"), Some([1, 0, 1, 0, 0, 1, 1]));
        assert_eq!(on("sun"), Some([0, 0, 0, 0, 0, 0, 1]));
        for text in ["", "mo", "mon..", "mon-fri", "monday,", "someday"] {
            assert_eq!(on(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_hours_is_said_with_what_would_be() {
        let error = |hours, days| Hours::parse(hours, days, TimeZone::UTC).unwrap_err().to_string();
        for hours in
            ["", "7", "7..18", "07:00", "07:00-18:00", "25:00..26:00", "07:60..08:00", "24:00..07:00"]
        {
            assert!(error(hours, "mon").contains("write 07:00..18:00"), "{hours}");
        }
        assert!(error("07:00..07:00", "mon").contains("begin when they end"));
        assert!(error("07:00..18:00", "mon-fri").contains("write mon..fri"));
    }
}
