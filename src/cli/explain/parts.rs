//! Where a stretch of the text that the rules read stands in the entry.

use crate::dialect::Part;
use std::ops::Range;

/// The bytes of the entry, which may spell the text with the escapes of JSON; `None` if it spells it in another way.
pub(super) fn in_entry(
    entry: &str,
    parts: &[Part],
    text: &str,
    span: &Range<usize>,
) -> Option<(usize, usize)> {
    let place = parts.iter().find(|part| part.text == text).and_then(|part| part.span.clone());
    let place = place.or_else(|| entry.find(text).map(|at| at..at + text.len()))?;
    if entry.get(place.clone()) == Some(text) {
        return Some((place.start + span.start, place.start + span.end));
    }
    let inside = entry.get(place.start + 1..place.end.saturating_sub(1))?;
    let at = |wanted: usize| Some(place.start + 1 + spelled(inside, wanted)?);
    Some((at(span.start)?, at(span.end)?))
}

/// The byte of a JSON string's inside at which `wanted` bytes of its text have been spelled.
fn spelled(inside: &str, wanted: usize) -> Option<usize> {
    let (mut at, mut told) = (0, 0);
    while told < wanted {
        let rest = inside.get(at..)?;
        let unit = match rest.as_bytes() {
            [b'\\', b'u', ..] if rest.get(6..8) == Some("\\u") && is_high(rest.get(2..6)?) => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => rest.chars().next()?.len_utf8(),
        };
        let text: String = serde_json::from_str(&format!("\"{}\"", rest.get(..unit)?)).ok()?;
        at += unit;
        told += text.len();
    }
    Some(at)
}

fn is_high(digits: &str) -> bool {
    u16::from_str_radix(digits, 16).is_ok_and(|unit| (0xd800..0xdc00).contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::json_parts;

    #[test]
    fn a_stretch_of_text_is_found_where_it_stands() {
        let entry = r#"{"a": 1, "b":"CORP\\x \ud83d\ude00 y"}"#;
        let parts = json_parts(entry);
        let found: Vec<_> = parts.iter().map(|part| &entry[part.span.clone().unwrap()]).collect();
        assert_eq!(found, ["1", r#""CORP\\x \ud83d\ude00 y""#]);
        let text = "CORP\\x \u{1f600} y";
        let at = |word: &str| {
            let start = text.find(word).unwrap();
            let (start, end) = in_entry(entry, &parts, text, &(start..start + word.len())).unwrap();
            &entry[start..end]
        };
        assert_eq!((at("CORP\\x"), at("y"), at("\u{1f600}")), (r"CORP\\x", "y", r"\ud83d\ude00"));
        assert_eq!(in_entry("say hi", &[], "hi", &(0..2)), Some((4, 6)));
        assert_eq!(in_entry(r"say=h\=i", &[], "h=i", &(0..2)), None);
    }
}
