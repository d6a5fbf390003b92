//! What the forms of a time mean.

use super::super::Habits;
use super::*;
use proptest::prelude::*;

/// The time and whether it is assumed, when read at `seen` in `zone`.
fn at(text: &str, seen: &str, zone: &str, day_first: Option<bool>) -> Option<String> {
    let habits = Habits { day_first, ..Habits::default() };
    let context = Context {
        seen: Time::parse_rfc3339(seen).unwrap_or_default(),
        zone: &TimeZone::get(zone).unwrap_or(TimeZone::UTC),
        habits: &habits,
        ..Context::example()
    };
    read(text, &context).map(|moment| match (moment.time, moment.is_assumed) {
        (None, _) => "absurd".to_owned(),
        (Some(time), false) => time.to_string(),
        (Some(time), true) => format!("{time} assumed"),
    })
}

fn utc(text: &str) -> String {
    at(text, "2024-02-29T12:00:00Z", "UTC", None).unwrap_or_else(|| "no time".to_owned())
}

#[test]
fn a_number_is_seconds_or_less_by_its_size() {
    for text in ["1709193520", "1709193520000", "1709193520000000", "1709193520000000000", "1709193520.000"] {
        assert_eq!(utc(text), "2024-02-29T07:58:40.000Z", "{text}");
    }
    assert_eq!(utc("1709193520.1189"), "2024-02-29T07:58:40.118Z");
    for absurd in ["100000000", "99999999999", "9999999999999999999"] {
        assert!(["absurd", "no time"].contains(&utc(absurd).as_str()), "{absurd}");
    }
    for other in ["0", "12345678", "-1709193520", "1709193520x", ""] {
        assert_eq!(utc(other), "no time", "{other}");
    }
}

#[test]
fn a_written_time_is_read_in_every_form() {
    for text in [
        "2024-02-29T07:58:40.118Z",
        "2024-02-29 07:58:40,118",
        "2024/02/29 07:58:40.118999",
        "2024-02-29t08:58:40.118+01:00",
        "2024-02-29 08:58:40,118 +0100",
        "2024-02-29T02:58:40.118-05",
        "2024-02-29 08:58:40.118 CET",
        "2024-02-29T08:58:40.118+01:00[Europe/Berlin]",
        "29.02.2024 07:58:40.118",
        "29.02.24, 07:58:40,118",
        "02/29/2024 7:58:40.118 AM",
        "29/02/2024 07:58:40.118",
        "Feb 29, 2024 7:58:40.118 a.m.",
        "Feb 29 07:58:40.118",
        "Feb 29 2024 07:58:40.118",
        "Thu Feb 29 07:58:40.118 UTC 2024",
        "Thu, 29 February 2024 07:58:40.118 GMT",
        "29/Feb/2024:07:58:40.118 +0000",
    ] {
        assert_eq!(utc(text), "2024-02-29T07:58:40.118Z", "{text}");
    }
}

#[test]
fn noon_and_midnight_of_the_clock_with_twelve_hours() {
    assert_eq!(utc("02/28/2024 12:00:00 AM"), "2024-02-28T00:00:00.000Z");
    assert_eq!(utc("02/28/2024 12:00 pm"), "2024-02-28T12:00:00.000Z");
    assert_eq!(utc("02/28/2024 13:00:00 PM"), "no time");
}

#[test]
fn who_says_which_number_is_the_day_is_believed_and_else_it_is_a_guess() {
    let read = |day_first| at("03/04/2023 10:00:00", "2024-02-29T12:00:00Z", "UTC", day_first);
    assert_eq!(read(Some(true)).as_deref(), Some("2023-04-03T10:00:00.000Z"));
    assert_eq!(read(Some(false)).as_deref(), Some("2023-03-04T10:00:00.000Z"));
    assert_eq!(read(None).as_deref(), Some("2023-03-04T10:00:00.000Z assumed"));
    assert_eq!(utc("04.03.2023 10:00:00"), "2023-03-04T10:00:00.000Z");
    assert_eq!(utc("24-02-29 10:00:00"), "2029-02-24T10:00:00.000Z assumed");
    assert_eq!(utc("24/02/23 10:00:00"), "2023-02-24T10:00:00.000Z assumed");
    assert_eq!(utc("02/29/24 10:00:00"), "2024-02-29T10:00:00.000Z");
}

