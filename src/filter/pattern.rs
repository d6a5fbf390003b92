//! Regular expressions of admins: linear in the text, bounded in size, and a problem has its place.

use super::Flaw;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

/// Upper and lower case are alike unless the pattern has an upper-case letter.
pub(super) fn compile(pattern: &str) -> Result<Regex, Flaw> {
    syntax(pattern)?;
    RegexBuilder::new(pattern)
        .case_insensitive(!has_upper_case(pattern))
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "this expression is too large; make its repetitions smaller".into()
            }
            error => error.to_string().into(),
        })
}

/// Sets of texts, of each of which one stands wherever the pattern matches.
pub(super) fn required(pattern: &str) -> Vec<Vec<String>> {
    super::required::texts(pattern, !has_upper_case(pattern))
}

/// The text alone, in either case.
pub(super) fn plain(text: &str) -> Result<Regex, Flaw> {
    RegexBuilder::new(&regex::escape(text))
        .case_insensitive(true)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(PLAIN_BYTES_MAX)
        .build()
        .map_err(|_| "this text is too long".into())
}

/// What is wrong with the pattern, where it stands.
fn syntax(pattern: &str) -> Result<(), Flaw> {
    let (what, span) = match ParserBuilder::new().utf8(false).build().parse(pattern) {
        Ok(_) => return Ok(()),
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), *error.span()),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), *error.span()),
        Err(error) => return Err(error.to_string().into()),
    };
    let way_out = format!("{what}; a backslash makes a special character plain");
    Err(Flaw::at(span.start.offset..span.end.offset, way_out))
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
/// The same for what a plain text needs while it is looked for.
const PLAIN_BYTES_MAX: usize = 64 << 10;

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
        let unclosed = compile("a(login").map(drop).unwrap_err();
        assert_eq!(unclosed.way_out, "unclosed group; a backslash makes a special character plain");
        assert_eq!(unclosed.place, Some(1..2));
        let empty_class = compile("ü[^\\d\\D]x|[z-a]").map(drop).unwrap_err();
        assert_eq!(empty_class.place, Some(12..15), "{}", empty_class.way_out);
        assert!(
            compile(r"(\pL{1000}){1000}").map(drop).is_err_and(|flaw| flaw.way_out.contains("too large"))
        );
    }
}
