//! What holds for all rules that come with otrail, and for those of a site before them.

use super::super::types::{self, Scope};
use super::*;
use crate::model::{Action, Class};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::LazyLock;

#[test]
fn the_embedded_rules_are_good() {
    let (rules, mut problems) = Rules::load(&[]);
    problems.extend(rules.failed_examples());
    rules.rules.iter().for_each(|rule| {
        rule.compiles(&mut problems);
    });
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "\n{}", shown.join("\n"));
    assert!(rules.rules[..rules.len()].iter().all(|rule| !rule.examples.is_empty()));
}

#[test]
fn every_action_of_a_user_has_a_wording() {
    let rules = Rules::embedded();
    let failed = |rule: &Rule| match rule.part {
        Part::Thing { failed, .. } => failed,
        _ => rule.action,
    };
    let worded: HashSet<Action> = rules.rules.iter().flat_map(|rule| [rule.action, failed(rule)]).collect();
    for action in Action::all().filter(|action| action.row().class == Class::UserOperation) {
        assert!(action == Action::USER_OPERATION || worded.contains(&action), "{action:?}");
    }
}

#[test]
fn every_embedded_rule_is_anchored() {
    for rule in Rules::embedded().rules.iter().filter(|rule| !matches!(rule.part, Part::Thing { .. })) {
        assert!(rule.pattern.starts_with('^'), "{}", rule.name);
    }
}

#[test]
fn a_rule_of_the_site_goes_before_the_embedded_ones() {
    let text = "[[rule]]\nname = \"mine\"\nmatch = '^User {user} logged in'\naction = \"config.change\"\n";
    let (rules, problems) = Rules::load(&[(PathBuf::from("site.toml"), text.to_owned())]);
    assert!(problems.is_empty());
    let reading =
        rules.read(super::super::types::index("USER_OPERATION"), "USER_OPERATION", "", "User a logged in");
    assert!(matches!(reading, Reading::Words(words) if words.rule == "mine"));
}

#[test]
fn patterns_are_ascii_and_texts_are_not() {
    for (pattern, text, user) in [
        ("^Benutzer {user} angemeldet", "benutzer Jürgen ANGEMELDET", Some("Jürgen")),
        ("^Пользователь {user} вошёл", "Пользователь Ольга вошёл", Some("Ольга")),
        ("^(?u:пользователь) {user} .", "Пользователь Ольга в", None),
        ("^Name (?<user>.)", "Name é", None),
        ("^Name (?<user>(?u:[äöü])+)", "Name äö", Some("äö")),
        (r"^User (?<user>\w+)\b", "User alice é", Some("alice")),
        ("^User {user} (?:a|b|ab)+c", &format!("User alice {}c", "ab".repeat(5000)), Some("alice")),
    ] {
        let text_of_rule = format!("[[rule]]\nname = \"a\"\nmatch = '{pattern}'\naction = \"user.login\"\n");
        let (rules, problems) = Rules::load(&[(PathBuf::from("site.toml"), text_of_rule)]);
        assert!(problems.is_empty(), "{problems:?}");
        let found = match rules.read(None, "NEW", "", text) {
            Reading::Words(words) => words.user,
            _ => None,
        };
        assert_eq!(found, user, "{pattern}");
    }
}

#[test]
fn only_a_rule_that_names_it_reads_a_network_type() {
    let rules = Rules::embedded();
    for row in TYPES.iter().filter(|row| row.scope == Scope::Closed) {
        let at = super::super::types::index(row.name);
        assert!(matches!(rules.read(at, row.name, row.title, "User a logged in"), Reading::Nothing));
    }
}

