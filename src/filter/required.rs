//! Texts without which a regular expression cannot match: what an index can be asked for.
//!
//! ```text
//! (alice|bob) logged (in|out).*10\.2\.    one of "alice" and "bob"; " logged "; "10.2."
//! ```

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Sets of texts: a text that the pattern matches has one of each, its ASCII letters in either case. All are lower case
/// and ASCII, of three bytes or more.
pub(super) fn texts(pattern: &str, case_insensitive: bool) -> Vec<Vec<String>> {
    let parsed = ParserBuilder::new().utf8(false).case_insensitive(case_insensitive).build().parse(pattern);
    let Ok(hir) = parsed else { return Vec::new() };
    let mut walk = Walk::default();
    walk.take(&hir);
    walk.end_run();
    walk.sets
}

/// The state of reading an expression from left to right.
#[derive(Default)]
struct Walk {
    /// What has to stand in one piece, up to here.
    run: String,
    sets: Vec<Vec<String>>,
}

impl Walk {
    fn take(&mut self, hir: &Hir) {
        match hir.kind() {
            // They match between characters.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => literal.0.iter().for_each(|&byte| self.byte(byte)),
            HirKind::Class(class) => match letter(class) {
                Some(letter) => self.byte(letter),
                None => self.end_run(),
            },
            HirKind::Capture(capture) => self.take(&capture.sub),
            HirKind::Concat(all) => all.iter().for_each(|part| self.take(part)),
            HirKind::Repetition(repetition) => {
                self.end_run();
                if repetition.min > 0 {
                    self.take(&repetition.sub);
                    self.end_run();
                }
            }
            HirKind::Alternation(all) => {
                self.end_run();
                self.any(all);
            }
        }
    }

    /// One of these: the longest text of each.
    fn any(&mut self, all: &[Hir]) {
        let mut set = Vec::new();
        for part in all {
            let mut walk = Walk::default();
            walk.take(part);
            walk.end_run();
            // Only what stands alone is needed by this alternative for certain.
            let alone = walk.sets.into_iter().filter(|set| set.len() == 1).flatten();
            match alone.max_by_key(String::len) {
                Some(text) => set.push(text),
                None => return,
            }
        }
        if set.len() <= TEXTS_MAX {
            self.sets.push(set);
        }
    }

    fn byte(&mut self, byte: u8) {
        if byte.is_ascii() {
            self.run.push(char::from(byte.to_ascii_lowercase()));
        } else {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.len() >= TEXT_BYTES_MIN {
            self.sets.push(vec![run]);
        }
    }
}

/// The letter that a class is in all its cases: `[Kk\u{212A}]` is `k`.
fn letter(class: &Class) -> Option<u8> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        Class::Bytes(class) => {
            class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
    };
    let mut letters = ranges.into_iter().map(|(from, to)| if from == to { folded(from) } else { None });
    let first = letters.next()??;
    letters.all(|letter| letter == Some(first)).then_some(first)
}

fn folded(character: u32) -> Option<u8> {
    match character {
        0x17F => Some(b's'),
        0x212A => Some(b'k'),
        _ => u8::try_from(character).ok().filter(u8::is_ascii).map(|byte| byte.to_ascii_lowercase()),
    }
}

/// Shorter texts stand everywhere.
const TEXT_BYTES_MIN: usize = 3;
const TEXTS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_stand_there_is_found_and_nothing_else() {
        for (pattern, insensitive, expected) in [
            ("zebrafish", true, "zebrafish"),
            ("Kiss", true, "kiss"),
            ("^log(in)? failed.*admin$", true, "log & failed & admin"),
            ("log(?:in|out)", true, "log"),
            ("(?:alice|bob smith) logged", true, "alice|bob smith & logged"),
            ("(?:alice|.*) logged", true, " logged"),
            ("a{3}", false, ""),
            ("(?:abc)+", false, "abc"),
            ("(?:abc)*", false, ""),
            ("[Aa]bc", false, "abc"),
            ("[ab]cde", false, "cde"),
            ("\u{e4}rger und", true, "rger und"),
            (r"session \d+", true, "session "),
            ("x", false, ""),
        ] {
            let found: Vec<String> = texts(pattern, insensitive).iter().map(|set| set.join("|")).collect();
            let expected: Vec<&str> = expected.split(" & ").filter(|text| !text.is_empty()).collect();
            let trimmed =
                |texts: Vec<&str>| texts.iter().map(|text| text.trim().to_owned()).collect::<Vec<_>>();
            assert_eq!(trimmed(found.iter().map(String::as_str).collect()), trimmed(expected), "{pattern}");
        }
    }
}
