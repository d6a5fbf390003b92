//! What it costs to make events of a log: nanoseconds per entry, the best of several rounds for each type and action.
//!
//! `cargo bench --bench normalize [-- FILE]`; without a file it reads the golden log of the first dialect again and
//! again. The figures are for comparing two builds on one machine in one sitting, and for nothing else.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and a bad file ends it")]

use jiff::tz::TimeZone;
use otrail::dialect::{self, Context, DIALECTS, Habits, Rules, State};
use otrail::model::{Class, Event, Text, Time};
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() {
    let file = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dialect/timeline-json/sensor.log");
    let log = fs::read(file.as_deref().unwrap_or(golden)).unwrap();
    let entries = dialect::entries(&DIALECTS[0], &mut State::at(0), &log);
    let rules = Rules::embedded();
    let (sensor, source) = (Text::from("plant-a"), Text::from("timeline"));
    let seen = Time::from_millis(1_709_200_000_000).unwrap();
    let context = Context {
        sensor: &sensor,
        source: &source,
        seen,
        zone: &TimeZone::UTC,
        rules: &rules,
        user_login: Class::UserOperation,
        habits: &Habits::default(),
    };
    let mut kinds: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    for entry in entries.iter().take(ENTRIES_MAX) {
        let entry = &log[entry.text.clone()];
        let event = parse(&context, entry);
        kinds.entry(format!("{} {}", event.kind, event.action.name())).or_default().push(entry);
    }
    let (mut total, mut count) = (Duration::ZERO, 0);
    for (kind, entries) in &kinds {
        let round = || {
            let began = Instant::now();
            for entry in entries {
                black_box(parse(&context, black_box(entry)));
            }
            began.elapsed() / u32::try_from(entries.len()).unwrap()
        };
        let each = (0..ROUNDS).map(|_| round()).min().unwrap();
        println!("{:6} ns  {:7} entries  {kind}", each.as_nanos(), entries.len());
        total += each * u32::try_from(entries.len()).unwrap();
        count += u32::try_from(entries.len()).unwrap();
    }
    println!("{:6} ns  {count:7} entries  all together", (total / count).as_nanos());
}

fn parse(context: &Context<'_>, entry: &[u8]) -> Event {
    (DIALECTS[0].parse)(&State::default(), context, entry).event
}

const ENTRIES_MAX: usize = 20_000;
const ROUNDS: usize = 9;