/// Tries every rule alone, in order.
fn read_plainly<'a>(rules: &'a Rules, kind: &str, text: &'a str) -> Reading<'a> {
    let known = types::index(kind);
    let list = &rules.lists[rules.by_type[known.unwrap_or(TYPES.len())]];
    let about = list.all().map(|at| &rules.rules[at]).filter(|rule| rule.is_about(kind, ""));
    let is_taken_back = Cell::new(false);
    about
        .map(|rule| rules.reading(rule, known, kind, "", text))
        .find_map(|reading| reading.unless_taken_back(&is_taken_back))
        .unwrap_or_default()
}

fn check_all<'a>(rules: &Rules, texts: impl Iterator<Item = &'a str>) {
    // One of each list; the last is in no row.
    let is_first = |at: &usize| !rules.by_type[..*at].contains(&rules.by_type[*at]);
    let kinds = (0..=TYPES.len()).filter(is_first).map(|at| TYPES.get(at).map_or("NEW", |row| row.name));
    let kinds: Vec<&str> = kinds.collect();
    for (number, text) in texts.enumerate() {
        let kind = if number % 2 == 0 { kinds[number / 2 % kinds.len()] } else { "USER_OPERATION" };
        let (quick, plain) =
            (rules.read(types::index(kind), kind, "", text), read_plainly(rules, kind, text));
        assert_eq!(format!("{quick:?}"), format!("{plain:?}"), "{kind} {text}");
    }
}

#[test]
fn a_text_reads_as_if_every_rule_had_been_tried_in_order() {
    let rules = Rules::embedded();
    check_all(&rules, rules.example_texts());
    let changed: Vec<String> = rules.example_texts().flat_map(variants).collect();
    check_all(&rules, changed.iter().step_by(13).map(String::as_str));
    let words: Vec<&str> = rules.example_texts().flat_map(|text| text.split(' ')).collect();
    let mut chance = fastrand::Rng::with_seed(7);
    let salads: Vec<String> = (0..1_500)
        .map(|_| {
            let one = |_| words[chance.usize(..words.len())];
            (0..9).map(one).collect::<Vec<_>>().join(" ")
        })
        .collect();
    check_all(&rules, salads.iter().map(String::as_str));
}

#[test]
fn all_wordings_are_known_side_by_side() {
    let rules = Rules::embedded();
    let texts: Vec<String> = rules.example_texts().flat_map(variants).collect();
    let read = || {
        for text in &texts {
            rules.read(types::index("USER_OPERATION"), "USER_OPERATION", "", text);
        }
        rules.automaton.states()
    };
    let once = read();
    assert!(once > 1_000);
    assert_eq!(read(), once, "what was known was thrown away for the rest");
}

#[test]
fn so_it_does_with_rules_of_a_site_that_may_match_anywhere() {
    let patterns = [
        "exported",
        "(?:deleted|removed) by {user}",
        "^User {user} .*alert",
        "rule$",
        r"\b[0-9]+\b",
        r"(?u:\büber\b)",
        "{user} to {new}",
    ];
    let file = |patterns: &[&str]| {
        let rule = |(number, pattern): (usize, &&str)| {
            format!("[[rule]]\nname = \"s{number}\"\nmatch = '{pattern}'\naction = \"config.change\"\n")
        };
        patterns.iter().enumerate().map(rule).chain([THINGS.to_owned()]).collect::<String>()
    };
    // No automaton knows the ends of words beyond ASCII; with so many rules there are two.
    let many = [&patterns[..5], &["^no"; 300], &patterns[6..]].concat();
    for patterns in [&patterns[..5], &patterns, &many] {
        let (rules, problems) = Rules::load(&[(PathBuf::from("site.toml"), file(patterns))]);
        assert!(problems.is_empty(), "{problems:?}");
        let texts: Vec<&str> = rules.example_texts().collect();
        let of_things = [
            "User bob painted widget \"x\"",
            "Widget \"x\" was painted by bob",
            "User bob deleted report \"x\"",
            "User bob deleted gadget \"x\"",
            "Failed to paint gadget \"x\": not permitted",
        ];
        let rule = |text: &&str| words(&rules, text).map_or("", |words| words.rule).to_owned();
        assert_eq!(of_things.iter().map(rule).collect::<Vec<_>>()[..3], ["widget"; 3]);
        // Each comes for every list.
        let of_things = of_things.iter().flat_map(|text| [*text; 2 * (TYPES.len() + 1)]);
        let beyond = ["über 7", "x exported über"];
        check_all(&rules, texts.into_iter().step_by(5).chain(beyond).chain(of_things));
    }
}

