//! Words in braces stand for pieces of a pattern that every rule writes the same way.
//!
//! ```text
//! {user} {target}   a name: in quotes, or without blanks and double quotes
//! {old} {new}       a value: the same
//! {phrase}          a target: in quotes, or any words
//! {role}            a role: in quotes, one of the sensor's, or one word
//! {client}          what may be a network address
//! {reason}          the rest of the line
//! {from}            nothing, or " from 10.2.3.4"
//! {by}              " by user {user}"
//! {why}             nothing, or ": reason", ", reason: reason", " because ...", " due to ..."
//! {were}            " was", " has been" and the like
//! ```

use std::borrow::Cow;

/// The pattern with every known word in braces replaced, and the boundary of words taken from ASCII.
///
/// An automaton cannot know the boundaries of Unicode: one of them, and it gives up at the first `é` of a text.
pub(super) fn expand(pattern: &str) -> Cow<'_, str> {
    let mut text = match boundaries(pattern) {
        0 => Cow::Borrowed(pattern),
        _ => Cow::Owned(with_ascii_boundaries(pattern)),
    };
    for (word, piece) in WORDS {
        if text.contains(word) {
            text = Cow::Owned(text.replace(word, piece));
        }
    }
    text
}

/// How many `\b` there are.
fn boundaries(pattern: &str) -> usize {
    pairs(pattern).filter(|&piece| piece == r"\b").count()
}

fn with_ascii_boundaries(pattern: &str) -> String {
    pairs(pattern).map(|piece| if piece == r"\b" { r"(?-u:\b)" } else { piece }).collect()
}

/// The characters of a pattern, each with the backslash before it.
fn pairs(pattern: &str) -> impl Iterator<Item = &str> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let escaped = if first == '\\' { rest[1..].chars().next() } else { None };
        let (piece, after) = rest.split_at(first.len_utf8() + escaped.map_or(0, char::len_utf8));
        rest = after;
        Some(piece)
    })
}

/// The captures that mean something.
pub(super) const CAPTURES: [&str; 9] =
    ["user", "domain", "role", "target", "target_id", "client", "reason", "old", "new"];

/// Pieces that contain others come first.
const WORDS: &[(&str, &str)] = &[
    ("{by}", r" by (?:the )?(?:user )?{user}"),
    ("{from}", r"(?: from (?:ip )?(?:address )?{client})?"),
    ("{why}", r"(?:(?:: |, reason: | because (?:of )?| due to ){reason})?"),
    ("{were}", r" (?:was|were|has been|have been|is)(?: successfully)?"),
    ("{user}", r#"(?<user>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{target}", r#"(?<target>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{phrase}", r#"(?<target>"[^"]*"|'[^']*'|[^\s"'].*?)"#),
    ("{old}", r#"(?<old>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{new}", r#"(?<new>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{role}", r#"(?<role>"[^"]*"|(?:Security Analyst|Read[ -]Only)(?-u:\b)|[^\s",;()]+)"#),
    ("{old_role}", r#"(?<old>"[^"]*"|(?:Security Analyst|Read[ -]Only)(?-u:\b)|[^\s",;()]+)"#),
    ("{new_role}", r#"(?<new>"[^"]*"|(?:Security Analyst|Read[ -]Only)(?-u:\b)|[^\s",;()]+)"#),
    ("{client}", r"(?<client>[0-9A-Fa-f.:]*(?:[0-9A-Fa-f]|::))"),
    ("{reason}", r"(?<reason>.+)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_a_pattern() {
        for (word, _) in WORDS {
            assert!(regex::Regex::new(&expand(word)).is_ok(), "{word}");
        }
    }

    #[test]
    fn a_boundary_of_words_is_that_of_ascii() {
        assert_eq!(expand(r"^a\b \\b \\\b"), r"^a(?-u:\b) \\b \\(?-u:\b)");
        assert_eq!(expand("\\"), "\\");
    }

    #[test]
    fn counted_repetition_is_left_alone() {
        assert_eq!(expand("a{2,3}"), "a{2,3}");
    }
}
