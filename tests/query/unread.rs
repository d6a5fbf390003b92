//! What cannot match by all that the index says is not read.

use super::*;

/// Damage that no wanted record can be in is not met, damage where one may be is told.
#[test]
fn what_cannot_match_is_not_read() {
    let dir = sealed();
    // The frames of the oldest segment are destroyed, its table is not.
    let path = &files(dir.path(), ".zst")[0];
    let mut bytes = fs::read(path).unwrap();
    let end = bytes.len() - 100;
    bytes[200..end].fill(7);
    fs::write(path, bytes).unwrap();
    for (words, limit, is_whole) in [
        (&[("user", "guest4")][..], None, true),
        (&[("user", "guest0")], None, false),
        (&[], Some(20), true),
        (&[("grep", "quetzalcoatl"), ("since", "@1641780000")], None, true),
        (&[("grep", "quetzalcoatl")], None, false),
        (&[("grep", "pterodactyl")], None, true),
        (&[("grep", ".")], None, false),
        (&[("id", "0123456789abcdef0123456789abcdef")], None, true),
        // An address looks like a number, and is none where it is meant.
        (&[("device", "*10.9.0.33")], None, true),
        (&[("device", "10.9.0.0")], None, false),
        (&[("where", "device = *10.9.0.33 or count = 7777")], None, false),
    ] {
        let filter = Arc::new(Filter::parse(words.iter().copied(), &Clock::utc(now())).unwrap());
        let query = Query { filter, limit, order: Order::OldestFirst, rows_max: ROWS_MAX };
        let mut found = answer(dir.path(), &query, Seq(u64::MAX), &AtomicBool::new(false)).unwrap();
        found.by_ref().for_each(drop);
        assert_eq!(found.incomplete().is_none(), is_whole, "{words:?}: {:?}", found.incomplete());
    }
    // How many there are stands in the index.
    let counts = [("outcome", "failure"), ("action", "user."), ("user", "guest*")];
    for word in counts {
        let filter = Arc::new(Filter::parse([word], &Clock::utc(now())).unwrap());
        let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
        let found = count(dir.path(), &query, Seq(u64::MAX), &AtomicBool::new(false)).unwrap();
        assert!(found.incomplete().is_none() && found.counted() > Some(100), "{word:?}");
    }
}

/// Gives the first record with that text another one of the same length, with a sum that holds, as a later otrail would.
fn write_otherwise(dir: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let path = files(dir, ".ndjson").into_iter().find(|path| read(path).contains(from)).unwrap();
    let text = read(&path);
    let at = text.find(from).unwrap();
    let begin = text[..at].rfind('\n').map_or(0, |feed| feed + 1);
    let line = text[begin..].lines().next().unwrap().replacen(from, to, 1);
    let (body, tail) = line.split_at(line.rfind(",\"sum\":\"").unwrap());
    let chain = &tail[tail.len() - 66..tail.len() - 2];
    let sum = crc32c::crc32c_append(crc32c::crc32c(body.as_bytes()), chain.as_bytes());
    let line = format!("{body},\"sum\":\"{sum:08x}\",\"chain\":\"{chain}\"}}");
    let mut bytes = text.into_bytes();
    bytes[begin..begin + line.len()].copy_from_slice(line.as_bytes());
    fs::write(path, bytes).unwrap();
}

/// A count says so as an answer does, with an index and without.
#[test]
fn a_record_of_a_later_otrail_is_told_and_not_counted() {
    let mut rng = fastrand::Rng::with_seed(4);
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, &(0..4500).map(|at| event(&mut rng, at, 0)).collect::<Vec<_>>());
    drop(journal);
    write_otherwise(dir.path(), "\"action\":\"user.login\"", "\"action\":\"rack.mount\"");
    let by = COLUMNS.iter().find(|column| column.name == "client").unwrap();
    let check = |what: &str| {
        for words in [&[][..], &[("client", "10.2.3.4")], &[("action", "alert.")], &[("user", "*")]] {
            let filter = Arc::new(Filter::parse(words.iter().copied(), &Clock::utc(now())).unwrap());
            let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
            let stop = AtomicBool::new(false);
            let mut rows = answer(dir.path(), &query, Seq(u64::MAX), &stop).unwrap();
            let read = rows.by_ref().count() as u64;
            let counted = count(dir.path(), &query, Seq(u64::MAX), &stop).unwrap();
            assert_eq!(counted.counted(), Some(read), "{what}: {words:?}");
            let tally = tally(dir.path(), &query, by, Seq(u64::MAX), &stop).unwrap();
            assert_eq!(tally.records, read, "{what}: {words:?}");
            // Which of them read the frame is up to the index.
            if words.is_empty() {
                let told = "cannot be read by this otrail; one that knows more may";
                assert!(rows.incomplete().is_some_and(|why| why.contains(told)), "{what}");
                assert!(counted.incomplete().is_some_and(|why| why.contains(told)), "{what}");
                assert!(tally.missing.iter().any(|why| why.contains(told)), "{what}");
            }
        }
    };
    check("plain");
    seal_all(&open(dir.path()));
    assert!(files(dir.path(), ".idx").len() > 1);
    check("sealed");
}
