//! What is missing from the folder, or cannot be read, is told, and costs nothing else.

use super::*;

/// A segment that is gone from the middle, or that has lost its bytes, is missed though nothing of it can be read.
#[test]
fn an_answer_without_a_segment_is_no_whole_answer() {
    let dir = sealed();
    let is_whole = || {
        let filter = Arc::new(Filter::parse([("user", "*")], &Clock::utc(now())).unwrap());
        let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
        let stop = AtomicBool::new(false);
        let mut found = answer(dir.path(), &query, Seq(u64::MAX), &stop).unwrap();
        found.by_ref().for_each(drop);
        let counted = count(dir.path(), &query, Seq(u64::MAX), &stop).unwrap();
        assert_eq!(found.incomplete().is_none(), counted.incomplete().is_none());
        found.incomplete().is_none()
    };
    assert!(is_whole());
    let segments = files(dir.path(), ".zst");
    let bytes = fs::read(&segments[1]).unwrap();
    fs::remove_file(&segments[1]).unwrap();
    assert!(!is_whole());
    fs::write(&segments[1], b"").unwrap();
    assert!(!is_whole());
    fs::write(&segments[1], bytes).unwrap();
    assert!(is_whole());
    // The oldest go for their age.
    fs::remove_file(&segments[0]).unwrap();
    assert!(is_whole());
}

#[test]
fn a_segment_that_cannot_be_read_costs_its_own_records_alone() {
    let dir = sealed();
    let newest = records(dir.path()).len() as u64;
    let firsts: Vec<Seq> = parts(dir.path()).unwrap().iter().map(Part::first).collect();
    files(dir.path(), ".idx").iter().for_each(|path| fs::remove_file(path).unwrap());
    let segment = files(dir.path(), ".zst").remove(1);
    fs::remove_file(&segment).unwrap();
    fs::create_dir(&segment).unwrap();
    let filter = Arc::new(Filter::default());
    let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
    let mut found = answer(dir.path(), &query, Seq(u64::MAX), &AtomicBool::new(false)).unwrap();
    let mut rows: Vec<u64> = found.by_ref().map(|row| row.seq.0).collect();
    rows.sort_unstable();
    assert_eq!(rows, (1..firsts[1].0).chain(firsts[2].0..=newest).collect::<Vec<_>>());
    assert!(found.incomplete().is_some());
}
