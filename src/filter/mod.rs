//! Which records are wanted. One flag, one file, one row of `FILTERS`.
//!
//! ```text
//! words    since=-1h  user=alice  user=bob  action=user.*        from flags, a request, the config
//! Filter   time >= T  and  (user is alice or bob)  and  action begins with "user."
//! ```
//!
//! Words of different names must all hold; of words of the same name, one is enough.
//!
//! Invariant: a filter that parsed judges every record, without an error and in time linear in its size.
//! Invariant: `words` of a filter parse to the same filter at any later time and in any zone.
//! Not here: where records come from (`query`) and what is shown of them.

mod action;
mod addresses;
mod class;
mod client;
mod clock;
mod device;
mod domain;
mod expression;
mod flag;
mod flaw;
mod glob;
mod grep;
mod id;
mod kind;
mod moment;
mod near;
mod outcome;
mod pattern;
mod required;
mod role;
mod selection;
mod sensor;
mod sets;
mod severity;
mod since;
mod source;
mod target;
mod test;
mod until;
mod user;

pub use clock::Clock;
pub use expression::{one_of, with_fields};
pub use selection::Selection;
pub use sets::OneOf;

use crate::model::{Record, Seq, Time};
use flaw::Flaw;
use std::fmt;
use std::ops::Range;
use test::Test;

/// One filter word.
pub struct FilterKind {
    /// Its name in requests and in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// How often it may be given.
    pub given: Given,
    /// Reads its value; the error says what a good value is.
    parse: fn(value: &str, clock: &Clock) -> Result<Test, Flaw>,
}

/// How often a word may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// At most once.
    Once,
    /// Again and again; one of the values must hold.
    AnyOf,
}

/// All filter words, in the order of the docs.
pub const FILTERS: &[FilterKind] = &[
    since::KIND,
    until::KIND,
    user::KIND,
    domain::KIND,
    role::KIND,
    client::KIND,
    action::KIND,
    target::KIND,
    device::KIND,
    outcome::KIND,
    severity::KIND,
    sensor::KIND,
    source::KIND,
    kind::KIND,
    class::KIND,
    flag::KIND,
    id::KIND,
    grep::KIND,
    expression::KIND,
];

/// What the words ask for.
#[derive(Default)]
pub struct Filter {
    groups: Vec<Group>,
}

/// The values of one word.
struct Group {
    kind: &'static FilterKind,
    tests: Vec<Test>,
}

