//! A journal in which a later otrail has written: what cannot be read is said, and left as it is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use otrail::journal::{Draft, Input, Journal, JournalError, Settings};
use otrail::model::{Seq, Time};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use support::process::patiently;
use support::trail;
use tempfile::TempDir;

/// Three segments of three days: records 1 to 40, 41 to 70, 71 and on; the first two sealed or not.
fn journal(is_sealed: bool) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), true).unwrap();
    for (day, count) in [(1, 40), (2, 30), (3, 5)] {
        for at in 0..count {
            let draft = Draft { event: trail::event(&format!("user-{at}")), position: None, mark: None };
            journal.append(Input { drafts: vec![draft], ..Input::default() }, on(day)).unwrap();
        }
    }
    while is_sealed && seal_next(&journal).unwrap() {}
    dir
}

fn open(dir: &Path, seal: bool) -> Result<Journal, JournalError> {
    Journal::open(Settings { seal, ..trail::journal_settings(dir) }, on(3))
}

fn seal_next(journal: &Journal) -> Result<bool, JournalError> {
    journal.seal_next(&mut |_| Ok(()), || on(3))
}

fn on(day: i64) -> Time {
    Time::from_millis(day * 86_400_000).unwrap()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end != "idx")).collect();
    paths.sort();
    paths
}

/// The segment begins as one of version 99 would, with a sum that holds; its lines may mean anything.
fn make_later(path: &Path) {
    let is_sealed = path.extension().is_some_and(|end| end == "zst");
    let bytes = fs::read(path).unwrap();
    let bytes = if is_sealed { zstd::decode_all(&*bytes).unwrap() } else { bytes };
    let text = String::from_utf8(bytes).unwrap();
    let (header, rest) = text.split_once('\n').unwrap();
    let header = header.replacen("{\"otrail\":1,", "{\"otrail\":99,", 1);
    let (body, tail) = header.split_at(header.rfind(",\"sum\":\"").unwrap());
    let chain = &tail[tail.len() - 66..tail.len() - 2];
    let sum = crc32c::crc32c_append(crc32c::crc32c(body.as_bytes()), chain.as_bytes());
    let text = format!("{body},\"sum\":\"{sum:08x}\",\"chain\":\"{chain}\"}}\n{rest}");
    let bytes = if is_sealed { zstd::bulk::compress(text.as_bytes(), 1).unwrap() } else { text.into_bytes() };
    fs::write(path, bytes).unwrap();
}

/// Exit code, stdout, stderr.
fn otrail(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_otrail")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What is said of that segment everywhere.
fn told(path: &Path) -> String {
    format!(
        "{} has format version 99, this otrail reads up to 1; use the otrail that wrote it",
        path.display()
    )
}

/// Each of the three, in both forms, in a journal of its own.
fn each(check: impl Fn(&TempDir, usize, &Path)) {
    for (is_sealed, which) in [(false, 0), (false, 1), (false, 2), (true, 0), (true, 1), (true, 2)] {
        let dir = journal(is_sealed);
        let path = segments(dir.path()).remove(which);
        make_later(&path);
        check(&dir, which, &path);
    }
}

#[test]
fn an_answer_without_it_is_no_whole_answer_and_names_it() {
    each(|dir, which, path| {
        let folder = dir.path().to_str().unwrap();
        let (code, out, errors) =
            otrail(&["query", "-D", folder, "--user", "user-*", "-n", "all", "-o", "json"]);
        let seqs: Vec<u64> = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap())
            .collect();
        let of_others = [1..=40, 41..=70, 71..=75].into_iter().enumerate().filter(|(at, _)| *at != which);
        assert_eq!(seqs, of_others.flat_map(|(_, seqs)| seqs).collect::<Vec<_>>(), "{which}: {errors}");
        assert!(code == Some(5) && errors.contains(&told(path)), "{which}: {errors}");
        let (code, out, errors) = otrail(&["query", "-D", folder, "--user", "user-*", "--count"]);
        assert_eq!((code, out.trim().parse().ok()), (Some(5), Some(seqs.len())), "{which}: {errors}");
        assert!(errors.contains(&told(path)), "{which}: {errors}");
        let (code, _, errors) = otrail(&["query", "-D", folder, "--by", "user"]);
        assert!(code == Some(5) && errors.contains(&told(path)), "{which}: {errors}");
    });
}

