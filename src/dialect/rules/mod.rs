//! Wording rules: what the free text of an entry says, as data.
//!
//! The vendor documents no wording, so the rules are TOML files, and files of the site go before those here.
//!
//! ```toml
//! [[rule]]
//! name = "login"
//! match = '^User {user} logged in{from}'      # a regex; {user} and so on are named captures, see `pattern.rs`
//! action = "user.login"                       # a row of the taxonomy
//! outcome = "success"                         # the default
//! types = ["USER_OPERATION"]                  # default: every type that such an action fits
//!
//! [[rule.example]]
//! text = "User alice logged in from 10.2.3.4"
//! user = "alice"
//! client = "10.2.3.4"
//! ```
//!
//! The first rule that matches wins. What can be forged, and what not:
//!
//! - The rules here are anchored at the start and read from the left, so what follows a name cannot replace it.
//! - A name without quotes ends at the first blank. A sensor that lets users have names like `bob logged out`
//!   lets them write a sentence that begins like another; no rule can know.
//! - An actor that stands *after* something a user may have named (a rule, a report) counts only when the words
//!   that introduce it (`once`, by default ` by `) come once. Else nobody is named and the event is `unparsed`.
//! - Entries of network types are the words of strangers: no rule reads them unless it names the type.
//!
//! Invariant: reading takes time linear in the text; no rule can make it slower than that.

mod examples;
mod explain;
mod file;
mod list;
mod pattern;
mod rule;
mod steps;
mod walk;

pub use examples::FailedExample;
pub use explain::{Explained, Near, RuleAt};
pub use file::RuleProblem;
pub(super) use rule::{Reading, Words};

use super::types::TYPES;
use list::List;
use rule::Rule;
use std::fmt;
use std::path::{Path, PathBuf};

/// The rules that read the wording of entries, ready for use.
#[derive(Default)]
pub struct Rules {
    rules: Vec<Rule>,
    lists: Vec<List>,
    /// For each row of `TYPES` its list, then that of unknown types.
    by_type: Vec<usize>,
    /// How many of the rules, the first ones, are the site's.
    of_site: usize,
}

impl Rules {
    /// The rules that come with otrail.
    pub fn embedded() -> Rules {
        Rules::load(&[]).0
    }

    /// The rules of these files (name, content), in that order, before those that come with otrail.
    ///
    /// A rule with a problem is left out; all others work.
    pub fn load(files: &[(PathBuf, String)]) -> (Rules, Vec<RuleProblem>) {
        let (mut rules, mut problems) = read(files);
        let of_site = rules.len();
        for (name, text) in EMBEDDED {
            rules.extend(file::read(Path::new(name), text, &mut problems));
        }
        (Rules { of_site, ..Rules::of(rules) }, problems)
    }

    /// The rules of these files and no others.
    pub fn load_alone(files: &[(PathBuf, String)]) -> (Rules, Vec<RuleProblem>) {
        let (rules, problems) = read(files);
        (Rules { of_site: rules.len(), ..Rules::of(rules) }, problems)
    }

    /// Runs the examples that stand in the rules; a problem for each that reads otherwise than it says, unless a rule
    /// of the site reads the text of one that comes with otrail: that is what it is for.
    pub fn failed_examples(&self) -> Vec<RuleProblem> {
        let failed = self.tried_examples().into_iter().filter(|failed| !failed.is_taken);
        failed.map(|failed| failed.problem).collect()
    }

    /// The same with all that is known about each, also about those that the site has taken over.
    pub fn tried_examples(&self) -> Vec<FailedExample> {
        self.rules.iter().flat_map(|rule| examples::run(self, rule)).collect()
    }

    /// Whether the rule of that very name is the site's.
    fn is_of_site(&self, name: &str) -> bool {
        self.rules[..self.of_site].iter().any(|rule| std::ptr::eq(rule.name.as_str(), name))
    }

    /// How many examples stand in the rules.
    pub fn examples(&self) -> usize {
        self.rules.iter().map(|rule| rule.examples.len()).sum()
    }

