//! Entries that are JSON objects, however they are laid out: what the dialects in JSON share.
//!
//! ```text
//! {…}⏎{…}⏎             one a line
//! {…}{…} {…},{…}⏎      several on a line: each is an entry
//! {⏎  "a": 1⏎}⏎        one over several lines
//! [{…},⏎{…}]           an array, also while it still grows
//! {"value":[{…}]}      a page with an array, see `page`
//! ```
//!
//! What is none of it is a line, and the line is the entry. An object that is a line by itself waits for its line end, as
//! any line does; one that is less or more than a line is whole without it when the file has not grown for a while. One
//! that goes over several lines is waited for as long as all of it so far is the beginning of one, until the file has not
//! grown for long (`End::Overdue`), and for no more bytes than an entry may have.
//!
//! Invariant: where an entry ends depends on the bytes from its beginning on: whoever stops after it reads on alike.
//! Invariant: linear time. Where it takes long to show that there is no object, none is looked for again in its lines.

use super::array::{self, Opens};
use super::object::{self, Object};
use super::page::{self, Part};
use super::{Dialect, End, Entry, State, json, lines, timeline_json, wide};
use memchr::{memchr, memchr_iter, memchr2_iter, memchr3_iter, memrchr};

/// Finds the whole entries at the head of `bytes`; stops where an array or a page begins or ends.
pub(super) fn split(state: &mut State, bytes: &[u8], end: End, entries: &mut Vec<Entry>) -> usize {
    wide::split(state, bytes, end, entries, of_bytes)
}

/// The same of bytes that have ASCII in them, behind the mark of so many bytes at the head of the file.
fn of_bytes(state: &mut State, bytes: &[u8], head: usize, end: End, entries: &mut Vec<Entry>) -> usize {
    if state.in_array {
        return array::split(state, bytes, 0, end, entries);
    }
    // Up to `alone` each line is an entry.
    let (mut start, mut alone) = (sole_objects(bytes, head, entries), head);
    while start < bytes.len() {
        if start < alone {
            let stop = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |feed| start + feed);
            let next = bytes.len().min(stop + 1);
            lines::push(bytes, start, stop, next, entries);
            start = next;
            continue;
        }
        start = plain_lines(bytes, start, entries);
        let at = start + bytes[start..].iter().take_while(|&&byte| array::is_between(byte)).count();
        // Blank lines are passed over all at once.
        start += memrchr(b'\n', &bytes[start..at]).map_or(0, |feed| feed + 1);
        match found(bytes, start, at, end, state.entry_bytes_max) {
            Found::Blank => start = if end == End::Final { at } else { return start },
            Found::Later => return start,
            Found::Array { .. } if start > head => return start,
            Found::Array { past, is_page } => {
                (state.in_array, state.in_page, state.anchored) = (true, is_page, true);
                return past;
            }
            Found::Lines { until } => alone = until,
            Found::Object(entry) => {
                start = entry.end;
                entries.push(entry);
            }
        }
    }
    start
}

/// Whether the entries of a dialect are objects.
pub(super) fn are_read_in(dialect: &Dialect) -> bool {
    [timeline_json::DIALECT.name, json::DIALECT.name].contains(&dialect.name)
}

/// Takes the lines that are an object each, as nearly all are; where the next begins that may be something else.
fn sole_objects(bytes: &[u8], from: usize, entries: &mut Vec<Entry>) -> usize {
    let (mut start, before) = (from, entries.len());
    if !may_be_object(&bytes[from..]) {
        return from;
    }
    for at in memchr_iter(b'\n', &bytes[from..]).map(|at| from + at) {
        let line = &bytes[start..at];
        if !may_be_object(line) || !line.ends_with(b"}") && last(line) != b'}' {
            break;
        }
        let text = start..if line.ends_with(b"\r") { at - 1 } else { at };
        entries.push(Entry { text, end: at + 1 });
        start = at + 1;
    }
    // Nearly no log has another bracket.
    if memchr2_iter(b'{', b'[', &bytes[from..start]).count() == entries.len() - before {
        return start;
    }
    let is_sole = |entry: &Entry| {
        let line = &bytes[entry.text.clone()];
        !memchr2_iter(b'{', b'[', &line[1..]).any(|at| begins_another(&line[..=at]))
    };
    let sole = entries[before..].iter().take_while(|entry| is_sole(entry)).count();
    entries.truncate(before + sole);
    if sole == 0 { from } else { entries[before + sole - 1].end }
}

