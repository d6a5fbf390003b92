//! What each word of a filter finds in a journal, and how it is said on the command line.

use super::{ask, event, journal, otrail, told, unchained};
use otrail::filter::{Clock, Filter};
use otrail::model::{Event, EventId, Flag, Outcome, Raw, Record, Seq, Severity, Target, Text, Time};
use otrail::query::{Order, Query, ROWS_MAX};
use proptest::prelude::*;
use std::sync::Arc;

/// An event of many fields, each from a few values that filters may ask for.
fn rich(choice: &[usize]) -> Event {
    let pick = |at: usize, from: &[&str]| from[choice[at] % from.len()].to_owned();
    let mut event = event(&pick(0, &["alice", "bob"]), Outcome::ALL[choice[1] % 3], 1000);
    let some = |text: String| (!text.is_empty()).then(|| Text::from(text));
    event.domain = some(pick(2, &["", "CORP", "PLANT \"7\""]));
    event.role = some(pick(3, &["", "Security Analyst", "Ädmin"]));
    event.client = some(pick(4, &["", "10.2.3.4", "fd00::7", "10.20.3.4"]));
    event.devices = (0..choice[5] % 3).map(|at| Text::from(["10.2.1.7", "PLC\\7"][at])).collect();
    event.kind = pick(6, &["USER_OPERATION", "CUSTOM_EVENT"]).into();
    event.sensor = pick(7, &["plant-a", "plant-b"]).into();
    event.severity = Severity(u8::try_from(choice[8] % 11).unwrap());
    if choice[9] % 2 == 1 {
        event.flags.insert(Flag::TRUNCATED);
        let (kind, name) = (Text::from("rule"), some(pick(9, &["Night \"x\"", "17"])));
        event.target = Some(Box::new(Target { kind, name, id: Some("0042".into()) }));
    }
    if choice[9] % 5 == 4 {
        // Its message is found in the entry, which is base64 in the journal.
        event.raw = Raw::Bytes(b"bob at \xff"[..].into());
        event.message = "bob at \u{fffd}".into();
    }
    event.id = EventId(0x0123_4567_89ab_cdef_0000_0000_0000_0000 + (choice[9] as u128 % 4));
    event
}

