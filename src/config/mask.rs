//! `[[mask]]`: what is replaced before an event is stored. Without one nothing is.

use super::raw::{Table, Value};
use crate::dialect::{Mask, MaskProblem, Masks};
use std::collections::HashSet;

/// The masks of the file.
pub(super) fn all(top: &Table<'_>) -> Masks {
    let tables = top.each("mask");
    if tables.len() > MASKS_MAX {
        top.problem(format!("there are {} masks", tables.len()), format!("at most {MASKS_MAX}"));
    }
    let mut names = HashSet::new();
    Masks::with(tables.iter().filter_map(|table| mask(table, &mut names)).collect())
}

fn mask<'a>(table: &Table<'a>, names: &mut HashSet<&'a str>) -> Option<Mask> {
    let name = table.need("name", |value| {
        let name = value.name()?;
        if !names.insert(name) {
            value.problem(format!("there is another mask `{name}`"), "choose another name");
        }
        Some(name)
    });
    let replacement = table.read("replacement", |value| {
        let text = value.text()?;
        if !Mask::is_replacement(text) {
            let way_out = "letters, digits and * # _ . - < >, at most 32, so that no entry changes its form";
            value.problem("`replacement` holds what may mean something in a log", way_out);
        }
        Some(text)
    });
    let replacement = replacement.unwrap_or("***");
    let shipped = name.and_then(|name| Mask::shipped(name, replacement));
    if shipped.is_some() && table.lacks("pattern") {
        return shipped;
    }
    table.need("pattern", |value| match Mask::new(name?, value.text()?, replacement) {
        Ok(mask) => Some(mask),
        Err(problem) => {
            report(value, &problem);
            None
        }
    })
}

fn report(value: &Value<'_>, problem: &MaskProblem) {
    let way_out = match problem {
        MaskProblem::Syntax(_) => "the syntax is that of Rust's regex crate",
        MaskProblem::TooLarge => "use less repetition",
        MaskProblem::MatchesNothing => "write what must be there, so that it cannot match the empty text",
    };
    value.problem(format!("`pattern` {problem}"), way_out);
}

const MASKS_MAX: usize = 64;
