//! What it costs to make a frame of a record: nanoseconds of CPU per event in each format, one thread.
//!
//! ```text
//! cargo bench --bench formats
//! ENTRIES=2000 ROUNDS=1 FORMAT=cef cargo bench --bench formats     little enough to count instructions in
//! rfc5424         630 ns  median   601 ns  best      512 bytes a frame
//! ```
//!
//! The events are those of `sample.rs`. The figures are for comparing two builds on one machine in one sitting, and
//! formats with each other.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and a bad file ends it")]

mod cpu;
mod sample;

use cpu::{cpu_micros, wished};
use otrail::dialect::{self, Context, DIALECTS};
use otrail::format::{Envelope, FORMATS, Format, Settings};
use otrail::model::{Chain, FileNo, Position, Record, Seq};
use std::hint::black_box;

fn main() {
    let records = records(wished("ENTRIES", ENTRIES));
    let only = std::env::var("FORMAT").ok();
    for format in FORMATS.iter().filter(|format| only.as_ref().is_none_or(|only| only == format.name)) {
        let (best, median, bytes) = cost(format, &records);
        println!("{:12} {median:6} ns  median {best:6} ns  best {bytes:8} bytes a frame", format.name);
    }
}

/// Nanoseconds of CPU per event in the best round and in the median one, and bytes of a frame.
fn cost(format: &Format, records: &[Record]) -> (u64, u64, usize) {
    let settings = Settings::default();
    let mut frame = Vec::new();
    let mut bytes = 0;
    let mut round = || {
        let began = cpu_micros();
        bytes = 0;
        for record in records {
            let envelope = Envelope {
                stream: "0123456789abcdef0123456789abcdef",
                prev: Seq(record.seq.0 - 1),
                print: None,
                resent: false,
                replay: false,
                sequence_id: 1,
                clock_synced: true,
            };
            frame.clear();
            (format.encode)(&settings, &envelope, black_box(record), &mut frame);
            bytes += black_box(&frame).len();
        }
        (cpu_micros() - began) * 1000 / records.len() as u64
    };
    let mut rounds: Vec<u64> = (0..wished("ROUNDS", ROUNDS)).map(|_| round()).collect();
    rounds.sort_unstable();
    (rounds[0], rounds[rounds.len() / 2], bytes / records.len())
}

/// The sample as it lies in the journal.
fn records(entries: usize) -> Vec<Record> {
    let context = Context::example();
    let events = dialect::normalize(&DIALECTS[0], &sample::timeline(entries), &context);
    let placed = (1..).zip(events);
    placed
        .map(|(seq, event)| {
            let position = Some(Position { file: FileNo(1), offset: seq * 220 });
            Record { seq: Seq(seq), position, event, chain: Some(Chain([7; 32])) }
        })
        .collect()
}

const ENTRIES: usize = 20_000;
const ROUNDS: usize = 15;
