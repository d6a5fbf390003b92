//! A pattern as the steps that a walk along a text takes.
//!
//! ```text
//! ^User (?<user>[^\s"]+) logged in
//!   look start   text "user "   mark 2   run of [^\s"], 1 or more   mark 3   text " logged in"   end
//! ```
//!
//! A choice knows the bytes with which each of its ways can begin, and a run those that can follow it, so that a walk
//! tries few ways that lead nowhere.
//!
//! Not here: taking them (`walk`).

use super::walk::SLOTS_MAX;
use super::word::Word;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use std::collections::HashMap;

/// The steps of a pattern, the last first.
#[derive(Debug, Default)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// Where to begin.
    pub(super) first: Place,
    words: Vec<Word>,
    sets: Vec<ByteSet>,
    ways: Vec<Ways>,
}

/// A place in one of the tables of `Steps`.
pub(super) type Place = u32;

/// One step; `next` is the place of the one behind it.
#[derive(Debug)]
pub(super) enum Step {
    /// Small letters stand for both cases.
    Text { from: Place, words: u32, next: Place },
    /// As many of these bytes as it takes; the greedy takes as many as there are, and then fewer.
    Run { bytes: Place, min: u32, max: u32, is_greedy: bool, follows: Ahead<Place>, next: Place },
    /// The first way that leads to the end; the first of the two begins with such bytes.
    Either { starts: Ahead<Place>, first: Place, second: Place },
    /// The first of many ways that leads to the end.
    Choose { ways: Place },
    /// A group begins or ends here.
    Mark { slot: u32, next: Place },
    /// Stays where it is.
    Look { look: Look, next: Place },
    /// This is a match.
    End,
}

/// What the next byte can be, and the one behind it, where the text does not end before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead<Set> {
    first: Set,
    second: Set,
}

/// Ways in the order in which they are tried.
#[derive(Debug)]
struct Ways {
    /// For each byte the place in `lists` of the ways that can begin with it.
    by_byte: Box<[u8; 256]>,
    lists: Vec<Box<[Place]>>,
    all: Box<[Place]>,
}

impl Steps {
    /// `None` for a pattern that can match elsewhere than at the start, or needs steps that are not here.
    pub(super) fn of(pattern: &Hir) -> Option<Steps> {
        let is_anchored = pattern.properties().look_set_prefix().contains(Look::Start);
        let mut builder = Builder::default();
        let end = builder.push(Step::End, Ahead::ANY)?;
        let first = is_anchored.then(|| builder.add(pattern, end))??;
        let mut steps = Steps { first, ..builder.made };
        steps.steps.shrink_to_fit();
        steps.words.shrink_to_fit();
        Some(steps)
    }

    #[inline]
    pub(super) fn step(&self, at: Place) -> &Step {
        &self.steps[at as usize]
    }

    #[inline]
    pub(super) fn words(&self, from: Place, words: u32) -> &[Word] {
        &self.words[from as usize..][..words as usize]
    }

    #[inline]
    pub(super) fn set(&self, at: Place) -> &ByteSet {
        &self.sets[at as usize]
    }

    /// The ways that the text may take that goes on with `byte`, or ends.
    #[inline]
    pub(super) fn ways(&self, at: Place, byte: Option<u8>) -> &[Place] {
        let ways = &self.ways[at as usize];
        byte.map_or(&ways.all, |byte| &ways.lists[usize::from(ways.by_byte[usize::from(byte)])])
    }

    /// Whether `text` can go on so from `at`.
    #[inline]
    pub(super) fn can_go_on(&self, ahead: &Ahead<Place>, text: &[u8], at: usize) -> bool {
        text.get(at).is_none_or(|&byte| self.set(ahead.first).has(byte))
            && text.get(at + 1).is_none_or(|&byte| self.set(ahead.second).has(byte))
    }
}

/// Steps while they are made.
#[derive(Default)]
struct Builder {
    made: Steps,
    /// What can come from each step on.
    ahead: Vec<Ahead<ByteSet>>,
    places_of_sets: HashMap<ByteSet, Place>,
}

