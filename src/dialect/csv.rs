//! Rows of a CSV file: where one ends, and its cells.
//!
//! ```text
//! a,"b ""c""",d⏎      a cell may be quoted, a quote in it is doubled
//! a,"b⏎c",d⏎          a quoted cell may hold line ends
//! a,"b⏎               an unclosed quote: this line is a row of its own, and the next line begins a new one
//! ```
//!
//! Invariant: a row that is broken, or longer than the limit, costs no more than the lines from its first to the
//! last one before the place where that shows; each of them is a row by itself.
//! Invariant: linear time. Where it takes long to show, rows are not looked for again from each line before it.

use super::encoding::Encoding;
use std::borrow::Cow;
use std::ops::Range;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub encoding: Encoding,
    pub delimiter: u8,
}

/// What begins at a place in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A row that ends with the line feed at `stop`.
    Whole { stop: usize },
    /// No row: up to here each line is by itself. More than the beginning.
    Lines { until: usize },
    /// Its end has not come yet.
    Partial,
}

/// Finds the end of the row that begins at `start`; `is_all` when no more bytes will come.
pub(super) fn row(bytes: &[u8], start: usize, shape: Shape, row_bytes_max: usize, is_all: bool) -> Row {
    let (width, delimiter) = (shape.encoding.width(), u16::from(shape.delimiter));
    let limit = start.saturating_add(row_bytes_max);
    let (mut at, mut line) = (start, start);
    let mut place = Place::CellStart;
    while let Some(unit) = shape.encoding.unit(bytes, at) {
        if at >= limit && line > start {
            return lines(bytes, start, line, at, shape.encoding);
        }
        place = match (place, unit) {
            (Place::Quoted, QUOTE) => Place::QuoteSeen,
            (Place::Quoted, _) => Place::Quoted,
            (Place::QuoteSeen, QUOTE) => Place::Quoted,
            (_, LINE_FEED) => return Row::Whole { stop: at },
            (_, unit) if unit == delimiter => Place::CellStart,
            (Place::CellStart, QUOTE) => Place::Quoted,
            (Place::QuoteSeen, CARRIAGE_RETURN) => Place::QuoteSeen,
            (Place::QuoteSeen, _) => return broken(bytes, start, line, at, shape.encoding, is_all),
            _ => Place::Plain,
        };
        at += width;
        if unit == LINE_FEED {
            line = at;
        }
    }
    match place {
        _ if !is_all => Row::Partial,
        Place::Quoted if line > start => lines(bytes, start, line, at, shape.encoding),
        _ => Row::Whole { stop: bytes.len() },
    }
}

/// The row is no row: its lines before the one at `line`, or that one alone.
fn broken(bytes: &[u8], start: usize, line: usize, at: usize, encoding: Encoding, is_all: bool) -> Row {
    match encoding.line_feed(bytes, line) {
        _ if line > start => lines(bytes, start, line, at, encoding),
        Some(stop) => Row::Whole { stop },
        None if is_all => Row::Whole { stop: bytes.len() },
        None => Row::Partial,
    }
}

/// Which lines are no row, when that shows at `at` in the line that begins at `line`: where it took little to see
/// it, only the first; the second may begin a good row.
fn lines(bytes: &[u8], start: usize, line: usize, at: usize, encoding: Encoding) -> Row {
    let first = encoding.line_feed(bytes, start).map(|stop| stop + encoding.width());
    let until = first.filter(|_| at - start <= RETRY_BYTES).unwrap_or(line);
    Row::Lines { until }
}

/// The cells of a row, and whether its quotes are as they should be.
pub(super) fn cells(row: &str, delimiter: u8) -> (Vec<Cow<'_, str>>, bool) {
    let mut cells = Vec::new();
    let whole = each_cell(row, delimiter, |_, cell| cells.push(cell));
    (cells, whole)
}

