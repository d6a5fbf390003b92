//! The rules for one type of entry, and the automaton of all rules: it tells in one pass over a text which may match.
//!
//! From type to type a sentence is about other things. In the automaton it stands once, about all things of its group:
//! where that does not match, none of those does. An automaton for each type would take as many times the memory.

use super::rule::{Part, Rule};
use super::sentences::{Sentence, Thing};
use super::together::{PATTERNS_MAX, Together};
use std::borrow::Cow;
use std::sync::OnceLock;

/// A pattern of the automaton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// That of a rule, by its place in the table of all rules.
    Rule(usize),
    /// A sentence about all things of a group: those of the site, or those that come with otrail.
    Sentence { of_site: bool, form_of: &'static str },
}

impl Pattern {
    /// The patterns of these rules in the order in which they are tried: group after group, the first `of_site` rules are
    /// one, each rule with a pattern of its own, then the sentences about the things.
    pub(super) fn all(rules: &[Rule], of_site: usize) -> Vec<(Pattern, Cow<'_, str>)> {
        let mut patterns = Vec::new();
        let groups = [(true, 0, &rules[..of_site]), (false, of_site, &rules[of_site..])];
        for (of_site, first, group) in groups {
            let whole = group.iter().enumerate().filter(|(_, rule)| matches!(rule.part, Part::Whole));
            patterns
                .extend(whole.map(|(at, rule)| (Pattern::Rule(first + at), rule.pattern.as_str().into())));
            let things: Vec<&Thing> = group.iter().filter_map(Rule::thing).collect();
            let sentences = Sentence::all(&things).into_iter();
            patterns.extend(sentences.map(|(sentence, pattern)| {
                (Pattern::Sentence { of_site, form_of: sentence.form_of() }, pattern.into())
            }));
        }
        patterns
    }
}

/// The automaton, in parts; made when the first text comes.
#[derive(Debug, Default)]
pub(super) struct Automata {
    /// `None` for patterns that are too much for one.
    parts: OnceLock<Vec<Option<Together>>>,
}

#[cfg(test)]
impl Automata {
    /// How many states are known.
    pub(super) fn states(&self) -> usize {
        self.parts.get().into_iter().flatten().flatten().map(Together::states).sum()
    }
}

/// Rules in the order in which they are tried.
#[derive(Debug)]
pub(super) struct List {
    /// For each pattern of the automaton the rule that has it, by its place in the table of all rules; empty without rules.
    rules: Vec<Option<usize>>,
}

impl List {
    /// The list of the rules that `find` finds for the patterns of the automaton.
    pub(super) fn of(patterns: &[Pattern], find: impl Fn(Pattern) -> Option<usize>) -> List {
        let mut rules: Vec<Option<usize>> = patterns.iter().map(|&pattern| find(pattern)).collect();
        if rules.iter().all(Option::is_none) {
            rules = Vec::new();
        }
        List { rules }
    }

    /// All rules of the list, as places in the table of all rules.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().copied().flatten()
    }

    /// What `read` makes of the first rule of which it makes something; it tries those whose patterns match, in order,
    /// as places in the table of all rules, and perhaps others between them.
    pub(super) fn find<'p, R>(
        &self,
        automaton: &Automata,
        patterns: impl FnOnce() -> Vec<Cow<'p, str>>,
        text: &str,
        mut read: impl FnMut(usize) -> Option<R>,
    ) -> Option<R> {
        if self.rules.is_empty() {
            return None;
        }
        let part = |patterns: &[Cow<'_, str>]| Together::of(patterns.iter().map(|pattern| &**pattern));
        let parts = automaton.parts.get_or_init(|| patterns().chunks(PATTERNS_MAX).map(part).collect());
        for (part, rules) in parts.iter().zip(self.rules.chunks(PATTERNS_MAX)) {
            let found = part.as_ref().and_then(|part| part.find(text)).unwrap_or([u64::MAX; _]);
            for (mut set, rules) in found.into_iter().zip(rules.chunks(u64::BITS as usize)) {
                while let Some(&rule) = rules.get(set.trailing_zeros() as usize) {
                    set &= set.wrapping_sub(1);
                    if let Some(found) = rule.and_then(&mut read) {
                        return Some(found);
                    }
                }
            }
        }
        None
    }
}
