//! A source whose log is edited or copied, polled by hand.

use super::*;

/// Lines long enough that a few of them say which log it is.
fn lines(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| format!("line {number:03}{}\n", ".".repeat(291))).collect()
}

/// The entries as their numbers, and the names of otrail's own events.
fn polled(bench: &mut Bench) -> Vec<String> {
    bench.poll().into_iter().map(|word| word.trim_end_matches('.').to_owned()).collect()
}

/// A log of twenty lines that have been read.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.write("log", &lines(0..20));
    assert_eq!(polled(&mut bench).len(), 20);
    bench
}

/// vim gives the log another name and writes a new one, piece by piece.
#[test]
fn a_copy_that_is_written_in_pieces_is_waited_for() {
    let mut bench = bench();
    let copy = format!("first\n{}", lines((0..7).chain(8..20)));
    fs::rename(bench.path("log"), bench.path("log~")).unwrap();
    for piece in [&copy[..1], &copy[1..1_500], &copy[1_500..3_333], &copy[3_333..]] {
        assert!(polled(&mut bench).is_empty());
        bench.write("log", piece);
    }
    bench.write("log", &lines([20]));
    assert_eq!(polled(&mut bench), ["agent.source_replaced", "line 020"]);
}

/// One that goes on no more, such as an older copy that was brought back, is read on.
#[test]
fn an_older_copy_is_read_on_after_a_moment() {
    let mut bench = bench();
    bench.write("new", &format!("first\n{}", lines((0..10).chain(30..32))));
    fs::rename(bench.path("new"), bench.path("log")).unwrap();
    assert!(polled(&mut bench).is_empty());
    bench.age();
    let events = bench.events();
    let [told, first, second] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((told.action, told.outcome), (Action::SOURCE_REPLACED, Outcome::Failure));
    assert_eq!((told.old.as_deref(), told.new.as_deref()), (Some("3006-6006"), Some("3006-3606")));
    assert!(first.message.starts_with("line 030") && second.message.starts_with("line 031"));
}

#[test]
fn a_copy_that_is_cut_while_it_is_compared_is_told_of() {
    let mut bench = bench();
    bench.write("new", &format!("first\n{}", lines((0..10).chain(30..32))));
    fs::rename(bench.path("new"), bench.path("log")).unwrap();
    assert!(polled(&mut bench).is_empty());
    fs::write(bench.path("log"), "another\n").unwrap();
    assert_eq!(polled(&mut bench), ["agent.gap_detected", "agent.source_rotated", "another"]);
}

/// A new log may begin as the one before did.
#[test]
fn a_banner_and_a_header_make_no_copy() {
    for start in ["first\n", "timestamp,type,title,severity,owner,content\n"] {
        let mut bench = Bench::new();
        File::create(bench.path("log")).unwrap();
        bench.poll();
        bench.write("log", &format!("{start}{}", lines(0..5)));
        bench.poll();
        fs::remove_file(bench.path("log")).unwrap();
        bench.write("log", &format!("{start}{}", lines(5..9)));
        let found = polled(&mut bench);
        assert!(found.contains(&"agent.source_rotated".to_owned()), "{found:?}");
        assert!(
            found.ends_with(&["line 005", "line 006", "line 007", "line 008"].map(String::from)),
            "{found:?}"
        );
        assert_eq!(start.starts_with("first"), found.contains(&"first".to_owned()), "{found:?}");
    }
}

/// Whoever had the log open writes to what has no name any more, until he opens the copy.
#[test]
fn the_file_before_is_kept_open_until_the_copy_grows() {
    let mut bench = bench();
    fs::copy(bench.path("log"), bench.path("new")).unwrap();
    let mut writer = OpenOptions::new().append(true).open(bench.path("log")).unwrap();
    fs::rename(bench.path("new"), bench.path("log")).unwrap();
    assert_eq!(polled(&mut bench), ["agent.source_replaced"]);
    for number in 20..23 {
        bench.age();
        assert!(polled(&mut bench).is_empty());
        writer.write_all(lines([number]).as_bytes()).unwrap();
        assert_eq!(polled(&mut bench), [format!("line {number:03}")]);
    }
    bench.write("log", &lines([30]));
    bench.age();
    assert_eq!(polled(&mut bench), ["line 030"]);
    assert_eq!(bench.source.logs[0].tails.len(), 1);
}

/// What the log had of a line that has no end yet is in the copy, too.
#[test]
fn a_line_without_an_end_goes_on_in_the_copy() {
    let mut bench = bench();
    bench.write("log", "the beginning of a line");
    assert!(bench.poll().is_empty());
    fs::copy(bench.path("log"), bench.path("new")).unwrap();
    fs::rename(bench.path("new"), bench.path("log")).unwrap();
    assert_eq!(polled(&mut bench), ["agent.source_replaced"]);
    bench.write("log", " and its end\n");
    bench.age();
    assert_eq!(polled(&mut bench), ["the beginning of a line and its end"]);
    bench.age();
    assert!(bench.poll().is_empty());
}

/// A sensor that writes as fast as it can writes much between the end of a copy and the cut.
#[test]
fn a_copy_that_ends_long_before_the_cut_has_been_read() {
    let mut bench = Bench::new();
    let line =
        |number| format!("line {number:06}, with something behind it that makes it as long as others\n");
    let lines: String = (0..4000).map(line).collect();
    bench.write("log", &lines);
    assert_eq!(bench.poll().len(), 4000);
    bench.write("log.1", &format!("first\n{}", &lines[..20_000]));
    File::create(bench.path("log")).unwrap();
    assert_eq!(bench.poll(), ["agent.source_truncated", "agent.gap_detected"]);
}

#[test]
fn copies_of_which_nothing_was_read_push_no_former_log_out() {
    let mut bench = several(Start::Beginning);
    bench.write("a.log", "a1\n");
    bench.poll();
    let mut former = bench.source.logs[0].tails[0].file.clone();
    (former.number, former.finished) = (FileNo(900), true);
    bench.source.known.push(former.clone());
    let mut input = Input::default();
    let settings = &bench.settings;
    let last_file = &mut bench.last_file;
    let mut round = Round {
        settings,
        journal: None,
        input: &mut input,
        last_file,
        budget: 0,
        now: Time::default(),
        spare: usize::MAX,
    };
    for _ in 0..KNOWN_MAX * 2 {
        let copy = FollowedFile { finished: true, ..FollowedFile::default() };
        bench.source.remember_copy(copy, &mut round);
    }
    let finished: Vec<_> = bench.source.known.iter().filter(|file| file.finished).collect();
    assert_eq!(finished.len(), KNOWN_MAX);
    assert!(finished.iter().any(|file| file.number == former.number));
}
