//! What an expression can ask of an event: one row for each field.

use super::super::{
    FilterKind, action, class, client, device, domain, flag, grep, id, kind, outcome, role, sensor, severity,
    source, target, user,
};
use super::tree::Verb;
use crate::model::{Event, Record, Target, Text};

/// A field of expressions.
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What `=` means.
    pub(super) equal: Equal,
    /// What `contains` and `matches` look into.
    pub(super) texts: Option<Texts>,
    /// What `<` and the like compare.
    pub(super) scale: Option<(Scale, Number)>,
    /// Whether its plain characters stand as they are in every journal line.
    pub(super) is_in_line: bool,
}

/// What `=` means.
#[derive(Clone, Copy)]
pub(super) enum Equal {
    /// The same as the filter word.
    Word(&'static FilterKind),
    /// The text, with wildcards.
    Glob,
    /// The number.
    Number,
    /// Nothing: two moments are never the same.
    Never,
}

/// Shows every text of the field until one is found.
pub(super) type Texts = fn(&Record, &mut dyn FnMut(&[u8]) -> bool) -> bool;

/// The number, severity or moment of a record.
pub(super) type Number = fn(&Record) -> Option<i64>;

/// How a bound is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Number,
    Severity,
    Time,
}

/// The table, in the order of the docs.
pub(super) const FIELDS: &[Field] = &[
    word(&user::KIND, |record, found| any([&record.event.user, &record.event.account], found)),
    word(&domain::KIND, |record, found| any([&record.event.domain], found)),
    word(&role::KIND, |record, found| any([&record.event.role], found)),
    word(&client::KIND, |record, found| any([&record.event.client], found)),
    word(&action::KIND, |record, found| found(record.event.action.name().as_bytes())),
    word(&target::KIND, |record, found| {
        let texts = |it: &Target| one(&it.kind, found) || any([&it.name, &it.id], found);
        record.event.target.as_deref().is_some_and(texts)
    }),
    word(&device::KIND, |record, found| record.event.devices.iter().any(|it| found(it.as_bytes()))),
    word(&outcome::KIND, |record, found| found(record.event.outcome.name().as_bytes())),
    Field {
        texts: None,
        scale: Some((Scale::Severity, |record| Some(i64::from(record.event.severity.0)))),
        ..word(&severity::KIND, |_, _| false)
    },
    number("time", Equal::Never, Scale::Time, |record| Some(record.event.time.millis())),
    number("seen", Equal::Never, Scale::Time, |record| Some(record.event.seen.millis())),
    number("seq", Equal::Number, Scale::Number, |record| i64::try_from(record.seq.0).ok()),
    word(&sensor::KIND, |record, found| one(&record.event.sensor, found)),
    word(&source::KIND, |record, found| one(&record.event.source, found)),
    word(&kind::KIND, |record, found| one(&record.event.kind, found)),
    word(&class::KIND, |record, found| found(record.event.class.name().as_bytes())),
    word(&flag::KIND, |record, found| record.event.flags.names().any(|name| found(name.as_bytes()))),
    word(&id::KIND, |record, found| found(record.event.id.to_string().as_bytes())),
    glob("code", |record, found| found(record.event.action.row().code.as_bytes())),
    glob("account", |record, found| any([&record.event.account], found)),
    glob("target-kind", |record, found| of_target(&record.event, |it| Some(&it.kind), found)),
    glob("target-name", |record, found| of_target(&record.event, |it| it.name.as_ref(), found)),
    glob("target-id", |record, found| of_target(&record.event, |it| it.id.as_ref(), found)),
    Field { is_in_line: false, ..glob("message", |record, found| one(&record.event.message, found)) },
    glob("reason", |record, found| any([&record.event.reason], found)),
    glob("old", |record, found| any([&record.event.old], found)),
    glob("new", |record, found| any([&record.event.new], found)),
    number("count", Equal::Number, Scale::Number, |record| {
        record.event.count.and_then(|count| i64::try_from(count).ok())
    }),
    glob("title", |record, found| one(&record.event.title, found)),
    glob("label", |record, found| one(&record.event.label, found)),
    Field { is_in_line: false, ..glob("raw", |record, found| found(record.event.raw.bytes())) },
    Field { is_in_line: false, ..glob("text", grep::texts) },
];

const fn word(kind: &'static FilterKind, texts: Texts) -> Field {
    Field { name: kind.name, equal: Equal::Word(kind), texts: Some(texts), scale: None, is_in_line: true }
}

const fn glob(name: &'static str, texts: Texts) -> Field {
    Field { name, equal: Equal::Glob, texts: Some(texts), scale: None, is_in_line: true }
}

const fn number(name: &'static str, equal: Equal, scale: Scale, value: Number) -> Field {
    Field { name, equal, texts: None, scale: Some((scale, value)), is_in_line: true }
}

fn one(text: &Text, found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    !text.is_empty() && found(text.as_bytes())
}

fn any<const N: usize>(texts: [&Option<Text>; N], found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    texts.into_iter().flatten().any(|text| found(text.as_bytes()))
}

fn of_target(
    event: &Event,
    part: fn(&Target) -> Option<&Text>,
    found: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    event.target.as_deref().and_then(part).is_some_and(|text| found(text.as_bytes()))
}

impl Field {
    /// Whether the field can be compared so; the error says how it can.
    pub(super) fn can(&self, verb: Verb) -> Result<(), String> {
        let possible = match verb {
            Verb::Equal | Verb::Unequal | Verb::In => !matches!(self.equal, Equal::Never),
            Verb::Contains | Verb::Matches => self.texts.is_some(),
            _ => self.scale.is_some(),
        };
        match possible {
            true => Ok(()),
            false => Err(format!("`{}` is compared with {}", self.name, self.verbs())),
        }
    }

    /// How it can be compared, in words.
    pub(super) fn verbs(&self) -> String {
        let mut verbs = Vec::new();
        if !matches!(self.equal, Equal::Never) {
            verbs.extend(["=", "!=", "in (...)"]);
        }
        if self.scale.is_some() {
            verbs.extend(["<", "<=", ">", ">="]);
        }
        if self.texts.is_some() {
            verbs.extend(["contains", "matches /.../"]);
        }
        verbs.join(", ")
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
