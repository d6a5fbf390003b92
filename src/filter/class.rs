//! `class`: user operations, network events, or otrail's own.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use crate::model::Class;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "class",
    about: "whose doing it is: user-operation, network or agent",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let class = Class::parse(&value.to_ascii_lowercase())
        .ok_or_else(|| format!("write {}", Class::ALL.map(Class::name).join(", ")))?;
    let test = Test::new(class.name(), move |record| record.event.class == class);
    Ok(test.with_literal(class.name()))
}
