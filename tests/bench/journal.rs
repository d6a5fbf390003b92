//! What a large journal costs: bytes on disk, sealing, and questions, beside ripgrep on the same bytes.
//!
//! ```text
//! cargo bench --bench journal                          200,000 events in a folder of its own
//! EVENTS=10000000 DIR=/var/tmp/otrail-bench cargo bench --bench journal
//! ```
//!
//! Behind the sealed segments stands one that is written, of `OPEN` events. It is asked as the agent asks it, or with
//! `FOLDER=1` as whoever has no more than its files.
//!
//! `DIR` is kept; a journal that is there already is used as it is. Each question is asked `ROUNDS` times: milliseconds of
//! wall clock and of CPU, the best round. With the files in the page cache, as they are on a host that answers often.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and a bad folder ends it")]

#[expect(dead_code, reason = "other benches take the whole timeline")]
mod sample;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use otrail::dialect::{Context, DIALECTS, State};
use otrail::filter::{Clock, Filter};
use otrail::journal::{Draft, Folder, Input, Journal, Settings, parts};
use otrail::model::{Event, Seq, Time};
use otrail::query::render::Column;
use otrail::query::{self, Order, Query, ROWS_MAX_OFFLINE};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

fn main() {
    let events = wished("EVENTS", 200_000);
    let temporary = tempfile::tempdir().unwrap();
    let dir = std::env::var_os("DIR").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    if !dir.join("journal").exists() {
        write(&open(&dir, false), 0..events, &mut |_| {});
        println!("{events} events, {} bytes each as plain text", bytes(&dir, ".ndjson") / events as u64);
        ripgrep(&dir, &[]);
        seal(&dir);
        seal_behind(events);
    }
    let journal = open(&dir, true);
    // Indexes that another otrail made are made anew.
    while journal.seal_next(&mut |_| Ok(()), now).unwrap() {}
    if bytes(&dir, ".ndjson") < 1 << 20 {
        write(&journal, events..events + wished("OPEN", (events / 2).min(50_000)), &mut |_| {});
    }
    let (began, cpu) = (Instant::now(), cpu_micros());
    journal.index_open(&mut |_| Ok(())).unwrap();
    let cpu = (cpu_micros() - cpu) as f64 / 1000.0;
    println!("index of the open segment: CPU {cpu:.1} ms, {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
    let (sealed, index) = (bytes(&dir, ".zst"), bytes(&dir, ".idx"));
    let in_sealed = in_sealed(&dir);
    let each = |bytes: u64| bytes as f64 / in_sealed.max(1) as f64;
    println!("sealed {:.1} bytes per event, index {:.1}, of {in_sealed} events", each(sealed), each(index));
    questions(&journal);
    values(&journal);
    ripgrep(&dir, &["-z"]);
}

/// Writes a journal as the collector does, in batches, with something done after each.
fn write(journal: &Journal, events: Range<usize>, then: &mut dyn FnMut(&Journal)) {
    for from in events.clone().step_by(BATCH) {
        let log = sample::stretch(from as u64 + 7, from..(from + BATCH).min(events.end), 2000);
        let log = String::from_utf8(log).unwrap();
        let mut drafts = Vec::new();
        for (line, at) in log.lines().zip(from..) {
            let rare = at % 1_000_003 == 777;
            let entry = if rare {
                line.replace("\"content\":\"", "\"content\":\"Quetzalcoatl ")
            } else {
                line.to_owned()
            };
            let seen = Time::from_millis(1_709_193_525_000 + 1000 * at as i64).unwrap();
            let context = Context { seen, ..Context::example() };
            drafts.push(Draft { event: event(&context, entry.as_bytes()), position: None, mark: None });
        }
        journal.append(Input { drafts, ..Input::default() }, now()).unwrap();
        then(journal);
    }
}

fn event(context: &Context<'_>, entry: &[u8]) -> Event {
    let parsed = (DIALECTS[0].parse)(&State::default(), context, entry);
    let mut event = parsed.event;
    event.id = parsed.identity.id(0);
    event
}

fn open(dir: &Path, seal: bool) -> Journal {
    let settings = Settings {
        state_dir: dir.to_owned(),
        sensor: "plant-a".to_owned(),
        bytes_max: 1 << 40,
        age_max: Duration::from_secs(86_400 * 400),
        segment_bytes_max: 64 << 20,
        recent_bytes_max: 8 << 20,
        reserve_bytes: 4096,
        seal,
        destinations: Vec::new(),
    };
    Journal::open(settings, now()).unwrap()
}

fn now() -> Time {
    Time::from_millis(1_709_193_520_000).unwrap()
}

fn seal(dir: &Path) {
    let journal = open(dir, true);
    let (began, cpu) = (Instant::now(), cpu_micros());
    while journal.seal_next(&mut |_| Ok(()), now).unwrap() {}
    let (cpu, took) = ((cpu_micros() - cpu) as f64, began.elapsed());
    // The segment that is written is not among them.
    let cpu = cpu / in_sealed(dir).max(1) as f64;
    println!("sealing and indexing: {cpu:.2} µs of CPU per event, {:.1} s", took.as_secs_f64());
}

/// The same as the agent does it, which indexes a segment while it is written.
fn seal_behind(events: usize) {
    let dir = tempfile::tempdir().unwrap();
    // Until now, and until a segment was sealed last.
    let (mut cpu, mut in_all) = (0, 0);
    write(&open(dir.path(), true), 0..events, &mut |journal| {
        let before = cpu_micros();
        let mut sealed = false;
        while journal.seal_next(&mut |_| Ok(()), now).unwrap() {
            sealed = true;
        }
        in_all = if sealed { cpu + cpu_micros() - before } else { in_all };
        journal.index_open(&mut |_| Ok(())).unwrap();
        cpu += cpu_micros() - before;
    });
    let cpu = in_all as f64 / in_sealed(dir.path()).max(1) as f64;
    println!("sealing and indexing behind the writer: {cpu:.2} µs of CPU per event");
}

/// How many events the sealed segments have.
fn in_sealed(dir: &Path) -> u64 {
    let parts = parts(dir).unwrap();
    let indexes = parts.iter().filter_map(|part| part.index());
    indexes.flat_map(|index| index.frames()).map(|frame| frame.count).sum()
}

/// Questions of admins, and what stands for each on ripgrep's command line.
fn questions(journal: &Journal) {
    let newest = |words: &[(&str, &str)]| {
        let mut found = answer(journal, words, Some(1), false);
        found.next().map_or_else(now, |record| record.event.time)
    };
    let until = newest(&[("class", "user-operation")]);
    let since = Time::from_millis(until.millis() - 3_600_000).unwrap().to_string();
    for (name, words, limit, is_count) in [
        ("last 50 of a user", &[("user", "op0042")][..], Some(50), false),
        (
            "failed logins of an hour",
            &[("action", "user.login"), ("outcome", "failure"), ("since", &since)],
            None,
            false,
        ),
        ("count by action", &[("action", "user.login")], None, true),
        ("rare word", &[("grep", "quetzalcoatl")], None, false),
        ("full regex", &[("grep", r"from 10\.7\.\d+\.9\b")], None, false),
        ("one event by its id", &[("id", &id(journal.dir()))], None, false),
    ] {
        let mut best = (f64::MAX, f64::MAX, 0);
        for _ in 0..wished("ROUNDS", 5) {
            let (began, cpu) = (Instant::now(), cpu_micros());
            let mut found = answer(journal, words, limit, is_count);
            let rows = found.by_ref().count() as u64;
            let rows = found.counted().unwrap_or(rows);
            let took = (began.elapsed().as_secs_f64() * 1000.0, (cpu_micros() - cpu) as f64 / 1000.0, rows);
            best = if took.0 < best.0 { took } else { best };
        }
        println!("{name:28} {:9.1} ms  CPU {:9.1} ms  {} rows", best.0, best.1, best.2);
    }
}

/// How many records have each value of a field: by the index, and by reading.
fn values(journal: &Journal) {
    for (name, words, by) in [
        ("by user, of all", &[][..], "user"),
        ("by client, of failed logins", &[("action", "user.login"), ("outcome", "failure")], "client"),
    ] {
        let filter = Arc::new(Filter::parse(words.iter().copied(), &Clock::utc(now())).unwrap());
        let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX_OFFLINE };
        let (began, cpu) = (Instant::now(), cpu_micros());
        let by = Column::named(by).unwrap();
        let tally =
            query::tally(folder(journal), &query, by, Seq(u64::MAX), &AtomicBool::new(false)).unwrap();
        let (wall, cpu) = (began.elapsed().as_secs_f64() * 1000.0, (cpu_micros() - cpu) as f64 / 1000.0);
        println!(
            "{name:28} {wall:9.1} ms  CPU {cpu:9.1} ms  {} values of {} rows",
            tally.values.len(),
            tally.records
        );
    }
}

