//! `auto`: a log whose language nobody has named, also one of several languages at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use otrail::collect::{Cutter, Reading};
use otrail::dialect::{Context, End, Masks};
use otrail::model::{Event, Flag};
use proptest::prelude::*;

/// What `auto` makes of a log that comes in pieces of so many bytes: the dialect of each entry, and its event.
fn read(log: &[u8], piece_bytes: usize) -> Vec<(&'static str, Event)> {
    let context = Context::example();
    let masks = Masks::default();
    let reading = Reading { context: &context, masks: &masks, line_bytes_max: 1 << 20 };
    let (mut cutter, mut found) = (Cutter::new(None), Vec::new());
    let mut take = |parsed: otrail::dialect::Parsed, cut: &otrail::collect::Cut<'_>| {
        found.push((cut.dialect.name, parsed.event));
    };
    for piece in log.chunks(piece_bytes) {
        let copied = cutter.fill(piece.len(), |space| {
            space.copy_from_slice(piece);
            Ok(piece.len())
        });
        assert_eq!(copied.unwrap(), piece.len());
        cutter.cut(End::Open, reading, &mut take);
    }
    cutter.cut(End::Final, reading, &mut take);
    found
}

/// The dialect of each entry when the log comes as slowly as it may.
fn dialects(log: &str) -> Vec<&'static str> {
    read(log.as_bytes(), 1).into_iter().map(|(dialect, _)| dialect).collect()
}

const TIMELINE: &str =
    r#"{"timestamp":1709193520000,"type":"USER_OPERATION","content":"User bob logged in"}"#;
const AUDIT: &str = "2024-02-29 07:58:40,118 [main] INFO  AUDIT- User bob logged in";
const SYSLOG: &str = "<110>Feb 29 07:58:40 plant-a console[7]: User bob logged in";
const WRITTEN_SYSLOG: &str = "Feb 29 07:58:40 plant-a console[7]: User bob logged in";
const CEF: &str = "CEF:0|V|P|1|4|Login|3|suser=bob msg=User bob logged in";
const JSON: &str = r#"{"time":"2024-02-29T07:58:40Z","user":"bob","message":"User bob logged in"}"#;
const PAIRS: &str = "time=2024-02-29T07:58:40Z user=bob msg=\"User bob logged in\"";
const TEXT: &str = "2024-02-29 07:58:40 User bob logged in";
const NOTHING: &str = "no such thing";

fn lines(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_first_entry_that_is_understood_decides() {
    for (line, dialect) in [
        (TIMELINE, "timeline-json"),
        (AUDIT, "audit-log"),
        (SYSLOG, "syslog"),
        (WRITTEN_SYSLOG, "syslog"),
        (CEF, "cef"),
        (JSON, "json"),
        (PAIRS, "key-value"),
        (TEXT, "lines"),
    ] {
        let log = lines(&[NOTHING, line, line]);
        for piece_bytes in [1, 7, log.len()] {
            let found = read(log.as_bytes(), piece_bytes);
            let last = found.last().unwrap();
            assert_eq!((found.len(), last.0), (3, dialect), "{line}");
            assert_eq!(last.1.user.as_deref(), Some("bob"), "{line}");
        }
    }
}

#[test]
fn a_log_of_names_and_values_gives_way_to_the_timeline_at_once_and_not_the_other_way_round() {
    let (json, timeline) = ("json", "timeline-json");
    assert_eq!(dialects(&lines(&[JSON, TIMELINE, JSON])), [json, timeline, timeline]);
    let changed = lines(&[TIMELINE, JSON, JSON, JSON, JSON, JSON]);
    assert_eq!(dialects(&changed), [timeline, timeline, timeline, timeline, json, json]);
}

#[test]
fn a_stray_line_changes_nothing() {
    let log = lines(&[AUDIT, TIMELINE, NOTHING, TEXT, PAIRS, TIMELINE]);
    assert_eq!(dialects(&log)[2..], ["timeline-json"; 4]);
}

proptest! {
    #[test]
    fn of_a_mixed_log_no_entry_is_lost_and_each_is_read(
        kinds in prop::collection::vec(0..5_usize, 1..40),
        odd in prop::collection::vec(any::<bool>(), 40),
        piece_bytes in 1..400_usize,
    ) {
        let all = [TIMELINE, AUDIT, SYSLOG, WRITTEN_SYSLOG, CEF];
        let mut log: Vec<String> = Vec::new();
        for (number, (&kind, &odd)) in kinds.iter().zip(&odd).enumerate() {
            log.push(all[kind].replace("bob", &format!("bob{number}")));
            // Behind an entry of the audit log it would belong to it.
            if odd && all[kind] != AUDIT {
                log.push(NOTHING.to_owned());
            }
        }
        let lines: Vec<&str> = log.iter().map(String::as_str).collect();
        let found = read(self::lines(&lines).as_bytes(), piece_bytes);
        prop_assert_eq!(found.len(), log.len());
        for ((dialect, event), line) in found.iter().zip(&log) {
            prop_assert_eq!(event.raw.bytes(), line.as_bytes());
            let is_read = line == NOTHING || event.user.as_deref().is_some_and(|user| line.contains(user));
            prop_assert!(is_read && event.flags.contains(Flag::UNPARSED) == (line == NOTHING), "{} {}", dialect, line);
        }
    }
}
