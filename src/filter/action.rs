//! `action`: records of one action, or of all whose names begin alike.

use super::near::near;
use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use crate::model::{ACTIONS, Action};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "action",
    about: "what was done: a name such as user.login, or all that begin alike: user, user. or user.*",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, Flaw> {
    let name = value.to_ascii_lowercase();
    let group = format!("{name}.");
    let is_group = Action::parse(&name).is_none() && ACTIONS.iter().any(|row| row.name.starts_with(&group));
    let stem = match name.strip_suffix('*') {
        Some(stem) => Some(stem),
        None if name.ends_with('.') => Some(name.as_str()),
        None => is_group.then_some(group.as_str()),
    };
    if let Some(stem) = stem {
        if !ACTIONS.iter().any(|row| row.name.starts_with(stem)) {
            return Err(unknown(stem).into());
        }
        let prefix = stem.to_owned();
        let test =
            Test::new(format!("{stem}*"), move |record| record.event.action.name().starts_with(&prefix));
        return Ok(test.with_literal(stem));
    }
    let action = Action::parse(&name).ok_or_else(|| unknown(&name))?;
    Ok(Test::new(action.name(), move |record| record.event.action == action).with_literal(action.name()))
}

/// The way out for a name that is not in the taxonomy: those that look like it.
fn unknown(name: &str) -> String {
    let names = near(name, ACTIONS.iter().map(|row| row.name));
    match names.is_empty() {
        true => "no action is called so, and none begins so".to_owned(),
        false => format!("no such action; near it are {}", names.join(", ")),
    }
}
