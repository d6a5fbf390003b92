//! What holds for all rules that come with otrail, and for those of a site before them.

use super::super::types::Scope;
use super::*;
use crate::model::{Action, Class};
use std::collections::HashSet;

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
