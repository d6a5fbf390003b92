//! A segment that ends too early, at any byte.

use super::folder;
use super::sample::{Sample, append, entries, folder as empty, position, read};
use otrail::journal::Input;
use otrail::model::Seq;

#[test]
fn a_journal_cut_at_any_byte_opens_keeps_every_whole_line_and_goes_on() {
    let sample = Sample::new();
    for cut in 0..=sample.bytes.len() {
        let dir = empty();
        let journal = sample.open(dir.path(), &sample.bytes[..cut]).unwrap();
        let whole: Vec<_> = sample.lines.iter().filter(|line| line.range.end <= cut).collect();
        let kept = whole.iter().filter(|line| line.seq().is_some()).count();
        let synced = whole.iter().filter_map(|line| line.synced()).max().unwrap_or(0);
        assert!(synced <= kept as u64, "cut {cut}: the sample keeps its own promise");
        assert_eq!(journal.newest(), Seq(kept as u64), "cut {cut}");
        assert_eq!(journal.status().damaged, 0, "cut {cut}: a torn tail is no damage");

        // Where reading goes on: just after what is kept, so that the rest is read again.
        let offset = whole.iter().filter_map(|line| line.offset()).next_back();
        let offset = offset.or(whole.iter().any(|line| line.json.get("file").is_some()).then_some(0));
        assert_eq!(position(&journal), offset, "cut {cut}");

        append(&journal, Input { drafts: entries(50..=50), ..Input::default() });
        assert_eq!(journal.newest(), Seq(kept as u64 + 1), "cut {cut}");
        drop(journal);
        let (records, damaged) = read(dir.path());
        assert_eq!(damaged, 0, "cut {cut}");
        assert_eq!(records[..kept], sample.records[..kept], "cut {cut}");
        assert_eq!(records.len(), kept + 1, "cut {cut}");
        assert_eq!(folder::chain_breaks(dir.path()), 0, "cut {cut}");
    }
}

#[test]
fn a_seq_that_a_destination_confirmed_is_not_used_again_after_any_cut() {
    let sample = Sample::new();
    for line in &sample.lines {
        let cut = line.range.end;
        let dir = empty();
        let journal = sample.open(dir.path(), &sample.bytes).unwrap();
        let mut cursor = journal.cursor("siem").unwrap();
        journal.confirm("siem", &mut cursor, Seq(9), super::sample::now()).unwrap();
        drop(journal);

        let journal = sample.open(dir.path(), &sample.bytes[..cut]).unwrap();
        let kept = sample.lines.iter().filter(|line| line.range.end <= cut && line.seq().is_some()).count();
        let lost = 9_u64.saturating_sub(kept as u64);
        assert_eq!(journal.status().damaged, u64::from(lost > 0), "cut {cut}");
        append(&journal, Input { drafts: entries(50..=50), ..Input::default() });
        assert!(journal.newest() > Seq(9.max(kept as u64)), "cut {cut}");
        drop(journal);
        let (records, _) = read(dir.path());
        assert_eq!(records[..kept], sample.records[..kept], "cut {cut}");
        let told: u64 = records.iter().filter_map(|record| record.event.count).sum();
        assert_eq!(told, lost, "cut {cut}: what is lost is told to the last record");
    }
}

#[test]
fn a_segment_that_was_only_begun_says_that_the_one_before_it_was_whole() {
    let sample = Sample::new();
    let last = sample.lines[sample.lines.len() - 1].range.clone();
    for begun in [&b""[..], b"{\"otrail\":1,\"stre"] {
        let dir = empty();
        drop(sample.open(dir.path(), &sample.bytes).unwrap());
        std::fs::write(dir.path().join("journal/00000000000000000012-2.ndjson"), begun).unwrap();
        let journal = sample.open(dir.path(), &sample.bytes[..last.start]).unwrap();
        assert_eq!(journal.status().damaged, 1);
        drop(journal);
        let (records, _) = read(dir.path());
        let told = records.last().unwrap();
        assert_eq!((told.seq, told.event.count), (Seq(12), Some(1)), "seq 11 was announced and is lost");
    }
}
