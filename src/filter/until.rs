//! `until`: records of that time or older.

use super::moment::{self, Twice};
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "until",
    about: "records of this time or older; the same forms as since",
    given: Given::Once,
    parse,
};

/// A local time that came twice means the second: better an hour too much than one too little.
fn parse(value: &str, clock: &Clock) -> Result<Test, Flaw> {
    let read = moment::read(value, clock, Twice::Second)?;
    let time = read.time;
    let test = Test::new(time.to_string(), move |record| record.event.time <= time);
    Ok(test.not_after(time).with_note(value, read.note))
}
