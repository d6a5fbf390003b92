//! What stands behind the words that a rule has read: it may take back what they say, or belong to a name in them.
//!
//! ```text
//! User alice created user bob: failed          not a success
//! Backup was created: failed                   nor a backup called "failed"
//! User alice deleted user bob's dashboard      not the user bob
//! User alice deleted user group Operators      not a user called "group"
//! User alice deleted device Boiler feed pump   a name of three words
//! ```
//!
//! Invariant: what is in doubt is not read, so that the entry stands as `user.operation`, flagged `unparsed`. At most
//! [`WORDS_MAX`] words are looked at.

mod glance;
mod known;

use super::sentences::is_of_the_sentence;
use known::{CONNECTIVES, DONE, FAILED, LACKING, LEADING, NOT, NOUNS, RIGHTS, SECRETS, WRONG};
use std::ops::Range;

/// Whether what stands behind the words that end there says that they have failed; or what was read as a name in them:
/// "Backup was created: failed", "User signed out: failed".
pub(super) fn takes_back(text: &str, names: [&Option<Range<usize>>; 2], end: usize) -> bool {
    let mut names = names.into_iter().flatten();
    let start = names.clone().fold(end, |start, name| start.min(name.start));
    // A name that begins within a word, as a rule of a site may have one, is a word of its own here.
    let begins_in_word =
        |name: &Range<usize>| text[..name.start].ends_with(|before: char| before.is_ascii_alphabetic());
    if !names.clone().any(begins_in_word) && !glance::has_a_sign(&text.as_bytes()[start..]) {
        return false;
    }
    let rest = &text[end..];
    says_failed(rest) || a_clause_says_failed(rest) || names.any(|name| says_failed(&text[name.start..]))
}

/// The name at `name` with the words behind it that belong to it; none if what stands there is no name.
///
/// Only where nothing but the name has been read up to `end` can words belong to it.
pub(super) fn whole_name(text: &str, name: Range<usize>, end: usize) -> Option<Range<usize>> {
    let spelled = &text[name.clone()];
    if spelled.starts_with(['"', '\'']) {
        return Some(name);
    }
    if ["'s", "s'", "\u{2019}s"].iter().any(|owner| spelled.ends_with(owner)) {
        return None;
    }
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b".:#-".contains(&byte));
    if name.end != end || is_number(spelled) || is_of_the_sentence(spelled) {
        return Some(name);
    }
    let mut whole = name;
    for _ in 0..WORDS_MAX {
        let Some(rest) = text[whole.end..].strip_prefix(' ') else { break };
        let word = rest.split(|c: char| c.is_whitespace() || ",;:()[]{}\"'".contains(c)).next();
        let word = word.unwrap_or_default().trim_end_matches('.');
        let is_of_name = word.starts_with(char::is_alphanumeric) && !goes_on(word);
        if !is_of_name {
            break;
        }
        // Of a kind, or something of whom the words before name.
        let is_kind = is_one_of(spelled, &NOUNS);
        if is_kind || word.starts_with(char::is_lowercase) && is_one_of(word, &NOUNS) {
            return None;
        }
        whole.end += 1 + word.len();
    }
    Some(whole)
}

/// Whether what is added or removed so stays in the world: "removed user bob from the allow list", "added user bob to
/// the report". `verb` and `target` are parts of the text.
pub(super) fn is_moved(text: &str, verb: &str, target: &str) -> bool {
    let is = |forms: &[&str]| is_one_of(verb, forms);
    let end = |part: &str| (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize) + part.len();
    let ends = [verb, target].into_iter().filter(|part| !part.is_empty()).map(end);
    let rest = || ends.max().and_then(|end| text.get(end..)).unwrap_or_default();
    let behind = |word: &str| rest().strip_prefix(word).map(|rest| words(rest).map(|(word, _)| word));
    if is(&["remove", "removed", "removal"]) {
        let what = |word: &&str| !is_one_of(word, &["the", "ip", "host", "address", "client", "source"]);
        behind(" from ").is_some_and(|mut words| words.find(what).is_none_or(|word| !is_a_whole(word)))
    } else {
        is(&["add", "added", "addition"]) && behind(" to ").is_some_and(|mut words| words.any(is_a_list))
    }
}

