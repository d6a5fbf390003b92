//! The file as it is written: tables and values that remember where they stand.
//!
//! Reading never stops at a problem: it is noted under its place and the reader goes on with the next key.
//! Not here: what a value must look like (`value`) and what it is for (`check`, `source`, `destination`).

use super::keys::{self, Key, Section};
use super::place::Lines;
use super::problem::{Problem, nearest, quoted};
use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Problems and warnings as they are found.
pub(super) struct Notes<'a> {
    /// The config file; relative paths are relative to its folder.
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    problems: RefCell<Vec<Note>>,
    warnings: RefCell<Vec<Note>>,
}

/// What is to be said of a place.
struct Note {
    span: Range<usize>,
    message: String,
    way_out: String,
}

impl<'a> Notes<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Notes<'a> {
        Notes { path, text, problems: RefCell::default(), warnings: RefCell::default() }
    }

    /// Something that keeps the config from being used.
    pub(super) fn problem(&self, span: Range<usize>, message: impl Into<String>, way_out: impl Into<String>) {
        self.problems.borrow_mut().push(Note { span, message: message.into(), way_out: way_out.into() });
    }

    /// Something that an admin should know.
    pub(super) fn warning(&self, span: Range<usize>, message: impl Into<String>, way_out: impl Into<String>) {
        self.warnings.borrow_mut().push(Note { span, message: message.into(), way_out: way_out.into() });
    }

    /// Problems and warnings, each in the order of the file.
    pub(super) fn into_parts(self) -> (Vec<Problem>, Vec<Problem>) {
        let file = self.path.display().to_string();
        let shown = |notes| in_order(&file, self.text, notes);
        (shown(self.problems.into_inner()), shown(self.warnings.into_inner()))
    }
}

/// A table of the file together with the section that it must be.
#[derive(Clone)]
pub(super) struct Table<'a> {
    pub(super) section: &'static Section,
    pub(super) span: Range<usize>,
    pub(super) notes: &'a Notes<'a>,
    values: Option<&'a DeTable<'a>>,
}

/// A value together with the key it stands under.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) key: &'static Key,
    pub(super) span: Range<usize>,
    pub(super) value: &'a DeValue<'a>,
    pub(super) notes: &'a Notes<'a>,
}

impl<'a> Table<'a> {
    /// The top of the file.
    pub(super) fn top(values: &'a DeTable<'a>, notes: &'a Notes<'a>) -> Table<'a> {
        let top = Table { section: keys::section(""), span: 0..0, notes, values: Some(values) };
        let sections = keys::SECTIONS.iter().map(|section| section.name).filter(|name| !name.is_empty());
        top.refuse_unknown_keys(&sections.collect::<Vec<_>>());
        top
    }

    /// The table of a section that stands there once or not at all.
    pub(super) fn only(&self, name: &str) -> Table<'a> {
        let section = keys::section(name);
        let absent = Table { section, span: self.span.clone(), notes: self.notes, values: None };
        match self.entry(name) {
            None => absent,
            Some(value) => match value.get_ref() {
                DeValue::Table(values) => self.below(section, value.span(), values),
                other => {
                    self.misplaced(section, value.span(), other);
                    absent
                }
            },
        }
    }

    /// The tables of a section that stands there any number of times.
    pub(super) fn each(&self, name: &str) -> Vec<Table<'a>> {
        let section = keys::section(name);
        let Some(value) = self.entry(name) else { return Vec::new() };
        let mut tables = Vec::new();
        match value.get_ref() {
            DeValue::Array(items) => {
                for item in items {
                    match item.get_ref() {
                        DeValue::Table(values) => tables.push(self.below(section, item.span(), values)),
                        other => self.misplaced(section, item.span(), other),
                    }
                }
            }
            DeValue::Table(values) => {
                self.misplaced(section, value.span(), value.get_ref());
                tables.push(self.below(section, value.span(), values));
            }
            other => self.misplaced(section, value.span(), other),
        }
        tables
    }

    /// What `read` makes of the value of `key`; `None` when the key is not there or not readable.
    pub(super) fn read<T>(&self, key: &str, read: impl FnOnce(&Value<'a>) -> Option<T>) -> Option<T> {
        read(&self.value(key)?)
    }

    /// As `read`, for a key that must be there.
    pub(super) fn need<T>(&self, key: &str, read: impl FnOnce(&Value<'a>) -> Option<T>) -> Option<T> {
        if let Some(value) = self.value(key) {
            return read(&value);
        }
        let known = self.section.keys.iter().find(|known| known.name == key);
        let example = known.map_or("", |known| known.example);
        let message = format!("`{key}` is missing {}", self.section.place());
        self.problem(message, format!("for example: {key} = {example}"));
        None
    }

    /// The value of `key`, if it is there.
    pub(super) fn value(&self, key: &str) -> Option<Value<'a>> {
        let value = self.entry(key)?;
        let key = self.section.keys.iter().find(|known| known.name == key)?;
        Some(Value { key, span: value.span(), value: value.get_ref(), notes: self.notes })
    }

    /// Whether a section is not in the file at all.
    pub(super) fn lacks(&self, name: &str) -> bool {
        self.entry(name).is_none()
    }

    /// Notes a warning about the table as a whole.
    pub(super) fn warning(&self, message: impl Into<String>, way_out: impl Into<String>) {
        self.notes.warning(self.span.clone(), message, way_out);
    }

    /// Notes a problem with the table as a whole.
    pub(super) fn problem(&self, message: impl Into<String>, way_out: impl Into<String>) {
        self.notes.problem(self.span.clone(), message, way_out);
    }

    fn entry(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.values?.get(key)
    }

    fn below(&self, section: &'static Section, span: Range<usize>, values: &'a DeTable<'a>) -> Table<'a> {
        let table = Table { section, span, notes: self.notes, values: Some(values) };
        table.refuse_unknown_keys(&[]);
        table
    }

    fn misplaced(&self, section: &Section, span: Range<usize>, found: &DeValue<'_>) {
        let message = match (section.many, found) {
            (true, DeValue::Table(_)) => format!("`{}` is a list: there may be several", section.name),
            (false, DeValue::Array(_)) => format!("`{}` stands only once", section.name),
            _ => format!("`{}` is a section, not {}", section.name, kind(found)),
        };
        self.notes.problem(span, message, format!("write it as {}", section.title()));
    }

    /// `also` are keys that hold tables of their own.
    fn refuse_unknown_keys(&self, also: &[&'static str]) {
        for key in self.values.into_iter().flat_map(DeTable::keys) {
            let name: &str = key.get_ref();
            let known = || self.section.keys.iter().map(|key| key.name).chain(also.iter().copied());
            if known().any(|known| known == name) {
                continue;
            }
            let elsewhere = keys::sections_with(name);
            let way_out = match nearest(name, known()) {
                _ if !elsewhere.is_empty() => format!("it belongs {}", elsewhere.join(" or ")),
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("unknown key {} {}", quoted(name), self.section.place());
            self.notes.problem(key.span(), message, way_out);
        }
    }
}

/// What a value is, in the words of an admin.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// An empty span at the start of the file stands for the file as a whole.
fn in_order(file: &str, text: &str, mut notes: Vec<Note>) -> Vec<Problem> {
    notes.sort_by_key(|note| note.span.start);
    let mut lines = Lines::new(text);
    let shown = |Note { span, message, way_out }| Problem {
        place: (span != (0..0)).then(|| lines.place(span)),
        ..Problem::of_file(file, message, way_out)
    };
    notes.into_iter().map(shown).collect()
}
