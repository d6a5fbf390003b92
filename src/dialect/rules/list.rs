//! The rules for one type of entry, with an automaton that tells in one pass over a text which of them match.

use super::rule::Rule;
use super::together::{PATTERNS_MAX, Together};
use std::sync::OnceLock;

/// Rules in the order in which they are tried.
#[derive(Debug)]
pub(super) struct List {
    /// Places in the table of all rules.
    rules: Vec<usize>,
    /// Some of them each, made when the first entry of such a type comes; `None` for those that are too much for one
    /// automaton.
    parts: OnceLock<Vec<Option<Together>>>,
}

impl List {
    pub(super) fn of(rules: Vec<usize>) -> List {
        List { rules, parts: OnceLock::new() }
    }

    /// All rules of the list, as places in the table of all rules.
    pub(super) fn all(&self) -> &[usize] {
        &self.rules
    }

    /// What `read` makes of the first rule of which it makes something; it tries those whose patterns match, in order,
    /// as places in the table of all rules, and perhaps others between them.
    pub(super) fn find<R>(
        &self,
        table: &[Rule],
        text: &str,
        mut read: impl FnMut(usize) -> Option<R>,
    ) -> Option<R> {
        let part = |rules: &[usize]| Together::of(rules.iter().map(|&at| table[at].pattern.as_str()));
        let parts = self.parts.get_or_init(|| self.rules.chunks(PATTERNS_MAX).map(part).collect());
        for (part, rules) in parts.iter().zip(self.rules.chunks(PATTERNS_MAX)) {
            let found = part.as_ref().and_then(|part| part.find(text)).unwrap_or([u64::MAX; _]);
            for (mut set, rules) in found.into_iter().zip(rules.chunks(u64::BITS as usize)) {
                while let Some(&rule) = rules.get(set.trailing_zeros() as usize) {
                    set &= set.wrapping_sub(1);
                    if let Some(found) = read(rule) {
                        return Some(found);
                    }
                }
            }
        }
        None
    }
}
