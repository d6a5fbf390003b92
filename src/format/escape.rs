//! Values become harmless text: no control character, no bare quote, no more than a given number of bytes.
//!
//! ```text
//! line feed, return, tab          \n  \r  \t
//! other control characters        \u001b, as in JSON: C0, DEL, C1, and the line ends U+2028 and U+2029
//! the place's own special ones    a backslash before them
//! the place's delimiter           \u005e, where there is no way to escape it
//! all else                        as it is, marks for the writing direction too: they are data
//! ```
//!
//! Where a reader of the format turns an escape back into the character, nothing has changed; elsewhere the frame
//! gets the flag `escaped`.

use crate::model::eight;

/// Where a value goes, and what is special there.
#[derive(Clone)]
pub(super) struct Place {
    /// ASCII characters that need a backslash; the same one again, if there are fewer.
    special: [u8; 3],
    /// A backslash that begins one of our own escapes; doubled where a backslash is special itself.
    backslash: &'static [u8],
    /// The same for line feed and return.
    line_end: &'static [u8],
    /// Which escapes a reader undoes.
    undone: Undone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Undone {
    Nothing,
    LineEnds,
    Everything,
}

/// The MSG of RFC 5424: nothing is special but control characters, and a backslash in it stays as it is.
pub(super) static MESSAGE: Place =
    Place { special: [0; 3], backslash: b"\\", line_end: b"\\", undone: Undone::Nothing };
/// A PARAM-VALUE (RFC 5424 section 6.3.3).
pub(super) static PARAM_VALUE: Place =
    Place { special: *b"\"\\]", backslash: b"\\\\", line_end: b"\\\\", undone: Undone::Nothing };
/// A string of JSON (RFC 8259 section 7).
pub(super) static JSON: Place =
    Place { special: *b"\"\\\\", backslash: b"\\", line_end: b"\\", undone: Undone::Everything };
/// A value of a CEF extension.
pub(super) static CEF: Place =
    Place { special: *b"=\\\\", backslash: b"\\\\", line_end: b"\\", undone: Undone::LineEnds };

impl Place {
    /// A value of LEEF, which knows no escapes: what would part it is replaced.
    pub(super) fn leef(delimiter: u8) -> Place {
        Place { special: [delimiter; 3], ..MESSAGE.clone() }
    }

    /// Whether the special characters of this place are replaced, for want of a way to escape them.
    fn replaces(&self) -> bool {
        !self.special.contains(&b'\\') && self.special[0] != 0
    }
}

/// What became of the values of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// A control character was written as an escape.
    pub(super) escaped: bool,
    /// Something did not fit.
    pub(super) cut: bool,
}

impl Place {
    /// Appends `text` in at most `bytes_max` bytes. What is cut ends at a character, and `mark` appends at most
    /// `mark_bytes_max` bytes that say how many bytes of the text are missing.
    #[inline]
    pub(super) fn put(&self, text: &str, limit: &Limit, marks: &mut Marks, out: &mut Vec<u8>) {
        if text.len() <= limit.bytes_max && self.is_plain(text.as_bytes()) {
            out.extend_from_slice(text.as_bytes());
        } else {
            self.put_with_care(text, limit, marks, out);
        }
    }

    /// Whether nothing in the text needs care; looks at sixteen bytes at a time, or eight.
    #[inline]
    fn is_plain(&self, text: &[u8]) -> bool {
        if let Some(last) = text.last_chunk() {
            let (chunks, _) = text.as_chunks();
            return !chunks.iter().fold(self.is_odd_in(last), |odd, chunk| odd | self.is_odd_in(chunk));
        }
        let few = |bytes: &[u8]| bytes.iter().fold(BLANKS, |word, &byte| word << 8 | u64::from(byte));
        let first = text.first_chunk().map_or_else(|| few(text), |bytes| u64::from_ne_bytes(*bytes));
        let last = text.last_chunk().map_or(first, |bytes| u64::from_ne_bytes(*bytes));
        !(is_odd(first, self.special) | is_odd(last, self.special))
    }