    /// The texts of all examples.
    #[cfg(test)]
    pub(super) fn example_texts(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| &rule.examples).map(|example| example.text.as_str())
    }

    /// Each pattern with the texts of its examples.
    #[cfg(test)]
    fn patterns_with_examples(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.rules.iter().map(|rule| {
            let examples = rule.examples.iter().map(|example| example.text.as_str()).collect();
            (rule.pattern.as_str(), examples)
        })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the text of an entry says; `known` is the place of its type in `TYPES`.
    pub(super) fn read<'a>(
        &'a self,
        known: Option<usize>,
        kind: &str,
        title: &str,
        text: &'a str,
    ) -> Reading<'a> {
        let list = self.by_type.get(known.unwrap_or(TYPES.len())).and_then(|&at| self.lists.get(at));
        let Some(list) = list else { return Reading::Nothing };
        let (candidates, first_end) = list.candidates(&self.rules, text);
        let ends = std::iter::once(first_end).chain(std::iter::repeat(None));
        candidates
            .iter()
            .map(|&at| &self.rules[at])
            .zip(ends)
            .filter(|(rule, _)| rule.is_about(kind, title))
            .map(|(rule, end)| rule.read(text, end))
            .find(|reading| !matches!(reading, Reading::Nothing))
            .unwrap_or_default()
    }

    /// Sorts the rules by the types that they may speak about.
    fn of(rules: Vec<Rule>) -> Rules {
        let mut sets: Vec<Vec<usize>> = Vec::new();
        let mut by_type = Vec::with_capacity(TYPES.len() + 1);
        for place in 0..=TYPES.len() {
            let fits = |rule: &Rule| match TYPES.get(place) {
                Some(row) if rule.types.is_empty() => row.scope.admits(row.action, rule.action),
                Some(row) => rule.types.iter().any(|name| name == row.name),
                None => {
                    rule.types.is_empty() || rule.types.iter().any(|name| super::types::index(name).is_none())
                }
            };
            let set: Vec<usize> = (0..rules.len()).filter(|&at| fits(&rules[at])).collect();
            by_type.push(sets.iter().position(|known| *known == set).unwrap_or_else(|| {
                sets.push(set);
                sets.len() - 1
            }));
        }
        let lists = sets.into_iter().map(List::of).collect();
        Rules { rules, lists, by_type, of_site: 0 }
    }
}

/// The rules of files that can be used, and what is wrong with the others.
fn read(files: &[(PathBuf, String)]) -> (Vec<Rule>, Vec<RuleProblem>) {
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let read = file::read(name, text, &mut problems);
        rules.extend(read.into_iter().filter(|rule| rule.compiles(&mut problems)));
    }
    (rules, problems)
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rules", self.rules.len())
    }
}

/// The rules that come with otrail, in the order in which they are tried.
const EMBEDDED: &[(&str, &str)] = &[
    ("sign_in.toml", include_str!("sign_in.toml")),
    ("users.toml", include_str!("users.toml")),
    ("alerts.toml", include_str!("alerts.toml")),
    ("rules.toml", include_str!("rules.toml")),
    ("timeline.toml", include_str!("timeline.toml")),
    ("devices.toml", include_str!("devices.toml")),
    ("system.toml", include_str!("system.toml")),
];

#[cfg(test)]
mod tests {
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
        assert!(rules.rules.iter().all(|rule| !rule.examples.is_empty()));
    }

    #[test]
    fn every_action_of_a_user_has_a_wording() {
        let rules = Rules::embedded();
        let worded: HashSet<Action> = rules.rules.iter().map(|rule| rule.action).collect();
        for action in Action::all().filter(|action| action.row().class == Class::UserOperation) {
            assert!(action == Action::USER_OPERATION || worded.contains(&action), "{action:?}");
        }
    }

    #[test]
    fn every_embedded_rule_is_anchored() {
        for rule in &Rules::embedded().rules {
            assert!(rule.pattern.starts_with('^'), "{}", rule.name);
        }
    }

    #[test]
    fn a_rule_of_the_site_goes_before_the_embedded_ones() {
        let text =
            "[[rule]]\nname = \"mine\"\nmatch = '^User {user} logged in'\naction = \"config.change\"\n";
        let (rules, problems) = Rules::load(&[(PathBuf::from("site.toml"), text.to_owned())]);
        assert!(problems.is_empty());
        let reading = rules.read(
            super::super::types::index("USER_OPERATION"),
            "USER_OPERATION",
            "",
            "User a logged in",
        );
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
            let text_of_rule =
                format!("[[rule]]\nname = \"a\"\nmatch = '{pattern}'\naction = \"user.login\"\n");
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
}
