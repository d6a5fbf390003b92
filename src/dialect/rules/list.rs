//! The rules for one type of entry, with an automaton that tells in one pass over a text which of them match.

use super::rule::Rule;
use super::together::{PATTERNS_MAX, Together};
use std::sync::OnceLock;

/// Rules in the order in which they are tried.
#[derive(Debug)]
pub(super) struct List {
    /// Places in the table of all rules.
    rules: Vec<usize>,
    /// Made when the first entry of such a type comes.
    parts: OnceLock<Vec<Part>>,
}

impl List {
    pub(super) fn of(rules: Vec<usize>) -> List {
        List { rules, parts: OnceLock::new() }
    }

    /// All rules of the list, as places in the table of all rules.
    pub(super) fn all(&self) -> &[usize] {
        &self.rules
    }

    /// The rules whose patterns match, in order, as places in the table of all rules; perhaps others between them.
    pub(super) fn candidates(&self, table: &[Rule], text: &str) -> impl Iterator<Item = usize> {
        let part = |rules: &[usize]| Part {
            together: Together::of(rules.iter().map(|&at| table[at].pattern.as_str())),
        };
        let parts = self.parts.get_or_init(|| self.rules.chunks(PATTERNS_MAX).map(part).collect());
        let parts = parts.iter().zip(self.rules.chunks(PATTERNS_MAX));
        parts.flat_map(move |(part, rules)| part.matching(text, rules.len()).map(|number| rules[number]))
    }
}

/// Some rules of a list.
#[derive(Debug)]
struct Part {
    /// Their patterns; `None` where those are too much for one automaton.
    together: Option<Together>,
}

impl Part {
    /// The numbers of the rules that match, in order; all where that cannot be told.
    fn matching(&self, text: &str, rules: usize) -> impl Iterator<Item = usize> + use<> {
        let found = self.together.as_ref().and_then(|together| together.find(text)).unwrap_or([u64::MAX; _]);
        let numbers = found.into_iter().enumerate().flat_map(|(block, mut set)| {
            std::iter::from_fn(move || {
                let first = set.trailing_zeros();
                set &= set.wrapping_sub(1);
                (first < u64::BITS).then_some(64 * block + first as usize)
            })
        });
        numbers.take_while(move |&number| number < rules)
    }
}
