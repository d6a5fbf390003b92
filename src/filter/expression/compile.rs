//! Tree → `Test`: every value is read once, and judging a record reads none.

use super::super::glob::Glob;
use super::super::moment::{self, Moment, Twice};
use super::super::sets::{self, OneOf};
use super::super::test::{self, ANYWHERE, Knows, Test};
use super::super::{Clock, Flaw, id, pattern, severity};
use super::fields::{Equal, Field, Number, Scale};
use super::tree::{Comparison, Expr, Value, Verb};
use crate::model::{Record, Seq, Time};
use std::sync::Arc;

/// A test that judges by the tree. Its value is the tree with every time absolute.
pub(super) fn compile(mut tree: Expr, clock: &Clock) -> Result<Test, Flaw> {
    let mut compiler = Compiler { clock, regexes: 0, notes: Vec::new() };
    let judge = compiler.judge(&mut tree)?;
    let (first, last, literals, places) = (judge.first(), judge.last(), judge.literals(), judge.places());
    let (judge, mut fields) = (Arc::new(judge), Vec::new());
    judge.fields(&mut fields);
    let partly = Arc::clone(&judge);
    let mut test = Test::new(tree.to_string(), move |record| judge.accepts(record))
        .of_parts(fields, move |knows, record| partly.judge(knows, record))
        .with_literals(literals)
        .with_notes(compiler.notes)
        .within(places);
    if let Some(first) = first {
        test = test.not_before(first);
    }
    Ok(match last {
        Some(last) => test.not_after(last),
        None => test,
    })
}

/// The tree, ready to judge.
enum Judge {
    Any(Vec<Judge>),
    All(Vec<Judge>),
    Not(Box<Judge>),
    One(&'static str, Test),
}

impl Judge {
    fn accepts(&self, record: &Record) -> bool {
        match self {
            Judge::Any(parts) => parts.iter().any(|part| part.accepts(record)),
            Judge::All(parts) => parts.iter().all(|part| part.accepts(record)),
            Judge::Not(part) => !part.accepts(record),
            Judge::One(_, test) => test.accepts(record),
        }
    }

    /// The same of a record of which some fields are known.
    fn judge(&self, knows: Knows<'_>, record: &Record) -> Option<bool> {
        match self {
            Judge::Any(parts) => test::any(parts.iter().map(|part| part.judge(knows, record))),
            Judge::All(parts) => test::all(parts.iter().map(|part| part.judge(knows, record))),
            Judge::Not(part) => part.judge(knows, record).map(|holds| !holds),
            Judge::One(field, test) => test.judge(field, knows, record),
        }
    }

    fn fields(&self, found: &mut Vec<&'static str>) {
        match self {
            Judge::Any(parts) | Judge::All(parts) => parts.iter().for_each(|part| part.fields(found)),
            Judge::Not(part) => part.fields(found),
            Judge::One(field, _) => found.push(field),
        }
    }

    fn first(&self) -> Option<Time> {
        match self {
            Judge::Any(parts) => parts.iter().map(Judge::first).min().flatten(),
            Judge::All(parts) => parts.iter().filter_map(Judge::first).max(),
            Judge::Not(_) => None,
            Judge::One(_, test) => test.first(),
        }
    }

    fn last(&self) -> Option<Time> {
        match self {
            Judge::Any(parts) => {
                let all: Option<Vec<Time>> = parts.iter().map(Judge::last).collect();
                all.and_then(|times| times.into_iter().max())
            }
            Judge::All(parts) => parts.iter().filter_map(Judge::last).min(),
            Judge::Not(_) => None,
            Judge::One(_, test) => test.last(),
        }
    }

    /// The first and the last place where an accepted record can stand.
    fn places(&self) -> (Seq, Seq) {
        let each = |parts: &[Judge]| parts.iter().map(Judge::places).collect::<Vec<_>>();
        match self {
            Judge::Any(parts) => each(parts)
                .into_iter()
                .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
                .unwrap_or(ANYWHERE),
            Judge::All(parts) => {
                each(parts).into_iter().fold(ANYWHERE, |one, other| (one.0.max(other.0), one.1.min(other.1)))
            }
            Judge::Not(_) => ANYWHERE,
            Judge::One(_, test) => test.places(),
        }
    }

    fn literals(&self) -> Vec<OneOf> {
        match self {
            Judge::Any(parts) => {
                let each: Vec<Vec<OneOf>> = parts.iter().map(Judge::literals).collect();
                sets::of_any(each.iter().map(Vec::as_slice))
            }
            Judge::All(parts) => parts.iter().flat_map(Judge::literals).take(SETS_MAX).collect(),
            Judge::Not(_) => Vec::new(),
            Judge::One(_, test) => test.literals().to_vec(),
        }
    }
}

struct Compiler<'a> {
    clock: &'a Clock,
    regexes: usize,
    notes: Vec<String>,
}

