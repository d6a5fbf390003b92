//! The elements of JSON arrays that are one line, as some stores write an export: in whatever pieces the line comes.
//!
//! ```text
//! [{"_raw":"…"}, {"_raw":"…"}]⏎               two texts: each may be as long as any other line
//! ["<110>1 … [otrail@32473 …"]⏎               the frame in a string
//! {"took":5,"hits":{"hits":[{…}, {…}]}}⏎      two texts: of the arrays that an answer wraps
//! [otrail@32473 id="…"]⏎                      is no array
//! ```
//!
//! Only so much JSON as it takes to find where an element ends. What is no array after all costs no more than its line.

/// Cuts one line.
#[derive(Debug, Default)]
pub(super) struct Elements {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// Arrays are within an object.
    is_wrapped: bool,
    /// None of them is open: what stands there now is what wraps the next.
    is_outside: bool,
    /// The array is closed: what stands behind it is text.
    is_over: bool,
    element: Vec<u8>,
}

/// Where what stands behind the bracket of an array begins, if a line of which this is the head is one of objects or texts.
pub(super) fn begin(line: &[u8]) -> Option<usize> {
    let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii_start();
    let first = text.strip_prefix(b"[")?.trim_ascii_start().first()?;
    matches!(first, b'{' | b'"' | b'[').then(|| line.len() - text.len() + 1)
}

impl Elements {
    /// Of all arrays that an object wraps, from its beginning on.
    pub(super) fn wrapped() -> Elements {
        Elements { is_wrapped: true, is_outside: true, is_over: true, ..Elements::default() }
    }

    /// Takes the next bytes, and hands on what ends in them; of an element over the limit the beginning.
    pub(super) fn take(&mut self, bytes: &[u8], bytes_max: usize, mut found: impl FnMut(&str)) {
        for &byte in bytes {
            if !self.is_over && !self.in_text && self.depth == 0 && matches!(byte, b',' | b']') {
                self.is_over = byte == b']';
                self.is_outside = self.is_over && self.is_wrapped;
                self.hand_on(&mut found);
                continue;
            }
            if self.is_outside && !self.in_text {
                self.is_outside = byte != b'[';
                self.is_over = self.is_outside;
                self.in_text = byte == b'"';
                continue;
            }
            if !self.is_outside && self.element.len() < bytes_max {
                self.element.push(byte);
            }
            match (self.in_text, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// The line has ended.
    pub(super) fn end(mut self, mut found: impl FnMut(&str)) {
        self.hand_on(&mut found);
    }

    fn hand_on(&mut self, found: &mut impl FnMut(&str)) {
        let element = self.element.trim_ascii();
        match serde_json::from_slice::<String>(element) {
            _ if element.is_empty() => {}
            Ok(text) => found(&text),
            Err(_) => found(&String::from_utf8_lossy(element)),
        }
        self.element.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str, piece: usize) -> Vec<String> {
        let line = line.as_bytes();
        let mut found = Vec::new();
        let Some(begin) = begin(line) else { return found };
        let mut elements = Elements::default();
        for piece in line[begin..].chunks(piece) {
            elements.take(piece, 12, |text| found.push(text.to_owned()));
        }
        elements.end(|text| found.push(text.to_owned()));
        found
    }

    #[test]
    fn elements_end_where_they_do_in_json() {
        for piece in [1, 3, 99] {
            let found = of(" [ {\"a\":\"],}\"} ,[1,{}],\"a\\\"b,\",3]\n", piece);
            assert_eq!(found, ["{\"a\":\"],}\"}", "[1,{}]", "a\"b,", "3"]);
        }
    }

    #[test]
    fn what_wraps_arrays_is_passed_over() {
        let line = "{\"took\":5,\"a\":\"[{\\\"\",\"m\":[{\"x\":[1]}],\"h\":{\"t\":{\"v\":1},\"hits\":[{\"a\":1}, \"<1>\"]}}\n";
        for piece in [1, 3, 99] {
            let (mut elements, mut found) = (Elements::wrapped(), Vec::new());
            for piece in line.as_bytes().chunks(piece) {
                elements.take(piece, 12, |text| found.push(text.to_owned()));
            }
            elements.end(|text| found.push(text.to_owned()));
            assert_eq!(found, ["{\"x\":[1]}", "{\"a\":1}", "<1>"]);
        }
    }

    #[test]
    fn what_is_no_array_is_none_and_what_is_too_long_is_cut() {
        for line in ["[otrail@32473 id=\"1\"]", "[]", "[", "{\"a\":[{}]}", "", "[Nov 30] x"] {
            assert_eq!(begin(line.as_bytes()), None, "{line}");
        }
        assert_eq!(of("[{\"a\":\"0123456789\"},{\"b\":1}", 4), ["{\"a\":\"012345", "{\"b\":1}"]);
        assert_eq!(of("\u{feff}[{}, {\"a\":1}]", 5), ["{}", "{\"a\":1}"]);
        assert_eq!(of("[{}] and more, too", 5), ["{}", "and more, t"]);
    }
}
