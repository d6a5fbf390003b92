//! `card`: everything about a record, a field on a line, for whoever looks at one event.

use super::column::COLUMNS;
use super::{Column, Look, colour, safe};
use crate::model::Record;
use std::io::Write;

/// Appends one card and an empty line.
pub(super) fn write(look: &Look, record: &Record, out: &mut Vec<u8>) {
    let event = &record.event;
    let row = event.action.row();
    let colour = look.colour.then(|| colour::of(event)).flatten();
    colour::over(colour, out, |out| {
        let _infallible = write!(out, "#{} {}: {}", record.seq, row.title, event.outcome.name());
    });
    out.push(b'\n');
    let all: Vec<&'static Column> = match look.fields.is_empty() {
        true => COLUMNS.iter().filter(|column| !OF_OTHERS.contains(&column.name)).collect(),
        false => look.fields.clone(),
    };
    for column in all {
        line(look, column, record, out);
    }
    out.push(b'\n');
}

fn line(look: &Look, column: &Column, record: &Record, out: &mut Vec<u8>) {
    let text = (column.text)(record);
    if text.is_empty() && column.time.is_none() {
        return;
    }
    let _infallible = write!(out, "{:>NAME_WIDTH$}  ", column.name);
    match column.time {
        Some(time) => {
            let time = time(&record.event);
            let local = time.timestamp().to_zoned(look.zone.clone());
            let _infallible = write!(out, "{}", local.strftime("%F %T%.3f%:z"));
            if local.offset().seconds() != 0 {
                let _infallible = write!(out, " ({time})");
            }
        }
        None => safe::text(&text, out),
    }
    if column.name == "severity" {
        let _infallible = write!(out, " ({})", LEVELS[usize::from(record.event.severity.syslog() & 7)]);
    }
    out.push(b'\n');
}

/// Columns that say what others say, too.
const OF_OTHERS: [&str; 4] = ["seq", "target-kind", "target-name", "target-id"];
const NAME_WIDTH: usize = 11;
/// RFC 5424 section 6.2.1.
const LEVELS: [&str; 8] = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];
