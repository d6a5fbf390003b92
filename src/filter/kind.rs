//! `kind`: records of one of the sensor's own types; the word is `type`.

use super::glob::Glob;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "type",
    about: "the sensor's own type, such as USER_OPERATION, with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write a type, such as USER_OPERATION".into());
    }
    let glob = Glob::new(value);
    let test = Test::new(value, move |record| glob.matches(&record.event.kind));
    Ok(test.with_literal(value))
}
