//! A row as an admin sees it. One shape, one file, one row of `SHAPES`.

mod card;
mod cat;
mod colour;
mod column;
mod csv;
mod json;
mod raw;
mod report;
pub mod safe;
mod short;
mod table;
mod tsv;
mod values;

pub use column::{COLUMNS, Column};
pub use json::json_line;
pub use report::{OF_REPORTS, report};
pub use values::{OF_VALUES, values};

use crate::model::Record;
use jiff::tz::TimeZone;

/// One shape of rows.
pub struct Shape {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Appends what stands before the first row.
    pub head: fn(look: &Look, out: &mut Vec<u8>),
    /// Appends the record as one row, with its newline.
    pub write: fn(look: &Look, record: &Record, out: &mut Vec<u8>),
    /// Whether it shows the fields that are asked for; all others have fields of their own.
    pub takes_fields: bool,
}

/// All shapes; the first is the default.
pub const SHAPES: &[Shape] = &[
    shape("short", "one line for people", short::write),
    shape("short-iso", "the same, the time in one word", short::write_iso),
    with_fields("table", "columns that fit the terminal", table::head, table::write),
    with_fields("card", "every field on a line of its own", no_head, card::write),
    with_fields("json", "one JSON object a line, stable and documented", no_head, json::write),
    with_fields("json-pretty", "the same over several lines", no_head, json::write_pretty),
    with_fields("csv", "a table, the columns of the timeline first", csv::head, csv::write),
    with_fields("tsv", "the same between tabs", tsv::head, tsv::write),
    shape("raw", "the sensor's entry as it was read", raw::write),
    shape("cat", "the message alone", cat::write),
];

type Write = fn(&Look, &Record, &mut Vec<u8>);
type Head = fn(&Look, &mut Vec<u8>);

const fn shape(name: &'static str, about: &'static str, write: Write) -> Shape {
    Shape { name, about, head: no_head, write, takes_fields: false }
}

const fn with_fields(name: &'static str, about: &'static str, head: Head, write: Write) -> Shape {
    Shape { name, about, head, write, takes_fields: true }
}

fn no_head(_: &Look, _: &mut Vec<u8>) {}

impl Shape {
    /// The shape of that name.
    pub fn named(name: &str) -> Option<&'static Shape> {
        SHAPES.iter().find(|shape| shape.name == name)
    }
}

/// How rows look, whatever their shape.
#[derive(Debug, Clone)]
pub struct Look {
    /// The zone of times that people read.
    pub zone: TimeZone,
    /// Whether rows for people are coloured.
    pub colour: bool,
    /// Who reads the bytes.
    pub sink: Sink,
    /// The columns of the terminal; `None` where there is none.
    pub width: Option<usize>,
    /// The fields that are asked for; none are the usual ones.
    pub fields: Vec<&'static Column>,
}

impl Look {
    /// Without colour, in UTC, with the usual fields.
    pub fn plain(sink: Sink) -> Look {
        Look { zone: TimeZone::UTC, colour: false, sink, width: None, fields: Vec::new() }
    }
}

/// Who reads the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// A terminal, which obeys some of them.
    Terminal,
    /// A file or a program.
    File,
}
