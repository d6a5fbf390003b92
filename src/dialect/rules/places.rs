//! Where one can be in a pattern after some text, and where a byte leads to from there.
//!
//! The pattern is an automaton of the regex crate, and places are preferred in the order in which it tries them.

use super::fold;
use super::table::{Byte, Kinds};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;
use std::mem;
use std::sync::Arc;

/// A pattern as an automaton that is not deterministic.
#[derive(Debug)]
pub(super) struct Pattern {
    nfa: NFA,
    /// Whether it is one for small letters that stand for both cases.
    is_folded: bool,
}

/// Where one can be in a pattern after some text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    before: Before,
    /// The preferred first.
    pub(super) places: Vec<(StateID, Marks)>,
    /// The match that counts if none of these places leads to one.
    pub(super) found: Option<Marks>,
}

/// The byte before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Before {
    Nothing,
    InWord,
    Other,
}

/// For each slot of a group, the register that holds its position, `HERE` or `NOWHERE`.
pub(super) type Marks = Arc<[u8]>;

impl Pattern {
    /// `None` for a pattern that is too large, or looks at more of what is around a place than the bytes beside it.
    pub(super) fn of(pattern: &Hir) -> Option<Pattern> {
        let folded = fold::folded(pattern);
        let config = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(NFA_BYTES_MAX))
            .which_captures(WhichCaptures::All);
        let parsed = folded.as_ref().unwrap_or(pattern);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(parsed).ok()?;
        let can_look = |look: Look| matches!(look, Look::Start | Look::End | Look::WordAscii);
        nfa.look_set_any().iter().all(can_look).then_some(Pattern { nfa, is_folded: folded.is_some() })
    }

    /// The kinds of bytes that it tells apart.
    pub(super) fn kinds(&self) -> Kinds {
        Kinds::of(self.nfa.byte_classes(), |byte| fold::read(byte, self.is_folded))
    }

    /// Where every text begins.
    pub(super) fn start(&self) -> State {
        let nfa = &self.nfa;
        let start =
            if nfa.is_always_start_anchored() { nfa.start_anchored() } else { nfa.start_unanchored() };
        let marks = vec![NOWHERE; nfa.group_info().slot_len()];
        State { before: Before::Nothing, places: vec![(start, marks.into())], found: None }
    }

    /// Where a byte leads to, and the register that takes its position; `None` when all registers are taken.
    pub(super) fn next(&self, state: &State, byte: Byte) -> Option<(State, u8)> {
        let byte = byte.map(|byte| fold::read(byte, self.is_folded));
        let before = if byte.is_some_and(in_word) { Before::InWord } else { Before::Other };
        let mut next = State { before, places: Vec::new(), found: None };
        let mut seen = vec![false; self.nfa.states().len()];
        let mut stack = Vec::new();
        for place in &state.places {
            stack.push(place.clone());
            while let Some((place, marks)) = stack.pop() {
                if !mem::replace(&mut seen[place], true) {
                    self.pass(state.before, byte, (place, marks), &mut stack, &mut next);
                }
            }
            if next.found.is_some() {
                break;
            }
        }
        if next.found.is_none() {
            next.found = state.found.clone();
        }
        let mut known = vec![false; self.nfa.states().len()];
        next.places.retain(|(place, _)| !mem::replace(&mut known[*place], true));
        let register = next.settle()?;
        Some((next, register))
    }

    /// Passes one place of the pattern.
    fn pass(
        &self,
        before: Before,
        byte: Byte,
        (place, mut marks): (StateID, Marks),
        stack: &mut Vec<(StateID, Marks)>,
        to: &mut State,
    ) {
        use thompson::State::{BinaryUnion, ByteRange, Capture, Dense, Fail, Match, Sparse, Union};
        let next = match self.nfa.state(place) {
            ByteRange { trans } => byte.filter(|&byte| trans.matches_byte(byte)).map(|_| trans.next),
            Sparse(ways) => byte.and_then(|byte| ways.matches_byte(byte)),
            Dense(ways) => byte.and_then(|byte| ways.matches_byte(byte)),
            thompson::State::Look { look, next } => {
                if sees(*look, before, byte) {
                    stack.push((*next, marks));
                }
                return;
            }
            Union { alternates } => {
                return stack.extend(alternates.iter().rev().map(|&next| (next, marks.clone())));
            }
            BinaryUnion { alt1, alt2 } => return stack.extend([(*alt2, marks.clone()), (*alt1, marks)]),
            Capture { next, slot, .. } => {
                if let Some(mark) = Arc::make_mut(&mut marks).get_mut(slot.as_usize()) {
                    *mark = HERE;
                }
                return stack.push((*next, marks));
            }
            Match { .. } => {
                // What is less preferred counts no more.
                stack.clear();
                to.found = Some(marks);
                return;
            }
            Fail => None,
        };
        to.places.extend(next.map(|next| (next, marks)));
    }
}

impl State {
    /// Gives the marks that are here a register: the first that holds nothing of use.
    fn settle(&mut self) -> Option<u8> {
        let mut taken = [false; REGISTERS];
        let all = || self.places.iter().map(|(_, marks)| marks).chain(&self.found);
        for &mark in all().flat_map(|marks| marks.iter()) {
            if let Some(taken) = taken.get_mut(usize::from(mark)) {
                *taken = true;
            }
        }
        if !all().any(|marks| marks.contains(&HERE)) {
            return Some(WASTE);
        }
        let free = taken.iter().take(usize::from(WASTE)).position(|taken| !taken)? as u8;
        for marks in self.places.iter_mut().map(|(_, marks)| marks).chain(&mut self.found) {
            if marks.contains(&HERE) {
                let here = Arc::make_mut(marks).iter_mut().filter(|mark| **mark == HERE);
                here.for_each(|mark| *mark = free);
            }
        }
        Some(free)
    }
}

fn sees(look: Look, before: Before, byte: Byte) -> bool {
    match look {
        Look::WordAscii => (before == Before::InWord) != byte.is_some_and(in_word),
        Look::End => byte.is_none(),
        _ => before == Before::Nothing,
    }
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Positions that may count at a time, and one for those that do not.
pub(super) const REGISTERS: usize = 64;
pub(super) const WASTE: u8 = 63;
/// The position is that of the byte that comes.
const HERE: u8 = 254;
const NOWHERE: u8 = 255;
/// The automaton of one pattern.
const NFA_BYTES_MAX: usize = 4 << 20;
