//! Objects in UTF-16: each unit is looked at as one byte, cut as `objects` cuts bytes, and the places are doubled.
//!
//! ```text
//! { \0 " \0 é \0 …     {"· …      what the syntax of JSON is made of is ASCII; all else is a byte that it has none of
//! ```
//!
//! `raw` of such an entry is its text, with a flag that says which bytes it had.
//!
//! Invariant: an entry is cut where it would be if the same text were UTF-8, and nowhere else.
//! Invariant: linear time: no more is looked at in one go than it takes to get on.

use super::encoding::{Encoding, head};
use super::{End, Entry, Parsed, State};
use crate::model::{Flag, Raw};
use std::borrow::Cow;

/// Finds the whole entries at the head of `bytes` by a `split` of bytes that is handed where they begin in them.
pub(super) fn split(
    state: &mut State,
    bytes: &[u8],
    end: End,
    entries: &mut Vec<Entry>,
    of_bytes: fn(&mut State, &[u8], usize, End, &mut Vec<Entry>) -> usize,
) -> usize {
    let Some(mark) = head(state, bytes, end) else { return 0 };
    if state.encoding == Encoding::Utf8 {
        return of_bytes(state, bytes, mark, end, entries);
    }
    let (limit, before, wide) = (state.entry_bytes_max, entries.len(), &bytes[mark..]);
    state.entry_bytes_max = limit / 2;
    let mut window = WINDOW_BYTES;
    let done = loop {
        let is_all = window >= wide.len();
        let (seen, end) = if is_all { (wide, end) } else { (&wide[..window], End::Open) };
        let done = of_bytes(state, &narrow(state.encoding, seen, end), 0, end, entries);
        if done > 0 || is_all {
            break done;
        }
        window *= 4;
    };
    state.entry_bytes_max = limit;
    // The last unit of a log may be half of one.
    let place = |units: usize| bytes.len().min(mark + 2 * units);
    for Entry { text, end } in &mut entries[before..] {
        (*text, *end) = (place(text.start)..place(text.end), place(*end));
    }
    place(done)
}

/// A byte for each whole unit, and for the half that a log ends with.
pub(super) fn narrow(encoding: Encoding, bytes: &[u8], end: End) -> Vec<u8> {
    let is_odd = bytes.len() % 2 == 1 && end == End::Final;
    let units = (0..bytes.len() / 2).filter_map(|at| encoding.unit(bytes, 2 * at));
    let byte = |unit: u16| u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(OTHER);
    units.map(byte).chain(is_odd.then_some(OTHER)).collect()
}

/// The entry in UTF-8, for whoever reads only that.
pub(super) fn text<'e>(state: &State, entry: &'e [u8]) -> Cow<'e, [u8]> {
    match state.encoding {
        Encoding::Utf8 => Cow::Borrowed(entry),
        wide => Cow::Owned(wide.text(entry).0.into_owned().into_bytes()),
    }
}

/// Reads an entry by a `parse` of UTF-8, whatever it is in.
pub(super) fn parsed(state: &State, entry: &[u8], parse: impl Fn(&[u8]) -> Parsed) -> Parsed {
    let flag = match state.encoding {
        Encoding::Utf8 => return parse(entry),
        Encoding::Utf16Le => Flag::UTF_16LE,
        Encoding::Utf16Be => Flag::UTF_16BE,
    };
    let (text, exact) = state.encoding.text(entry);
    let mut parsed = parse(text.as_bytes());
    if !exact {
        parsed.event.raw = Raw::Bytes(entry.into());
    }
    parsed.event.flags.insert(flag);
    parsed
}

