//! `action`: records of one action, or of all whose names begin alike.

use super::test::Test;
use super::{Clock, FilterKind, Given};
use crate::model::{ACTIONS, Action};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "action",
    about: "what was done: a name such as user.login, or all that begin alike: user. or user.*",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, String> {
    let name = value.to_ascii_lowercase();
    let stem = name.strip_suffix('*').or_else(|| name.ends_with('.').then_some(name.as_str()));
    if let Some(stem) = stem {
        if !ACTIONS.iter().any(|row| row.name.starts_with(stem)) {
            return Err(near(stem));
        }
        let prefix = stem.to_owned();
        let test =
            Test::new(format!("{stem}*"), move |record| record.event.action.name().starts_with(&prefix));
        return Ok(test.with_literal(stem));
    }
    let action = Action::parse(&name).ok_or_else(|| near(&name))?;
    Ok(Test::new(action.name(), move |record| record.event.action == action).with_literal(action.name()))
}

/// The way out for a name that is not in the taxonomy: those that look like it.
fn near(name: &str) -> String {
    let mut found: Vec<(usize, &str)> = ACTIONS
        .iter()
        .map(|row| (distance(name, row.name), row.name))
        .filter(|&(edits, known)| edits <= known.len() / 3 || (name.len() > 2 && known.contains(name)))
        .collect();
    found.sort_unstable();
    found.truncate(NEAR_MAX);
    if found.is_empty() {
        return "no action is called so, and none begins so".to_owned();
    }
    let names: Vec<&str> = found.into_iter().map(|(_, known)| known).collect();
    format!("no such action; near it are {}", names.join(", "))
}

/// How many characters to insert, remove or replace to turn one name into the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, byte) in left.bytes().take(NAME_BYTES_MAX).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

/// How many names an error offers.
const NEAR_MAX: usize = 3;
/// No action is longer; what follows cannot make a name nearer.
const NAME_BYTES_MAX: usize = 64;
