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
//! A rule may name a thing and what can be done to it instead of a pattern: then it reads all the sentences of
//! `sentences.rs`, done and failed. Those with a pattern go before the things of the same file set.
//!
//! ```toml
//! [[rule]]
//! name = "recipe-delete"
//! thing = '(?:batch )?recipe'
//! verbs = ["delete/deleted/deletion", "remove/removed/removal"]
//! action = "config.change"
//! failed = "user.operation"                   # the action when it failed; default: the same
//! ```
//!
//! The first rule that matches wins. What can be forged, and what not:
//!
//! - The rules here are anchored at the start and read from the left, so what follows a name cannot replace it.
//! - A name without quotes ends at the first blank. A sensor that lets users have names like `bob logged out`
//!   lets them write a sentence that begins like another; no rule can know.
//! - An actor that stands *after* something a user may have named (a rule, a report) counts only when the words
//!   that introduce it (`once`, by default ` by `) come once. Else nobody is named and the event is `unparsed`.
//! - What a rule reads as a success and is said to have failed behind is no success, whatever rule reads it: of those
//!   that follow, which look at fewer words, only one that reads a failure counts. Nor is a name in a
//!   sentence that what follows makes the name of something else (`rest.rs`).
//! - Entries of network types are the words of strangers: no rule reads them unless it names the type.
//!
//! Invariant: reading takes time linear in the text; no rule can make it slower than that.

mod examples;
mod explain;
mod file;
mod fold;
mod list;
mod matcher;
mod pattern;
mod places;
mod rest;
mod rule;
mod sentences;
mod table;
mod tagged;
mod together;

pub use examples::FailedExample;
pub use explain::{Explained, Near, RuleAt};
pub use file::RuleProblem;
pub(super) use rule::{Reading, Words};

