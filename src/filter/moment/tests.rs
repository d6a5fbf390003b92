//! Every way to write a moment, and what is no moment.

use super::*;
use proptest::prelude::*;

/// Friday 2024-03-01 12:30:15.250 in Berlin.
fn clock() -> Clock {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = Time::parse_rfc3339("2024-03-01T11:30:15.250Z").unwrap();
    Clock { named: |name| TimeZone::get(name).ok(), boot: Time::from_millis(0), ..Clock::new(now, zone) }
}

fn read_at(text: &str, twice: Twice) -> String {
    match read(text, &clock(), twice) {
        Ok(read) => read.time.to_string(),
        Err(way_out) => way_out,
    }
}

#[test]
fn a_moment_reads_as_people_write_it() {
    for (text, moment) in [
        ("now", "2024-03-01T11:30:15.250Z"),
        ("today", "2024-02-29T23:00:00.000Z"),
        ("Yesterday", "2024-02-28T23:00:00.000Z"),
        ("tomorrow", "2024-03-01T23:00:00.000Z"),
        ("yesterday 08:00", "2024-02-29T07:00:00.000Z"),
        ("2024-02-10", "2024-02-09T23:00:00.000Z"),
        ("2024-02-10 14:00", "2024-02-10T13:00:00.000Z"),
        ("2024-02-10  14:00:01", "2024-02-10T13:00:01.000Z"),
        ("2024-02-10T14:00:01.5", "2024-02-10T13:00:01.500Z"),
        ("2024-02-10T14:00Z", "2024-02-10T14:00:00.000Z"),
        ("2024-02-10t14:00:00z", "2024-02-10T14:00:00.000Z"),
        ("2024-02-10T14:00:00.123456789-05:30", "2024-02-10T19:30:00.123Z"),
        ("2024-02-10 14:00 +0200", "2024-02-10T12:00:00.000Z"),
        ("2024-02-10 14:00+02", "2024-02-10T12:00:00.000Z"),
        ("2024-02-10 14:00 UTC", "2024-02-10T14:00:00.000Z"),
        ("2024-02-10 14:00 America/New_York", "2024-02-10T19:00:00.000Z"),
        ("2024-02-10T14:00:00-05:00[America/New_York]", "2024-02-10T19:00:00.000Z"),
        ("2024-02-10 UTC", "2024-02-10T00:00:00.000Z"),
        ("today UTC", "2024-03-01T00:00:00.000Z"),
        ("2024-12-31T23:59:60Z", "2024-12-31T23:59:59.000Z"),
        ("9:05", "2024-03-01T08:05:00.000Z"),
        ("09:05:07 UTC", "2024-03-01T09:05:07.000Z"),
        ("monday", "2024-02-25T23:00:00.000Z"),
        ("Friday", "2024-02-29T23:00:00.000Z"),
        ("sat", "2024-02-23T23:00:00.000Z"),
        ("thu 17:30", "2024-02-29T16:30:00.000Z"),
        ("sunday UTC", "2024-02-25T00:00:00.000Z"),
        ("this-day", "2024-02-29T23:00:00.000Z"),
        ("this-hour", "2024-03-01T11:00:00.000Z"),
        ("this-week", "2024-02-25T23:00:00.000Z"),
        ("week-ago", "2024-02-22T23:00:00.000Z"),
        ("this-month", "2024-02-29T23:00:00.000Z"),
        ("this-year UTC", "2024-01-01T00:00:00.000Z"),
        ("recent", "2024-03-01T11:20:15.250Z"),
        ("boot", "1970-01-01T00:00:00.000Z"),
        ("-15m", "2024-03-01T11:15:15.250Z"),
        ("-1M", "2024-02-01T11:30:15.250Z"),
        ("1M ago", "2024-02-01T11:30:15.250Z"),
        ("-1MIN", "2024-03-01T11:29:15.250Z"),
        ("last friday", HOW),
        ("08:00 yesterday", HOW),
        ("-1h30m", "2024-03-01T10:00:15.250Z"),
        ("+5m", "2024-03-01T11:35:15.250Z"),
        ("2 days ago", "2024-02-28T11:30:15.250Z"),
        ("15 min ago", "2024-03-01T11:15:15.250Z"),
        ("in 1 hour", "2024-03-01T12:30:15.250Z"),
        ("@0", "1970-01-01T00:00:00.000Z"),
        ("@1709283600.25", "2024-03-01T09:00:00.250Z"),
        ("@-1", "1969-12-31T23:59:59.000Z"),
    ] {
        assert_eq!(read_at(text, Twice::First), moment, "{text}");
    }
}

#[test]
fn what_is_no_moment_is_told_how_to_write_one() {
    for text in [
        "",
        "noon",
        "2024-02-30",
        "2024-2-3",
        "24-02-03",
        "2024-02-10 25:00",
        "14:60",
        "14:00:61",
        "15m",
        "mo",
        "mondays",
        "this-decade",
        "-",
        "@",
        "@x",
        "2024-02-10T14:00:00+99:00",
        "2024-02-10 14:00 Mars/Olympus",
        "01/03/2024",
        "2024-02-10 14:00 15:00",
        "-999999999 years",
        "٢٠٢٤-٠٢-١٠",
    ] {
        let read = read(text, &clock(), Twice::First);
        assert!(read.as_ref().is_err_and(|way_out| !way_out.is_empty()), "{text}: {read:?}");
    }
}

#[test]
fn a_local_time_that_came_twice_widens_the_range() {
    assert_eq!(read_at("2023-10-29 02:30", Twice::First), "2023-10-29T00:30:00.000Z");
    assert_eq!(read_at("2023-10-29 02:30", Twice::Second), "2023-10-29T01:30:00.000Z");
}

#[test]
fn what_was_decided_is_noted() {
    let note = |text| read(text, &clock(), Twice::First).unwrap().note;
    assert_eq!(note("2023-10-29 02:30"), Some("this local time came twice, the first is meant"));
    assert!(note("2024-03-31 02:30").unwrap().contains("never was"));
    assert_eq!((note("2023-10-29 02:30 UTC"), note("today")), (None, None));
}

#[test]
fn a_local_time_that_never_was_is_when_the_clocks_were_set() {
    for twice in [Twice::First, Twice::Second] {
        assert_eq!(read_at("2024-03-31 02:30", twice), "2024-03-31T01:00:00.000Z");
        // In Santiago a day of 2024 began at one o'clock.
        assert_eq!(read_at("2024-09-08 America/Santiago", twice), "2024-09-08T04:00:00.000Z");
    }
}

proptest! {
    #[test]
    fn what_time_writes_reads_as_the_same_moment(millis in -62_000_000_000_000..253_000_000_000_000_i64) {
        let time = Time::from_millis(millis).unwrap();
        prop_assert_eq!(read(&time.to_string(), &clock(), Twice::First), Ok(time.into()));
        let local = time.timestamp().to_zoned(clock().zone);
        if local.year() >= 1970 {
            prop_assert_eq!(read(&local.to_string(), &clock(), Twice::First).map(|read| read.time.timestamp().to_zoned(clock().zone).datetime()), Ok(local.datetime()));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", near in "[-+@0-9:. TZa-z\\[\\]/]{0,30}") {
        let _ = read(&text, &clock(), Twice::First);
        let _ = read(&near, &clock(), Twice::Second);
    }
}
