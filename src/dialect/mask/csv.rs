//! The cells of a CSV row, masked in place: each stays in its column.

use super::super::csv;
use super::super::timeline_csv::Table;
use super::Masks;
use super::json::by_name;

/// The row without secrets, or nothing when it has none; `None` when its quotes are not those of a row.
pub(super) fn masked(masks: &Masks, table: &Table, row: &str) -> Option<Option<String>> {
    let (mut out, mut copied, mut column) = (String::new(), 0, 0);
    let whole = csv::each_cell(row, table.delimiter, |place, cell| {
        let named = table.name(column).and_then(|name| by_name(masks, name, &cell));
        if let Some(masked) = named.or_else(|| masks.masked_text(&cell)) {
            out.push_str(&row[copied..place.start]);
            out.push_str(&written(&masked, row[place.clone()].starts_with('"'), table.delimiter));
            copied = place.end;
        }
        column += 1;
    });
    if !whole {
        return None;
    }
    let changed = copied > 0;
    out.push_str(&row[copied..]);
    Some(changed.then_some(out))
}

/// A cell, in quotes if it had some or needs them.
fn written(cell: &str, was_quoted: bool, delimiter: u8) -> String {
    match was_quoted || cell.contains(['"', '\n', '\r', char::from(delimiter)]) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}
