//! Which runs of three bytes a frame's text has: a set of bits for each frame, kept as a row for each bit.
//!
//! ```text
//! "Login failed"  ──▶  log ogi gin in␣ n␣f ␣fa fai ail ile led  ──▶  a number below 65,536 each
//! row 17   frames 0 1 2 3 ...    whether a frame has a run of that number
//! ```
//!
//! A text can stand in a frame only if all of its runs are there, so a search reads one row for each run, a few bytes
//! of a segment. Upper and lower case are alike. What a record says is taken in as it stands in the line and, where it is
//! escaped there, as what it means.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

/// Rows of the set.
pub(super) const ROWS: usize = 1 << 16;

/// The runs of one frame.
pub(super) struct Grams {
    /// A byte for each row: to write one costs less than to set a bit among others.
    rows: Vec<u8>,
    lower: Vec<u8>,
}

impl Grams {
    pub(super) fn new() -> Grams {
        Grams { rows: vec![0; ROWS], lower: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.rows.fill(0);
    }

    /// The numbers of all runs that are there.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> {
        memchr::memchr_iter(1, &self.rows)
    }

    /// Takes in a value as it stands in a line: its JSON.
    pub(super) fn add_json(&mut self, json: &[u8]) {
        self.add(json);
        if memchr::memchr(b'\\', json).is_some() {
            self.add(&unescaped(json));
        }
    }

    /// Takes in what base64 stands for, and what becomes of it as text.
    pub(super) fn add_base64(&mut self, json: &[u8]) {
        let text = json.strip_prefix(b"\"").and_then(|json| json.strip_suffix(b"\"")).unwrap_or(json);
        if let Ok(bytes) = STANDARD.decode(text) {
            self.add(&bytes);
            self.add(String::from_utf8_lossy(&bytes).as_bytes());
        }
    }

    /// Takes in a text.
    fn add(&mut self, text: &[u8]) {
        self.add_plain(text);
        // Two characters beyond ASCII are the same as an ASCII letter when case does not count.
        if !text.is_ascii() && SAME.iter().any(|(other, _)| memmem::find(text, other).is_some()) {
            self.add_plain(&with_same(text));
        }
    }

    fn add_plain(&mut self, text: &[u8]) {
        self.lower.clear();
        self.lower.extend_from_slice(text);
        self.lower.make_ascii_lowercase();
        // A run is the upper three bytes of four.
        self.lower.push(0);
        for four in self.lower.windows(4) {
            let run = u32::from_be_bytes([four[0], four[1], four[2], four[3]]) >> 8;
            self.rows[row(run)] = 1;
        }
    }
}

/// The rows of a text's runs; none if it is shorter than one.
pub(super) fn rows_of(text: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let run = |run: &[u8]| run.iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
    let mut rows: Vec<usize> = lower.as_bytes().windows(3).map(|bytes| row(run(bytes))).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn row(run: u32) -> usize {
    (run.wrapping_mul(0x9E37_79B1) >> 16) as usize % ROWS
}

/// U+017F and U+212A, which lower and upper case make `s` and `k`.
const SAME: [(&[u8], u8); 2] = [("\u{17f}".as_bytes(), b's'), ("\u{212a}".as_bytes(), b'k')];

fn with_same(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let same = SAME.iter().find(|(other, _)| rest.starts_with(other));
        out.push(same.map_or(first, |&(_, letter)| letter));
        rest = &rest[same.map_or(1, |(other, _)| other.len())..];
    }
    out
}

/// What the escapes of JSON mean; one that means nothing stays as it is.
fn unescaped(json: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(json.len()), json);
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let plain = match rest.get(1) {
            Some(&letter @ (b'"' | b'\\' | b'/')) => Some(letter),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            _ => None,
        };
        if let Some(byte) = plain {
            out.push(byte);
            rest = &rest[2..];
        } else if let Some((character, bytes)) = unicode(rest) {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[bytes..];
        } else {
            out.push(b'\\');
            rest = &rest[1..];
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The character of one or two `\uXXXX`, and how many bytes they are.
fn unicode(rest: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    let pair = unit(6).map(|second| [first, second]);
    let character = |units: &[u16]| char::decode_utf16(units.iter().copied()).next()?.ok();
    match character(&[first]) {
        Some(character) => Some((character, 6)),
        None => Some((character(&pair?)?, 12)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(grams: &Grams, text: &str) -> bool {
        rows_of(text).iter().all(|&row| grams.rows[row] == 1)
    }

    #[test]
    fn what_a_line_says_is_found_in_whichever_spelling() {
        let mut grams = Grams::new();
        grams.add_json(br#""Night \"Maintenance\" \u00e4rger \ud83d\ude00 \u004bELVIN a\\b""#);
        grams.add_json("\"\u{212a}ELVIN mi\u{17f}t \u{17f}\u{17f}x\"".as_bytes());
        grams.add_base64(b"\"AGFiY/9k\"");
        for text in
            [r#"night "maintenance""#, "ärger", "😀", "kelvin", r"a\b", "mist", "ssx", "abc", "\\u00e4"]
        {
            assert!(has(&grams, text), "{text}");
        }
        assert!(!has(&grams, "zebrafish"));
        assert_eq!(grams.rows().count(), grams.rows.iter().filter(|&&row| row > 0).count());
    }
}
