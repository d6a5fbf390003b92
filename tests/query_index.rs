//! With an index or without, while the journal is written, rolled and sealed: answers are those of a reader of everything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use otrail::filter::{Clock, Filter};
use otrail::journal::{Draft, Folder, Input, Journal, Part, Scan, Settings, parts};
use otrail::model::{Action, Event, EventId, Flag, Outcome, Raw, Record, Seq, Severity, Target, Text, Time};
use otrail::query::render::COLUMNS;
use otrail::query::{Order, Query, ROWS_MAX, Tally, answer, count, tally};
#[path = "query/among.rs"]
mod among;
#[path = "query/broken.rs"]
mod broken;
#[path = "query/growing.rs"]
mod growing;
#[path = "query/numbers.rs"]
mod numbers;
#[path = "query/unread.rs"]
mod unread;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const DAY: i64 = 86_400_000;

fn open(dir: &Path) -> Journal {
    let settings = Settings {
        state_dir: dir.to_owned(),
        sensor: "plant-a".to_owned(),
        bytes_max: 1 << 30,
        age_max: Duration::from_secs(86_400),
        segment_bytes_max: 1200 << 10,
        recent_bytes_max: 1 << 20,
        reserve_bytes: 4096,
        seal: true,
        destinations: Vec::new(),
    };
    Journal::open(settings, now()).unwrap()
}

fn now() -> Time {
    Time::from_millis(20_000 * DAY).unwrap()
}

fn folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn pick<'a>(rng: &mut fastrand::Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

/// An event of many fields, of which `late` in 256 come from another time; what it says is escaped in some, and base64 in others. Some users come only for a while.
fn event(rng: &mut fastrand::Rng, at: usize, late: u8) -> Event {
    let action = Action::parse(pick(rng, &["user.login", "user.logout", "alert.update", "backup.create"]));
    let action = action.unwrap_or(Action::USER_OPERATION);
    let millis =
        19_000 * DAY + at as i64 * 60_000 + if rng.u8(..) < late { rng.i64(-30..30) * DAY } else { 0 };
    let outcome = Outcome::ALL[rng.usize(..3)];
    let mut event = Event::new(action, outcome, Time::from_millis(millis).unwrap());
    event.id = EventId(rng.u128(..));
    let some = |text: &str| (!text.is_empty()).then(|| Text::from(text));
    let guest = format!("guest{}", at / 900);
    event.user =
        some(if rng.u8(..) < 20 { &guest } else { pick(rng, &["alice", "bob", "Käthe", "\u{212a}im", ""]) });
    event.domain = some(pick(rng, &["", "CORP", "PLANT \"7\""]));
    event.role = some(pick(rng, &["", "Security Analyst", "Ädmin"]));
    event.client = some(pick(rng, &["", "10.2.3.4", "fd00::7", "10.20.3.4", "::ffff:10.2.9.9"]));
    event.reason = some(pick(rng, &["", "expired", "no \\ such \"user\"", "f\u{fc}r immer"]));
    event.kind = pick(rng, &["USER_OPERATION", "CUSTOM_EVENT"]).into();
    event.sensor = pick(rng, &["plant-a", "plant-b"]).into();
    event.severity = Severity(rng.u8(..11));
    if rng.u8(..) < 3 {
        event.flags.insert(Flag::TRUNCATED);
    }
    if rng.bool() {
        let name = format!("Night \"{}\"", at / 100);
        event.target = Some(Box::new(Target { kind: "rule".into(), name: some(&name), id: some("0042") }));
    }
    let devices = [format!("10.9.0.{}", at / 100), "plc-7".to_owned(), "10.2.3.4".to_owned()];
    event.devices = devices.iter().take(rng.usize(..4)).map(|device| device.as_str().into()).collect();
    event.count = (rng.u8(..) < 60).then(|| rng.u64(..5000));
    let words = ["the usual", "Zebra\\fish", "a\ttab", "caf\u{e9}", "mi\u{17f}t", "\"quoted\" words"];
    let rare = if at.is_multiple_of(1777) { "quetzalcoatl" } else { "nothing" };
    let text = format!("{} {rare} {} {}", pick(rng, &words), rng.u32(..), "-".repeat(rng.usize(..200)));
    event.message = text.as_str().into();
    event.raw = match rng.u8(..4) {
        0 => Raw::Bytes([text.as_bytes(), b"\xff"].concat().into()),
        1 => Raw::Json(serde_json::json!({ "content": text, "n": at }).to_string().into()),
        2 => Raw::Json(format!("{{\"content\":\"\\u{:04x}\\/x{at}\"}}", 0x41 + at % 26).into()),
        _ => Raw::Text(text.into()),
    };
    event
}

fn append(journal: &Journal, events: &[Event]) {
    for events in events.chunks(50) {
        let drafts = events.iter().map(|event| Draft { event: event.clone(), position: None, mark: None });
        journal.append(Input { drafts: drafts.collect(), ..Input::default() }, now()).unwrap();
    }
}

