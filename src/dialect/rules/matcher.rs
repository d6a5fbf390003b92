//! A pattern ready for use: walked along, and where it cannot be walked, searched by the regex crate.

use super::pattern;
use super::steps::Steps;
use super::walk::{self, Slots, Walked};
use regex_automata::util::syntax;
use regex_automata::{Input, meta};
use regex_syntax::hir::Hir;
use std::sync::OnceLock;

#[derive(Debug)]
pub(super) struct Matcher {
    pattern: String,
    /// `None` for a pattern with more in it than the steps know.
    steps: Option<Steps>,
    /// For what the walk cannot do; made when first needed.
    regex: OnceLock<Option<meta::Regex>>,
}

impl Matcher {
    pub(super) fn of(pattern: &str, parsed: &Hir) -> Matcher {
        Matcher { pattern: pattern.to_owned(), steps: Steps::of(parsed), regex: OnceLock::new() }
    }

    /// Whether the pattern, one without groups, matches in the text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let can_begin = self.steps.as_ref().is_none_or(|steps| steps.can_begin(text.as_bytes()));
        can_begin && self.find(text, &mut [None; 2])
    }

    /// Whether the pattern matches in the text, and where its groups are.
    pub(super) fn find(&self, text: &str, slots: &mut Slots) -> bool {
        match self.steps.as_ref().map(|steps| walk::find(steps, text.as_bytes(), slots)) {
            Some(Walked::Found) => true,
            Some(Walked::NotFound) => false,
            Some(Walked::GaveUp) | None => {
                let found = self.regex.get_or_init(|| regex(&self.pattern).ok()).as_ref().and_then(|regex| {
                    let slots = slots.get_mut(..regex.group_info().slot_len())?;
                    regex.search_slots(&Input::new(text), slots)
                });
                found.is_some()
            }
        }
    }
}

/// The tree of a pattern.
pub(super) fn parse(pattern: &str) -> Option<Hir> {
    syntax::parse_with(&pattern::expand(pattern), &pattern::syntax()).ok()
}

/// Without the automata that find the end first: a pattern is only searched for where it matches.
pub(super) fn regex(pattern: &str) -> Result<meta::Regex, Box<meta::BuildError>> {
    let limits =
        meta::Config::new().hybrid(false).dfa(false).nfa_size_limit(Some(REGEX_BYTES_MAX)).utf8_empty(false);
    let mut builder = meta::Builder::new();
    let built = builder.configure(limits).syntax(pattern::syntax()).build(&pattern::expand(pattern));
    built.map_err(Box::new)
}

/// Compiled form of one pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;
