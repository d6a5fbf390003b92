//! A row as an admin sees it. One shape, one file, one row of `SHAPES`.

mod csv;
mod json;
mod raw;
pub mod safe;
mod short;

pub use json::json_line;

use crate::model::Record;
use jiff::tz::TimeZone;

/// One shape of rows.
pub struct Shape {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// What stands before the first row.
    pub head: &'static str,
    /// Appends the record as one row, with its newline.
    pub write: fn(look: &Look, record: &Record, out: &mut Vec<u8>),
}

/// All shapes; the first is the default.
pub const SHAPES: &[Shape] = &[
    Shape { name: "short", about: "one line for people", head: "", write: short::write },
    Shape {
        name: "json",
        about: "one JSON object a line, stable and documented",
        head: "",
        write: json::write,
    },
    Shape {
        name: "csv",
        about: "a table, the columns of the timeline first",
        head: csv::HEAD,
        write: csv::write,
    },
    Shape { name: "raw", about: "the sensor's entry as it was read", head: "", write: raw::write },
];

impl Shape {
    /// The shape of that name.
    pub fn named(name: &str) -> Option<&'static Shape> {
        SHAPES.iter().find(|shape| shape.name == name)
    }
}

/// How rows look, whatever their shape.
#[derive(Debug, Clone)]
pub struct Look {
    /// The zone of times in `short`.
    pub zone: TimeZone,
    /// Whether lines of `short` are coloured.
    pub colour: bool,
    /// Who reads the bytes.
    pub sink: Sink,
}

/// Who reads the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// A terminal, which obeys some of them.
    Terminal,
    /// A file or a program.
    File,
}
