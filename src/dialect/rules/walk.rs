//! Finds the groups of a pattern by walking along the text, as one would read the rule oneself.
//!
//! Where there is a choice, the first way is tried first, and the next when that leads nowhere. That is what "first
//! match" means in the regex crate, so the groups are the same. The crate's own way to find groups keeps a table of
//! where it has been in the pattern at each byte; this compares whole words and keeps nothing.
//!
//! Invariant: linear time. A walk has a number of steps that grows with the text. When they are used up, or too many
//! choices are open, it gives up, and the regex crate does it.

use super::steps::{Place, Step, Steps, WaySet};
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::Look;

/// Where groups were found: two for the whole match and two for each group.
pub(super) type Slots = [Option<NonMaxUsize>];

/// How a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Walked {
    Found,
    NotFound,
    /// It became too long.
    GaveUp,
}

/// Looks for a match in the text, and marks where its groups are.
#[inline]
pub(super) fn find(steps: &Steps, text: &[u8], slots: &mut Slots) -> Walked {
    let Ok(length) = u32::try_from(text.len()) else { return Walked::GaveUp };
    let steps_left = length.saturating_mul(STEPS_PER_BYTE).saturating_add(STEPS_MIN);
    let (mut turns, mut marks) = ([Turn::default(); TURNS_MAX], [Mark::default(); MARKS_MAX]);
    let mut walker =
        Walker { steps, text, turns: &mut turns, turned: 0, marks: &mut marks, marked: 0, steps_left };
    let found = walker.walk();
    let (marked, steps_left) = (walker.marked as usize, walker.steps_left);
    let Some(found) = found else {
        return if steps_left == 0 { Walked::GaveUp } else { Walked::NotFound };
    };
    for &Mark { slot, at } in &marks[..marked] {
        slots[slot as usize] = NonMaxUsize::new(at as usize);
    }
    (slots[0], slots[1]) = (NonMaxUsize::new(0), NonMaxUsize::new(found));
    Walked::Found
}

/// Someone on the way along a text.
struct Walker<'w> {
    steps: &'w Steps,
    text: &'w [u8],
    /// Where there was a choice, and still is.
    turns: &'w mut [Turn; TURNS_MAX],
    turned: u32,
    /// The groups that were passed on the way; the last mark of a slot counts.
    marks: &'w mut [Mark; MARKS_MAX],
    marked: u32,
    steps_left: u32,
}

/// A place in the text from where one could have gone on otherwise.
#[derive(Clone, Copy, Default)]
struct Turn {
    /// A choice, or the bytes of a run.
    step: Place,
    marked: u32,
    at: u32,
    /// The last place where a run can end, or the ways of a choice.
    rest: u32,
}

/// A place in the text where a group begins or ends.
#[derive(Clone, Copy, Default)]
struct Mark {
    slot: u32,
    at: u32,
}

impl<'w> Walker<'w> {
    /// Where the match ends, if there is one; with no steps left it is not known.
    #[inline(always)]
    fn walk(&mut self) -> Option<usize> {
        let (steps, text): (&'w Steps, &'w [u8]) = (self.steps, self.text);
        let (mut place, mut at) = (steps.first, 0);
        loop {
            self.steps_left = self.steps_left.checked_sub(1)?;
            let next = match *steps.step(place) {
                Step::Text { ref word, next } => word.end_in(text, at).map(|end| (next, end)),
                Step::One { bytes, next } => {
                    let stands = text.get(at).is_some_and(|&byte| steps.set(bytes).has(byte));
                    stands.then_some((next, at.wrapping_add(1)))
                }
                Step::Run { bytes, min, max, .. } => {
                    let bytes = steps.set(bytes);
                    let rest = &text[at..text.len().min(at.saturating_add(max as usize))];
                    let most = rest.iter().position(|&byte| !bytes.has(byte)).unwrap_or(rest.len());
                    self.steps_left = self.steps_left.saturating_sub(most as u32);
                    self.end_run(place, at.saturating_add(min as usize), at.wrapping_add(most))
                }
                Step::Choose { ways, ref rows } => self.choose(place, ways, steps.ways(rows, text, at), at),
                Step::Mark { slot, next } => self.mark(slot, at).map(|()| (next, at)),
                Step::Look { look, next } => self.sees(look, at).then_some((next, at)),
                Step::End => return Some(at),
            };
            (place, at) = match next {
                Some(next) => next,
                None => self.turn_back()?,
            };
        }
    }

