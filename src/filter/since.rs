//! `since`: records of that time or newer.

use super::moment::{self, Twice};
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "since",
    about: "records of this time or newer: 2024-03-01, '2024-03-01 14:00', today, monday, -15m, '2 days ago', @1709283600",
    given: Given::Once,
    parse,
};

/// A local time that came twice means the first: better an hour too much than one too little.
fn parse(value: &str, clock: &Clock) -> Result<Test, Flaw> {
    let read = moment::read(value, clock, Twice::First)?;
    let time = read.time;
    let test = Test::new(time.to_string(), move |record| record.event.time >= time);
    Ok(test.not_before(time).with_note(value, read.note))
}
