//! `otrail journal verify --against`: what a server has, held against the journal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::format::{Envelope, FORMATS, Format, Settings as Frames};
use otrail::journal::{Draft, Input, Journal, Scan, Settings};
use otrail::model::{Record, Seq, Time};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use support::trail;
use tempfile::TempDir;

/// Three segments of three days; the two that are finished are sealed, and that is told.
fn journal(users: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { seal: true, ..trail::journal_settings(dir.path()) };
    let journal = Journal::open(settings, on(1)).unwrap();
    for (day, count) in [(1, 20), (2, 10), (3, 5)] {
        for at in 0..count {
            let draft =
                Draft { event: trail::event(&format!("{users}-{day}-{at}")), position: None, mark: None };
            journal.append(Input { drafts: vec![draft], ..Input::default() }, on(day)).unwrap();
        }
    }
    while journal.seal_next(&mut |_| Ok(()), || on(3)).unwrap() {}
    dir
}

fn on(day: i64) -> Time {
    Time::from_millis(day * 86_400_000).unwrap()
}

fn records(dir: &Path) -> Vec<Record> {
    Scan::open(dir).unwrap().map(|line| line.unwrap().decode().unwrap()).collect()
}

/// What a server has of it, as one line an event.
fn sent(format: &Format, dir: &Path, keep: impl Fn(u64) -> bool) -> Vec<String> {
    let stream = otrail::journal::stream_of(dir).unwrap().to_string();
    let mut prev = Seq::NONE;
    let mut frames = Vec::new();
    for record in records(dir) {
        let envelope = Envelope {
            stream: &stream,
            prev,
            print: None,
            resent: false,
            replay: false,
            sequence_id: 1,
            clock_synced: true,
        };
        let mut bytes = b"Nov 30 02:19:03 plant-a ".to_vec();
        format.write(&Frames::default(), &envelope, &record, &mut bytes).unwrap();
        prev = record.seq;
        if keep(record.seq.0) {
            frames.push(String::from_utf8(bytes).unwrap());
        }
    }
    frames
}

