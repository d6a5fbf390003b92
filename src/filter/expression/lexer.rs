//! The pieces of an expression: words, texts in quotes, signs; and how texts are written so that they read back.

use super::super::Flaw;
use super::tree::{Value, Verb};
use std::fmt;
use std::ops::Range;

/// Where reading stands.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// One piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// A bare word.
    Word(Value),
    /// A text in quotes.
    Quoted(Value),
    /// A comparison that is no word.
    Sign(Verb),
    /// `!`
    Not,
    Open,
    Close,
    Comma,
    End,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    /// The next piece and its place.
    pub(super) fn next(&mut self) -> Result<(Piece, Range<usize>), Flaw> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return Ok((Piece::End, self.at..self.at)) };
        let signs = Verb::ALL.iter().filter(|(name, _)| !name.starts_with(|at: char| at.is_alphabetic()));
        let sign = signs.copied().find(|(name, _)| rest.starts_with(name));
        let (piece, length) = match (first, sign) {
            ('"' | '\'', _) => return self.quoted(first),
            // As programmers write it.
            _ if rest.starts_with("==") => (Piece::Sign(Verb::Equal), 2),
            (_, Some((name, verb))) => (Piece::Sign(verb), name.len()),
            ('!', _) => (Piece::Not, 1),
            ('(', _) => (Piece::Open, 1),
            (')', _) => (Piece::Close, 1),
            (',', _) => (Piece::Comma, 1),
            _ => {
                let length = rest.find(ends_word).unwrap_or(rest.len());
                let place = self.at..self.at + length;
                let value = Value { text: rest[..length].to_owned(), place, verbatim: Some(self.at) };
                (Piece::Word(value), length)
            }
        };
        let place = self.at..self.at + length;
        self.at = place.end;
        Ok((piece, place))
    }

    /// A regular expression between slashes, if one stands here.
    pub(super) fn regex(&mut self) -> Result<Option<Value>, Flaw> {
        self.skip_space();
        let from = self.at;
        let Some(rest) = self.text[from..].strip_prefix('/') else { return Ok(None) };
        let mut escaped = false;
        for (at, character) in rest.char_indices() {
            match character {
                '/' if !escaped => {
                    self.at = from + 1 + at + 1;
                    let text = rest[..at].to_owned();
                    return Ok(Some(Value { text, place: from..self.at, verbatim: Some(from + 1) }));
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        Err(Flaw::at(
            from..from + 1,
            "this regular expression has no end: write / after it, and \\/ for a slash",
        ))
    }

    /// A text in quotes; a backslash before a quote or a backslash is none itself.
    fn quoted(&mut self, quote: char) -> Result<(Piece, Range<usize>), Flaw> {
        let from = self.at;
        let rest = &self.text[from + 1..];
        let (mut text, mut characters) = (String::new(), rest.char_indices().peekable());
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|&(_, next)| next);
            match (character, next) {
                ('\\', Some(next)) if next == '\\' || next == quote => {
                    text.push(next);
                    characters.next();
                }
                _ if character == quote => {
                    self.at = from + 1 + at + 1;
                    let verbatim = (text.len() == at).then_some(from + 1);
                    let place = from..self.at;
                    return Ok((Piece::Quoted(Value { text, place: place.clone(), verbatim }), place));
                }
                _ => text.push(character),
            }
        }
        Err(Flaw::at(from..from + 1, "this quote is not closed"))
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | ',' | '"' | '=' | '!' | '<' | '>')
}

/// Writes a value: bare if it is plain, else in quotes.
pub(super) fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain =
        |at: char| at.is_ascii_alphanumeric() || matches!(at, '.' | '_' | '-' | ':' | '*' | '?' | '@' | '/');
    if !text.is_empty() && text.chars().all(plain) {
        return f.write_str(text);
    }
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a regular expression between slashes.
pub(super) fn write_regex(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "/{}/", with_slashes_escaped(text))
}

/// The same expression, every slash in it with a backslash before it.
pub(super) fn with_slashes_escaped(regex: &str) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for character in regex.chars() {
        if character == '/' && !escaped {
            out.push('\\');
        }
        escaped = character == '\\' && !escaped;
        out.push(character);
    }
    out
}
