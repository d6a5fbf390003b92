//! Record → JSON, by hand: this is the hot path of every event.

use super::super::segment::Mark;
use crate::model::eight;
use crate::model::{Event, Flags, Raw, Record, Text, hex_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use std::sync::LazyLock;

/// Appends the record as it stands on disk, without the closing brace.
pub fn encode(record: &Record, mark: Option<Mark>, out: &mut Vec<u8>) {
    encode_with(record, mark, out, !message_stands_in_raw(&record.event));
}

/// Appends the record with every field it has, without the closing brace. `chain` stands last, as on disk.
pub fn encode_json(record: &Record, out: &mut Vec<u8>) {
    encode_with(record, None, out, true);
    if let Some(chain) = record.chain {
        out.extend_from_slice(b",\"chain\":\"");
        out.extend_from_slice(&chain.hex());
        out.push(b'"');
    }
}

fn encode_with(record: &Record, mark: Option<Mark>, out: &mut Vec<u8>, with_message: bool) {
    let event = &record.event;
    out.extend_from_slice(b"{\"seq\":");
    push_number(record.seq.0, out);
    out.extend_from_slice(b",\"id\":\"");
    out.extend_from_slice(&hex_of::<16, 32>(event.id.0.to_be_bytes()));
    out.extend_from_slice(b"\",\"time\":\"");
    event.time.write_rfc3339(out);
    out.extend_from_slice(b"\",\"seen\":\"");
    event.seen.write_rfc3339(out);
    out.push(b'"');
    let row = event.action.row();
    plain(b",\"class\":\"", event.class.name(), out);
    plain(b",\"action\":\"", row.name, out);
    plain(b",\"code\":\"", row.code, out);
    plain(b",\"outcome\":\"", event.outcome.name(), out);
    out.extend_from_slice(b",\"severity\":");
    push_number(u64::from(event.severity.0), out);
    string(b",\"sensor\":", &event.sensor, out);
    string(b",\"source\":", &event.source, out);
    if let Some(position) = record.position {
        out.extend_from_slice(b",\"position\":{\"file\":");
        push_number(u64::from(position.file.0), out);
        out.extend_from_slice(b",\"offset\":");
        push_number(position.offset, out);
        if let Some(mark) = mark {
            out.extend_from_slice(b",\"before\":\"");
            out.extend_from_slice(&hex_of::<8, 16>(mark.before.to_be_bytes()));
            out.extend_from_slice(b"\",\"modified\":");
            // Before 1970 nothing was written: a clock was wrong.
            push_number(u64::try_from(mark.modified).unwrap_or_default(), out);
        }
        out.push(b'}');
    }
    details(event, out);
    if with_message {
        string(b",\"message\":", &event.message, out);
    }
    optional(b",\"reason\":", event.reason.as_ref(), out);
    optional(b",\"old\":", event.old.as_ref(), out);
    optional(b",\"new\":", event.new.as_ref(), out);
    if let Some(count) = event.count {
        out.extend_from_slice(b",\"count\":");
        push_number(count, out);
    }
    for (name, value) in
        [(&b",\"type\":"[..], &event.kind), (b",\"title\":", &event.title), (b",\"label\":", &event.label)]
    {
        if !value.is_empty() {
            string(name, value, out);
        }
    }
    flags(event.flags, out);
    raw(&event.raw, out);
}

/// Who and what.
fn details(event: &Event, out: &mut Vec<u8>) {
    optional(b",\"user\":", event.user.as_ref(), out);
    optional(b",\"domain\":", event.domain.as_ref(), out);
    optional(b",\"account\":", event.account.as_ref(), out);
    optional(b",\"role\":", event.role.as_ref(), out);
    if let Some(target) = &event.target {
        string(b",\"target\":{\"kind\":", &target.kind, out);
        optional(b",\"name\":", target.name.as_ref(), out);
        optional(b",\"id\":", target.id.as_ref(), out);
        out.push(b'}');
    }
    optional(b",\"client\":", event.client.as_ref(), out);
    if !event.devices.is_empty() {
        out.extend_from_slice(b",\"devices\":");
        for (at, device) in event.devices.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            push_json_string(device, out);
        }
        out.push(b']');
    }
}

