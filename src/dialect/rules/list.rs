//! The rules for one type of entry, with a literal search before them that leaves the one or two worth trying.

use super::literal;
use super::rule::Rule;
use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// Rules in the order in which they are tried.
#[derive(Debug)]
pub(super) struct List {
    /// Places in the table of all rules.
    rules: Vec<usize>,
    /// Finds the literals of which each rule needs one.
    literals: Option<AhoCorasick>,
    /// For each literal the rule it stands for, as a place in `rules`.
    rule_of_literal: Vec<usize>,
    /// Rules without a literal.
    always: Marks,
}

/// A set of places in a list, without a heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks([u64; RULES_MAX / 64]);

/// Rules behind this many in one list are tried on every entry.
const RULES_MAX: usize = 512;

impl List {
    pub(super) fn of(table: &[Rule], rules: Vec<usize>) -> List {
        let mut always = Marks([0; RULES_MAX / 64]);
        let (mut literals, mut rule_of_literal) = (Vec::new(), Vec::new());
        for (place, &at) in rules.iter().enumerate().take(RULES_MAX) {
            let required = literal::required(&table[at].pattern);
            if required.is_empty() {
                always.insert(place);
            }
            rule_of_literal.extend(required.iter().map(|_| place));
            literals.extend(required);
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&literals);
        let Ok(finder) = finder else {
            (0..RULES_MAX).for_each(|place| always.insert(place));
            return List { rules, literals: None, rule_of_literal, always };
        };
        List { rules, literals: (!literals.is_empty()).then_some(finder), rule_of_literal, always }
    }

    /// The rules that may match, in order, as places in the table of all rules.
    pub(super) fn candidates<'a>(&'a self, text: &str) -> impl Iterator<Item = usize> + use<'a> {
        let mut marks = self.always;
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(text) {
                marks.insert(self.rule_of_literal[found.pattern().as_usize()]);
            }
        }
        let unmarked = self.rules.get(RULES_MAX..).unwrap_or_default();
        marks.places().filter_map(|place| self.rules.get(place)).chain(unmarked).copied()
    }
}

impl Marks {
    fn insert(&mut self, place: usize) {
        self.0[place / 64] |= 1 << (place % 64);
    }

    fn places(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let low = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + low)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_in_order() {
        let mut marks = Marks([0; RULES_MAX / 64]);
        [511, 0, 64, 63, 64].into_iter().for_each(|place| marks.insert(place));
        assert_eq!(marks.places().collect::<Vec<_>>(), [0, 63, 64, 511]);
    }
}
