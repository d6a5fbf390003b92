//! What holds for any bytes in any dialect, as functions that panic where it does not: for the golden logs, for random
//! logs and for the fuzz targets, which take this file as it is.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test takes what it needs and fails by panicking"
)]

use otrail::dialect::{self, Context, Dialect, End, State};
use otrail::format::{Envelope, FORMATS, Settings};
use otrail::journal::line;
use otrail::model::{Event, Flag, Raw, Record, Seq};
use regex::Regex;
use std::collections::HashSet;
use std::sync::LazyLock;

/// All that holds for a log in this dialect, on a log that may be long: reading goes on after some entries only.
pub fn hold(dialect: &Dialect, log: &[u8]) {
    let each_byte: Vec<usize> = (0..log.len().min(256)).collect();
    for limit in [1 << 20, 64] {
        entries_do_not_depend_on_pieces(dialect, log, &each_byte, limit);
        entries_do_not_depend_on_pieces(dialect, log, &somewhere(log), limit);
    }
    fields_stand_in_their_entry(dialect, log);
    what_is_no_entry_is_structure(dialect, log);
    reading_goes_on_after_any_entry(dialect, log, 3);
    let events = events(dialect, log);
    every_entry_is_an_event_that_keeps_it(dialect, log, &events);
    the_same_bytes_make_the_same_events(dialect, log, &events);
    events.into_iter().for_each(can_be_written);
}

/// Where an entry has at most so many bytes.
pub fn entries_do_not_depend_on_pieces(dialect: &Dialect, log: &[u8], cuts: &[usize], limit: usize) {
    let state = || State::at(0).limited(limit);
    let (pieces, whole) =
        (entries_in_pieces(dialect, state(), log, cuts), entries_in_pieces(dialect, state(), log, &[]));
    assert_eq!(pieces, whole, "{} cut at {cuts:?} of {}", dialect.name, shown(log));
}

/// As whoever explains an entry is told.
pub fn fields_stand_in_their_entry(dialect: &Dialect, log: &[u8]) {
    let mut state = State::at(0);
    let mut entries = Vec::new();
    (dialect.split)(&mut state, log, End::Final, &mut entries);
    for entry in entries {
        let text = String::from_utf8_lossy(&log[entry.text]);
        for part in (dialect.parts)(&state, &Context::example(), &text) {
            assert!(part.span.is_none_or(|span| text.get(span).is_some()), "{} {text:?}", part.name);
        }
    }
}

pub fn what_is_no_entry_is_structure(dialect: &Dialect, log: &[u8]) {
    let (mut rest, mut from) = (Vec::new(), 0);
    for (start, entry) in entries_in_pieces(dialect, State::at(0), log, &[]) {
        assert!(start >= from, "{}: an entry begins in the one before: {}", dialect.name, shown(log));
        rest.extend_from_slice(&log[from..start]);
        from = start + entry.len();
    }
    rest.extend_from_slice(&log[from..]);
    let lost = lost(&[dialect.name], &rest);
    assert_eq!(lost, None, "{} of {}", dialect.name, shown(log));
}

/// Whoever stops after any entry and rebuilds the state from head and anchor finds the same events. Tried after at
/// most so many entries.
pub fn reading_goes_on_after_any_entry(dialect: &Dialect, log: &[u8], stops_max: usize) {
    let (mut state, mut at, mut anchor, mut stops) = (State::at(0), 0, 0, Vec::new());
    let mut all = Vec::new();
    loop {
        let mut entries = Vec::new();
        let done = (dialect.split)(&mut state, &log[at..], End::Final, &mut entries);
        if state.take_anchored() {
            anchor = at;
        }
        for entry in entries {
            let parsed = (dialect.parse)(&state, &Context::example(), &log[at..][entry.text]);
            all.push((at + entry.end, parsed.event));
            stops.push((at + entry.end, anchor));
        }
        at += done;
        if done == 0 {
            break;
        }
    }
    let step = stops.len().div_ceil(stops_max).max(1);
    for (number, (stop, anchor)) in stops.into_iter().enumerate().step_by(step) {
        let head = &log[..log.len().min(State::HEAD_BYTES)];
        let state = State::rebuilt(dialect, head, anchor as u64, &log[anchor..], stop as u64);
        let rest = events_from(dialect, state, log, stop);
        assert!(rest == all[number + 1..], "{} after {stop} of {}", dialect.name, shown(log));
    }
}

