//! A pattern that takes letters in both cases, as one for texts in small letters: the same tree with a tenth of the
//! parts, since a word is then one part and not one for each letter.

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Repetition};

/// What an automaton reads where a text has such a byte, if it is one of a folded pattern.
pub(super) fn read(byte: u8, is_folded: bool) -> u8 {
    if is_folded { byte.to_ascii_lowercase() } else { byte }
}

/// What matches a text in small letters just where `pattern` matches the text as it is. `None` for a pattern that takes some letter in one case only.
pub(super) fn folded(pattern: &Hir) -> Option<Hir> {
    if let Some(text) = letters(pattern) {
        return Some(Hir::literal(text));
    }
    let all = |parts: &[Hir]| parts.iter().map(folded).collect::<Option<Vec<Hir>>>();
    Some(match pattern.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(_) => return None,
        HirKind::Class(class) => takes_both_cases(class).then(|| Hir::class(class.clone()))?,
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            let sub = Box::new(folded(sub)?);
            Hir::repetition(Repetition { min: *min, max: *max, greedy: *greedy, sub })
        }
        HirKind::Capture(Capture { index, name, sub }) => {
            Hir::capture(Capture { index: *index, name: name.clone(), sub: Box::new(folded(sub)?) })
        }
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(ways) => Hir::alternation(all(ways)?),
    })
}

/// The text that a part stands for, when every letter of it stands for both cases.
fn letters(part: &Hir) -> Option<Vec<u8>> {
    match part.kind() {
        HirKind::Literal(literal) if !literal.0.iter().any(u8::is_ascii_alphabetic) => {
            Some(literal.0.to_vec())
        }
        HirKind::Class(Class::Bytes(class)) => match class.ranges() {
            [large, small] if large.len() == 1 && small.len() == 1 => {
                let letter = small.start();
                (letter.is_ascii_lowercase() && large.start() == letter.to_ascii_uppercase())
                    .then(|| vec![letter])
            }
            _ => None,
        },
        _ => None,
    }
}

fn takes_both_cases(class: &Class) -> bool {
    let has = |letter: u8| match class {
        Class::Bytes(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&letter)),
        Class::Unicode(class) => {
            class.iter().any(|range| (range.start()..=range.end()).contains(&char::from(letter)))
        }
    };
    (b'a'..=b'z').all(|letter| has(letter) == has(letter.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::super::{matcher, tests::variants};
    use super::*;
    use regex_automata::meta;

    #[test]
    fn a_folded_pattern_matches_small_letters_where_the_pattern_matches() {
        let texts = ["User A logged IN", "k \u{212a} ſ", "ÄÖ äö", "deadBEEF::", "a_B-c"];
        let texts: Vec<String> = texts.iter().flat_map(|text| variants(text)).collect();
        for (pattern, folds) in [
            ("^User {user} logged in", true),
            (r"\b[a-f]+\b|(?:x|y)?z{2,3}", true),
            ("[^A-Z]+[0-9A-F]", true),
            ("(?u:k|ä|[ż-ſ])+", true),
            ("(?-i:B)", false),
            ("(?-i:[a-f])", false),
            ("(?-i:_)b", true),
        ] {
            let parsed = matcher::parse(pattern).unwrap_or_else(|| panic!("{pattern}"));
            let folded = folded(&parsed);
            assert_eq!(folded.is_some(), folds, "{pattern}");
            let regex = |parsed: &Hir| meta::Builder::new().build_from_hir(parsed).unwrap();
            for text in &texts {
                let small = text.to_ascii_lowercase();
                let found = folded.as_ref().map(|folded| regex(folded).is_match(&small));
                assert!(
                    found.is_none_or(|found| found == regex(&parsed).is_match(text)),
                    "{pattern}\n{text}"
                );
            }
        }
    }
}
