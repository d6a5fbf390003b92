//! A pattern as the steps that a walk along a text takes.
//!
//! ```text
//! ^User (?<user>[^\s"]+) logged in
//!   look start   text "user "   mark 2   run of [^\s"], 1 or more   mark 3   text " logged in"   end
//! ```
//!
//! A choice knows the two bytes with which each of its ways can begin, and a run those that can follow it, so that a
//! walk tries few ways that lead nowhere. Choices that follow each other are one.
//!
//! Not here: taking them (`walk`).

use super::bytes::{ByteSet, Kinds};
use super::walk::SLOTS_MAX;
use super::word::Word;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use std::collections::HashMap;

/// The steps of a pattern, the last first.
#[derive(Debug)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// Where to begin.
    pub(super) first: Place,
    sets: Vec<ByteSet>,
    ways: Vec<Place>,
    kinds: Kinds,
    /// With what a text begins that may match.
    begins: Ahead<ByteSet>,
}

/// A place in one of the tables of `Steps`.
pub(super) type Place = u32;

/// One step; `next` is the place of the one behind it.
#[derive(Debug)]
pub(super) enum Step {
    /// Small letters stand for both cases.
    Text { word: Word, next: Place },
    /// One of these bytes.
    One { bytes: Place, next: Place },
    /// As many of these bytes as it takes; the greedy takes as many as there are, and then fewer.
    Run { bytes: Place, min: u32, max: u32, is_greedy: bool, follows: Ahead<Place>, next: Place },
    /// The first way that leads to the end. They stand together in `ways`; `rows` of `Kinds` tell which of them can go
    /// on with the next byte and with that behind it.
    Choose { ways: Place, rows: Ahead<Place> },
    /// A group begins or ends here.
    Mark { slot: u32, next: Place },
    /// Stays where it is.
    Look { look: Look, next: Place },
    /// This is a match.
    End,
}

/// What the next byte can be, and the one behind it, where the text does not end before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ahead<Set> {
    first: Set,
    second: Set,
}

/// Some ways of a choice, a bit for each.
pub(super) type WaySet = u8;

impl Steps {
    /// `None` for a pattern that can match elsewhere than at the start, or needs steps that are not here.
    pub(super) fn of(pattern: &Hir) -> Option<Steps> {
        let is_anchored = pattern.properties().look_set_prefix().contains(Look::Start);
        let mut builder = Builder::default();
        let end = builder.push(Step::End, Ahead::ANY)?;
        let mut first = is_anchored.then(|| builder.add(pattern, end))??;
        // A walk begins at the start.
        while let Step::Look { look: Look::Start, next } = builder.steps[first as usize] {
            first = next;
        }
        builder.finish(first)
    }

    #[inline]
    pub(super) fn step(&self, at: Place) -> &Step {
        &self.steps[at as usize]
    }

    #[inline]
    pub(super) fn set(&self, at: Place) -> &ByteSet {
        &self.sets[at as usize]
    }

    /// The ways of a choice that the text may take that goes on as it does from `at`.
    #[inline]
    pub(super) fn ways(&self, rows: &Ahead<Place>, text: &[u8], at: usize) -> WaySet {
        self.kinds.ways(rows.first, text.get(at)) & self.kinds.ways(rows.second, text.get(at.wrapping_add(1)))
    }

    /// The first of these ways of a choice whose ways stand there.
    #[inline]
    pub(super) fn way(&self, from: Place, ways: WaySet) -> Place {
        self.ways[(from as usize).wrapping_add(ways.trailing_zeros() as usize)]
    }

    /// Whether a text that begins so may match.
    #[inline]
    pub(super) fn can_begin(&self, text: &[u8]) -> bool {
        text.first().is_none_or(|&byte| self.begins.first.has(byte))
            && text.get(1).is_none_or(|&byte| self.begins.second.has(byte))
    }

    /// Whether `text` can go on so from `at`.
    #[inline]
    pub(super) fn can_go_on(&self, ahead: &Ahead<Place>, text: &[u8], at: usize) -> bool {
        text.get(at).is_none_or(|&byte| self.set(ahead.first).has(byte))
            && text.get(at.wrapping_add(1)).is_none_or(|&byte| self.set(ahead.second).has(byte))
    }
}