use super::types::{TYPES, Type};
use crate::model::Outcome;
use list::{Automata, List, Pattern};
use rule::{Part, Rule};
use sentences::{Naming, Sentence, Vocabulary};
use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The rules that read the wording of entries, ready for use.
#[derive(Default)]
pub struct Rules {
    /// As the files have them; then the sentences about their things.
    rules: Vec<Rule>,
    /// How many of them stand in files.
    written: usize,
    vocabularies: Vec<Vocabulary>,
    automaton: Automata,
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
        (Rules::of(rules, of_site), problems)
    }

    /// The rules of these files and no others.
    pub fn load_alone(files: &[(PathBuf, String)]) -> (Rules, Vec<RuleProblem>) {
        let (rules, problems) = read(files);
        let of_site = rules.len();
        (Rules::of(rules, of_site), problems)
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

    /// Each pattern with texts of examples, and whether it must match them: a sentence is one of many.
    #[cfg(test)]
    fn patterns_with_examples(&self) -> Vec<(&str, Vec<&str>, bool)> {
        let of = |wanted: fn(&Part) -> bool| self.rules.iter().filter(move |rule| wanted(&rule.part));
        let whole = of(|part| matches!(part, Part::Whole)).map(|rule| {
            let texts = rule.examples.iter().map(|example| example.text.as_str()).collect();
            (rule.pattern.as_str(), texts, true)
        });
        let of_things =
            of(|part| matches!(part, Part::Thing { .. })).flat_map(|rule| &rule.examples).step_by(11);
        let some: Vec<&str> = of_things.map(|example| example.text.as_str()).collect();
        let most = self.vocabularies.iter().map(|vocabulary| vocabulary.things().len()).max();
        let is_wide = |rule: &&Rule| match rule.part {
            Part::Sentence { vocabulary, .. } => Some(self.vocabularies[vocabulary].things().len()) == most,
            _ => false,
        };
        let sentences = self.rules.iter().filter(is_wide);
        whole.chain(sentences.map(|rule| (rule.pattern.as_str(), some.clone(), false))).collect()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.written
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
        let is_taken_back = Cell::new(false);
        let read = |at: usize| {
            let rule = &self.rules[at];
            let reading = rule.is_about(kind, title).then(|| self.reading(rule, known, kind, title, text))?;
            reading.unless_taken_back(&is_taken_back)
        };
        let patterns = || {
            let patterns = Pattern::all(&self.rules[..self.written], self.of_site);
            patterns.into_iter().map(|(_, pattern)| pattern).collect()
        };
        list.find(&self.automaton, patterns, text, read).unwrap_or_default()
    }

    /// What one rule finds in a text; in a sentence, the thing that it is about says the rest.
    fn reading<'a>(
        &'a self,
        rule: &'a Rule,
        known: Option<usize>,
        kind: &str,
        title: &str,
        text: &'a str,
    ) -> Reading<'a> {
        let Part::Sentence { sentence, vocabulary } = &rule.part else { return rule.read(text) };
        let mut reading = rule.read(text);
        let Reading::Words(words) = &mut reading else { return reading };
        let (Some(thing), Some(verb)) = (words.thing, words.verb) else { return Reading::Nothing };
        let mut names = [words.target, words.old, words.new].into_iter().flatten();
        if names.any(sentences::is_of_the_sentence)
            || rest::is_moved(text, verb, words.target.unwrap_or_default())
        {
            return Reading::Nothing;
        }
        let row = known.and_then(|at| TYPES.get(at));
        let admits = |rule: &Rule, action| {
            !rule.types.is_empty() || row.is_none_or(|row| row.scope.admits(row.action, action))
        };
        let said = |at: usize| {
            let rule = &self.rules[at];
            let Part::Thing { failed, .. } = rule.part else { return None };
            let (action, outcome) =
                if sentence.fails { (failed, Outcome::Failure) } else { (rule.action, rule.outcome) };
            (rule.is_about(kind, title) && admits(rule, action)).then_some((rule, action, outcome))
        };
        let is_itself = |rule: &Rule| match &rule.part {
            Part::Thing { thing, .. } => thing.naming == Naming::Itself,
            _ => false,
        };
        match self.vocabularies[*vocabulary].find(sentence, thing, verb).find_map(said) {
            Some((rule, action, outcome)) => {
                (words.rule, words.target_kind) = (&rule.name, &rule.target_kind);
                (words.action, words.outcome) = (action, outcome);
                words.target = words.target.or_else(|| is_itself(rule).then_some(thing));
                reading
            }
            None => Reading::Nothing,
        }
    }

    /// Sorts the rules by the types that they may speak about; the first `of_site` of them go before the others.
    fn of(rules: Vec<Rule>, of_site: usize) -> Rules {
        let mut sets: Vec<Vec<usize>> = Vec::new();
        let mut by_type = Vec::with_capacity(TYPES.len() + 1);
        for place in 0..=TYPES.len() {
            let admits = |row: &Type, rule: &Rule| {
                let failed = match rule.part {
                    Part::Thing { failed, .. } => failed,
                    _ => rule.action,
                };
                row.scope.admits(row.action, rule.action) || row.scope.admits(row.action, failed)
            };
            let fits = |rule: &Rule| match TYPES.get(place) {
                Some(row) if rule.types.is_empty() => admits(row, rule),
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
        let patterns: Vec<Pattern> =
            Pattern::all(&rules, of_site).into_iter().map(|(pattern, _)| pattern).collect();
        let mut all = Rules { written: rules.len(), rules, of_site, by_type, ..Rules::default() };
        for set in sets {
            let (site, embedded): (Vec<usize>, Vec<usize>) = set.iter().partition(|&&at| at < of_site);
            let (site, embedded) = (all.add_sentences(&site), all.add_sentences(&embedded));
            let sentence = |places: Range<usize>, form_of| {
                places.into_iter().find(|&at| all.rules[at].sentence_form() == Some(form_of))
            };
            all.lists.push(List::of(&patterns, |pattern| match pattern {
                Pattern::Rule(at) => set.binary_search(&at).is_ok().then_some(at),
                Pattern::Sentence { of_site: true, form_of } => sentence(site.clone(), form_of),
                Pattern::Sentence { of_site: false, form_of } => sentence(embedded.clone(), form_of),
            }));
        }
        all
    }

    /// Adds the sentences about the things among these rules; where they are.
    fn add_sentences(&mut self, rules: &[usize]) -> Range<usize> {
        let first = self.rules.len();
        let thing = |&at: &usize| self.rules[at].thing().map(|thing| (at, thing.clone()));
        let vocabulary = Vocabulary::of(rules.iter().filter_map(thing).collect());
        if let Some(place) = vocabulary.first().map(|at| self.rules[at].place.clone()) {
            for (sentence, pattern) in Sentence::all(&vocabulary.things()) {
                let part = Part::Sentence { sentence, vocabulary: self.vocabularies.len() };
                self.rules.push(Rule::sentence(part, pattern, place.clone()));
            }
            self.vocabularies.push(vocabulary);
        }
        first..self.rules.len()
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
        write!(f, "{} rules", self.written)
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
mod tests;
