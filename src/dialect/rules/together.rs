//! An automaton of many patterns: one pass over a text tells which of them match.
//!
//! It is made deterministic as far as texts ask for it. Where a byte leads to is then found in a table of our own, which
//! is smaller than that of the regex crate and knows at once which patterns match in a state.

use super::table::{Byte, Kinds, Number, Table, UNKNOWN, Way, lock};
use super::{fold, matcher};
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;
use std::collections::HashMap;
use std::sync::Mutex;

/// A bit for each pattern.
pub(super) type Set = [u64; PATTERNS_MAX / 64];

#[derive(Debug)]
pub(super) struct Together {
    automaton: Automaton,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    /// Whether it reads small letters for both cases.
    is_folded: bool,
    kinds: Kinds,
}

impl Together {
    /// `None` where the patterns are too much for one automaton.
    pub(super) fn of<'p>(patterns: impl Iterator<Item = &'p str> + Clone) -> Option<Together> {
        // One after the other, for the trees of all of them are large.
        let folded: Option<Vec<Hir>> = patterns.clone().map(fold::parse).collect();
        let is_folded = folded.is_some();
        let parsed = folded.or_else(|| patterns.map(matcher::parse).collect())?;
        let nfa = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(NFA_BYTES_MAX))
            .which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(nfa).build_many_from_hir(&parsed).ok()?;
        drop(parsed);
        // Full is full: as long as a text is read, a state remains what it is.
        let states = DFA::config()
            .minimum_cache_clear_count(Some(0))
            .match_kind(MatchKind::All)
            .cache_capacity(STATES_BYTES_MAX)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(states).build_from_nfa(nfa).ok()?;
        let kinds = Kinds::of(dfa.byte_classes(), |byte| fold::read(byte, is_folded));
        let automaton = Automaton { dfa, is_folded, kinds };
        let known = Mutex::new(Known::of(&automaton));
        Some(Together { automaton, known })
    }

    /// The patterns that match; `None` where it cannot be told.
    pub(super) fn find(&self, text: &str) -> Option<Set> {
        let known = &mut *lock(&self.known, || Known::of(&self.automaton));
        known.find(&self.automaton, text).or_else(|| {
            *known = Known::of(&self.automaton);
            known.find(&self.automaton, text)
        })
    }

    /// How many states are known.
    #[cfg(test)]
    pub(super) fn states(&self) -> usize {
        lock(&self.known, || Known::of(&self.automaton)).ids.len()
    }
}

/// What of an automaton has been made deterministic so far.
#[derive(Debug)]
struct Known {
    cache: Cache,
    /// Of a way the high bit tells whether patterns match in the next state, whose number the others are.
    table: Table,
    numbers: HashMap<LazyStateID, Number>,
    /// By number, what the regex crate calls it, and the patterns that match there.
    ids: Vec<LazyStateID>,
    matches: Vec<Set>,
}

impl Known {
    fn of(automaton: &Automaton) -> Known {
        let table = Table::new(automaton.kinds.len());
        let (cache, numbers) = (automaton.dfa.create_cache(), HashMap::new());
        Known { cache, table, numbers, ids: Vec::new(), matches: Vec::new() }
    }

    /// `None` when there is no more room for states.
    fn find(&mut self, automaton: &Automaton, text: &str) -> Option<Set> {
        self.start(automaton)?;
        let (mut state, mut found) = (START, Set::default());
        let mut rest = text.as_bytes();
        while let Some(unknown) = self.go(&automaton.kinds, &mut state, &mut rest, &mut found) {
            self.learn(automaton, state, unknown)?;
        }
        Some(found)
    }

    /// Goes on from a state as far as it is known where bytes lead to; the byte where it is not, or the end of the text.
    fn go(&self, kinds: &Kinds, state: &mut Number, rest: &mut &[u8], found: &mut Set) -> Option<Byte> {
        let (mut here, mut text) = (*state, *rest);
        loop {
            let byte = text.first().copied();
            if byte.is_some_and(|byte| self.table.is_on_trail(here, byte)) {
                (here, text) = (here.wrapping_add(1), &text[1..]);
                continue;
            }
            let way = self.table.way(here, kinds.kind(byte));
            if way >= MATCH {
                match way {
                    UNKNOWN => {
                        (*state, *rest) = (here, text);
                        return Some(byte);
                    }
                    DEAD => return None,
                    _ => {
                        let matches = &self.matches[(way & !MATCH) as Number];
                        found.iter_mut().zip(matches).for_each(|(found, matching)| *found |= matching);
                    }
                }
            }
            here = (way & !MATCH) as Number;
            text = text.get(1..)?;
        }
    }

    fn start(&mut self, automaton: &Automaton) -> Option<()> {
        if self.ids.is_empty() {
            let is_anchored = automaton.dfa.get_nfa().is_always_start_anchored();
            let input = Input::new("").anchored(if is_anchored { Anchored::Yes } else { Anchored::No });
            let id = automaton.dfa.start_state_forward(&mut self.cache, &input).ok()?;
            self.way(automaton, id)?;
        }
        Some(())
    }

    /// Finds out where such a byte leads to.
    #[cold]
    fn learn(&mut self, automaton: &Automaton, from: Number, byte: Byte) -> Option<()> {
        let next = match byte.map(|byte| fold::read(byte, automaton.is_folded)) {
            Some(byte) => automaton.dfa.next_state(&mut self.cache, self.ids[from], byte),
            None => automaton.dfa.next_eoi_state(&mut self.cache, self.ids[from]),
        };
        let next = next.ok().filter(|next| !next.is_quit())?;
        let way = if next.is_dead() { DEAD } else { self.way(automaton, next)? };
        self.table.set_way(from, automaton.kinds.kind(byte), way);
        if let Some(byte) = byte.filter(|_| way as Number == from + 1) {
            self.table.set_trail(from, byte);
        }
        Some(())
    }

    /// The way to a state, which has a number from now on.
    fn way(&mut self, automaton: &Automaton, id: LazyStateID) -> Option<Way> {
        let matching = if id.is_match() { MATCH } else { 0 };
        if let Some(&number) = self.numbers.get(&id) {
            return Some(number as Way | matching);
        }
        let number = Way::try_from(self.table.len()).ok().filter(|number| *number < DEAD & !MATCH)?;
        let mut matches = Set::default();
        if id.is_match() {
            for number in 0..automaton.dfa.match_len(&self.cache, id) {
                let pattern = automaton.dfa.match_pattern(&self.cache, id, number).as_usize();
                matches[pattern / 64] |= 1 << (pattern % 64);
            }
        }
        self.ids.push(id);
        self.matches.push(matches);
        self.numbers.insert(id, self.table.push());
        Some(number | matching)
    }
}

/// More patterns get an automaton of their own.
pub(super) const PATTERNS_MAX: usize = 256;
/// The state in which every text begins.
const START: Number = 0;
/// Patterns match in that state.
const MATCH: Way = 1 << 31;
/// No pattern can match any more.
const DEAD: Way = UNKNOWN - 1;
/// The automaton of the patterns of a part.
const NFA_BYTES_MAX: usize = 16 << 20;
/// What of it the regex crate keeps; when full, all that is known is thrown away, and that text is read again. All
/// wordings, with words left out or added, take 5.6 MB, and our table of them 3.3; where they do not fit, an entry costs
/// ten times as much.
const STATES_BYTES_MAX: usize = 8 << 20;
