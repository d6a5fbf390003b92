//! Reads a text from the left, a number or a mark at a time.

use std::ops::RangeInclusive;

/// What is left of a text. A method that does not find what it looks for leaves it as it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'t> {
    pub(super) rest: &'t str,
}

impl<'t> Scan<'t> {
    /// A number that has so many digits.
    pub(super) fn number(&mut self, digits: RangeInclusive<usize>) -> Option<u32> {
        self.digits(digits)?.parse().ok()
    }

    /// Digits, as many as there are, if it is so many.
    pub(super) fn digits(&mut self, wanted: RangeInclusive<usize>) -> Option<&'t str> {
        let limit = wanted.end() + 1;
        let count = self.rest.bytes().take(limit).take_while(u8::is_ascii_digit).count();
        wanted.contains(&count).then(|| self.take(count))
    }

    /// One of these characters, all of them ASCII.
    pub(super) fn one_of(&mut self, marks: &[u8]) -> Option<u8> {
        let first = *self.rest.as_bytes().first().filter(|first| marks.contains(first))?;
        self.take(1);
        Some(first)
    }

    /// Any blanks; whether there was one.
    pub(super) fn blanks(&mut self) -> bool {
        let left = self.rest.trim_start_matches([' ', '\t']);
        let found = left.len() < self.rest.len();
        self.rest = left;
        found
    }

    /// A word of ASCII letters, at most 12.
    pub(super) fn word(&mut self) -> Option<&'t str> {
        let count = self.rest.bytes().take(13).take_while(u8::is_ascii_alphabetic).count();
        (1..13).contains(&count).then(|| self.take(count))
    }

    /// What `read` finds; nothing is used up when it finds nothing.
    pub(super) fn maybe<T>(&mut self, read: impl FnOnce(&mut Scan<'t>) -> Option<T>) -> Option<T> {
        let mut ahead = *self;
        let found = read(&mut ahead)?;
        *self = ahead;
        Some(found)
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (head, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_another_length_is_left_where_it_stands() {
        let mut scan = Scan { rest: "2024x" };
        assert_eq!((scan.number(1..=2), scan.rest), (None, "2024x"));
        assert_eq!((scan.number(4..=4), scan.rest), (Some(2024), "x"));
    }
}