/// Whether a bracket behind that may begin an entry, or entries.
#[inline]
fn begins_another(before: &[u8]) -> bool {
    matches!(last(before), b'}' | b'[')
}

/// Takes the lines that are text, or an object that is known to be the only one without looking at all of it, as nearly
/// all are; where the next begins that may be something else.
fn plain_lines(bytes: &[u8], from: usize, entries: &mut Vec<Entry>) -> usize {
    let mut start = from;
    for at in memchr3_iter(b'\n', b'{', b'[', &bytes[from..]).map(|at| from + at) {
        let line = &bytes[start..at];
        match bytes[at] {
            b'{' | b'[' if begins_another(line) || !may_be_plain(&bytes[start..]) => break,
            b'{' | b'[' => {}
            _ if !is_plain(line) => break,
            _ => {
                lines::push(bytes, start, at, at + 1, entries);
                start = at + 1;
            }
        }
    }
    start
}

/// Whether a line is text, or ends as an object does that begins it, and is no page.
#[inline]
fn is_plain(line: &[u8]) -> bool {
    may_be_plain(line) && (line[0] != b'{' || last(line) == b'}')
}

/// Whether they begin as such a line does.
#[inline]
fn may_be_plain(bytes: &[u8]) -> bool {
    match bytes {
        [b'{', ..] => may_be_object(bytes),
        [b'[', ..] | [] => false,
        [first, ..] => !array::is_between(*first),
    }
}

/// Whether they begin as an object does that is no page.
#[inline]
fn may_be_object(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'"', name, ..] if !matches!(name, b'v' | b'@'))
}

/// The last byte that is more than a blank or comma.
#[inline]
fn last(bytes: &[u8]) -> u8 {
    bytes.iter().rev().copied().find(|&byte| !array::is_between(byte)).unwrap_or_default()
}

/// What begins at a place.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing but blanks and commas.
    Blank,
    /// Its end has not come yet.
    Later,
    /// An array of entries, up to its bracket.
    Array { past: usize, is_page: bool },
    /// An object that is less than a line, or more.
    Object(Entry),
    /// No object, or one that is a line: up to here each line is by itself.
    Lines { until: usize },
}

/// What begins at `at`, with nothing but blanks and commas before it on a line that begins at `start`.
fn found(bytes: &[u8], start: usize, at: usize, end: End, entry_bytes_max: usize) -> Found {
    match bytes.get(at) {
        None => return Found::Blank,
        Some(b'[') => match array::opens(&bytes[at..]) {
            Opens::Array => return Found::Array { past: at + 1, is_page: false },
            Opens::Later if end != End::Final => return Found::Later,
            Opens::Later | Opens::Other => {}
        },
        Some(b'{') => match page::opens(&bytes[at..]) {
            Part::Page(length) => return Found::Array { past: at + length, is_page: true },
            Part::Later if end.may_go_on() => return Found::Later,
            Part::Later | Part::Other => return object(bytes, start, at, end, entry_bytes_max),
        },
        Some(_) => {}
    }
    lines_to(bytes, at, at, end)
}

/// The same where a curly bracket stands.
fn object(bytes: &[u8], start: usize, at: usize, end: End, entry_bytes_max: usize) -> Found {
    let limit = bytes.len().min(at.saturating_add(entry_bytes_max));
    let after = match object::at_head(&bytes[at..limit]) {
        Object::Whole(length) => at + length,
        Object::Begun if limit == bytes.len() && end.may_go_on() => return Found::Later,
        Object::Begun => return lines_to(bytes, at, limit, end),
        Object::Broken(place) => return lines_to(bytes, at, at + place, end),
    };
    let between = |byte: &&u8| array::is_between(**byte) && **byte != b'\n';
    let next = after + bytes[after..].iter().take_while(between).count();
    let is_line = !bytes[start..at].contains(&b',') && !bytes[at..after].contains(&b'\n');
    match bytes.get(next) {
        Some(b'\n') if is_line => Found::Lines { until: next + 1 },
        Some(b'\n') => Found::Object(Entry { text: at..after, end: next + 1 }),
        Some(b'{') => Found::Object(Entry { text: at..after, end: next }),
        Some(b'[') => match array::opens(&bytes[next..]) {
            Opens::Array => Found::Object(Entry { text: at..after, end: next }),
            Opens::Later if end.may_go_on() => Found::Later,
            Opens::Later | Opens::Other => lines_to(bytes, at, next, end),
        },
        Some(_) => lines_to(bytes, at, next, end),
        // A line is whole with its end: more may come, and without it its event is marked.
        None if is_line && end == End::Final => Found::Lines { until: next },
        None if is_line || end == End::Open => Found::Later,
        None => Found::Object(Entry { text: at..after, end: next }),
    }
}

