//! Finds the groups of a pattern in one pass, with an automaton that is made deterministic as far as texts ask for it.
//!
//! After some text one may be in many places of a pattern at once, and on the way to each of them its groups began and
//! ended elsewhere. Here all of that is one state: the places, the preferred first, and for each of them the registers
//! that hold where its groups are. A byte leads from one state to another and writes its position into one register at
//! most, so a text costs one look into a table for each byte, however many ways its pattern has. Positions never move
//! between registers: which register holds what is part of the state.
//!
//! This is a tagged automaton (V. Laurikari, "NFAs with Tagged Transitions, their Conversion to Deterministic Automata
//! and Application to Regular Expressions", SPIRE 2000). The automaton that it is made from is that of the regex crate,
//! and places are preferred in the same order, so the groups are the same.
//!
//! Invariant: linear time, as a state has each place of a pattern once; and bounded memory, as no state is made when there
//! is no more room for it.

use super::matcher::Slots;
use super::places::{Marks, Pattern, REGISTERS, State, WASTE};
use super::table::{Byte, Kinds, Number, Table, UNKNOWN, Way, lock};
use regex_automata::util::primitives::{NonMaxUsize, StateID};
use regex_syntax::hir::Hir;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

#[derive(Debug)]
pub(super) struct Tagged {
    pattern: Pattern,
    kinds: Kinds,
    known: Mutex<Known>,
}

impl Tagged {
    /// `None` for a pattern that is too large, or looks at more of what is around a place than the bytes beside it.
    pub(super) fn of(pattern: &Hir) -> Option<Tagged> {
        let pattern = Pattern::of(pattern)?;
        let kinds = pattern.kinds();
        let known = Mutex::new(Known::of(&pattern, &kinds));
        Some(Tagged { pattern, kinds, known })
    }

    /// Whether the pattern matches, and where its groups are; `None` when there is not enough room to tell.
    #[inline]
    pub(super) fn find(&self, text: &str, slots: &mut Slots) -> Option<bool> {
        u32::try_from(text.len()).ok()?;
        let mut walk = Walk { state: START, at: 0, registers: [0; REGISTERS] };
        let known = &mut *lock(&self.known, || Known::of(&self.pattern, &self.kinds));
        while let Some(byte) = known.go(&self.kinds, text.as_bytes(), &mut walk) {
            if known.learn(&self.pattern, &self.kinds, walk.state, byte).is_none() {
                *known = Known::of(&self.pattern, &self.kinds);
                return None;
            }
        }
        let Some(marks) = known.states[walk.state].found.as_ref() else { return Some(false) };
        for (slot, &register) in slots.iter_mut().zip(&marks[..]) {
            *slot = match walk.registers.get(usize::from(register)) {
                Some(&at) => NonMaxUsize::new(at as usize),
                None => None,
            };
        }
        Some(true)
    }
}

/// Where one is on the way along a text.
struct Walk {
    state: Number,
    at: usize,
    registers: [u32; REGISTERS],
}

/// What has been made deterministic so far.
#[derive(Debug)]
struct Known {
    /// Of a way the high bits, in order: whether nothing can follow, the register that takes the position, and the number
    /// of the next state.
    table: Table,
    numbers: HashMap<Arc<State>, Number>,
    states: Vec<Arc<State>>,
    /// About, of the states.
    bytes: usize,
}

impl Known {
    fn of(pattern: &Pattern, kinds: &Kinds) -> Known {
        let table = Table::new(kinds.len());
        let mut known = Known { table, numbers: HashMap::new(), states: Vec::new(), bytes: 0 };
        known.number(pattern.start());
        known
    }

    /// Goes on as far as the way is known; the byte where it is not, or the end of the text.
    #[inline]
    fn go(&self, kinds: &Kinds, text: &[u8], walk: &mut Walk) -> Option<Byte> {
        let (mut state, mut at) = (walk.state, walk.at);
        let end = loop {
            let byte = text.get(at).copied();
            if byte.is_some_and(|byte| self.table.is_on_trail(state, byte)) {
                (state, at) = (state.wrapping_add(1), at.wrapping_add(1));
                continue;
            }
            let way = self.table.way(state, kinds.kind(byte));
            if way == UNKNOWN {
                break Some(byte);
            }
            walk.registers[register(way)] = at as u32;
            state = (way & NUMBER) as Number;
            if way & STOP != 0 {
                break None;
            }
            at = at.wrapping_add(1);
        };
        (walk.state, walk.at) = (state, at);
        end
    }

