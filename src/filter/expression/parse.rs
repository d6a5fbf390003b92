//! Text → tree, by descent; nesting and length are bounded before anything else.

use super::super::Flaw;
use super::super::near::near;
use super::fields::{FIELDS, Field};
use super::lexer::{Lexer, Piece, with_slashes_escaped};
use super::tree::{Comparison, Expr, Value, Verb};
use std::ops::Range;

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expr, Flaw> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("an expression has {TEXT_BYTES_MAX} bytes at most").into());
    }
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0, values: 0 };
    if parser.peek()?.0 == Piece::End {
        return Err("write an expression such as: user = alice and severity >= 7".into());
    }
    let tree = parser.or()?;
    match parser.lexer.next()? {
        (Piece::End, _) => Ok(tree),
        (Piece::Close, place) => Err(Flaw::at(place, "no parenthesis is open here")),
        (_, place) => {
            let way_out = "`and`, `or` or the end is expected here; a value with spaces stands in quotes";
            Err(Flaw::at(place, way_out))
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
    values: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Result<(Piece, Range<usize>), Flaw> {
        self.lexer.clone().next()
    }

    /// Takes the word of the language, if it stands here.
    fn take(&mut self, words: &[&str]) -> Result<bool, Flaw> {
        let is_it = matches!(self.peek()?.0, Piece::Word(word) if words.iter().any(|it| word.text.eq_ignore_ascii_case(it)));
        if is_it {
            self.lexer.next()?;
        }
        Ok(is_it)
    }

    fn or(&mut self) -> Result<Expr, Flaw> {
        let mut parts = vec![self.and()?];
        while self.take(&["or", "||"])? {
            parts.push(self.and()?);
        }
        Ok(joined(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, Flaw> {
        let mut parts = vec![self.not()?];
        while self.take(&["and", "&&"])? {
            parts.push(self.not()?);
        }
        Ok(joined(parts, Expr::And))
    }

    fn not(&mut self) -> Result<Expr, Flaw> {
        let (piece, place) = self.peek()?;
        if piece == Piece::Not {
            self.lexer.next()?;
        } else if !self.take(&["not"])? {
            return self.one();
        }
        self.deeper(place)?;
        let part = self.not()?;
        self.depth -= 1;
        Ok(Expr::Not(Box::new(part)))
    }

    fn deeper(&mut self, place: Range<usize>) -> Result<(), Flaw> {
        self.depth += 1;
        match self.depth > DEPTH_MAX {
            true => Err(Flaw::at(place, format!("an expression is nested {DEPTH_MAX} deep at most"))),
            false => Ok(()),
        }
    }

    fn one(&mut self) -> Result<Expr, Flaw> {
        let (piece, place) = self.lexer.next()?;
        match piece {
            Piece::Word(word) => self.comparison(&word, place),
            Piece::Open => {
                self.deeper(place.clone())?;
                let inner = self.or()?;
                self.depth -= 1;
                match self.lexer.next()? {
                    (Piece::Close, _) => Ok(inner),
                    (Piece::End, _) => Err(Flaw::at(place, "this parenthesis is not closed")),
                    (_, place) => Err(Flaw::at(
                        place,
                        "`and`, `or` or `)` is expected here; a value with spaces stands in quotes",
                    )),
                }
            }
            _ => Err(Flaw::at(place, "a field is expected here, such as user, or `not`, or `(`")),
        }
    }

    fn comparison(&mut self, word: &Value, place: Range<usize>) -> Result<Expr, Flaw> {
        let name = word.text.to_ascii_lowercase();
        let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
            return Err(Flaw::at(place, unknown(&name)));
        };
        let is_negated = self.take(&["not"])?;
        let (verb, place) = self.verb(field)?;
        if is_negated && verb != Verb::In {
            return Err(Flaw::at(place, "`not` stands before the field, or before `in`"));
        }
        field.can(verb).map_err(|way_out| Flaw::at(place, way_out))?;
        let values = match verb {
            Verb::In => self.list()?,
            Verb::Matches => vec![self.regex()?],
            _ => vec![self.value()?],
        };
        let is = Expr::Is(Comparison { field, verb, values });
        Ok(if is_negated { Expr::Not(Box::new(is)) } else { is })
    }

    fn verb(&mut self, field: &Field) -> Result<(Verb, Range<usize>), Flaw> {
        let (piece, place) = self.lexer.next()?;
        let verb = match piece {
            Piece::Sign(verb) => Some(verb),
            Piece::Word(word) => {
                Verb::ALL.iter().find(|(name, _)| word.text.eq_ignore_ascii_case(name)).map(|&(_, verb)| verb)
            }
            _ => None,
        };
        match verb {
            Some(verb) => Ok((verb, place)),
            None => Err(Flaw::at(place, format!("a comparison is expected here: {}", field.verbs()))),
        }
    }

    fn value(&mut self) -> Result<Value, Flaw> {
        let (piece, place) = self.lexer.next()?;
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(Flaw::at(place, format!("an expression has {VALUES_MAX} values at most")));
        }
        match piece {
            Piece::Word(value) | Piece::Quoted(value) => Ok(value),
            _ => Err(Flaw::at(place, "a value is expected here: a word, or a text in quotes")),
        }
    }

    fn regex(&mut self) -> Result<Value, Flaw> {
        if let Some(value) = self.lexer.regex()? {
            return Ok(value);
        }
        let value = self.value()?;
        let text = with_slashes_escaped(&value.text);
        Ok(Value { verbatim: value.verbatim.filter(|_| text == value.text), text, ..value })
    }

    fn list(&mut self) -> Result<Vec<Value>, Flaw> {
        let (piece, open) = self.lexer.next()?;
        if piece != Piece::Open {
            return Err(Flaw::at(open, "a list is expected after `in`, such as (alice, bob)"));
        }
        let mut values = vec![self.value()?];
        loop {
            match self.lexer.next()? {
                (Piece::Comma, _) => values.push(self.value()?),
                (Piece::Close, _) => return Ok(values),
                (Piece::End, _) => return Err(Flaw::at(open, "this parenthesis is not closed")),
                (_, place) => {
                    return Err(Flaw::at(
                        place,
                        "`,` or `)` is expected here; a value with spaces stands in quotes",
                    ));
                }
            }
        }
    }
}

/// A part of the same kind is no part of its own: `a and (b and c)` is `a and b and c`.
fn joined(mut parts: Vec<Expr>, kind: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let is_or = matches!(kind(Vec::new()), Expr::Or(_));
    let flat = parts.into_iter().flat_map(|part| match part {
        Expr::Or(inner) if is_or => inner,
        Expr::And(inner) if !is_or => inner,
        part => vec![part],
    });
    kind(flat.collect())
}

fn unknown(name: &str) -> String {
    let near = near(name, FIELDS.iter().map(|field| field.name));
    if !near.is_empty() {
        return format!("no field is called so; near it: {}", near.join(", "));
    }
    let all: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    format!("no field is called so; known are {}", all.join(", "))
}

const TEXT_BYTES_MAX: usize = 4096;
const DEPTH_MAX: usize = 32;
/// Values of all comparisons together.
const VALUES_MAX: usize = 256;
