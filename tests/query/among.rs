//! Records that are looked for by their ids or of a stretch of time, as a backfill does.

use super::*;
use otrail::journal::Sought;
use std::collections::{BTreeSet, HashSet};

fn among(journal: &Journal, sought: &Sought) -> BTreeSet<Seq> {
    let mut found = BTreeSet::new();
    let mut take = |record: &Record| assert!(found.insert(record.seq), "{record:?} comes twice");
    assert!(journal.among(sought, &|| false, &mut take).unwrap());
    found
}

/// Some ids of the trail and some others, of the seconds of some of its records, or of any.
fn random(rng: &mut fastrand::Rng, all: &[Record]) -> Sought {
    let mut one = || all[rng.usize(..all.len())].event.clone();
    let seconds: BTreeSet<i64> = (0..20).map(|_| second(&one())).collect();
    let mut ids: HashSet<EventId> = (0..30).map(|_| one().id).collect();
    let of_others: Vec<i64> = seconds.iter().copied().take(10).collect();
    ids.extend(all.iter().filter(|record| of_others.contains(&second(&record.event))).map(|it| it.event.id));
    ids.extend((0..30).map(|_| EventId(rng.u128(..))));
    Sought { ids, seconds: Some(seconds).filter(|_| rng.u8(..4) > 0), all: rng.u8(..4) == 0 }
}

fn second(event: &Event) -> i64 {
    event.time.millis().div_euclid(1000)
}

fn expected(all: &[Record], sought: &Sought) -> BTreeSet<Seq> {
    let in_time =
        |event: &Event| sought.seconds.as_ref().is_none_or(|seconds| seconds.contains(&second(event)));
    let is_sought =
        |record: &&Record| in_time(&record.event) && (sought.all || sought.ids.contains(&record.event.id));
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
    for _ in 0..40 {
        let sought = random(&mut rng, &all);
        assert_eq!(among(&journal, &sought), expected(&all, &sought), "{sought:?}");
    }
    let sought = Sought { all: true, seconds: None, ..random(&mut rng, &all) };
    let left = AtomicUsize::new(700);
    let stops =
        || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
    let mut count = 0;
    assert!(!journal.among(&sought, &stops, &mut |_| count += 1).unwrap(), "it is broken off and says so");
    assert!((600..720).contains(&count), "{count}");
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
    let sought = Sought { ids, ..Sought::default() };
    let found = among(&journal, &sought);
    assert_eq!(found.len(), all.len() - 1);
    assert!(found.contains(&all[0].seq) && found.contains(&all[199].seq));
}

fn record() -> Record {
    let event = event(&mut fastrand::Rng::with_seed(1), 1, 0);
    Record { seq: Seq(1), position: None, event, chain: None }
}
