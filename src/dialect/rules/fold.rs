//! A pattern that takes letters in both cases, as one for texts in small letters: the same tree with a tenth of the
//! parts, since a word is then one part and not one for each letter.

use super::{matcher, pattern};
use regex_syntax::ast::{self, Ast, Flag, Flags, FlagsItem, FlagsItemKind, Group, GroupKind};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Capture, Class, Hir, HirKind, Repetition};

/// What an automaton reads where a text has such a byte, if it is one of a folded pattern.
pub(super) fn read(byte: u8, is_folded: bool) -> u8 {
    if is_folded { byte.to_ascii_lowercase() } else { byte }
}

/// What matches a text in small letters just where the pattern of a rule matches the text as it is. `None` for one that
/// takes some letter in one case only, or is no pattern.
pub(super) fn parse(pattern: &str) -> Option<Hir> {
    directly(&pattern::expand(pattern)).or_else(|| folded(&matcher::parse(pattern)?))
}

/// Without a class of both cases for each letter on the way, which takes longer than all else; `None` also for a
/// pattern that says itself where cases count or what is a letter.
fn directly(pattern: &str) -> Option<Hir> {
    let mut tree = ast::parse::Parser::new().parse(pattern).ok()?;
    in_small_letters(&mut tree)?;
    TranslatorBuilder::new().unicode(false).utf8(false).build().translate(pattern, &tree).ok()
}

/// The parser has a limit to how deep a pattern is.
fn in_small_letters(tree: &mut Ast) -> Option<()> {
    match tree {
        Ast::Literal(literal) => literal.c.make_ascii_lowercase(),
        Ast::ClassBracketed(class) => {
            let span = class.span;
            let item = FlagsItem { span, kind: FlagsItemKind::Flag(Flag::CaseInsensitive) };
            let kind = GroupKind::NonCapturing(Flags { span, items: vec![item] });
            let ast = Box::new(std::mem::replace(tree, Ast::empty(span)));
            *tree = Ast::group(Group { span, kind, ast });
        }
        Ast::Repetition(repetition) => in_small_letters(&mut repetition.ast)?,
        Ast::Group(group) => {
            let has_flags = group.flags().is_some_and(|flags| !flags.items.is_empty());
            (!has_flags).then(|| in_small_letters(&mut group.ast))??;
        }
        Ast::Alternation(ways) => ways.asts.iter_mut().try_for_each(in_small_letters)?,
        Ast::Concat(parts) => parts.asts.iter_mut().try_for_each(in_small_letters)?,
        Ast::Empty(_) | Ast::Dot(_) | Ast::Assertion(_) | Ast::ClassPerl(_) => {}
        Ast::Flags(_) | Ast::ClassUnicode(_) => return None,
    }
    Some(())
}

/// The same of a tree.
pub(super) fn folded(pattern: &Hir) -> Option<Hir> {
    let all = |parts: &[Hir]| parts.iter().map(folded).collect::<Option<Vec<Hir>>>();
    Some(match pattern.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if !literal.0.iter().any(u8::is_ascii_alphabetic) => pattern.clone(),
        HirKind::Literal(_) => return None,
        HirKind::Class(class) => match letter(class) {
            Some(letter) => Hir::literal([letter]),
            None => takes_both_cases(class).then(|| Hir::class(class.clone()))?,
        },
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

/// The small letter of a class that is one letter in both cases.
fn letter(class: &Class) -> Option<u8> {
    match class {
        Class::Bytes(class) => match class.ranges() {
            [large, small] if large.len() == 1 && small.len() == 1 => {
                let letter = small.start();
                let is_both = letter.is_ascii_lowercase() && large.start() == letter.to_ascii_uppercase();
                is_both.then_some(letter)
            }
            _ => None,
        },
        Class::Unicode(_) => None,
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
    use super::super::{Rules, tests::variants};
    use super::*;
    use proptest::prelude::*;
    use regex_automata::meta;

    fn regex(parsed: &Hir) -> meta::Regex {
        meta::Builder::new().build_from_hir(parsed).unwrap()
    }

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
            ("É{user}|K+[xy]z|(?:X|Y)Z", true),
            ("a(?i)b(?-i)C", false),
            (r"[^A-Za-z]K|A\(?:b", true),
        ] {
            let parsed = matcher::parse(pattern).unwrap_or_else(|| panic!("{pattern}"));
            let folded = folded(&parsed);
            assert_eq!(folded.is_some(), folds, "{pattern}");
            assert_eq!(parse(pattern).is_some(), folds, "{pattern}");
            for folded in folded.into_iter().chain(parse(pattern)) {
                for text in &texts {
                    let found = regex(&folded).is_match(&text.to_ascii_lowercase());
                    assert_eq!(found, regex(&parsed).is_match(text), "{pattern}\n{text}");
                }
            }
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        let pieces = vec![
            "a",
            "B",
            "z",
            " ",
            "7",
            "_",
            "é",
            "É",
            "k",
            "S",
            ".",
            r"\s",
            r"\w",
            r"\D",
            r"\b",
            "^",
            "$",
            r"\x41",
            r"\.",
            "[ab]",
            "[A-F]",
            "[^b-y]",
            "[^0-9a-fA-F]",
            "[a-z&&[^e]]",
            "[a-z--[E]]",
            "[[:upper:]_]",
            "[[:^lower:]]",
            "[éa]",
            "(?-i:B)",
            "(?i:b)",
            "(?u:é)",
            "(?u:[k-s])",
            "(?-i)",
            "(?x: a b)",
            "(?s:.)",
            "(?:)",
            "(?<user>a|B)",
            "{old}",
        ];
        prop::sample::select(pieces).prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|ways| format!("(?:{})", ways.join("|"))),
                (inner, prop::sample::select(vec!["*", "+?", "?", "{2}", "{0,3}?"]))
                    .prop_map(|(part, times)| format!("(?:{part}){times}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_pattern_is_it_matches_the_same(
            pattern in pattern(),
            texts in prop::collection::vec("[aAbBzZeEéÉkKsSſ\u{212a} 7_.\n]{0,8}", 8),
        ) {
            let Some(parsed) = matcher::parse(&pattern) else { return Ok(()) };
            let Some(read) = parse(&pattern) else { return Ok(()) };
            for text in texts {
                let found = regex(&read).is_match(&text.to_ascii_lowercase());
                prop_assert_eq!(found, regex(&parsed).is_match(&text), "{} {:?}", pattern, text);
            }
        }
    }

    #[test]
    fn a_pattern_is_read_as_its_tree_is_folded() {
        let rules = Rules::embedded();
        for (pattern, examples, _) in rules.patterns_with_examples() {
            let of_tree = folded(&matcher::parse(pattern).unwrap()).map(|tree| regex(&tree));
            let read = parse(pattern).map(|tree| regex(&tree));
            assert_eq!(read.is_some(), of_tree.is_some(), "{pattern}");
            let (Some(of_tree), Some(read)) = (of_tree, read) else { continue };
            for text in examples.iter().flat_map(|text| variants(text)) {
                let small = text.to_ascii_lowercase();
                assert_eq!(read.is_match(&small), of_tree.is_match(&small), "{pattern}\n{text}");
            }
        }
    }
}
