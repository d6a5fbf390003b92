//! What it costs to make events of a timeline: nanoseconds of CPU per entry, dialect and rules alone, one thread.
//!
//! ```text
//! cargo bench --bench normalize              a sample of the documented types, see `sample.rs`
//! cargo bench --bench normalize -- FILE      a log of the first dialect
//! ENTRIES=2000 ROUNDS=1 KINDS=0 cargo bench  little enough to count instructions in
//!   1306 ns  median of 15 rounds   1276 ns  best      20000 entries of 188 bytes, 25 kinds
//! ```
//!
//! The first line is the mix of the log in the order of the log; then each kind by itself, which is a little less
//! since code and data of one kind stay in the caches. The figures are for comparing two builds on one machine in
//! one sitting.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and a bad file ends it")]

mod cpu;
mod sample;

use cpu::{cpu_micros, wished};
use otrail::dialect::{self, Context, DIALECTS, Parsed, State};
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;

fn main() {
    let file = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let log =
        file.map_or_else(|| sample::timeline(wished("ENTRIES", ENTRIES_MAX)), |file| fs::read(file).unwrap());
    let entries = dialect::entries(&DIALECTS[0], &mut State::at(0), &log);
    let entries: Vec<&[u8]> =
        entries.iter().take(ENTRIES_MAX).map(|entry| &log[entry.text.clone()]).collect();
    let context = Context::example();
    let mut kinds: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    for &entry in &entries {
        let event = parse(&context, entry).event;
        kinds.entry(format!("{} {}", event.kind, event.action.name())).or_default().push(entry);
    }
    let (best, median) = cost(&context, &entries);
    let bytes = entries.iter().map(|entry| entry.len()).sum::<usize>() / entries.len();
    println!(
        "{median:6} ns  median of {} rounds {best:6} ns  best  {:8} entries of {bytes} bytes, {} kinds",
        wished("ROUNDS", ROUNDS),
        entries.len(),
        kinds.len()
    );
    for (kind, entries) in kinds.iter().take(wished("KINDS", usize::MAX)) {
        let (best, median) = cost(&context, entries);
        println!("{median:6} ns  {best:6} ns  {:6} entries  {kind}", entries.len());
    }
}

/// Nanoseconds of CPU per entry, in the best round and in the median one.
fn cost(context: &Context<'_>, entries: &[&[u8]]) -> (u64, u64) {
    let times = wished("ENTRIES", ENTRIES_PER_ROUND).div_ceil(entries.len());
    let round = || {
        let began = cpu_micros();
        for _ in 0..times {
            for entry in entries {
                black_box(&parse(context, black_box(entry)));
            }
        }
        (cpu_micros() - began) * 1000 / (times * entries.len()) as u64
    };
    let mut rounds: Vec<u64> = (0..wished("ROUNDS", ROUNDS)).map(|_| round()).collect();
    rounds.sort_unstable();
    (rounds[0], rounds[rounds.len() / 2])
}

fn parse(context: &Context<'_>, entry: &[u8]) -> Parsed {
    (DIALECTS[0].parse)(&State::default(), context, entry)
}

const ENTRIES_MAX: usize = 20_000;
const ENTRIES_PER_ROUND: usize = 10_000;
const ROUNDS: usize = 15;
