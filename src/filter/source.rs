//! `source`: records that came from one configured source.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "source",
    about: "which [[source]] it was read from, by its name",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write the name of a [[source]] of the config".into());
    }
    let name = value.to_owned();
    Ok(Test::new(value, move |record| record.event.source == name).with_literal(value))
}
