//! Sets of texts, of each of which one must stand in a line: of several tests that all must hold, or one of them.

use super::test::Test;

/// One test must hold: its texts and those of all others. None if one of them needs no text.
pub(super) fn of_any<'a>(tests: impl Iterator<Item = &'a [Vec<String>]>) -> Vec<Vec<String>> {
    let mut tests = tests.peekable();
    let Some(first) = tests.next() else { return Vec::new() };
    if tests.peek().is_none() {
        return first.to_vec();
    }
    let mut set = Vec::new();
    for sets in std::iter::once(first).chain(tests) {
        let Some(texts) = sets.first() else { return Vec::new() };
        set.extend(texts.iter().cloned());
    }
    match set.len() <= TEXTS_MAX {
        true => vec![set],
        false => Vec::new(),
    }
}

/// The same of tests.
pub(super) fn of_tests(tests: &[Test]) -> Vec<Vec<String>> {
    of_any(tests.iter().map(Test::literals))
}

/// A longer list costs more to look for than it spares.
const TEXTS_MAX: usize = 256;
