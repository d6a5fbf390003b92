//! `table`: columns that fit the terminal; what is too long ends with `…`, `card` and `json` have it whole.
//!
//! ```text
//! TIME                   OUTCOME SEV USER           ACTION                 TARGET                 MESSAGE
//! 2024-03-01 12:30:15+01 failure 6   alice          user.login                                    Sign-in failed
//! ```
//!
//! Into a file or a pipe nothing is cut.

use super::{Column, Look, colour, safe};
use crate::model::Record;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that fit, unless others are asked for: the last of the list go first when there is no room.
const USUAL: [&str; 8] = ["time", "outcome", "severity", "account", "action", "target", "client", "message"];
/// In which order columns leave a narrow terminal.
const LEAVE: [&str; 3] = ["client", "target", "severity"];

/// The first line.
pub(super) fn head(look: &Look, out: &mut Vec<u8>) {
    line(look, columns(look).map(|(column, width)| (head_of(column.name), width)), out);
}

/// Appends one row.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    let colour = look.colour.then(|| colour::of(&record.event)).flatten();
    let mut row = Vec::new();
    line(look, columns(look).map(|(column, width)| (look.shown(column, record), width)), &mut row);
    row.pop();
    colour::over(colour, out, |out| out.extend_from_slice(&row));
    out.push(b'\n');
}

/// What stands above the values of a field.
pub(super) fn head_of(name: &str) -> String {
    match name {
        "severity" => "SEV".to_owned(),
        "account" => "USER".to_owned(),
        name => name.to_uppercase(),
    }
}

/// The columns and their widths.
fn columns(look: &Look) -> impl Iterator<Item = (&'static Column, usize)> + use<> {
    let mut columns: Vec<&'static Column> = match look.fields.is_empty() {
        true => USUAL.iter().filter_map(|name| Column::named(name)).collect(),
        false => look.fields.clone(),
    };
    if let (Some(room), true) = (look.width, look.fields.is_empty()) {
        for name in LEAVE {
            if sum(&columns) > room {
                columns.retain(|column| column.name != name);
            }
        }
    }
    let mut widths: Vec<usize> = columns.iter().map(|column| column.width).collect();
    if let Some(room) = look.width {
        // Half an action says nothing of what was done.
        let kept: Vec<bool> =
            columns.iter().map(|column| column.time.is_some() || column.name == "action").collect();
        fit(&mut widths, &kept, room);
    }
    columns.into_iter().zip(widths)
}

/// What the columns take with little of the last.
fn sum(columns: &[&'static Column]) -> usize {
    let last = columns.last().map_or(0, |column| column.width.saturating_sub(LAST_WIDTH_MIN));
    columns.iter().map(|column| column.width + 1).sum::<usize>().saturating_sub(1 + last)
}

/// Gives the last column what is left, or takes what is missing from the widest, one by one; from those that are
/// kept only when all others are narrow.
pub(super) fn fit(widths: &mut [usize], kept: &[bool], room: usize) {
    let room = room.saturating_sub(widths.len().saturating_sub(1));
    let all: usize = widths.iter().sum();
    if let Some(last) = widths.last_mut() {
        let others = all - *last;
        *last = room.saturating_sub(others).max(LAST_WIDTH_MIN.min(*last));
    }
    while widths.iter().sum::<usize>() > room {
        let taken_from = |&(at, ref width): &(usize, &mut usize)| {
            let is_wide = **width > if kept[at] { KEPT_WIDTH_MIN } else { NARROW };
            (is_wide, is_wide && !kept[at], **width)
        };
        match widths.iter_mut().enumerate().max_by_key(taken_from) {
            Some((_, widest)) if *widest > 1 => *widest -= 1,
            _ => return,
        }
    }
}

/// Cells in a line, without spaces at its end.
fn line(look: &Look, cells: impl Iterator<Item = (String, usize)>, out: &mut Vec<u8>) {
    let from = out.len();
    for (at, (cell, width)) in cells.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        put(&cell, width, look.width.is_some(), out);
    }
    while out.len() > from && out.last() == Some(&b' ') {
        out.pop();
    }
    out.push(b'\n');
}

/// The cell in so many columns of the terminal; cut if it is longer and may be.
pub(super) fn put(cell: &str, width: usize, is_cut: bool, out: &mut Vec<u8>) {
    let whole = cell.width();
    if whole <= width || !is_cut {
        out.extend_from_slice(cell.as_bytes());
        out.extend(std::iter::repeat_n(b' ', width.saturating_sub(whole)));
        return;
    }
    let (mut taken, mut end) = (0, 0);
    for (at, character) in cell.char_indices() {
        let next = taken + character.width().unwrap_or(0);
        if next > width.saturating_sub(1) {
            break;
        }
        (taken, end) = (next, at + character.len_utf8());
    }
    out.extend_from_slice(&cell.as_bytes()[..end]);
    out.extend_from_slice("…".as_bytes());
    out.extend(std::iter::repeat_n(b' ', width.saturating_sub(taken + 1)));
}

impl Look {
    /// The value as a line of text shows it, its time in the zone.
    fn shown(&self, column: &Column, record: &Record) -> String {
        if let Some(time) = column.time {
            let local = time(&record.event).timestamp().to_zoned(self.zone.clone());
            return local.strftime("%F %T%:::z").to_string();
        }
        let mut out = Vec::new();
        let text = (column.text)(record);
        match (column.name, text.is_empty()) {
            ("message", true) => safe::text(&record.event.title, &mut out),
            _ => safe::text(&text, &mut out),
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

const LAST_WIDTH_MIN: usize = 20;
/// A narrower column says little.
const NARROW: usize = 8;
/// A day and the time of day, to the minute; most actions.
const KEPT_WIDTH_MIN: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cell_has_its_width_whatever_stands_in_it(cell in "[a-z日本é\u{301}🎉 ]{0,20}", width in 1..15_usize) {
            let mut out = Vec::new();
            put(&cell, width, true, &mut out);
            let shown = String::from_utf8(out).unwrap();
            prop_assert_eq!(shown.width(), width, "{:?}", shown);
        }

        #[test]
        fn widths_fit_the_room(widths in prop::collection::vec((1..60_usize, any::<bool>()), 1..12), room in 30..200_usize) {
            let (mut widths, kept): (Vec<_>, Vec<_>) = widths.into_iter().unzip();
            let gaps = widths.len() - 1;
            fit(&mut widths, &kept, room);
            prop_assert_eq!(widths.iter().sum::<usize>() + gaps, room);
        }
    }
}
