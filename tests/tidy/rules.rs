//! The rules of the house, as functions from a file to complaints; each complaint says what to do.

use super::source::{below, code, functions, line};

/// Which room may import which, itself aside. `agent`, `cli` and `main.rs` may import everything.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("net", &[]),
    ("dialect", &["model"]),
    ("format", &["model"]),
    ("filter", &["model"]),
    ("transport", &["net"]),
    ("journal", &["model"]),
    ("collect", &["model", "dialect", "filter", "journal", "net"]),
    ("forward", &["model", "journal", "filter", "format", "transport"]),
    ("query", &["model", "journal", "filter", "format"]),
    ("control", &["model", "journal", "filter", "format", "query"]),
    ("config", ABOVE_CONFIG),
    ("demo", ABOVE_DEMO),
];
const ABOVE_CONFIG: &[&str] = &[
    "model",
    "net",
    "dialect",
    "format",
    "filter",
    "transport",
    "journal",
    "collect",
    "forward",
    "query",
    "control",
];
const ABOVE_DEMO: &[&str] = &[
    "model",
    "net",
    "dialect",
    "format",
    "filter",
    "transport",
    "journal",
    "collect",
    "forward",
    "query",
    "control",
    "config",
];
const UNBOUND: &[&str] = &["agent.rs", "agent", "cli", "main.rs", "lib.rs"];

const PURE: &[&str] = &["model", "dialect", "format", "filter"];
/// What the standard library offers that is no computing.
const IMPURE_STD: &[&str] = &["fs", "thread", "process", "env", "os"];
/// Words that stand for a file, a socket, a clock or a thread wherever they come from.
const IMPURE_WORDS: &[&str] = &[
    "SystemTime",
    "Instant",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
    "tokio",
    "nix",
    "libc",
    "socket2",
    "notify",
];

/// Where tokio lives: the network edge. The API source is `collect/api`; the driver of a destination has parts of its own.
const ASYNC: &[&str] = &[
    "transport/",
    "net/",
    "control/",
    "demo/",
    "forward/beside.rs",
    "forward/close.rs",
    "forward/mod.rs",
    "forward/reading.rs",
    "forward/renewal.rs",
    "forward/succession.rs",
    "forward/trial.rs",
    "collect/api",
    "agent.rs",
    "agent/",
];

/// A value that others can look at and wait for: it needs no runtime, and its writer stays synchronous.
const WATCH: &str = "tokio::sync::watch";

const LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

/// A Rust file below `src` or `tests`; `path` is relative to the top.
pub(crate) fn rust_file(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let mut complaints = shape(path, text, &code);
    complaints.extend(leftovers(path, text, &code));
    complaints.extend(naps(path, &code));
    if let Some(place) = path.strip_prefix("src/") {
        complaints.extend(imports(path, place, &code));
        complaints.extend(purity(path, place, &code));
        complaints.extend(fences(path, place, &code));
    }
    complaints
}

/// Any file: no key that somebody could take for a real one.
pub(crate) fn any_file(path: &str, bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let key = |rest: &str| {
        let body = rest.lines().nth(1).unwrap_or_default().trim();
        body.len() >= 40 && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    };
    let marks = text.match_indices("PRIVATE KEY-----");
    let real = marks.filter(|&(at, _)| key(&text[at..]));
    real.map(|(at, _)| {
        format!("{path}:{}: a private key: make one when it is needed (rcgen)", line(&text, at))
    })
    .collect()
}

/// An entry of the top folder.
pub(crate) fn top_entry(name: &str) -> Option<String> {
    let known = ["Cargo.toml", "Cargo.lock", "README.md", "src", "tests", "packaging", "target"];
    let allowed = known.contains(&name) || name.starts_with('.') || name.starts_with("LICENSE");
    (!allowed).then(|| {
        format!("{name}: the top holds Cargo.toml, src, tests, packaging, README.md and dotfiles only")
    })
}

fn shape(path: &str, text: &str, code: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!("{path}:1: begin the file with `//!` and what it is"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        complaints.push(format!("{path}: {lines} lines: split it along its ideas, {LINES_MAX} at most"));
    }
    for (name, line, lines) in functions(code) {
        if lines > FUNCTION_LINES_MAX {
            complaints.push(format!(
                "{path}:{line}: `{name}` has {lines} lines: name a part of it, {FUNCTION_LINES_MAX} at most"
            ));
        }
        if name.starts_with("get_") {
            complaints.push(format!("{path}:{line}: `{name}`: drop the `get_`, the noun says it"));
        }
    }
    let modules = path.split(['/', '.']);
    for name in
        modules.filter(|name| ["util", "utils", "helper", "helpers", "manager", "misc"].contains(name))
    {
        complaints.push(format!("{path}: `{name}` says nothing: name the file after what happens in it"));
    }
    complaints
}

