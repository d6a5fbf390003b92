//! JSON as a table: a tree of keys, each leaf with the field it shows; what has no value is not there, nor is an empty
//! object.

use super::field::Field;
use super::header::Before;
use super::ink::{Ink, fit};
use super::subject::{Subject, Value};
use super::{Header, escape};

/// Finds a value.
pub(super) type Find = for<'a> fn(&Subject<'a>) -> Value<'a>;

/// A part of an object.
pub(super) enum Node {
    /// `"key":value`.
    Leaf { key: &'static str, of: Option<Field>, value: Find },
    /// `"key":{...}`.
    Group { key: &'static str, nodes: &'static [Node] },
    /// `"key":[{...}]`.
    List { key: &'static str, nodes: &'static [Node] },
    /// The flags, where more follows: put in when it is known what was cut.
    Flags { key: &'static str },
    /// More parts of the same object, if something holds.
    When { test: fn(&Subject<'_>) -> bool, nodes: &'static [Node] },
}

/// A field as it is.
macro_rules! leaf {
    ($key:literal, $field:ident) => {
        Node::Leaf { key: $key, of: Some(Field::$field), value: |subject| Field::$field.of(subject) }
    };
    ($key:literal, $field:ident, $value:expr) => {
        Node::Leaf { key: $key, of: Some(Field::$field), value: $value }
    };
}
/// Something that the schema wants beside the fields.
macro_rules! fact {
    ($key:literal, $value:expr) => {
        Node::Leaf { key: $key, of: None, value: $value }
    };
}
/// An object within.
macro_rules! group {
    ($key:literal, $($node:expr),+ $(,)?) => {
        Node::Group { key: $key, nodes: &[$($node),+] }
    };
}
pub(super) use {fact, group, leaf};

/// Appends a frame that is such an object behind a header, and says where the object begins.
pub(super) fn frame(nodes: &[Node], subject: &Subject<'_>, frame: &mut Vec<u8>) -> usize {
    let start = frame.len();
    BEFORE.put(subject.settings, subject.record, frame);
    let begin = frame.len();
    let bytes_max = subject.settings.frame_bytes_max.max(FRAME_BYTES_MIN) - (begin - start);
    fit(subject, &escape::JSON, bytes_max, frame, |ink| object(nodes, subject, ink));
    begin
}

/// Writes `{...}`.
fn object(nodes: &[Node], subject: &Subject<'_>, ink: &mut Ink<'_>) {
    ink.out.push(b'{');
    parts(nodes, subject, ink);
    ink.out.push(b'}');
    let flags = Field::Flags.of(subject);
    if let Some((key, at)) = ink.flags_late.take()
        && ink.has(&flags)
    {
        let end = ink.out.len();
        begin(key, ink);
        put(flags, ink);
        let bytes = ink.out.len() - end;
        ink.out[at..].rotate_right(bytes);
    }
}

fn parts(nodes: &[Node], subject: &Subject<'_>, ink: &mut Ink<'_>) {
    for node in nodes {
        match node {
            Node::Leaf { key, of, value } if ink.wants(*of) => {
                let value = value(subject);
                if ink.has(&value) {
                    begin(key, ink);
                    put(value, ink);
                }
            }
            Node::Leaf { .. } => {}
            Node::Group { key, nodes } => within(key, [b"{", b"}"], nodes, subject, ink),
            Node::List { key, nodes } => within(key, [b"[{", b"}]"], nodes, subject, ink),
            Node::Flags { key } => ink.flags_late = Some((key, ink.out.len())),
            Node::When { test, nodes } if test(subject) => parts(nodes, subject, ink),
            Node::When { .. } => {}
        }
    }
}

/// An object within; nothing, if there is nothing in it.
fn within(key: &str, [open, close]: [&[u8]; 2], nodes: &[Node], subject: &Subject<'_>, ink: &mut Ink<'_>) {
    let before = ink.out.len();
    begin(key, ink);
    ink.out.extend_from_slice(open);
    let empty = ink.out.len();
    parts(nodes, subject, ink);
    if ink.out.len() == empty {
        ink.out.truncate(before);
    } else {
        ink.out.extend_from_slice(close);
    }
}

#[inline]
fn begin(key: &str, ink: &mut Ink<'_>) {
    if ink.out.last() != Some(&b'{') {
        ink.out.push(b',');
    }
    ink.out.push(b'"');
    ink.out.extend_from_slice(key.as_bytes());
    ink.out.extend_from_slice(b"\":");
}

fn put(value: Value<'_>, ink: &mut Ink<'_>) {
    match value {
        Value::Number(_) | Value::Millis(_) => ink.single(value, usize::MAX),
        Value::Yes => ink.out.extend_from_slice(b"true"),
        Value::Texts(texts) => {
            let texts = ink.fitting(texts);
            list(texts.iter().map(|text| Value::Text(text)), ink);
        }
        Value::Few(few) => list(few.into_iter().flatten().map(Value::Text), ink),
        Value::Words(words) => list(words.iter().map(|word| Value::Word(word)), ink),
        Value::One(text) => list(std::iter::once(Value::Text(text)), ink),
        Value::Flags(flags) => list(ink.flag_names(flags).map(Value::Word), ink),
        _ => quoted(value, ink),
    }
}

fn quoted(value: Value<'_>, ink: &mut Ink<'_>) {
    ink.out.push(b'"');
    ink.single(value, usize::MAX);
    ink.out.push(b'"');
}

fn list<'v>(values: impl Iterator<Item = Value<'v>>, ink: &mut Ink<'_>) {
    ink.out.push(b'[');
    for (at, value) in values.enumerate() {
        if at > 0 {
            ink.out.push(b',');
        }
        quoted(value, ink);
    }
    ink.out.push(b']');
}

/// Every path of a tree with the field it shows.
pub(super) fn paths(nodes: &[Node]) -> Vec<(String, Option<Field>)> {
    let mut found = Vec::new();
    for node in nodes {
        match node {
            Node::Leaf { key, of, .. } => found.push(((*key).to_owned(), *of)),
            Node::Group { key, nodes } | Node::List { key, nodes } => {
                found.extend(paths(nodes).into_iter().map(|(path, of)| (format!("{key}.{path}"), of)));
            }
            Node::Flags { key } => found.push(((*key).to_owned(), Some(Field::Flags))),
            Node::When { nodes, .. } => found.extend(paths(nodes)),
        }
    }
    found
}

/// What stands before such a frame unless the config says otherwise.
pub(super) const HEADER: Header = Header::Rfc5424;
/// The shortest limit that such a frame can keep.
pub(super) const FRAME_BYTES_MIN: usize = 4096;
const BEFORE: Before = Before { header: HEADER, has_tag: false };
