//! Frames read back by readers of our own, as strict as the documents of the formats are. They share no code with the
//! encoders.
//!
//! ```text
//! CEF, LEEF   key = value; a key twice, an escape that the format does not know, or a missing delimiter is a fault
//! JSON        dotted path = value, one for each item of a list; a key twice is a fault
//! ```

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// What a frame says.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The fields of the header of CEF and LEEF, the version first.
    pub header: Vec<String>,
    pub values: BTreeMap<String, Vec<String>>,
}

impl Decoded {
    fn insert(&mut self, key: &str, value: String) {
        let before = self.values.insert(key.to_owned(), vec![value]);
        assert_eq!(before, None, "{key} stands there twice");
    }

    /// The only value of a key.
    pub fn one(&self, key: &str) -> Option<&str> {
        let values = self.values.get(key)?;
        assert_eq!(values.len(), 1, "{key}");
        Some(&values[0])
    }
}

/// Reads the event of a frame, without its syslog header.
pub fn decode(format: &str, text: &str) -> Decoded {
    match format {
        "cef" => cef(text),
        "leef" => leef(text),
        _ => json(text),
    }
}

/// `CEF:V|vendor|product|version|id|name|severity|extension`.
fn cef(text: &str) -> Decoded {
    let mut decoded = Decoded::default();
    let mut rest = text.strip_prefix("CEF:").unwrap();
    for _ in 0..7 {
        let end = bare(rest, '|').unwrap_or_else(|| panic!("a header of seven fields: {text}"));
        decoded.header.push(unescaped(&rest[..end], "|\\"));
        rest = &rest[end + 1..];
    }
    // A value goes up to the space before the next key, or to the end.
    let mut at = 0;
    while at < rest.len() {
        let equals = at + bare(&rest[at..], '=').unwrap_or_else(|| panic!("no = in {:?}", &rest[at..]));
        let key = &rest[at..equals];
        assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key:?} in {text}");
        let value = &rest[equals + 1..];
        let end = match bare(value, '=') {
            Some(next) => {
                value[..next].rfind(' ').unwrap_or_else(|| panic!("no space before a key in {value}"))
            }
            None => value.len(),
        };
        decoded.insert(key, unescaped(&value[..end], "=\\"));
        at = equals + 1 + end + 1;
    }
    decoded
}

/// Where the character stands without a backslash that makes it a part of the value.
fn bare(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str, known: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') if known.contains('=') => out.push('\n'),
                Some('r') if known.contains('=') => out.push('\r'),
                Some(other) if known.contains(other) => out.push(other),
                other => panic!("an escape of {other:?} in {text}"),
            },
            _ => out.push(character),
        }
    }
    out
}

/// `LEEF:2.0|vendor|product|version|id|x09|key=value<TAB>key=value`; 1.0 has no delimiter field and tabs.
fn leef(text: &str) -> Decoded {
    let mut decoded = Decoded::default();
    let is_new = text.starts_with("LEEF:2.0|");
    assert!(is_new || text.starts_with("LEEF:1.0|"), "{text}");
    let fields = if is_new { 6 } else { 5 };
    let mut parts = text.splitn(fields + 1, '|');
    decoded.header.extend(parts.by_ref().take(fields).map(str::to_owned));
    let delimiter = match is_new {
        true => char::from(u8::from_str_radix(decoded.header[5].strip_prefix('x').unwrap(), 16).unwrap()),
        false => '\t',
    };
    for pair in parts.next().unwrap().split(delimiter) {
        let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("no = in {pair:?}"));
        assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key:?} in {text}");
        decoded.insert(key, value.to_owned());
    }
    decoded
}

fn json(text: &str) -> Decoded {
    let mut decoded = Decoded::default();
    let tree: Tree = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    flatten("", &tree, &mut decoded);
    decoded
}

fn flatten(path: &str, tree: &Tree, decoded: &mut Decoded) {
    match tree {
        Tree::Leaf(value) => decoded.values.entry(path.to_owned()).or_default().push(value.clone()),
        Tree::List(items) => items.iter().for_each(|item| flatten(path, item, decoded)),
        Tree::Object(parts) => {
            for (key, part) in parts {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, part, decoded);
            }
        }
    }
}

/// JSON with every key that is there.
enum Tree {
    Leaf(String),
    List(Vec<Tree>),
    Object(BTreeMap<String, Tree>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a whole number, true, a list or an object")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(number.to_string()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Tree, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((key, part)) = parts.next_entry::<String, Tree>()? {
            if object.insert(key.clone(), part).is_some() {
                return Err(A::Error::custom(format!("{key} stands there twice")));
            }
        }
        Ok(Tree::Object(object))
    }
}
