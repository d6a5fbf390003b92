//! `grep`: records whose text has a match of a regular expression.

use super::pattern;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use crate::model::Record;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "grep",
    about: "a regular expression over message, raw entry, user, target and reason; upper and lower case are alike unless it has an upper-case letter",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let regex = pattern::compile(value)?;
    let test = Test::new(value, move |record| texts(record, &mut |text| regex.is_match(text)));
    Ok(test.with_texts(pattern::required(value)))
}

/// Every text of the record that is looked into, until one is found.
pub(super) fn texts(record: &Record, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let event = &record.event;
    let target = event.target.as_deref();
    let fields = [
        Some(&event.message),
        event.user.as_ref(),
        event.account.as_ref(),
        event.reason.as_ref(),
        target.map(|target| &target.kind),
        target.and_then(|target| target.name.as_ref()),
        target.and_then(|target| target.id.as_ref()),
    ];
    fields.into_iter().flatten().any(|text| found(text.as_bytes())) || found(event.raw.bytes())
}
