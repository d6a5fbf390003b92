//! A secret that stands in the config by mistake stands in no message about it: they go to the log, the status, the trail and
//! every server.

use crate::dialect::Mask;
use std::borrow::Cow;
use std::sync::LazyLock;

/// The text with a star for each character of what looks like a secret: every other one stays where it is.
pub(super) fn hidden(text: &str) -> Cow<'_, str> {
    let secrets: Vec<_> = KINDS.iter().flat_map(|kind| kind.secrets(text)).collect();
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let is_secret = |at| secrets.iter().any(|secret| secret.contains(&at));
    let shown = |(at, c)| if is_secret(at) && !matches!(c, '"' | '\'') { '*' } else { c };
    Cow::Owned(text.char_indices().map(shown).collect())
}

/// A value whose key says that it is one, what stands before a host, and what is taken for one in a log, too.
static KINDS: LazyLock<Vec<Mask>> = LazyLock::new(|| {
    let shipped = ["bearer", "url", "token"].into_iter().filter_map(|name| Mask::shipped(name, ""));
    let own = [("assigned", ASSIGNED), ("login", LOGIN)];
    shipped.chain(own.into_iter().filter_map(|(name, pattern)| Mask::new(name, pattern, "").ok())).collect()
});

/// `credential:NAME` is none, and no key that ends in `-file` has one.
const ASSIGNED: &str = concat!(
    r"(?i-u)(?:passwords?|passwd|passphrase|pwd|\bpass|\bpsk|secret(?:[_-]value)?|token|api[_-]?key|credentials?|",
    r"private[_-]?key|authorization)",
    r#"["']?\s*(?:=|:\s)\s*(?<secret>"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"',#][^"',#\n]*)"#,
);
/// A password may hold a slash or an `@` that nobody has encoded; there may be no scheme.
const LOGIN: &str = r#"(?-u)(?:://|^|[\s"'=])[^\s/:@"'=]*:(?<secret>[^\s"'/][^\s"']*)@"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_of_a_secret_is_a_star_and_nothing_else_is() {
        for (text, shown) in [
            (r#"url = "https://u:pä/ss@w@host/x" # why"#, r#"url = "https://u:*******@host/x" # why"#),
            (r#"address = "u:pass@siem:6514""#, r#"address = "u:****@siem:6514""#),
            ("https://u:pass@host", "https://u:****@host"),
            ("u:pass@host", "u:****@host"),
            (r#"token="a-b-c""#, r#"token="*****""#),
            (r#"password = "not closed"#, r#"password = "**********"#),
            ("api-key = 'k'", "api-key = '*'"),
            (r#"password = "a\"b" # why"#, r#"password = "**"*" # why"#),
            ("password = two words", "password = *********"),
            (r#"token: "x""#, r#"token: "*""#),
            (r#"authorization = "Basic dQ==""#, r#"authorization = "**********""#),
            (r#"psk = "x", secret-value = "y""#, r#"psk = "*", secret-value = "*""#),
        ] {
            assert_eq!(hidden(text), shown);
        }
        for text in [
            r#"token-file = "/etc/otrail/cell-7.token""#,
            r#"url = "https://sensor:8443/api""#,
            r#"addresses = ["a:6514", "[fd00::1]:6514"] # ask admin@example.net"#,
            r#"proxy-credentials-file = "/etc/otrail/proxy""#,
            r#"name = "token""#,
            r#"bypass = "a", secret-file = "/etc/s", pass-file = "p""#,
            r#"key-file = "credential:client.key""#,
        ] {
            assert!(matches!(hidden(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
