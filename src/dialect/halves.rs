//! Half a surrogate pair in the strings of a JSON text, as `\ud800` alone: the grammar of JSON allows it (RFC 8259
//! section 8.2), and it stands for no character, so that no reader of text takes it.
//!
//! Whoever may choose a word of an entry, such as the name in a failed login, must not choose whether it is read.

use memchr::memmem;

/// The text with U+FFFD for each half, in the same places: a half has as many bytes as `\ufffd`. `None` when there is
/// none.
pub(super) fn mended(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = memmem::find(&bytes[at..], b"\\") {
        at += found;
        let (length, is_half) = match (unit(bytes, at), unit(bytes, at + UNIT_BYTES)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (2 * UNIT_BYTES, false),
            (Some(0xD800..=0xDFFF), _) => (UNIT_BYTES, true),
            // The one that is escaped begins nothing.
            _ => (2, false),
        };
        if is_half {
            out.extend_from_slice(&bytes[out.len()..at]);
            out.extend_from_slice(b"\\ufffd");
        }
        at = bytes.len().min(at + length);
    }
    if out.is_empty() {
        return None;
    }
    out.extend_from_slice(&bytes[out.len()..]);
    String::from_utf8(out).ok()
}

/// The unit of UTF-16 that is escaped there.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + UNIT_BYTES)?.strip_prefix(b"\\u")?;
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

const UNIT_BYTES: usize = "\\ud800".len();

#[cfg(test)]
mod tests {
    use super::super::{Context, Masks, State, find, read};
    use super::*;
    use crate::model::{Event, Flag, Outcome, Raw};
    use proptest::prelude::*;

    #[test]
    fn a_half_is_replaced_and_nothing_else() {
        for (text, expected) in [
            (r#""plain""#, None),
            (r#""\ud83d\ude00 \\ud800 \n""#, None),
            (r#""\ud800""#, Some(r#""\ufffd""#)),
            (r#""é\uDC00\ud83d\ude00\udfff""#, Some(r#""é\ufffd\ud83d\ude00\ufffd""#)),
            (r#""\ud800\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ud800\u0041\\\ud800""#, Some(r#""\ufffd\u0041\\\ufffd""#)),
            (r#""\ud8"#, None),
            (r#""\"#, None),
            (r#""\u+d80""#, None),
        ] {
            assert_eq!(mended(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_entry_with_a_half_says_the_same_as_one_with_a_character_in_its_place() {
        for (dialect, entry) in [
            (
                "timeline-json",
                r#"{"timestamp":1709193520000,"type":"USER_OPERATION","title":"User Operation","severity":"NOTICE","owner":null,"content":"Failed login attempt for user a\ud800 from 10.2.3.4: wrong password"}"#,
            ),
            (
                "json",
                r#"{"time":"2024-02-29T07:58:40Z","user":"a\ud800","action":"user.login","outcome":"failure"}"#,
            ),
        ] {
            let read = |entry: &str| {
                let dialect = find(dialect).unwrap();
                read(dialect, &State::at(9), &Context::example(), &Masks::default(), entry.as_bytes()).event
            };
            let (event, other) = (read(entry), read(&entry.replace("\\ud800", "\u{fffd}")));
            assert_eq!(
                (event.outcome, event.user.as_deref()),
                (Outcome::Failure, Some("a\u{fffd}")),
                "{dialect}"
            );
            assert_eq!(event.raw, Raw::Text(entry.into()));
            let expected = Event { raw: event.raw.clone(), id: event.id, flags: event.flags, ..other };
            assert_eq!(event, expected);
            assert!(event.flags.contains(Flag::INVALID_UTF8) && !event.flags.contains(Flag::UNPARSED));
            assert!((find(dialect).unwrap().speaks)(entry.as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn every_string_of_escapes_is_text_once_it_is_mended(units: Vec<u16>) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{escaped}\"");
            let expected = String::from_utf16_lossy(&units);
            let read: String = serde_json::from_str(&mended(&json).unwrap_or(json)).unwrap();
            prop_assert_eq!(read, expected);
        }
    }
}
