//! What a query says when it cannot be answered as it is, and that the examples of the help can.

use super::{damage, event, journal, otrail, told};
use expect_test::expect_file;
use otrail::model::Outcome;
use std::fs;
use std::process::Command;

#[test]
fn every_error_says_where_it_is_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Failure, at)));
    let empty = tempfile::tempdir().unwrap();
    drop(journal(empty.path(), []));
    let broken = tempfile::tempdir().unwrap();
    journal(broken.path(), [1, 2, 3].map(|at| event("alice", Outcome::Failure, at)));
    damage(broken.path(), 2);
    let none = dir.path().join("none");
    let mut text = String::new();
    for (dir, args) in [
        (dir.path(), &["-g", "log(in"][..]),
        (dir.path(), &["text matches /[z-a]/ or user = x"]),
        (dir.path(), &["-S", "noon"]),
        (dir.path(), &["time > noon and user = alice"]),
        (dir.path(), &["-S", "2024-03-01 10:00 Mars/Olympus"]),
        (dir.path(), &["user = alice and (usr = bob"]),
        (dir.path(), &["user = alice and (user = bob"]),
        (dir.path(), &["role = Security Analyst"]),
        (dir.path(), &["action=user.logn"]),
        (dir.path(), &["colour=red"]),
        (dir.path(), &["--undelivered=siem"]),
        (dir.path(), &["--after-cursor", "7"]),
        (dir.path(), &["-o", "cat", "--fields", "user"]),
        (dir.path(), &["-u", "nobody"]),
        (empty.path(), &[]),
        (&none, &[]),
        (broken.path(), &[]),
        (broken.path(), &["--cursor-file", "/nonexistent/cursor"]),
    ] {
        let (code, rows, errors) = told(&otrail(dir, args));
        let errors = errors.replace(&*dir.to_string_lossy(), "DIR");
        text += &format!("$ otrail query {}\n{rows}{errors}exit {}\n\n", args.join(" "), code.unwrap());
    }
    expect_file!["../golden/query/errors.txt"].assert_eq(&text);
}

/// Lines of a help text that are commands.
fn examples(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| {
        line.starts_with("otrail query ")
            || line.starts_with("otrail --query ")
            || line.starts_with("otrail show ")
            || line.starts_with("otrail report")
    });
    lines.map(str::to_owned).collect()
}

#[test]
fn the_examples_of_help_manual_page_and_readme_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal(dir.path(), [1, 2, 3].map(|at| event("alice", Outcome::Failure, at)));
    let mut cursor = journal.cursor("siem").unwrap();
    cursor.note(otrail::model::Seq(2), otrail::model::Time::default()).unwrap();
    let run =
        |args: &[&str]| told(&Command::new(env!("CARGO_BIN_EXE_otrail")).args(args).output().unwrap()).1;
    let pages = tempfile::tempdir().unwrap();
    run(&["man", pages.path().to_str().unwrap()]);
    let page = |name: &str| {
        fs::read_to_string(pages.path().join(name))
            .unwrap()
            .replace("\\-", "-")
            .replace("\\*(Aq", "'")
            .replace("\\&", "")
    };
    let texts = [
        ("help", run(&["help", "query"]) + &run(&["help", "show"]) + &run(&["help", "report"]), 15),
        ("manual page", page("otrail-query.1") + &page("otrail-show.1") + &page("otrail-report.1"), 15),
        ("README", include_str!("../../README.md").to_owned(), 11),
    ];
    for (name, text, least) in texts {
        let examples = examples(&text);
        assert!(examples.len() >= least, "{name}: {examples:?}\n{text}");
        for example in examples {
            if example.ends_with(" -f") {
                continue;
            }
            let (command, comment) = example.split_once(" # ").unwrap_or((&example, ""));
            let here = command.replace("/tmp/", &format!("{}/", pages.path().display()));
            let here = here.replacen("otrail", env!("CARGO_BIN_EXE_otrail"), 1);
            let shell = Command::new("sh")
                .current_dir(pages.path())
                .arg("-c")
                .arg(format!("{here} -D {}", dir.path().display()))
                .output()
                .unwrap();
            let (code, _, errors) = told(&shell);
            assert!(matches!(code, Some(0 | 1)), "{name}: {command} {comment}: {errors}");
        }
    }
}
