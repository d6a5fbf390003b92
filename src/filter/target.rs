//! `target`: records of what was acted on: by name or id, or with its kind before it.

use super::glob::Glob;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "target",
    about: "what was acted on: a name or id, or KIND:NAME, with * and ? as wildcards",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    if value.is_empty() {
        return Err("write a name or an id, or KIND:NAME such as user:alice".into());
    }
    let whole = Glob::new(value);
    let parts = value.split_once(':').map(|(kind, name)| (Glob::new(kind), Glob::new(name)));
    let test = Test::new(value, move |record| {
        let Some(target) = record.event.target.as_deref() else { return false };
        let names = || [&target.name, &target.id].into_iter().flatten();
        let by_parts = parts.as_ref().is_some_and(|(kind, name)| {
            kind.matches(&target.kind) && (names().any(|found| name.matches(found)) || name.matches(""))
        });
        by_parts || names().any(|name| whole.matches(name))
    });
    Ok(test.with_literal(value))
}
