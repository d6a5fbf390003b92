//! A moment as people write it, read against a clock that is handed in.
//!
//! ```text
//! 2024-03-01T14:00:00.5+01:00   2024-03-01 14:00   2024-03-01   14:00      no zone: the clock's; no date: today
//! 2024-03-01 14:00 UTC          2024-03-01 14:00 Europe/Berlin             a zone may follow
//! now   today   yesterday 08:00   tomorrow   monday   fri 17:00            a day is its first moment; the last such day
//! this-week   week-ago   this-month   this-year   this-day                 the first moment of it, weeks from Monday
//! this-hour   recent   boot                                                ten minutes ago; the start of the machine
//! -15m   -1h30m   +5m   2 days ago   in 1 hour   -1M                       counted from now; M is a month, as in systemd
//! @1709283600.5                                                            seconds since 1970, UTC
//! ```
//!
//! The grammar is the same in every locale.

use super::Clock;
use crate::model::Time;
use jiff::ToSpan;
use jiff::civil::{self, DateTime};
use jiff::fmt::friendly::SpanParser;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// Which moment a local time means that came twice, because clocks were set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    /// The first.
    First,
    /// The second.
    Second,
}

/// A moment that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) time: Time,
    /// What was decided where the text has two meanings, or none.
    pub(super) note: Option<&'static str>,
}

impl From<Time> for Moment {
    fn from(time: Time) -> Moment {
        Moment { time, note: None }
    }
}

/// Reads a moment; the error says how one is written.
pub(super) fn read(text: &str, clock: &Clock, twice: Twice) -> Result<Moment, String> {
    let text = text.trim();
    if let Some(read) = instant(&lower(text), clock) {
        return read.map(Moment::from);
    }
    calendar(text, clock, twice)
}

/// A moment that needs no calendar.
fn instant(lower: &str, clock: &Clock) -> Option<Result<Time, String>> {
    Some(match lower {
        "now" => Ok(clock.now),
        "recent" => Ok(clock.now.plus_millis(-RECENT_MILLIS)),
        "this-hour" => {
            let now = clock.now.timestamp().to_zoned(clock.zone.clone());
            let into_it = i64::from(now.minute()) * 60_000 + i64::from(now.second()) * 1000;
            Ok(clock.now.plus_millis(-into_it - i64::from(now.millisecond())))
        }
        "boot" => clock.boot.ok_or_else(|| "when this machine was started is not known".to_owned()),
        _ if lower.starts_with('@') => {
            epoch(&lower[1..]).ok_or_else(|| "write seconds since 1970, such as @1709283600".to_owned())
        }
        _ if lower.starts_with(['-', '+']) || lower.ends_with(" ago") || lower.starts_with("in ") => {
            relative(lower.strip_prefix("in ").unwrap_or(lower), clock)
        }
        _ => return None,
    })
}

/// Lower case; the month of `1M` is no minute.
fn lower(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let is_month = character == 'M'
            && lower.ends_with(|last: char| last.is_ascii_digit())
            && !rest.peek().is_some_and(char::is_ascii_alphabetic);
        lower.push_str(if is_month { "mo" } else { "" });
        lower.extend((!is_month).then_some(character.to_ascii_lowercase()));
    }
    lower
}

/// Seconds since 1970 with an optional fraction.
fn epoch(text: &str) -> Option<Time> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds: i64 = digits(seconds, 1..=15)?;
    Time::from_millis(sign * (seconds * 1000 + i64::from(nanos(fraction)? / 1_000_000)))
}

/// A distance from now. Days and more keep the time of day, whatever the clocks did in between.
fn relative(text: &str, clock: &Clock) -> Result<Time, String> {
    let span = SpanParser::new()
        .parse_span(text)
        .map_err(|_| "write a distance such as -15m, -1h30m, +5m or '2 days ago'".to_owned())?;
    let now = clock.now.timestamp().to_zoned(clock.zone.clone());
    let then = now.checked_add(span).map_err(|_| "that is out of the calendar".to_owned())?;
    Ok(Time::from_timestamp(then.timestamp()))
}

/// A day, a time of day, or both, with or without a zone.
fn calendar(text: &str, clock: &Clock, twice: Twice) -> Result<Moment, String> {
    let (text, zone) = split_zone(text, clock)?;
    let today = clock.now.timestamp().to_zoned(zone.clone()).date();
    let spaced = separate(text);
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let read = match words[..] {
        [word] if word.contains(':') => time(word).map(|time| today.to_datetime(time)),
        [word] => date(word, today).map(|date| date.to_datetime(civil::Time::midnight())),
        [day, word] => date(day, today).zip(time(word)).map(|(date, time)| date.to_datetime(time)),
        _ => None,
    };
    resolve(read.ok_or_else(|| HOW.to_owned())?, &zone, twice)
        .ok_or_else(|| "that is out of the calendar".to_owned())
}

/// The `T` between date and time as a space.
fn separate(text: &str) -> String {
    let mut text = text.to_owned();
    if text.starts_with(|first: char| first.is_ascii_digit())
        && matches!(text.as_bytes().get(10), Some(b'T' | b't'))
    {
        text.replace_range(10..11, " ");
    }
    text
}

fn date(word: &str, today: civil::Date) -> Option<civil::Date> {
    if let Some(day) = day_named(&word.to_ascii_lowercase(), today) {
        return Some(day);
    }
    let mut parts = word.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (month, day) = (digits(month, 2..=2)?, digits(day, 2..=2)?);
    civil::Date::new(digits(year, 4..=4)? as i16, month as i8, day as i8).ok()
}

