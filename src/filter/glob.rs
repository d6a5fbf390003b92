//! A name with wildcards: `*` is any text, `?` is one character, all others are themselves in either case.

/// A pattern, ready to match.
#[derive(Debug)]
pub(super) struct Glob(Vec<char>);

impl Glob {
    pub(super) fn new(pattern: &str) -> Glob {
        Glob(pattern.chars().map(fold).collect())
    }

    /// Whether the whole name fits. Only the last `*` is ever tried again, so hostile patterns stay cheap.
    pub(super) fn matches(&self, name: &str) -> bool {
        let pattern = &self.0;
        let mut rest = name.chars();
        let mut at = 0;
        let mut star: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if pattern.get(at) == Some(&'*') {
                at += 1;
                star = Some((at, rest.clone()));
                continue;
            }
            let here = rest.clone().next();
            let fits = match (pattern.get(at), here) {
                (None, None) => return true,
                (Some('?'), Some(_)) => true,
                (Some(&wanted), Some(found)) => wanted == fold(found),
                _ => false,
            };
            if fits {
                rest.next();
                at += 1;
                continue;
            }
            let Some((after_star, from)) = &mut star else { return false };
            if from.next().is_none() {
                return false;
            }
            at = *after_star;
            rest = from.clone();
        }
    }
}

/// Lower case, where that is one character; `İ` and the like stay as they are.
fn fold(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, without any thought of speed.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => naive(rest, name),
            (Some(('*', rest)), Some((_, shorter))) => naive(rest, name) || naive(pattern, shorter),
            (Some(('?', rest)), Some((_, shorter))) => naive(rest, shorter),
            (Some((wanted, rest)), Some((found, shorter))) => {
                fold(*wanted) == fold(*found) && naive(rest, shorter)
            }
            _ => false,
        }
    }

    #[test]
    fn a_name_matches_in_either_case_and_as_a_whole() {
        for (pattern, name, fits) in [
            ("alice", "Alice", true),
            ("alice", "alice2", false),
            ("CORP\\*", "corp\\alice", true),
            ("*@plant.example", "bob@PLANT.example", true),
            ("?ob", "bob", true),
            ("?ob", "ob", false),
            ("JÜRGEN", "jürgen", true),
            ("*", "", true),
            ("i*", "İ", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_of_stars_alone_is_cheap() {
        let pattern = "*a".repeat(2_000);
        assert!(!Glob::new(&pattern).matches(&"ab".repeat(1_000)));
    }

    proptest! {
        #[test]
        fn the_loop_agrees_with_the_definition(pattern in "[abK?*]{0,8}", name in "[abkK\u{212a}]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Glob::new(&pattern).matches(&name), naive(&chars(&pattern), &chars(&name)));
        }
    }
}
