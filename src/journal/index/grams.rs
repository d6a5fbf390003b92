//! Which runs of three bytes a frame's text has: a set of bits for each frame, kept as a row for each bit.
//!
//! ```text
//! "Login failed"  ──▶  log ogi gin in␣ n␣f ␣fa fai ail ile led  ──▶  a number below 65,536 each
//! row 17   frames 0 1 2 3 ...    whether a frame has a run of that number
//! ```
//!
//! A text can stand in a frame only if all of its runs are there, so a search reads one row for each run, a few bytes
//! of a segment. Upper and lower case are alike. What a record says is taken in as it stands in the line and, where it is
//! escaped there, as what it means. Its seq, id, times, position and count are left out.

use super::set::FrameSet;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use std::ops::Range;
use std::slice;

/// Rows of the set.
pub(super) const ROWS: usize = 1 << 16;

/// The runs of the frames of a segment.
pub(super) struct Grams {
    /// Of the frame at hand, a byte for each row: to write one costs less than to set a bit among others.
    rows: Box<[u8; ROWS]>,
    /// Of eight frames each, a byte for each row with a bit for each frame. Rows of bits are made of it at the end: to write
    /// to all of them for each frame would be to write all over the memory.
    eights: Vec<Box<[u8; ROWS]>>,
    frames: usize,
    /// A text in lower case, with zeros behind it.
    lower: Vec<u8>,
    /// The numbers of some of its runs.
    numbers: [u16; AT_ONCE],
}

impl Grams {
    pub(super) fn new() -> Grams {
        let (lower, numbers) = (Vec::new(), [0; AT_ONCE]);
        Grams { rows: Box::new([0; ROWS]), eights: Vec::new(), frames: 0, lower, numbers }
    }

    /// The frame at hand is complete.
    pub(super) fn end_frame(&mut self) {
        let bit = self.frames % 8;
        if bit == 0 {
            self.eights.push(Box::new([0; ROWS]));
        }
        self.frames += 1;
        let Some(eight) = self.eights.last_mut() else { return };
        for (byte, is_there) in eight.iter_mut().zip(self.rows.iter_mut()) {
            *byte |= *is_there << bit;
            *is_there = 0;
        }
    }

    /// The frames of the first so many that have all of these rows.
    pub(super) fn frames_with(&self, rows: &[usize], frames: usize) -> FrameSet {
        let mut set = FrameSet::none(frames);
        for (at, eight) in self.eights.iter().enumerate() {
            let bits = rows.iter().fold(u8::MAX, |bits, &row| bits & eight[row % ROWS]);
            let found = (0..8).filter(|bit| bits >> bit & 1 == 1).map(|bit| at * 8 + bit);
            found.filter(|&frame| frame < frames).for_each(|frame| set.insert(frame));
        }
        set
    }

    /// How many bytes they take.
    pub(super) fn memory(&self) -> usize {
        (1 + self.eights.len()) * ROWS + self.lower.capacity()
    }

    /// A row for each run, of so many bytes, with a bit for each frame.
    pub(super) fn into_rows(self, row_bytes: usize) -> Vec<u8> {
        let mut rows = vec![0; ROWS * row_bytes];
        for (at, row) in rows.chunks_exact_mut(row_bytes).enumerate() {
            row.iter_mut().zip(&self.eights).for_each(|(byte, eight)| *byte = eight[at]);
        }
        rows
    }

    /// Takes in a value, of which something is escaped, as what its JSON means.
    pub(super) fn add_escaped(&mut self, json: &[u8]) {
        self.add(&unescaped(json));
    }

    /// Takes in what base64 stands for, and what becomes of it as text.
    pub(super) fn add_base64(&mut self, json: &[u8]) {
        let text = json.strip_prefix(b"\"").and_then(|json| json.strip_suffix(b"\"")).unwrap_or(json);
        if let Ok(bytes) = STANDARD.decode(text) {
            self.add(&bytes);
            self.add(String::from_utf8_lossy(&bytes).as_bytes());
        }
    }

    /// Takes in a text, as it stands there.
    pub(super) fn add(&mut self, text: &[u8]) {
        self.add_pieces(text, slice::from_ref(&(0..text.len())));
    }

    /// Takes in pieces of a text, as they stand there.
    pub(super) fn add_pieces(&mut self, text: &[u8], pieces: &[Range<usize>]) {
        self.set_lower(text);
        pieces.iter().for_each(|piece| self.add_lower(piece));
        // Two characters beyond ASCII are the same as an ASCII letter when case does not count.
        if !text.is_ascii() && SAME.iter().any(|(other, _)| memmem::find(text, other).is_some()) {
            for piece in pieces {
                let text = with_same(&text[piece.clone()]);
                self.set_lower(&text);
                self.add_lower(&(0..text.len()));
            }
        }
    }

    fn set_lower(&mut self, text: &[u8]) {
        self.lower.clear();
        self.lower.extend(text.iter().map(u8::to_ascii_lowercase));
        self.lower.resize(text.len() + STEP, 0);
    }

