//! A look at a journal line before it is decoded: lines that lack a text of the filter are passed over.

use crate::filter::Filter;
use regex::bytes::{Regex, RegexBuilder};

/// Texts that must all stand in a line, each in one of its spellings.
pub(super) struct Needle {
    /// Of the line as it stands.
    literals: Vec<Regex>,
    /// Of what the line says: where something is escaped, that may be spelled in another way.
    texts: Vec<Regex>,
}

impl Needle {
    /// A text that cannot be looked for is left out: then more lines are decoded, never fewer.
    pub(super) fn new(filter: &Filter) -> Needle {
        let regexes =
            |sets: &mut dyn Iterator<Item = Vec<String>>| sets.filter_map(|set| regex(&set)).collect();
        Needle { literals: regexes(&mut filter.literals()), texts: regexes(&mut filter.texts()) }
    }

    /// Whether the line may hold a wanted record.
    pub(super) fn may_match(&self, line: &[u8]) -> bool {
        self.literals.iter().all(|regex| regex.is_match(line))
            && (self.texts.iter().all(|regex| regex.is_match(line)) || is_escaped(line))
    }
}

/// One of these texts, its letters in either case.
fn regex(set: &[String]) -> Option<Regex> {
    let plain: Vec<String> = set.iter().map(|text| regex::escape(text)).collect();
    let regex =
        RegexBuilder::new(&plain.join("|")).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build();
    regex.ok()
}

/// Whether something in the line is spelled in another way than it reads.
fn is_escaped(line: &[u8]) -> bool {
    memchr::memchr(b'\\', line).is_some() || memchr::memmem::find(line, b"\"raw-base64\":").is_some()
}

/// Enough for hundreds of names.
const REGEX_BYTES_MAX: usize = 1 << 20;