/// Words of every field that `rich` fills, with values that some of them have.
const WORDS: &[(&str, &[&str])] = &[
    ("domain", &["corp", "plant *", "*"]),
    ("role", &["*analyst", "ädmin", "ÄDMIN"]),
    ("client", &["10.2.0.0/16", "10.2*", "FD00::7", "fd00::/8"]),
    ("device", &["plc\\7", "10.2.1.7", "10.0.0.0/8"]),
    ("type", &["custom_event", "USER*"]),
    ("sensor", &["plant-b", "PLANT-?"]),
    ("severity", &["7..", "warning", "0..3"]),
    ("flag", &["truncated"]),
    ("target", &["night *", "rule:*", "0042", "rule:17"]),
    ("id", &["01234567", "0123456789abcdef0000000000000001"]),
    ("outcome", &["failure"]),
    ("user", &["ALICE", "b?b"]),
    (
        "where",
        &[
            "user = alice or domain = corp",
            "message contains 'bob at' and role != *",
            "text contains bob",
            "target = rule:* or severity < 3 and device = plc*",
        ],
    ),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is read off a line before it is decoded must not cost a row.
    #[test]
    fn every_word_finds_in_the_journal_what_it_wants(
        choices in prop::collection::vec(prop::collection::vec(0..12_usize, 10), 1..20),
        words in prop::collection::vec((0..WORDS.len(), 0..4_usize), 1..4),
    ) {
        let mut words: Vec<_> =
            words.iter().map(|&(word, value)| (WORDS[word].0, WORDS[word].1[value % WORDS[word].1.len()])).collect();
        words.sort_unstable(); words.dedup_by(|one, other| one.0 == "where" && other.0 == "where");
        let filter = Arc::new(Filter::parse(words, &Clock::utc(Time::default())).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let events: Vec<Event> = choices.iter().map(|choice| rich(choice)).collect();
        journal(dir.path(), events.clone());
        let all = events.into_iter().zip(1..).map(|(event, seq)| Record { seq: Seq(seq), position: None, event, chain: None });
        let expected: Vec<Record> = all.filter(|record| filter.matches(record)).collect();
        let asked = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
        let answer: Vec<Record> = ask(dir.path(), &asked, u64::MAX).map(unchained).collect();
        prop_assert_eq!(answer, expected);
    }
}

#[test]
fn an_expression_is_an_option_or_a_match_or_follows_the_query_flag() {
    let dir = tempfile::tempdir().unwrap();
    let events = (0..6).map(|at| Event { time: Time::from_millis(at).unwrap(), ..rich(&[at as usize; 10]) });
    journal(dir.path(), events);
    let rows = |args: &[&str]| told(&otrail(dir.path(), &[args, &["-q"]].concat()));
    let wanted = rows(&["-u", "bob", "-p", "..3"]);
    assert_eq!((wanted.0, wanted.1.lines().count()), (Some(0), 2), "{wanted:?}");
    let expression = "user = bob and not severity > 3";
    assert_eq!(rows(&["--where", expression]), wanted);
    assert_eq!(rows(&[expression]), wanted);
    assert_eq!(rows(&["severity<=3", "user=bob"]), wanted);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_otrail"));
    let flag = command.args(["--query", expression, "--utc", "-q", "-D"]).arg(dir.path()).output().unwrap();
    assert_eq!(told(&flag), wanted);
    assert_eq!(rows(&["since=1 day ago"]).0, Some(1));
    assert_eq!(
        rows(&["--where", "user = bob or domain = 'PLANT \"7\"' and sevrity < 3"]),
        (
            Some(2),
            String::new(),
            "otrail: the value of `where` is wrong at character 40\n  \
             user = bob or domain = 'PLANT \"7\"' and sevrity < 3\n  \
             \u{20}                                      ^^^^^^^ no field is called so; near it: severity\n"
                .to_owned()
        )
    );
    let (code, _, errors) = rows(&["-g", "log(in"]);
    assert_eq!(
        (code, errors.lines().nth(2)),
        (Some(2), Some("     ^ unclosed group; a backslash makes a special character plain"))
    );
}

#[test]
fn options_and_matches_are_the_same_words_and_rows_can_be_counted() {
    let dir = tempfile::tempdir().unwrap();
    let events = (0..6).map(|at| Event { time: Time::from_millis(at).unwrap(), ..rich(&[at as usize; 10]) });
    journal(dir.path(), events);
    let rows = |args: &[&str]| told(&otrail(dir.path(), &[args, &["-q"]].concat()));
    let by_option = rows(&["--client", "10.2.0.0/16", "-u", "bob", "--severity", "..5"]);
    assert_eq!((by_option.0, by_option.1.lines().count()), (Some(0), 2), "{by_option:?}");
    assert_eq!(rows(&["client=10.2.0.0/16", "user=bob", "severity=..5"]), by_option);
    assert_eq!(rows(&["--src", "10.2.0.0/16", "user=bob", "-p", "0..5"]), by_option);
    assert_eq!(rows(&["--count", "code=OTA-1999", "seq=2", "seq=3"]).1, "2\n");
    assert_eq!(rows(&["--count", "seq=2", "--where", "seq = 3"]).1, "0\n");
    assert_eq!(rows(&["--count"]), (Some(0), "6\n".to_owned(), String::new()));
    assert_eq!(rows(&["--count", "user=nobody"]), (Some(1), "0\n".to_owned(), String::new()));
    assert_eq!(rows(&["--count", "seq >= 2", "--where", "seq <= 5", "seq!=3"]).1, "3\n");
    assert_eq!(rows(&["--count", "SEQ=2", "+", "seq=4", "user=bob", "+", "seq=6", "user=alice"]).1, "2\n");
    assert_eq!(rows(&["--count", "-g", "-none"]).1, "0\n");
    assert_eq!(rows(&["--just-one"]), rows(&["-n", "1"]));
    assert_eq!(rows(&["--unclassified"]).1.lines().count(), 6);
    for (args, why) in [
        (&["colour=red"][..], "unknown filter `colour`"),
        (&["alice"], "`alice` is no match: write FIELD=VALUE"),
        (&["user=a", "or", "user=b"], "`or` is no match: write FIELD=VALUE"),
        (&["usr=alice"], "unknown filter `usr`; near it: user"),
        (&["time=today"], "  time = today"),
        (&["-S", "today", "-U", "yesterday"], "swap them"),
        (&["client=10.2"], "write the whole address, or 10.2.*"),
        (&["-n", "-5"], "write a number or all"),
        (&["--count", "--show-cursor"], "cannot be used with"),
        (
            &["role=Security Analyst"],
            "^^^^^^^ `and`, `or` or the end is expected here; a value with spaces stands in quotes",
        ),
        (&["--client", "10.2.0.0/40"], "write a network as 10.2.0.0/16"),
        (&["--id", "1"], "8 to 32 hex digits"),
    ] {
        let (code, _, errors) = rows(args);
        assert_eq!(code, Some(2), "{args:?}");
        assert!(errors.contains(why), "{errors}");
    }
}
