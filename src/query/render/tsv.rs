//! `tsv`: the columns of `csv` between tabs; a tab, line break or backslash in a value is `\t`, `\n`, `\\`.

use super::{Look, csv, safe};
use crate::model::Record;

/// The first line.
pub(super) fn head(look: &Look, out: &mut Vec<u8>) {
    row(csv::heads(look).into_iter().map(str::to_owned), out);
}

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    row(csv::cells(look, record).into_iter(), out);
}

pub(super) fn row(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b'\t');
        }
        safe::text(&cell.replace('\\', "\\\\"), out);
    }
    out.push(b'\n');
}
