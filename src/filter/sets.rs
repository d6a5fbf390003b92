//! Sets of texts, of each of which one must stand in a line: of several tests that all must hold, or one of them.

use super::test::Test;

/// Texts of which one must stand in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OneOf {
    /// The texts.
    pub texts: Vec<String>,
    /// One of them may stand where a line has its seq, its id or a count; else all stand in what a record says.
    pub is_number: bool,
}

/// One test must hold: its texts and those of all others. None if one of them needs no text.
pub(super) fn of_any<'a>(tests: impl Iterator<Item = &'a [OneOf]>) -> Vec<OneOf> {
    let mut tests = tests.peekable();
    let Some(first) = tests.next() else { return Vec::new() };
    if tests.peek().is_none() {
        return first.to_vec();
    }
    let mut set = OneOf::default();
    for sets in std::iter::once(first).chain(tests) {
        let Some(one) = sets.first() else { return Vec::new() };
        set.texts.extend(one.texts.iter().cloned());
        set.is_number |= one.is_number;
    }
    match set.texts.len() <= TEXTS_MAX {
        true => vec![set],
        false => Vec::new(),
    }
}

/// The same of tests.
pub(super) fn of_tests(tests: &[Test]) -> Vec<OneOf> {
    of_any(tests.iter().map(Test::literals))
}

/// A longer list costs more to look for than it spares.
const TEXTS_MAX: usize = 256;
