//! Times of the command line: the zone they are read and shown in, and a range as it was understood.

use crate::filter::Clock;
use crate::model::Time;
use jiff::tz::{Offset, TimeZone};
use std::fs;

/// In which zone times are read and shown.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Zone {
    /// Read and show times in UTC
    #[arg(long)]
    utc: bool,
    /// Read and show times in this zone, such as Europe/Berlin or +01:00
    #[arg(long, value_name = "ZONE", conflicts_with = "utc", value_parser = zone, allow_hyphen_values = true)]
    tz: Option<TimeZone>,
}

impl Zone {
    /// The zone that was asked for, else that of the system.
    pub(super) fn wanted(&self) -> TimeZone {
        match (&self.tz, self.utc) {
            (Some(zone), _) => zone.clone(),
            (None, true) => TimeZone::UTC,
            (None, false) => TimeZone::system(),
        }
    }
}

fn zone(text: &str) -> Result<TimeZone, String> {
    let offset = || -> Option<TimeZone> {
        let (sign, digits) =
            text.strip_prefix('+').map(|rest| (1, rest)).or(text.strip_prefix('-').map(|rest| (-1, rest)))?;
        let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
        let seconds = hours.parse::<i32>().ok().filter(|hours| (0..24).contains(hours))? * 3600
            + minutes.parse::<i32>().ok().filter(|minutes| (0..60).contains(minutes))? * 60;
        Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
    };
    match text {
        "UTC" | "utc" | "Z" => Ok(TimeZone::UTC),
        "local" => Ok(TimeZone::system()),
        _ => offset().or_else(|| TimeZone::get(text).ok()).ok_or_else(|| {
            "no such time zone; write one such as Europe/Berlin, +01:00, UTC or local".to_owned()
        }),
    }
}

/// What times are read against.
pub(super) fn clock(zone: TimeZone) -> Clock {
    let now = Time::from_timestamp(jiff::Timestamp::now());
    Clock { named: |name| TimeZone::get(name).ok(), boot: boot(), ..Clock::new(now, zone) }
}

/// When this machine was started, as the kernel says.
fn boot() -> Option<Time> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Time::from_millis(seconds.trim().parse::<i64>().ok()?.checked_mul(1000)?)
}

/// Relative times and zones are easy to get wrong: says which were meant.
pub(super) fn range((since, until): (Option<Time>, Option<Time>), zone: &TimeZone) -> Option<String> {
    let since = since.map(|since| format!("since {}", both(since, zone)));
    let until = until.map(|until| format!("until {}", both(until, zone)));
    let words: Vec<String> = since.into_iter().chain(until).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A range that ends before it begins is a mistake of whoever wrote it.
pub(super) fn check((since, until): (Option<Time>, Option<Time>), zone: &TimeZone) -> anyhow::Result<()> {
    match since.zip(until).filter(|(since, until)| since > until) {
        None => Ok(()),
        Some((since, until)) => {
            anyhow::bail!("no time is since {} and until {}: swap them", both(since, zone), both(until, zone))
        }
    }
}

/// The moment in the zone, and in UTC if that is another.
fn both(time: Time, zone: &TimeZone) -> String {
    let local = local(time, zone);
    match zone == &TimeZone::UTC || local.ends_with("+00:00") {
        true => local,
        false => format!("{local} ({} UTC)", time.timestamp().strftime("%F %T%.3f")),
    }
}

/// The moment in the zone, with its offset.
pub(super) fn local(time: Time, zone: &TimeZone) -> String {
    time.timestamp().to_zoned(zone.clone()).strftime("%F %T%.3f%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_name_or_an_offset() {
        for (text, shown) in [
            ("UTC", "1970-01-01 00:00:00.000+00:00"),
            ("Europe/Berlin", "1970-01-01 01:00:00.000+01:00"),
            ("+05:30", "1970-01-01 05:30:00.000+05:30"),
            ("-3", "1969-12-31 21:00:00.000-03:00"),
        ] {
            assert_eq!(local(Time::default(), &zone(text).unwrap()), shown);
        }
        for text in ["", "Mars/Olympus", "+24", "+1:99", "+-1", "01:00"] {
            assert!(zone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_offset_to_the_west_is_no_option() {
        use clap::Parser;
        #[derive(Parser)]
        struct Only {
            #[command(flatten)]
            zone: Zone,
        }
        let only = Only::try_parse_from(["otrail", "--tz", "-03:00"]).map_err(drop);
        assert_eq!(only.map(|only| only.zone.wanted()), Ok(zone("-3").unwrap()));
    }

    #[test]
    fn a_range_is_told_in_the_zone_and_in_utc() {
        let zone = zone("+01:00").unwrap();
        let (zero, one) = (Some(Time::default()), Time::from_millis(1000));
        assert_eq!(range((None, None), &zone), None);
        assert_eq!(
            range((zero, one), &zone).as_deref(),
            Some(
                "since 1970-01-01 01:00:00.000+01:00 (1970-01-01 00:00:00.000 UTC) until 1970-01-01 01:00:01.000+01:00 (1970-01-01 00:00:01.000 UTC)"
            )
        );
        assert_eq!(
            range((zero, None), &TimeZone::UTC).as_deref(),
            Some("since 1970-01-01 00:00:00.000+00:00")
        );
    }
}