fn verify(dir: &Path, lines: &[String], args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.args(["journal", "verify", "--against", "-", "-D"]).arg(dir).args(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end before it has read all.
    let _closed = child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn held(dir: &Path, lines: &[String]) -> (Option<i32>, Value) {
    let (code, text) = verify(dir, lines, &["-o", "json"]);
    let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| unreachable!("{text}"));
    (code, found["against"].clone())
}

#[test]
fn what_was_sent_in_any_format_is_what_the_journal_has_and_a_chain_value_speaks_for_all_before_it() {
    let dir = journal("user");
    for format in FORMATS {
        let mut lines = sent(format, dir.path(), |_| true);
        lines.reverse();
        lines.extend(sent(format, dir.path(), |seq| seq < 5));
        lines.push("Nov 30 02:19:03 plant-a sshd: Accepted publickey for root".to_owned());
        let (code, held) = held(dir.path(), &lines);
        let what = format!("{}: {held}", format.name);
        assert_eq!(code, Some(0), "{what}");
        assert_eq!(
            (&held["lines"], &held["events"], &held["copies"]),
            (&42.into(), &41.into(), &4.into()),
            "{what}"
        );
        assert_eq!(
            (&held["same"], &held["first"], &held["last"]),
            (&37.into(), &1.into(), &37.into()),
            "{what}"
        );
        assert_eq!(held["seals"], 2, "{what}");
        let has_chain = ["json", "ocsf"].contains(&format.name);
        assert_eq!(held["proved-through"], if has_chain { 37 } else { 0 }, "{what}");
    }
}

#[test]
fn what_was_sent_and_is_not_there_is_named_and_what_was_never_sent_is_not_missed() {
    let dir = journal("user");
    let lines = sent(&FORMATS[0], dir.path(), |seq| !(8..=9).contains(&seq) && seq < 30);
    let (code, text) = verify(dir.path(), &lines, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains(
            "record 9 is not there, which record 10 says it follows: nothing is between 7 and 10\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "\nthe journal is as it was sent, but some of it is not there: records 1 to 29 there; 27 are"
        ),
        "{text}"
    );
    // What was replayed begins with a record that follows nothing: it hides no hole.
    let replayed = lines[7].replace(" prev=\"9\"", " prev=\"0\"");
    assert_ne!(replayed, lines[7]);
    assert_eq!(held(dir.path(), &[&lines[..], &[replayed]].concat()).1["missing"][0]["expected"], 9);
    // A destination that selects: each frame names the one before it.
    let few: Vec<String> = lines
        .iter()
        .step_by(3)
        .zip(lines.iter().step_by(3).skip(1))
        .map(|(before, line)| {
            let seq =
                |line: &str| line.split(" seq=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let prev = line.split(" prev=\"").nth(1).unwrap().split('"').next().unwrap();
            line.replace(&format!(" prev=\"{prev}\""), &format!(" prev=\"{}\"", seq(before)))
        })
        .collect();
    assert_eq!(held(dir.path(), &few).0, Some(0));
}

/// Somebody has written the journal anew, with sums and a chain that hold.
#[test]
fn a_journal_that_was_written_anew_is_not_what_was_sent() {
    let (dir, forged) = (journal("user"), journal("other"));
    let stream = |dir: &Path| otrail::journal::stream_of(dir).unwrap().to_string();
    let of_forged = |line: String| line.replace(&stream(dir.path()), &stream(forged.path()));
    for format in FORMATS {
        let lines: Vec<String> =
            sent(format, dir.path(), |seq| seq < 12).into_iter().map(of_forged).collect();
        let (code, text) = verify(forged.path(), &lines, &[]);
        assert_eq!(code, Some(5), "{}: {text}", format.name);
        assert!(
            text.contains("standard input:3, record 3: event ") && text.contains("NOT as it was sent"),
            "{text}"
        );
    }
    // The same events, but something before them was another: the ids agree, the chain does not.
    let lines: Vec<String> =
        sent(&FORMATS[0], dir.path(), |seq| seq == 36).into_iter().map(of_forged).collect();
    let id = |record: &Record| record.event.id.to_string();
    let (ours, theirs) = (&records(dir.path())[35], &records(forged.path())[35]);
    let (code, text) = verify(forged.path(), &[lines[0].replace(&id(ours), &id(theirs))], &[]);
    let seal = "00000000000000000001-1.ndjson ends in another chain value than this event has told";
    assert!(code == Some(5) && text.contains(seal), "{text}");
    // The segment that it tells of is called otherwise now, or the event something else.
    let seal = sent(&FORMATS[0], dir.path(), |seq| seq == 36);
    let (code, text) = verify(dir.path(), &[seal[0].replace("-1.ndjson.zst was", "-9.ndjson.zst was")], &[]);
    assert!(
        code == Some(5) && text.contains("00000000000000000001-9.ndjson, of which this event has told,"),
        "{text}"
    );
    let (code, text) = verify(dir.path(), &[seal[0].replace("OTA-9050", "OTA-9005")], &[]);
    assert!(
        code == Some(5) && text.contains("it was sent as OTA-9005, and is OTA-9050 in the journal"),
        "{text}"
    );
    let json = FORMATS.iter().find(|format| format.name == "json").unwrap();
    let lines: Vec<String> = sent(json, dir.path(), |seq| seq == 30).into_iter().map(of_forged).collect();
    let (ours, theirs) = (&records(dir.path())[29], &records(forged.path())[29]);
    let (code, text) = verify(forged.path(), &[lines[0].replace(&id(ours), &id(theirs))], &[]);
    assert!(
        code == Some(5) && text.contains("record 30: its chain value is not the one that was sent"),
        "{text}"
    );
}

#[test]
fn an_older_copy_of_the_journal_lacks_what_was_sent_and_what_the_limits_removed_is_no_difference() {
    let dir = journal("user");
    let lines = sent(&FORMATS[0], dir.path(), |_| true);
    let mut files: Vec<_> =
        fs::read_dir(dir.path().join("journal")).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let newest = files.pop().unwrap();
    let kept = fs::read(&newest).unwrap();
    fs::remove_file(&newest).unwrap();
    let (code, text) = verify(dir.path(), &lines, &[]);
    assert!(
        code == Some(5) && text.contains("standard input:31, record 31: the journal does not have it"),
        "{text}"
    );
    fs::write(&newest, kept).unwrap();
    files
        .iter()
        .filter(|file| file.to_str().unwrap().contains("/00000000000000000001-"))
        .for_each(|file| fs::remove_file(file).unwrap());
    let (code, held) = held(dir.path(), &lines);
    assert_eq!(
        (code, &held["removed"], &held["same"], &held["seals"]),
        (Some(0), &20.into(), &17.into(), &1.into())
    );
    let (code, text) = verify(dir.path(), &lines[..20], &[]);
    assert!(
        code == Some(1) && text.contains("nothing that was sent is in the journal still: records 1 to 20"),
        "{text}"
    );
}

#[test]
fn where_nothing_of_the_journal_is_or_no_file_that_is_said() {
    let dir = journal("user");
    let (code, text) = verify(dir.path(), &sent(&FORMATS[0], journal("user").path(), |_| true), &[]);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("nothing of this journal is in the 37 lines, 37 events of other journals are"),
        "{text}"
    );
    let (code, text) = verify(dir.path(), &[], &["--against", "/no\u{1b}where"]);
    assert!(code == Some(1) && text.contains("cannot read /no\\u{1b}where"), "{text}");
}

/// As a store writes it that answers with all it has found.
#[test]
fn an_export_that_is_or_wraps_one_array_on_one_line_is_read_to_its_last_event() {
    let dir = journal("user");
    for name in ["rfc5424", "json", "cef"] {
        let format = FORMATS.iter().find(|format| format.name == name).unwrap();
        let frames = sent(format, dir.path(), |_| true);
        // Longer than any line of which all counts.
        let blank = " ".repeat(100_000);
        let objects: Vec<String> = frames
            .iter()
            .map(|frame| format!("{{\"_raw\":{}}}{blank}", Value::from(frame.as_str())))
            .collect();
        let texts: Vec<String> = frames.iter().map(|frame| Value::from(frame.as_str()).to_string()).collect();
        for (export, count) in
            [(objects.join(","), 37), (texts.join(", "), 37), (objects[..20].join(","), 20)]
        {
            let wrapped = format!(
                "{{\"took\":5,\"messages\":[{{\"type\":\"DEBUG\"}}],\"hits\":{{\"total\":{{\"value\":9}},\"hits\":[{export}]}}}}"
            );
            for line in [format!("[{export}]"), wrapped] {
                let (code, held) = held(dir.path(), &[line, frames[0].clone()]);
                assert_eq!(code, Some(0), "{name}: {held}");
                assert_eq!((&held["lines"], &held["same"]), (&2.into(), &count.into()), "{name}: {held}");
                assert_eq!(held["events"], count + 1, "{name}: {held}");
            }
        }
    }
}
