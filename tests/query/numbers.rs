//! The index has no runs of what stands in numbers: who looks for it reads all frames.

use super::*;

#[test]
fn what_stands_in_a_number_alone_is_found() {
    let mut rng = fastrand::Rng::with_seed(5);
    let dir = folder();
    let journal = open(dir.path());
    let mut events = events(&mut rng, 0, 4500);
    events.iter_mut().for_each(|event| event.count = Some(rng.u64(1 << 30..1 << 40)));
    append(&journal, &events);
    seal_all(&journal);
    drop(journal);
    let all = records(dir.path());
    for record in all.iter().step_by(450) {
        let id = record.event.id.to_string();
        let Some(count) = record.event.count else { continue };
        for wanted in [format!("id contains \"{}\"", &id[8..20]), format!("count = {count}")] {
            let filter = Arc::new(Filter::parse([("where", &wanted)], &Clock::utc(now())).unwrap());
            let query = Query { filter, limit: None, order: Order::OldestFirst, rows_max: ROWS_MAX };
            check(dir.path(), &query, Seq(u64::MAX), &all);
            assert!(query.filter.matches(record), "{wanted}");
        }
    }
}
