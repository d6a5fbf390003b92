//! One source, polled by hand.

use super::*;
use crate::collect::Start;
use crate::collect::spotted::Spotted;
use crate::dialect::{Habits, Masks, Rules};
use crate::model::{Action, Class, Outcome};
use jiff::tz::TimeZone;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;

mod amid;
mod crowded;
mod defects;
mod edits;
mod unended;

struct Bench {
    folder: TempDir,
    settings: Settings,
    source: Source,
    last_file: FileNo,
}

static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::embedded()));

/// A source with that log.
pub(super) fn settings(path: PathBuf) -> Settings {
    let source = SourceSettings {
        name: "timeline".into(),
        sensor: "plant-a".into(),
        path,
        dialect: None,
        zone: TimeZone::UTC,
        habits: Habits::default(),
        start: Start::Beginning,
        follow_symlinks: false,
        line_bytes_max: 1 << 20,
    };
    Settings {
        sensor: "plant-a".into(),
        sources: vec![source],
        apis: Vec::new(),
        classes: Class::ALL.to_vec(),
        user_login: Class::UserOperation,
        open_files_max: usize::MAX,
        rules: Arc::clone(&RULES),
        masks: Masks::default(),
        state_dir: PathBuf::new(),
    }
}

impl Bench {
    /// A log with one line that has been read.
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path().join("log"));
        let source = Source::new(0, &settings.sources[0], Vec::new());
        let mut bench = Bench { folder, settings, source, last_file: FileNo(0) };
        bench.write("log", "first\n");
        assert_eq!(bench.poll(), ["first"]);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let mut log = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    /// What one poll, hurried by a hint, makes of it: entries, and the names of otrail's own events.
    fn poll(&mut self) -> Vec<String> {
        let word = |event: &Event| match event.class {
            Class::Agent => event.action.name().to_owned(),
            _ => event.message.to_string(),
        };
        self.events().iter().map(word).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        let mut input = Input::default();
        self.source.hurried = true;
        let (settings, last_file) = (&self.settings, &mut self.last_file);
        let (budget, now) = (READ_BYTES, Time::default());
        let spare = settings.open_files_max.saturating_sub(self.source.claims());
        self.source.poll(&mut Round {
            settings,
            journal: None,
            input: &mut input,
            last_file,
            budget,
            now,
            spare,
        });
        input.drafts.into_iter().map(|draft| draft.event).collect()
    }

    /// As if nothing had been written for long.
    fn age(&mut self) {
        self.source.logs[0].tails.iter_mut().for_each(|tail| tail.age(2 * LATE_WRITER));
    }
}

/// Until the sensor opens its new log it goes on writing to the old one, however seldom.
#[test]
fn a_renamed_log_is_followed_until_there_is_another() {
    let mut bench = Bench::new();
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    bench.poll();
    bench.age();
    bench.poll();
    bench.write("log.1", "late\n");
    assert_eq!(bench.poll(), ["late"]);
    bench.age();
    bench.write("log", "new\n");
    assert_eq!(bench.poll(), ["agent.source_rotated", "new"]);
    bench.poll();
    assert_eq!(bench.source.logs[0].tails.len(), 1, "the old one is left");
}

/// An open file that was deleted takes space that its owner believes to be free.
#[test]
fn a_deleted_log_is_let_go() {
    let mut bench = Bench::new();
    fs::remove_file(bench.path("log")).unwrap();
    bench.poll();
    assert_eq!(bench.source.logs[0].tails.len(), 1);
    bench.age();
    bench.poll();
    assert!(bench.source.logs[0].tails.is_empty());
}

#[test]
fn the_moment_between_a_rename_and_the_new_log_is_no_missing_log() {
    let mut bench = Bench::new();
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    assert!(bench.poll().is_empty());
    File::create(bench.path("log")).unwrap();
    assert_eq!(bench.poll(), ["agent.source_rotated"]);
}

/// A write changes a file's time first and its length last; who looks in between sees neither before nor after.
#[test]
fn a_first_write_that_is_under_way_is_not_taken_for_a_cut() {
    let mut bench = Bench::new();
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    let log = File::create(bench.path("log")).unwrap();
    bench.poll();
    log.set_modified(std::time::SystemTime::now() + Duration::from_secs(1)).unwrap();
    let under_way = log.metadata().unwrap();
    let tail = |bench: &mut Bench| bench.source.logs[0].tails.back_mut().unwrap().was_emptied(&under_way);
    assert!(tail(&mut bench), "with nothing in it in the end it was written and cut");
    bench.write("log", "second\n");
    assert!(!tail(&mut bench));
    assert_eq!(bench.poll(), ["second"]);
}

