//! A moment in UTC, to the millisecond: the precision the sensor documents.

use jiff::Timestamp;
use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999 that RFC 3339 can write.
///
/// Leap seconds have no place of their own: RFC 5424 section 6.2.3.1 forbids them on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// 0000-01-01T00:00:00.000Z.
    pub const MIN: Time = Time(-62_167_219_200_000);
    /// 9999-12-30T22:00:00.000Z, the last moment that `jiff` can hold in every zone.
    pub const MAX: Time = Time(253_402_207_200_000);

    /// `None` outside of `MIN..=MAX`.
    pub fn from_millis(millis: i64) -> Option<Time> {
        (Time::MIN.0..=Time::MAX.0).contains(&millis).then_some(Time(millis))
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The second since the Unix epoch that it is in: the whole one before it, also before 1970.
    pub fn second(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment of a `jiff` timestamp, cut to the millisecond and kept within `MIN..=MAX`.
    pub fn from_timestamp(timestamp: Timestamp) -> Time {
        Time(timestamp.as_millisecond().clamp(Time::MIN.0, Time::MAX.0))
    }

    /// The same moment for calendar work and other zones.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// This moment moved by `millis`, kept within `MIN..=MAX`.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Time {
        Time(self.0.saturating_add(millis).clamp(Time::MIN.0, Time::MAX.0))
    }

    /// Reads an RFC 3339 timestamp such as `2024-02-29T09:11:02.123Z`; more digits are cut.
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        parse_fixed(text.as_bytes()).or_else(|| text.parse().ok().map(Time::from_timestamp))
    }

    /// Appends `2024-02-29T09:11:02.123Z`: always 24 bytes, always UTC (RFC 3339, RFC 5424 section 6.2.3).
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let (days, millis) = (self.0.div_euclid(DAY_MILLIS), self.0.rem_euclid(DAY_MILLIS) as u32);
        let (year, month, day) = civil_from_days(days);
        let seconds = millis / 1000;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], seconds / 3600);
        put(&mut text[14..16], seconds / 60 % 60);
        put(&mut text[17..19], seconds % 60);
        put(&mut text[20..23], millis % 1000);
        out.extend_from_slice(&text);
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write_rfc3339(&mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Writes `value` right-aligned into `digits`, with leading zeros.
fn put(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// The form that `write_rfc3339` makes, read without a general parser: the journal is full of it.
fn parse_fixed(text: &[u8]) -> Option<Time> {
    let shape = text.len() == 24
        && [4, 7].iter().all(|&at| text[at] == b'-')
        && [13, 16].iter().all(|&at| text[at] == b':')
        && (text[10], text[19], text[23]) == (b'T', b'.', b'Z');
    if !shape {
        return None;
    }
    let mut beyond = false;
    let mut number = |range: std::ops::Range<usize>| {
        let mut sum = 0;
        for byte in &text[range] {
            let digit = byte.wrapping_sub(b'0');
            beyond |= digit > 9;
            sum = sum * 10 + u32::from(digit);
        }
        sum
    };
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let (hour, minute, second, milli) = (number(11..13), number(14..16), number(17..19), number(20..23));
    if beyond || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    if civil_from_days(days) != (year, month, day) {
        return None;
    }
    let millis = i64::from((hour * 60 + minute) * 60 + second) * 1000 + i64::from(milli);
    Time::from_millis(days * DAY_MILLIS + millis)
}

/// Days since 1970-01-01 as year, month, day of the proleptic Gregorian calendar, for years from 0 on.
/// Counts in eras of 400 years that begin on 1 March, so that the leap day comes last.
fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let shifted = days + EPOCH_FROM_MARCH_0;
    let (era, day_of_era) = (shifted.div_euclid(ERA_DAYS), shifted.rem_euclid(ERA_DAYS));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

/// The inverse of `civil_from_days`; a day that does not exist comes out as a neighbour.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_FROM_MARCH_0
}

const DAY_MILLIS: i64 = 86_400_000;
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_FROM_MARCH_0: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_the_calendar_says() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_709_197_862_123, "2024-02-29T09:11:02.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (Time::MIN.0, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Time(millis).to_string(), text);
            assert_eq!(Time::parse_rfc3339(text), Some(Time(millis)));
        }
    }

    #[test]
    fn a_second_begins_where_its_fraction_is_zero() {
        for (millis, second) in [(0, 0), (999, 0), (1000, 1), (-1, -1), (-1000, -1), (-1001, -2)] {
            assert_eq!(Time(millis).second(), second, "{millis}");
        }
    }

    #[test]
    fn our_calendar_agrees_with_jiff_on_every_day() {
        for day in (-719_528..2_932_896).step_by(7) {
            let time = Time(day * DAY_MILLIS + 12_345);
            assert_eq!(format!("{:.3}", time.timestamp()), time.to_string());
            assert_eq!(parse_fixed(time.to_string().as_bytes()), Some(time));
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_no_time() {
        for text in
            ["2023-02-29T00:00:00.000Z", "2024-00-01T00:00:00.000Z", "2024-01-01T24:00:00.000Z", "", "x"]
        {
            assert_eq!(Time::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn an_offset_is_taken_into_account() {
        assert_eq!(
            Time::parse_rfc3339("2024-02-29T10:11:02+01:00"),
            Time::parse_rfc3339("2024-02-29T09:11:02.000Z")
        );
    }
}
