//! A pattern as the steps that a walk along a text takes.
//!
//! ```text
//! ^User (?<user>[^\s"]+) logged in
//!   look start   text "user "   mark 2   run of [^\s"], 1 or more   mark 3   text " logged in"   end
//! ```
//!
//! Not here: taking them (`walk`).

use super::walk::SLOTS_MAX;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// The steps of a pattern, the last first.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    /// Where to begin.
    pub(super) first: usize,
}

/// One step; `next` is the place of the one behind it.
#[derive(Debug)]
pub(super) enum Step {
    /// Small letters stand for both cases.
    Text { text: Vec<u8>, next: usize },
    /// As many of these bytes as it takes; the greedy takes as many as there are, and then fewer.
    Run { bytes: ByteSet, min: usize, max: usize, is_greedy: bool, next: usize },
    /// The first way that leads to the end; the first of the two begins with one of these bytes.
    Either { starts: ByteSet, first: usize, second: usize },
    /// A group begins or ends here.
    Mark { slot: usize, next: usize },
    /// Stays where it is.
    Look { look: Look, next: usize },
    /// This is a match.
    End,
}

impl Steps {
    /// `None` for a pattern that can match elsewhere than at the start, or needs steps that are not here.
    pub(super) fn of(pattern: &Hir) -> Option<Steps> {
        let is_anchored = pattern.properties().look_set_prefix().contains(Look::Start);
        let mut all = Steps { steps: vec![Step::End], first: 0 };
        all.first = is_anchored.then(|| all.add(pattern, 0))??;
        Some(all)
    }

    /// Puts the steps of a part before the step `next`; returns the first of them.
    fn add(&mut self, part: &Hir, next: usize) -> Option<usize> {
        Some(match part.kind() {
            HirKind::Empty => next,
            HirKind::Literal(_) | HirKind::Class(_) => match letters(part) {
                Some(text) => self.push(Step::Text { text, next }),
                None => {
                    let bytes = ByteSet::of(part)?;
                    self.push(Step::Run { bytes, min: 1, max: 1, is_greedy: true, next })
                }
            },
            HirKind::Look(look @ (Look::Start | Look::End | Look::WordAscii)) => {
                self.push(Step::Look { look: *look, next })
            }
            HirKind::Look(_) => return None,
            HirKind::Repetition(repetition) => self.add_repetition(repetition, next)?,
            HirKind::Capture(group) => {
                let slot = 2 * usize::try_from(group.index).ok()?;
                if slot + 1 >= SLOTS_MAX {
                    return None;
                }
                let next = self.push(Step::Mark { slot: slot + 1, next });
                let next = self.add(&group.sub, next)?;
                self.push(Step::Mark { slot, next })
            }
            HirKind::Concat(parts) => self.add_all(parts, next)?,
            HirKind::Alternation(ways) => {
                let (last, ways) = ways.split_last()?;
                let last = self.add(last, next)?;
                ways.iter().rev().try_fold(last, |second, way| {
                    let first = self.add(way, next)?;
                    Some(self.push(Step::Either { starts: self.starts(first, STEPS_AHEAD), first, second }))
                })?
            }
        })
    }

    /// Parts one after the other; letters that follow each other are one step.
    fn add_all(&mut self, parts: &[Hir], mut next: usize) -> Option<usize> {
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
            next = self.push(Step::Text { text, next });
        }
        Some(next)
    }

    fn add_repetition(
        &mut self,
        Repetition { min, max, greedy, sub }: &Repetition,
        next: usize,
    ) -> Option<usize> {
        if let Some(bytes) = ByteSet::of(sub) {
            let min = usize::try_from(*min).ok()?;
            let max = max.map_or(Some(usize::MAX), |max| usize::try_from(max).ok())?;
            return Some(self.push(Step::Run { bytes, min, max, is_greedy: *greedy, next }));
        }
        let is_empty = sub.properties().minimum_len().is_none_or(|bytes| bytes == 0);
        let choice = self.push(Step::End);
        let body = match (*min, *max) {
            (0, Some(1)) => self.add(sub, next)?,
            (0 | 1, None) if !is_empty => self.add(sub, choice)?,
            _ => return None,
        };
        let (first, second) = if *greedy { (body, next) } else { (next, body) };
        self.steps[choice] = Step::Either { starts: self.starts(first, STEPS_AHEAD), first, second };
        Some(if *min == 0 { choice } else { body })
    }

    /// The bytes with which it can go on from a step; all where it need not go on, or after too many steps `ahead`.
    fn starts(&self, step: usize, ahead: usize) -> ByteSet {
        let Some(ahead) = ahead.checked_sub(1) else { return ByteSet::ALL };
        match &self.steps[step] {
            Step::Text { text, .. } => ByteSet::default().with(text[0].to_ascii_uppercase()).with(text[0]),
            Step::Run { bytes, min: 1.., .. } => *bytes,
            Step::Run { bytes, next, .. } => bytes.or(self.starts(*next, ahead)),
            Step::Either { starts, second, .. } => starts.or(self.starts(*second, ahead)),
            Step::Mark { next, .. } | Step::Look { next, .. } => self.starts(*next, ahead),
            Step::End => ByteSet::ALL,
        }
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }
}

/// The text that a part stands for, when every letter of it stands for both cases.
fn letters(part: &Hir) -> Option<Vec<u8>> {
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

/// Some of the 256 bytes.
#[derive(Debug, Clone, Copy, Default)]
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

    pub(super) fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

const STEPS_AHEAD: usize = 20;
