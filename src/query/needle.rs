//! A look at a journal line before it is decoded: lines that lack a text of the filter are passed over.
//!
//! Many lines are looked at in one go: for the rarest of the texts, and for spellings that may hide it.

use crate::filter::Filter;
use regex::bytes::{Regex, RegexBuilder};

/// Texts that must all stand in a line, each in one of its spellings.
#[derive(Default)]
pub(super) struct Needle {
    /// Of the line as it stands.
    literals: Vec<Regex>,
    /// Of what the line says: where something is escaped, that may be spelled in another way.
    texts: Vec<Text>,
    /// What is looked for in many lines, and what may hide it.
    first: Option<(Regex, Option<Regex>)>,
}

struct Text {
    regex: Regex,
    /// Lines with a match of it may have the text in another spelling.
    hides: Regex,
}

impl Needle {
    /// A text that cannot be looked for is left out: then more lines are decoded, never fewer.
    pub(super) fn new(filter: &Filter) -> Needle {
        let literals: Vec<Vec<String>> = filter.literals().map(|set| set.texts).collect();
        let texts: Vec<Vec<String>> = filter.texts().collect();
        let text = |set: &Vec<String>| Some(Text { regex: regex(set)?, hides: hides(set)? });
        let shortest = |set: &&Vec<String>| set.iter().map(String::len).min();
        let of_texts = texts.iter().max_by_key(shortest);
        let of_literals = literals.iter().max_by_key(shortest);
        let first = match (of_literals, of_texts) {
            (literal, Some(set)) if literal.is_none_or(|literal| shortest(&literal) < shortest(&set)) => {
                text(set).map(|Text { regex, hides }| (regex, Some(hides)))
            }
            (Some(set), _) => regex(set).map(|regex| (regex, None)),
            (None, _) => None,
        };
        Needle {
            literals: literals.iter().filter_map(|set| regex(set)).collect(),
            texts: texts.iter().filter_map(text).collect(),
            first,
        }
    }

    /// Whether the line may hold a wanted record.
    pub(super) fn may_match(&self, line: &[u8]) -> bool {
        self.literals.iter().all(|regex| regex.is_match(line))
            && self.texts.iter().all(|text| text.regex.is_match(line) || text.hides.is_match(line))
    }

    /// Where in many lines, from a place on, the next one is that may hold a wanted record; each place is asked once, in
    /// order.
    pub(super) fn places<'a>(&'a self, lines: &'a [u8]) -> Places<'a> {
        Places { needle: self, lines, hidden: Some(0), found: Some(0) }
    }
}

/// See `Needle::places`.
pub(super) struct Places<'a> {
    needle: &'a Needle,
    lines: &'a [u8],
    /// The next place of a hidden spelling, and of the text, not before that was asked for; `None` if there is none.
    hidden: Option<usize>,
    found: Option<usize>,
}

impl Places<'_> {
    /// The next place from `from` on.
    pub(super) fn next(&mut self, from: usize) -> Option<usize> {
        let Some((text, hides)) = &self.needle.first else {
            return (from < self.lines.len()).then_some(from);
        };
        let look = |regex: &Regex, known: Option<usize>| match known? {
            // Where it was before is behind us.
            at if at < from || from == 0 => regex.find_at(self.lines, from).map(|found| found.start()),
            at => Some(at),
        };
        self.found = look(text, self.found);
        self.hidden = hides.as_ref().and_then(|hides| look(hides, self.hidden));
        self.found.into_iter().chain(self.hidden).min()
    }
}

/// One of these texts, its letters in either case.
fn regex(set: &[String]) -> Option<Regex> {
    let plain: Vec<String> = set.iter().map(|text| regex::escape(text)).collect();
    let regex =
        RegexBuilder::new(&plain.join("|")).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build();
    regex.ok()
}

/// Lines that may have one of these texts, which are ASCII, in another spelling than it reads.
///
/// JSON has short escapes for a few characters; any other ASCII one can only stand as its number, and so can the two
/// letters beyond ASCII that are the same as `k` and `s` when case does not count.
fn hides(set: &[String]) -> Option<Regex> {
    let is_short = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\' | b'/');
    let pattern = match set.iter().any(|text| text.bytes().any(is_short)) {
        true => r#"\\|"raw-base64":"#,
        false => r#"\\u(?:00[2-7]|017[fF]|212[aA])|"raw-base64":"#,
    };
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

/// Enough for hundreds of names.
const REGEX_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Clock;
    use crate::model::Time;
    use proptest::prelude::*;

    fn needle(words: &[(&str, &str)]) -> Needle {
        Needle::new(&Filter::parse(words.iter().copied(), &Clock::utc(Time::default())).unwrap())
    }

    const LINES: &[&str] = &[
        r#"{"user":"alice","message":"a quick fox"}"#,
        r#"{"user":"bob","message":"a quic\u006b fox"}"#,
        "{\"user\":\"bob\",\"message\":\"a quic\u{212a} fox\"}",
        r#"{"user":"bob","message":"a quic\u212A fox"}"#,
        r#"{"user":"ALICE","raw-base64":"YSBxdWljayBmb3g="}"#,
        r#"{"user":"bob","message":"say \"quick\" \/ slow"}"#,
        r#"{"user":"bob","message":"a slow one, caf\u00e9"}"#,
        "",
    ];

    #[test]
    fn what_may_be_spelled_in_another_way_is_looked_at() {
        let may_match = |words: &[(&str, &str)]| {
            let needle = needle(words);
            LINES.iter().map(|line| u8::from(needle.may_match(line.as_bytes()))).collect::<Vec<_>>()
        };
        assert_eq!(may_match(&[("grep", "quick")]), [1, 1, 1, 1, 1, 1, 0, 0]);
        assert_eq!(may_match(&[("grep", "quick\" /")]), [0, 1, 0, 1, 1, 1, 1, 0]);
        assert_eq!(may_match(&[("grep", "quick"), ("user", "alice")]), [1, 0, 0, 0, 1, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn one_look_at_many_lines_misses_none(
            numbers in prop::collection::vec(0..LINES.len(), 0..30),
            which in 0..4_usize,
        ) {
            let lines: Vec<u8> = numbers.iter().flat_map(|&at| [LINES[at].as_bytes(), b"\n"].concat()).collect();
            let words = [vec![("grep", "quick")], vec![("user", "alice"), ("grep", "fox")], vec![("grep", "slow one")], vec![]];
            let needle = needle(&words[which]);
            let (mut found, mut at) = (Vec::new(), 0);
            let mut places = needle.places(&lines);
            while let Some(place) = places.next(at) {
                prop_assert!(place >= at);
                let begin = lines[..place].iter().rposition(|&byte| byte == b'\n').map_or(0, |feed| feed + 1);
                at = place + lines[place..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
                found.extend(needle.may_match(&lines[begin..at - 1]).then(|| lines[begin..at - 1].to_vec()));
            }
            let all = numbers.iter().map(|&at| LINES[at].as_bytes()).filter(|line| needle.may_match(line));
            prop_assert_eq!(found, all.map(<[u8]>::to_vec).collect::<Vec<_>>());
        }
    }
}
