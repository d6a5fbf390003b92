//! `severity`: records in a range of severities.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use std::ops::RangeInclusive;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "severity",
    about: "0 to 10, a range such as 6..8 or 7.., or info (0..3), notice (4..5), warning (6..7), error (8..10)",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let range = range(value)
        .ok_or("write a number from 0 to 10, a range such as 6.. or notice..warning, or info, notice, warning, error")?;
    let (from, to) = (*range.start(), *range.end());
    Ok(Test::new(format!("{from}..{to}"), move |record| range.contains(&record.event.severity.0)))
}

/// As the taxonomy has it: the words are those of syslog.
pub(super) fn range(value: &str) -> Option<RangeInclusive<u8>> {
    let lower = value.to_ascii_lowercase();
    let range = match lower.split_once("..") {
        None => one(&lower)?,
        Some((from, "")) => *one(from)?.start()..=10,
        Some(("", to)) => 0..=*one(to)?.end(),
        Some((from, to)) => *one(from)?.start()..=*one(to)?.end(),
    };
    (range.start() <= range.end()).then_some(range)
}

fn one(text: &str) -> Option<RangeInclusive<u8>> {
    Some(match text {
        "info" => 0..=3,
        "notice" => 4..=5,
        "warning" => 6..=7,
        "error" => 8..=10,
        _ => {
            let number = text.parse::<u8>().ok().filter(|&number| number <= 10)?;
            number..=number
        }
    })
}
