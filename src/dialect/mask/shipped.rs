//! The masks that come with otrail.

/// What is certain enough to be replaced everywhere: a word for a secret with `=`, `:` or quotes right behind it, what
/// HTTP and URLs carry, and a long token. "Token alice-api was created" and "wrong password: try again" stay.
pub(super) const SHIPPED: &[(&str, &str)] = &[
    (
        "assignment",
        concat!(
            r"(?i-u)(?:passwords?|passwd|passphrase|pwd|secret|token|api[_-]?key|credentials?|private[_-]?key)",
            r#"\\?["']?(?:\s*=\s*|:|\\?["']\s*:\s*)"#,
            r#"(?<secret>\\?"[^"]*"?|'[^']*'?|[^\s"',;&][^\s",;&]*)"#,
        ),
    ),
    ("bearer", r"(?i-u)\b(?:bearer|basic)\s+(?<secret>[0-9A-Za-z_.~+/-]{12,}=*)"),
    ("url", r#"(?-u)://[^\s/:@"]*:(?<secret>[^\s/@"]+)@"#),
    ("token", r"(?i-u)\btoken(?:\s+is)?[\s:]+\x22?(?<secret>[0-9A-Za-z_.~+/-]{24,}=*)"),
];
