//! Whatever stands in the log: one entry, one record, one frame, and the bytes of the entry are not lost.

use super::frames::{frames_of, records_of};
use super::support::process::{House, entry};
use super::support::receiver::Receiver;
use std::fmt::Write as _;

/// A line, and flags that its record must have among others.
struct Case {
    line: Vec<u8>,
    flags: &'static [&'static str],
}

fn case(line: impl Into<Vec<u8>>, flags: &'static [&'static str]) -> Case {
    Case { line: line.into(), flags }
}

/// A line of the timeline with this JSON as its `content`.
fn content(json: &str) -> Vec<u8> {
    let head =
        r#"{"timestamp":1764000000123,"type":"USER_OPERATION","title":"User Operation","severity":"INFO","#;
    format!("{head}\"owner\":null,\"content\":{json}}}").into_bytes()
}

fn cases() -> Vec<Case> {
    const UNPARSED: &[&str] = &["unparsed"];
    const NO_TEXT: &[&str] = &["unparsed", "invalid-utf8"];
    let garbage: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
    let nested =
        |depth: usize| content(&format!("\"deep\",\"x\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    let mut cases = vec![
        case(garbage, NO_TEXT),
        case(b"\0\0\0\0".to_vec(), UNPARSED),
        case(content("\"a\0b\""), UNPARSED),
        case(content("\"a\\u0000b\""), &[]),
        case([content("\"caf"), b"\xe9\"}".to_vec()].concat(), NO_TEXT),
        case(replaced(&content("\"caf?\""), b'?', 0xe9), &["invalid-utf8"]),
        case(b"\xff\xfe\xfd".to_vec(), NO_TEXT),
        case(b"\xEF\xBB\xBFa mark in the midst of the file".to_vec(), UNPARSED),
        case(nested(70), &[]),
        case(nested(10_000), UNPARSED),
        case("[".repeat(100_000), UNPARSED),
        case(r#"{"content":"one","content":"two","type":"USER_OPERATION"}"#, UNPARSED),
        case("{}", UNPARSED),
        case("null", UNPARSED),
        case("17", UNPARSED),
        case(r#""only text""#, UNPARSED),
        case(r#"{"type":"USER_OPERATION","content":"cut o"#, UNPARSED),
        case(r#"{"type":"USER_OPERATION"}"#, &["time-assumed"]),
        case(r#"{"content":"only content"}"#, &["time-assumed"]),
        case(r#"{"timestamp":-1e400,"content":"no time at all"}"#, &[]),
        case(r#"{"timestamp":"soon","content":"no time"}"#, &["time-assumed"]),
        case(content(r#"{"an":"object"}"#), UNPARSED),
        case(content("null"), &[]),
        case(content(r#""half a pair \ud800""#), &["invalid-utf8"]),
        case(content(r#""x","synced":99999999"#), &[]),
        case(content(r#""x","position":{"file":1,"offset":99999999}"#), &[]),
        case(r#"{"seq":99999999,"content":"x","sum":"00000000","chain":""}"#, &["time-assumed"]),
        case("a line | with = all \" the \\ marks ] of ' every , format", UNPARSED),
        case("<110>1 2024-02-29T09:11:02Z forged otrail - user.login - forged", UNPARSED),
        case("27 <110>1 - - - - - - hello you", UNPARSED),
        case(
            "\u{1b}[2J\u{1b}]0;title\u{7} \u{9b}31m \u{202e}txet\u{2066} \u{2028} \u{85} \u{feff} \u{7f}",
            UNPARSED,
        ),
    ];
    for text in [
        r#"one\ntwo\r\nthree\tfour"#,
        r#"] [evil@1 a=\"b\"]\n<110>1 - - - - - - forged\r\n24 <110>1 - - - - - - forged"#,
        r#"back\\slash \\] \\\" | pipe = equals CEF:0|a|b| LEEF:2.0|"#,
        r#"\u001b[2J\u0007\u007f\u009b31m \u202etxet\u2066 \u2028\u0085"#,
        r#"Ω 表 👩‍🔧 \ud83d\udd27"#,
    ] {
        cases.push(case(content(&format!("\"User \\\"{text}\\\" logged in\"")), &[]));
        cases.push(case(content(&format!("\"{text}\",\"owner\":\"x\"")), UNPARSED));
    }
    cases
}

fn replaced(line: &[u8], from: u8, to: u8) -> Vec<u8> {
    line.iter().map(|&byte| if byte == from { to } else { byte }).collect()
}

#[test]
fn one_hostile_entry_is_one_record_and_one_frame_and_its_neighbours_are_whole() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    let cases = cases();
    let mut written: Vec<(Vec<u8>, &[&str])> = Vec::new();
    let mut log = b"\xEF\xBB\xBF".to_vec();
    for (number, case) in cases.iter().enumerate() {
        let neighbour = entry(number);
        // Line ends of both kinds, and lines that are no entries.
        let ends: [&[u8]; 4] = [b"\n", b"\r\n", b"\n\n", b"\r\n \t\r\n"];
        for (line, flags) in [(neighbour.trim_end().as_bytes(), &[][..]), (&case.line, case.flags)] {
            log.extend_from_slice(line);
            log.extend_from_slice(ends[number % 4]);
            written.push((line.to_vec(), flags));
        }
    }
    log.extend_from_slice(entry(cases.len()).as_bytes());
    written.push((entry(cases.len()).trim_end().into(), &[]));
    house.write_log(&log);
    house.start();
    let last = format!("session {:07}", cases.len());
    house.wait_until("all delivered", |status| {
        receiver.has(&last) && status.destinations[0].lag_records == 0 && status.sources[0].bytes_behind == 0
    });
    assert_eq!(house.stop(), Some(0));

    let (records, frames) = (records_of(&house, "timeline"), frames_of(&receiver, "timeline"));
    assert_eq!((records.len(), frames.len()), (written.len(), written.len()));
    for ((record, frame), (line, flags)) in records.iter().zip(&frames).zip(&written) {
        let what = format!("{:?}\n{record:?}\n{frame:?}", String::from_utf8_lossy(line));
        assert!(record.raw == *line, "{what}");
        assert_eq!(record.json["seq"], frame.seq(), "{what}");
        assert_eq!(record.json["id"], frame.one("id"), "{what}");
        let found = record.json["flags"].to_string();
        for flag in *flags {
            assert!(found.contains(flag) && frame.flags().contains(flag), "{flag}: {what}");
        }
        for flag in ["unparsed", "invalid-utf8", "truncated"].iter().filter(|flag| !flags.contains(flag)) {
            let doubtful = *flag == "unparsed" && record.json["action"] == "user.operation";
            assert!(doubtful || !found.contains(flag), "not {flag}: {what}");
        }
        assert_eq!(frame.one("outcome"), record.json["outcome"], "{what}");
    }
    goes_on(&mut house, &receiver);
}

/// Nothing in the log deceived the journal: a restart goes on where it was.
fn goes_on(house: &mut House, receiver: &Receiver) {
    let before = house.trail().len() as u64;
    house.write_log(entry(999).as_bytes());
    house.start();
    let status = house.wait_until("going on", |status| {
        receiver.has("session 0000999")
            && status.destinations[0].lag_records == 0
            && status.sources[0].entries > 0
    });
    assert_eq!(status.journal.newest.0, before + 2, "agent.start and the entry");
    assert_eq!((status.journal.damaged, status.sources[0].entries), (0, 1));
    assert_eq!(house.stop(), Some(0));
    frames_of(receiver, "timeline");
}

#[test]
fn a_line_over_the_limit_is_cut_and_flagged_and_the_next_one_is_whole() {
    const LIMIT: usize = 1 << 20;
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    let of_bytes = |bytes: usize| {
        let head = content("\"\"").len();
        content(&format!("\"{}\"", "x".repeat(bytes - head)))
    };
    let odd = format!("{}{}", ".".repeat(LIMIT % 3 + 1), "表".repeat(LIMIT / 2)).into_bytes();
    let lines = [of_bytes(LIMIT), of_bytes(LIMIT + 1), of_bytes(5 * LIMIT), odd, b"\xff".repeat(LIMIT + 7)];
    for (number, line) in lines.iter().enumerate() {
        house.write_log(entry(number).as_bytes());
        house.write_log(line);
        house.write_log(b"\r\n");
    }
    house.write_log(entry(lines.len()).as_bytes());
    house.start();
    house.wait_until("all delivered", |status| {
        receiver.has("session 0000005") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    let (records, frames) = (records_of(&house, "timeline"), frames_of(&receiver, "timeline"));
    assert_eq!((records.len(), frames.len()), (11, 11));
    for (number, line) in lines.iter().enumerate() {
        let (record, frame) = (&records[2 * number + 1], &frames[2 * number + 1]);
        let truncated = line.len() > LIMIT;
        let flags = record.json["flags"].to_string();
        assert_eq!(flags.contains("truncated"), truncated, "line {number}: {flags}");
        assert_eq!(frame.flags().contains("truncated"), truncated, "line {number}");
        assert_eq!(flags.contains("invalid-utf8"), line[0] == 0xff, "line {number}: {flags}");
        let kept = record.raw.len();
        assert!(line.starts_with(&record.raw) && kept <= LIMIT, "line {number}: {kept}");
        assert!(kept == line.len() || kept > LIMIT - 4, "line {number}: {kept}");
        assert_eq!(records[2 * number].raw, entry(number).trim_end().as_bytes());
    }
}

#[test]
fn a_log_that_speaks_no_language_is_forwarded_line_by_line() {
    let mut few = String::new();
    for number in 0..30 {
        writeln!(few, "nothing that otrail understands, session {number:07}").unwrap();
    }
    let (one, long) = ("one line alone, session 0000000\n".to_owned(), "x".repeat(3 << 20) + "\n");
    let mixed = format!("{few}{}", entry(30));
    for (log, count) in [(one, 1), (long, 1), (few, 30), (mixed, 31)] {
        let mut house = House::new();
        let receiver = Receiver::start(&house);
        house.forward("siem", receiver.port, "");
        house.write_log(log.as_bytes());
        house.start();
        house.wait_until("all is forwarded", |status| {
            status.sources[0].entries == count && status.destinations[0].lag_records == 0
        });
        house.write_log(entry(77).as_bytes());
        house.wait_until("the next, too", |_| receiver.has("session 0000077"));
        assert_eq!(house.stop(), Some(0));
        assert_eq!(frames_of(&receiver, "timeline").len() as u64, count + 1);
        assert_eq!(records_of(&house, "timeline").len() as u64, count + 1);
    }
}
