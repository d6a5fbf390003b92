//! An automaton of many patterns: one pass over a text tells which of them match.
//!
//! It is made deterministic as far as texts ask for it. What a byte leads to is then found in a table of our own, which
//! is smaller than that of the regex crate and knows at once which patterns match in a state.

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
    /// What each byte is for the automaton: where the patterns are folded, it reads small letters.
    bytes: [u8; 256],
    /// Bytes of one kind lead to the same states.
    kinds: [u8; 256],
}

impl Together {
    /// `None` where the patterns are too much for one automaton.
    pub(super) fn of<'p>(patterns: impl Iterator<Item = &'p str> + Clone) -> Option<Together> {
        // One after the other, for the trees of all of them are large.
        let folded: Option<Vec<Hir>> =
            patterns.clone().map(|pattern| fold::folded(&matcher::parse(pattern)?)).collect();
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
        let automaton = DFA::builder().configure(states).build_from_nfa(nfa).ok()?;
        let fold = |byte: u8| if is_folded { byte.to_ascii_lowercase() } else { byte };
        let bytes: [u8; 256] = std::array::from_fn(|byte| fold(byte as u8));
        let kinds = bytes.map(|byte| automaton.byte_classes().get(byte));
        let automaton = Automaton { dfa: automaton, bytes, kinds };
        let known = Mutex::new(Known::of(&automaton));
        Some(Together { automaton, known })
    }

    /// The patterns that match; `None` where it cannot be told.
    pub(super) fn find(&self, text: &str) -> Option<Set> {
        let known = &mut *self.known.lock().ok()?;
        known.find(&self.automaton, text).or_else(|| {
            *known = Known::of(&self.automaton);
            known.find(&self.automaton, text)
        })
    }
}

/// What of an automaton has been made deterministic so far.
#[derive(Debug)]
struct Known {
    cache: Cache,
    /// For each state a row: for each kind of byte, then for the end of the text, the state it leads to; last the number
    /// of the state.
    table: Vec<State>,
    kinds: usize,
    states: HashMap<LazyStateID, State>,
    /// By number, what the regex crate calls it, and the patterns that match there.
    ids: Vec<LazyStateID>,
    matches: Vec<Set>,
}

/// Where the row of a state begins, and whether it is a match.
type State = u32;
/// A byte, or the end of the text.
type Byte = Option<u8>;

impl Known {
    fn of(automaton: &Automaton) -> Known {
        let (cache, kinds) = (automaton.dfa.create_cache(), automaton.dfa.byte_classes().alphabet_len());
        let (table, states) = (Vec::new(), HashMap::new());
        Known { cache, table, kinds, states, ids: Vec::new(), matches: Vec::new() }
    }

    /// `None` when there is no more room for states.
    fn find(&mut self, automaton: &Automaton, text: &str) -> Option<Set> {
        let (mut state, mut found) = (self.start(automaton)?, Set::default());
        let mut rest = text.as_bytes();
        while let Some(unknown) = self.go(automaton, &mut state, &mut rest, &mut found) {
            self.learn(automaton, state, unknown)?;
        }
        Some(found)
    }

    /// Goes on from a state as far as it is known where bytes lead to; the byte where it is not, or the end of the text.
    fn go(
        &self,
        automaton: &Automaton,
        state: &mut State,
        rest: &mut &[u8],
        found: &mut Set,
    ) -> Option<Byte> {
        let (kinds, table) = (&automaton.kinds, &self.table[..]);
        let place = |state: State, kind: usize| row(state).wrapping_add(kind);
        let mut add = |state: State| {
            let matches = &self.matches[table[place(state, self.kinds)] as usize];
            found.iter_mut().zip(matches).for_each(|(found, matching)| *found |= matching);
        };
        let (text, mut here) = (*rest, *state);
        for (at, &byte) in text.iter().enumerate() {
            let next = table[place(here, usize::from(kinds[usize::from(byte)]))];
            if next >= MATCH {
                match next {
                    UNKNOWN => {
                        (*state, *rest) = (here, &text[at..]);
                        return Some(Some(byte));
                    }
                    DEAD => return None,
                    _ => add(next),
                }
            }
            here = next;
        }
        (*state, *rest) = (here, &[]);
        match table[place(here, self.kinds - 1)] {
            UNKNOWN => return Some(None),
            DEAD => {}
            last if last >= MATCH => add(last),
            _ => {}
        }
        None
    }

    fn start(&mut self, automaton: &Automaton) -> Option<State> {
        if self.ids.is_empty() {
            let is_anchored = automaton.dfa.get_nfa().is_always_start_anchored();
            let input = Input::new("").anchored(if is_anchored { Anchored::Yes } else { Anchored::No });
            let id = automaton.dfa.start_state_forward(&mut self.cache, &input).ok()?;
            self.state(automaton, id)?;
        }
        Some(START)
    }

    /// Finds out where a byte of that kind leads to, or the end of the text.
    #[cold]
    fn learn(&mut self, automaton: &Automaton, state: State, byte: Byte) -> Option<()> {
        let id = self.ids[self.table[row(state) + self.kinds] as usize];
        let (next, kind) = match byte {
            Some(byte) => {
                let byte = usize::from(byte);
                let next = automaton.dfa.next_state(&mut self.cache, id, automaton.bytes[byte]);
                (next, usize::from(automaton.kinds[byte]))
            }
            None => (automaton.dfa.next_eoi_state(&mut self.cache, id), self.kinds - 1),
        };
        let next = next.ok().filter(|next| !next.is_quit())?;
        self.table[row(state) + kind] = if next.is_dead() { DEAD } else { self.state(automaton, next)? };
        Some(())
    }

    /// A state, with a row of its own from now on.
    fn state(&mut self, automaton: &Automaton, id: LazyStateID) -> Option<State> {
        if let Some(&known) = self.states.get(&id) {
            return Some(known);
        }
        let (number, begin) = (State::try_from(self.ids.len()).ok()?, self.table.len());
        let begin = State::try_from(begin).ok().filter(|begin| *begin < ROWS_MAX)?;
        let mut matches = Set::default();
        if id.is_match() {
            for number in 0..automaton.dfa.match_len(&self.cache, id) {
                let pattern = automaton.dfa.match_pattern(&self.cache, id, number).as_usize();
                matches[pattern / 64] |= 1 << (pattern % 64);
            }
        }
        self.ids.push(id);
        self.matches.push(matches);
        self.table.resize(self.table.len() + self.kinds, UNKNOWN);
        self.table.push(number);
        let state = if id.is_match() { begin | MATCH } else { begin };
        self.states.insert(id, state);
        Some(state)
    }
}

fn row(state: State) -> usize {
    (state & !MATCH) as usize
}

/// More patterns get an automaton of their own.
pub(super) const PATTERNS_MAX: usize = 256;
/// Where every text begins.
const START: State = 0;
/// Patterns match in that state.
const MATCH: State = 1 << 31;
/// Nobody has asked yet.
const UNKNOWN: State = State::MAX;
/// No pattern can match any more.
const DEAD: State = State::MAX - 1;
const ROWS_MAX: State = DEAD & !MATCH;
/// The automaton of the patterns of a part.
const NFA_BYTES_MAX: usize = 16 << 20;
/// What of it the regex crate keeps; when full, all that is known is thrown away, and that text is read again.
const STATES_BYTES_MAX: usize = 3 << 20;