/// The id of an event in the middle.
fn id(dir: &Path) -> String {
    let parts = parts(dir).unwrap();
    let mut lines = parts[parts.len() / 2].scan().unwrap();
    lines.find_map(|line| line.unwrap().decode()).unwrap().event.id.to_string()
}

fn answer(journal: &Journal, words: &[(&str, &str)], limit: Option<usize>, is_count: bool) -> query::Answer {
    let filter = Arc::new(Filter::parse(words.iter().copied(), &Clock::utc(now())).unwrap());
    let query = Query { filter, limit, order: Order::OldestFirst, rows_max: ROWS_MAX_OFFLINE };
    let search = if is_count { query::count } else { query::answer };
    search(folder(journal), &query, Seq(u64::MAX), &AtomicBool::new(false)).unwrap()
}

fn folder(journal: &Journal) -> Folder<'_> {
    match std::env::var_os("FOLDER") {
        Some(_) => journal.dir().into(),
        None => journal.into(),
    }
}

/// The same by ripgrep, where it is installed.
fn ripgrep(dir: &Path, options: &[&str]) {
    for pattern in ["Quetzalcoatl", r"from 10\.7\.\d+\.9\b"] {
        let (began, cpu) = (Instant::now(), children_micros());
        let found = Command::new("rg")
            .args(options)
            .args(["-c", "--no-filename", pattern])
            .arg(dir.join("journal"))
            .output();
        let Ok(found) = found else { return };
        let rows: u64 = String::from_utf8_lossy(&found.stdout)
            .lines()
            .filter_map(|count| count.parse::<u64>().ok())
            .sum();
        let (wall, cpu) = (began.elapsed().as_secs_f64() * 1000.0, (children_micros() - cpu) as f64 / 1000.0);
        println!("rg {:3} {pattern:21} {wall:9.1} ms  CPU {cpu:9.1} ms  {rows} rows", options.join(" "));
    }
}

fn bytes(dir: &Path, end: &str) -> u64 {
    let entries = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap());
    let of_form = entries.filter(|entry| entry.file_name().to_str().unwrap().ends_with(end));
    of_form.map(|entry| entry.metadata().unwrap().len()).sum()
}

/// A number from the environment, or what is usual.
fn wished(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

fn cpu_micros() -> u64 {
    micros(UsageWho::RUSAGE_SELF)
}

fn children_micros() -> u64 {
    micros(UsageWho::RUSAGE_CHILDREN)
}

fn micros(who: UsageWho) -> u64 {
    let usage = getrusage(who).unwrap();
    u64::try_from((usage.user_time() + usage.system_time()).num_microseconds()).unwrap()
}

const BATCH: usize = 5_000;
