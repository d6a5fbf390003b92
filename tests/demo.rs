//! `otrail demo` as a newcomer meets it: its numbers hold, and it leaves nothing behind unless told to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::process::patiently;
use tempfile::TempDir;

/// The demo with a temporary folder of its own, so that what is left behind can be seen.
fn demo(temp: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
    command.arg("demo").args(args).env("TMPDIR", temp).env("TZ", "UTC").stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// Processes that have this folder in their command line.
fn processes(folder: &Path) -> Vec<String> {
    let lines = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("cmdline"));
    let lines =
        lines.filter_map(|path| fs::read(path).ok()).map(|line| String::from_utf8_lossy(&line).into_owned());
    lines.filter(|line| line.contains(folder.to_str().unwrap())).collect()
}

/// The number behind a word, such as `lost 0`.
fn number(shown: &str, word: &str) -> usize {
    let line = shown.lines().find(|line| line.starts_with("written ")).unwrap();
    let value = line.split(", ").find_map(|part| part.strip_prefix(word)).unwrap();
    value.trim().parse().unwrap()
}

/// What every demo that came to its end has shown.
fn assert_shown(output: &Output) -> String {
    let (shown, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""), "{shown}");
    shown
}

#[test]
fn the_demo_delivers_everything_and_leaves_nothing_behind() {
    let temp = TempDir::new().unwrap();
    let shown = assert_shown(&demo(temp.path(), &[]).output().unwrap());
    let written = number(&shown, "written");
    assert!(written > 20, "{shown}");
    assert_eq!((number(&shown, "delivered"), number(&shown, "lost")), (written, 0), "{shown}");
    assert!(shown.contains("order kept"), "{shown}");
    let resent = shown.lines().filter(|line| line.contains(" #") && line.ends_with(" again")).count();
    assert_eq!(number(&shown, "duplicates"), resent, "{shown}");
    for word in [
        "not sent yet: User admin created user backup",
        "agent.destination_lost",
        "agent.destination_restored",
        "agent.source_rotated",
        "started again",
        "$ otrail query --failed",
        "agent.query",
        "agent.stop",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(is_empty(temp.path()) && processes(temp.path()).is_empty());
}

#[test]
fn the_demo_of_a_sensor_that_is_asked_delivers_everything_too() {
    let temp = TempDir::new().unwrap();
    let shown = assert_shown(&demo(temp.path(), &["--api"]).output().unwrap());
    let written = number(&shown, "written");
    assert!(written > 20, "{shown}");
    assert_eq!((number(&shown, "delivered"), number(&shown, "lost")), (written, 0), "{shown}");
    for word in [
        "/api/v1/events, asked every second",
        "perhaps the login page",
        "agent.source_recovered",
        "order kept",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(is_empty(temp.path()) && processes(temp.path()).is_empty());
}

#[test]
fn a_kept_folder_has_a_config_that_is_right_and_a_trail_that_can_be_read() {
    let temp = TempDir::new().unwrap();
    let shown = assert_shown(&demo(temp.path(), &["--keep", "--color", "always"]).output().unwrap());
    assert!(shown.contains("\u{1b}[1m") && shown.contains("\u{1b}[33m"), "{shown}");
    let folder = fs::read_dir(temp.path()).unwrap().next().unwrap().unwrap().path();
    assert!(shown.contains(&format!("The folder stays: {}", folder.display())), "{shown}");
    let config = folder.join("otrail.toml");
    let otrail = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otrail"));
        command.arg("-c").arg(&config).args(args).output().unwrap()
    };
    let check = otrail(&["check"]);
    assert_eq!(check.status.code(), Some(0), "{}{}", text(&check.stdout), text(&check.stderr));
    let rows = otrail(&["query", "-D", folder.join("state").to_str().unwrap(), "-u", "backup"]);
    assert_eq!((rows.status.code(), text(&rows.stdout).lines().count()), (Some(0), 4));
    assert_eq!(processes(temp.path()), [""; 0]);
}

#[test]
fn an_interrupted_demo_removes_its_folder_and_stops_its_agent() {
    let temp = TempDir::new().unwrap();
    let mut child = demo(temp.path(), &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("not sent yet") {
        line.clear();
        assert!(shown.read_line(&mut line).unwrap() > 0, "it ended before its second act");
    }
    assert_eq!(processes(temp.path()).len(), 1);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let mut rest = String::new();
    shown.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.ends_with("interrupted: the agent is stopped, its folder is removed\n"), "{rest}");
    assert!(is_empty(temp.path()));
    assert_eq!(processes(temp.path()), [""; 0]);
}

#[test]
fn a_demo_that_nobody_watches_any_more_ends_without_a_trace() {
    let temp = TempDir::new().unwrap();
    let mut child = demo(temp.path(), &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("user.create") {
        line.clear();
        assert!(shown.read_line(&mut line).unwrap() > 0, "it ended before its first act");
    }
    drop(shown);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert!(patiently(|| is_empty(temp.path()) && processes(temp.path()).is_empty()));
}

#[test]
fn a_demo_without_room_says_what_is_wrong() {
    let temp = TempDir::new().unwrap();
    let missing = temp.path().join("missing");
    let deep = temp.path().join("d".repeat(100));
    fs::create_dir(&deep).unwrap();
    for (folder, sentence) in
        [(missing, "otrail: cannot make a temporary folder in "), (deep.clone(), "otrail: the path ")]
    {
        let output = demo(&folder, &[]).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(sentence) && said.contains("TMPDIR"), "{said}");
    }
    assert!(is_empty(&deep));
}
