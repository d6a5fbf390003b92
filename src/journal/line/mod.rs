//! One record as one line of JSON: the form on disk and of `-o json`.
//!
//! ```text
//! {"seq":12,"id":"3f9c...","time":"2024-02-29T09:11:02.000Z","seen":"...","class":"user-operation",
//!  "action":"user.login","code":"OTA-1001","outcome":"success","severity":3,"sensor":"plant-a",
//!  "source":"timeline","position":{"file":1,"offset":4096},"user":"alice",...,"raw":{...}}
//! ```
//!
//! What an event does not have is left out. On disk `message` is left out, too, when it stands in `raw`:
//! as the text of its one `content`, or as the whole raw text. `-o json` always has it.
//! The encoder is written by hand for this one shape, and so is what reads it back; `serde_json` reads all else, and
//! proves both in the tests.
//!
//! Invariant: a line at which otrail panics is one that cannot be read.

mod decode;
mod encode;
mod quick;

pub(super) use decode::peek;
pub use decode::{LineError, decode};
pub(super) use encode::push_number;
pub use encode::{encode, encode_json};

#[cfg(test)]
mod tests {
    use super::decode::{SeqAndSynced, decode_any, decode_by};
    use super::*;
    use crate::journal::segment::Mark;
    use crate::model::{
        Action, Chain, Class, Event, EventId, FileNo, Flag, Outcome, Position, Raw, Record, Seq, Severity,
        Target, Time,
    };
    use proptest::prelude::*;
    use std::panic::resume_unwind;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![".{0,40}", Just(String::new()), "[\\x00-\\x1f\"\\\\é\u{2028}\u{202e}]{0,10}"]
    }

    fn raw() -> impl Strategy<Value = Raw> {
        prop_oneof![
            Just(Raw::None),
            text().prop_map(|text| Raw::Text(text.into())),
            (text(), text()).prop_map(|(title, content)| {
                Raw::Json(serde_json::json!({ "title": title, "content": content }).to_string().into())
            }),
            text().prop_map(|content| {
                Raw::Json(serde_json::json!({ "a": { "content": content }, "z": [1] }).to_string().into())
            }),
            text().prop_map(|content| {
                Raw::Json(
                    serde_json::json!({ "content": "x", "z": { "content": content } }).to_string().into(),
                )
            }),
            Just(Raw::Json("{\"content\":\"d\\u00e9p\\/t\"}".into())),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|mut bytes| {
                bytes.push(0xff);
                Raw::Bytes(bytes.into())
            }),
        ]
    }

    /// How many bytes go, and what comes in their place.
    fn edit() -> impl Strategy<Value = (usize, String)> {
        let pieces = vec![
            "",
            "\"",
            "\\",
            "{",
            "}",
            ",",
            " ",
            "0",
            "9",
            "\\u00",
            "é",
            "null",
            ",\"content\":\"x\"",
            ",\"raw\":{}",
            "1.5",
            "user",
            ",\"content\":null",
            "-1",
            "e3",
            ",\"a\":[1]",
            ",\"message\":\"y\"",
        ];
        (0..3usize, prop::sample::select(pieces).prop_map(str::to_owned))
    }

    prop_compose! {
        fn record()(
            seq in 1u64..u64::MAX, id: u128, millis in -62_167_219_200_000i64..253_402_207_200_000, raw in raw(),
            words in prop::collection::vec(text(), 12), some: u16, severity in 0u8..=10, message_in_raw: bool,
        ) -> Record {
            let word = |at: usize| (some & 1 << at != 0).then(|| words[at].as_str().into());
            let time = Time::from_millis(millis).unwrap();
            let mut event = Event::new(Action::USER_OPERATION, Outcome::Unknown, time);
            event.id = EventId(id);
            event.class = Class::ALL[usize::from(some) % 3];
            event.severity = Severity(severity);
            (event.user, event.domain, event.account) = (word(0), word(1), word(2));
            (event.role, event.client, event.reason) = (word(3), word(4), word(5));
            (event.old, event.new) = (word(6), word(7));
            event.target = word(8).map(|kind| Box::new(Target { kind, name: word(9), id: word(10) }));
            event.devices = words.iter().take(usize::from(some % 4)).map(|word| word.as_str().into()).collect();
            event.message = words[11].as_str().into();
            if message_in_raw {
                event.message = match &raw {
                    Raw::Json(json) => {
                        let value: serde_json::Value = serde_json::from_str(json).unwrap();
                        value["content"].as_str().unwrap_or("").into()
                    }
                    raw => String::from_utf8_lossy(raw.bytes()).as_ref().into(),
                };
            }
            event.count = (some % 5 == 0).then_some(seq);
            event.kind = words[0].as_str().into();
            event.flags = Flag::ALL.into_iter().filter(|_| some % 3 == 0).collect();
            event.raw = raw;
            let position = (some % 2 == 0).then_some(Position { file: FileNo(7), offset: seq });
            Record { seq: Seq(seq), position, event, chain: None }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(record in record()) {
            let unmarked: fn(&Record, &mut Vec<u8>) = |record, out| encode(record, None, out);
            for encode in [unmarked, encode_json] {
                let mut line = Vec::new();
                encode(&record, &mut line);
                prop_assert_eq!(peek(&line), SeqAndSynced { seq: Some(record.seq), synced: None });
                line.push(b'}');
                prop_assert!(!line.contains(&b'\n'));
                prop_assert_eq!(&decode(&line).unwrap(), &record);
                prop_assert_eq!(&decode_any(&line).unwrap(), &record);
            }
        }

        #[test]
        fn a_line_of_ours_is_read_quickly(record in record()) {
            // Numbers of up to 18 digits.
            let small = |number: u64| number >> 8;
            let position = record.position.map(|it| Position { offset: small(it.offset), ..it });
            let mark = position.map(|it| Mark { offset: it.offset, before: it.offset << 7, modified: 1_764_000_000 });
            let event = Event { count: record.event.count.map(small), ..record.event };
            let record = Record { seq: Seq(small(record.seq.0)), position, event, ..record };
            let is_flat = match &record.event.raw {
                Raw::Json(json) => !json[1..].contains(['{', '[']) && !json.contains("\\u00e9"),
                Raw::Bytes(_) => false,
                _ => true,
            };
            let mut line = Vec::new();
            encode(&record, mark, &mut line);
            line.extend_from_slice(b",\"synced\":6}");
            if is_flat {
                prop_assert_eq!(quick::decode(&line).unwrap(), record);
            }
        }

        #[test]
        fn what_is_read_quickly_reads_the_same_slowly(
            record in record(), edits in prop::collection::vec((any::<prop::sample::Index>(), edit()), 1..4),
        ) {
            let mut line = Vec::new();
            encode(&record, None, &mut line);
            line.extend_from_slice(b",\"synced\":6,\"sum\":\"8c0e9e2b\",\"chain\":\"");
            line.extend_from_slice(&Chain([0xa5; 32]).hex());
            line.extend_from_slice(b"\"}");
            for (at, (cut, put)) in edits {
                let at = at.index(line.len());
                let end = line.len().min(at + cut);
                line.splice(at..end, put.bytes());
            }
            if let Some(record) = quick::decode(&line) {
                prop_assert_eq!(decode_any(&line).unwrap(), record);
            }
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let _ = peek(&bytes);
        }
    }

    #[test]
    fn a_log_entry_cannot_pass_for_what_the_journal_says_of_itself() {
        assert_eq!(peek(b"{\"seq\":3,\"raw\":{\"x\":1,\"synced\":9}").synced, None);
        assert_eq!(peek(b"{\"seq\":3,\"raw\":{},\"synced\":2").synced, Some(Seq(2)));
    }

    #[test]
    fn a_line_that_a_decoder_panics_at_is_left_to_the_other_or_cannot_be_read() {
        let line = b"{\"seq\":1}";
        let any = |_: &[u8]| {
            let event = Event::new(Action::USER_OPERATION, Outcome::Unknown, Time::default());
            Ok(Record { seq: Seq(1), position: None, event, chain: None })
        };
        let decoded = decode_by(line, |_| resume_unwind(Box::new(())), any);
        assert_eq!(decoded.unwrap().seq, Seq(1));
        let decoded = decode_by(line, |_| None, |_| resume_unwind(Box::new(())));
        assert!(matches!(decoded, Err(LineError::Defect(_))), "{decoded:?}");
    }

    #[test]
    fn a_message_that_stands_in_raw_is_not_stored_twice() {
        let mut event = Event::new(Action::USER_OPERATION, Outcome::Unknown, Time::default());
        event.message = "User \"a\" logged in".into();
        event.raw = Raw::Json(r#"{"content":"User \"a\" logged in"}"#.into());
        let record = Record { seq: Seq(1), position: None, event, chain: None };
        let mut line = Vec::new();
        encode(&record, None, &mut line);
        assert!(!String::from_utf8(line).unwrap().contains("\"message\""));
        let mut line = Vec::new();
        encode_json(&record, &mut line);
        assert!(String::from_utf8(line).unwrap().contains("\"message\""));
    }
}