    /// Takes in what stands there in the text in lower case.
    fn add_lower(&mut self, piece: &Range<usize>) {
        let end = piece.end.saturating_sub(2);
        let mut from = piece.start;
        while from < end {
            let count = AT_ONCE.min(end - from);
            // More than is wanted, so that there is no rest that a processor does one by one.
            let numbers = &mut self.numbers[..count.next_multiple_of(STEP)];
            let lower = &self.lower[from..];
            let runs = lower.iter().zip(&lower[1..]).zip(&lower[2..]);
            for (number, ((&first, &second), &third)) in numbers.iter_mut().zip(runs) {
                *number = row(first, second, third);
            }
            let (eights, few) = numbers[..count].as_chunks::<8>();
            let mut add = |&number: &u16| self.rows[usize::from(number)] = 1;
            eights.iter().for_each(|eight| eight.iter().for_each(&mut add));
            few.iter().for_each(add);
            from += count;
        }
    }
}

/// Whether a text may be a part of a number or a time, whose runs are not kept: every frame would have most of them.
pub(super) fn may_be_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || b"-:.TtZz".contains(&byte))
}

/// The rows of a text's runs; none if it is shorter than one.
pub(super) fn rows_of(text: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let runs = lower.as_bytes().windows(3);
    let mut rows: Vec<usize> = runs.map(|run| usize::from(row(run[0], run[1], run[2]))).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// In numbers of 16 bits, of which a processor has many in hand at once.
fn row(first: u8, second: u8, third: u8) -> u16 {
    let times = |byte: u8, factor: u16| u16::from(byte).wrapping_mul(factor);
    times(first, FACTORS[0]).wrapping_add(times(second, FACTORS[1])).wrapping_add(times(third, FACTORS[2]))
}

/// Found by trial, of some hundred: the runs of what users do have the fewest rows in common, fewer than by chance, and runs
/// that begin alike stand side by side, where a processor has them at hand.
const FACTORS: [u16; 3] = [103, 25523, 1];
/// Runs that are numbered in one go; a multiple of `STEP`.
const AT_ONCE: usize = 256;
/// Runs that a processor numbers side by side, or a multiple of them.
const STEP: usize = 16;

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
        let json = br#""Night \"Maintenance\" \u00e4rger \ud83d\ude00 \u004bELVIN a\\b""#;
        grams.add(json);
        grams.add_escaped(json);
        grams.add("\"\u{212a}ELVIN mi\u{17f}t \u{17f}\u{17f}x\"".as_bytes());
        grams.add_base64(b"\"AGFiY/9k\"");
        for text in
            [r#"night "maintenance""#, "ärger", "😀", "kelvin", r"a\b", "mist", "ssx", "abc", "\\u00e4"]
        {
            assert!(has(&grams, text), "{text}");
        }
        assert!(!has(&grams, "zebrafish"));
    }

    #[test]
    fn pieces_of_any_length_have_the_rows_of_their_runs_and_no_more() {
        let mut rng = fastrand::Rng::with_seed(3);
        let text: Vec<u8> = (0..1000).map(|_| rng.alphanumeric() as u8).collect();
        for length in (0..70).chain(AT_ONCE - 2..AT_ONCE + 20).chain([600, 998]) {
            let (mut grams, begin) = (Grams::new(), rng.usize(..text.len() - length));
            let pieces = [begin..begin + length, 0..length.min(5)];
            grams.add_pieces(&text, &pieces);
            let mut expected: Vec<usize> = pieces
                .iter()
                .flat_map(|piece| rows_of(std::str::from_utf8(&text[piece.clone()]).unwrap()))
                .collect();
            expected.sort_unstable();
            expected.dedup();
            let found: Vec<usize> = (0..ROWS).filter(|&row| grams.rows[row] == 1).collect();
            assert_eq!(found, expected, "{length}");
        }
    }

    #[test]
    fn what_could_stand_in_a_number_or_a_time_is_told_from_other_text() {
        for text in ["4711", "7F31c0", "2024-02-29T09:11:02.118z", "10.7.1", "face"] {
            assert!(may_be_number(text), "{text}");
        }
        for text in ["raw-base64", "ota-1001", "10.7.1.9 ", "user 17"] {
            assert!(!may_be_number(text), "{text}");
        }
    }

    #[test]
    fn a_row_has_a_bit_for_each_frame() {
        let mut grams = Grams::new();
        for frame in 0..20 {
            grams.add(if frame % 3 == 1 { b"abc" } else { b"defghi" });
            grams.end_frame();
        }
        let rows = grams.into_rows(3);
        let row = |text: &str| rows[rows_of(text)[0] * 3..][..3].to_vec();
        assert_eq!(row("abc"), [0b1001_0010, 0b0010_0100, 0b1001]);
        assert_eq!(row("fgh"), [0b0110_1101, 0b1101_1011, 0b0110]);
        assert_eq!(row("xyz"), [0; 3]);
    }
}
