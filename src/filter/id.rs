//! `id`: the record of an event id, or those whose ids begin so.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "id",
    about: "the event id, or its first 8 digits or more",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let digits = value.to_ascii_lowercase();
    let is_id = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_id {
        return Err(format!("write {DIGITS_MIN} to {DIGITS_MAX} hex digits").into());
    }
    let missing = 4 * (DIGITS_MAX - digits.len()) as u32;
    let wanted = u128::from_str_radix(&digits, 16).map_err(|_| "write hex digits".to_owned())?;
    let test = Test::new(digits.as_str(), move |record| record.event.id.0 >> missing == wanted);
    Ok(test.with_number(&digits))
}

/// Fewer digits would be shared by chance.
const DIGITS_MIN: usize = 8;
const DIGITS_MAX: usize = 32;
