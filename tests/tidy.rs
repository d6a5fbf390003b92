//! The house is tidy: rooms import what they may, pure rooms compute, files and functions stay small.
//!
//! The rules are in `tidy/rules.rs`, the way source is read in `tidy/source.rs`. Both are tested here on small
//! bad examples, so that a rule that no longer bites is found out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, relative to the top.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(top().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir()
            && !["target", ".git", "tests/fuzz/target"].iter().any(|name| path == Path::new(name))
        {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

fn no_complaints(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n"));
}

#[test]
fn every_source_file_keeps_the_rules() {
    let mut complaints = Vec::new();
    for path in ["src", "tests"].iter().flat_map(|folder| files(Path::new(folder))) {
        // The rules name what they forbid.
        if path.extension().is_some_and(|extension| extension == "rs") && !path.starts_with("tests/tidy") {
            let text = fs::read_to_string(top().join(&path)).unwrap();
            complaints.extend(rules::rust_file(path.to_str().unwrap(), &text));
        }
    }
    complaints.retain(|complaint| !complaint.starts_with("tests/tidy.rs"));
    no_complaints(&complaints);
}

#[test]
fn the_top_holds_only_what_belongs_there() {
    let names = fs::read_dir(top()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    no_complaints(&names.filter_map(|name| rules::top_entry(&name)).collect::<Vec<_>>());
    assert!(rules::top_entry("notes.txt").is_some());
}

#[test]
fn no_private_key_lies_in_the_tree() {
    let complaints = files(Path::new("")).into_iter().flat_map(|path| {
        let bytes = fs::read(top().join(&path)).unwrap();
        rules::any_file(path.to_str().unwrap(), &bytes)
    });
    no_complaints(&complaints.collect::<Vec<_>>());
    let body = "MC4CAQAwBQYDK2VwBCIEIJ".repeat(3);
    let key = format!("-----BEGIN {}-----\n{body}\n-----END", "PRIVATE KEY");
    assert_eq!(rules::any_file("a.pem", key.as_bytes()).len(), 1);
}

/// What the rules say about a file of these lines.
fn complaints(path: &str, lines: &str) -> Vec<String> {
    rules::rust_file(path, &format!("//! A file.\n{lines}\n"))
}

#[test]
fn every_rule_bites() {
    for (path, lines, complaint) in [
        ("src/model/a.rs", "use crate::net::Pin;", "2: `model` may not import `net`, only nothing"),
        ("src/query/a.rs", "fn a() { crate::control::b() }", "2: `query` may not import `control`"),
        (
            "src/format/a.rs",
            "use crate::{\n  model::A,\n  journal::{B, C},\n};",
            "4: `format` may not import `journal`",
        ),
        ("src/demo/a.rs", "use crate::cli;", "`demo` may not import `cli`"),
        ("src/forward/mod.rs", "use super::collect;", "2: `super::` leaves the room"),
        ("src/forward/a.rs", "use super::super::collect;", "2: `super::` leaves the room"),
        ("src/attic/mod.rs", "", "`attic` is no room"),
        ("src/model/a.rs", "use std::{fmt, fs};", "2: `std::fs` is no computing"),
        ("src/dialect/a.rs", "let now = jiff::Timestamp::now();", "2: `Timestamp::now`"),
        ("src/filter/a.rs", "#[cfg(test)]\nuse std::time::Instant;", "3: `Instant`"),
        ("src/journal/a.rs", "use tokio::sync::mpsc;", "2: `tokio`: async is for the network edge"),
        ("src/forward/delivery.rs", "tokio::spawn(a);", "2: `tokio`"),
        (
            "src/journal/a.rs",
            "fn a() -> anyhow::Result<()> { b() }",
            "2: `anyhow`: an error of a room is an enum",
        ),
        ("src/journal/util.rs", "", "`util` says nothing"),
        ("src/journal/a.rs", "fn get_b() {}", "2: `get_b`: drop the `get_`"),
        ("src/journal/a.rs", "// TODO: more", "2: `TODO`"),
        ("src/journal/a.rs", "fn a() { unimplemented!() }", "2: `unimplemented!`"),
        ("tests/a.rs", "#[ignore]\nfn a() {}", "2: `#[ignore`"),
        ("tests/a.rs", "fn a() { std::thread::sleep(b) }", "2: `thread::sleep`: wait for a condition"),
        ("src/journal/a.rs", "#[cfg(test)]\nmod tests { fn a() { thread::sleep(b) } }", "3: `thread::sleep`"),
        ("src/journal/a.rs", &"// line\n".repeat(400), "402 lines: split it"),
        (
            "src/journal/a.rs",
            &format!("fn long() -> [u8; 2] {{\n{}}}", "a();\n".repeat(70)),
            "2: `long` has 72 lines",
        ),
    ] {
        let found = complaints(path, lines);
        let expected = |found: &String| found.starts_with(path) && found.contains(complaint);
        assert!(found.iter().any(expected), "{path}: {lines}: {found:?}");
    }
    assert_eq!(rules::rust_file("src/journal/a.rs", "// A file.\n").len(), 1);
}

#[test]
fn what_is_allowed_draws_no_complaint() {
    for (path, lines) in [
        ("src/model/a.rs", "use crate::model::Event;\nuse super::Time;\nuse std::net::IpAddr;"),
        (
            "src/forward/a.rs",
            "use crate::{format::{self, Format}, transport};\nuse std::time::{Duration, Instant};",
        ),
        ("src/forward/mod.rs", "use tokio::time::sleep;\n#[cfg(test)]\nmod tests {\n    use super::*;\n}"),
        ("src/query/a.rs", "//! Not `crate::collect`.\nconst A: &str = \"crate::collect tokio\";"),
        ("src/query/a.rs", "const A: &str = r#\"crate::\"collect\"#; const B: char = '\"'; /* crate::net */"),
        ("src/journal/a.rs", "fn a<'a>(b: &'a str) -> char { '\\'' }\nfn pause() { std::thread::sleep(b) }"),
        ("src/journal/a.rs", "use tokio::sync::watch;"),
        ("src/agent/a.rs", "use crate::cli;\nuse tokio::sync::mpsc;"),
        ("src/cli/a.rs", "use crate::agent;\nfn a() -> anyhow::Result<()> { b() }"),
        (
            "src/journal/a.rs",
            &format!("fn fits() {{\n{}}}\ntrait A {{ fn b(&self) -> [u8; 2]; }}", "a();\n".repeat(68)),
        ),
        ("tests/support/a.rs", "fn a() { std::thread::sleep(b) }"),
    ] {
        assert_eq!(complaints(path, lines), [""; 0], "{path}: {lines}");
    }
}