/// Of 256 events about ten are far from their place in time.
fn events(rng: &mut fastrand::Rng, from: usize, count: usize) -> Vec<Event> {
    (from..from + count).map(|at| event(rng, at, 10)).collect()
}

/// A journal of 4,500 events in the order of their times, in some sealed segments.
fn sealed() -> TempDir {
    let mut rng = fastrand::Rng::with_seed(4);
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, &(0..4500).map(|at| event(&mut rng, at, 0)).collect::<Vec<_>>());
    seal_all(&journal);
    dir
}

fn seal_all(journal: &Journal) {
    while journal.seal_next(&mut |_| Ok(()), now).unwrap() {}
}

const WORDS: &[(&str, &[&str])] = &[
    ("user", &["alice", "guest3", "guest*", "KIM", "kim", "nobody", "*\u{e4}the"]),
    ("domain", &["corp", "plant *"]),
    ("role", &["*analyst", "\u{c4}DMIN"]),
    ("client", &["10.2.0.0/16", "10.2.9.9", "10.2*", "fd00::7"]),
    ("action", &["user.login", "user.", "agent.seal", "backup.create"]),
    ("device", &["10.9.0.7", "10.9.0.0/21", "*.9.0.*", "plc-7", "10.2.3.4", "10.2.3.5"]),
    ("outcome", &["failure", "success"]),
    ("severity", &["7..", "3"]),
    ("type", &["custom*"]),
    ("class", &["agent", "user-operation"]),
    ("sensor", &["plant-b"]),
    ("flag", &["truncated"]),
    ("target", &["night *", "rule:*7*", "0042", "rule:nothing"]),
    (
        "grep",
        &[
            "quetzal",
            "zebra.fish",
            r"Zebra\\fish",
            "caf\u{e9} nothing",
            "mist",
            "(?:tab|QUOTED).* noth",
            r"x4\d7\b",
            "K/x",
            "\u{ff}",
            "[km]i[s\u{17f}]t",
            "^a\\ttab",
        ],
    ),
    (
        "where",
        &[
            "user = guest2 or message contains quetzalcoatl",
            "not outcome = failure and role = *",
            "device = 10.9.0.41 or count = 4111 or id contains 0a1b",
            "device contains 9.0.3 and (target-id = 0042 or client = 10.20.3.4) and not count < 1000",
            "seq > 300 and seq <= 900",
            "seq in (7, 512, 1024) or seq < 5",
            "user = alice and outcome = failure",
            "not (action = user.login or client in (10.2.0.0/16)) and (flag = truncated or severity >= 9)",
            "user in (guest*, kim) and not (code = OTA-1001 and text contains quetzal)",
            "target-name contains \"1\" or (domain = corp and not sensor = plant-b)",
        ],
    ),
    ("since", &["@1641700000", "@1642000000"]),
    ("until", &["@1641900000", "@1642100000"]),
    ("id", &["ffffffff"]),
];

/// A filter of a few random words.
fn filter(rng: &mut fastrand::Rng, all: &[Record]) -> Arc<Filter> {
    loop {
        let mut words: Vec<(&str, String)> = Vec::new();
        for _ in 0..rng.usize(0..4) {
            let (name, values) = WORDS[rng.usize(..WORDS.len())];
            let found = all.get(rng.usize(..all.len().max(1)));
            let value = match (name, found) {
                ("id", Some(record)) if rng.bool() => record.event.id.to_string(),
                _ => pick(rng, values).to_owned(),
            };
            words.push((name, value));
        }
        // Some words may stand once only.
        if let Ok(filter) = Filter::parse(words, &Clock::utc(now())) {
            return Arc::new(filter);
        }
    }
}

/// What a reader of everything would answer.
fn expected(all: &[Record], query: &Query, through: Seq) -> Vec<Record> {
    let wanted = all.iter().filter(|record| record.seq <= through && query.filter.matches(record));
    let mut rows: Vec<Record> = wanted.cloned().collect();
    rows.sort_by_key(|record| (record.event.time, record.seq));
    rows.drain(..rows.len().saturating_sub(query.limit.unwrap_or(usize::MAX)));
    rows
}

fn random_query(rng: &mut fastrand::Rng, all: &[Record]) -> Query {
    let limit = rng.bool().then(|| rng.usize(0..60));
    Query { filter: filter(rng, all), limit, order: Order::OldestFirst, rows_max: ROWS_MAX }
}

fn check<'a>(dir: impl Into<Folder<'a>> + Copy, query: &Query, through: Seq, all: &[Record]) {
    let expected = expected(all, query, through);
    let never = AtomicBool::new(false);
    let mut found = answer(dir, query, through, &never).unwrap();
    let rows: Vec<Record> = found.by_ref().collect();
    let seqs = |rows: &[Record]| rows.iter().map(|row| row.seq.0).collect::<Vec<_>>();
    assert_eq!(seqs(&rows), seqs(&expected), "{:?} {:?} through {through}", query.filter, query.limit);
    assert!(rows == expected && found.incomplete().is_none(), "{:?}", found.incomplete());
    let counted = count(dir, query, through, &never).unwrap();
    assert_eq!(counted.counted(), Some(expected.len() as u64), "{:?} counted", query.filter);
    check_values(dir, query, through, all);
}