    /// Finds out where such a byte leads to; `None` when there is no more room.
    #[cold]
    fn learn(&mut self, pattern: &Pattern, kinds: &Kinds, from: Number, byte: Byte) -> Option<()> {
        let (next, register) = pattern.next(&self.states[from], byte)?;
        let stop = if next.places.is_empty() { STOP } else { 0 };
        let number = self.number(next);
        let next = Way::try_from(number).ok().filter(|next| *next < NUMBER)?;
        self.table.set_way(from, kinds.kind(byte), stop | Way::from(register) << NUMBER.count_ones() | next);
        if let Some(byte) = byte.filter(|_| stop == 0 && register == WASTE && number == from + 1) {
            self.table.set_trail(from, byte);
        }
        (self.bytes + self.table.bytes() <= STATES_BYTES_MAX).then_some(())
    }

    /// The number of a state.
    fn number(&mut self, state: State) -> Number {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let marks = state.places.first().map_or(0, |(_, marks)| marks.len());
        self.bytes += state.places.len() * (size_of::<(StateID, Marks)>() + marks) + 2 * size_of::<State>();
        let (number, state) = (self.table.push(), Arc::new(state));
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }
}

#[inline]
fn register(way: Way) -> usize {
    ((way & !STOP) >> NUMBER.count_ones()) as usize
}

/// The state in which every text begins.
const START: Number = 0;
const NUMBER: Way = (1 << 25) - 1;
/// Nothing can follow that counts.
const STOP: Way = 1 << 31;
/// What is kept of it once made deterministic; when full, all of it is thrown away.
const STATES_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::super::matcher::{self, SLOTS_MAX};
    use super::super::tests::variants;
    use super::*;
    use regex_automata::Input;

    fn tagged(pattern: &str) -> Option<Tagged> {
        Tagged::of(&matcher::parse(pattern).unwrap())
    }

    /// How many texts match; that the groups are those which the regex crate finds, is checked.
    fn matches(pattern: &str, texts: &[String]) -> usize {
        let (tagged, regex) = (tagged(pattern).unwrap(), matcher::regex(pattern).unwrap());
        let is_match = |text: &&String| {
            let (mut expected, mut slots) = ([None; SLOTS_MAX], [None; SLOTS_MAX]);
            let is_match = regex.search_slots(&Input::new(text.as_str()), &mut expected).is_some();
            assert_eq!(tagged.find(text, &mut slots), Some(is_match), "{pattern}\n{text}");
            assert!(!is_match || slots == expected, "{pattern}\n{text}\n{slots:?}\n{expected:?}");
            is_match
        };
        texts.iter().filter(is_match).count()
    }

    #[test]
    fn the_groups_are_those_that_the_regex_crate_finds() {
        let rules = super::super::Rules::embedded();
        for (pattern, examples, all_match) in rules.patterns_with_examples() {
            let texts: Vec<String> = examples.iter().flat_map(|text| variants(text)).collect();
            assert!(matches(pattern, &texts) >= examples.len() || !all_match, "{pattern}");
        }
    }

    #[test]
    fn so_they_are_for_all_that_a_pattern_of_a_site_may_have() {
        let texts: Vec<String> = ["", "a", "aab", "ab ab c", "abcabc", "xx-yy", "ab\ncd", "éa", "a\u{0}b"]
            .iter()
            .flat_map(|text| variants(text))
            .collect();
        for pattern in [
            "^(?<user>a|ab)(?<old>c|bcd)?",
            "^(?:(?<user>a)|(?<old>b)| )+?c",
            "^(?:(?<user>a+?)b? ?){1,}",
            "^(?<user>[^ ]{2,3}?)(?<old>.*?) ?c?",
            "^(?<user>.*) (?<old>.+)|^a",
            "^(?:(?<user>a*)*|(?<old>b))*b",
            "^(?:ab){2}",
            "^a$",
            "^(?:ab)+? ?(?:c$|.)",
            "^(?i-u:a)(?-i:B)",
            "(?-i:AB)",
            "(?u:é)a",
            "^éa",
            "(?<user>a+)(?<old>b)?$",
            r"\b(?<user>\w+?)\b.*\b(?<old>c)",
            "",
        ] {
            matches(pattern, &texts);
        }
    }

    #[test]
    fn a_pattern_that_looks_further_is_not_tagged() {
        for pattern in ["(?m)^a", r"(?u:\b)a", r"\Ba", r"\b{start}a"] {
            assert!(tagged(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_found_and_forgotten() {
        let texts: Vec<String> = (0..200).map(|at| format!("a{}b", "xa".repeat(at))).collect();
        let crowded = tagged("^.*?(?<user>a.{0,300}?)(?<old>x.{0,300}?)b$").unwrap();
        let found: Vec<_> = texts.iter().map(|text| crowded.find(text, &mut [None; SLOTS_MAX])).collect();
        assert!(found.contains(&None) && found.contains(&Some(true)));
        let bytes = |known: &Known| known.bytes + known.table.bytes();
        assert!(bytes(&crowded.known.lock().unwrap()) <= STATES_BYTES_MAX);
        let long = format!("^(?:{})?x", "a?b?".repeat(5_000));
        assert!(tagged(&long).is_none_or(|long| long.find("aby", &mut [None; SLOTS_MAX]) != Some(true)));
    }
}
