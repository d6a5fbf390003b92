//! The command line as a caller meets it: exit codes, the query flag, a reader that goes away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::{Command, Output};

fn otrail(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otrail")).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn help_and_version_succeed_and_wrong_usage_is_2() {
    for args in [&["--help"][..], &["--version"], &["check", "--help"], &["help", "query"]] {
        assert_eq!(otrail(args).status.code(), Some(0), "{args:?}");
    }
    for args in [&[][..], &["no-such-command"], &["check", "--no-such-flag"], &["--color", "pink", "check"]] {
        let output = otrail(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn the_help_shows_every_command_and_the_query_flag() {
    let help = stdout(&otrail(&["--help"]));
    for word in [
        "run",
        "query",
        "report",
        "status",
        "source",
        "replay",
        "check",
        "demo",
        "completions",
        "man",
        "--query",
        "--config",
        "--color",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn the_help_of_a_command_has_all_that_stands_with_its_arguments() {
    let dir = tempfile::tempdir().unwrap();
    assert!(otrail(&["man", dir.path().to_str().unwrap()]).status.success());
    for (command, said) in [
        ("query", "different names all must hold"),
        ("show", "Looking at an event is a query"),
        ("report", "Sum up the trail"),
        ("send-test", "in a stream of their own"),
        ("replay", "are events of the trail"),
        ("doctor", "a test event"),
        ("explain", "Nothing is journaled or sent"),
        ("normalize", "Nothing is journaled or sent"),
        ("schema", "the tables that the program itself works from"),
        ("demo", "a made-up log"),
    ] {
        let page = fs::read_to_string(dir.path().join(format!("otrail-{command}.1"))).unwrap();
        let texts = [stdout(&otrail(&["help", command])), page.replace("\\-", "-")];
        for text in texts {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(said), "{command}: {text}");
        }
    }
}

#[test]
fn an_stdout_that_is_full_is_named() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for args in [
        &["schema", "config"][..],
        &["man"],
        &["explain", "User alice logged in"],
        &["--help"],
        &["--version"],
        &["help", "query"],
        &["completions", "bash"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_otrail")).args(args).stdout(full()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && told.contains("stdout cannot be written"),
            "{args:?}: {told}"
        );
    }
}

#[test]
fn the_query_flag_shows_the_help_of_the_query_command() {
    assert_eq!(stdout(&otrail(&["--query", "--help"])), stdout(&otrail(&["query", "--help"])));
}

#[test]
fn a_bad_configuration_is_78_for_whoever_reads_it() {
    let output = otrail(&["--config", "/nonexistent/otrail.toml", "check"]);
    assert_eq!(output.status.code(), Some(78));
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(shown.ends_with("\notrail: 1 problem in the configuration\n"), "{shown}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for word in ["man", "--help", "--version"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_otrail")).arg(word).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()), "{word}");
    }
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_a_completion() {
    let dir = tempfile::tempdir().unwrap();
    assert!(otrail(&["man", dir.path().to_str().unwrap()]).status.success());
    for page in ["otrail.1", "otrail-run.1", "otrail-query.1", "otrail-source-reset.1", "otrail-check.1"] {
        assert!(fs::read_to_string(dir.path().join(page)).unwrap().contains(".SH SYNOPSIS"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&otrail(&["completions", shell])).contains("otrail"), "{shell}");
    }
}