/// Steps while they are made.
#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
    /// What can come from each step on.
    ahead: Vec<Ahead<ByteSet>>,
    /// The places of their ways; until all are known, a choice has the place of its own here.
    choices: Vec<Vec<Place>>,
    sets: Vec<ByteSet>,
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
        let letter = |letter: u8| ByteSet::default().with(letter.to_ascii_uppercase()).with(letter);
        text.chunks(Word::BYTES).rev().try_fold(next, |next, letters| {
            let [first, others @ ..] = letters else { return Some(next) };
            let second = others.first().map_or(self.ahead_of(next).first, |&second| letter(second));
            let step = Step::Text { word: Word::of(letters), next };
            self.push(step, Ahead { first: letter(*first), second })
        })
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
        if (min, max) == (1, Some(1)) {
            let bytes = self.set(bytes)?;
            return self.push(Step::One { bytes, next }, ahead);
        }
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
        let (step, ahead) = self.choice(&[first, second])?;
        (self.steps[choice as usize], self.ahead[choice as usize]) = (step, ahead);
        Some(if *min == 0 { choice } else { body })
    }

    /// Too many ways are a choice among choices.
    fn add_choice(&mut self, ways: &[Place]) -> Option<Place> {
        if let [way] = ways {
            return Some(*way);
        }
        if ways.len() <= WAYS_MAX {
            let (step, ahead) = self.choice(ways)?;
            return self.push(step, ahead);
        }
        let part = ways.len().div_ceil(WAYS_MAX).max(WAYS_MAX);
        let parts: Option<Vec<Place>> = ways.chunks(part).map(|part| self.add_choice(part)).collect();
        self.add_choice(&parts?)
    }

    /// A choice that has those of its ways that are choices in it, as far as there is room.
    fn choice(&mut self, ways: &[Place]) -> Option<(Step, Ahead<ByteSet>)> {
        let mut flat: Vec<Place> = Vec::new();
        for (number, &way) in ways.iter().enumerate() {
            let room = WAYS_MAX - (ways.len() - number - 1);
            match &self.steps[way as usize] {
                Step::Choose { ways, .. } if flat.len() + self.choices[*ways as usize].len() <= room => {
                    flat.extend(&self.choices[*ways as usize]);
                }
                _ => flat.push(way),
            }
        }
        let ahead = flat.iter().fold(Ahead::NOTHING, |ahead, &way| ahead.or(self.ahead_of(way)));
        let ways = place(self.choices.len())?;
        self.choices.push(flat);
        Some((Step::Choose { ways, rows: Ahead { first: 0, second: 0 } }, ahead))
    }

    fn ahead_of(&self, step: Place) -> Ahead<ByteSet> {
        self.ahead[step as usize]
    }

    fn set(&mut self, set: ByteSet) -> Option<Place> {
        let next = place(self.sets.len())?;
        let sets = &mut self.sets;
        Some(*self.places_of_sets.entry(set).or_insert_with(|| {
            sets.push(set);
            next
        }))
    }

    fn push(&mut self, step: Step, ahead: Ahead<ByteSet>) -> Option<Place> {
        self.steps.push(step);
        self.ahead.push(ahead);
        place(self.steps.len() - 1)
    }

    fn finish(mut self, first: Place) -> Option<Steps> {
        let aheads = |ways: &Vec<Place>| ways.iter().map(|&way| self.ahead_of(way)).collect::<Vec<_>>();
        let aheads: Vec<Vec<Ahead<ByteSet>>> = self.choices.iter().map(aheads).collect();
        let sets = aheads.iter().flatten().flat_map(|ahead| [ahead.first, ahead.second]);
        let mut kinds = Kinds::of(sets.collect());
        let mut ways_in_all: Vec<Place> = Vec::new();
        for step in &mut self.steps {
            let Step::Choose { ways, rows } = step else { continue };
            let choice = *ways as usize;
            let row = |of: fn(&Ahead<ByteSet>) -> ByteSet| aheads[choice].iter().map(of).collect::<Vec<_>>();
            let (first, second) = (row(|ahead| ahead.first), row(|ahead| ahead.second));
            *rows = Ahead { first: kinds.row(&first)?, second: kinds.row(&second)? };
            *ways = place(ways_in_all.len())?;
            ways_in_all.extend(&self.choices[choice]);
        }
        self.steps.shrink_to_fit();
        ways_in_all.shrink_to_fit();
        kinds.finish();
        let begins = self.ahead_of(first);
        let Builder { steps, sets, .. } = self;
        Some(Steps { steps, first, sets, ways: ways_in_all, kinds, begins })
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
    const NOTHING: Ahead<ByteSet> = Ahead { first: ByteSet::NONE, second: ByteSet::NONE };

    fn or(self, other: Ahead<ByteSet>) -> Ahead<ByteSet> {
        Ahead { first: self.first.or(other.first), second: self.second.or(other.second) }
    }
}

/// So many ways a choice has at most.
const WAYS_MAX: usize = WaySet::BITS as usize;
