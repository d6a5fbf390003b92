//! Finds the groups of a pattern by walking along the text, as one would read the rule oneself.
//!
//! Where there is a choice, the first way is tried first, and the next when that leads nowhere. That is what "first
//! match" means in the regex crate, so the groups are the same. The crate's own way to find groups keeps a table of
//! where it has been in the pattern at each byte; this compares whole words and keeps nothing.
//!
//! Invariant: linear time. A walk has a number of steps that grows with the text. When they are used up, or choices
//! lie too deep in each other, it gives up, and the regex crate does it.

use super::steps::{Step, Steps};
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::Look;

/// Where groups were found: two for the whole match and two for each group.
pub(super) type Slots = [Option<NonMaxUsize>; SLOTS_MAX];

/// How a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Walked {
    Found,
    NotFound,
    /// It became too long.
    GaveUp,
}

/// Looks for a match in the text up to `end`, and marks where its groups are.
pub(super) fn find(pattern: &Steps, text: &[u8], end: usize, slots: &mut Slots) -> Walked {
    let steps_left = STEPS_MIN + STEPS_PER_BYTE * end;
    let mut walker = Walker { steps: &pattern.steps, text, end, slots, steps_left, depth_left: DEPTH_MAX };
    let found = walker.go(pattern.first, 0);
    if walker.steps_left == 0 {
        return Walked::GaveUp;
    }
    let Some(found) = found else { return Walked::NotFound };
    (slots[0], slots[1]) = (NonMaxUsize::new(0), NonMaxUsize::new(found));
    Walked::Found
}

/// Someone on the way along a text.
struct Walker<'w> {
    steps: &'w [Step],
    text: &'w [u8],
    end: usize,
    slots: &'w mut Slots,
    steps_left: usize,
    depth_left: usize,
}

impl Walker<'_> {
    /// Goes on from a step at a place in the text; where the match ends, if this leads to one.
    fn go(&mut self, mut step: usize, mut at: usize) -> Option<usize> {
        loop {
            self.pay(1)?;
            match &self.steps[step] {
                Step::Text { text, next } => {
                    let there = self.text[at..self.end].get(..text.len())?;
                    if !there.eq_ignore_ascii_case(text) {
                        return None;
                    }
                    (step, at) = (*next, at + text.len());
                }
                Step::Run { bytes, min, max, is_greedy, next } => {
                    let rest = &self.text[at..self.end];
                    let most = rest.iter().take(*max).take_while(|&&byte| bytes.has(byte)).count();
                    let more = most.checked_sub(*min)?;
                    self.pay(most)?;
                    for count in 0..more {
                        let length = if *is_greedy { most - count } else { min + count };
                        if let Some(found) = self.try_from(*next, at + length) {
                            return Some(found);
                        }
                    }
                    (step, at) = (*next, at + if *is_greedy { *min } else { most });
                }
                Step::Either { starts, first, second } => {
                    let can_start = self.text.get(at).is_none_or(|&byte| starts.has(byte));
                    if let Some(found) = can_start.then(|| self.try_from(*first, at)).flatten() {
                        return Some(found);
                    }
                    step = *second;
                }
                Step::Mark { slot, next } => {
                    let before = std::mem::replace(&mut self.slots[*slot], NonMaxUsize::new(at));
                    let found = self.try_from(*next, at);
                    if found.is_none() {
                        self.slots[*slot] = before;
                    }
                    return found;
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

    /// A way that may lead nowhere.
    fn try_from(&mut self, step: usize, at: usize) -> Option<usize> {
        if self.depth_left == 0 {
            self.steps_left = 0;
        }
        self.depth_left = self.depth_left.saturating_sub(1);
        let found = self.go(step, at);
        self.depth_left += 1;
        found
    }

    /// `None` when there are not so many steps left.
    fn pay(&mut self, steps: usize) -> Option<()> {
        self.steps_left = self.steps_left.saturating_sub(steps);
        (self.steps_left > 0).then_some(())
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
/// Every choice on the way to the end, so that no text makes the stack deep.
const DEPTH_MAX: usize = 200;
const STEPS_MIN: usize = 500;
const STEPS_PER_BYTE: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::pattern;
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
            let walked = find(&steps, text.as_bytes(), text.len(), &mut slots);
            if may_give_up && walked == Walked::GaveUp {
                continue;
            }
            assert_eq!(walked, if is_match { Walked::Found } else { Walked::NotFound }, "{pattern}\n{text}");
            assert!(!is_match || slots == expected, "{pattern}\n{text}\n{slots:?}\n{expected:?}");
            matches += usize::from(is_match);
        }
        Some(matches)
    }

    /// The text, and the text with each word left out, said twice, in quotes or with a colon.
    fn variants(text: &str) -> Vec<String> {
        let words: Vec<&str> = text.split(' ').collect();
        let changed = (0..words.len()).flat_map(|at| {
            let word = words[at];
            let others =
                [String::new(), format!("{word} {word}"), format!("\"{word} x\""), format!("{word}::")];
            let changed =
                |other: String| [&words[..at], &[other.as_str()], &words[at + 1..]].concat().join(" ");
            others.map(changed)
        });
        changed.chain([text.to_owned(), text.to_uppercase(), format!("{text}ü")]).collect()
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
            let walked = find(&steps(pattern).unwrap(), long.as_bytes(), long.len(), &mut [None; SLOTS_MAX]);
            assert_eq!(walked, Walked::GaveUp, "{pattern}");
        }
    }

    #[test]
    fn a_long_pattern_has_steps_too_and_a_walk_along_it_ends() {
        for part in ["a?b?", "(?:aa)?", "aab|"] {
            let steps = steps(&format!("^(?:{})?x", part.repeat(5_000))).unwrap();
            assert!(find(&steps, b"aby", 3, &mut [None; SLOTS_MAX]) != Walked::Found, "{part}");
        }
    }
}