    /// Whether one of sixteen bytes needs care: without a branch for each a processor looks at all of them in one go.
    #[inline]
    fn is_odd_in(&self, bytes: &[u8; 16]) -> bool {
        let [one, two, three] = self.special;
        let is_odd =
            |byte: u8| !(b' '..0x7f).contains(&byte) | (byte == one) | (byte == two) | (byte == three);
        bytes.iter().fold(false, |odd, &byte| odd | is_odd(byte))
    }

    /// How many bytes at the beginning need no care.
    fn plain_bytes(&self, text: &[u8]) -> usize {
        let special = self.special;
        let (words, _) = text.as_chunks();
        let plain = words.iter().take_while(|word| !is_odd(u64::from_ne_bytes(**word), special)).count();
        let is_odd = |byte: &u8| !byte.is_ascii() || byte.is_ascii_control() || self.special.contains(byte);
        let rest = &text[plain * 8..];
        plain * 8 + rest.iter().position(is_odd).unwrap_or(rest.len())
    }

    fn put_with_care(&self, text: &str, limit: &Limit, marks: &mut Marks, out: &mut Vec<u8>) {
        let start = out.len();
        let room = limit.bytes_max.saturating_sub(limit.mark_bytes_max);
        // Where to cut if need be, and how much of the text stands before that.
        let (mut cut_at, mut kept, mut at) = (start, 0, 0);
        while at < text.len() && out.len() - start <= limit.bytes_max {
            let used = out.len() - start;
            let run = self.plain_bytes(&text.as_bytes()[at..]);
            if let Some(more) = room.checked_sub(used) {
                (cut_at, kept) = (out.len() + run.min(more), at + run.min(more));
            }
            let taken = run.min((limit.bytes_max - used).saturating_add(1));
            out.extend_from_slice(&text.as_bytes()[at..at + taken]);
            at += taken;
            if out.len() - start <= limit.bytes_max
                && let Some(character) = text[at..].chars().next()
            {
                self.put_character(character, marks, out);
                at += character.len_utf8();
            }
        }
        if out.len() - start > limit.bytes_max {
            out.truncate(cut_at);
            (limit.mark)(text.len() - kept, out);
            marks.cut = true;
        }
    }

    fn put_character(&self, character: char, marks: &mut Marks, out: &mut Vec<u8>) {
        let is_special = u8::try_from(character).is_ok_and(|byte| self.special.contains(&byte));
        let short = match character {
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => b'u',
            _ if is_special && self.replaces() => b'u',
            _ => {
                if is_special {
                    out.push(b'\\');
                }
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
        };
        let is_line_end = matches!(short, b'n' | b'r');
        marks.escaped |= match self.undone {
            Undone::Nothing => true,
            Undone::LineEnds => !is_line_end,
            Undone::Everything => false,
        };
        out.extend_from_slice(if is_line_end { self.line_end } else { self.backslash });
        out.push(short);
        if short == b'u' {
            let code = u32::from(character);
            out.extend([12, 8, 4, 0].map(|shift| HEX[(code >> shift & 0xf) as usize]));
        }
    }
}

/// Whether one of eight bytes is a control character, not ASCII, or special.
#[inline]
fn is_odd(bytes: u64, special: [u8; 3]) -> bool {
    let special =
        eight::equal(bytes, special[0]) | eight::equal(bytes, special[1]) | eight::equal(bytes, special[2]);
    let control = eight::below(bytes, b' ') | eight::equal(bytes, 0x7f);
    control | eight::not_ascii(bytes) | special != 0
}

/// How long a value may get, and how a cut is shown.
#[derive(Clone)]
pub(super) struct Limit {
    pub(super) bytes_max: usize,
    pub(super) mark: fn(bytes_missing: usize, out: &mut Vec<u8>),
    pub(super) mark_bytes_max: usize,
}

impl Limit {
    /// For a value: an ellipsis shows the cut.
    pub(super) fn value(bytes_max: usize) -> Limit {
        Limit {
            bytes_max, mark: |_, out| out.extend_from_slice("…".as_bytes()), mark_bytes_max: "…".len()
        }
    }