impl Filter {
    /// Reads words such as `("user", "alice")`; relative times count from `clock`.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        words: impl IntoIterator<Item = (N, V)>,
        clock: &Clock,
    ) -> Result<Filter, FilterError> {
        let mut filter = Filter::default();
        for (name, value) in words {
            filter.add(name.as_ref(), value.as_ref(), clock)?;
        }
        Ok(filter)
    }

    fn add(&mut self, name: &str, value: &str, clock: &Clock) -> Result<(), FilterError> {
        let kind = FILTERS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| FilterError::Unknown { word: name.to_owned() })?;
        let test = (kind.parse)(value, clock).map_err(|flaw| FilterError::Value {
            word: kind.name,
            value: value.to_owned(),
            way_out: flaw.way_out,
            place: flaw.place,
        })?;
        match self.groups.iter_mut().find(|group| group.kind.name == kind.name) {
            None => self.groups.push(Group { kind, tests: vec![test] }),
            Some(_) if kind.given == Given::Once => return Err(FilterError::Twice { word: kind.name }),
            Some(group) => group.tests.push(test),
        }
        Ok(())
    }

    /// Whether the record is wanted.
    pub fn matches(&self, record: &Record) -> bool {
        self.groups.iter().all(|group| group.tests.iter().any(|test| test.accepts(record)))
    }

    /// Whether a record in the range of times is wanted, of which only some fields are known, by their names in expressions
    /// or as words; `None` where the others decide.
    pub fn judge(&self, knows: &dyn Fn(&str) -> bool, record: &Record) -> Option<bool> {
        test::all(self.groups.iter().filter(|group| !group.is_time()).map(|group| {
            test::any(group.tests.iter().map(|test| test.judge(group.kind.name, knows, record)))
        }))
    }

    /// The fields that it asks for; the range of times is none of them.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        let groups = self.groups.iter().filter(|group| !group.is_time());
        groups.flat_map(|group| group.tests.iter().flat_map(|test| test.fields(group.kind.name)))
    }

    /// The words again, with every time absolute.
    pub fn words(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.groups.iter().flat_map(|group| group.tests.iter().map(|test| (group.kind.name, test.value())))
    }

    /// First and last wanted time; both ends are wanted, too.
    pub fn range(&self) -> (Option<Time>, Option<Time>) {
        // A word with a bound is given once, so what it bounds, it bounds for the whole filter.
        let tests = || self.groups.iter().filter(|group| group.tests.len() == 1).map(|group| &group.tests[0]);
        (tests().filter_map(Test::first).max(), tests().filter_map(Test::last).min())
    }

    /// The first and the last place in a journal where a wanted record can stand.
    pub fn places(&self) -> (Seq, Seq) {
        let single = self.groups.iter().filter(|group| group.tests.len() == 1);
        single
            .map(|group| group.tests[0].places())
            .fold(test::ANYWHERE, |one, other| (one.0.max(other.0), one.1.min(other.1)))
    }

    /// What was decided where a value has two meanings, such as a local time that came twice. One sentence each.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|group| &group.tests).flat_map(Test::notes).map(String::as_str)
    }

    /// Texts without which a record cannot be wanted: of every set, at least one stands in the record's journal
    /// line, its letters in either case. For a look at the line before it is decoded.
    pub fn literals(&self) -> impl Iterator<Item = OneOf> {
        self.groups.iter().flat_map(|group| sets::of_tests(&group.tests))
    }

    /// The same of what a record says, which may be escaped in its line: lower case, and ASCII.
    pub fn texts(&self) -> impl Iterator<Item = Vec<String>> {
        let sets = self.groups.iter().flat_map(|group| sets::of_any(group.tests.iter().map(Test::texts)));
        sets.map(|set| set.texts)
    }
}

impl Group {
    /// Whether it is a bound of the range of times.
    fn is_time(&self) -> bool {
        [since::KIND.name, until::KIND.name].contains(&self.kind.name)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.words()).finish()
    }
}

/// Why the words make no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No row of `FILTERS` has that name.
    #[error("unknown filter `{word}`; {}", known(word))]
    Unknown {
        /// As given.
        word: String,
    },
    /// The value is not one of that word's.
    #[error("`{}` is no value for `{word}`: {}{way_out}", shortened(value), place_of(value, place.as_ref()))]
    Value {
        /// The filter word.
        word: &'static str,
        /// As given.
        value: String,
        /// What a good value looks like.
        way_out: String,
        /// The bytes of the value that are wrong; `None` is all of it.
        place: Option<Range<usize>>,
    },
    /// A word that can hold only once was given again.
    #[error("`{word}` is given more than once; leave one")]
    Twice {
        /// The filter word.
        word: &'static str,
    },
}

/// Which part of a value is meant, for whoever sees no drawing of it.
fn place_of(value: &str, place: Option<&Range<usize>>) -> String {
    let Some(place) = place else { return String::new() };
    let character = value.get(..place.start).map_or(0, |before| before.chars().count()) + 1;
    match value.get(place.clone()).filter(|part| !part.is_empty()) {
        Some(part) => format!("`{part}` at character {character}: "),
        None => "at its end: ".to_owned(),
    }
}

/// The names that look like it, or of all words, for the error.
fn known(word: &str) -> String {
    let near = near::near(word, expression::names());
    if !near.is_empty() {
        return format!("near it: {}", near.join(", "));
    }
    format!("known are {}", FILTERS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "))
}

/// A value as an error shows it: a long one fills no screen.
fn shortened(value: &str) -> String {
    match value.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// Characters of a value in an error.
const SHOWN_MAX: usize = 120;

#[cfg(test)]
mod tests;