/// Hands out where each cell stands, with its quotes, and its text; true if the quotes are as they should be.
pub(super) fn each_cell<'a>(
    row: &'a str,
    delimiter: u8,
    mut take: impl FnMut(Range<usize>, Cow<'a, str>),
) -> bool {
    let mut whole = true;
    let mut rest = row;
    loop {
        let (cell, after) = match rest.strip_prefix('"').and_then(quoted) {
            Some((cell, after)) => (cell, after),
            None => {
                whole &= !rest.starts_with('"');
                let end = memchr::memchr(delimiter, rest.as_bytes()).unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), &rest[end..])
            }
        };
        take(row.len() - rest.len()..row.len() - after.len(), cell);
        // A carriage return may stand before the line end that is gone already.
        let after = if after == "\r" { "" } else { after };
        match after.as_bytes().first() {
            None => return whole,
            Some(&byte) if byte == delimiter => rest = &after[1..],
            // Text behind a closing quote: it goes on as a cell of its own.
            Some(_) => {
                whole = false;
                rest = after.strip_prefix('"').unwrap_or(after);
            }
        }
    }
}

/// The text of a quoted cell whose opening quote is gone, and what stands behind its closing quote.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let (mut from, mut doubled) = (0, false);
    loop {
        let quote = from + memchr::memchr(b'"', &text.as_bytes()[from..])?;
        if text.as_bytes().get(quote + 1) == Some(&b'"') {
            (from, doubled) = (quote + 2, true);
            continue;
        }
        let cell = &text[..quote];
        let cell = if doubled { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) };
        return Some((cell, &text[quote + 1..]));
    }
}

/// Where in a row a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    CellStart,
    Plain,
    Quoted,
    QuoteSeen,
}

/// How many bytes are read again from each line of a broken row.
const RETRY_BYTES: usize = 1 << 10;
const QUOTE: u16 = b'"' as u16;
const LINE_FEED: u16 = b'\n' as u16;
const CARRIAGE_RETURN: u16 = b'\r' as u16;

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Shape = Shape { encoding: Encoding::Utf8, delimiter: b',' };

    fn found(bytes: &[u8]) -> Row {
        row(bytes, 0, COMMA, 20, false)
    }

    #[test]
    fn a_row_may_be_more_than_a_line() {
        assert_eq!(found(b"a,\"b\nc\"\"\n\",d\r\nx"), Row::Whole { stop: 13 });
        assert_eq!(found(b"a\"b,\"\"\nx"), Row::Whole { stop: 6 });
        assert_eq!(found(b"a,\"b\nc"), Row::Partial);
        assert_eq!(found(b"a,b"), Row::Partial);
    }

    #[test]
    fn an_unclosed_quote_costs_the_lines_before_it_shows() {
        assert_eq!(found(b"a,\"b\nc,\"d\"\n"), Row::Lines { until: 5 });
        assert_eq!(found(b"a,\"b\"c\nd"), Row::Whole { stop: 6 });
        assert_eq!(found(b"a,\"b\ncccc\ndddd\neeee\nffff\n"), Row::Lines { until: 5 });
        let long = [&b"a,\"b\n"[..], &b"cccc\n".repeat(1_000)].concat();
        assert_eq!(row(&long, 0, COMMA, 2_001, false), Row::Lines { until: 2_000 });
        assert_eq!(row(b"a,\"b\nc,d", 0, COMMA, 20, true), Row::Lines { until: 5 });
    }

    #[test]
    fn cells_are_without_their_quotes() {
        let of = |row| {
            let (cells, whole) = cells(row, b',');
            (cells.join("|"), whole)
        };
        assert_eq!(of("a,\"b \"\"c\"\", d\n\",,\"\""), ("a|b \"c\", d\n||".into(), true));
        assert_eq!(of(""), ("".into(), true));
        assert_eq!(of("a,\"b\"\r"), ("a|b".into(), true));
        assert_eq!(of("a,\"b,c"), ("a|\"b|c".into(), false));
        assert_eq!(of("a,\"b\"c,d"), ("a|b|c|d".into(), false));
    }
}