/// Some that the site may speak of in few entries, and one in all.
const THINGS: &str = r#"
[[rule]]
name = "widget"
types = ["USER_OPERATION"]
thing = '(?:widget|report)'
verbs = ["delete/deleted/deletion", "paint/painted"]
action = "config.change"
failed = "user.operation"

[[rule]]
name = "gadget"
thing = 'gadget'
verbs = ["paint/painted"]
action = "config.change"
failed = "user.operation"
"#;

/// The text, and the text with each word left out, said twice, in quotes or with a colon.
pub(super) fn variants(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let changed = (0..words.len()).flat_map(|at| {
        let word = words[at];
        let others = [String::new(), format!("{word} {word}"), format!("\"{word} x\""), format!("{word}::")];
        let changed = |other: String| [&words[..at], &[other.as_str()], &words[at + 1..]].concat().join(" ");
        others.map(changed)
    });
    changed.chain([text.to_owned(), text.to_uppercase(), format!("{text}ü")]).collect()
}

/// What an example of a rule says when it stands so; `None` when that is not understood.
fn words<'a>(rules: &'a Rules, text: &'a str) -> Option<Words<'a>> {
    match rules.read(types::index("USER_OPERATION"), "USER_OPERATION", "", text) {
        Reading::Words(words) => Some(words),
        _ => None,
    }
}

#[test]
fn what_is_said_to_have_failed_behind_a_sentence_is_no_success() {
    let rules = Rules::embedded();
    assert!(words(&rules, "User signed out: failed").is_none());
    for sentence in rules.example_texts().filter(|text| words(&rules, text).is_some()) {
        for word in ["failed", "access denied", "result=failure"] {
            for behind in ["", ". uploaded by alice"] {
                let text = format!("{sentence}: {word}{behind}");
                let Some(read) = words(&rules, &text) else { continue };
                let free = [read.target, read.reason, read.old, read.new, read.role];
                // Whatever stands in a summary or a comment is its author's.
                let is_quoted = free.into_iter().flatten().any(|free| free.contains(word));
                assert!(is_quoted || read.outcome != Outcome::Success, "{text:?} {read:?}");
            }
        }
    }
}

#[test]
fn what_stands_behind_a_failure_makes_no_success_of_it() {
    let rules = Rules::embedded();
    let texts: Vec<&str> = rules.example_texts().collect();
    let has_failed = |text: &&&str| words(&rules, text).is_some_and(|it| it.outcome != Outcome::Success);
    let mut chance = fastrand::Rng::with_seed(11);
    for failure in texts.iter().filter(has_failed) {
        for _ in 0..40 {
            let other = texts[chance.usize(..texts.len())];
            let behind = other.find([' ', ',', ';', '(']).map_or("", |at| &other[at..]);
            let text = format!("{failure}{behind}");
            assert!(words(&rules, &text).is_none_or(|it| it.outcome != Outcome::Success), "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_stands_behind_a_sentence_its_actor_stays_who_did_it(rest in "(?s)[ :,.'(]?.{0,40}") {
        static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);
        let text = format!("User alice deleted user bob{rest}");
        if let Reading::Words(words) = RULES.read(types::index("USER_OPERATION"), "USER_OPERATION", "", &text) {
            prop_assert_eq!(words.user, Some("alice"));
            prop_assert!(words.target.is_none_or(|target| target.starts_with("bob")), "{:?}", words);
        }
    }
}
