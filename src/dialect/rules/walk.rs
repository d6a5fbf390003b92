//! Finds the groups of a pattern by walking along the text, as one would read the rule oneself.
//!
//! Where there is a choice, the first way is tried first, and the next when that leads nowhere. That is what "first
//! match" means in the regex crate, so the groups are the same. The crate's own way to find groups keeps a table of
//! where it has been in the pattern at each byte; this compares whole words and keeps nothing.
//!
//! Invariant: linear time. A walk has a number of steps that grows with the text. When they are used up, or choices
//! lie too deep in each other, it gives up, and the regex crate does it.

use super::steps::{Place, Step, Steps};
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
pub(super) fn find(steps: &Steps, text: &[u8], slots: &mut Slots) -> Walked {
    let steps_left = STEPS_MIN + STEPS_PER_BYTE * text.len();
    let marks = [(0, NOWHERE); MARKS_MAX];
    let mut walker = Walker { steps, text, slots, marks, marked: 0, steps_left, depth_left: DEPTH_MAX };
    let found = walker.try_from(steps.first, 0);
    if walker.steps_left == 0 {
        return Walked::GaveUp;
    }
    let Some(found) = found else { return Walked::NotFound };
    (slots[0], slots[1]) = (NonMaxUsize::new(0), NonMaxUsize::new(found));
    Walked::Found
}

/// Someone on the way along a text.
struct Walker<'w> {
    steps: &'w Steps,
    text: &'w [u8],
    slots: &'w mut Slots,
    /// Slots that were marked on the way, and what was in them before.
    marks: [(u32, u32); MARKS_MAX],
    marked: usize,
    steps_left: usize,
    depth_left: usize,
}

impl<'w> Walker<'w> {
    /// Goes on from a step at a place in the text; where the match ends, if this leads to one.
    fn go(&mut self, mut step: Place, mut at: usize) -> Option<usize> {
        let (steps, text): (&'w Steps, &'w [u8]) = (self.steps, self.text);
        loop {
            self.pay(1)?;
            match steps.step(step) {
                Step::Text { from, words, next } => {
                    for word in steps.words(*from, *words) {
                        at = word.end_in(text, at)?;
                    }
                    step = *next;
                }
                Step::Run { bytes, min, max, is_greedy, follows, next } => {
                    let (bytes, min) = (steps.set(*bytes), *min as usize);
                    let rest = &text[at..text.len().min(at.saturating_add(*max as usize))];
                    let most = rest.iter().position(|&byte| !bytes.has(byte)).unwrap_or(rest.len());
                    let more = most.checked_sub(min)?;
                    self.pay(most)?;
                    for count in 0..more {
                        let there = at + if *is_greedy { most - count } else { min + count };
                        if !steps.can_go_on(follows, text, there) {
                            continue;
                        }
                        if let Some(found) = self.try_from(*next, there) {
                            return Some(found);
                        }
                    }
                    (step, at) = (*next, at + if *is_greedy { min } else { most });
                }
                Step::Either { starts, first, second } => {
                    if !steps.can_go_on(starts, text, at) {
                        step = *second;
                        continue;
                    }
                    if let Some(found) = self.try_from(*first, at) {
                        return Some(found);
                    }
                    step = *second;
                }
                Step::Choose { ways } => {
                    let (last, others) = steps.ways(*ways, text.get(at).copied()).split_last()?;
                    for &way in others {
                        if let Some(found) = self.try_from(way, at) {
                            return Some(found);
                        }
                    }
                    step = *last;
                }
                Step::Mark { slot, next } => {
                    self.mark(*slot, at)?;
                    step = *next;
                }
                Step::Look { look, next } => {
                    if !self.sees(*look, at) {
                        return None;
                    }
                    step = *next;
                }
                Step::End => return Some(at),
            }
        }
    }

    /// A way that may lead nowhere; then nothing is marked on it.
    fn try_from(&mut self, step: Place, at: usize) -> Option<usize> {
        if self.depth_left == 0 {
            self.steps_left = 0;
        }
        let marked = self.marked;
        self.depth_left = self.depth_left.saturating_sub(1);
        let found = self.go(step, at);
        self.depth_left += 1;
        while found.is_none() && self.marked > marked {
            self.marked -= 1;
            let (slot, before) = self.marks[self.marked];
            self.slots[slot as usize] =
                (before != NOWHERE).then(|| NonMaxUsize::new(before as usize)).flatten();
        }
        found
    }

    /// `None` when there are too many marks.
    fn mark(&mut self, slot: u32, at: usize) -> Option<()> {
        let here = &mut self.slots[slot as usize];
        let before = here.map_or(Some(NOWHERE), |before| u32::try_from(before.get()).ok());
        let Some((mark, before)) = self.marks.get_mut(self.marked).zip(before) else {
            self.steps_left = 0;
            return None;
        };
        *mark = (slot, before);
        *here = NonMaxUsize::new(at);
        self.marked += 1;
        Some(())
    }

    /// `None` when there are not so many steps left.
    fn pay(&mut self, steps: usize) -> Option<()> {
        self.steps_left = self.steps_left.saturating_sub(steps);
        if self.steps_left == 0 { None } else { Some(()) }
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
/// The mark of a group that was not there.
const NOWHERE: u32 = u32::MAX;
/// Every choice on the way to the end, so that no text makes the stack deep.
const DEPTH_MAX: usize = 200;
const STEPS_MIN: usize = 500;
const STEPS_PER_BYTE: usize = 8;

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
        for pattern in ["^(?:a|b|ab)*c", "^a*a*a*a*c"] {
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
