//! `grep`: records whose text has a match of a regular expression.

use super::test::Test;
use super::{Clock, FilterKind, Given};
use regex::bytes::{Regex, RegexBuilder};

/// The row.
pub(super) const KIND: FilterKind = FilterKind {
    name: "grep",
    about: "a regular expression over message, raw entry, user, target and reason; upper and lower case are alike unless it has an upper-case letter",
    given: Given::AnyOf,
    parse,
};

fn parse(value: &str, _: &Clock) -> Result<Test, String> {
    let regex = compile(value)?;
    Ok(Test::new(value, move |record| {
        let event = &record.event;
        let target = event.target.as_deref();
        let fields = [
            Some(&event.message),
            event.user.as_ref(),
            event.account.as_ref(),
            event.reason.as_ref(),
            target.map(|target| &target.kind),
            target.and_then(|target| target.name.as_ref()),
            target.and_then(|target| target.id.as_ref()),
        ];
        fields.into_iter().flatten().any(|text| regex.is_match(text.as_bytes()))
            || regex.is_match(event.raw.bytes())
    }))
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(!has_upper_case(pattern))
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "this expression is too large; make its repetitions smaller".to_owned()
            }
            // The parser draws the place over several lines; its last says what is wrong.
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                format!("{}; a backslash makes a special character plain", last.trim_start_matches("error: "))
            }
        })
}

/// Whether a letter that stands for itself is upper case: `\S`, `\p{Lu}` and `(?P<Name>` have none.
fn has_upper_case(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let skipped = match character {
            '\\' => escape_bytes(rest),
            '(' if rest.starts_with("(?P<") || rest.starts_with("(?<") => rest.find('>').unwrap_or(1),
            _ if character.is_uppercase() => return true,
            _ => character.len_utf8(),
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    false
}

/// How long the escape at the head of `rest` is.
fn escape_bytes(rest: &str) -> usize {
    let mut characters = rest.chars().skip(1);
    let Some(kind) = characters.next() else { return rest.len() };
    let head = 1 + kind.len_utf8();
    match (kind, characters.next()) {
        ('p' | 'P' | 'x' | 'u' | 'U' | 'b', Some('{')) => rest.find('}').map_or(rest.len(), |at| at + 1),
        ('p' | 'P', Some(class)) => head + class.len_utf8(),
        _ => head,
    }
}

/// What a compiled expression may take; a request from any admin must not eat the agent's memory.
const REGEX_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_counts_only_when_the_pattern_has_an_upper_case_letter() {
        for (pattern, counts) in [
            ("login", false),
            ("Login", true),
            (r"\Slogin\W", false),
            (r"\p{Lu}x", false),
            (r"\pLx", false),
            (r"\x{4A}", false),
            ("(?P<Name>x)", false),
            ("(?P<Name>X)", true),
            ("ÄRGER", true),
            ("\\", false),
        ] {
            assert_eq!(has_upper_case(pattern), counts, "{pattern}");
        }
    }

    #[test]
    fn a_bad_expression_says_what_is_wrong_with_it() {
        assert_eq!(
            compile("(login").map(drop),
            Err("unclosed group; a backslash makes a special character plain".to_owned())
        );
        assert!(compile(r"(\pL{1000}){1000}").map(drop).is_err_and(|text| text.contains("too large")));
    }
}
