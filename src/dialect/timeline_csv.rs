//! `timeline-csv`: the export of the sensor's timeline, known by the names in its header.
//!
//! ```text
//! Timestamp,Severity,Type,Title,Owner,Content                   the header says what stands where, under many names
//! 2024-02-29 07:58:40,INFO,USER_OPERATION,User Operation,,User admin logged in
//! ```
//!
//! Neither columns nor encoding of the export are documented: comma, semicolon, tab or bar is what makes most of the
//! first line known names; UTF-8 with or without a mark, UTF-16 with one. A later header takes over from its line on.
//! `raw` of an entry in UTF-16 is its text, with a flag that says which bytes it had.
//! Invariant: lines before a header, and rows that no header explains, are `unparsed` events. A row with another
//! number of cells than the header is read as far as it goes and flagged `unparsed`, too.

use super::csv::{self, Row, Shape};
use super::encoding::{Encoding, head};
use super::parts::part_of;
use super::time::{self, Moment};
use super::timeline::{self, Timeline};
use super::{Claim, Context, Dialect, End, Entry, Parsed, Part, State, Type};
use crate::model::{Flag, Raw};
use std::borrow::Cow;

pub(super) const DIALECT: Dialect = Dialect {
    name: "timeline-csv",
    about: "the CSV export of the sensor's timeline, columns by their names in the header",
    sign: "a row or a header with names of the timeline's columns",
    split,
    parse,
    parts,
    speaks,
    knows: |state| state.table.is_some(),
    lacks: |state| (!state.at_head && state.table.is_none()).then_some(NO_HEADER),
    claim: Claim::Own,
};

/// What is to be known of a file without one.
const NO_HEADER: &str = "no line with the names of its columns has come yet; without it rows are kept as they \
    are and not understood: let the export begin with it";

/// Whether a line is a row of the export: one of its cells is a documented type. What it means is said by a header alone.
pub fn is_row(line: &[u8]) -> bool {
    let is_type = |cell: &[u8]| {
        let name = std::str::from_utf8(cell.trim_ascii()).ok();
        name.is_some_and(|name| Type::find(name.trim_matches('"')).is_some())
    };
    DELIMITERS.iter().any(|delimiter| {
        let cells = || line.split(|byte| byte == delimiter);
        cells().count() >= NAMES_MIN && cells().any(is_type)
    })
}

/// What the header of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) delimiter: u8,
    columns: Vec<Option<Column>>,
    /// Names of the columns that mean nothing here, as they are compared.
    names: Vec<Option<String>>,
}

