//! The rules for one type of entry, with an automaton that tells in one pass over a text which of them match.

use super::pattern;
use super::rule::Rule;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use std::sync::{Mutex, OnceLock};

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
        let part = |rules: &[usize]| Part { together: together(table, rules) };
        let parts = self.parts.get_or_init(|| self.rules.chunks(RULES_PER_PART).map(part).collect());
        let parts = parts.iter().zip(self.rules.chunks(RULES_PER_PART));
        parts.flat_map(move |(part, rules)| part.matching(text, rules.len()).map(|number| rules[number]))
    }
}

/// Some rules of a list.
#[derive(Debug)]
struct Part {
    /// Their patterns, and what of them has been made deterministic so far; `None` where the patterns are too much
    /// for one automaton.
    together: Option<(DFA, Mutex<Cache>)>,
}

/// A bit for each rule of a part.
type Set = [u64; RULES_PER_PART / 64];

impl Part {
    /// The numbers of the rules that match, in order; all where that cannot be told.
    fn matching(&self, text: &str, rules: usize) -> impl Iterator<Item = usize> + use<> {
        let found = self.find(text).unwrap_or([u64::MAX; _]);
        let numbers = found.into_iter().enumerate().flat_map(|(block, mut set)| {
            std::iter::from_fn(move || {
                let first = set.trailing_zeros();
                set &= set.wrapping_sub(1);
                (first < u64::BITS).then_some(64 * block + first as usize)
            })
        });
        numbers.take_while(move |&number| number < rules)
    }

    /// `None` where it cannot be told.
    fn find(&self, text: &str) -> Option<Set> {
        let (automaton, cache) = self.together.as_ref()?;
        let cache = &mut *cache.lock().ok()?;
        find(automaton, cache, text).or_else(|| {
            cache.reset(automaton);
            find(automaton, cache, text)
        })
    }
}

/// The patterns that match; `None` when there is no more room for states.
fn find(automaton: &DFA, cache: &mut Cache, text: &str) -> Option<Set> {
    let mut found = Set::default();
    let mut add = |cache: &Cache, state: LazyStateID| {
        for number in 0..automaton.match_len(cache, state) {
            let rule = automaton.match_pattern(cache, state, number).as_usize();
            found[rule / 64] |= 1 << (rule % 64);
        }
    };
    let is_anchored = automaton.get_nfa().is_always_start_anchored();
    let input = Input::new(text).anchored(if is_anchored { Anchored::Yes } else { Anchored::No });
    let mut state = automaton.start_state_forward(cache, &input).ok()?;
    let mut added = state;
    for &byte in text.as_bytes() {
        let before = state;
        if before.is_tagged() {
            state = automaton.next_state(cache, before, byte).ok()?;
        } else {
            state = automaton.next_state_untagged(cache, before, byte);
        }
        if state.is_tagged() && state != added {
            if state.is_unknown() {
                state = automaton.next_state(cache, before, byte).ok()?;
            }
            if state.is_dead() {
                return Some(found);
            }
            if state.is_quit() {
                return None;
            }
            if state.is_match() {
                add(cache, state);
                added = state;
            }
        }
    }
    let last = automaton.next_eoi_state(cache, state).ok()?;
    if last.is_match() {
        add(cache, last);
    }
    Some(found)
}

fn together(table: &[Rule], rules: &[usize]) -> Option<(DFA, Mutex<Cache>)> {
    let patterns: Vec<_> = rules.iter().map(|&at| pattern::expand(&table[at].pattern)).collect();
    let nfa = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(NFA_BYTES_MAX))
        .which_captures(WhichCaptures::None);
    // Full is full: as long as a text is read, a state remains what it is.
    let states = DFA::config()
        .minimum_cache_clear_count(Some(0))
        .match_kind(MatchKind::All)
        .cache_capacity(STATES_BYTES_MAX)
        .skip_cache_capacity_check(true);
    let mut builder = DFA::builder();
    let built = builder.syntax(pattern::syntax()).thompson(nfa).configure(states).build_many(&patterns);
    let automaton = built.ok()?;
    let cache = Mutex::new(automaton.create_cache());
    Some((automaton, cache))
}

/// More get an automaton of their own.
const RULES_PER_PART: usize = 256;
/// The automaton of the patterns of a part.
const NFA_BYTES_MAX: usize = 16 << 20;
/// What of it has been made deterministic so far; when full it is thrown away, and that text is read again.
const STATES_BYTES_MAX: usize = 3 << 20;