/// Stands for all that is not ASCII.
const OTHER: u8 = 0x80;
/// How much is looked at first; more only where no entry ends in it.
const WINDOW_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::super::{Context, DIALECTS, entries, find, normalize};
    use super::*;
    use proptest::prelude::*;

    const WIDE: [(Encoding, [u8; 2]); 2] =
        [(Encoding::Utf16Le, [0xFF, 0xFE]), (Encoding::Utf16Be, [0xFE, 0xFF])];

    /// The log in that encoding, behind a mark.
    fn wide((encoding, mark): (Encoding, [u8; 2]), log: &str) -> Vec<u8> {
        [&mark[..], &encoding.bytes(log.to_owned())].concat()
    }

    /// The texts of the entries, cut out of bytes that come in pieces of so many.
    fn texts(log: &[u8], piece: usize, limit: usize) -> Vec<String> {
        let (mut state, mut done, mut through) = (State::at(0).limited(limit), 0, 0);
        let (mut found, mut all) = (Vec::new(), Vec::new());
        while done < log.len() {
            through = log.len().min(through + piece);
            let end = if through == log.len() { End::Final } else { End::Open };
            loop {
                let more = (DIALECTS[0].split)(&mut state, &log[done..through], end, &mut found);
                for Entry { text, .. } in found.drain(..) {
                    let text = &log[done..][text];
                    all.push(state.encoding.text(text).0.into_owned());
                }
                done += more;
                if more == 0 {
                    break;
                }
            }
        }
        all
    }

    #[test]
    fn a_log_of_two_bytes_a_unit_gives_the_events_of_the_same_log_in_utf_8() {
        let one = "{\"timestamp\":1709193520000,\"type\":\"USER_LOGIN\",\"title\":\"User logged in\",\
                   \"severity\":\"NOTICE\",\"owner\":\"zoë 😀\",\"content\":\"User zoë signed in\"}";
        let other = "{\"time\":\"2024-02-29T07:58:40Z\",\"user\":\"ana\",\"action\":\"user.login\",\"message\":\"ĊĀ\"}";
        for name in ["timeline-json", "json"] {
            let dialect = find(name).unwrap();
            let entry = if name == "json" { other } else { one };
            let log = format!("{entry}\r\n[{entry},\n {entry}]\r\n{{\r\n{}\r\nno object\r\n", &entry[1..]);
            let context = Context::example();
            let wanted = normalize(dialect, log.as_bytes(), &context);
            for encoding in WIDE {
                let bytes = wide(encoding, &log);
                assert_eq!(super::super::detect(&bytes).map(|found| found.name), Some(name));
                let found = normalize(dialect, &bytes, &context);
                assert_eq!(found.len(), 5);
                for (found, wanted) in found.into_iter().zip(&wanted) {
                    let mut found = found;
                    let flag = if encoding.0 == Encoding::Utf16Le { Flag::UTF_16LE } else { Flag::UTF_16BE };
                    assert!(found.flags.contains(flag), "{found:?}");
                    found.flags = wanted.flags;
                    // The id of what has no time is made of its place, too.
                    found.id = wanted.id;
                    assert_eq!(&found, wanted);
                }
            }
        }
    }

    #[test]
    fn what_is_no_utf_16_is_kept_byte_for_byte() {
        // Half of a pair, and half of a unit at the end of the log.
        let log = [&b"\xFF\xFE{\0\"\0\x3D\xD8\"\0:\x001\0}\0\n\0"[..], b"x\0y"].concat();
        let events = normalize(&DIALECTS[0], &log, &Context::example());
        let raws: Vec<&[u8]> = events.iter().map(|event| event.raw.bytes()).collect();
        assert_eq!(raws, [&log[2..16], b"x\0y"]);
        assert!(events.iter().all(|event| event.flags.contains(Flag::UNPARSED)));
    }

    #[test]
    fn an_entry_over_the_limit_is_read_past_to_its_end_in_whatever_pieces_it_comes() {
        for encoding in WIDE {
            for (in_array, rest, after) in
                [(false, "x\n", "y\n"), (true, "\"b\"}", ",{}"), (true, "\n", "{\"c\"")]
            {
                let (rest, after) = (encoding.0.bytes(rest.to_owned()), encoding.0.bytes(after.to_owned()));
                let log = [&rest[..], &after].concat();
                for cut in 0..=log.len() {
                    let mut state = State::at(2);
                    (state.encoding, state.in_array) = (encoding.0, in_array);
                    state.begin_skip(&encoding.0.bytes("{\"a\":".to_owned()));
                    let end = match state.skip(&log[..cut]) {
                        Some(end) => end,
                        None => cut + state.skip(&log[cut..]).unwrap(),
                    };
                    assert!(end % 2 == 0 && end >= rest.len(), "{cut}: {end}");
                }
            }
        }
    }

    #[test]
    fn many_little_arrays_take_no_longer_than_their_bytes() {
        let log = wide(WIDE[0], &"[{\"a\":1}]\n".repeat(4_000));
        assert_eq!(entries(&DIALECTS[0], &mut State::at(0), &log).len(), 4_000);
    }

    proptest! {
        #[test]
        fn it_is_cut_as_the_same_text_in_utf_8_is(
            log in r#"(\{"a":"[a-zé😀\\"{}\[\]\t\r\x01]{0,6}"(,"b":(\{\}|\[1\]))?\}|[\[\]{},\n]|\r\n|\{"value":\[|\{"a":"|x|é| |\t){0,24}"#,
            piece in 1_usize..40,
            big in any::<bool>(),
        ) {
            let wanted = texts(log.as_bytes(), usize::MAX / 2, 1 << 20);
            prop_assert_eq!(&texts(log.as_bytes(), piece, 1 << 20), &wanted);
            let bytes = wide(WIDE[usize::from(big)], &log);
            prop_assert_eq!(&texts(&bytes, usize::MAX / 2, 1 << 20), &wanted);
            prop_assert_eq!(&texts(&bytes, piece, 1 << 20), &wanted);
        }
    }
}
