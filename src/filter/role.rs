//! `role`: records of actors in a role, as the sensor spells it.

use super::glob::Glob;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "role",
    about: "the actor's role as the sensor spells it, with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write a role, or * for whoever has one".into());
    }
    let glob = Glob::new(value);
    let test =
        Test::new(value, move |record| record.event.role.as_ref().is_some_and(|role| glob.matches(role)));
    Ok(test.with_literal(value))
}
