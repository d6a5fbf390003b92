//! `device`: records in which a device is affected: by name or address.

use super::addresses::Addresses;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use std::sync::Arc;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "device",
    about: "an affected device: a name or address with * and ? as wildcards, or a network such as 10.2.0.0/16",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let at = Arc::new(Addresses::parse(value)?);
    let is_at = Arc::clone(&at);
    Ok(at.literals(Test::new(value, move |record| {
        record.event.devices.iter().any(|device| is_at.holds(device))
    })))
}