/// Copied and cut within one tick of the clock: by its time alone the copy may have come after the cut.
#[test]
fn a_copy_as_young_as_the_cut_log_is_looked_at_once() {
    let mut bench = Bench::new();
    bench
        .write("log", &"a line of some length, so that the copy is known by more than its head\n".repeat(30));
    assert_eq!(bench.poll().len(), 30);
    fs::copy(bench.path("log"), bench.path("log.1")).unwrap();
    bench.write("log", "last\n");
    assert_eq!(bench.poll(), ["last"], "the copy ends sooner");
    File::create(bench.path("log")).unwrap();
    assert_eq!(bench.poll(), ["agent.source_truncated", "agent.gap_detected"]);
    let copy = File::options().write(true).open(bench.path("log.1")).unwrap();
    let cut = fs::metadata(bench.path("log")).unwrap().modified().unwrap();
    copy.set_modified(cut + Duration::from_millis(1)).unwrap();
    bench.source.logs[0].look_again();
    assert!(bench.poll().is_empty());
}

/// A sensor that writes in bursts loses a whole one between the end of a copy and the cut, or nothing.
#[test]
fn a_burst_that_is_lost_is_told_at_its_size_also_after_the_next_cut() {
    let mut bench = Bench::new();
    let burst = "a line of a burst, as long as those of a sensor that has much to say at once\n".repeat(100);
    for _ in 0..3 {
        bench.write("log", &burst);
        assert_eq!(bench.poll().len(), 100);
    }
    for name in ["log.1", "log.2"] {
        fs::copy(bench.path("log"), bench.path(name)).unwrap();
        bench.write("log", &burst);
        File::create(bench.path("log")).unwrap();
        let events = bench.events();
        let [cut, gap] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((cut.action, gap.action), (Action::SOURCE_TRUNCATED, Action::GAP_DETECTED));
        let (told, lost) = (gap.count.unwrap(), burst.len() as u64);
        assert!((lost * 9 / 10..lost * 4).contains(&told), "{lost} bytes are lost: {}", gap.message);
        bench.write("log", "next\n");
        assert_eq!(bench.poll(), ["next"]);
    }
}

/// Whoever does not append goes on where it was, behind zeros: that is how much there had been before the cut.
#[test]
fn a_writer_that_keeps_its_place_over_a_cut_shows_how_much_is_lost() {
    for lost in ["", "lost\n"] {
        let mut bench = Bench::new();
        fs::copy(bench.path("log"), bench.path("log.1")).unwrap();
        bench.write("log.1", "what the copy has beyond that\n");
        let place = format!("first\nwhat the copy has beyond that\n{lost}").len() as u64;
        // Cut twice: nothing came in between.
        for _ in 0..2 {
            File::create(bench.path("log")).unwrap();
            bench.poll();
        }
        let log = File::options().write(true).open(bench.path("log")).unwrap();
        log.write_all_at(b"next\n", place).unwrap();
        let events = bench.events();
        let [told, next] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(next.message.as_str(), "next");
        if lost.is_empty() {
            assert_eq!((told.action, told.outcome), (Action::SOURCE_TRUNCATED, Outcome::Success));
        } else {
            assert_eq!((told.action, told.count), (Action::GAP_DETECTED, Some(lost.len() as u64)));
        }
        assert_eq!(bench.source.status.gaps.holes, 0);
    }
}

/// Whoever has not noticed the rotation may write just when the file is to be left.
#[test]
fn a_former_log_that_grows_as_it_is_left_is_not_left() {
    let mut bench = Bench::new();
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    bench.write("log", "new\n");
    bench.poll();
    bench.age();
    bench.write("log.1", "late\n");
    assert!(!bench.source.may_finish(0, 0));
    assert_eq!(bench.poll(), ["late"]);
    bench.age();
    assert!(bench.source.may_finish(0, 0));
}

/// With many sources that have much to read a batch must not be many times as large.
#[test]
fn all_sources_together_read_no_more_than_the_round_may() {
    let mut bench = Bench::new();
    bench.write("log", "second\nthird\n");
    let mut input = Input::default();
    let (settings, last_file) = (&bench.settings, &mut bench.last_file);
    let mut round = Round {
        settings,
        journal: None,
        input: &mut input,
        last_file,
        budget: 8,
        now: Time::default(),
        spare: usize::MAX,
    };
    assert!(bench.source.poll(&mut round), "a part");
    assert_eq!((round.budget, round.input.drafts.len()), (0, 1));
    assert!(!bench.source.poll(&mut round), "the round is over");
    assert_eq!(bench.poll(), ["third"]);
}

/// A bench whose path means every log in the folder.
fn several(start: Start) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path().join("*.log"));
    settings.sources[0].start = start;
    let source = Source::new(0, &settings.sources[0], Vec::new());
    Bench { folder, settings, source, last_file: FileNo(0) }
}

