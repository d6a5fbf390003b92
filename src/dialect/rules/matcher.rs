//! A pattern ready for use: a tagged automaton, and where that does not do, the regex crate.

use super::pattern;
use super::tagged::Tagged;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Input, meta};
use regex_syntax::hir::Hir;
use std::sync::OnceLock;

/// Where groups were found: two for the whole match and two for each group.
pub(super) type Slots = [Option<NonMaxUsize>];

#[derive(Debug)]
pub(super) struct Matcher {
    pattern: String,
    /// `None` for a pattern that cannot be made one.
    tagged: Option<Tagged>,
    /// For what that cannot do; made when first needed.
    regex: OnceLock<Option<meta::Regex>>,
}

impl Matcher {
    pub(super) fn of(pattern: &str, parsed: &Hir) -> Matcher {
        Matcher { pattern: pattern.to_owned(), tagged: Tagged::of(parsed), regex: OnceLock::new() }
    }

    /// Whether the pattern, one without groups, matches in the text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.find(text, &mut [None; 2])
    }

    /// Whether the pattern matches in the text, and where its groups are.
    #[inline]
    pub(super) fn find(&self, text: &str, slots: &mut Slots) -> bool {
        let found = self.tagged.as_ref().and_then(|tagged| tagged.find(text, slots));
        found.unwrap_or_else(|| self.search(text, slots))
    }

    #[cold]
    fn search(&self, text: &str, slots: &mut Slots) -> bool {
        let regex = self.regex.get_or_init(|| regex(&self.pattern).ok());
        let found = regex.as_ref().and_then(|regex| {
            let slots = slots.get_mut(..regex.group_info().slot_len())?;
            regex.search_slots(&Input::new(text), slots)
        });
        found.is_some()
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

/// Two for each group.
pub(super) const SLOTS_MAX: usize = 64;
/// Compiled form of one pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;
