//! `user`: records of an actor, by name or by account as the sensor spells it.

use super::glob::Glob;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "user",
    about: "who did it: a name or account, upper and lower case alike, with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write a name, or * for whoever has one".into());
    }
    let glob = Glob::new(value);
    let test = Test::new(value, move |record| {
        let event = &record.event;
        [&event.user, &event.account].into_iter().flatten().any(|name| glob.matches(name))
    });
    // Wildcards are not plain text, so the literal is a run between them.
    Ok(test.with_literal(value))
}
