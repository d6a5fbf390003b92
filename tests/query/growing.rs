//! The segment that is written is searched by an index in memory, too.

use super::*;

/// How many blocks of the newest segment are known.
fn blocks(journal: &Journal) -> usize {
    let parts = Folder::from(journal).parts().unwrap();
    parts.last().unwrap().index().unwrap().frames().len()
}

fn newest_file(dir: &Path) -> PathBuf {
    files(dir, ".ndjson").pop().unwrap()
}

#[test]
fn what_was_just_written_is_in_the_answer_whether_its_block_is_complete_or_not() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    let (mut at, mut known) = (0, vec![]);
    while at < 3500 {
        let count = rng.usize(1..250);
        append(&journal, &events(&mut rng, at, count));
        at += count;
        let all = records(dir.path());
        for _ in 0..2 {
            let query = random_query(&mut rng, &all);
            let through = if rng.bool() { journal.newest() } else { Seq(rng.u64(1..=all.len() as u64)) };
            check(&journal, &query, through, &all);
        }
        known.push(blocks(&journal));
    }
    assert!(known.contains(&0) && known.contains(&2), "{known:?}");
}

#[test]
fn after_a_torn_tail_a_second_run_answers_with_what_counts() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let (mut at, mut known) = (0, vec![]);
    for run in 0..6 {
        let journal = open(dir.path());
        let all = if run == 0 { Vec::new() } else { records(dir.path()) };
        for _ in 0..6 {
            check(&journal, &random_query(&mut rng, &all), journal.newest(), &all);
        }
        append(&journal, &events(&mut rng, at, 800));
        at += 800;
        let all = records(dir.path());
        for _ in 0..6 {
            check(&journal, &random_query(&mut rng, &all), journal.newest(), &all);
        }
        known.push(blocks(&journal));
        drop(journal);
        // What the next run finds: a clean end, half a line, or a few lines less.
        let path = newest_file(dir.path());
        let bytes = fs::read(&path).unwrap();
        match run % 3 {
            0 => {}
            1 => fs::write(&path, [&bytes[..], b"{\"seq\":"].concat()).unwrap(),
            _ => fs::write(&path, &bytes[..bytes.len() - rng.usize(1..2000)]).unwrap(),
        }
    }
    assert!(known.iter().any(|&blocks| blocks > 0), "{known:?}");
}

#[test]
fn damage_of_what_was_written_is_told_where_a_wanted_record_was() {
    let mut rng = fastrand::Rng::new();
    for round in 0..8 {
        let dir = folder();
        let journal = open(dir.path());
        append(&journal, &events(&mut rng, 0, 1200));
        let all = records(dir.path());
        // The damage is there before its block is taken in, or comes afterwards.
        let is_known = round % 2 == 0;
        if is_known {
            assert!(blocks(&journal) > 0);
        }
        let path = newest_file(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        let lost = rng.usize(1..900);
        let line =
            bytes.split_inclusive(|&byte| byte == b'\n').take(lost + 1).map(<[u8]>::len).sum::<usize>();
        bytes[line - 200] ^= 1;
        fs::write(&path, &bytes).unwrap();
        for _ in 0..12 {
            let query = Query { limit: None, ..random_query(&mut rng, &all) };
            let wanted = expected(&all, &query, Seq(u64::MAX));
            let mut found = answer(&journal, &query, journal.newest(), &AtomicBool::new(false)).unwrap();
            let rows: Vec<Seq> = found.by_ref().map(|row| row.seq).collect();
            let whole: Vec<Seq> =
                wanted.iter().map(|row| row.seq).filter(|seq| seq.0 != lost as u64).collect();
            assert_eq!(rows, whole, "{:?}, {lost} is lost", query.filter);
            let is_incomplete = wanted.len() > whole.len();
            assert!(found.incomplete().is_some() || !is_incomplete, "{:?}, {lost} is lost", query.filter);
        }
    }
}

#[test]
fn a_search_goes_on_in_a_segment_that_is_closed_and_sealed_under_it() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, &events(&mut rng, 0, 1200));
    let before = records(dir.path());
    let parts = Folder::from(&journal).parts().unwrap();
    append(&journal, &events(&mut rng, 1200, 1200));
    seal_all(&journal);
    let part = &parts[0];
    assert!(
        !files(dir.path(), ".ndjson").contains(&dir.path().join("journal/00000000000000000001-1.ndjson"))
    );
    assert!(part.unpack().unwrap().is_none(), "its plain file is gone");
    let of_blocks = (0..part.index().unwrap().frames().len()).map(|block| part.scan_frame(block));
    let scans = of_blocks.chain([part.scan_rest()]);
    let found: Vec<Record> =
        scans.flat_map(|scan| scan.unwrap().map(|line| line.unwrap().decode().unwrap())).collect();
    assert!(found.starts_with(&before));
}

/// Appends until the newest segment is another one, with a look at what is written now and then.
fn fill_one(journal: &Journal, rng: &mut fastrand::Rng) -> Part {
    let mut begun = None;
    loop {
        append(journal, &events(rng, journal.newest().0 as usize, 150));
        journal.index_open(&mut |_| Ok(())).unwrap();
        let mut parts = Folder::from(journal).parts().unwrap();
        let newest = parts.pop().unwrap().first();
        if *begun.get_or_insert(newest) != newest {
            return parts.pop().unwrap();
        }
    }
}

#[test]
fn what_was_known_while_it_was_written_is_known_until_it_is_sealed_and_becomes_its_index() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    for _ in 0..3 {
        let closed = fill_one(&journal, &mut rng);
        assert!(closed.index().is_some_and(|index| !index.frames().is_empty()), "it is not sealed yet");
        let all = records(dir.path());
        for _ in 0..6 {
            check(&journal, &random_query(&mut rng, &all), journal.newest(), &all);
        }
        seal_all(&journal);
    }
    let indexes = files(dir.path(), ".idx");
    assert_eq!(indexes.len(), 3);
    for path in indexes {
        let continued = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        seal_all(&journal);
        assert!(fs::read(&path).unwrap() == continued, "{}", path.display());
    }
}

#[test]
fn damage_that_came_after_it_was_known_is_in_no_index() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    fill_one(&journal, &mut rng);
    let path = files(dir.path(), ".ndjson").remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let line = bytes.split_inclusive(|&byte| byte == b'\n').take(8).map(<[u8]>::len).sum::<usize>();
    bytes[line - 200] ^= 1;
    fs::write(&path, &bytes).unwrap();
    seal_all(&journal);
    assert!(parts(dir.path()).unwrap()[0].index().is_none(), "an index says nothing of a damaged segment");
    let filter = Arc::new(Filter::default());
    let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
    let mut found = answer(&journal, &query, journal.newest(), &AtomicBool::new(false)).unwrap();
    assert_eq!(found.by_ref().count() as u64, journal.newest().0 - 1);
    assert!(found.incomplete().is_some());
}
