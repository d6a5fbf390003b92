//! `json`: the record as the journal has it, one object a line. `json-pretty`: the same for people, over several lines.

use super::{Column, Look, Sink, safe};
use crate::journal::line;
use crate::model::Record;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    let text = object(look, record);
    towards(look.sink, &text, out);
    out.push(b'\n');
}

/// Appends one object over several lines.
pub(super) fn write_pretty(look: &Look, record: &Record, out: &mut Vec<u8>) {
    let text = object(look, record);
    let mut safe_text = Vec::new();
    towards(look.sink, &text, &mut safe_text);
    indent(&safe_text, out);
    out.push(b'\n');
}

/// Appends the record as one line of JSON, the shape of `-o json` and of answers on the socket.
pub fn json_line(record: &Record, out: &mut Vec<u8>) {
    line::encode_json(record, out);
    out.extend_from_slice(b"}\n");
}

pub(super) fn towards(sink: Sink, json: &[u8], out: &mut Vec<u8>) {
    match sink {
        Sink::File => out.extend_from_slice(json),
        Sink::Terminal => safe::json(json, out),
    }
}

/// The object, or of it the fields that are asked for, in that order.
fn object(look: &Look, record: &Record) -> Vec<u8> {
    let mut text = Vec::new();
    json_line(record, &mut text);
    text.pop();
    if look.fields.is_empty() {
        return text;
    }
    let members: BTreeMap<&str, &RawValue> = serde_json::from_slice(&text).unwrap_or_default();
    let (mut some, mut names) = (b"{".to_vec(), Vec::new());
    for column in &look.fields {
        let found = member(column, &members, record);
        // One that is asked for twice would be a name that stands twice in the object.
        if let Some((name, value)) = found.filter(|(name, _)| !names.contains(name)) {
            if !names.is_empty() {
                some.push(b',');
            }
            names.push(name);
            some.extend_from_slice(format!("\"{name}\":{value}").as_bytes());
        }
    }
    some.push(b'}');
    some
}

/// A field that is absent, or a part of another member, is found by its column.
fn member(
    column: &'static Column,
    members: &BTreeMap<&str, &RawValue>,
    record: &Record,
) -> Option<(&'static str, String)> {
    if let Some(value) = members.get(column.name) {
        return Some((column.name, value.get().to_owned()));
    }
    if column.name == "raw" {
        return members.get("raw-base64").map(|value| ("raw-base64", value.get().to_owned()));
    }
    let text = (column.text)(record);
    if text.is_empty() { None } else { Some((column.name, serde_json::to_string(&text).ok()?)) }
}

/// Valid JSON, with a member or an element on each line.
pub(super) fn indent(json: &[u8], out: &mut Vec<u8>) {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let line = |depth: usize, out: &mut Vec<u8>| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * depth));
    };
    for (at, &byte) in json.iter().enumerate() {
        if in_text {
            out.push(byte);
            in_text = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        let next = json[at + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                depth += 1;
                if !matches!(next, Some(b'}' | b']')) {
                    line(depth, out);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(json[..at].trim_ascii_end().last(), Some(b'{' | b'[')) {
                    line(depth, out);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(depth, out);
            }
            b':' => out.extend_from_slice(b": "),
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                in_text = byte == b'"';
                out.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a\"\\\\{},: \n]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 20, 4, |part| {
            prop_oneof![
                prop::collection::vec(part.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a{}\"]{0,3}", part, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn lines_are_all_that_is_added(value in any_json()) {
            let mut out = Vec::new();
            indent(value.to_string().as_bytes(), &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string_pretty(&value).unwrap());
        }
    }
}
