//! The rules for one type of entry, with one automaton of all their patterns before any of them is tried alone.

use super::pattern;
use super::rule::Rule;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, meta};
use std::sync::OnceLock;

/// Rules in the order in which they are tried.
#[derive(Debug)]
pub(super) struct List {
    /// Places in the table of all rules.
    rules: Vec<usize>,
    /// Finds the first rule whose pattern matches in one pass over a text. Made when the first entry of such a type
    /// comes; `None` where the patterns are too much for one automaton.
    together: OnceLock<Option<meta::Regex>>,
}

impl List {
    pub(super) fn of(rules: Vec<usize>) -> List {
        List { rules, together: OnceLock::new() }
    }

    /// All rules of the list, as places in the table of all rules.
    pub(super) fn all(&self) -> &[usize] {
        &self.rules
    }

    /// The rules that may match, in order, as places in the table of all rules; and where the match of the first of
    /// them ends, which is known where no pattern before it matches.
    pub(super) fn candidates(&self, table: &[Rule], text: &str) -> (&[usize], Option<usize>) {
        let together = self.together.get_or_init(|| together(table, &self.rules));
        let Some(together) = together else { return (&self.rules, None) };
        match together.search_half(&Input::new(text)) {
            Some(found) => (&self.rules[found.pattern().as_usize()..], Some(found.offset())),
            None => (&[], None),
        }
    }
}

fn together(table: &[Rule], rules: &[usize]) -> Option<meta::Regex> {
    let patterns: Vec<_> = rules.iter().map(|&at| pattern::expand(&table[at].pattern)).collect();
    let limits = meta::Config::new()
        .nfa_size_limit(Some(NFA_BYTES_MAX))
        .hybrid_cache_capacity(STATES_BYTES_MAX)
        .which_captures(WhichCaptures::Implicit)
        .utf8_empty(false);
    meta::Builder::new().configure(limits).syntax(pattern::syntax()).build_many(&patterns).ok()
}

/// The automaton of all patterns of a list.
const NFA_BYTES_MAX: usize = 16 << 20;
/// What of it has been made deterministic so far; when full it is thrown away and begun again.
const STATES_BYTES_MAX: usize = 4 << 20;
