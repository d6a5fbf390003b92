//! Rust source as the tidy rules see it: code without its comments and texts, paths, functions.

use std::iter::Peekable;
use std::str::CharIndices;

/// The text with comments, strings and characters blanked out; every line break stays where it is.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let rest = &text[at..];
        let in_word = out.ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let hashes = raw_hashes(rest).filter(|_| !in_word);
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' if hashes.is_some() => raw_string(rest, hashes.unwrap_or(0)),
            '\'' => character(rest),
            _ => 0,
        };
        if length == 0 {
            out.push(c);
            continue;
        }
        out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        skip_to(&mut chars, at + length);
    }
    out
}

/// What stands directly below `root`, such as `crate` or `std`, in paths and `use` groups, with its line.
pub(crate) fn below<'a>(code: &'a str, root: &str) -> Vec<(usize, &'a str)> {
    let start = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&start) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = at + start.len();
        match code[rest..].strip_prefix('{') {
            Some(group) => {
                found.extend(heads(group).map(|(offset, name)| (line(code, rest + 1 + offset), name)));
            }
            None => found.push((line(code, at), word(&code[rest..]))),
        }
    }
    found
}

/// Name, line and number of lines of every function that has a body.
pub(crate) fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let name = word(&code[at + 3..]);
        let inside_a_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if name.is_empty() || inside_a_word {
            continue;
        }
        if let Some(end) = body_end(&code[at..]) {
            found.push((name, line(code, at), code[at..at + end].matches('\n').count() + 1));
        }
    }
    found
}

/// The line of a byte, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// First names of a `use` group up to its closing brace, with their offsets.
fn heads(group: &str) -> impl Iterator<Item = (usize, &str)> {
    let (mut depth, mut first, mut heads) = (0usize, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => first = true,
            c if first && depth == 0 && !c.is_whitespace() => {
                heads.push((at, word(&group[at..])));
                first = false;
            }
            _ => {}
        }
    }
    heads.into_iter()
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Where the body of a function ends; `None` when it has none.
fn body_end(function: &str) -> Option<usize> {
    let (mut nested, mut braces) = (0i32, 0i32);
    for (at, c) in function.char_indices() {
        match c {
            '(' | '[' if braces == 0 => nested += 1,
            ')' | ']' if braces == 0 => nested -= 1,
            ';' if braces == 0 && nested == 0 => return None,
            '{' => braces += 1,
            '}' if braces == 1 => return Some(at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// How many `#` a raw string begins with; `None` when none begins here.
fn raw_hashes(rest: &str) -> Option<usize> {
    let rest = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

fn raw_string(rest: &str, hashes: usize) -> usize {
    let open = rest.find('"').unwrap_or(0) + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len())
}

/// 0 when it is a lifetime.
fn character(rest: &str) -> usize {
    let mut inner = rest.char_indices().skip(1);
    match (inner.next(), inner.next()) {
        (Some((_, '\\')), Some((at, c))) => {
            let after = at + c.len_utf8();
            rest[after..].find('\'').map_or(0, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

fn skip_to(chars: &mut Peekable<CharIndices<'_>>, end: usize) {
    while chars.next_if(|&(at, _)| at < end).is_some() {}
}
