//! A JSON text that no reader of JSON takes, and that means one thing all the same.
//!
//! ```text
//! "a\ud800b"          half a surrogate pair is U+FFFD, see `halves`
//! "a⇥b"               a control character that nobody has escaped is as one that is, `"a\u0009b"`
//! ```
//!
//! Whoever may choose a word of an entry, such as the name in a failed login, must not choose whether it is read.

use super::halves;
use std::fmt::Write;

/// A text that can be read.
pub(super) struct Mended {
    pub text: String,
    /// U+FFFD stands for what is no character.
    pub replaced: bool,
}

/// The text as it is meant; `None` when there is nothing to mend.
pub(super) fn mended(json: &str) -> Option<Mended> {
    let whole = halves::mended(json);
    let replaced = whole.is_some();
    let text = escaped(whole.as_deref().unwrap_or(json)).or(whole)?;
    Some(Mended { text, replaced })
}

/// The text with every control character in a string escaped; `None` when there is none.
fn escaped(json: &str) -> Option<String> {
    let bytes = json.as_bytes();
    bytes.iter().any(|&byte| byte < b' ').then_some(())?;
    let (mut out, mut copied, mut inside, mut at) = (String::new(), 0, false, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => inside = !inside,
            // What follows it is no end of the string.
            b'\\' if inside => at += 1,
            ..b' ' if inside => {
                out.push_str(&json[copied..at]);
                let _ = write!(out, "\\u{byte:04x}");
                copied = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    (copied > 0).then(|| out + &json[copied..])
}

/// The text with a blank for each control character, in the same places: for seeing where something stands.
pub(super) fn spaced(json: &str) -> String {
    json.replace(|c: char| c < ' ', " ")
}

#[cfg(test)]
mod tests {
    use super::super::{Context, DIALECTS, Dialect, End, Entry, Masks, State, find, read};
    use super::*;
    use crate::model::{Event, EventId, Flag, Outcome, Raw};
    use proptest::prelude::*;

    #[test]
    fn a_control_character_in_a_string_is_escaped_and_nothing_else_is() {
        for (text, expected) in [
            ("{\t\"a\":\n\"b\"}\u{1}", None),
            ("\"\u{7f}\u{85}\"", None),
            ("\"a\tb\u{1f}\"", Some(r#""a\u0009b\u001f""#)),
            ("{\t\"a\\\"\t\\\\\":\"\r\n\"\t}", Some("{\t\"a\\\"\\u0009\\\\\":\"\\u000d\\u000a\"\t}")),
            ("\"\\", None),
        ] {
            assert_eq!(escaped(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_what_is_no_character_is_said_to_be_replaced() {
        for (text, expected) in [
            ("\"a\"", None),
            ("\"a\t\"", Some((r#""a\u0009""#, false))),
            ("\"\\ud800\"", Some((r#""\ufffd""#, true))),
            ("\"\\ud800\0\"", Some((r#""\ufffd\u0000""#, true))),
        ] {
            let found = mended(text);
            assert_eq!(found.as_ref().map(|it| (it.text.as_str(), it.replaced)), expected, "{text}");
        }
    }

    /// An entry of each dialect in JSON, with `NAME` for the name of who failed.
    const FORMS: [(&str, &str); 5] = [
        (
            "timeline-json",
            r#"{"timestamp":1709193520000,"type":"USER_OPERATION","title":"User Operation","severity":"NOTICE","owner":null,"content":"Failed login attempt for user NAME from 10.2.3.4: wrong password"}"#,
        ),
        (
            "timeline-json",
            r#"[{"timestamp":1709193520000,"type":"USER_OPERATION","content":"Failed login attempt for user NAME from 10.2.3.4: wrong password"}]"#,
        ),
        (
            "timeline-json",
            "{\n\t\"timestamp\": 1709193520000,\n\t\"type\": \"USER_OPERATION\",\n\t\"content\": \"Failed login attempt for user NAME from 10.2.3.4: wrong password\"\n}",
        ),
        (
            "json",
            r#"{"time":"2024-02-29T07:58:40Z","user":"NAME","action":"user.login","outcome":"failure"}"#,
        ),
        (
            "syslog",
            r#"<110>Feb 29 07:58:40 plant-a console[1]: {"user":"NAME","action":"user.login","outcome":"failure"}"#,
        ),
    ];

    /// The events of a log, and the bytes of their entries.
    fn events<'a>(dialect: &Dialect, masks: &Masks, log: &'a str) -> Vec<(Event, &'a [u8])> {
        let (mut state, mut events, mut done) = (State::at(9), Vec::new(), 0);
        loop {
            let (mut entries, rest) = (Vec::new(), &log.as_bytes()[done..]);
            let more = (dialect.split)(&mut state, rest, End::Final, &mut entries);
            events.extend(entries.into_iter().map(|Entry { text, .. }| {
                (read(dialect, &state, &Context::example(), masks, &rest[text.clone()]).event, &rest[text])
            }));
            done += more;
            if more == 0 {
                return events;
            }
        }
    }

    #[test]
    fn an_entry_with_a_control_character_says_the_same_as_one_that_has_it_escaped() {
        for control in ["\t", "\u{1}", "\u{1f}", "\u{7f}", "\0", "\u{b}", "\r"] {
            for (name, form) in FORMS {
                let dialect = find(name).unwrap();
                let escape = format!("\\u{:04x}", control.as_bytes()[0]);
                let log = form.replace("NAME", &format!("al{control}ice")) + "\n";
                let other = form.replace("NAME", &format!("al{escape}ice")) + "\n";
                let (found, wanted) =
                    (events(dialect, &Masks::default(), &log), events(dialect, &Masks::default(), &other));
                assert_eq!(found.len(), 1, "{log:?}");
                let ((event, entry), (wanted, _)) = (&found[0], &wanted[0]);
                assert_eq!(event.outcome, Outcome::Failure, "{log:?}");
                assert_eq!(event.raw.bytes(), *entry);
                let Event { raw, id, .. } = event.clone();
                assert_eq!(*event, Event { raw, id, ..wanted.clone() }, "{log:?}");
                assert!(!event.flags.contains(Flag::UNPARSED) && !event.flags.contains(Flag::INVALID_UTF8));
                assert!(event.message.contains(control) || event.user.as_deref().unwrap().contains(control));
                let is_json = matches!(event.raw, Raw::Json(_));
                assert_eq!(is_json, control == "\u{7f}" && name == "timeline-json" && !form.contains('\n'));
                assert!((dialect.speaks)(log.as_bytes()), "{log:?}");
            }
        }
    }

    #[test]
    fn what_two_timelines_write_otherwise_has_one_id() {
        let id = |entry: &str| {
            let state = State::at(9);
            read(&DIALECTS[0], &state, &Context::example(), &Masks::default(), entry.as_bytes())
                .identity
                .id(0)
        };
        let of = |name: &str| id(&FORMS[0].1.replace("NAME", name));
        assert_eq!(of("al\tice"), of("al\\tice"));
        assert_ne!((of("al\tice"), EventId(0)), (of("al ice"), EventId(0)));
    }

    proptest! {
        #[test]
        fn every_string_of_controls_is_text_once_it_is_mended(text in "[ -!#-\\[\\]-~\u{0}-\u{1f}é]{0,30}") {
            let json = format!("\t\"{text}\"\n");
            let json = mended(&json).map_or(json, |it| it.text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