    /// `None` when there are too many marks.
    #[inline(always)]
    fn mark(&mut self, slot: u32, at: usize) -> Option<()> {
        let Some(mark) = self.marks.get_mut(self.marked as usize) else {
            self.steps_left = 0;
            return None;
        };
        *mark = Mark { slot, at: at as u32 };
        self.marked = self.marked.wrapping_add(1);
        Some(())
    }

    /// Takes the first of these ways, and keeps the others in mind.
    #[inline(always)]
    fn choose(&mut self, step: Place, from: Place, ways: WaySet, at: usize) -> Option<(Place, usize)> {
        if ways == 0 {
            return None;
        }
        let others = ways & (ways - 1);
        if others != 0 {
            self.keep_in_mind(step, at, others as usize)?;
        }
        Some((self.steps.way(from, ways), at))
    }

    /// Ends a run at the first place between these two, both included, where the text can go on.
    #[inline(always)]
    fn end_run(&mut self, step: Place, mut at: usize, mut last: usize) -> Option<(Place, usize)> {
        let Step::Run { is_greedy, ref follows, next, .. } = *self.steps.step(step) else { return None };
        while at <= last {
            let here = if is_greedy { last } else { at };
            if is_greedy {
                let Some(before) = last.checked_sub(1) else {
                    // The only place is the start of the text.
                    return self.steps.can_go_on(follows, self.text, here).then_some((next, here));
                };
                last = before;
            } else {
                at += 1;
            }
            if self.steps.can_go_on(follows, self.text, here) {
                if at <= last {
                    self.keep_in_mind(step, at, last)?;
                }
                return Some((next, here));
            }
        }
        None
    }

    /// `None` when there are too many turns to keep in mind.
    #[inline(always)]
    fn keep_in_mind(&mut self, step: Place, at: usize, rest: usize) -> Option<()> {
        let Some(turn) = self.turns.get_mut(self.turned as usize) else {
            self.steps_left = 0;
            return None;
        };
        *turn = Turn { step, marked: self.marked, at: at as u32, rest: rest as u32 };
        self.turned = self.turned.wrapping_add(1);
        Some(())
    }

    /// Goes back to the last turn and another way from there.
    #[inline(always)]
    fn turn_back(&mut self) -> Option<(Place, usize)> {
        while self.steps_left > 0 {
            self.turned = self.turned.checked_sub(1)?;
            let Turn { step, marked, at, rest } = self.turns[self.turned as usize];
            self.marked = marked;
            let next = match *self.steps.step(step) {
                Step::Choose { ways, .. } => self.choose(step, ways, rest as WaySet, at as usize),
                _ => self.end_run(step, at as usize, rest as usize),
            };
            if next.is_some() {
                return next;
            }
        }
        None
    }

    fn sees(&self, look: Look, at: usize) -> bool {
        let in_word =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        match look {
            Look::WordAscii => in_word(self.text[..at].last()) != in_word(self.text.get(at)),
            Look::End => at == self.text.len(),
            _ => at == 0,
        }
    }
}

pub(super) const SLOTS_MAX: usize = 64;
/// A group marks two places each time that it is passed.
const MARKS_MAX: usize = 32;
/// More turns at a time are not kept in mind.
const TURNS_MAX: usize = 32;
const STEPS_MIN: u32 = 500;
const STEPS_PER_BYTE: u32 = 8;

