//! One value of a filter word, ready to judge records.

use super::sets::OneOf;
use crate::model::{Record, Seq, Time};

/// What a row of `FILTERS` makes of a value.
pub(super) struct Test {
    value: String,
    accepts: Box<dyn Fn(&Record) -> bool + Send + Sync>,
    parts: Option<Parts>,
    literals: Vec<OneOf>,
    texts: Vec<OneOf>,
    first: Option<Time>,
    last: Option<Time>,
    places: (Seq, Seq),
    notes: Vec<String>,
}

/// How a test that asks for several fields judges by those that are known.
struct Parts {
    fields: Vec<&'static str>,
    judge: Box<Judge>,
}

type Judge = dyn Fn(Knows<'_>, &Record) -> Option<bool> + Send + Sync;

/// Says of the name of a field whether it is known.
pub(super) type Knows<'a> = &'a dyn Fn(&str) -> bool;

impl Test {
    /// `value` is how the test is written down again: absolute, in canonical form.
    pub(super) fn new(
        value: impl Into<String>,
        accepts: impl Fn(&Record) -> bool + Send + Sync + 'static,
    ) -> Test {
        let (value, accepts) = (value.into(), Box::new(accepts));
        Test {
            value,
            accepts,
            parts: None,
            literals: Vec::new(),
            texts: Vec::new(),
            first: None,
            last: None,
            places: ANYWHERE,
            notes: Vec::new(),
        }
    }

    /// Adds a text of which every accepted record has a part in its journal line: its longest run of characters
    /// that JSON never escapes.
    pub(super) fn with_literal(mut self, text: &str) -> Test {
        let plain = |at: char| at.is_ascii_alphanumeric() || matches!(at, '.' | '_' | '-' | '@' | ' ');
        let longest = text.split(|at| !plain(at)).max_by_key(|run| run.len()).unwrap_or_default();
        let set = OneOf { texts: vec![longest.to_owned()], is_number: false };
        self.literals = if longest.len() >= LITERAL_BYTES_MIN { vec![set] } else { vec![] };
        self
    }

    /// The same of a text that stands in the seq, the id or a count.
    pub(super) fn with_number(self, text: &str) -> Test {
        let mut test = self.with_literal(text);
        test.literals.iter_mut().for_each(|set| set.is_number = true);
        test
    }

    /// Sets of texts: of each, every accepted record has one in its journal line.
    pub(super) fn with_literals(mut self, sets: Vec<OneOf>) -> Test {
        self.literals = sets;
        self
    }

    /// Sets of texts: of each, every accepted record has one in what it says, once escapes are read as what they mean.
    pub(super) fn with_texts(mut self, sets: Vec<Vec<String>>) -> Test {
        self.texts = sets.into_iter().map(|texts| OneOf { texts, is_number: false }).collect();
        self
    }

    /// Says that no accepted record is older.
    pub(super) fn not_before(mut self, time: Time) -> Test {
        self.first = Some(time);
        self
    }

    /// Says that no accepted record is newer.
    pub(super) fn not_after(mut self, time: Time) -> Test {
        self.last = Some(time);
        self
    }

    /// Says what was decided about a value with two meanings.
    pub(super) fn with_note(mut self, value: &str, note: Option<&str>) -> Test {
        self.notes.extend(note.map(|note| format!("{value}: {note}")));
        self
    }

    pub(super) fn with_notes(mut self, notes: Vec<String>) -> Test {
        self.notes = notes;
        self
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn accepts(&self, record: &Record) -> bool {
        (self.accepts)(record)
    }

    /// Says which fields it asks for, and how it judges where only some of them are known.
    pub(super) fn of_parts(
        mut self,
        fields: Vec<&'static str>,
        judge: impl Fn(Knows<'_>, &Record) -> Option<bool> + Send + Sync + 'static,
    ) -> Test {
        self.parts = Some(Parts { fields, judge: Box::new(judge) });
        self
    }

    /// The fields that it asks for; `name` is the one of a test that asks for one.
    pub(super) fn fields(&self, name: &'static str) -> Vec<&'static str> {
        self.parts.as_ref().map_or_else(|| vec![name], |parts| parts.fields.clone())
    }

    /// Whether it accepts a record of which only some fields are known; `None` where the others decide.
    pub(super) fn judge(&self, name: &str, knows: Knows<'_>, record: &Record) -> Option<bool> {
        match &self.parts {
            Some(parts) => (parts.judge)(knows, record),
            None => knows(name).then(|| self.accepts(record)),
        }
    }

    pub(super) fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn literals(&self) -> &[OneOf] {
        &self.literals
    }

    pub(super) fn texts(&self) -> &[OneOf] {
        &self.texts
    }

    /// Says that no accepted record stands before the first place or after the last.
    pub(super) fn within(mut self, places: (Seq, Seq)) -> Test {
        self.places = places;
        self
    }

    pub(super) fn places(&self) -> (Seq, Seq) {
        self.places
    }

    pub(super) fn first(&self) -> Option<Time> {
        self.first
    }

    pub(super) fn last(&self) -> Option<Time> {
        self.last
    }
}

/// Whether all hold; `None` where what is not known decides.
pub(super) fn all(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for part in parts {
        match part {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

/// Whether one of them holds.
pub(super) fn any(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let not = |part: bool| !part;
    all(parts.into_iter().map(|part| part.map(not))).map(not)
}

/// Every place of a journal.
pub(super) const ANYWHERE: (Seq, Seq) = (Seq::NONE, Seq(u64::MAX));

/// A shorter text stands in nearly every line.
const LITERAL_BYTES_MIN: usize = 3;