#[test]
fn a_year_that_is_not_written_is_never_more_than_a_day_ahead() {
    for (text, seen, expected) in [
        ("Dec 31 23:59:59", "2024-01-01T00:00:05Z", "2023-12-31T23:59:59.000Z"),
        ("Jan  1 00:00:03", "2023-12-31T23:59:59Z", "2024-01-01T00:00:03.000Z"),
        ("Jan  1 00:00:03", "2024-01-01T00:00:05Z", "2024-01-01T00:00:03.000Z"),
        ("Mar  2 00:00:00", "2024-02-29T12:00:00Z", "2023-03-02T00:00:00.000Z"),
        ("Mar  1 11:00:00", "2024-02-29T12:00:00Z", "2024-03-01T11:00:00.000Z"),
        ("Feb 29 10:00:00", "2026-03-01T00:00:00Z", "2024-02-29T10:00:00.000Z assumed"),
        ("Feb 30 10:00:00", "2026-03-01T00:00:00Z", "absurd"),
    ] {
        assert_eq!(at(text, seen, "UTC", None).as_deref(), Some(expected), "{text}");
    }
    let east = at("Jan  1 00:30:00", "2023-12-31T15:30:00Z", "Asia/Tokyo", None);
    assert_eq!(east.as_deref(), Some("2023-12-31T15:30:00.000Z"));
}

#[test]
fn a_time_without_a_zone_is_in_that_of_the_source() {
    let read = |text| at(text, "2024-12-01T00:00:00Z", "Europe/Berlin", None).unwrap_or_default();
    assert_eq!(read("2024-07-01 10:00:00"), "2024-07-01T08:00:00.000Z");
    assert_eq!(read("2024-07-01 10:00:00 UTC"), "2024-07-01T10:00:00.000Z");
    assert_eq!(read("2024-07-01 10:00:00[America/New_York]"), "2024-07-01T08:00:00.000Z assumed");
}

#[test]
fn where_clocks_change_the_first_moment_is_assumed() {
    let read = |text| at(text, "2024-12-01T00:00:00Z", "Europe/Berlin", None).unwrap_or_default();
    assert_eq!(read("2024-10-27 02:30:00"), "2024-10-27T00:30:00.000Z assumed");
    assert_eq!(read("2024-10-27 02:30:00+01:00"), "2024-10-27T01:30:00.000Z");
    assert_eq!(read("2024-03-31 02:30:00"), "2024-03-31T01:30:00.000Z assumed");
    assert_eq!(read("2024-03-31 03:30:00"), "2024-03-31T01:30:00.000Z");
}

#[test]
fn a_leap_second_is_the_last_moment_before_it() {
    assert_eq!(utc("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59.999Z");
}

#[test]
fn what_no_living_sensor_can_have_meant_is_absurd() {
    for text in [
        "0001-01-01 00:00:00",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2024-13-01 00:00:00",
        "2024-02-30 00:00:00",
        "2024-02-29 25:00:00",
        "2024-02-29 10:61:00",
    ] {
        assert_eq!(utc(text), "absurd", "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,40}", shape in "[0-9]{1,4}[-/. ][A-Za-z0-9]{1,3}[-/. ][0-9]{1,4}[ T:][0-9]{1,2}:[0-9]{2}:[0-9]{2}[.,]?[0-9]{0,9} ?[A-Za-z+0-9:-]{0,6}") {
        at(&text, "2024-02-29T12:00:00Z", "Europe/Berlin", None);
        at(&shape, "2024-02-29T12:00:00Z", "Europe/Berlin", None);
    }

    #[test]
    fn a_moment_survives_being_written(millis in 946_684_800_000_i64..7_258_118_400_000) {
        let time = Time::from_millis(millis).unwrap_or_default().to_string();
        prop_assert_eq!(&utc(&time), &time);
        prop_assert_eq!(utc(&time.replace('T', " ").replace('.', ",").replace('Z', "")), time);
    }
}