impl Table {
    /// What a column is called that means nothing to the timeline.
    pub(super) fn name(&self, column: usize) -> Option<&str> {
        self.names.get(column)?.as_deref()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    /// Date and time of day.
    Moment,
    /// The date alone, where another column has the time of day.
    Date,
    Type,
    Title,
    Severity,
    Owner,
    Content,
}

fn split(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize {
    let Some(head) = head(state, bytes, end) else { return 0 };
    let (encoding, is_all) = (state.encoding, end == End::Final);
    // Up to `alone` each line is a row by itself.
    let (mut start, mut alone) = (head, head);
    while start < bytes.len() {
        let line = encoding.line_feed(bytes, start);
        let Some(stop) = line.or(is_all.then_some(bytes.len())) else { break };
        if let Some(table) = header(&bytes[start..stop], encoding) {
            let is_new = state.table.as_ref() != Some(&table);
            if is_new && start > head {
                return start;
            }
            let next = bytes.len().min(stop + encoding.width());
            if is_new {
                (state.table, state.anchored) = (Some(table), true);
                return next;
            }
            start = next;
            continue;
        }
        let row = match &state.table {
            Some(table) if start >= alone => {
                let shape = Shape { encoding, delimiter: table.delimiter };
                csv::row(bytes, start, shape, state.entry_bytes_max, is_all)
            }
            _ => Row::Whole { stop },
        };
        match row {
            Row::Whole { stop } => start = push(bytes, start, stop, encoding, entries),
            Row::Lines { until } => alone = until,
            Row::Partial => break,
        }
    }
    start
}

/// Adds the row `start..stop` unless it is blank; just after its line end.
fn push(bytes: &[u8], start: usize, stop: usize, encoding: Encoding, entries: &mut Vec<Entry>) -> usize {
    let (width, end) = (encoding.width(), bytes.len().min(stop + encoding.width()));
    let unit = |at| encoding.unit(bytes, at);
    let is_blank = |unit: Option<u16>| matches!(unit, Some(0x09 | 0x0A | 0x0C | 0x0D | 0x20));
    let has_text = (start..stop).step_by(width).any(|at| !is_blank(unit(at)));
    if has_text {
        let has_return = stop >= start + width && unit(stop - width) == Some(u16::from(b'\r'));
        entries.push(Entry { text: start..if has_return { stop - width } else { stop }, end });
    }
    end
}

/// What this line says as a header, if it is one: at least three known names, among them the time or the content.
fn header(line: &[u8], encoding: Encoding) -> Option<Table> {
    let named = |byte: &&u8| byte.is_ascii_alphabetic() || matches!(byte, b' ' | 0xEF..);
    let first = line.iter().find(|byte| !matches!(byte, 0 | b'"'));
    let delimiters = line.iter().filter(|byte| DELIMITERS.contains(byte)).count();
    if line.len() > HEADER_BYTES_MAX || first.filter(named).is_none() || delimiters < NAMES_MIN - 1 {
        return None;
    }
    let (text, _) = encoding.text(line);
    if text.contains(['{', '}', ':']) {
        return None;
    }
    let tables = DELIMITERS.iter().map(|&delimiter| table(&text, delimiter));
    let known = |table: &Table| table.columns.iter().flatten().count();
    let best = tables.rev().max_by_key(known)?;
    let says = |wanted| best.columns.contains(&Some(wanted));
    let is_header = known(&best) >= NAMES_MIN && (says(Column::Moment) || says(Column::Content));
    is_header.then_some(best)
}

fn table(line: &str, delimiter: u8) -> Table {
    let (cells, _) = csv::cells(line, delimiter);
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(cells.len());
    let mut names = Vec::with_capacity(cells.len());
    for cell in &cells {
        let name: String =
            cell.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let column =
            NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|&(column, _)| column);
        columns.push(column.filter(|column| !columns.contains(&Some(*column))));
        names.push(column.is_none().then_some(name));
    }
    if !columns.contains(&Some(Column::Moment)) {
        for column in columns.iter_mut().filter(|column| **column == Some(Column::Date)) {
            *column = Some(Column::Moment);
        }
    }
    Table { delimiter, columns, names }
}

fn parse(state: &State, context: &Context<'_>, entry: &[u8]) -> Parsed {
    let (text, exact) = state.encoding.text(entry);
    let mut parsed = match state.table.as_ref().and_then(|table| read(table, context, &text)) {
        Some((timeline, fits)) => {
            let mut parsed = timeline::parsed(context, timeline, Raw::None);
            if !fits {
                parsed.event.flags.insert(Flag::UNPARSED);
            }
            parsed
        }
        None => {
            let mut parsed = timeline::unparsed(context, entry);
            parsed.event.message = text.as_ref().into();
            parsed
        }
    };
    let event = &mut parsed.event;
    event.raw = if exact { Raw::Text(text.into()) } else { Raw::Bytes(entry.into()) };
    match state.encoding {
        Encoding::Utf8 if !exact => event.flags.insert(Flag::INVALID_UTF8),
        Encoding::Utf8 => {}
        Encoding::Utf16Le => event.flags.insert(Flag::UTF_16LE),
        Encoding::Utf16Be => event.flags.insert(Flag::UTF_16BE),
    }
    parsed
}

/// The cells that the header gives a name to.
fn parts(state: &State, _: &Context<'_>, row: &str) -> Vec<Part> {
    let Some(table) = &state.table else { return Vec::new() };
    let cells = table.columns.iter().zip(csv::cells(row, table.delimiter).0);
    cells.filter_map(|(column, cell)| Some(part_of(row, column.as_ref()?.name(), cell))).collect()
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Column::Moment => "time",
            Column::Date => "date",
            Column::Type => "type",
            Column::Title => "title",
            Column::Severity => "severity",
            Column::Owner => "owner",
            Column::Content => "content",
        }
    }
}

/// The values of a row that says anything, and whether it has the cells that the header announces.
fn read<'a>(table: &Table, context: &Context<'_>, row: &'a str) -> Option<(Timeline<'a>, bool)> {
    let (cells, whole) = csv::cells(row, table.delimiter);
    let (count, wanted) = (cells.len(), table.columns.len());
    let surplus = cells.iter().skip(wanted).any(|cell| !cell.trim().is_empty());
    let (mut timeline, mut moment, mut date) = (Timeline::default(), None, None);
    for (column, cell) in table.columns.iter().zip(cells) {
        let cell = Some(cell).filter(|cell| !cell.is_empty());
        match column {
            Some(Column::Moment) => moment = cell,
            Some(Column::Date) => date = cell,
            Some(Column::Type) => timeline.kind = cell.map(trimmed),
            Some(Column::Title) => timeline.title = cell,
            Some(Column::Severity) => timeline.label = cell.map(trimmed),
            Some(Column::Owner) => timeline.owner = cell,
            Some(Column::Content) => timeline.content = cell,
            None => {}
        }
    }
    timeline.time = time(date.as_deref(), moment.as_deref(), context);
    (whole && timeline.says_something()).then_some((timeline, count >= wanted && !surplus))
}

