//! A log that is copied and cut just while it is looked at, or more than once between two looks.

use super::*;
use crate::collect::tail::amid::{self, Moment};
use std::process::Command;

/// Lines that are each another, so long that a few of them say which log it is.
fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("line {number:04}{}\n", ".".repeat(90))).collect()
}

/// What logrotate does with `copytruncate`, but that something is written after the copy was made.
fn copy_and_cut(folder: &std::path::Path, lost: &str) {
    let path = |name: &str| folder.join(name);
    for number in (1..9).rev() {
        let _there_is_none = fs::rename(path(&format!("log.{number}")), path(&format!("log.{}", number + 1)));
    }
    fs::copy(path("log"), path("log.1")).unwrap();
    OpenOptions::new().append(true).open(path("log")).unwrap().write_all(lost.as_bytes()).unwrap();
    File::create(path("log")).unwrap();
}

fn gzip(path: &Path) -> Vec<u8> {
    Command::new("gzip").arg("-c").arg(path).output().unwrap().stdout
}

/// Some polls, after which all that can be read has been: the numbers of the lines in order, and the gaps.
fn read(bench: &mut Bench) -> (Vec<usize>, Vec<String>) {
    let events: Vec<Event> = (0..6).flat_map(|_| bench.events()).collect();
    let gaps = events.iter().filter(|event| event.action == Action::GAP_DETECTED);
    let gaps = gaps.map(|gap| gap.message.to_string()).collect();
    let number = |event: &Event| event.message.strip_prefix("line ")?.get(..4)?.parse().ok();
    let mut numbers: Vec<usize> = events.iter().filter_map(number).collect();
    numbers.sort_unstable();
    (numbers, gaps)
}

#[test]
fn what_was_read_while_it_was_cut_is_there_once() {
    for (moment, was_read) in Moment::ALL.into_iter().flat_map(|moment| [(moment, false), (moment, true)]) {
        let mut bench = Bench::new();
        if !was_read {
            // What follows is read from its beginning.
            File::create(bench.path("log")).unwrap();
            bench.poll();
        }
        bench.write("log", &lines(0..40));
        let (folder, log) = (bench.folder.path().to_path_buf(), bench.path("log"));
        amid::the_next_read(moment, move || {
            copy_and_cut(&folder, "");
            // It is as long again, and longer.
            fs::write(log, lines(40..100)).unwrap();
        });
        let (numbers, gaps) = read(&mut bench);
        let what = format!("{moment:?}, {was_read}: {gaps:#?}");
        assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "{what}");
        // Of a log that was empty when it was opened nobody can see that it was cut.
        let is_seen = was_read || moment != Moment::BeforeBytes;
        assert_eq!(gaps.len(), usize::from(is_seen), "{what}");
        assert!(gaps.iter().all(|gap| gap.contains("log.1 has beyond that is read")), "{what}");
    }
}

#[test]
fn a_log_that_is_cut_before_anything_was_read_of_it_is_told_of() {
    let mut bench = Bench::new();
    let many = READ_BYTES / 100 + 400;
    bench.write("log", &lines(0..many));
    copy_and_cut(bench.folder.path(), "");
    bench.write("log", &lines(many..many + 20));
    // Only the copy is read, and not to its end.
    assert_eq!(bench.poll()[..2], ["agent.source_truncated", "agent.gap_detected"]);
    copy_and_cut(bench.folder.path(), &lines(many + 20..many + 21));
    bench.write("log", &lines(many + 21..many + 90));
    let (numbers, gaps) = read(&mut bench);
    assert_eq!(numbers.last(), Some(&(many + 89)));
    assert!(numbers.is_sorted_by(|one, next| one < next), "nothing twice");
    assert!(numbers.ends_with(&(many..many + 20).chain(many + 21..many + 90).collect::<Vec<_>>()));
    assert!(matches!(&gaps[..], [gap] if gap.contains("log.1 has beyond that is read")), "{gaps:#?}");
}

#[test]
fn each_cut_between_two_looks_is_told() {
    for is_stopped in [false, true] {
        let mut bench = Bench::new();
        bench.write("log", &lines(0..40));
        bench.poll();
        let known = bench.source.logs[0].tails.iter().map(|tail| tail.remembered()).collect();
        if is_stopped {
            bench.source = Source::new(0, &bench.settings.sources[0], known);
        }
        for first in [100, 200, 300] {
            bench.write("log", &lines(first..first + 30));
            copy_and_cut(bench.folder.path(), &lines(first + 30..first + 31));
        }
        bench.write("log", &lines(400..410));
        let (numbers, gaps) = read(&mut bench);
        let written = [100..130, 200..230, 300..330, 400..410].into_iter().flatten();
        assert_eq!(numbers, written.collect::<Vec<_>>(), "{gaps:#?}");
        assert_eq!(gaps.len(), 3, "{gaps:#?}");
        for copy in ["log.2 and cut before", "log.1 and cut before"] {
            assert!(gaps.iter().any(|gap| gap.contains(copy)), "{gaps:#?}");
        }
    }
}

