//! Why a text was read as it was: the rule that matched, and those that nearly did.

use super::super::types::{self, TYPES};
use super::rule::Rule;
use super::{Reading, Rules, Words, pattern};
use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input};
use std::cell::Cell;
use std::ops::Range;
use std::path::PathBuf;

/// A rule and where its pattern stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleAt {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The line of its pattern, from 1.
    pub line: usize,
}

/// A rule that did not read the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// The rule.
    pub rule: RuleAt,
    /// How many bytes of the text could still have become a match.
    pub bytes: usize,
}

/// What the rules made of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explained {
    /// The rule that matched.
    pub rule: Option<RuleAt>,
    /// It matched, but the text may be made up to name somebody else.
    pub doubtful: bool,
    /// Its captures, as bytes of the text.
    pub captures: Vec<(&'static str, Range<usize>)>,
    /// Those that came closest, the closest first.
    pub near: Vec<Near>,
}

impl Rules {
    /// Why the text of an entry of that type and title is read as it is.
    pub fn explain(&self, kind: &str, title: &str, text: &str) -> Explained {
        let mut explained = Explained::default();
        let place = types::index(kind).unwrap_or(TYPES.len());
        let Some(list) = self.by_type.get(place).and_then(|&at| self.lists.get(at)) else { return explained };
        let rules = || list.all().map(|at| &self.rules[at]).filter(|rule| rule.is_about(kind, title));
        let known = types::index(kind);
        let is_taken_back = Cell::new(false);
        let read = |rule| {
            let reading = self.reading(rule, known, kind, title, text).unless_taken_back(&is_taken_back)?;
            Some((rule, reading))
        };
        let found = rules().find_map(read);
        if let Some((rule, reading)) = &found {
            // Two rules may have the same name.
            let is_it = |rule: &Rule, words: &Words<'_>| std::ptr::eq(rule.name.as_str(), words.rule);
            let named = |words: &Words<'_>| self.rules.iter().find(|rule| is_it(rule, words));
            explained.rule = match reading {
                Reading::Words(words) => named(words).map(at),
                _ => Some(at(rule)),
            };
            explained.doubtful = matches!(reading, Reading::Doubtful);
            explained.captures = rule.spans(text);
        }
        let others =
            rules().filter(|rule| found.as_ref().is_none_or(|(found, _)| !std::ptr::eq(*found, *rule)));
        let near = others.map(|rule| Near { rule: at(rule), bytes: reach(rule, text) });
        explained.near = near.filter(|near| near.bytes >= NEAR_BYTES_MIN).collect();
        explained.near.sort_by_key(|near| std::cmp::Reverse(near.bytes));
        explained.near.truncate(NEAR_MAX);
        explained
    }
}

fn at(rule: &Rule) -> RuleAt {
    RuleAt { name: rule.name.clone(), file: rule.place.file().to_path_buf(), line: rule.place.line() }
}

/// How far an automaton of the pattern lives on the text.
fn reach(rule: &Rule, text: &str) -> usize {
    let built = DFA::builder()
        .syntax(pattern::syntax())
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_BYTES_MAX)))
        .build(&pattern::expand(&rule.pattern));
    let Ok(automaton) = built else { return 0 };
    let mut cache = automaton.create_cache();
    let input = Input::new(text).anchored(Anchored::Yes);
    let Ok(mut state) = automaton.start_state_forward(&mut cache, &input) else { return 0 };
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        match automaton.next_state(&mut cache, state, byte) {
            Ok(next) if !next.is_dead() && !next.is_quit() => state = next,
            _ => return (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0),
        }
    }
    text.len()
}

/// Less is no more than a common first word.
const NEAR_BYTES_MIN: usize = 6;
const NEAR_MAX: usize = 3;
const NFA_BYTES_MAX: usize = 4 << 20;