#[test]
fn verify_and_ls_name_it_and_go_on_with_the_others() {
    each(|dir, which, path| {
        let folder = dir.path().to_str().unwrap();
        let (code, out, _) = otrail(&["journal", "verify", "-D", folder]);
        assert!(code == Some(5) && out.contains("NOT whole"), "{out}");
        assert!(out.contains(&told(path)) && out.lines().count() == 2, "one flaw and the verdict: {out}");
        let (code, out, _) = otrail(&["journal", "ls", "-D", folder]);
        assert!(code == Some(5) && out.contains(&told(path)), "{out}");
        let (code, out, _) = otrail(&["journal", "ls", "-D", folder, "-o", "json"]);
        let list: Value = serde_json::from_str(&out).unwrap();
        let problems: Vec<bool> = (0..3).map(|at| list[at]["problem"] != "").collect();
        assert_eq!((code, problems), (Some(5), (0..3).map(|at| at == which).collect()));
    });
}

#[test]
fn nothing_of_it_is_exported_and_the_rest_is() {
    each(|dir, which, path| {
        let folder = dir.path().to_str().unwrap();
        for (at, range) in [("1", "40"), ("41", "70"), ("71", "75")].into_iter().enumerate() {
            let (code, out, errors) =
                otrail(&["journal", "export", "-D", folder, "--from", range.0, "--to", range.1]);
            if at == which {
                assert!(code == Some(5) && out.is_empty() && errors.contains(&told(path)), "{errors}");
            } else {
                assert_eq!(code, Some(0), "{errors}");
            }
        }
    });
}

/// Every file of the journal.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// What an agent says that ends by itself; one that does not is ended.
fn run(config: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    let mut agent = command.arg("-c").arg(config).arg("run").stderr(Stdio::piped()).spawn().unwrap();
    if !patiently(|| agent.try_wait().unwrap().is_some()) {
        agent.kill().unwrap();
    }
    let output = agent.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Who has got its records, and whether they may go, is not known: the agent would guess.
#[test]
fn an_agent_does_not_begin_beside_it_and_changes_nothing() {
    each(|dir, which, path| {
        let folder = dir.path().display();
        // What a crash of the other has left is its business, too.
        fs::write(dir.path().join("journal/00000000000000000041-1.ndjson.zst.tmp"), "half").unwrap();
        let before = contents(dir.path());
        let config = format!(
            "sensor = \"plant-a\"\nstate-dir = \"{folder}\"\n[[source]]\nname = \"timeline\"\npath = \"{folder}.log\"\n\
             [control]\nsocket = \"{folder}/socket\"\n"
        );
        let file = dir.path().join("otrail.toml");
        fs::write(&file, config).unwrap();
        let (code, errors) = run(&file);
        assert!(code == Some(5) && errors.contains(&told(path)), "{which}: {errors}");
        let (code, _, errors) = otrail(&["journal", "reindex", "-D", dir.path().to_str().unwrap()]);
        assert!(code == Some(5) && errors.contains(&told(path)), "{which}: {errors}");
        assert_eq!(contents(dir.path()), before, "{which}");
    });
}

/// Somebody puts it there while the agent runs.
#[test]
fn one_that_comes_later_is_neither_sealed_indexed_removed_nor_passed_over() {
    for is_sealed in [false, true] {
        let dir = journal(is_sealed);
        let journal = open(dir.path(), true).unwrap();
        let path = segments(dir.path()).remove(0);
        make_later(&path);
        let index = dir.path().join("journal/00000000000000000001-1.idx");
        let _ = fs::remove_file(&index);
        let is_it = |error: Option<JournalError>| error.is_some_and(|error| error.to_string() == told(&path));
        assert!(is_it(seal_next(&journal).err()), "{is_sealed}");
        assert!(path.exists() && !index.exists(), "{is_sealed}");
        // Two days old where a day is kept.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).unwrap();
        assert!(is_it(journal.maintain(on(3)).err()), "{is_sealed}");
        assert!(path.exists() && segments(dir.path()).len() == 3, "{is_sealed}");
        let read = journal.follower().read(Seq::NONE, journal.newest(), usize::MAX);
        assert!(is_it(read.err()), "{is_sealed}");
    }
}
