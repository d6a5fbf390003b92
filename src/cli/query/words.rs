//! The words of a filter, from the options and matches of the command line.

use super::Query;
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
        all.extend(self.matches.iter().flat_map(|text| words_of(text)));
        all
    }
}

/// A match is a word of the filter, `=`, and a value without spaces; `A..B` is a range; all else is an expression.
///
/// Words that are no fields of expressions take a value with spaces, too: `since=2 days ago`.
pub(in crate::cli) fn words_of(text: &str) -> Vec<(&str, &str)> {
    let expression = vec![("where", text)];
    let Some((name, value)) = text.split_once('=') else {
        return range_of(text).unwrap_or(expression);
    };
    let plain = !name.is_empty() && name.chars().all(|at| at.is_ascii_alphabetic() || at == '-');
    let alone = ["since", "until", "grep", "where"].contains(&name);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_a_word_a_range_or_an_expression() {
        for (text, words) in [
            ("user=alice", &[("user", "alice")][..]),
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
            assert_eq!(words_of(text), words, "{text}");
        }
    }
}
