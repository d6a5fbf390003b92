//! An expression as a tree, and how a tree is written down.

use super::fields::Field;
use super::lexer;
use std::fmt;
use std::ops::Range;

/// An expression. `Or` and `And` have two parts or more, and never one of their own kind as a part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    Is(Comparison),
}

/// A field, a verb, and what it is held against.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    pub(super) field: &'static Field,
    pub(super) verb: Verb,
    /// Several with `In`, else one.
    pub(super) values: Vec<Value>,
}

impl PartialEq for Comparison {
    fn eq(&self, other: &Comparison) -> bool {
        (self.field.name, self.verb, &self.values) == (other.field.name, other.verb, &other.values)
    }
}

/// A value, and where it stands in the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Value {
    pub(super) text: String,
    /// Its bytes in the text, with its quotes.
    pub(super) place: Range<usize>,
    /// Where `text` begins in the text, if it stands there byte for byte.
    pub(super) verbatim: Option<usize>,
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.text == other.text
    }
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    Contains,
    Matches,
}

impl Verb {
    /// Every verb, a longer sign before one that it begins with.
    pub(super) const ALL: [(&'static str, Verb); 9] = [
        ("!=", Verb::Unequal),
        ("<=", Verb::AtMost),
        (">=", Verb::AtLeast),
        ("=", Verb::Equal),
        ("<", Verb::Less),
        (">", Verb::More),
        ("in", Verb::In),
        ("contains", Verb::Contains),
        ("matches", Verb::Matches),
    ];

    pub(super) fn name(self) -> &'static str {
        Verb::ALL.iter().find(|(_, verb)| *verb == self).map_or("", |(name, _)| name)
    }

    pub(super) fn is_order(self) -> bool {
        matches!(self, Verb::Less | Verb::AtMost | Verb::More | Verb::AtLeast)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Expr::Is(comparison) => return write!(f, "{comparison}"),
            Expr::Not(part) => {
                f.write_str("not ")?;
                return nested(part, matches!(**part, Expr::Or(_) | Expr::And(_)), f);
            }
            Expr::Or(parts) => (parts, " or "),
            Expr::And(parts) => (parts, " and "),
        };
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                f.write_str(word)?;
            }
            nested(part, matches!((self, part), (Expr::And(_), Expr::Or(_))), f)?;
        }
        Ok(())
    }
}

fn nested(part: &Expr, in_parentheses: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match in_parentheses {
        true => write!(f, "({part})"),
        false => write!(f, "{part}"),
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.field.name, self.verb.name())?;
        match (self.verb, &self.values[..]) {
            (Verb::In, values) => {
                f.write_str("(")?;
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    lexer::write_text(&value.text, f)?;
                }
                f.write_str(")")
            }
            (Verb::Matches, [value]) => lexer::write_regex(&value.text, f),
            (_, values) => values.iter().try_for_each(|value| lexer::write_text(&value.text, f)),
        }
    }
}
