//! More logs than may be open.

use super::*;
use crate::collect::log::CLAIM;

/// Whoever may have only so many files open needs some for the journal and for what is sent.
#[test]
fn logs_wait_while_as_many_files_are_open_as_may_be() {
    let mut bench = Bench::new();
    fs::remove_file(bench.path("log")).unwrap();
    bench.settings.sources[0].path = bench.path("*.log");
    bench.settings.open_files_max = 2 * CLAIM;
    bench.source = Source::new(0, &bench.settings.sources[0], Vec::new());
    let names = ["a.log", "b.log", "c.log"];
    names.iter().for_each(|name| bench.write(name, &format!("of {name}\n")));
    assert_eq!(bench.poll(), ["agent.source_missing", "of a.log", "of b.log"]);
    let error = bench.source.status(&bench.settings, false).error;
    let told =
        "c.log: as many log files are open as this process may have (4): raise LimitNOFILE= of the service";
    assert!(error.contains(told), "{error}");
    // What is open may be rotated: each log has room for the one after it.
    for name in &names[..2] {
        fs::rename(bench.path(name), bench.path(&format!("{name}.1"))).unwrap();
        bench.write(name, &format!("anew of {name}\n"));
    }
    let mut found = bench.poll();
    found.retain(|entry| entry.starts_with("anew"));
    assert_eq!(found, ["anew of a.log", "anew of b.log"]);
    assert_eq!(bench.source.logs.iter().map(|log| log.tails.len()).sum::<usize>(), 2 * CLAIM);
    // It is read when one of the others is gone.
    fs::remove_file(bench.path("a.log")).unwrap();
    fs::remove_file(bench.path("a.log.1")).unwrap();
    let mut left = || {
        let tails = bench.source.logs.iter_mut().flat_map(|log| &mut log.tails);
        tails.for_each(|tail| tail.age(2 * LATE_WRITER));
        bench.poll()
    };
    found = (0..4).flat_map(|_| left()).collect();
    assert!(found.contains(&"of c.log".to_owned()), "{found:?}");
}
