//! A flat JSON object as nearly everybody writes it, read in one pass: `{"type":"USER_OPERATION","owner":null}`.
//!
//! ```text
//! plain    text and numbers that `Plain` reads; null; blanks between them
//! not so   unknown keys, other text and numbers, true, false, arrays, objects, blanks around the object
//! ```
//!
//! Invariant: what is read here reads the same with `serde_json`; what is not plain is left to it, as is what is wrong.

use crate::model::plain::Plain;
use std::borrow::Cow;

/// The members of an object, some of them done with.
pub(super) struct Flat<'t>(Plain<'t>);

/// The value of a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'t> {
    Null,
    Number(i64),
    Text(Cow<'t, str>),
}

/// What comes next in an object.
pub(super) enum Next<'t> {
    /// The place of its key among the known ones.
    Member(usize, Value<'t>),
    /// The object ends, and the text with it.
    End,
}

impl<'t> Flat<'t> {
    /// `None` where a control character makes it look otherwise.
    #[inline]
    pub(super) fn of(text: &'t str) -> Option<Flat<'t>> {
        if text.starts_with('{') { Plain::of(text).map(Flat) } else { None }
    }

    /// The next member, one of these keys, each with the quote that ends it; `None` where it is not plain.
    #[inline(always)]
    pub(super) fn next<const KEYS: usize>(&mut self, keys: [&str; KEYS]) -> Option<Next<'t>> {
        let Flat(plain) = self;
        match plain.take()? {
            b'{' if plain.at() == 1 => {}
            b',' => {}
            b'}' => return plain.is_at_end().then_some(Next::End),
            _ => return None,
        }
        (plain.take()? == b'"').then_some(())?;
        let key = keys.iter().position(|key| plain.pass(key))?;
        (plain.take()? == b':').then_some(())?;
        let value = match plain.take()? {
            b'"' => Value::Text(plain.string()?),
            b'n' => plain.pass("ull").then_some(Value::Null)?,
            digit @ b'0'..=b'9' => Value::Number(plain.number(digit)?),
            _ => return None,
        };
        Some(Next::Member(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value as Json;

    /// The members in order; `None` where it is not plain.
    fn members(text: &str) -> Option<Vec<(String, Json)>> {
        const KEYS: [&str; 4] = ["a", "timestamp", "", "é "];
        let (mut flat, mut found) = (Flat::of(text)?, Vec::new());
        while let Next::Member(key, value) = flat.next(["a\"", "timestamp\"", "\"", "é \""])? {
            let key = KEYS[key];
            let value = match value {
                Value::Null => Json::Null,
                Value::Number(number) => number.into(),
                Value::Text(text) => text.into(),
            };
            found.push((key.to_owned(), value));
        }
        Some(found)
    }

    /// What is plain reads as it does with `serde_json`.
    fn check(text: &str) -> bool {
        let Some(members) = members(text) else { return false };
        let json: serde_json::Map<String, Json> = serde_json::from_str(text).unwrap();
        let members: serde_json::Map<String, Json> = members.into_iter().collect();
        assert_eq!(members, json, "{text}");
        true
    }

    #[test]
    fn a_plain_object_is_read() {
        for text in [
            r#"{"timestamp":1709193520118,"a":"USER_OPERATION","":null,"é ":"é \"x\" \\ \n\/ and more"}"#,
            r#"{ "a" : 0 , "a":"" , "":null }"#,
        ] {
            assert!(check(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        for value in [
            "01",
            "1.0",
            "1e3",
            "-1",
            "1234567890123456789",
            "true",
            "[]",
            "{}",
            "nul",
            "\"\\u00e4\"",
            "\"\t\"",
            "'",
            "",
        ] {
            assert!(!check(&format!("{{\"a\":{value}}}")), "{value}");
        }
        for text in [
            "",
            "{",
            "{\"a\":1",
            "{\"a\":1}x",
            "{\"a\":1,}",
            "{,}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            " {}",
            "{}\n",
        ] {
            assert!(!check(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_reads_so_elsewhere(
            text in r#"\{( ?"(a|timestamp|é |x|[a\\"]{0,3})" ?: ?("([ -~é]|\\["nu/\\x]){0,20}"|null|[0-9]{1,20}|[a-z0-9.{}-]{1,4}) ?[,}]?){0,4}\}?"#,
        ) {
            check(&text);
        }

        #[test]
        fn what_serde_json_writes_is_plain_but_for_control_characters(value in "[ -~é\\n\\t]{0,40}", number in 0..i64::pow(10, 17)) {
            let text = serde_json::json!({ "a": value, "timestamp": number, "": null }).to_string();
            prop_assert!(check(&text));
        }
    }
}
