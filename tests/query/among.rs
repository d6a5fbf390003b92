//! Records that are looked for by their ids or of a stretch of time, as a backfill does.

use super::*;
use otrail::journal::Sought;
use std::collections::{BTreeSet, HashSet};

fn among(journal: &Journal, sought: &Sought) -> BTreeSet<Seq> {
    let mut found = BTreeSet::new();
    journal.among(sought, &mut |record| assert!(found.insert(record.seq), "{record:?} comes twice")).unwrap();
    found
}

/// Some ids of the trail and some others, of the time between two of its records, or of any.
fn random(rng: &mut fastrand::Rng, all: &[Record]) -> Sought {
    let mut one = || all[rng.usize(..all.len())].event.clone();
    let (oldest, newest) = (one().time, one().time);
    let mut ids: HashSet<EventId> = (0..30).map(|_| one().id).collect();
    ids.extend((0..30).map(|_| EventId(rng.u128(..))));
    let is_any_time = rng.u8(..4) == 0;
    Sought {
        ids,
        oldest: if is_any_time { Time::MIN } else { oldest.min(newest) },
        newest: if is_any_time { Time::MAX } else { oldest.max(newest) },
        all: rng.u8(..4) == 0,
    }
}

fn expected(all: &[Record], sought: &Sought) -> BTreeSet<Seq> {
    let is_sought = |record: &&Record| {
        let Event { id, time, .. } = &record.event;
        (sought.oldest..=sought.newest).contains(time) && (sought.all || sought.ids.contains(id))
    };
    all.iter().filter(is_sought).map(|record| record.seq).collect()
}

#[test]
fn what_is_sought_is_found_in_sealed_closed_and_open_segments() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    assert!(among(&journal, &random(&mut rng, &[record()])).is_empty(), "there is nothing yet");
    append(&journal, &events(&mut rng, 0, 3000));
    seal_all(&journal);
    append(&journal, &events(&mut rng, 3000, 3500));
    journal.index_open(&mut |_| Ok(())).unwrap();
    append(&journal, &events(&mut rng, 6500, 20));
    let all = records(dir.path());
    assert!(!files(dir.path(), ".zst").is_empty() && files(dir.path(), ".ndjson").len() > 1);
    for _ in 0..100 {
        let sought = random(&mut rng, &all);
        assert_eq!(among(&journal, &sought), expected(&all, &sought), "{sought:?}");
    }
}

#[test]
fn what_is_damaged_costs_what_it_had() {
    let mut rng = fastrand::Rng::new();
    let dir = folder();
    let journal = open(dir.path());
    append(&journal, &events(&mut rng, 0, 200));
    let all = records(dir.path());
    let path = files(dir.path(), ".ndjson").pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let ids = all.iter().map(|record| record.event.id).collect();
    let sought = Sought { ids, oldest: Time::MIN, newest: Time::MAX, all: false };
    let found = among(&journal, &sought);
    assert_eq!(found.len(), all.len() - 1);
    assert!(found.contains(&all[0].seq) && found.contains(&all[199].seq));
}

fn record() -> Record {
    let event = event(&mut fastrand::Rng::with_seed(1), 1, 0);
    Record { seq: Seq(1), position: None, event, chain: None }
}
