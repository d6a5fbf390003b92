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
//! {actor}           "User {user}", or the name alone, perhaps with a role in parentheses
//! {by}              " by user {user}", perhaps with a role
//! {from}            nothing, or " from 10.2.3.4" and the like
//! {via}             nothing, or " via SSH" and the like
//! {because}         ": reason", " (reason: reason)", " because ...", " due to ..."
//! {why}             nothing, or {because}
//! {were}            " was", " has been" and the like
//! {could_not}       " failed to", " could not" and the like
//! ```

use regex_automata::util::syntax;
use regex_syntax::hir::{Hir, HirKind};
use std::borrow::Cow;

/// The pattern with every known word in braces replaced.
pub(super) fn expand(pattern: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(pattern);
    for (word, piece) in WORDS {
        if text.contains(word) {
            text = Cow::Owned(text.replace(word, piece));
        }
    }
    text
}

/// The form in which patterns are read: in ASCII, where upper and lower case, blanks and the ends of words are plain
/// and an automaton stays small. A pattern that needs more says so with `(?u:...)`.
///
/// What is not ASCII still matches as it is written, and no group ends in the middle of a character: see
/// [`Rule::read`](super::rule::Rule::read).
pub(super) fn syntax() -> syntax::Config {
    syntax::Config::new().case_insensitive(true).unicode(false).utf8(false)
}

/// The numbers of the groups, in the order of `CAPTURES`.
pub(super) fn groups(parsed: &Hir) -> [Option<usize>; CAPTURES.len()] {
    CAPTURES.map(|name| group(parsed, name))
}

fn group(part: &Hir, name: &str) -> Option<usize> {
    match part.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some(name) => {
            usize::try_from(capture.index).ok()
        }
        kind => kind.subs().iter().find_map(|part| group(part, name)),
    }
}

/// The captures that mean something.
pub(super) const CAPTURES: [&str; 11] =
    ["user", "domain", "role", "target", "target_id", "client", "reason", "old", "new", "thing", "verb"];
/// How many of them are fields of an event; the others are for sentences.
pub(super) const CAPTURES_OF_ENTRIES: usize = 9;

/// Pieces that contain others come first.
const WORDS: &[(&str, &str)] = &[
    ("{actor}", r"(?:the )?(?:user )?{user}(?: \((?:role:? )?(?<role>[^()]*)\))?"),
    ("{by}", r" (?:requested |initiated |started )?by (?:the )?(?:user )?{user}(?: \((?<role>[^():]*)\))?"),
    ("{from}", r"(?:,? (?:\((?:from )?|from |at )(?:(?:ip|host|address|source|client):? )*\[?{client}\)?)?"),
    ("{via}", r"(?: (?:via|using|through|over) [\w/.-]+(?: directory| sign-on| session| connection)?)?"),
    ("{why}", r"(?:{because})?"),
    ("{because}", r"(?:: |,? \(?(?:with )?reason:? | because (?:of )?|,? due to | - | \(){reason}"),
    ("{were}", r" (?:was|were|is|are|ha(?:s|ve) been)(?: successfully)?"),
    (
        "{could_not}",
        r" (?:has )?(?:failed to|could not|(?:was|is) unable to|(?:was|is) not (?:allow|permitt)ed to)",
    ),
    ("{user}", r#"(?<user>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{target}", r#"(?<target>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{phrase}", r#"(?<target>"[^"]*"|'[^']*'|[^\s"'].*?)"#),
    ("{old}", r#"(?<old>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{new}", r#"(?<new>"[^"]*"|'[^']*'|[^\s"'](?:[^\s"]*[^\s":;,])?)"#),
    ("{role}", r#"(?<role>"[^"]*"|'[^']*'|(?:Security Analyst|Read[ -]Only)\b|[^\s",;()]+)"#),
    ("{old_role}", r#"(?<old>"[^"]*"|'[^']*'|(?:Security Analyst|Read[ -]Only)\b|[^\s",;()]+)"#),
    ("{new_role}", r#"(?<new>"[^"]*"|'[^']*'|(?:Security Analyst|Read[ -]Only)\b|[^\s",;()]+)"#),
    ("{client}", r"(?<client>[0-9A-Fa-f.:]*(?:[0-9A-Fa-f]\b|::))"),
    ("{reason}", r"(?<reason>.+)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_a_pattern() {
        for (word, _) in WORDS {
            assert!(regex_automata::util::syntax::parse_with(&expand(word), &syntax()).is_ok(), "{word}");
        }
    }

    #[test]
    fn counted_repetition_is_left_alone() {
        assert_eq!(expand("a{2,3}"), "a{2,3}");
    }
}
