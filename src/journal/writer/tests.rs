//! What the writer keeps when the disk does not take it.

use super::super::pending::Draft;
use super::*;
use crate::journal::{Journal, Scan, Settings};
use crate::model::{Action, Event, FileNo, Outcome, Position};
use std::path::Path;
use std::time::Duration;

fn journal(dir: &Path) -> Journal {
    let settings = Settings {
        state_dir: dir.to_path_buf(),
        sensor: "plant-a".to_owned(),
        bytes_max: 1 << 30,
        age_max: Duration::from_secs(86_400),
        segment_bytes_max: 1 << 20,
        recent_bytes_max: 1 << 20,
        reserve_bytes: 4096,
        seal: false,
        destinations: Vec::new(),
    };
    Journal::open(settings, Time::default()).unwrap()
}

fn draft(message: &str, offset: Option<u64>) -> Draft {
    let event = Event::own(Action::HEARTBEAT, Outcome::Success, Time::default(), message);
    Draft { event, position: offset.map(|offset| Position { file: FileNo(1), offset }), mark: None }
}

fn batch(message: &str, offset: Option<u64>) -> Input {
    Input { drafts: vec![draft(message, offset)], ..Input::default() }
}

fn messages(dir: &Path) -> Vec<(u64, String)> {
    let lines = Scan::open(dir).unwrap().map(|line| line.unwrap().decode().unwrap());
    lines.map(|record| (record.seq.0, record.event.message.to_string())).collect()
}

/// Another thread's event may be waiting for space by the time a batch that was read from a log comes.
#[test]
fn a_batch_that_comes_while_another_waits_for_space_is_kept_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    let file = FollowedFile { number: FileNo(1), source: "timeline".into(), ..FollowedFile::default() };
    journal.append(Input { files: vec![file], ..batch("first", Some(10)) }, Time::default()).unwrap();
    {
        let mut writer = journal.writer();
        writer.pending = writer.stand().prepare(batch("waits", None), Spare::default());
    }
    journal.append(batch("read meanwhile", Some(20)), Time::default()).unwrap();
    journal.append(batch("last", Some(30)), Time::default()).unwrap();
    let expected = ["first", "waits", "read meanwhile", "last"].map(str::to_owned);
    assert_eq!(messages(dir.path()), (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(journal.files_of("timeline")[0].offset, 30);
    drop(journal);
    let reopened = self::journal(dir.path());
    assert_eq!((reopened.newest(), reopened.files_of("timeline")[0].offset), (Seq(4), 30));
    assert_eq!(reopened.0.damaged.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn a_disk_that_failed_once_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path());
    journal.append(batch("first", None), Time::default()).unwrap();
    // A file that cannot be written stands for a disk that fails.
    let path = journal.writer().segment.as_ref().unwrap().path.clone();
    journal.writer().segment.as_mut().unwrap().file = File::open(&path).unwrap();
    journal.note(draft("in vain", None).event);
    let cause = journal.status().error;
    assert!(cause.contains("cannot write"), "{cause}");
    journal.writer().segment.as_mut().unwrap().file = File::options().write(true).open(&path).unwrap();
    assert!(journal.is_paused());
    assert!(!journal.retry(Time::default()).unwrap_err().is_full());
    assert!(journal.append(batch("later", None), Time::default()).is_err());
    journal.note(draft("in vain again", None).event);
    assert_eq!(journal.status().error, cause, "the cause stays");
    assert_eq!(messages(dir.path()), [(1, "first".to_owned())]);
}

/// What is written there is kept by nobody, or where nobody looks: it must not count.
#[test]
fn a_segment_that_is_not_in_its_place_any_more_takes_no_batch_that_counts() {
    type Away = fn(&Path, &Path);
    let ways: [(Away, &str); 3] = [
        (
            |dir, _| std::fs::rename(dir.join("journal"), dir.join("elsewhere")).unwrap(),
            "was removed or renamed",
        ),
        (|_, path| std::fs::remove_file(path).unwrap(), "was removed or renamed"),
        (
            |_, path| {
                std::fs::copy(path, path.with_extension("copy")).unwrap();
                std::fs::rename(path.with_extension("copy"), path).unwrap();
            },
            "another file is in its place",
        ),
    ];
    for (away, why) in ways {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        journal.append(batch("first", None), Time::default()).unwrap();
        let path = journal.writer().segment.as_ref().unwrap().path.clone();
        away(dir.path(), &path);
        let error = journal.append(batch("second", None), Time::default()).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(why), "{cause}");
        assert_eq!(journal.newest(), Seq(1));
    }
}
