//! A byte of a segment that is no longer what it was, anywhere.

use super::folder::Line;
use super::sample::{Sample, announced, append, entries, folder as empty, position, read};
use super::{folder, support::process::House};
use otrail::filter::Filter;
use otrail::journal::Input;
use otrail::model::{Action, Record, Seq};
use otrail::query::{self, Order, Query};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a flip does to the sample: the lines it hits, and what follows from that by the documents.
struct Hit<'a> {
    /// One line, or two when their line feed is gone.
    lines: Vec<&'a Line>,
    /// The newest seq that the rest of the segment says was durable.
    synced: u64,
    /// The first seq that is not readable before the hit.
    next: u64,
}

impl Hit<'_> {
    fn of(sample: &Sample, at: usize) -> Hit<'_> {
        let first = sample.lines.iter().position(|line| line.range.contains(&at)).unwrap();
        let feed = sample.lines[first].range.end - 1 == at;
        let last = (first + usize::from(feed)).min(sample.lines.len() - 1);
        let rest = sample.lines[..first].iter().chain(&sample.lines[last + 1..]);
        let synced = rest.filter_map(Line::synced).max().unwrap_or(0);
        let before = sample.lines[..first].iter().filter_map(Line::seq).max().unwrap_or(0);
        Hit { lines: sample.lines[first..=last].iter().collect(), synced, next: before + 1 }
    }

    /// At or before what was durable: damage. Behind it: a torn tail.
    fn is_damage(&self) -> bool {
        self.next <= self.synced
    }

    fn is_lost(&self, seq: u64) -> bool {
        let hit = self.lines.iter().any(|line| line.seq() == Some(seq));
        hit || (!self.is_damage() && seq >= self.next)
    }
}

#[test]
fn a_flipped_byte_costs_its_own_records_and_is_named() {
    let sample = Sample::new();
    for at in 0..sample.bytes.len() {
        check(&sample, at, 1);
    }
}

#[test]
fn every_flipped_bit_of_a_settled_line_and_of_the_end_of_a_record_is_noticed() {
    let sample = Sample::new();
    let settled = sample.lines.iter().find(|line| line.json.get("settled").is_some()).unwrap();
    let record = &sample.lines[3];
    for at in settled.range.clone().chain(record.range.end - 110..record.range.end) {
        for bit in 1..8 {
            check(&sample, at, 1 << bit);
        }
    }
}

fn check(sample: &Sample, at: usize, bit: u8) {
    let what = format!("byte {at} of {}, bit {bit}", sample.bytes.len());
    let mut bytes = sample.bytes.clone();
    bytes[at] ^= bit;
    let dir = empty();
    let journal = sample.open(dir.path(), &bytes).unwrap();
    let hit = Hit::of(sample, at);
    let (told, others) = split(announced(&journal).0);
    let expected: Vec<&Record> = sample.records.iter().filter(|record| !hit.is_lost(record.seq.0)).collect();
    assert_eq!(others.iter().collect::<Vec<_>>(), expected, "{what}");
    assert!(journal.newest() >= Seq(hit.synced), "{what}");
    assert!(
        position(&journal).unwrap_or(0) <= expected.iter().filter_map(offset).max().unwrap_or(60).max(60)
    );

    if hit.is_damage() {
        let lost = hit.lines.iter().filter(|line| line.seq().is_some()).count() as u64;
        assert_eq!(told.iter().map(|record| record.event.count).collect::<Vec<_>>(), [Some(lost)], "{what}");
        assert_eq!(journal.status().damaged, 1, "{what}");
        let range = hit.lines[0].range.start..hit.lines[hit.lines.len() - 1].range.end;
        assert_eq!(aside(dir.path()), [bytes[range].to_vec()], "{what}");
        if at.is_multiple_of(8) {
            assert!(incomplete(dir.path()).is_some_and(|why| why.contains("damaged")), "{what}");
        }
    } else {
        assert_eq!((told.len(), aside(dir.path()).len()), (0, 0), "{what}: {told:?}");
    }

    let newest = journal.newest();
    append(&journal, Input { drafts: entries(50..=50), ..Input::default() });
    assert_eq!(journal.newest(), newest.next(), "{what}");
    drop(journal);
    // The line itself and the one after it; a torn tail is left out.
    let breaks = if hit.is_damage() { 1..=2 } else { 0..=0 };
    assert!(breaks.contains(&folder::chain_breaks(dir.path())), "{what}");
    if at.is_multiple_of(8) {
        assert_eq!(opened_again(dir.path()), newest.next(), "{what}");
    }
}

/// Opens the folder once more: nothing is told twice.
fn opened_again(dir: &Path) -> Seq {
    let before = read(dir).0;
    let journal = super::support::trail::open_journal(dir);
    assert_eq!(read(dir).0, before);
    journal.newest()
}

fn offset(record: &&Record) -> Option<u64> {
    record.position.map(|position| position.offset)
}

/// The events of damage, and all other records.
fn split(records: Vec<Record>) -> (Vec<Record>, Vec<Record>) {
    records.into_iter().partition(|record| record.event.action == Action::JOURNAL_DAMAGED)
}

/// What was set aside, each with a page about it.
fn aside(dir: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(dir.join("aside")) else { return Vec::new() };
    let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    let kept: Vec<_> = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "bin")).collect();
    assert!(kept.iter().all(|path| path.with_extension("json").exists()));
    kept.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Why an answer over the whole folder is not complete.
fn incomplete(dir: &Path) -> Option<String> {
    let filter = Arc::new(Filter::default());
    let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: 100 };
    let mut answer = query::answer(dir, &query, Seq(u64::MAX), &AtomicBool::new(false)).unwrap();
    answer.by_ref().for_each(drop);
    answer.incomplete()
}

#[test]
fn a_query_over_damage_shows_the_rest_says_so_and_ends_with_5() {
    let sample = Sample::new();
    let house = House::new();
    let state = house.path("state");
    let mut bytes = sample.bytes.clone();
    bytes[sample.lines[3].range.start + 40] ^= 4;
    drop(sample.open(&state, &bytes).unwrap());
    let output = house.run(&["query", "-D", state.to_str().unwrap(), "-n", "all", "-o", "raw"]);
    assert_eq!(output.status.code(), Some(5));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is damaged at byte"), "{said}");
    let rows = String::from_utf8(output.stdout).unwrap();
    assert_eq!(rows.lines().count(), 9, "{rows}");
}
