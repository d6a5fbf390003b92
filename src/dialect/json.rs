//! `json`: a log of JSON objects that we do not know; the config may say which field means what.
//!
//! ```text
//! {"time":"2024-02-29T07:58:40Z","actor":{"name":"alice"},"action":"user.login","outcome":"success"}
//! ```
//!
//! A field within a field is named with a dot: `actor.name`. Items of a list have their number: `targets.0.name`.
//! They may be laid out in all the ways that those of the timeline are, see `objects`.
//! Invariant: an entry that is not one JSON object, or says a field twice, is an `unparsed` event.

use super::fields::Field;
use super::said::{self, Said};
use super::{Claim, Context, Dialect, Parsed, State, fields, mend, objects, parts, wide};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;

pub(super) const DIALECT: Dialect = Dialect {
    name: "json",
    about: "any log of JSON objects; see [source.fields]",
    sign: "an object with fields of usual names",
    split: objects::split,
    parse,
    parts: |_, _, text| parts::json_parts(text),
    speaks,
    knows: |_| false,
    lacks: |_| None,
    claim: Claim::Shape,
};

fn parse(state: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    wide::parsed(state, entry, |entry| said::parsed(context, entry, read))
}

/// Whether one of the first lines is an object with fields whose usual names say what they mean.
fn speaks(head: &[u8]) -> bool {
    let mut state = State::at(0);
    let entries = super::entries(&DIALECT, &mut state, head);
    let is_object = |line: &[u8]| {
        let mut found = Vec::new();
        if line.first() == Some(&b'{')
            && let Some((tree, _)) = std::str::from_utf8(line).ok().and_then(tree)
        {
            flatten(tree, String::new(), &mut found);
        }
        fields::are_usual(&found)
    };
    entries.iter().take(8).any(|entry| is_object(&wide::text(&state, &head[entry.text.clone()])))
}

/// What an object says; also for objects that stand in a syslog line.
pub(super) fn read<'t>(text: &'t str, context: &Context<'_>) -> Option<Said<'t>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let (tree, mended) = tree(text)?;
    let mut found = Vec::new();
    flatten(tree, String::new(), &mut found);
    Some(Said { mended, ..fields::said(found, context) })
}

/// The tree of a text, and whether U+FFFD stands in it for what is no character.
fn tree(text: &str) -> Option<(Tree, bool)> {
    let exact = serde_json::from_str(text).ok().map(|tree| (tree, false));
    exact.or_else(|| {
        let mended = mend::mended(text)?;
        Some((serde_json::from_str(&mended.text).ok()?, mended.replaced))
    })
}

/// The scalars of a tree, each under its path.
fn flatten(tree: Tree, path: String, found: &mut Vec<Field<'static>>) {
    match tree {
        Tree::Null => {}
        Tree::Scalar(text) if found.len() < FIELDS_MAX => found.push((path.into(), text.into())),
        Tree::Scalar(_) => {}
        Tree::Inner(items) if path.len() < PATH_BYTES_MAX => {
            for (name, item) in items {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(item, path, found);
            }
        }
        Tree::Inner(_) => {}
    }
}

/// JSON with every scalar as its text; `serde_json` bounds its depth.
enum Tree {
    Null,
    Scalar(String),
    Inner(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push((items.len().to_string(), item));
        }
        Ok(Tree::Inner(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let (mut items, mut names) = (Vec::new(), BTreeSet::new());
        while let Some((name, item)) = map.next_entry::<String, Tree>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a field is there twice"));
            }
            items.push((name, item));
        }
        Ok(Tree::Inner(items))
    }
}

const FIELDS_MAX: usize = 256;
const PATH_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_within_a_field_is_named_with_a_dot() {
        let mut found = Vec::new();
        let tree = serde_json::from_str(r#"{"a":{"b":1,"c":[true,{"d":"x"}]},"e":null}"#);
        flatten(tree.unwrap_or(Tree::Null), String::new(), &mut found);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(found, [("a.b", "1"), ("a.c.0", "true"), ("a.c.1.d", "x")]);
        assert!(serde_json::from_str::<Tree>(r#"{"a":1,"a":2}"#).is_err());
    }
}