fn day_named(word: &str, today: civil::Date) -> Option<civil::Date> {
    let days_before = |days: i64| today.checked_sub(days.days()).ok();
    match word {
        "today" | "this-day" => Some(today),
        "yesterday" => today.yesterday().ok(),
        "tomorrow" => today.tomorrow().ok(),
        "week-ago" => days_before(7),
        "this-week" => days_before(i64::from(today.weekday().to_monday_zero_offset())),
        "this-month" => Some(today.first_of_month()),
        "this-year" => Some(today.first_of_year()),
        _ => {
            let place =
                WEEKDAYS.iter().position(|day| *day == word || (word.len() == 3 && day.starts_with(word)))?;
            let wanted = i64::try_from(place).ok()?;
            days_before((i64::from(today.weekday().to_monday_zero_offset()) - wanted).rem_euclid(7))
        }
    }
}

fn time(word: &str) -> Option<civil::Time> {
    let mut parts = word.split(':');
    let (hour, minute) = (digits(parts.next()?, 1..=2)?, digits(parts.next()?, 2..=2)?);
    let (second, fraction) = match parts.next() {
        None => ("00", "0"),
        Some(text) => text.split_once('.').unwrap_or((text, "0")),
    };
    if parts.next().is_some() {
        return None;
    }
    // A leap second has no place of its own; it counts as the second before.
    let second = match digits(second, 2..=2)? {
        60 => 59,
        second => second,
    };
    civil::Time::new(hour as i8, minute as i8, second as i8, nanos(fraction)?).ok()
}

/// Takes a zone off the end: `Z`, `+01:00`, ` UTC`, ` Europe/Berlin`, `[Europe/Berlin]`.
fn split_zone<'a>(text: &'a str, clock: &Clock) -> Result<(&'a str, TimeZone), String> {
    if let Some((rest, name)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
        // RFC 9557 writes the offset before the name; the name knows better.
        let rest = clock_time_end(rest).map_or(rest, |at| &rest[..at]);
        return Ok((rest, named(name, clock)?));
    }
    if let Some((rest, name)) = text.rsplit_once(char::is_whitespace)
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
    {
        let zone = named(name, clock);
        // What stands before a zone is a moment; else something else is wrong than the zone.
        let is_moment = |word: &str| time(word).is_some() || date(word, civil::Date::default()).is_some();
        let is_zone = separate(rest).split_whitespace().all(is_moment) && !is_moment(name);
        return Ok((rest, if is_zone { zone } else { zone.map_err(|_| HOW.to_owned()) }?));
    }
    match text.strip_suffix(['Z', 'z']) {
        Some(rest) if rest.ends_with(|last: char| last.is_ascii_digit()) => return Ok((rest, TimeZone::UTC)),
        _ => {}
    }
    match clock_time_end(text) {
        Some(at) => {
            let zone = offset(&text[at..]).ok_or_else(|| "write an offset such as +01:00".to_owned())?;
            Ok((text[..at].trim_end(), zone))
        }
        None => Ok((text, clock.zone.clone())),
    }
}

/// Where the sign of an offset stands: after a time of day, not between the parts of a date.
fn clock_time_end(text: &str) -> Option<usize> {
    let colon = text.find(':')?;
    text[colon..].find(['+', '-']).map(|at| colon + at)
}

fn named(name: &str, clock: &Clock) -> Result<TimeZone, String> {
    if ["utc", "gmt", "z"].contains(&name.to_ascii_lowercase().as_str()) {
        return Ok(TimeZone::UTC);
    }
    (clock.named)(name)
        .ok_or_else(|| format!("no time zone is called {name}; write an offset such as +01:00"))
}

/// `+01:00`, `+0100` or `+01`.
fn offset(text: &str) -> Option<TimeZone> {
    let (sign, text) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match text.split_once(':') {
        Some(parts) => parts,
        None if text.len() == 4 => text.split_at_checked(2)?,
        None => (text, "00"),
    };
    let (hours, minutes) = (digits(hours, 2..=2)?, digits(minutes, 2..=2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = sign * (hours * 3600 + minutes * 60);
    Offset::from_seconds(seconds as i32).ok().map(TimeZone::fixed)
}

/// The moment that a local time names. A time that never was, because clocks were set forward, is the moment
/// they were set.
fn resolve(local: DateTime, zone: &TimeZone, twice: Twice) -> Option<Moment> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let (moment, note) = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => (ambiguous.compatible().ok()?, None),
        AmbiguousOffset::Fold { .. } if twice == Twice::First => {
            (ambiguous.earlier().ok()?, Some("this local time came twice, the first is meant"))
        }
        AmbiguousOffset::Fold { .. } => {
            (ambiguous.later().ok()?, Some("this local time came twice, the second is meant"))
        }
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().ok()?;
            let set = zone.following(before).next().map(|change| change.timestamp())?;
            (set, Some("this local time never was, the moment when clocks were set forward is meant"))
        }
    };
    Time::from_millis(moment.as_millisecond()).map(|time| Moment { time, note })
}

/// A number of so many digits, nothing else.
fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let plain = length.contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The digits after the point, as nanoseconds.
fn nanos(fraction: &str) -> Option<i32> {
    let value = digits(fraction, 1..=9)?;
    (value * 10_i64.pow(9 - fraction.len() as u32)).try_into().ok()
}

/// The way out.
const HOW: &str = "write '2024-03-01 14:00', 2024-03-01T14:00:00Z, 2024-03-01, 14:00, today, monday, this-week, -15m, '2 days ago' or @1709283600";
/// As `ausearch -ts recent` has it.
const RECENT_MILLIS: i64 = 600_000;
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

#[cfg(test)]
mod tests;