impl Builder {
    /// Puts the steps of a part before the step `next`; returns the first of them.
    fn add(&mut self, part: &Hir, next: Place) -> Option<Place> {
        match part.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(_) | HirKind::Class(_) => match letters(part) {
                Some(text) => self.add_text(&text, next),
                None => self.add_run(ByteSet::of(part)?, 1, Some(1), true, next),
            },
            HirKind::Look(look @ (Look::Start | Look::End | Look::WordAscii)) => {
                self.push(Step::Look { look: *look, next }, self.ahead_of(next))
            }
            HirKind::Look(_) => None,
            HirKind::Repetition(repetition) => self.add_repetition(repetition, next),
            HirKind::Capture(group) => {
                let slot = group.index.checked_mul(2).filter(|slot| slot + 1 < SLOTS_MAX as u32)?;
                let next = self.push(Step::Mark { slot: slot + 1, next }, self.ahead_of(next))?;
                let next = self.add(&group.sub, next)?;
                self.push(Step::Mark { slot, next }, self.ahead_of(next))
            }
            HirKind::Concat(parts) => self.add_all(parts, next),
            HirKind::Alternation(ways) => {
                let ways: Option<Vec<Place>> = ways.iter().map(|way| self.add(way, next)).collect();
                self.add_choice(&ways?)
            }
        }
    }

    /// Parts one after the other; letters that follow each other are one step.
    fn add_all(&mut self, parts: &[Hir], mut next: Place) -> Option<Place> {
        let mut parts = parts.iter().rev().peekable();
        while let Some(part) = parts.next() {
            let Some(mut text) = letters(part) else {
                next = self.add(part, next)?;
                continue;
            };
            while let Some(before) = parts.peek().and_then(|part| letters(part)) {
                text.splice(..0, before);
                parts.next();
            }
            next = self.add_text(&text, next)?;
        }
        Some(next)
    }

    fn add_text(&mut self, text: &[u8], next: Place) -> Option<Place> {
        let [first, others @ ..] = text else { return Some(next) };
        let letter = |letter: u8| ByteSet::default().with(letter.to_ascii_uppercase()).with(letter);
        let second = others.first().map_or(self.ahead_of(next).first, |&second| letter(second));
        let from = place(self.made.words.len())?;
        self.made.words.extend(text.chunks(Word::BYTES).map(Word::of));
        let words = place(self.made.words.len())? - from;
        let step = Step::Text { from, words, next };
        self.push(step, Ahead { first: letter(*first), second })
    }

    fn add_run(
        &mut self,
        bytes: ByteSet,
        min: u32,
        max: Option<u32>,
        is_greedy: bool,
        next: Place,
    ) -> Option<Place> {
        let then = self.ahead_of(next);
        let ahead = match (min, max) {
            (0, _) => {
                let first = bytes.or(then.first);
                Ahead { first, second: first.or(then.second) }
            }
            (1, Some(1)) => Ahead { first: bytes, second: then.first },
            (1, _) => Ahead { first: bytes, second: bytes.or(then.first) },
            _ => Ahead { first: bytes, second: bytes },
        };
        let follows = Ahead { first: self.set(then.first)?, second: self.set(then.second)? };
        let (bytes, max) = (self.set(bytes)?, max.unwrap_or(u32::MAX));
        self.push(Step::Run { bytes, min, max, is_greedy, follows, next }, ahead)
    }

    fn add_repetition(
        &mut self,
        Repetition { min, max, greedy, sub }: &Repetition,
        next: Place,
    ) -> Option<Place> {
        if let Some(bytes) = ByteSet::of(sub) {
            return self.add_run(bytes, *min, *max, *greedy, next);
        }
        let is_empty = sub.properties().minimum_len().is_none_or(|bytes| bytes == 0);
        let choice = self.push(Step::End, Ahead::ANY)?;
        let body = match (*min, *max) {
            (0, Some(1)) => self.add(sub, next)?,
            (0 | 1, None) if !is_empty => self.add(sub, choice)?,
            _ => return None,
        };
        let (first, second) = if *greedy { (body, next) } else { (next, body) };
        let (step, ahead) = self.either(first, second)?;
        (self.made.steps[choice as usize], self.ahead[choice as usize]) = (step, ahead);
        Some(if *min == 0 { choice } else { body })
    }

    fn add_choice(&mut self, ways: &[Place]) -> Option<Place> {
        if ways.len() < WAYS_MIN {
            let (last, ways) = ways.split_last()?;
            return ways.iter().rev().try_fold(*last, |second, way| {
                let (step, ahead) = self.either(*way, second)?;
                self.push(step, ahead)
            });
        }
        let ahead = ways.iter().fold(Ahead::NOTHING, |ahead, &way| ahead.or(self.ahead_of(way)));
        let mut lists: Vec<Box<[Place]>> = Vec::new();
        let mut by_byte = Box::new([0; 256]);
        for byte in 0..=u8::MAX {
            let begins = |way: &Place| self.ahead_of(*way).first.has(byte);
            let list: Box<[Place]> = ways.iter().copied().filter(begins).collect();
            let known = lists.iter().position(|known| *known == list).unwrap_or_else(|| {
                lists.push(list);
                lists.len() - 1
            });
            by_byte[usize::from(byte)] = u8::try_from(known).ok()?;
        }
        let number = place(self.made.ways.len())?;
        self.made.ways.push(Ways { by_byte, lists, all: ways.into() });
        self.push(Step::Choose { ways: number }, ahead)
    }

    fn either(&mut self, first: Place, second: Place) -> Option<(Step, Ahead<ByteSet>)> {
        let (one, other) = (self.ahead_of(first), self.ahead_of(second));
        let starts = Ahead { first: self.set(one.first)?, second: self.set(one.second)? };
        Some((Step::Either { starts, first, second }, one.or(other)))
    }

    fn ahead_of(&self, step: Place) -> Ahead<ByteSet> {
        self.ahead[step as usize]
    }

    fn set(&mut self, set: ByteSet) -> Option<Place> {
        let next = place(self.made.sets.len())?;
        let sets = &mut self.made.sets;
        Some(*self.places_of_sets.entry(set).or_insert_with(|| {
            sets.push(set);
            next
        }))
    }

    fn push(&mut self, step: Step, ahead: Ahead<ByteSet>) -> Option<Place> {
        self.made.steps.push(step);
        self.ahead.push(ahead);
        place(self.made.steps.len() - 1)
    }
}

