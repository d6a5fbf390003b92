//! `client`: records of actors at an address.

use super::addresses::Addresses;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "client",
    about: "the actor's address: one, a network such as 10.2.0.0/16, or with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let at = Addresses::parse(value)?;
    let test =
        Test::new(value, move |record| record.event.client.as_ref().is_some_and(|client| at.holds(client)));
    Ok(if value.contains('/') { test } else { test.with_literal(value) })
}