/// Of one of the fields, another one each time, how many records have each value.
fn check_values<'a>(dir: impl Into<Folder<'a>>, query: &Query, through: Seq, all: &[Record]) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let by = &COLUMNS[TURN.fetch_add(1, Ordering::Relaxed) % COLUMNS.len()];
    let wanted = all.iter().filter(|record| record.seq <= through && query.filter.matches(record));
    let mut counts = BTreeMap::<String, u64>::new();
    wanted.for_each(|record| *counts.entry(by.value(record).into_owned()).or_default() += 1);
    let records: u64 = counts.values().sum();
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_by_key(|(_, count)| Reverse(*count));
    values.truncate(query.limit.unwrap_or(usize::MAX));
    let found = tally(dir, query, by, through, &AtomicBool::new(false)).unwrap();
    assert_eq!(found, Tally { values, records, missing: vec![] }, "{:?} by {}", query.filter, by.name);
}

fn records(dir: &Path) -> Vec<Record> {
    Scan::open(dir).unwrap().map(|line| line.unwrap().decode().unwrap()).collect()
}

fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    paths.sort();
    paths
}

#[test]
fn random_questions_get_the_answers_of_a_reader_of_everything() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, &events(&mut rng, 0, 6000));
    seal_all(&journal);
    let all = records(dir.path());
    let indexed: Vec<usize> =
        parts(dir.path()).unwrap().iter().filter_map(|part| Some(part.index()?.frames().len())).collect();
    assert!(indexed.len() > 2 && indexed.iter().sum::<usize>() > 6, "{indexed:?}");
    for _ in 0..80 {
        let query = random_query(&mut rng, &all);
        let through = if rng.bool() { Seq(u64::MAX) } else { Seq(rng.u64(1..all.len() as u64)) };
        check(dir.path(), &query, through, &all);
        check(&journal, &query, through, &all);
    }
}

#[test]
fn answers_are_right_while_the_journal_is_written_rolled_and_sealed() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut rng = fastrand::Rng::new();
            for from in (0..8000).step_by(500) {
                append(&journal, &events(&mut rng, from, 500));
            }
            over.store(true, Ordering::Relaxed);
        });
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                seal_all(&journal);
                journal.index_open(&mut |_| Ok(())).unwrap();
                std::thread::yield_now();
            }
        });
        let mut asked = 0;
        while !over.load(Ordering::Relaxed) || asked < 20 {
            let through = journal.newest();
            let lines = journal.scan().through(through);
            let all: Vec<Record> = lines.map(|line| line.unwrap().decode().unwrap()).collect();
            assert_eq!(all.len() as u64, through.0);
            let query = random_query(&mut rng, &all);
            match rng.bool() {
                true => check(dir.path(), &query, through, &all),
                false => check(&journal, &query, through, &all),
            }
            asked += 1;
        }
    });
    seal_all(&journal);
    assert!(files(dir.path(), ".zst").len() > 3 && files(dir.path(), ".idx").len() > 3);
}

#[test]
fn an_index_that_is_not_whole_is_ignored_and_made_anew() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, &events(&mut rng, 0, 3500));
    seal_all(&journal);
    let all = records(dir.path());
    let indexes = files(dir.path(), ".idx");
    let whole: Vec<Vec<u8>> = indexes.iter().map(|path| fs::read(path).unwrap()).collect();
    for round in 0..24 {
        for (path, whole) in indexes.iter().zip(&whole) {
            let mut bytes = whole.clone();
            match round % 4 {
                0 => bytes.truncate(rng.usize(..bytes.len())),
                1 => bytes[7] ^= 3,
                // The head and the sections before the runs are the smaller part.
                2 => bytes[rng.usize(..4000)] ^= 1 << rng.u8(..8),
                _ => (0..400).for_each(|_| bytes[rng.usize(..whole.len())] ^= 1 << rng.u8(..8)),
            }
            fs::write(path, bytes).unwrap();
        }
        for _ in 0..3 {
            check(dir.path(), &random_query(&mut rng, &all), Seq(u64::MAX), &all);
        }
    }
    for (at, (path, whole)) in indexes.iter().zip(&whole).enumerate() {
        let mut of_another_version = whole.clone();
        of_another_version[7] ^= 3;
        let changed = if at % 2 == 0 { fs::remove_file(path) } else { fs::write(path, of_another_version) };
        changed.unwrap();
    }
    check(dir.path(), &random_query(&mut rng, &all), Seq(u64::MAX), &all);
    seal_all(&journal);
    let anew: Vec<Vec<u8>> = indexes.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(anew == whole, "the same segment has the same index");
}