impl Compiler<'_> {
    /// Also puts into the tree what its values mean.
    fn judge(&mut self, tree: &mut Expr) -> Result<Judge, Flaw> {
        match tree {
            Expr::Or(parts) => Ok(Judge::Any(self.judges(parts)?)),
            Expr::And(parts) => Ok(Judge::All(self.judges(parts)?)),
            Expr::Not(part) => Ok(Judge::Not(Box::new(self.judge(part)?))),
            Expr::Is(comparison) => self.comparison(comparison),
        }
    }

    fn judges(&mut self, parts: &mut [Expr]) -> Result<Vec<Judge>, Flaw> {
        parts.iter_mut().map(|part| self.judge(part)).collect()
    }

    fn comparison(&mut self, comparison: &mut Comparison) -> Result<Judge, Flaw> {
        let Comparison { field, verb, values } = comparison;
        let mut tests = Vec::with_capacity(values.len());
        for value in values {
            let test = self
                .test(field, *verb, &value.text)
                .map_err(|flaw| flaw.inside(value.place.clone(), value.verbatim))?;
            *value = Value { text: test.value().to_owned(), ..Value::default() };
            tests.push(Judge::One(field.name, test));
        }
        Ok(match (verb, tests.pop()) {
            (Verb::Unequal, Some(test)) => Judge::Not(Box::new(test)),
            (_, Some(test)) if tests.is_empty() => test,
            (_, last) => Judge::Any(tests.into_iter().chain(last).collect()),
        })
    }

    fn test(&mut self, field: &'static Field, verb: Verb, value: &str) -> Result<Test, Flaw> {
        match (verb, field.texts, field.scale) {
            (Verb::Contains, Some(texts), _) => {
                if value.is_empty() {
                    return Err("write a text that is not empty".into());
                }
                let regex = pattern::plain(value)?;
                let test = Test::new(value, move |record| texts(record, &mut |text| regex.is_match(text)));
                Ok(in_line(field, test.with_literal(value)))
            }
            (Verb::Matches, Some(texts), _) => {
                self.regexes += 1;
                if self.regexes > REGEXES_MAX {
                    return Err(format!("an expression has {REGEXES_MAX} regular expressions at most").into());
                }
                let regex = pattern::compile(value)?;
                Ok(Test::new(value, move |record| texts(record, &mut |text| regex.is_match(text))))
            }
            (verb, _, Some((scale, of))) if verb.is_order() => {
                let test = self.ordered(verb, scale, of, value)?;
                Ok(match Time::parse_rfc3339(test.value()) {
                    Some(time) if field.name == "time" && is_upper(verb) => test.not_after(time),
                    Some(time) if field.name == "time" => test.not_before(time),
                    _ if field.name == "seq" => {
                        let bound = Seq(test.value().parse().unwrap_or_default());
                        let places = if is_upper(verb) { (Seq::NONE, bound) } else { (bound, ANYWHERE.1) };
                        test.within(places)
                    }
                    _ => test,
                })
            }
            _ => self.equal(field, value),
        }
    }

    fn equal(&self, field: &'static Field, value: &str) -> Result<Test, Flaw> {
        match (field.equal, field.texts, field.scale) {
            (Equal::Word(kind), ..) => (kind.parse)(value, self.clock),
            (Equal::Glob, Some(texts), _) => {
                let glob = Glob::new(value);
                let test = Test::new(value, move |record| {
                    texts(record, &mut |text| glob.matches(&String::from_utf8_lossy(text)))
                });
                Ok(in_line(field, test.with_literal(value)))
            }
            (_, _, Some((_, of))) => {
                let wanted = number(value)?;
                let test = Test::new(wanted.to_string(), move |record| of(record) == Some(wanted));
                let test = test.with_number(&wanted.to_string());
                Ok(match (field.name, u64::try_from(wanted)) {
                    ("seq", Ok(seq)) => test.within((Seq(seq), Seq(seq))),
                    _ => test,
                })
            }
            _ => Err(format!("`{}` is compared with {}", field.name, field.verbs()).into()),
        }
    }

    fn ordered(&mut self, verb: Verb, scale: Scale, of: Number, value: &str) -> Result<Test, Flaw> {
        let (bound, text) = match scale {
            Scale::Number => {
                let bound = number(value)?;
                (bound, bound.to_string())
            }
            Scale::Severity => {
                let range = severity::range(value)
                    .ok_or("write a number from 0 to 10, or info, notice, warning, error")?;
                let bound =
                    if matches!(verb, Verb::AtLeast | Verb::Less) { range.start() } else { range.end() };
                (i64::from(*bound), bound.to_string())
            }
            Scale::Time => {
                let twice = if is_upper(verb) { Twice::Second } else { Twice::First };
                let Moment { time, note } = moment::read(value, self.clock, twice)?;
                self.notes.extend(note.map(|note| format!("{value}: {note}")));
                (time.millis(), time.to_string())
            }
        };
        Ok(Test::new(text, move |record| {
            of(record).is_some_and(|it| match verb {
                Verb::Less => it < bound,
                Verb::AtMost => it <= bound,
                Verb::More => it > bound,
                _ => it >= bound,
            })
        }))
    }
}

fn is_upper(verb: Verb) -> bool {
    matches!(verb, Verb::Less | Verb::AtMost)
}

/// An entry that is not UTF-8 stands in its line as base64, and its message with it. Of an id a part may be meant.
fn in_line(field: &Field, test: Test) -> Test {
    let mut sets = test.literals().to_vec();
    for set in &mut sets {
        if !field.is_in_line {
            set.texts.push("raw-base64".to_owned());
        }
        set.is_number |= field.name == id::KIND.name;
    }
    test.with_literals(sets)
}

fn number(text: &str) -> Result<i64, Flaw> {
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().ok_or_else(|| "write a whole number".into())
}

/// More would take longer to look for than they spare.
const SETS_MAX: usize = 8;
/// Each may take a megabyte.
const REGEXES_MAX: usize = 16;