/// At `at` no object begins, as is seen at `place`: its line is an entry or, where that has taken long, all lines before
/// the one with the place.
fn lines_to(bytes: &[u8], at: usize, place: usize, end: End) -> Found {
    let next = match memchr(b'\n', &bytes[at..]) {
        Some(feed) => at + feed + 1,
        None if end == End::Final => bytes.len(),
        None => return Found::Later,
    };
    let is_far = place - at > RETRY_BYTES;
    let line = memrchr(b'\n', &bytes[at..place]).filter(|_| is_far).map_or(0, |feed| at + feed + 1);
    Found::Lines { until: next.max(line) }
}

/// How many bytes are read again from each line of a broken object.
const RETRY_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::super::timeline_json::DIALECT;
    use super::*;

    /// The texts of the entries of a log that is whole.
    fn texts(log: &str) -> Vec<&str> {
        let entries = super::super::entries(&DIALECT, &mut State::at(0), log.as_bytes());
        entries.into_iter().map(|entry| &log[entry.text]).collect()
    }

    /// The texts of the entries of a log that is still written, and how much of it is done with.
    fn so_far(log: &str, end: End) -> (Vec<&str>, usize) {
        let (mut state, mut entries, mut done) = (State::at(0), Vec::new(), 0);
        loop {
            let (before, more) =
                (entries.len(), split(&mut state, &log.as_bytes()[done..], end, &mut entries));
            for Entry { text, end } in &mut entries[before..] {
                (*text, *end) = (done + text.start..done + text.end, done + *end);
            }
            done += more;
            if more == 0 {
                return (entries.into_iter().map(|entry| &log[entry.text]).collect(), done);
            }
        }
    }

    #[test]
    fn several_objects_on_a_line_are_several_entries() {
        let wanted = ["{\"a\":1}", "{\"b\":\"}{\"}", "{\"c\":{}}"];
        for log in [
            "{\"a\":1}{\"b\":\"}{\"}{\"c\":{}}",
            "{\"a\":1} {\"b\":\"}{\"}\t{\"c\":{}}\n",
            "{\"a\":1},{\"b\":\"}{\"} , {\"c\":{}}\r\n",
            "\n, \n{\"a\":1},\n ,{\"b\":\"}{\"}{\"c\":{}}\n",
        ] {
            let found = texts(log);
            let found: Vec<_> = found.iter().map(|text| text.trim_end_matches(',')).collect();
            assert_eq!(found, wanted, "{log}");
        }
    }

    #[test]
    fn an_object_over_several_lines_is_one_entry() {
        let (one, other) = ("{\n  \"a\": {\n    \"b\": [1,\n 2]\n  }\n}", "{ \"c\":\r\n\"d\"}");
        assert_eq!(texts(&format!("{one}\n{other}\n{one}{other},{{}}")), [one, other, one, other, "{}"]);
        assert_eq!(texts(&format!("[x]\n  {one},\n  {other}\n]")), ["[x]", one, other, "]"]);
    }

    #[test]
    fn what_is_torn_is_lines_and_does_not_hold_up_what_follows() {
        for (torn, lines) in [
            ("{\n", &["{"][..]),
            ("{\"a\":\n", &["{\"a\":"]),
            ("{\"a\":1,\n  \"b\n", &["{\"a\":1,", "  \"b"]),
            ("{\n  \"a\": 1\nno object\n", &["{", "  \"a\": 1", "no object"]),
            ("{\"a\":1} {\"b\":\n", &["{\"a\":1}", "{\"b\":"]),
            ("{\"a\":1} x {\"b\":2}\n", &["{\"a\":1} x {\"b\":2}"]),
            ("{\"a\":1}\n}\n", &["{\"a\":1}", "}"]),
        ] {
            let log = format!("{torn}{{\"c\":1}}\n");
            let wanted = [lines, &["{\"c\":1}"]].concat();
            assert_eq!(so_far(&log, End::Open), (wanted, log.len()), "{torn}");
        }
    }

    #[test]
    fn arrays_and_pages_side_by_side_take_no_longer_than_their_bytes() {
        for (unit, entries) in [("[ ]", 0), ("[{\"a\":1}] ", 1), ("{\"value\":[{\"a\":1}]}", 1)] {
            assert_eq!(texts(&unit.repeat(20_000)).len(), 20_000 * entries, "{unit}");
        }
    }

    #[test]
    fn a_bracket_behind_an_object_is_waited_for_until_it_says_whether_it_opens_an_array() {
        for (log, wanted) in [
            ("{\"a\":1}[{\"b\":2}]\n", &["{\"a\":1}", "{\"b\":2}"][..]),
            ("{\"a\":1}[x{\"b\":2}\n", &["{\"a\":1}[x{\"b\":2}"]),
            ("{\"a\":1}[ ]\n", &["{\"a\":1}"]),
            ("{\"a\":1}[]}\n", &["{\"a\":1}", "}"]),
        ] {
            let (so_far, _) = so_far(&log[..8], End::Settled);
            assert!(so_far.is_empty(), "{so_far:?}");
            assert_eq!(texts(log), wanted);
        }
    }

    #[test]
    fn an_object_is_waited_for_while_it_may_be_one() {
        let begun = "{\"a\":1}{\"b\":2}\n{\n  \"c\": 1";
        let at = begun.find("{\n").unwrap_or_default();
        for end in [End::Open, End::Settled] {
            assert_eq!(so_far(begun, end), (vec!["{\"a\":1}", "{\"b\":2}"], at));
        }
        let lines = vec!["{\"a\":1}", "{\"b\":2}", "{"];
        assert_eq!(so_far(begun, End::Overdue), (lines, at + 2));
        assert_eq!(texts(begun), ["{\"a\":1}", "{\"b\":2}", "{", "  \"c\": 1"]);
    }

    #[test]
    fn an_object_without_a_line_end_is_whole_when_the_file_rests_but_a_line_is_not() {
        for log in ["{\n \"a\":1\n}", "{\"a\":\n1} , "] {
            assert_eq!(so_far(log, End::Open), (vec![], 0));
            assert_eq!(so_far(log, End::Settled), (vec![log.trim_end_matches([' ', ','])], log.len()));
        }
        for end in [End::Open, End::Settled, End::Overdue] {
            assert_eq!(so_far("{\"a\":1}", end), (vec![], 0));
            assert_eq!(so_far("{\"a\":1} , ", end), (vec![], 0));
        }
        assert_eq!(texts("{\"a\":1}"), ["{\"a\":1}"]);
        assert_eq!(so_far("{\"a\":1}{\"b", End::Open), (vec!["{\"a\":1}"], 7));
        assert_eq!(so_far("{\"a\":1} x", End::Settled), (vec![], 0));
    }

    #[test]
    fn a_page_is_the_entries_in_it() {
        let page =
            |items: &str| format!("{{\"@odata.context\":\"x\",\"value\":[{items}],\"nextLink\":null}}");
        let log =
            page("{\"a\":1},{\"b\":2}") + &page("") + "\n{ \"value\" : [\n  {\n\"c\":3\n}\n]\n}{\"d\":4}\n";
        assert_eq!(texts(&log), ["{\"a\":1}", "{\"b\":2}", "{\n\"c\":3\n}", "{\"d\":4}"]);
        let told = "{\"value\":[{\"a\":1}],\"warning\":\"5 are left out\"}\n{\"b\":2}\n";
        assert_eq!(texts(told), ["{\"a\":1}", ",\"warning\":\"5 are left out\"}", "{\"b\":2}"]);
        let event = "{\"value\":[{\"a\":1}],\"type\":\"USER_OPERATION\"";
        assert_eq!(so_far(event, End::Open), (vec!["{\"a\":1}"], event.len() - 24));
        assert_eq!(
            texts("{\"a\":1,\"value\":[{}]}\n{\"value\":[1]}"),
            ["{\"a\":1,\"value\":[{}]}", "{\"value\":[1]}"]
        );
    }

    #[test]
    fn an_object_over_the_limit_is_its_lines() {
        let log = b"{\n\"a\": 1,\n\"b\": 2\n}\n{\"c\":1}{\"d\":1}\n";
        let count = |limit| {
            let mut state = State::at(0).limited(limit);
            super::super::entries(&DIALECT, &mut state, log).len()
        };
        assert_eq!((count(20), count(19), count(12)), (3, 3, 6));
    }
}