fn place(number: usize) -> Option<Place> {
    Place::try_from(number).ok()
}

/// The text that a part stands for, when every letter of it stands for both cases.
pub(super) fn letters(part: &Hir) -> Option<Vec<u8>> {
    match part.kind() {
        HirKind::Literal(literal) if !literal.0.iter().any(u8::is_ascii_alphabetic) => {
            Some(literal.0.to_vec())
        }
        HirKind::Class(Class::Bytes(class)) => match class.ranges() {
            [large, small] if large.len() == 1 && small.len() == 1 => {
                let letter = small.start();
                (letter.is_ascii_lowercase() && large.start() == letter.to_ascii_uppercase())
                    .then(|| vec![letter])
            }
            _ => None,
        },
        _ => None,
    }
}

impl Ahead<ByteSet> {
    const ANY: Ahead<ByteSet> = Ahead { first: ByteSet::ALL, second: ByteSet::ALL };
    const NOTHING: Ahead<ByteSet> = Ahead { first: ByteSet([0; 4]), second: ByteSet([0; 4]) };

    fn or(self, other: Ahead<ByteSet>) -> Ahead<ByteSet> {
        Ahead { first: self.first.or(other.first), second: self.second.or(other.second) }
    }
}

/// Some of the 256 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// The bytes of a part that is one byte long.
    fn of(part: &Hir) -> Option<ByteSet> {
        match part.kind() {
            HirKind::Literal(literal) if literal.0.len() == 1 => Some(ByteSet::default().with(literal.0[0])),
            HirKind::Class(Class::Bytes(class)) => {
                let bytes = class.iter().flat_map(|range| range.start()..=range.end());
                Some(bytes.fold(ByteSet::default(), ByteSet::with))
            }
            _ => None,
        }
    }

    fn with(mut self, byte: u8) -> ByteSet {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        self
    }

    fn or(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

/// Fewer ways are tried one after the other.
const WAYS_MIN: usize = 4;
