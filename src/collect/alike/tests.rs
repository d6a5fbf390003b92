//! What two small files have in common, and two large ones.

use super::*;
use std::fs::{self, File};

/// What two texts have in common, as (before, after, bytes), and where the comparison ends.
fn compared(before: &str, after: &str) -> (Vec<(u64, u64, u64)>, Stand) {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        Content::Plain(File::open(dir.path().join(name)).unwrap())
    };
    let (mine, theirs) = (open("before", before), open("after", after));
    let mut comparison = Comparison::new(mine, theirs, before.len() as u64);
    let stand = loop {
        match comparison.step(1 << 20).unwrap() {
            Stand::Going => {}
            stand => break stand,
        }
    };
    let mut through = (0, 0);
    for block in comparison.blocks() {
        let text = |text: &str, from: u64| {
            let from = usize::try_from(from).unwrap();
            text.as_bytes()[from..from + usize::try_from(block.bytes).unwrap()].to_vec()
        };
        assert_eq!(text(before, block.before), text(after, block.after), "{block:?}");
        assert!(block.bytes > 0 && block.before >= through.0 && block.after >= through.1, "{block:?}");
        through = (block.before_end(), block.after_end());
    }
    (comparison.blocks().iter().map(|block| (block.before, block.after, block.bytes)).collect(), stand)
}

/// Lines of 20 bytes each.
fn lines(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().map(|number| format!("line number {number:07}\n")).collect()
}

#[test]
fn a_copy_is_one_block_and_so_is_one_that_has_grown() {
    let log = lines(0..10);
    assert_eq!(compared(&log, &log), (vec![(0, 0, 200)], Stand::Through));
    assert_eq!(compared(&log, &lines(0..12)), (vec![(0, 0, 200)], Stand::Through));
    assert_eq!(compared(&log, &log[..70]), (vec![(0, 0, 70)], Stand::Ends));
    assert_eq!(compared(&log, ""), (vec![], Stand::Ends));
    assert_eq!(compared("", &log), (vec![], Stand::Through));
}

#[test]
fn lines_that_were_taken_out_put_in_or_altered_stand_between_blocks() {
    let log = lines(0..10);
    let without = lines((0..4).chain(6..10));
    assert_eq!(compared(&log, &without), (vec![(0, 0, 80), (120, 80, 80)], Stand::Through));
    assert_eq!(compared(&without, &log), (vec![(0, 0, 80), (80, 120, 80)], Stand::Through));
    let altered = lines((0..4).chain([104, 105]).chain(6..10));
    assert_eq!(compared(&log, &altered), (vec![(0, 0, 80), (120, 120, 80)], Stand::Through));
    let first = lines(1..11);
    assert_eq!(compared(&log, &first), (vec![(20, 0, 180)], Stand::Through));
    // The last ones, while something was added: nobody can tell where one ends and the other begins.
    let last = lines((0..8).chain(20..22));
    assert_eq!(compared(&log, &last), (vec![(0, 0, 160)], Stand::Differs));
}

#[test]
fn a_line_that_moved_counts_once() {
    let log = lines(0..10);
    let moved = lines((0..2).chain([7]).chain(2..7).chain(8..10));
    assert_eq!(compared(&log, &moved), (vec![(0, 0, 40), (40, 60, 100), (160, 160, 40)], Stand::Through));
    let twice = lines((0..4).chain(0..4).chain(4..10));
    assert_eq!(compared(&log, &twice), (vec![(0, 0, 80), (80, 160, 120)], Stand::Through));
}

#[test]
fn whatever_was_taken_out_of_a_large_log_the_rest_of_it_is_known() {
    let log = lines(0..500_000);
    for (from, to) in [(0, 400_000), (100_000, 400_000), (7, 8), (1000, 50_000)] {
        let (from_byte, to_byte) = (u64::from(from) * 20, u64::from(to) * 20);
        let mut wanted = vec![(0, 0, from_byte), (to_byte, from_byte, 10_000_000 - to_byte)];
        wanted.retain(|block| block.2 > 0);
        let edited = lines((0..from).chain(to..500_000).chain(600_000..600_100));
        assert_eq!(compared(&log, &edited), (wanted, Stand::Through), "{from}..{to}");
    }
    let many = lines((0..500_000).filter(|number| number % 1000 != 1));
    assert_eq!(compared(&log, &many).0.len(), 501);
}

#[test]
fn logs_that_begin_alike_have_no_more_in_common_than_that() {
    let (one, other) = (lines([7].into_iter().chain(0..9)), lines([7].into_iter().chain(100..9_000)));
    let (blocks, stand) = compared(&one, &other);
    assert_eq!((blocks.len(), blocks[0].2 / 20, stand), (1, 1, Stand::Differs));
    let (blocks, _) = compared("[{\"a\":1},{\"a\":2}]", "[{\"a\":1},{\"b\":2}]");
    assert_eq!(blocks, [(0, 0, 11)]);
}
