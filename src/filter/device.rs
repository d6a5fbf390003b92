//! `device`: records in which a device is affected: by name or address.

use super::addresses::Addresses;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "device",
    about: "an affected device: a name or address with * and ? as wildcards, or a network such as 10.2.0.0/16",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let at = Addresses::parse(value)?;
    let test = Test::new(value, move |record| record.event.devices.iter().any(|device| at.holds(device)));
    Ok(if value.contains('/') { test } else { test.with_literal(value) })
}
