//! Where in a file a problem stands: line, column, and the line as it is shown.
//!
//! Invariant: places that are asked for in the order of the file take linear time together, however many they are and
//! however long a line is.

use super::problem::visible;
use super::secret::hidden;
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// A stretch of one line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line number, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line, fit for a terminal, at most `EXCERPT_CHARS_MAX` long.
    pub excerpt: String,
    /// Columns of a terminal before the underlined ones.
    pub indent: usize,
    /// Number of underlined columns, at least one.
    pub width: usize,
}

/// The lines of a file, gone through from its beginning.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// The present line, from 1, and its bytes without the line feed.
    number: usize,
    line: Range<usize>,
    /// As many characters as the line has, whatever is not shown of them; none while nobody has asked.
    shown: Option<Vec<char>>,
    /// A place in the line, and how many characters are before it.
    known: (usize, usize),
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Lines<'t> {
        let begin = text_begin(text);
        Lines { text, number: 1, line: begin..line_end(text, begin), shown: None, known: (begin, 0) }
    }

    /// The line on which `span` begins; a longer span is underlined up to the end of that line.
    pub(super) fn place(&mut self, span: Range<usize>) -> Place {
        let start = char_start(self.text, span.start).max(text_begin(self.text));
        let end = char_start(self.text, span.end).max(start).min(self.go_to(start));
        let before = self.characters_before(start);
        let marked = self.text[start..end].trim_end().chars().count();
        let shown = self.shown.get_or_insert_with(|| {
            hidden(self.text[self.line.clone()].trim_end_matches('\r')).chars().collect()
        });
        let (left, shown_before) = window_before(&shown[..before.min(shown.len())]);
        let rest = &shown[before.min(shown.len())..];
        let marked: String = rest.iter().take(marked).copied().map(visible).collect();
        let indent = left.width() + shown_before.width();
        let room = EXCERPT_CHARS_MAX.saturating_sub(left.chars().count() + shown_before.chars().count());
        let mut excerpt = left.to_owned() + &shown_before;
        let visible = rest.iter().take(room).copied().map(visible).collect::<String>();
        excerpt.extend(visible.chars().take(room));
        let width = marked.width().clamp(1, room.max(1));
        Place { line: self.number, column: before + 1, excerpt, indent, width }
    }

    /// Makes the line with that place the present one, and returns its end.
    fn go_to(&mut self, place: usize) -> usize {
        if place < self.line.start {
            *self = Lines::new(self.text);
        }
        while place > self.line.end {
            let begin = self.line.end + 1;
            self.line = begin..line_end(self.text, begin);
            (self.number, self.shown, self.known) = (self.number + 1, None, (begin, 0));
        }
        self.line.end
    }

    /// How many characters of the present line are before a place.
    fn characters_before(&mut self, place: usize) -> usize {
        let (at, before) = if self.known.0 <= place { self.known } else { (self.line.start, 0) };
        self.known = (place, before + self.text[at..place].chars().count());
        self.known.1
    }
}

/// Behind a byte order mark, which no editor shows.
fn text_begin(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

fn line_end(text: &str, begin: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[begin..]).map_or(text.len(), |feed| begin + feed)
}

/// The nearest character boundary at or before `at`.
fn char_start(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// What stands before the marked text, shortened from the left when it would push that out of sight.
fn window_before(before: &[char]) -> (&'static str, String) {
    // Each character is shown as one at least.
    let near = &before[before.len().saturating_sub(EXCERPT_CHARS_MAX / 2 + 1)..];
    let near: Vec<String> = near.iter().copied().map(visible).collect();
    if near.iter().map(|part| part.chars().count()).sum::<usize>() <= EXCERPT_CHARS_MAX / 2 {
        return ("", near.concat());
    }
    ("…", near[near.len().saturating_sub(CONTEXT_CHARS)..].concat())
}

const EXCERPT_CHARS_MAX: usize = 160;
const CONTEXT_CHARS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_same_in_whatever_order_they_are_asked_for() {
        let text = "a = 1\n\nb = \"é\tx\" # password = \"y\"\r\nlast";
        let mut lines = Lines::new(text);
        let all: Vec<Place> = (0..=text.len() + 1).map(|at| lines.place(at..at + 2)).collect();
        for (at, place) in all.iter().enumerate().rev() {
            assert_eq!(&lines.place(at..at + 2), place, "{at}");
            assert_eq!(&Lines::new(text).place(at..at + 2), place, "{at}");
        }
        assert_eq!((all[7].line, all[7].column), (3, 1));
        assert_eq!((all[13].line, all[13].column, all[14].column), (3, 6, 7));
        assert!(all[7].excerpt.ends_with("# password = \"*\""));
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let mut lines = Lines::new("\u{feff}name = 1\nb = 2");
        let places = [0, 3, 10].map(|at| lines.place(at..at + 4));
        assert_eq!(places.each_ref().map(|place| (place.line, place.column)), [(1, 1), (1, 1), (1, 8)]);
        assert_eq!((places[1].indent, places[1].excerpt.as_str()), (0, "name = 1"));
        assert_eq!((lines.place(12..13).line, lines.place(12..13).column), (2, 1));
    }

    /// Each problem has counted the lines before it, and looked at all of its own.
    #[test]
    fn many_places_take_no_longer_than_the_file() {
        for text in ["k = 1\n".repeat(40_000), "k = 1, ".repeat(40_000)] {
            let mut lines = Lines::new(&text);
            let step = text.len() / 40_000;
            let last = (0..40_000).map(|at| lines.place(at * step..at * step + 1)).last().unwrap();
            assert!(last.line == 40_000 || last.column == 39_999 * step + 1);
        }
    }
}
