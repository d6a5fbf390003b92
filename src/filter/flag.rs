//! `flag`: records with something special about them.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use crate::model::Flag;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "flag",
    about: "what is special about it, such as unparsed or truncated",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let flag = Flag::parse(&value.to_ascii_lowercase())
        .ok_or_else(|| format!("write {}", Flag::ALL.map(Flag::name).join(", ")))?;
    let test = Test::new(flag.name(), move |record| record.event.flags.contains(flag));
    Ok(test.with_literal(flag.name()))
}