pub fn every_entry_is_an_event_that_keeps_it(dialect: &Dialect, log: &[u8], events: &[Event]) {
    let entries = entries_in_pieces(dialect, State::at(0), log, &[]);
    assert_eq!(events.len(), entries.len(), "{} of {}", dialect.name, shown(log));
    for (event, (_, entry)) in events.iter().zip(&entries) {
        assert_eq!(bytes_of(event), *entry, "{} of {}", dialect.name, shown(log));
    }
}

/// And no two of them have one id.
pub fn the_same_bytes_make_the_same_events(dialect: &Dialect, log: &[u8], first: &[Event]) {
    assert!(first == events(dialect, log), "{} of {}", dialect.name, shown(log));
    let ids: HashSet<_> = first.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), first.len(), "{} of {}", dialect.name, shown(log));
}

/// As a line that says the same when it is read back, and as a frame that is one line of text.
pub fn can_be_written(event: Event) {
    let record = Record { seq: Seq(7), position: None, event, chain: None };
    let unmarked: fn(&Record, &mut Vec<u8>) = |record, out| line::encode(record, None, out);
    for encode in [unmarked, line::encode_json] {
        let mut text = Vec::new();
        encode(&record, &mut text);
        text.push(b'}');
        assert!(!text.contains(&b'\n'), "{}", shown(&text));
        assert_eq!(line::decode(&text).unwrap(), record, "{}", shown(&text));
    }
    let envelope = Envelope {
        stream: "0123456789abcdef0123456789abcdef",
        prev: Seq(6),
        print: None,
        resent: false,
        replay: false,
        sequence_id: 1,
        clock_synced: true,
    };
    for format in FORMATS {
        let (settings, mut frame) = (Settings::default(), Vec::new());
        (format.encode)(&settings, &envelope, &record, &mut frame);
        assert!(frame.len() <= settings.frame_bytes_max);
        let frame = std::str::from_utf8(&frame).unwrap();
        // LEEF stands its fields apart by tabs; its own tests say that no value holds one.
        let is_apart = |c: char| format.name == "leef" && c == '\t';
        assert!(!frame.chars().any(|c| c.is_control() && !is_apart(c)), "{}: {frame:?}", format.name);
    }
}

/// The events of a finished log.
pub fn events(dialect: &Dialect, log: &[u8]) -> Vec<Event> {
    dialect::normalize(dialect, log, &Context::example())
}

/// The entries of `log` when it comes in pieces that end at `cuts`: where each begins, and its bytes.
fn entries_in_pieces(
    dialect: &Dialect,
    mut state: State,
    log: &[u8],
    cuts: &[usize],
) -> Vec<(usize, Vec<u8>)> {
    let (mut start, mut found) = (0, Vec::new());
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (log.len() + 1)).collect();
    ends.sort_unstable();
    for (end, is_last) in ends.into_iter().map(|end| (end, false)).chain([(log.len(), true)]) {
        let end_of = if is_last { End::Final } else { End::Open };
        loop {
            let (mut entries, bytes) = (Vec::new(), &log[start.min(end)..end]);
            let done = (dialect.split)(&mut state, bytes, end_of, &mut entries);
            let place = |entry: dialect::Entry| (start + entry.text.start, bytes[entry.text].to_vec());
            found.extend(entries.into_iter().map(place));
            start += done;
            if done == 0 {
                break;
            }
        }
    }
    found
}

