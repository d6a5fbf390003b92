//! `where`: a small language over the fields of events.
//!
//! ```text
//! user = "CORP\*" and not (outcome = success or client in (10.2.0.0/16, 10.3.0.0/16))
//! severity >= warning and time > -2h and message contains "exclusion rule" and text matches /vpn-\d+/
//!
//! text ──▶ pieces ──▶ tree ──▶ judge (a `Test`)        parse, lexer · tree · compile, with the table `fields`
//! ```
//!
//! `=` means what the filter word of that name means: globs, networks, names that begin alike. `!=` is `not ... =`, so it
//! holds where there is no such field, too. Words of the language are the same in either case.
//!
//! Invariant: what a tree prints parses to the same tree, at any later time.
//! Invariant: length, nesting, values and regular expressions are bounded; judging is linear in the record.

mod compile;
mod fields;
mod lexer;
mod parse;
mod tree;

use super::test::Test;
use super::{Clock, FilterKind, Flaw, Given};
use fields::Equal;

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "where",
    about: "an expression such as: user = alice and (severity >= 7 or not client in (10.2.0.0/16, ::1))",
    given: Given::Once,
    parse: read,
};

fn read(value: &str, clock: &Clock) -> Result<Test, Flaw> {
    let tree = parse::parse(value)?;
    compile::compile(tree, clock)
}

/// One of the values of a filter word, as a part of an expression.
pub(super) fn of_word(name: &str, values: &[&str]) -> String {
    let each = |part: &dyn Fn(&str) -> String| {
        format!("({})", values.iter().map(|value| part(value)).collect::<Vec<_>>().join(" or "))
    };
    match name {
        "since" => each(&|value| format!("time >= {}", Text(value))),
        "until" => each(&|value| format!("time <= {}", Text(value))),
        "grep" => each(&|value| format!("text matches {}", Text(value))),
        "where" => each(&|value| value.to_owned()),
        _ => format!(
            "{name} in ({})",
            values.iter().map(|value| Text(value).to_string()).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The words, with those that are none but fields of expressions as part of the expression: values of one field are
/// alternatives, all else must hold, and of several expressions each.
pub fn with_fields<'a>(words: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let (mut others, mut named) = (Vec::new(), Vec::<(&str, Vec<&str>)>::new());
    let mut expressions: Vec<String> = Vec::new();
    for (name, value) in words {
        match (field_of(name), named.iter_mut().find(|(known, _)| *known == name)) {
            (_, Some((_, values))) => values.push(value),
            // It says itself what it can be compared with.
            (Some(Equal::Never), None) => expressions.push(format!("{name} = {}", Text(value))),
            (Some(_), None) => named.push((name, vec![value])),
            (None, None) if name == KIND.name => expressions.push(value.to_owned()),
            (None, None) => others.push((name.to_owned(), value.to_owned())),
        }
    }
    // What is wrong is shown where it stands, and nothing closes a parenthesis that it did not open.
    if let Some(wrong) = expressions.iter().find(|text| parse::parse(text).is_err()) {
        others.push((KIND.name.to_owned(), wrong.clone()));
        return others;
    }
    let named = named.iter().map(|(name, values)| of_word(name, values));
    let parts: Vec<String> = match expressions.len() {
        1 if named.len() == 0 => expressions,
        _ => expressions.iter().map(|text| format!("({text})")).chain(named).collect(),
    };
    others.extend((!parts.is_empty()).then(|| (KIND.name.to_owned(), parts.join(" and "))));
    others
}

/// What `=` means of a field that is no word.
fn field_of(name: &str) -> Option<Equal> {
    let is_word = super::FILTERS.iter().any(|kind| kind.name == name);
    let field = fields::FIELDS.iter().find(|field| !is_word && field.name == name)?;
    Some(field.equal)
}

/// One expression for groups of words, of which one must hold.
pub fn one_of(groups: &[Vec<(&str, &str)>]) -> String {
    let group = |words: &Vec<(&str, &str)>| {
        let mut named = Vec::<(&str, Vec<&str>)>::new();
        for &(name, value) in words {
            match named.iter_mut().find(|(known, _)| *known == name && name != KIND.name) {
                Some((_, values)) => values.push(value),
                None => named.push((name, vec![value])),
            }
        }
        named.iter().map(|(name, values)| of_word(name, values)).collect::<Vec<_>>().join(" and ")
    };
    groups.iter().map(group).collect::<Vec<_>>().join(" or ")
}

/// The names of all words and fields.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let words = super::FILTERS.iter().map(|kind| kind.name);
    words.chain(fields::FIELDS.iter().map(|field| field.name).filter(|name| field_of(name).is_some()))
}

/// A value as an expression writes it.
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        lexer::write_text(self.0, f)
    }
}

#[cfg(test)]
mod tests;
