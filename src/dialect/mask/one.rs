//! One kind of secret: a pattern, and what stands for what it finds.

use regex::bytes::{Regex, RegexBuilder};
use std::ops::Range;

/// One kind of secret.
#[derive(Debug, Clone)]
pub struct Mask {
    /// What an admin calls it.
    pub name: String,
    pub(super) pattern: Regex,
    /// The group that is replaced; none is the whole match.
    pub(super) group: Option<usize>,
    pub(super) replacement: String,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MaskProblem {
    /// It is no regex.
    #[error("is no regex: {0}")]
    Syntax(String),
    /// It would take too much memory.
    #[error("is too large")]
    TooLarge,
    /// It matches the empty text, and so everywhere.
    #[error("matches the empty text")]
    MatchesNothing,
}

impl Mask {
    /// The group `secret` of the pattern is replaced, or its first named group, or all that it matches.
    pub fn new(name: &str, pattern: &str, replacement: &str) -> Result<Mask, MaskProblem> {
        let built = RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build();
        let pattern = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => MaskProblem::TooLarge,
            error => {
                let text = error.to_string();
                let cause = text.lines().last().unwrap_or_default().trim();
                MaskProblem::Syntax(cause.trim_start_matches("error: ").to_owned())
            }
        })?;
        if pattern.is_match(b"") {
            return Err(MaskProblem::MatchesNothing);
        }
        let named = |wanted: Option<&str>| {
            let is_wanted = |name: Option<&str>| name.is_some() && (wanted.is_none() || wanted == name);
            pattern.capture_names().position(is_wanted)
        };
        let group = named(Some("secret")).or_else(|| named(None));
        Ok(Mask { name: name.to_owned(), group, pattern, replacement: replacement.to_owned() })
    }

    /// A mask that comes with otrail, by its name.
    pub fn shipped(name: &str, replacement: &str) -> Option<Mask> {
        let (name, pattern) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        Mask::new(name, pattern, replacement).ok()
    }

    /// Where in a text it finds secrets.
    pub fn secrets<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let found = self.pattern.captures_iter(text.as_bytes());
        found.filter_map(|found| found.get(self.group.unwrap_or(0)).map(|secret| secret.range()))
    }

    /// The names of the masks that come with otrail.
    pub fn shipped_names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// Whether a text may stand for a secret in any form of log.
    pub fn is_replacement(text: &str) -> bool {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"*#_.-<>".contains(&byte);
        text.len() <= 32 && text.bytes().all(harmless)
    }
}

/// What is certain enough to be replaced everywhere: a word for a secret with `=`, `:` or quotes right behind it, what
/// HTTP and URLs carry, and a long token. "Token alice-api was created" and "wrong password: try again" stay.
const SHIPPED: &[(&str, &str)] = &[
    (
        "assignment",
        concat!(
            r"(?i-u)(?:passwords?|passwd|passphrase|pwd|secret|token|api[_-]?key|credentials?|private[_-]?key)",
            r#"\\?["']?(?:\s*=\s*|:|\\?["']\s*:\s*)"#,
            // A quote behind a backslash ends no value if the value goes on behind it, and ends, without another name.
            r#"(?<secret>"(?:[^"\\]|\\[^"]|\\"(?:[^"\\\s,;&)}\]]|\\.))*(?:\\"[\s,;&)}\]][^"=:]*|\\")?""#,
            r#"|'(?:[^'\\]|\\[^']|\\'(?:[^'\\\s,;&)}\]]|\\.))*(?:\\'[\s,;&)}\]][^'=:]*|\\')?'"#,
            r#"|\\"(?:[^"\\]|\\\\\\\\|\\\\[^"\\]|\\\\\\"[^"\\\s,;&)}\]])*(?:\\\\\\"[\s,;&)}\]][^"=:\\]*|\\\\\\")?\\""#,
            r#"|\\?"[^"]*"?|'[^']*'?|[^\s"',;&][^\s",;&]*)"#,
        ),
    ),
    ("bearer", r"(?i-u)\b(?:bearer|basic)\s+(?<secret>[0-9A-Za-z_.~+/-]{12,}=*)"),
    ("url", r#"(?-u)://[^\s/:@"]*:(?<secret>[^\s/@"]+)@"#),
    ("token", r"(?i-u)\btoken(?:\s+is)?[\s:]+\x22?(?<secret>[0-9A-Za-z_.~+/-]{24,}=*)"),
];
/// Compiled form of one pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;