#[cfg(test)]
mod tests {
    use super::super::pattern;
    use super::super::tests::variants;
    use super::*;
    use regex_automata::util::syntax;
    use regex_automata::{Input, meta};

    fn steps(pattern: &str) -> Option<Steps> {
        Steps::of(&syntax::parse_with(&pattern::expand(pattern), &pattern::syntax()).unwrap())
    }

    /// What the regex crate and a walk find; `None` for a pattern that cannot be walked.
    fn found(pattern: &str, texts: &[String], may_give_up: bool) -> Option<usize> {
        let steps = steps(pattern)?;
        let mut builder = meta::Builder::new();
        let regex = builder.syntax(pattern::syntax()).build(&pattern::expand(pattern)).unwrap();
        let mut matches = 0;
        for text in texts {
            let (mut expected, mut slots) = ([None; SLOTS_MAX], [None; SLOTS_MAX]);
            let is_match = regex.search_slots(&Input::new(text.as_str()), &mut expected).is_some();
            let walked = find(&steps, text.as_bytes(), &mut slots);
            if may_give_up && walked == Walked::GaveUp {
                continue;
            }
            assert_eq!(walked, if is_match { Walked::Found } else { Walked::NotFound }, "{pattern}\n{text}");
            assert!(!is_match || slots == expected, "{pattern}\n{text}\n{slots:?}\n{expected:?}");
            matches += usize::from(is_match);
        }
        Some(matches)
    }

    #[test]
    fn a_walk_finds_what_the_regex_crate_finds() {
        let rules = super::super::Rules::embedded();
        for (pattern, examples, all_match) in rules.patterns_with_examples() {
            let texts: Vec<String> = examples.iter().flat_map(|text| variants(text)).collect();
            let matches =
                found(pattern, &texts, !all_match).unwrap_or_else(|| panic!("cannot be walked: {pattern}"));
            assert!(matches >= examples.len() || !all_match);
        }
    }

    #[test]
    fn all_that_a_pattern_of_a_site_may_have_is_walked_as_the_regex_crate_does() {
        let texts: Vec<String> = ["", "a", "aab", "ab ab c", "abcabc", "xx-yy", "ab\ncd", "éa", "a\u{0}b"]
            .iter()
            .flat_map(|text| variants(text))
            .collect();
        for (pattern, is_walked) in [
            ("^(?<user>a|ab)(?<old>c|bcd)?", true),
            ("^(?:(?<user>a)|(?<old>b)| )+?c", true),
            ("^(?:(?<user>a+?)b? ?){1,}", true),
            ("^(?<user>[^ ]{2,3}?)(?<old>.*?) ?c?", true),
            ("^(?<user>.*) (?<old>.+)|^a", true),
            ("^(?:a*)*b", false),
            ("^(?:ab){2}", false),
            ("^a$", true),
            ("^(?:ab)+? ?(?:c$|.)", true),
            ("^(?i-u:a)(?-i:B)", true),
            ("^(?-i:AB)", false),
            ("^(?u:é)a", false),
            ("^éa", true),
            ("a", false),
        ] {
            assert_eq!(found(pattern, &texts, false).is_some(), is_walked, "{pattern}");
        }
    }

    #[test]
    fn a_walk_that_grows_too_long_or_too_deep_ends() {
        let long = "a".repeat(5_000);
        for pattern in ["^(?:a|aa)*c", "^a*a*a*a*c"] {
            let walked = find(&steps(pattern).unwrap(), long.as_bytes(), &mut [None; SLOTS_MAX]);
            assert_eq!(walked, Walked::GaveUp, "{pattern}");
        }
    }

    #[test]
    fn a_long_pattern_has_steps_too_and_a_walk_along_it_ends() {
        for part in ["a?b?", "(?:aa)?", "aab|"] {
            let steps = steps(&format!("^(?:{})?x", part.repeat(5_000))).unwrap();
            assert!(find(&steps, b"aby", &mut [None; SLOTS_MAX]) != Walked::Found, "{part}");
        }
    }
}