fn leftovers(path: &str, text: &str, code: &str) -> Vec<String> {
    let in_text = ["TODO", "FIXME", "XXX"].map(|word| (text, word, "do it now or leave it out"));
    let in_code = [
        (code, "#[ignore", "a test that does not run proves nothing: make it fast or take it out"),
        (code, "todo!", "do it now"),
        (code, "unimplemented!", "do it now"),
        (code, "dbg!", "take it out"),
    ];
    let every = in_text.into_iter().chain(in_code);
    every.flat_map(|(text, word, way_out)| at_words(path, text, word, way_out)).collect()
}

/// Tests wait for conditions; only the polling of `tests/support` may sleep in between.
fn naps(path: &str, code: &str) -> Vec<String> {
    let from = match path.starts_with("tests/") {
        true if path.starts_with("tests/support/") => return Vec::new(),
        true => 0,
        false => code.find("#[cfg(test)]").unwrap_or(code.len()),
    };
    // The head stays in sight as empty lines, so that line numbers are right.
    let tests: String = code[..from].chars().filter(|&c| c == '\n').chain(code[from..].chars()).collect();
    let nap = |word| at_words(path, &tests, word, "wait for a condition, with the polling of tests/support");
    [nap("thread::sleep"), nap("time::sleep")].concat()
}

fn imports(path: &str, place: &str, code: &str) -> Vec<String> {
    let room = place.split('/').next().unwrap_or_default();
    if UNBOUND.contains(&room) {
        return Vec::new();
    }
    let Some(&(_, allowed)) = ROOMS.iter().find(|&&(name, _)| name == room) else {
        return vec![format!(
            "{path}: `{room}` is no room: put it into one, or add it to the table of tests/tidy"
        )];
    };
    let foreign = |&(_, name): &(usize, &str)| name != room && !allowed.contains(&name);
    let found = below(code, "crate").into_iter().filter(foreign);
    let mut complaints: Vec<String> = found
        .map(|(line, name)| {
            let known = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            format!("{path}:{line}: `{room}` may not import `{name}`, only {known}: move the code, or hand a value in")
        })
        .collect();
    complaints.extend(escapes(path, place, code));
    complaints
}

/// `super::` that climbs out of the room would pass the table by.
fn escapes(path: &str, place: &str, code: &str) -> Vec<String> {
    let depth = place.split('/').filter(|&part| part != "mod.rs").count();
    let climbs = code.match_indices("super::").filter(|&(at, _)| !code[..at].ends_with("super::"));
    let out = climbs.filter(|&(at, _)| {
        let steps = code[at..].split("super::").skip(1).take_while(|between| between.is_empty()).count() + 1;
        let inline = code[..at].lines().filter(|line| line.contains("mod ") && line.ends_with('{')).count();
        steps >= depth + inline
    });
    out.map(|(at, _)| format!("{path}:{}: `super::` leaves the room: write `crate::`", line(code, at)))
        .collect()
}

fn purity(path: &str, place: &str, code: &str) -> Vec<String> {
    if !PURE.iter().any(|room| place.strip_prefix(room).is_some_and(|rest| rest.starts_with('/'))) {
        return Vec::new();
    }
    let way_out = "is no computing: hand the value in";
    let std = below(code, "std").into_iter().filter(|(_, name)| IMPURE_STD.contains(name));
    let std = std.map(|(line, name)| format!("{path}:{line}: `std::{name}` {way_out}"));
    let words = IMPURE_WORDS.iter().flat_map(|word| at_words(path, code, word, way_out));
    std.chain(words).collect()
}

fn fences(path: &str, place: &str, code: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !ASYNC.iter().any(|allowed| place.starts_with(allowed)) {
        let way_out = "async is for the network edge: keep this synchronous";
        complaints.extend(at_words(path, &code.replace(WATCH, ""), "tokio", way_out));
    }
    if !place.starts_with("cli/") && place != "main.rs" {
        complaints.extend(at_words(path, code, "anyhow", "an error of a room is an enum (thiserror)"));
    }
    complaints
}

/// A complaint for every place where `word` stands as a whole word.
fn at_words(path: &str, text: &str, word: &str, way_out: &str) -> Vec<String> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let found = text.match_indices(word).filter(|&(at, _)| {
        let starts_inside = word.starts_with(part) && text[..at].ends_with(part);
        let ends_inside = word.ends_with(part) && text[at + word.len()..].starts_with(part);
        !starts_inside && !ends_inside
    });
    found.map(|(at, _)| format!("{path}:{}: `{word}`: {way_out}", line(text, at))).collect()
}
