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
