//! `severity`: records in a range of severities.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use std::ops::RangeInclusive;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "severity",
    about: "0 to 10, a range such as 6..8 or 7.., or info, notice, warning, error",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let range = range(value)
        .ok_or("write a number from 0 to 10, a range such as 6.. or 4..7, or info, notice, warning, error")?;
    let (from, to) = (*range.start(), *range.end());
    Ok(Test::new(format!("{from}..{to}"), move |record| range.contains(&record.event.severity.0)))
}

/// As the taxonomy has it: the words are those of syslog.
pub(super) fn range(value: &str) -> Option<RangeInclusive<u8>> {
    let bound = |text: &str| text.parse::<u8>().ok().filter(|&number| number <= 10);
    let range = match value.to_ascii_lowercase().as_str() {
        "info" => 0..=3,
        "notice" => 4..=5,
        "warning" => 6..=7,
        "error" => 8..=10,
        text => match text.split_once("..") {
            None => bound(text)?..=bound(text)?,
            Some((from, "")) => bound(from)?..=10,
            Some(("", to)) => 0..=bound(to)?,
            Some((from, to)) => bound(from)?..=bound(to)?,
        },
    };
    (range.start() <= range.end()).then_some(range)
}
