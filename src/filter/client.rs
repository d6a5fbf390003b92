//! `client`: records of actors at an address.

use super::addresses::Addresses;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use std::sync::Arc;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "client",
    about: "the actor's address: one, a network such as 10.2.0.0/16, or with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let at = Arc::new(Addresses::parse(value)?);
    let is_number = value.contains('.') && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number && matches!(*at, Addresses::Name(_)) {
        return Err("write the whole address, or 10.2.*, or a network such as 10.2.0.0/16".into());
    }
    let is_at = Arc::clone(&at);
    Ok(at.literals(Test::new(value, move |record| {
        record.event.client.as_ref().is_some_and(|client| is_at.holds(client))
    })))
}
