//! The words of a filter, from the options and matches of the command line.

use super::Query;
use crate::filter;
use anyhow::bail;

impl Query {
    /// The filter words of the options.
    pub(super) fn words(&self) -> Vec<(&str, &str)> {
        let words: [(&str, &[String]); 19] = [
            ("since", self.since.as_slice()),
            ("until", self.until.as_slice()),
            ("user", &self.user),
            ("domain", &self.domain),
            ("role", &self.role),
            ("client", &self.client),
            ("target", &self.target),
            ("device", &self.device),
            ("severity", &self.severity),
            ("sensor", &self.sensor),
            ("type", &self.kind),
            ("flag", &self.flag),
            ("id", &self.id),
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("source", &self.source),
            ("class", &self.class),
            ("grep", &self.grep),
            ("where", self.expression.as_slice()),
        ];
        let mut all: Vec<(&str, &str)> = words
            .into_iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())))
            .collect();
        all.extend(self.failed.then_some(("outcome", "failure")));
        all.extend(self.unclassified.then_some(("action", "user.operation")));
        all
    }
}

/// The filter words of matches: of values of one field one must hold, else all; of what stands on either side of a `+`, one
/// side. The error says what is no match.
pub(in crate::cli) fn words_of(texts: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    if let Some(bare) = texts.iter().find(|text| *text != "+" && is_bare(text)) {
        bail!("`{bare}` is no match: {HOW}");
    }
    let words: Vec<Vec<(String, &str)>> = texts
        .split(|text| text == "+")
        .map(|texts| texts.iter().flat_map(|text| word_of(text)).collect())
        .collect();
    if let [words] = &words[..] {
        return Ok(words.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect());
    }
    if words.iter().any(Vec::is_empty) {
        bail!("`+` stands between two matches, such as user=alice + severity=7..");
    }
    let groups: Vec<Vec<(&str, &str)>> = words
        .iter()
        .map(|words| words.iter().map(|(name, value)| (name.as_str(), *value)).collect())
        .collect();
    Ok(vec![("where".to_owned(), filter::one_of(&groups))])
}

/// Whether it is neither a match nor a range nor an expression, as the shell makes of an expression without quotes.
fn is_bare(text: &str) -> bool {
    !text.contains(|at: char| at.is_whitespace() || "=<>~!()".contains(at)) && range_of(text).is_none()
}

/// A match is a word of the filter, `=`, and a value without spaces; `A..B` is a range; all else is an expression.
///
/// Words that are no fields of expressions take a value with spaces, too: `since=2 days ago`.
fn word_of(text: &str) -> Vec<(String, &str)> {
    let expression = vec![("where".to_owned(), text)];
    let Some((name, value)) = text.split_once('=') else {
        let Some(ends) = range_of(text) else { return expression };
        return ends.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    };
    let name = name.to_ascii_lowercase();
    let plain = !name.is_empty() && name.chars().all(|at| at.is_ascii_alphabetic() || at == '-');
    let alone = ["since", "until", "grep", "where"].contains(&name.as_str());
    let spaced = value.contains(char::is_whitespace) || value.starts_with('=');
    if plain && (alone || !spaced) { vec![(name, value)] } else { expression }
}

/// `yesterday..today`, `'2 days ago..'`, `..2024-03-01`.
fn range_of(text: &str) -> Option<Vec<(&str, &str)>> {
    let (since, until) = text.split_once("..").filter(|_| !text.contains(['<', '>', '(', '"', '\'', '~']))?;
    let is_expression = [" in ", " contains ", " matches "].iter().any(|verb| text.contains(verb));
    let ends = [("since", since.trim()), ("until", until.trim())];
    let words: Vec<(&str, &str)> = ends.into_iter().filter(|(_, end)| !end.is_empty()).collect();
    (!is_expression && !words.is_empty()).then_some(words)
}

/// The way out of what is no match.
const HOW: &str = "write FIELD=VALUE such as user=alice, an expression in quotes such as 'user = alice or severity >= 7', \
     or a range of time such as yesterday..today";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_a_word_a_range_or_an_expression() {
        for (text, words) in [
            ("user=alice", &[("user", "alice")][..]),
            ("USER=Alice", &[("user", "Alice")]),
            ("target-id=17", &[("target-id", "17")]),
            ("user = alice", &[("where", "user = alice")]),
            ("user=a b", &[("where", "user=a b")]),
            ("user==a", &[("where", "user==a")]),
            ("severity>=7", &[("where", "severity>=7")]),
            ("since=2 days ago", &[("since", "2 days ago")]),
            ("grep=a b", &[("grep", "a b")]),
            ("severity=6..8", &[("severity", "6..8")]),
            ("yesterday..today", &[("since", "yesterday"), ("until", "today")]),
            ("2 days ago .. 1 hour ago", &[("since", "2 days ago"), ("until", "1 hour ago")]),
            ("monday..", &[("since", "monday")]),
            ("..@7", &[("until", "@7")]),
            ("..", &[("where", "..")]),
            ("message contains ..", &[("where", "message contains ..")]),
            ("alice", &[("where", "alice")]),
        ] {
            let found = word_of(text);
            let found: Vec<(&str, &str)> =
                found.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            assert_eq!(found, words, "{text}");
        }
    }

    #[test]
    fn a_plus_joins_matches_of_which_one_must_hold() {
        let words = |texts: &[&str]| words_of(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        let both =
            words(&["user=a", "user=b", "severity=7..", "+", "user = c or user = d", "reason=e f"]).unwrap();
        let expected = "user in (a, b) and severity in (7..) or (user = c or user = d) and (reason=e f)";
        assert_eq!(both, [("where".to_owned(), expected.to_owned())]);
        for (texts, why) in [
            (&["user=a", "+"][..], "stands between two"),
            (&["+", "user=a"], "stands between two"),
            (&["user=a", "or", "user=b"], "`or` is no match"),
            (&["user", "=", "alice"], "`user` is no match"),
            (&["yesterday"], "`yesterday` is no match"),
        ] {
            let error = words(texts).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
