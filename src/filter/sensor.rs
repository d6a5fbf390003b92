//! `sensor`: records about one sensor.

use super::glob::Glob;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind =
    FilterKind { name: "sensor", about: "the sensor, with * and ? as wildcards", given: Given::AnyOf, parse };

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write the name of a sensor".into());
    }
    let glob = Glob::new(value);
    let test = Test::new(value, move |record| glob.matches(&record.event.sensor));
    Ok(test.with_literal(value))
}
