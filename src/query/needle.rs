//! A look at a journal line before it is decoded: lines that lack a text of the filter are passed over.

use crate::filter::Filter;
use regex::bytes::{Regex, RegexBuilder};

/// Texts that must all stand in a line, each in one of its spellings.
pub(super) struct Needle(Vec<Regex>);

impl Needle {
    /// A text that cannot be looked for is left out: then more lines are decoded, never fewer.
    pub(super) fn new(filter: &Filter) -> Needle {
        let regexes = filter.literals().filter_map(|spellings| {
            let plain: Vec<String> = spellings.iter().map(|text| regex::escape(text)).collect();
            RegexBuilder::new(&plain.join("|"))
                .case_insensitive(true)
                .size_limit(REGEX_BYTES_MAX)
                .build()
                .ok()
        });
        Needle(regexes.collect())
    }

    /// Whether the line may hold a wanted record.
    pub(super) fn may_match(&self, line: &[u8]) -> bool {
        self.0.iter().all(|regex| regex.is_match(line))
    }
}

/// Enough for hundreds of names.
const REGEX_BYTES_MAX: usize = 1 << 20;