/// What a thing is gone from when it is gone; or an address, from where somebody did it.
fn is_a_whole(word: &str) -> bool {
    let is_of_address = |byte: u8| byte.is_ascii_hexdigit();
    is_one_of(word, &["sensor", "system", "device", "inventory", "console", "appliance", "database"])
        || word.bytes().all(is_of_address)
}

/// What has members.
fn is_a_list(word: &str) -> bool {
    is_one_of(
        word,
        &["list", "allowlist", "whitelist", "watchlist", "report", "rule", "alert", "notification"],
    )
}

/// Whether the sentence goes on with this word, and no name does.
fn goes_on(word: &str) -> bool {
    is_one_of(word, &CONNECTIVES) || word.len() > 4 && word.ends_with("ly")
}

/// Whether the text goes on after the match as after a whole word; a quote there may be the end of a forged name.
pub(super) fn ends_with_a_word(text: &str, end: usize) -> bool {
    let before = text[..end].chars().next_back();
    let after = text[end..].chars().next();
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    !(after == Some('"') || before.is_some_and(in_word) && after.is_some_and(in_word))
}

/// Whether the words say that what stands before them has failed: " failed", ": access denied", " (Result: failure)".
///
/// "Failed login attempts: 2" and the title of an alert do not: a word of failure counts where nothing that could
/// have failed follows it.
fn says_failed(rest: &str) -> bool {
    let mut words = words(rest).take(WORDS_MAX).peekable();
    let mut before = "";
    while let Some((word, after)) = words.next() {
        let next = words.peek().map_or("", |(word, _)| *word);
        if word.eq_ignore_ascii_case("error") {
            return after != Some(' ') || next.is_empty();
        }
        if is_one_of(word, &FAILED) {
            let is_another_act = rest.starts_with(';') && next.eq_ignore_ascii_case("to");
            return !is_another_act
                && (after != Some(' ') || is_one_of(next, &CONNECTIVES) || next.is_empty());
        }
        if is_one_of(word, &NOT) {
            return word.len() > 3
                || is_one_of(next, &DONE)
                || is_one_of(before, &["was", "were", "is", "has"]);
        }
        if is_one_of(word, &WRONG) {
            return is_one_of(next, &SECRETS);
        }
        if is_one_of(word, &LACKING) {
            return is_one_of(next, &RIGHTS);
        }
        if word.eq_ignore_ascii_case("could") {
            return next.eq_ignore_ascii_case("not");
        }
        if !is_one_of(word, &LEADING) {
            return false;
        }
        before = word;
    }
    false
}

/// Whether a part of the text says nothing but that: " with role Admin from 10.2.3.4: access denied".
fn a_clause_says_failed(rest: &str) -> bool {
    if rest.len() < "fail".len() {
        return false;
    }
    let clauses = rest.split(" - ").flat_map(|part| part.split(|c: char| ":;,.=()[]\n".contains(c))).skip(1);
    clauses.into_iter().any(|clause| {
        let mut last = ["", ""];
        for (number, (word, _)) in words(clause).enumerate() {
            if number == WORDS_MAX || !last[1].is_empty() && !is_one_of(last[1], &LEADING) && last[1] != "not"
            {
                return false;
            }
            last = [last[1], word];
        }
        let [before, word] = last;
        is_one_of(word, &FAILED) || before.eq_ignore_ascii_case("not") && is_one_of(word, &DONE)
    })
}

