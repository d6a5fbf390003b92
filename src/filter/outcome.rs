//! `outcome`: records of what worked, or of what did not.

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use crate::model::Outcome;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "outcome",
    about: "whether it worked: success, failure or unknown",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let outcome = Outcome::parse(&value.to_ascii_lowercase())
        .ok_or_else(|| format!("write {}", Outcome::ALL.map(Outcome::name).join(", ")))?;
    let test = Test::new(outcome.name(), move |record| record.event.outcome == outcome);
    Ok(test.with_literal(outcome.name()))
}