/// Of what was passed over the journal has no mark: what is remembered of it counts as well.
#[test]
fn what_was_passed_over_and_is_another_is_seen_as_cut() {
    let mut bench = Bench::new();
    let sound = format!("first\n{}", lines(0..40));
    bench.write("log", &lines(0..40));
    bench.poll();
    bench.settings.classes.clear();
    // An entry over the limit that is cut within is read anew, and nothing is remembered of what stands before it.
    bench.write("log", &"x".repeat(3 << 20));
    (0..8).for_each(|_| assert!(bench.poll().is_empty()));
    fs::write(bench.path("log"), format!("{sound}passed over\n")).unwrap();
    assert_eq!(bench.poll(), ["agent.source_truncated"]);
    bench.settings.classes = Class::ALL.to_vec();
    fs::write(bench.path("log"), format!("{sound}put in here\nnext\n")).unwrap();
    let found: Vec<String> = (0..3).flat_map(|_| bench.poll()).collect();
    assert!(found.contains(&"agent.gap_detected".to_owned()), "{found:?}");
    assert!(found.ends_with(&["put in here".to_owned(), "next".to_owned()]), "{found:?}");
}

/// What is there already has been read of its original, which goes when the copy is whole.
#[test]
fn a_copy_that_is_being_compressed_is_left_alone() {
    let mut bench = Bench::new();
    bench.write("log", &lines(0..2_000));
    while bench.poll().len() > 100 {}
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    bench.write("log", &lines(2_000..2_001));
    assert_eq!(bench.poll()[0], "agent.source_rotated");
    bench.age();
    bench.poll();
    assert_eq!(bench.source.logs[0].tails.len(), 1, "the former one has been left");
    let packed = gzip(&bench.path("log.1"));
    for length in [packed.len() / 2, packed.len()] {
        fs::write(bench.path("log.1.gz"), &packed[..length]).unwrap();
        assert_eq!(bench.poll(), Vec::<String>::new());
    }
    fs::remove_file(bench.path("log.1")).unwrap();
    bench.write("log", &lines(2_001..2_002));
    assert_eq!(bench.poll().len(), 1);
}

/// Nobody has written to it, so nobody has cut it.
#[test]
fn a_strange_file_beside_an_empty_log_is_no_copy_of_it() {
    let mut bench = Bench::new();
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    File::create(bench.path("log")).unwrap();
    bench.poll();
    bench.write("log.2", &lines(0..30));
    let (numbers, gaps) = read(&mut bench);
    assert_eq!((numbers.len(), gaps), (30, Vec::new()));
}

/// The first entries of a small one, too.
#[test]
fn of_a_small_copy_that_breaks_off_is_read_what_it_has() {
    let mut bench = Bench::new();
    fs::rename(bench.path("log"), bench.path("log.2")).unwrap();
    File::create(bench.path("log")).unwrap();
    bench.poll();
    bench.write(
        "plain",
        &(0..200_u64)
            .map(|number| format!("line {number:04} {:x}\n", number * 7_919 * 104_729))
            .collect::<String>(),
    );
    let packed = gzip(&bench.path("plain"));
    fs::write(bench.path("log.1.gz"), &packed[..packed.len() / 2]).unwrap();
    let (numbers, gaps) = read(&mut bench);
    assert!((20..180).contains(&numbers.len()), "{numbers:?}");
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert!(matches!(&gaps[..], [gap] if gap.contains("log.1.gz")), "{gaps:?}");
}

/// One that is known is read on: what has its plain name now is another log.
#[test]
fn a_known_copy_is_read_on_beside_a_later_log_of_its_plain_name() {
    let mut bench = Bench::new();
    bench.write("log", &lines(0..40));
    bench.poll();
    let known = bench.source.logs[0].tails.iter().map(|tail| tail.remembered()).collect();
    bench.source = Source::new(0, &bench.settings.sources[0], known);
    bench.write("log", &lines(40..60));
    fs::write(bench.path("log.1.gz"), gzip(&bench.path("log"))).unwrap();
    fs::remove_file(bench.path("log")).unwrap();
    bench.write("log.1", &lines(60..80));
    bench.write("log", &lines(80..90));
    let hour = std::time::Duration::from_secs(3600);
    for (name, hours) in [("log.1.gz", 2), ("log.1", 1)] {
        File::open(bench.path(name))
            .unwrap()
            .set_modified(std::time::SystemTime::now() - hours * hour)
            .unwrap();
    }
    let (numbers, gaps) = read(&mut bench);
    assert_eq!((numbers, gaps), ((40..90).collect(), Vec::new()));
}