fn flags(flags: Flags, out: &mut Vec<u8>) {
    if flags.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"flags\":");
    for (at, name) in flags.names().enumerate() {
        out.extend_from_slice(if at == 0 { b"[\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.push(b'"');
    }
    out.push(b']');
}

fn raw(raw: &Raw, out: &mut Vec<u8>) {
    match raw {
        Raw::None => {}
        Raw::Json(json) => {
            out.extend_from_slice(b",\"raw\":");
            out.extend_from_slice(json.as_bytes());
        }
        Raw::Text(text) => string(b",\"raw\":", text, out),
        Raw::Bytes(bytes) => {
            out.extend_from_slice(b",\"raw-base64\":\"");
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
    }
}

/// Whether the decoder finds the message in `raw`.
///
/// For JSON: `raw` has one `content`, on its top level, and its text is the message spelled as we spell it.
fn message_stands_in_raw(event: &Event) -> bool {
    match &event.raw {
        Raw::None => event.message.is_empty(),
        Raw::Text(text) => **text == *event.message,
        Raw::Bytes(bytes) => String::from_utf8_lossy(bytes) == event.message.as_str(),
        Raw::Json(json) => content_is(json.as_bytes(), &event.message),
    }
}

fn content_is(json: &[u8], message: &str) -> bool {
    static KEY: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\"content\""));
    let Some(at) = KEY.find(json) else { return false };
    let after = &json[at + KEY.needle().len()..];
    let Some(value) = after.strip_prefix(b":\"") else { return false };
    let top_level = json.first() == Some(&b'{') && memchr::memchr(b'{', &json[1..at]).is_none();
    top_level && stands_in(value, message.as_bytes()) && KEY.find(value).is_none()
}

/// Whether the JSON string whose inside begins with `json` is `text` in the spelling of `push_json_string`.
fn stands_in(json: &[u8], text: &[u8]) -> bool {
    // Without a backslash every byte stands for itself: JSON has no other escape.
    let plain = json.starts_with(text) && json.get(text.len()) == Some(&b'"');
    (plain && memchr::memchr(b'\\', text).is_none()) || stands_escaped(json, text)
}

/// Whether `json` begins with `text` in the spelling of `push_json_string` and the quote that ends it.
fn stands_escaped(mut json: &[u8], text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        let run = run(rest);
        let Some((head, tail)) = json.split_at_checked(run) else { return false };
        if head != &rest[..run] {
            return false;
        }
        let Some(&byte) = rest.get(run) else { return tail.first() == Some(&b'"') };
        let mut escaped = Vec::with_capacity(6);
        push_escape(byte, &mut escaped);
        let Some(after) = tail.strip_prefix(escaped.as_slice()) else { return false };
        (json, rest) = (after, &rest[run + 1..]);
    }
}

fn optional(name: &[u8], value: Option<&Text>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        string(name, value, out);
    }
}

fn string(name: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    push_json_string(value, out);
}

/// A value of ours that needs no escape; `name` ends with the opening quote.
fn plain(name: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

/// Appends `"text"` with the escapes that JSON demands (RFC 8259 section 7) and no others.
fn push_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (run, tail) = rest.split_at(run(rest));
        out.extend_from_slice(run);
        let Some((&byte, after)) = tail.split_first() else { break };
        push_escape(byte, out);
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes at the head of a text stand for themselves.
#[inline]
fn run(text: &[u8]) -> usize {
    let escapes = |bytes: &[u8; 8]| {
        let bytes = u64::from_le_bytes(*bytes);
        eight::equal(bytes, b'"') | eight::equal(bytes, b'\\') | eight::below(bytes, b' ')
    };
    for (number, bytes) in text.as_chunks().0.iter().enumerate() {
        let escapes = escapes(bytes);
        if escapes != 0 {
            return 8 * number + eight::first(escapes);
        }
    }
    match text.last_chunk() {
        // Some of these have been looked at.
        Some(last) => text.len() - 8 + eight::first(escapes(last)),
        None => text.iter().position(|&byte| ESCAPE[usize::from(byte)] != 0).unwrap_or(text.len()),
    }
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    match ESCAPE[usize::from(byte)] {
        b'u' => {
            out.extend_from_slice(b"\\u00");
            out.extend(hex_of::<1, 2>([byte]));
        }
        letter => out.extend([b'\\', letter]),
    }
}

/// Appends a number in decimal.
pub(in crate::journal) fn push_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[from..]);
}

/// 0: stands for itself; `u`: `\u00XX`; else the letter after the backslash.
const ESCAPE: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table
};