/// The words of a text, each with the character behind it.
fn words(text: &str) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut left = text;
    std::iter::from_fn(move || {
        let start = left.find(|c: char| c.is_alphanumeric())?;
        let tail = &left[start..];
        let (word, rest) = tail.split_at(tail.find(|c: char| !c.is_alphanumeric()).unwrap_or(tail.len()));
        left = rest;
        Some((word, rest.chars().next()))
    })
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// How many words are looked at.
const WORDS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_is_none_when_the_rest_says_so() {
        for rest in [
            " failed",
            ": failed",
            " - FAILED",
            " (failed)",
            ", but access was denied",
            " [status=failure]",
            ": access denied",
            ". Result: Failure",
            ", status: error",
            ". Error: not permitted",
            " was not allowed",
            " with wrong password",
            " with an invalid password",
            ": permission denied",
            " unsuccessfully",
            " failed: disk full",
            " but failed because of x",
            " could not be done",
            ": no permission",
            ": unable to reach the server",
        ] {
            assert!(says_failed(rest), "{rest}");
        }
    }

    #[test]
    fn a_name_that_is_a_word_of_failure_takes_a_success_back_wherever_it_begins() {
        for (text, name, taken) in [
            ("User signed out: failed", 17..23, true),
            ("alice:xfailed", 7..13, true),
            ("alice:xfaible", 7..13, false),
            ("User signed out: bob", 17..20, false),
        ] {
            assert_eq!(takes_back(text, [&Some(0..5), &Some(name)], text.len()), taken, "{text}");
        }
    }

    #[test]
    fn a_success_stays_one_whatever_else_is_told() {
        for rest in [
            "",
            ".",
            " from 10.2.3.4",
            " after 3 failed attempts",
            ". Failed login attempts: 2",
            ": Invalid SMB message",
            ": Unauthorized internet connectivity",
            ", result: success",
            " with the status ok",
            " (not seen for 30 days)",
            " but the e-mail could not be sent",
            ": Error in PLC",
            "; failed to send an e-mail",
        ] {
            assert!(!says_failed(rest), "{rest}");
        }
    }

    #[test]
    fn a_clause_takes_a_success_back_when_it_says_nothing_else() {
        for rest in [
            " with role Admin from 10.2.3.4: failed",
            " after user bob (access denied). Done by alice",
            " at noon - result = failure",
            " to x; it was not permitted",
        ] {
            assert!(a_clause_says_failed(rest), "{rest}");
        }
        for rest in [
            " after 3 failed attempts",
            ". Failed login attempts: 2",
            ": Modbus write denied to PLC-1",
            "; failed to send an e-mail",
            ", result: success",
            ": not seen",
            " failed",
        ] {
            assert!(!a_clause_says_failed(rest), "{rest}");
        }
    }

    #[test]
    fn what_is_taken_from_a_list_is_not_deleted() {
        for (text, verb, target, moved) in [
            ("alice removed user bob from the allow list", "removed", "bob", true),
            ("User bob was removed from the allow list by alice", "removed", "bob", true),
            ("alice removed device PLC-1 from group Cells", "removed", "PLC-1", true),
            ("alice removed user bob from 10.2.3.4", "removed", "bob", false),
            ("alice removed user bob from IP address 2001:db8::7", "removed", "bob", false),
            ("alice removed device PLC-1 from the device inventory", "removed", "PLC-1", false),
            ("alice deleted user bob from x", "deleted", "bob", false),
            ("alice added user bob to the notification list", "added", "bob", true),
            ("alice added rule x to sensor y", "added", "x", false),
        ] {
            let part = |word: &str| text.find(word).map_or("", |at| &text[at..at + word.len()]);
            assert_eq!(is_moved(text, part(verb), part(target)), moved, "{text}");
        }
    }

    #[test]
    fn a_name_is_whole_or_none() {
        let whole = |text: &'static str, name: &str| {
            let name = text.find(name).map(|at| at..at + name.len())?;
            let end = name.end;
            whole_name(text, name, end).map(|name| &text[name])
        };
        for (text, name, expected) in [
            ("device Boiler feed pump.", "Boiler", Some("Boiler feed pump")),
            ("device Boiler feed pump from 10.2.3.4", "Boiler", Some("Boiler feed pump")),
            ("user John Smith permanently", "John", Some("John Smith")),
            ("user bob and user carl", "bob", Some("bob")),
            ("user bob, Admin", "bob", Some("bob")),
            ("alert 1184 Modbus exception", "1184", Some("1184")),
            ("user bob's dashboard", "bob's", None),
            ("user group Operators", "group", None),
            ("user bob session", "bob", None),
            ("rule Weekly Report", "Weekly", Some("Weekly Report")),
            ("user group", "group", Some("group")),
            ("user group from 10.2.3.4", "group", Some("group")),
            ("rule from template x", "from", Some("from")),
            ("rule \"group\" x", "\"group\"", Some("\"group\"")),
        ] {
            assert_eq!(whole(text, name), expected, "{text}");
        }
    }
}
