//! `csv`: a table for spreadsheets, the columns of the sensor's timeline first.
//!
//! A value that a spreadsheet would take for a formula gets an apostrophe before it; `json` has values as they are.

use super::{Column, Look, safe};
use crate::model::Record;

/// Heads and fields, unless others are asked for.
const USUAL: [(&str, &str); 21] = [
    ("Timestamp", "time"),
    ("Severity", "label"),
    ("Type", "type"),
    ("Title", "title"),
    ("Owner", "account"),
    ("Content", "message"),
    ("Id", "id"),
    ("Action", "action"),
    ("Outcome", "outcome"),
    ("Level", "severity"),
    ("User", "user"),
    ("Domain", "domain"),
    ("Role", "role"),
    ("Target", "target"),
    ("Client", "client"),
    ("Reason", "reason"),
    ("Old", "old"),
    ("New", "new"),
    ("Flags", "flags"),
    ("Sensor", "sensor"),
    ("Source", "source"),
];

/// The first line.
pub(super) fn head(look: &Look, out: &mut Vec<u8>) {
    row(heads(look).into_iter(), out);
}

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    row(cells(look, record).iter().map(String::as_str), out);
}

/// The names above the columns.
pub(super) fn heads(look: &Look) -> Vec<&'static str> {
    match look.fields.is_empty() {
        true => USUAL.iter().map(|(head, _)| *head).collect(),
        false => look.fields.iter().map(|column| column.name).collect(),
    }
}

/// The values of a row, its times in UTC.
pub(super) fn cells(look: &Look, record: &Record) -> Vec<String> {
    let usual = || USUAL.iter().filter_map(|(_, name)| Column::named(name)).collect();
    let columns = if look.fields.is_empty() { usual() } else { look.fields.clone() };
    let text = |column: &&'static Column| match column.time {
        Some(time) => time(&record.event).to_string(),
        None => (column.text)(record).into_owned(),
    };
    columns.iter().map(text).collect()
}

pub(super) fn row<'a>(cells: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(cell, out);
    }
    out.push(b'\n');
}

fn put(cell: &str, out: &mut Vec<u8>) {
    let formula = cell.starts_with(FORMULA);
    let quoted = formula || cell.contains([',', '"', ' ', ';']) || cell.contains(safe::is_unsafe);
    if !quoted {
        out.extend_from_slice(cell.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    safe::text(&cell.replace('"', "\"\""), out);
    out.push(b'"');
}

/// What a formula begins with; where characters are wide by habit, the wide ones are as good.
const FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_compute_is_a_text() {
        let mut out = Vec::new();
        row(["=1", "a=1", "\u{FF1D}1", "\u{FF20}x"].into_iter(), &mut out);
        assert_eq!(out, "\"'=1\",a=1,\"'\u{FF1D}1\",\"'\u{FF20}x\"\n".as_bytes());
    }
}
