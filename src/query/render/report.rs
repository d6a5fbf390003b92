//! A report as it is shown: numbers, first and last before what they are about, as `uniq -c` has it.
//!
//! ```text
//! EVENTS  FAILED  FIRST                   LAST                    USER     ACTION
//!     12       1  2024-03-01 12:30:15+01  2024-03-02 08:00:00+01  alice    user.login
//! ```

use super::super::report::{Group, ReportKind};
use super::{Look, Shape, csv, json, safe, table, tsv};
use crate::model::Time;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// The shapes in which a report can be shown; the first is the default.
pub const OF_REPORTS: [&str; 5] = ["table", "json", "json-pretty", "csv", "tsv"];

/// Appends the lines of a report in a shape, its head before them; false for a shape that is of records alone.
pub fn report(shape: &Shape, look: &Look, kind: &ReportKind, groups: &[Group], out: &mut Vec<u8>) -> bool {
    match shape.name {
        "table" => as_table(look, kind, groups, out),
        "csv" => {
            csv::row(heads(kind).into_iter(), out);
            groups.iter().for_each(|group| csv::row(cells(group).iter().map(String::as_str), out));
        }
        "tsv" => {
            tsv::row(heads(kind).into_iter().map(str::to_owned), out);
            groups.iter().for_each(|group| tsv::row(cells(group).into_iter(), out));
        }
        "json" | "json-pretty" => groups.iter().for_each(|group| {
            let mut text = Vec::new();
            json::towards(look.sink, object(kind, group).as_bytes(), &mut text);
            match shape.name {
                "json" => out.extend_from_slice(&text),
                _ => json::indent(&text, out),
            }
            out.push(b'\n');
        }),
        _ => {}
    }
    OF_REPORTS.contains(&shape.name)
}

/// Machines have the names first, then the numbers.
fn heads(kind: &ReportKind) -> Vec<&'static str> {
    let counts = kind.counts.iter().map(|count| count.name);
    kind.keys().iter().copied().chain(counts).chain(["first", "last"]).collect()
}

fn cells(group: &Group) -> Vec<String> {
    let moment = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    let (first, last) = group.span.unzip();
    let counts = group.counts.iter().map(u64::to_string);
    group.keys.iter().cloned().chain(counts).chain([moment(first), moment(last)]).collect()
}

/// One line of JSON, its members in the order of the heads; what has no value is null.
fn object(kind: &ReportKind, group: &Group) -> String {
    let text = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    let moment = |time: Option<Time>| text(time.map(|time| time.to_string()).unwrap_or_default());
    let (first, last) = group.span.unzip();
    let values = group.keys.iter().cloned().map(text);
    let values =
        values.chain(group.counts.iter().copied().map(Value::from)).chain([moment(first), moment(last)]);
    let members: Vec<String> =
        heads(kind).into_iter().zip(values).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn as_table(look: &Look, kind: &ReportKind, groups: &[Group], out: &mut Vec<u8>) {
    let counts = kind.counts.iter().map(|count| count.name.to_uppercase());
    let moments = ["FIRST", "LAST"].map(str::to_owned);
    let mut lines = vec![
        counts.chain(moments).chain(kind.keys().iter().map(|name| table::head_of(name))).collect::<Vec<_>>(),
    ];
    lines.extend(groups.iter().map(|group| shown(look, group)));
    let numbers = kind.counts.len();
    let width_of = |at: usize, lines: &[Vec<String>]| {
        lines.iter().map(|line| line[at].width()).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..lines[0].len()).map(|at| width_of(at, &lines)).collect();
    let mut kept = numbers + MOMENTS;
    if let Some(room) = look.width {
        let least = |(at, width): (usize, &usize)| if at < kept { *width } else { KEY_WIDTH_MIN.min(*width) };
        let least: usize = widths.iter().enumerate().map(least).sum();
        if least + 2 * (widths.len() - 1) > room {
            // A moment that is cut says little: that of the first leaves a narrow terminal.
            widths.remove(numbers);
            lines.iter_mut().for_each(|line| drop(line.remove(numbers)));
            kept -= 1;
        }
        let kept: Vec<bool> = (0..widths.len()).map(|at| at < kept).collect();
        let room = room.saturating_sub(widths.len() - 1);
        table::fit(&mut widths, &kept, room);
    }
    for line in lines {
        let from = out.len();
        for (at, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            if at > 0 {
                out.extend_from_slice(b"  ");
            }
            if at < numbers {
                out.extend(std::iter::repeat_n(b' ', width.saturating_sub(cell.width())));
                out.extend_from_slice(cell.as_bytes());
            } else {
                table::put(cell, width, look.width.is_some(), out);
            }
        }
        while out.len() > from && out.last() == Some(&b' ') {
            out.pop();
        }
        out.push(b'\n');
    }
}

/// The cells of a line for people.
fn shown(look: &Look, group: &Group) -> Vec<String> {
    let moment = |time: Option<Time>| match time {
        Some(time) => time.timestamp().to_zoned(look.zone.clone()).strftime("%F %T%:::z").to_string(),
        None => "-".to_owned(),
    };
    let (first, last) = group.span.unzip();
    let keys = group.keys.iter().map(|key| {
        let mut out = Vec::new();
        safe::text(if key.is_empty() { "-" } else { key }, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    });
    group.counts.iter().map(u64::to_string).chain([moment(first), moment(last)]).chain(keys).collect()
}

/// The first and the last.
const MOMENTS: usize = 2;
/// In fewer columns a name says little.
const KEY_WIDTH_MIN: usize = 12;