    /// For a message: the cut says how much is missing.
    pub(super) fn message(bytes_max: usize) -> Limit {
        Limit { bytes_max, mark: put_message_mark, mark_bytes_max: MESSAGE_MARK_BYTES_MAX }
    }
}

fn put_message_mark(bytes_missing: usize, out: &mut Vec<u8>) {
    out.extend_from_slice("…[cut ".as_bytes());
    put_number(bytes_missing as u64, out);
    out.extend_from_slice(b" bytes]");
}

/// Appends a number in decimal digits.
pub(super) fn put_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends 32 hex digits.
pub(super) fn put_hex128(number: u128, out: &mut Vec<u8>) {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 0xf)];
    }
    out.extend_from_slice(&digits);
}

/// Eight of them.
const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);
const HEX: &[u8; 16] = b"0123456789abcdef";
/// An ellipsis, `[cut `, the largest number, ` bytes]`.
pub(super) const MESSAGE_MARK_BYTES_MAX: usize = 3 + 5 + 20 + 7;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(place: &Place, text: &str, limit: &Limit) -> (String, Marks) {
        let (mut out, mut marks) = (Vec::new(), Marks::default());
        place.put(text, limit, &mut marks, &mut out);
        (String::from_utf8(out).unwrap(), marks)
    }

    #[test]
    fn control_characters_become_visible_and_are_marked() {
        for (text, message, value) in [
            ("a\nb\r\tc", r"a\nb\r\tc", r"a\\nb\\r\\tc"),
            ("\u{1b}[2J\0", r"\u001b[2J\u0000", r"\\u001b[2J\\u0000"),
            ("\u{7f}\u{85}\u{9b}", r"\u007f\u0085\u009b", r"\\u007f\\u0085\\u009b"),
            ("\u{2028}\u{2029}", r"\u2028\u2029", r"\\u2028\\u2029"),
        ] {
            let marks = Marks { escaped: true, cut: false };
            assert_eq!(put(&MESSAGE, text, &Limit::message(99)), (message.to_owned(), marks));
            assert_eq!(put(&PARAM_VALUE, text, &Limit::value(99)), (value.to_owned(), marks));
        }
    }

    #[test]
    fn what_is_special_in_a_value_is_not_in_a_message() {
        let text = r#"rack ]1[ "A"\B"#;
        assert_eq!(put(&MESSAGE, text, &Limit::message(99)).0, text);
        assert_eq!(put(&PARAM_VALUE, text, &Limit::value(99)).0, r#"rack \]1[ \"A\"\\B"#);
    }

    #[test]
    fn what_a_reader_undoes_has_not_changed() {
        for (place, text, written, escaped) in [
            (&JSON, "a\"b\\c\nd\te\u{1b}\u{2028}", r#"a\"b\\c\nd\te\u001b\u2028"#, false),
            (&CEF, r"a=b|c\d", r"a\=b|c\\d", false),
            (&CEF, "line\r\nfeed", r"line\r\nfeed", false),
            (&CEF, "tab\tand\u{1b}", r"tab\\tand\\u001b", true),
            (&Place::leef(b'^'), r"a^b=c|d\n", r"a\u005eb=c|d\n", true),
            (&Place::leef(b'\t'), "a\tb^c", r"a\tb^c", true),
            (&Place::leef(b'\t'), "a^b=c", "a^b=c", false),
        ] {
            let (found, marks) = put(place, text, &Limit::value(99));
            assert_eq!((found.as_str(), marks.escaped), (written, escaped));
        }
    }

    #[test]
    fn other_writing_stays_as_it_is() {
        let text = "Zähler Ω 表 \u{202e}abc\u{202c} \u{feff}👩‍🔧";
        assert_eq!(put(&PARAM_VALUE, text, &Limit::value(99)), (text.to_owned(), Marks::default()));
    }

    #[test]
    fn a_cut_keeps_whole_characters_and_escapes_within_the_limit() {
        for bytes_max in 3..40 {
            let (text, marks) =
                put(&PARAM_VALUE, "ä\n\"表]\u{1b}\\👩‍🔧 and so on and on", &Limit::value(bytes_max));
            assert!(text.len() <= bytes_max && text.ends_with('…') && marks.cut, "{bytes_max}: {text}");
            let before = text.trim_end_matches('…');
            let backslashes = before.len() - before.trim_end_matches('\\').len();
            assert!(backslashes % 2 == 0, "{bytes_max}: {text}");
        }
    }

    #[test]
    fn a_cut_message_says_how_much_is_missing() {
        let text = "0123456789".repeat(10);
        let (cut, _) = put(&MESSAGE, &text, &Limit::message(45));
        assert_eq!(cut, "0123456789…[cut 90 bytes]");
        assert_eq!(put(&MESSAGE, &text, &Limit::message(100)).0, text);
    }

    /// As `put_with_care`, a character at a time.
    fn put_slowly(place: &Place, text: &str, limit: &Limit, out: &mut Vec<u8>) -> Marks {
        let room = limit.bytes_max.saturating_sub(limit.mark_bytes_max);
        let (mut marks, mut cut_at, mut kept) = (Marks::default(), 0, 0);
        for (at, character) in text.char_indices() {
            if out.len() <= room {
                (cut_at, kept) = (out.len(), at);
            }
            place.put_character(character, &mut marks, out);
            if out.len() > limit.bytes_max {
                out.truncate(cut_at);
                (limit.mark)(text.len() - kept, out);
                return Marks { cut: true, ..marks };
            }
        }
        marks
    }

    proptest! {
        #[test]
        fn what_is_plain_is_written_at_once_and_nothing_else(
            text in r#"([a-z ]{0,20}|["\\=^\]\[]|\PC|[\x00-\x1f\x7f-\xa0\u2028]){0,12}"#,
            bytes_max in prop_oneof![3..160usize, Just(usize::MAX)],
            is_message in any::<bool>(),
            which in 0..5usize,
        ) {
            let place = [MESSAGE.clone(), PARAM_VALUE.clone(), JSON.clone(), CEF.clone(), Place::leef(b'^')][which].clone();
            let limit = if is_message { Limit::message(bytes_max.max(40)) } else { Limit::value(bytes_max) };
            let mut expected = Vec::new();
            let marks = put_slowly(&place, &text, &limit, &mut expected);
            let expected = String::from_utf8(expected).unwrap();
            prop_assert_eq!(put(&place, &text, &limit), (expected, marks));
        }
    }

    #[test]
    fn every_place_in_a_text_is_looked_at() {
        for length in 1..40 {
            for at in 0..length {
                let text = |odd: char| {
                    (0..length).map(|place| if place == at { odd } else { 'a' }).collect::<String>()
                };
                for odd in (0..=0xff).map(char::from) {
                    let plain = (' '..='~').contains(&odd);
                    assert_eq!(MESSAGE.is_plain(text(odd).as_bytes()), plain, "{odd:?} at {at} of {length}");
                    let plain = plain && !['"', ']', '\\'].contains(&odd);
                    assert_eq!(
                        PARAM_VALUE.is_plain(text(odd).as_bytes()),
                        plain,
                        "{odd:?} at {at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 7, 10, 4711, u64::MAX] {
            let mut out = Vec::new();
            put_number(number, &mut out);
            assert_eq!(out, number.to_string().into_bytes());
        }
        let mut out = Vec::new();
        put_hex128(0x0123 << 100, &mut out);
        assert_eq!(out, format!("{:032x}", 0x0123u128 << 100).into_bytes());
    }
}