#[test]
fn every_log_that_matches_is_followed_through_its_own_rotation() {
    let mut bench = several(Start::Beginning);
    bench.write("a.log", "a1\n");
    bench.write("b.log", "b1\n");
    assert_eq!(bench.poll(), ["a1", "b1"]);
    fs::rename(bench.path("a.log"), bench.path("a.log.1")).unwrap();
    bench.write("a.log.1", "a2\n");
    bench.write("a.log", "a3\n");
    bench.write("c.log", "c1\n");
    let mut found = bench.poll();
    found.sort();
    assert_eq!(found, ["a2", "a3", "agent.source_rotated", "c1"]);
}

#[test]
fn of_several_logs_only_what_was_there_at_first_is_left_out_at_the_end() {
    let mut bench = several(Start::End);
    bench.write("a.log", "a1\n");
    bench.write("b.log", "b1\n");
    assert!(bench.poll().is_empty());
    bench.write("b.log", "b2\n");
    bench.write("c.log", "c1\n");
    assert_eq!(bench.poll(), ["b2", "c1"]);
}

/// Renamed while nobody looked, and nothing matches any more.
#[test]
fn a_log_that_matches_no_more_is_read_to_its_end_after_a_restart() {
    let mut bench = several(Start::Beginning);
    bench.write("a.log", "a1\n");
    bench.poll();
    bench.write("a.log", "a2\n");
    fs::rename(bench.path("a.log"), bench.path("a.log.1")).unwrap();
    let known = bench.source.logs[0].tails[0].file.clone();
    bench.source = Source::new(0, &bench.settings.sources[0], vec![known]);
    assert_eq!(bench.poll(), ["a2"]);
}

/// A sensor may have logs of gigabytes, and whoever can write its folder can put there what unpacks to more.
#[test]
fn a_large_compressed_copy_is_unpacked_a_part_at_a_time() {
    let mut bench = Bench::new();
    let line = "another line of the log that was read before\n";
    let content = line.repeat((80 << 20) / line.len());
    bench.write("log.1", &content);
    bench.write("log.1", "last\n");
    let metadata = fs::metadata(bench.path("log.1")).unwrap();
    let mut read = Spotted::of(bench.path("log.1"), &metadata, None, false);
    let mut known = read.read_up_to(content.len() as u64).unwrap();
    (known.number, known.finished) = (FileNo(7), false);
    known.mark.as_mut().unwrap().modified = read.modified_millis();
    let gzip = std::process::Command::new("gzip").arg("-1").arg(bench.path("log.1")).status().unwrap();
    assert!(gzip.success());
    let file = bench.source.logs[0].tails[0].file.clone();
    (bench.last_file, bench.source) =
        (FileNo(7), Source::new(0, &bench.settings.sources[0], vec![file, known]));
    bench.write("log", "second\n");
    let mut looks = 0;
    let found = loop {
        let found = bench.poll();
        looks += 1;
        if !found.is_empty() {
            break found;
        }
        assert!(bench.source.is_unsettled() && looks < 10);
    };
    assert_eq!(looks, 3, "32 MiB a look");
    assert_eq!(found, ["last", "second"], "the copy is read on from where the log was");
    assert!(bench.poll().is_empty());
}

#[test]
fn an_object_that_is_never_finished_is_its_lines_after_a_minute() {
    let mut bench = Bench::new();
    bench.write("log", "{\n  \"type\": \"USER_OPERATION\",\n  \"con");
    assert!(bench.poll().is_empty());
    for (seconds, wanted) in [(59, &[][..]), (60, &["{", "  \"type\": \"USER_OPERATION\","])] {
        let tail = &mut bench.source.logs[0].tails[0];
        tail.grown = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        // What comes and goes beside the log says nothing of who writes it.
        bench.write("another", "");
        assert_eq!(bench.poll(), wanted);
        fs::remove_file(bench.path("another")).unwrap();
    }
}

#[test]
fn many_rotated_files_are_read_in_order_as_many_at_a_look_as_may_be_open() {
    let mut bench = Bench::new();
    let files = 5 * OPEN_MAX;
    let hour = Duration::from_secs(3600);
    fs::rename(bench.path("log"), bench.path(&format!("log.{files}"))).unwrap();
    for number in 1..files {
        let name = if number + 1 == files { "log".to_owned() } else { format!("log.{}", files - number) };
        bench.write(&name, &format!("entry {number}\n"));
        let age = hour * u32::try_from(files - number).unwrap();
        File::open(bench.path(&name)).unwrap().set_modified(std::time::SystemTime::now() - age).unwrap();
    }
    let mut found = Vec::new();
    for _ in 0..3 * files / OPEN_MAX {
        found.extend(bench.poll());
    }
    found.retain(|entry| entry.starts_with("entry"));
    assert_eq!(found, (1..files).map(|number| format!("entry {number}")).collect::<Vec<_>>());
}
