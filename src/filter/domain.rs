//! `domain`: records of actors from a domain.

use super::glob::Glob;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "domain",
    about: "the actor's domain, with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write a domain, or * for whatever has one".into());
    }
    let glob = Glob::new(value);
    let test =
        Test::new(value, move |record| record.event.domain.as_ref().is_some_and(|name| glob.matches(name)));
    Ok(test.with_literal(value))
}
