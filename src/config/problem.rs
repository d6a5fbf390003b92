//! A problem in the config file, shown under the line where it stands, with a way out.
//!
//! ```text
//! otrail.toml:3:11: unknown dialect `keyvalue`
//!   3 | dialect = "keyvalue"
//!     |           ^^^^^^^^^^ known: key-value
//! ```
//!
//! Invariant: nothing from the file reaches the terminal as a control character, nor what looks like a secret by its key
//! or its place (`secret`).

use super::place::{Lines, Place};
use super::secret::hidden;
use std::fmt;
use std::ops::Range;

/// One thing that is wrong, or at least remarkable, in the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Where in the file; `None` when it is about the file as a whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub way_out: String,
}

impl Problem {
    /// A problem with the file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>, way_out: impl Into<String>) -> Problem {
        Problem { file: file.to_owned(), place: None, message: message.into(), way_out: way_out.into() }
    }

    /// A problem with the bytes `span` of `text`.
    pub fn at(
        file: &str,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Problem {
        let place = Some(Lines::new(text).place(span));
        Problem { place, ..Problem::of_file(file, message, way_out) }
    }
}

impl fmt::Display for Problem {
    /// Ends without a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", plain(&self.file))?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        write!(f, ": {}", plain(&self.message))?;
        let way_out = plain(&self.way_out);
        match &self.place {
            Some(place) => {
                let number = place.line.to_string();
                let gutter = " ".repeat(number.len());
                write!(f, "\n  {number} | {}\n", place.excerpt.trim_end())?;
                let carets = format!("{}{}", " ".repeat(place.indent), "^".repeat(place.width));
                write!(f, "  {gutter} | {}", format!("{carets} {way_out}").trim_end())
            }
            None if way_out.is_empty() => Ok(()),
            None => write!(f, "\n  {way_out}"),
        }
    }
}

/// The known word that `word` most likely was meant to be.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = (word.chars().count() / 3).clamp(1, 3);
    known
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= tolerated)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// A value as a message quotes it: whole when short, else its beginning; of a secret nothing.
pub(super) fn quoted(value: &str) -> String {
    let value = hidden(value);
    let mut shown: String = value.chars().take(QUOTE_CHARS_MAX).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Insertions, deletions and changes between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(WORD_CHARS_MAX).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(WORD_CHARS_MAX).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Text without a character that a terminal would obey or hide.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if deceives(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// A character as it is safe and plain to see on a terminal.
pub(super) fn visible(c: char) -> String {
    match c {
        '\t' => "    ".to_owned(),
        c if deceives(c) => c.escape_unicode().to_string(),
        c => c.to_string(),
    }
}

/// Control characters, and those that reorder or hide what stands around them.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

const QUOTE_CHARS_MAX: usize = 60;
const WORD_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, marked: &str, expected: &Expect) {
        let start = text.find(marked).unwrap();
        let span = start..start + marked.len();
        let problem = Problem::at("otrail.toml", text, span, "this is wrong", "do that");
        expected.assert_eq(&format!("{problem}\n"));
    }

    #[test]
    fn a_problem_stands_under_its_line() {
        check(
            "a = 1\n\nlonger = \"wörld\" # why\n",
            "\"wörld\"",
            &expect![[r#"
                otrail.toml:3:10: this is wrong
                  3 | longer = "wörld" # why
                    |          ^^^^^^^ do that
            "#]],
        );
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        check(
            "\ta = \"\u{1b}[2J\u{202e}\"\r\nb = 1\r\n",
            "\"\u{1b}[2J\u{202e}\"",
            &expect![[r#"
                otrail.toml:1:6: this is wrong
                  1 |     a = "\u{1b}[2J\u{202e}"
                    |         ^^^^^^^^^^^^^^^^^^^ do that
            "#]],
        );
    }

    #[test]
    fn a_span_of_several_lines_is_marked_on_its_first() {
        check(
            "pin = [\n  1,\n]\n",
            "[\n  1,\n]",
            &expect![[r#"
                otrail.toml:1:7: this is wrong
                  1 | pin = [
                    |       ^ do that
            "#]],
        );
    }

    #[test]
    fn a_very_long_line_is_shown_around_the_problem() {
        let text = format!("a = [{}77, {}]", "1, ".repeat(100), "2, ".repeat(100));
        let at = text.find("77").unwrap();
        let problem = Problem::at("f", &text, at..at + 2, "m", "w").to_string();
        assert!(problem.lines().all(|line| line.chars().count() < 200), "{problem}");
        assert_eq!(
            problem.lines().nth(1).unwrap().find("77"),
            problem.lines().nth(2).unwrap().find("^^").map(|at| at + 2)
        );
    }

    #[test]
    fn the_mark_stands_under_wide_and_combined_characters() {
        let text = "a = 日本e\u{301}\tX";
        let at = text.find('X').unwrap();
        let place = Problem::at("f", text, at..at + 1, "m", "w").place.unwrap();
        assert_eq!((place.column, place.indent, place.width), (10, 4 + 5 + 4, 1));
        let place = Problem::at("f", text, 4..10, "m", "w").place.unwrap();
        assert_eq!((place.indent, place.width), (4, 4));
    }

    #[test]
    fn a_span_outside_of_the_text_is_its_end() {
        assert!(Problem::at("f", "a = é", 900..1000, "m", "w").to_string().starts_with("f:1:6: m"));
        assert!(Problem::at("f", "a = é", 5..5, "m", "").to_string().starts_with("f:1:5: m"));
        assert!(Problem::at("f", "", 0..0, "m", "").to_string().starts_with("f:1:1: m"));
    }

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = || ["address", "server-name", "ca-file", "pin"].into_iter();
        assert_eq!(nearest("adress", known()), Some("address"));
        assert_eq!(nearest("server_name", known()), Some("server-name"));
        assert_eq!(nearest("CA-File", known()), Some("ca-file"));
        assert_eq!(nearest("frobnicate", known()), None);
        assert_eq!(nearest("", known()), None);
    }
}
