//! One kind of secret: a pattern, and what stands for what it finds.

use regex::bytes::{Captures, Match, Regex, RegexBuilder};
use std::ops::Range;

/// One kind of secret.
#[derive(Debug, Clone)]
pub struct Mask {
    /// What an admin calls it.
    pub name: String,
    pub(super) pattern: Regex,
    /// The first of these groups that is there is replaced; without one it is the whole match.
    groups: Vec<usize>,
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
        let groups = named(Some("secret")).or_else(|| named(None)).into_iter().collect();
        Ok(Mask { name: name.to_owned(), groups, pattern, replacement: replacement.to_owned() })
    }

    /// A mask that comes with otrail, by its name.
    pub fn shipped(name: &str, replacement: &str) -> Option<Mask> {
        let (name, pattern) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        let mask = Mask::new(name, pattern, replacement).ok()?;
        let is_named = |(at, name): (usize, Option<&str>)| name.is_some().then_some(at);
        let groups = mask.pattern.capture_names().enumerate().filter_map(is_named).collect();
        Some(Mask { groups, ..mask })
    }

    /// Where in a text it finds secrets.
    pub fn secrets<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.found(text.as_bytes()).map(|secret| secret.range())
    }

    /// What it finds in a text.
    pub(super) fn found<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Match<'a>> + 'a {
        let secret = |found: Captures<'a>| {
            let group = self.groups.iter().find_map(|&group| found.get(group));
            group.or_else(|| found.get(0))
        };
        self.pattern.captures_iter(text).filter_map(secret).filter(|secret| !secret.is_empty())
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

/// What a secret is called and nothing else that has a name of its own.
macro_rules! word {
    () => {
        "passwords?|passwd|passphrase|pwd|secret|api[_-]?key|private[_-]?key"
    };
}
/// A quote, also where JSON stands in a text of JSON, or is written for a page of HTML; or that of a cell of CSV.
macro_rules! quote {
    () => {
        r#"(?:\\*["']|\\+u0022)"#
    };
}
/// What stands in quotes that have an end.
macro_rules! quoted {
    () => {
        concat!(
            // Of CSV, whose quotes nobody has taken away.
            r#"""(?:[^"\s,;&)}\]|>][^"]*|[|>][^"=:]*)"""#,
            // A quote behind a backslash ends no value if the value goes on behind it, and ends, without another name.
            r#"|"(?:[^"\\]|\\[^"]|\\"(?:[^"\\\s,;&)}\]]|\\.))*(?:\\"[\s,;&)}\]][^"=:]*|\\")?""#,
            r#"|'(?:[^'\\]|\\[^']|\\'(?:[^'\\\s,;&)}\]]|\\.))*(?:\\'[\s,;&)}\]][^'=:]*|\\')?'"#,
            r#"|\\"(?:[^"\\]|\\\\\\\\|\\\\[^"\\]|\\\\\\"[^"\\\s,;&)}\]])*(?:\\\\\\"[\s,;&)}\]][^"=:\\]*|\\\\\\")?\\""#,
            // JSON in JSON in JSON.
            r#"|\\{3}"(?:[^"\\]|\\{8}|\\{1,7}[^"\\]|\\{7}")*\\{3}""#,
            // What goes on right behind the quote belongs to it. One that has no end takes a word.
            r#"|(?:\\u0022(?:[^"\\]|\\\\|\\[^"\\u]|\\u(?:[^0"]|0[^0"]|00[^2"]|002[^2"]))*\\u0022"#,
            r#"|\\{2,}u0022[^"]*?\\+u0022)[^\s",;&)}\]]*"#,
            r#"|\\+u0022[^\s",;&]*"#,
        )
    };
}
/// What is plainly an address, or a time.
macro_rules! plain {
    () => {
        concat!(
            r"(?:\[?(?:(?:[0-9a-f]{0,4}:){2,7}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]{0,4})",
            r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3})",
            r"(?:%[0-9a-z._-]+)?\]?(?::[0-9]{1,5})?(?:/[0-9a-z._-]*)*",
            r"|(?:[0-9]{4}-[0-9]{2}-[0-9]{2}t)?[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:z|[+-][0-9]{2}:?[0-9]{2})?)",
        )
    };
}
/// What is certain enough to be replaced everywhere: a word for a secret with `=`, `:` or quotes right behind it, what
/// HTTP and URLs carry, and a long token. A colon and a blank stand in sentences, too: behind them it is what has quotes
/// or both letters and digits, and is no address, no time and nothing that has a name (`user=al1`). "Token alice-api was
/// created" and "wrong password: try again" stay.
const SHIPPED: &[(&str, &str)] = &[
    (
        "assignment",
        concat!(
            r"(?i-u)(?:(?:token|credentials?|",
            word!(),
            ")",
            // CEF and files of properties have backslashes before the sign.
            r"(?:",
            quote!(),
            r"|\\+)?(?:\s*\\*=\s*|:|",
            quote!(),
            r"\s*:\s*)",
            r"(?<secret>",
            quoted!(),
            r#"|\\*"[^"]*"?|'[^']*'?|[^\s"',;&][^\s",;&]*)"#,
            r"|(?:token|credentials?|",
            word!(),
            r")\\*\s*\\*:\s*(?<quoted>",
            quoted!(),
            r#"|\\*"[^"]*"?)"#,
            "|(?:",
            word!(),
            r")\\*\s*\\*:\s*(?:[(<]?",
            plain!(),
            r#"[.:)>]*(?<nothing>)(?:[\s"',;&]|$)"#,
            // The names of tokens have letters and digits, too. What has a colon may be an address.
            r#"|(?<word>[^\s"',;&:=]*(?:[a-z][^\s"',;&:=]*[0-9]|[0-9][^\s"',;&:=]*[a-z])[^\s"',;&:=]*"#,
            r#"|[^\s"',;&=]*(?:[g-z][^\s"',;&=]*[0-9]|[0-9][^\s"',;&=]*[g-z])(?:[^\s"',;&=]*[^\s"',;&:=])?"#,
            // No other name has a digit or such a sign before the `=`, and no value in quotes begins behind a padding.
            r#"|[^\s"',;&=]*[0-9!@#$%*+?~^][^\s"',;&=]*=(?:[^\s"',;&]*[^\s"',;&:=]|=))(?::?[\s,;&]|:?$|["'])"#,
            r#"|(?<padded>[^\s"',;&=]*[0-9!@#$%*+?~^][^\s"',;&=]*=)(?:["']?(?:[\s,;&)}\]]|$))))"#,
        ),
    ),
    ("bearer", r"(?i-u)\b(?:bearer|basic)\s+(?<secret>[0-9A-Za-z_.~+/-]{12,}=*)"),
    ("url", r#"(?-u)://[^\s/:@"]*:(?<secret>[^\s/@"]+)@"#),
    ("token", r"(?i-u)\btoken(?:\s+is)?[\s:]+\x22?(?<secret>[0-9A-Za-z_.~+/-]{24,}=*)"),
];
/// Compiled form of one pattern.
const REGEX_BYTES_MAX: usize = 1 << 20;
