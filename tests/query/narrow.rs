//! Cursors, what is delivered, and one event alone.

use super::{event, journal, told};
use otrail::journal::{Draft, Input};
use otrail::model::{Event, EventId, Outcome, Seq, Time};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    told(&command.args(args).arg("--utc").arg("-D").arg(dir).env_remove("SUDO_USER").output().unwrap())
}

/// The places of the rows.
fn seqs(dir: &Path, args: &[&str]) -> String {
    let (_, rows, errors) = run(dir, &[&["query", "-q", "-o", "tsv", "--fields", "seq"], args].concat());
    assert_eq!(errors, "");
    rows.lines().skip(1).collect::<Vec<_>>().join(" ")
}

fn events(count: i64) -> Vec<Event> {
    // The newest by time came first.
    let one = |at: i64| Event {
        id: EventId((0x0123_4567_u128 << 96) + at as u128),
        ..event("alice", Outcome::Success, 1000 - at)
    };
    (1..=count).map(one).collect()
}

#[test]
fn a_cursor_goes_on_where_the_last_query_ended_and_shows_every_row_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path(), events(3));
    let file = dir.path().join("cursor");
    let name = file.to_str().unwrap();
    assert_eq!(seqs(dir.path(), &["--cursor-file", name]), "3 2 1");
    let first = fs::read_to_string(&file).unwrap();
    assert!(first.starts_with("s=") && first.ends_with(";q=3\n"), "{first}");
    assert_eq!(seqs(dir.path(), &["--cursor-file", name]), "");
    let drafts = events(5).drain(3..).map(|event| Draft { event, position: None, mark: None }).collect();
    journal.append(Input { drafts, ..Input::default() }, Time::default()).unwrap();
    assert_eq!(seqs(dir.path(), &["--cursor-file", name, "user = alice or user = bob"]), "5 4");
    assert_eq!(seqs(dir.path(), &["--cursor-file", name]), "");
    assert_eq!(seqs(dir.path(), &["--after-cursor", first.trim(), "--reverse"]), "4 5");
    let (_, _, errors) = run(dir.path(), &["query", "-q", "--show-cursor", "-n", "1"]);
    assert_eq!(errors, format!("otrail: cursor: {}\n", first.trim().replace("q=3", "q=1")));

    let other = tempfile::tempdir().unwrap();
    super::journal(other.path(), events(1));
    let (code, rows, errors) = run(other.path(), &["query", "-q", "--cursor-file", name]);
    assert_eq!((code, rows.as_str()), (Some(2), ""));
    assert!(errors.contains("the cursor is of another journal"), "{errors}");
    fs::write(&file, first.replace("q=3", "q=6")).unwrap();
    let (code, _, errors) = run(dir.path(), &["query", "-q", "--cursor-file", name]);
    assert!(code == Some(2) && errors.contains("behind the end of the journal"), "{errors}");
    fs::write(&file, "otrail").unwrap();
    let (code, _, errors) = run(dir.path(), &["query", "-q", "--cursor-file", name]);
    assert!(code == Some(2) && errors.contains("holds no cursor"), "{errors}");
}

#[test]
fn that_a_cursor_goes_past_rows_that_were_left_out_is_told() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events(3));
    let file = dir.path().join("cursor");
    for (lines, is_told) in [("2", true), ("4", false)] {
        let args = ["query", "-n", lines, "--cursor-file", file.to_str().unwrap()];
        let (code, _, errors) = run(dir.path(), &args);
        assert_eq!((code, errors.contains("are behind the cursor")), (Some(0), is_told), "{errors}");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn rows_that_nobody_read_or_that_are_missing_move_no_cursor() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), events(20_000));
    let file = dir.path().join("cursor");
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.args(["query", "-q", "--cursor-file"]).arg(&file).arg("-D").arg(dir.path());
    assert_eq!(command.stdout(writer).stderr(Stdio::null()).status().unwrap().code(), Some(0));
    assert!(!file.exists());
    let broken = tempfile::tempdir().unwrap();
    journal(broken.path(), events(3));
    super::damage(broken.path(), 2);
    let (code, rows, errors) = run(broken.path(), &["query", "-q", "--cursor-file", file.to_str().unwrap()]);
    assert_eq!((code, rows.lines().count()), (Some(5), 2));
    assert!(errors.ends_with("otrail: the cursor stays where it was\n"), "{errors}");
    assert!(!file.exists());
}

#[test]
fn what_is_delivered_is_told_by_the_cursors() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path(), events(4));
    for (name, confirmed) in [("siem", 3), ("archive", 1)] {
        journal.cursor(name).unwrap().note(Seq(confirmed), Time::default()).unwrap();
    }
    for (args, wanted) in [
        (&["--undelivered"][..], "4 3 2"),
        (&["--undelivered=siem"], "4"),
        (&["--undelivered", "seq < 3"], "2"),
        (&["--delivered"], "1"),
        (&["--delivered=siem", "user=alice"], "3 2 1"),
    ] {
        assert_eq!(seqs(dir.path(), args), wanted, "{args:?}");
    }
    let (_, _, errors) = run(dir.path(), &["query", "--undelivered"]);
    assert!(
        errors
            .starts_with("otrail: archive is confirmed up to seq 1\notrail: siem is confirmed up to seq 3\n"),
        "{errors}"
    );
    let (code, _, errors) = run(dir.path(), &["query", "--delivered=soc"]);
    assert_eq!(
        (code, errors.as_str()),
        (Some(2), "otrail: there is no destination soc; there is archive, siem\n")
    );
}

#[test]
fn one_event_is_shown_by_its_place_or_digits_of_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path(), events(3));
    journal.cursor("siem").unwrap().note(Seq(2), Time::default()).unwrap();
    let (code, card, errors) = run(dir.path(), &["show", "2"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(
        card.starts_with("#2 User operation: success\n         id  01234567000000000000000000000002\n"),
        "{card}"
    );
    assert!(card.contains("raw  entry of alice\n\nsiem: confirmed, or not selected, set aside, or from before it began, not later than 1970-01-01T00:00:00.000Z\n"), "{card}");
    assert_eq!(run(dir.path(), &["show", "01234567000000000000000000000002"]).1, card);
    assert_eq!(run(dir.path(), &["show", "#2"]).1, card);
    let waits = run(dir.path(), &["show", "3"]).1;
    assert!(
        waits.ends_with("siem: not sent yet, 0 records before it wait, too, or not selected\n"),
        "{waits}"
    );
    assert_eq!(run(dir.path(), &["show", "2", "-o", "raw"]).1, "entry of alice\n");
    assert!(run(dir.path(), &["show", "2", "-o", "cef"]).1.contains("CEF:"));
    let (code, rows, errors) = run(dir.path(), &["show", "01234567"]);
    assert_eq!((code, rows.as_str()), (Some(1), ""));
    assert!(
        errors
            .starts_with("otrail: 3 events are called 01234567; write more digits, or the seq of one\nSEQ "),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 5);
    assert_eq!(
        run(dir.path(), &["show", "9"]),
        (Some(1), String::new(), "otrail: there is no event 9\n".to_owned())
    );
    assert_eq!(run(dir.path(), &["show", "alice"]).0, Some(2));
}
