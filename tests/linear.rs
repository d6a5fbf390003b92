//! A log that somebody has made to take long is read in a time that grows with its length, and not with its square.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/properties.rs"]
mod properties;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use otrail::collect::{Cutter, Reading};
use otrail::dialect::{self, Context, DIALECTS, End, Mask, Masks};
use otrail::model::{Event, Flag};
use std::time::Duration;

/// Reads a log in the pieces that a file is read in, with all masks that come with otrail; the CPU time of that.
fn read(name: &str, log: &[u8]) -> (Duration, Vec<Event>) {
    let (context, line_bytes_max) = (Context::example(), 1 << 20);
    let masks = Masks::with(Mask::shipped_names().filter_map(|name| Mask::shipped(name, "***")).collect());
    let reading = Reading { context: &context, masks: &masks, line_bytes_max };
    let mut cutter = Cutter::new(dialect::find(name));
    let (from, mut events) = (cpu(), Vec::new());
    for piece in log.chunks(64 << 10) {
        let filled = cutter.fill(piece.len(), |place| {
            place.copy_from_slice(piece);
            Ok(piece.len())
        });
        filled.unwrap();
        cutter.cut(End::Open, reading, |parsed, _| events.push(parsed.event));
    }
    cutter.cut(End::Final, reading, |parsed, _| events.push(parsed.event));
    (cpu() - from, events)
}

/// What this thread has taken of a processor: others that are busy do not count.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}

/// Eight times the log may take twice as long for each byte, and half a second more.
fn check(name: &str, head: &str, unit: &str, bytes: usize) {
    let log = |bytes| [head.as_bytes(), &unit.as_bytes().repeat(bytes / unit.len())].concat();
    let (short, long) = (read(name, &log(bytes)).0, read(name, &log(8 * bytes)).0);
    assert!(
        long < 16 * short + Duration::from_millis(500),
        "{name} {head:?} {unit:?}: {short:?}, then {long:?}"
    );
}

#[test]
fn what_is_repeated_takes_no_longer_each_time() {
    let event = r#"{"timestamp":1709193520000,"type":"USER_OPERATION","content":"User admin logged in"}"#;
    let audit = "2024-02-29 07:58:40,118 [main] INFO  AUDIT- User admin logged in";
    let languages = [
        format!("{event}\n{audit}\n"),
        format!("[{event}]\n{audit}\n"),
        format!("{event}\nTime,Type,Content\n2024-02-29 07:58:40,USER_OPERATION,User admin logged in\n"),
        format!("{event}\nCEF:0|a|b|1|c|d|3|suser=al\n"),
    ];
    for unit in &languages {
        check("auto", "", unit, 8 << 10);
    }
    for dialect in DIALECTS {
        for unit in
            ["\n", " \r\n", "x\n", "\"\n", "[\n", "{\"},{\\\"", "\",\"x\",\"\n", "a='", "<1>", "\\", "by "]
        {
            check(dialect.name, "[", unit, 4 << 10);
            check(dialect.name, "Time,Type,Content\n1,A,\"", unit, 4 << 10);
        }
        for unit in
            [" {\"a\":\n", "{\n", " {\"a\":1,\n \"b\":2,\n", "{}{", "{\"a\":{}} ", "{\"value\":[{}", ","]
        {
            check(dialect.name, "{\"a\":\n [", unit, 4 << 10);
        }
    }
}

#[test]
fn many_words_for_a_secret_in_an_entry_take_no_longer_each_time() {
    for unit in [
        "pwd: \"",
        "pwd: 'x",
        "pwd: a1 ",
        "pwd: \\\"x",
        "pwd: \\\\\\\"x",
        "pwd: \\u0022",
        "pwd=\"\"x",
        "pwd=\\\"\\\\\\\"x",
        "pwd=\\\"x y\\\" ",
        "pwd : ",
        "pwd='\\'x",
        "a=pwd=\\\"x y\\\" ",
        "pwd: g:",
        "pwd: \\\\\\\"a\" ",
    ] {
        for (dialect, head) in [
            ("lines", ""),
            ("lines", "pwd: 'x "),
            ("key-value", "a=1 "),
            ("timeline-json", "{\"content\":\""),
        ] {
            check(dialect, head, unit, 8 << 10);
        }
    }
}

#[test]
fn an_entry_with_very_many_hidden_secrets_says_none_of_them_and_takes_no_time() {
    let secrets: String = (0..20_000).map(|number| format!("password=\"\"se{number}cret\"\" ")).collect();
    let log = format!("Time,Type,Content\n2024-02-29 07:58:40,USER_OPERATION,\"{secrets}\"\n");
    let (taken, events) = read("timeline-csv", log.as_bytes());
    assert!(taken < Duration::from_secs(10), "{taken:?}");
    assert_eq!(events.len(), 1);
    assert!(events[0].flags.contains(Flag::MASKED) && !format!("{:?}", events[0]).contains("cret"));
}