/// The bytes of the entry, from what the event has kept of it.
pub fn bytes_of(event: &Event) -> Vec<u8> {
    let units = || std::str::from_utf8(event.raw.bytes()).unwrap().encode_utf16();
    match &event.raw {
        Raw::Bytes(bytes) => bytes.to_vec(),
        _ if event.flags.contains(Flag::UTF_16LE) => units().flat_map(u16::to_le_bytes).collect(),
        _ if event.flags.contains(Flag::UTF_16BE) => units().flat_map(u16::to_be_bytes).collect(),
        raw => raw.bytes().to_vec(),
    }
}

/// The events of a log from `at` on, and where each entry ends.
fn events_from(dialect: &Dialect, mut state: State, log: &[u8], mut at: usize) -> Vec<(usize, Event)> {
    let mut found = Vec::new();
    loop {
        let mut entries = Vec::new();
        let done = (dialect.split)(&mut state, &log[at..], End::Final, &mut entries);
        for entry in entries {
            let parsed = (dialect.parse)(&state, &Context::example(), &log[at..][entry.text]);
            found.push((at + entry.end, parsed.event));
        }
        at += done;
        if done == 0 {
            return found;
        }
    }
}

/// What of the bytes that are in no entry is no structure of these dialects either: it would be lost.
pub fn lost(dialects: &[&str], rest: &[u8]) -> Option<String> {
    let marks = [&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF"];
    let mark = marks.into_iter().find(|mark| rest.starts_with(mark));
    let mut rest = rest[mark.map_or(0, <[u8]>::len)..].to_vec();
    let is_table = dialects.contains(&"timeline-csv");
    let is_json = dialects.iter().any(|name| ["timeline-json", "json"].contains(name));
    // These read UTF-16, too.
    rest.retain(|&byte| !((is_table || is_json) && byte == 0));
    let structure = if is_json { "[], \t\r\n\x0C" } else { " \t\r\n\x0C" };
    let rest = String::from_utf8_lossy(&rest);
    let rest = if is_json { without_pages(&rest) } else { rest.into_owned() };
    let mut lines = rest.lines().map(|line| line.trim_matches(|it: char| structure.contains(it)));
    lines.find(|line| !(line.is_empty() || is_table && is_header(line))).map(str::to_owned)
}

/// Without what stands around the array of a page, and says nothing of its entries.
fn without_pages(rest: &str) -> String {
    static PARTS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        let member =
            r#""(?:@odata\.(?:[^"\\]|\\.)*|nextLink|count)"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-+.0-9a-zA-Z]+)"#;
        let opens = format!(r#"\{{\s*(?:{member}\s*,\s*)*"value"\s*:\s*\["#);
        let closes = format!(r"\](?:\s*,\s*{member})*\s*\}}");
        [opens, closes].map(|part| Regex::new(&part).unwrap())
    });
    let opened = PARTS[0].replace_all(rest, "[");
    PARTS[1].replace_all(&opened, "]").into_owned()
}

/// Whether a line may be the header of a CSV file: some cells, one of which names the time or the content.
fn is_header(line: &str) -> bool {
    let named = [
        "time",
        "date",
        "day",
        "created",
        "occurred",
        "content",
        "description",
        "message",
        "details",
        "text",
    ];
    [',', ';', '\t', '|'].into_iter().any(|delimiter| {
        let cells = line.split(delimiter);
        let cells = cells.map(|cell| cell.chars().filter(|it| it.is_alphanumeric()).collect::<String>());
        let cells: Vec<String> = cells.map(|cell| cell.to_lowercase()).collect();
        cells.len() >= 3 && cells.iter().any(|cell| named.iter().any(|name| cell.contains(name)))
    })
}

/// Some places in a log, the same for the same log.
pub fn somewhere(log: &[u8]) -> Vec<usize> {
    let mut number = log.iter().fold(0xcbf2_9ce4_8422_2325_u64, |number, &byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (number >> 33) as usize
    };
    (0..6).map(|_| next()).collect()
}

fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