fn time(date: Option<&str>, moment: Option<&str>, context: &Context<'_>) -> Option<Moment> {
    match (date, moment) {
        (Some(date), Some(moment)) => time::read(moment, context)
            .or_else(|| time::read(&format!("{} {}", date.trim(), moment.trim()), context)),
        (None, Some(text)) | (Some(text), None) => time::read(text, context),
        (None, None) => None,
    }
}

fn trimmed(cell: Cow<'_, str>) -> Cow<'_, str> {
    match cell {
        Cow::Borrowed(cell) => Cow::Borrowed(cell.trim()),
        Cow::Owned(cell) => Cow::Owned(cell.trim().to_owned()),
    }
}

/// Whether one of the first lines is a header; UTF-16 alone will do, for nobody else reads that but who reads objects.
fn speaks(head: &[u8]) -> bool {
    const LINES: usize = 8;
    let (encoding, mark) = Encoding::of(head);
    if encoding != Encoding::Utf8 {
        let first = encoding.text(&head[mark..]).0.trim_start().chars().next();
        return !matches!(first, Some('{' | '['));
    }
    let mut lines = head[mark..].split_inclusive(|&byte| byte == b'\n').take(LINES);
    lines.any(|line| header(line.trim_ascii_end(), encoding).is_some())
}

/// Names of columns, without their spaces and signs, in small letters.
const NAMES: &[(Column, &[&str])] = &[
    (
        Column::Moment,
        &["timestamp", "time", "datetime", "dateandtime", "eventtime", "created", "createdat", "occurred"],
    ),
    (Column::Date, &["date", "day", "eventdate"]),
    (Column::Type, &["type", "eventtype", "kind", "operation", "category"]),
    (Column::Title, &["title", "name", "eventtitle", "eventname", "event", "subject"]),
    (Column::Severity, &["severity", "eventseverity", "level", "priority"]),
    (Column::Owner, &["owner", "user", "username", "createdby", "initiator"]),
    (
        Column::Content,
        &["content", "description", "message", "details", "text", "eventcontent", "eventdescription"],
    ),
];
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Fewer known names make no header.
const NAMES_MIN: usize = 3;
/// A longer line is no header.
const HEADER_BYTES_MAX: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::super::entries;
    use super::*;

    /// The texts of the entries, read with this limit of an entry.
    fn rows(log: &[u8], limit: usize) -> Vec<&[u8]> {
        let found = entries(&DIALECT, &mut State::at(0).limited(limit), log);
        found.into_iter().map(|entry| &log[entry.text]).collect()
    }

    #[test]
    fn a_header_is_known_by_its_names_and_finds_its_delimiter() {
        for line in
            ["Timestamp,Type,Content", "\"Date\";\"Event Type\";\"Event content\";x", "time\ttype\tTITLE\r"]
        {
            assert!(header(line.as_bytes(), Encoding::Utf8).is_some(), "{line}");
        }
        for line in ["time,x,y", "severity,type,owner", "User, type the content", "1,type,content,time"] {
            assert_eq!(header(line.as_bytes(), Encoding::Utf8), None, "{line}");
        }
    }

    #[test]
    fn a_row_is_known_by_a_type_that_stands_alone_in_a_cell() {
        for line in [
            "1,USER_OPERATION,User admin logged in",
            "2024-02-29 07:58:40;INFO; \"USER_LOGIN\" ;x\r",
            "a|b|USER_LOGIN",
        ] {
            assert!(is_row(line.as_bytes()), "{line}");
        }
        for line in ["1,USER_OPERATION", "a, b, a USER_OPERATION", "one, two, three", "USER_LOGIN", ""] {
            assert!(!is_row(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn headers_and_blank_lines_are_no_entries_and_lines_before_a_header_are() {
        let log = b"Export\n\nTime,Type,Content\n1,A,\"x\ny\"\r\nTime,Type,Content\n\n2,B,\n";
        assert_eq!(rows(log, 99), [&b"Export"[..], b"1,A,\"x\ny\"", b"2,B,"]);
    }

    #[test]
    fn a_header_among_the_lines_of_a_broken_row_is_no_entry() {
        let long = "x".repeat(2_000);
        let log = format!("Time,Type,Content\n1,A,\"x\n{long}\nTime,Type,Content\n2,B,y\n3,C,\"z\"\n");
        let lines = ["1,A,\"x", &long, "2,B,y", "3,C,\"z\""].map(str::as_bytes);
        assert_eq!(rows(log.as_bytes(), 9_999), lines);
    }

    #[test]
    fn an_unclosed_quote_ends_at_the_limit_at_the_latest() {
        let log = b"Time,Type,Content\n1,A,\"x\n2,B,y\n3,C,z\n4,D,\"q\nr\"\n";
        let lines: [&[u8]; 4] = [b"1,A,\"x", b"2,B,y", b"3,C,z", b"4,D,\"q\nr\""];
        assert_eq!(rows(log, 22), lines);
    }
}
