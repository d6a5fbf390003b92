//! What must stand in a text for a pattern to match: found once, so that most patterns need not be tried.

use super::pattern;
use regex_syntax::hir::{Hir, HirKind};

/// Literals of which every match contains at least one; none when the pattern promises nothing.
pub(super) fn required(pattern: &str) -> Vec<String> {
    regex_syntax::parse(&pattern::expand(pattern)).ok().and_then(|hir| any_of(&hir)).unwrap_or_default()
}

/// The set whose shortest literal is longest: it is the rarest.
fn any_of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            (text.trim().len() >= LITERAL_MIN).then(|| vec![text.to_owned()])
        }
        HirKind::Capture(capture) => any_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => any_of(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(any_of).max_by_key(|set| shortest(set)),
        HirKind::Alternation(branches) => {
            let sets: Option<Vec<_>> = branches.iter().map(any_of).collect();
            sets.map(|sets| sets.concat()).filter(|set| set.len() <= BRANCHES_MAX)
        }
        _ => None,
    }
}

fn shortest(set: &[String]) -> usize {
    set.iter().map(String::len).min().unwrap_or_default()
}

const LITERAL_MIN: usize = 3;
const BRANCHES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_words_that_must_be_there_are_found() {
        assert_eq!(required("^User {user} logged in{from}"), [" logged in"]);
        assert_eq!(required("^User {user} (?:signed|logged) out"), ["signed", "logged"]);
        assert_eq!(required("^Alert {target} was (?:removed|deleted)"), ["removed", "deleted"]);
    }

    #[test]
    fn a_pattern_that_promises_nothing_has_no_literal() {
        for pattern in ["^{user}", "(?:a|bcd)", "(?i)word", "(abc)?", "("] {
            assert!(required(pattern).is_empty(), "{pattern}");
        }
    }
}
