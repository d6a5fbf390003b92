//! A rule file: TOML in, rules and problems out. One bad rule leaves the others alone.

use super::rule::{Part, Rule};
use super::sentences::{NAMINGS, Naming, Thing, Verb};
use crate::model::{Action, Class, Outcome};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a rule, where, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The file, as it was named to `Rules::load`.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleProblem { file, line, column, message, help } = self;
        write!(f, "{}:{line}:{column}: {message}; {help}", file.display())
    }
}

/// A place in a rule file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    file: Arc<Path>,
    line: usize,
    column: usize,
}

impl Place {
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn problem(&self, message: String, help: String) -> RuleProblem {
        RuleProblem { file: self.file.to_path_buf(), line: self.line, column: self.column, message, help }
    }
}

/// A text and what its rule must find in it.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) text: String,
    /// Type of the entry, `USER_OPERATION` unless it says otherwise.
    pub(super) kind: String,
    /// The expected fields; what is not here must not be found.
    pub(super) expected: Vec<(String, String)>,
    pub(super) place: Place,
}

/// The rules of a file that can be understood.
pub(super) fn read(file: &Path, text: &str, problems: &mut Vec<RuleProblem>) -> Vec<Rule> {
    let mut reader = Reader { file: file.into(), text, problems };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            reader.report(error.span().unwrap_or(0..0), error.message().to_owned(), "the file is not TOML");
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for (key, value) in table.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref().as_array()) {
            ("rule", Some(array)) => rules.extend(array.iter().filter_map(|item| reader.rule(item))),
            _ => reader.unknown(key, &["[[rule]]"]),
        }
    }
    rules
}

/// A rule while its keys are read.
#[derive(Default)]
struct Draft {
    name: Option<String>,
    types: Vec<String>,
    title: Option<String>,
    pattern: Option<String>,
    thing: Option<String>,
    verbs: Vec<Verb>,
    naming: Option<Naming>,
    place: Option<Place>,
    action: Option<Action>,
    failed: Option<Action>,
    outcome: Option<Outcome>,
    kind: Option<String>,
    once: Option<String>,
    examples: Vec<Example>,
}

impl Draft {
    fn rule(self) -> Option<Rule> {
        let action = self.action?;
        let kind = self.kind.unwrap_or_else(|| action.row().target.to_owned());
        let once = self.once.unwrap_or_else(|| " by ".to_owned());
        let outcome = self.outcome.unwrap_or(Outcome::Success);
        let thing = self.thing.clone().filter(|_| self.pattern.is_none());
        let (pattern, examples) = (self.pattern.or(self.thing)?, self.examples);
        let (name, types, title, place) = (self.name?, self.types, self.title, self.place?);
        let mut rule = Rule::new(name, types, title, pattern, action, outcome, kind, once, examples, place);
        if let Some(name) = thing {
            let thing = Thing { name, verbs: self.verbs, naming: self.naming.unwrap_or_default() };
            rule.part = Part::Thing { thing, failed: self.failed.unwrap_or(action) };
        }
        Some(rule)
    }
}

struct Reader<'a> {
    file: Arc<Path>,
    text: &'a str,
    problems: &'a mut Vec<RuleProblem>,
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

impl Reader<'_> {
    /// A rule is a pattern, or a thing and what can be done to it.
    fn rule(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Rule> {
        let known = self.problems.len();
        let table = self.table(item)?;
        let mut draft = Draft::default();
        for (key, value) in table {
            self.take(&mut draft, key, value);
        }
        let lacks_wording = draft.pattern.is_none() && (draft.thing.is_none() || draft.verbs.is_empty());
        for (missing, key) in
            [(draft.name.is_none(), "name"), (lacks_wording, "match"), (draft.action.is_none(), "action")]
        {
            if missing && self.problems.len() == known {
                self.report(
                    item.span(),
                    format!("a rule without `{key}`"),
                    "a rule needs name, action, and match or thing and verbs",
                );
            }
        }
        if self.problems.len() > known { None } else { draft.rule() }
    }

    /// One key of a rule.
    fn take(&mut self, draft: &mut Draft, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        match key.get_ref().as_ref() {
            "name" => draft.name = self.string(value),
            "types" => draft.types = self.strings(value),
            "title" => draft.title = self.string(value),
            "match" => (draft.pattern, draft.place) = (self.string(value), Some(self.place(value.span()))),
            "thing" => (draft.thing, draft.place) = (self.string(value), Some(self.place(value.span()))),
            "verbs" => draft.verbs = self.verbs(value),
            "naming" => draft.naming = self.word(value, "naming", Naming::parse),
            "action" => draft.action = self.word(value, "action", action_of_a_user),
            "failed" => draft.failed = self.word(value, "action", action_of_a_user),
            "outcome" => draft.outcome = self.word(value, "outcome", Outcome::parse),
            "target-kind" => draft.kind = self.string(value),
            "once" => draft.once = self.string(value),
            "example" => draft.examples = self.examples(value),
            _ => self.unknown(key, &RULE_KEYS),
        }
    }

    fn examples(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Example> {
        let Some(items) = value.get_ref().as_array() else {
            self.report(value.span(), "an example that is no table".to_owned(), "write [[rule.example]]");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.example(item)).collect()
    }

    fn example(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Example> {
        let (mut text, mut kind, mut expected) = (None, None, Vec::new());
        let mut place = self.place(item.span());
        for (key, value) in self.table(item)? {
            match key.get_ref().as_ref() {
                "text" => (text, place) = (self.string(value), self.place(value.span())),
                "type" => kind = self.string(value),
                name if EXAMPLE_KEYS.contains(&name) => {
                    expected.extend(self.string(value).map(|value| (name.to_owned(), value)));
                }
                _ => self.unknown(key, &EXAMPLE_KEYS),
            }
        }
        let kind = kind.unwrap_or_else(|| "USER_OPERATION".to_owned());
        if text.is_none() {
            self.report(item.span(), "an example without `text`".to_owned(), "give the text of an entry");
        }
        Some(Example { text: text?, kind, expected, place })
    }

    fn table<'v, 'i>(&mut self, value: &'v Spanned<DeValue<'i>>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.report(value.span(), "not a table".to_owned(), "write [[rule]]");
        }
        table
    }

    fn string(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.report(value.span(), "not a string".to_owned(), "put it in quotes");
        }
        text
    }

    fn verbs(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Verb> {
        let texts = self.strings(value);
        let verbs: Vec<Verb> = texts.iter().filter_map(|text| Verb::parse(text)).collect();
        if verbs.len() < texts.len() {
            let help = "write to do/done/noun in letters, for example delete/deleted/deletion; the noun may be missing";
            self.report(value.span(), "a verb without its forms".to_owned(), help);
        }
        verbs
    }

    fn strings(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        match value.get_ref().as_array() {
            Some(items) => items.iter().filter_map(|item| self.string(item)).collect(),
            None => self.string(value).into_iter().collect(),
        }
    }

    fn word<T>(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.string(value)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            let known = match what {
                "naming" => NAMINGS.join(", "),
                "outcome" => Outcome::ALL.map(Outcome::name).join(", "),
                _ => nearest(&text),
            };
            self.report(value.span(), format!("unknown {what} `{text}`"), &format!("known: {known}"));
        }
        parsed
    }

    fn unknown(&mut self, key: &Key<'_>, known: &[&str]) {
        self.report(
            key.span(),
            format!("unknown key `{}`", key.get_ref()),
            &format!("known: {}", known.join(", ")),
        );
    }

    fn report(&mut self, span: Range<usize>, message: String, help: &str) {
        let problem = self.place(span).problem(message, help.to_owned());
        self.problems.push(problem);
    }

    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        Place { file: Arc::clone(&self.file), line, column: before[line_start..].chars().count() + 1 }
    }
}

/// No entry of a log may look like one of otrail's own events.
fn action_of_a_user(name: &str) -> Option<Action> {
    Action::parse(name).filter(|action| action.row().class != Class::Agent)
}

/// The actions on the same kind of thing, or else all.
fn nearest(text: &str) -> String {
    let noun = text.split('.').next().unwrap_or_default();
    let same: Vec<_> =
        Action::all().map(Action::name).filter(|name| name.split('.').next() == Some(noun)).collect();
    if same.is_empty() {
        Action::all().map(Action::name).collect::<Vec<_>>().join(", ")
    } else {
        same.join(", ")
    }
}

const RULE_KEYS: [&str; 13] = [
    "name",
    "types",
    "title",
    "match",
    "thing",
    "verbs",
    "naming",
    "action",
    "failed",
    "outcome",
    "target-kind",
    "once",
    "[[rule.example]]",
];
const EXAMPLE_KEYS: [&str; 12] = [
    "text",
    "type",
    "user",
    "domain",
    "account",
    "role",
    "target",
    "target-id",
    "client",
    "reason",
    "old",
    "new",
];

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use expect_test::{Expect, expect};
    use std::path::PathBuf;

    #[expect(clippy::needless_pass_by_value, reason = "how expect! is handed on")]
    fn check(text: &str, expected: Expect) {
        let good = "[[rule]]\nname = \"good\"\nmatch = '^Good {user}'\naction = \"user.login\"\n";
        let (rules, problems) = Rules::load(&[(PathBuf::from("site.toml"), format!("{text}\n{good}"))]);
        assert_eq!(rules.rules[0].name, "good");
        expected.assert_eq(&problems.iter().map(|problem| format!("{problem}\n")).collect::<String>());
    }

    #[test]
    fn every_problem_is_shown_where_it_stands_and_the_other_rules_work() {
        check(
            "[[rule]]\nname = \"a\"\nmatch = '^a('\naction = \"user.login\"",
            expect![[r#"
                site.toml:3:9: the pattern of rule `a` is no regex: unclosed group; the syntax is that of Rust's regex crate in ASCII, (?u:...) around what is beyond it; a brace or bracket meant as itself needs a backslash
            "#]],
        );
        check(
            "[[rule]]\nname = \"a\"\nmatch = '(?<who>a)'\naction = \"user.login\"",
            expect![[r#"
            site.toml:3:9: unknown capture `who` in rule `a`; known: user, domain, role, target, target_id, client, reason, old, new
        "#]],
        );
        check(
            "[[rule]]\nname = \"a\"\nmatch = '\\w{99999}'\naction = \"user.login\"",
            expect![[r#"
            site.toml:3:9: the pattern of rule `a` is too large; use less repetition
        "#]],
        );
        check(
            "[[rule]]\nname = \"a\"\nmatch = 'a'\naction = \"user.fly\"\noutcome = \"yes\"",
            expect![[r#"
                site.toml:4:10: unknown action `user.fly`; known: user.login, user.logout, user.lockout, user.create, user.update, user.role_change, user.delete, user.password_change, user.password_reset, user.operation
                site.toml:5:11: unknown outcome `yes`; known: success, failure, unknown
            "#]],
        );
        check(
            "[[rule]]\nname = \"a\"\nmach = 'a'\ntypes = [1]",
            expect![[r#"
                site.toml:3:1: unknown key `mach`; known: name, types, title, match, thing, verbs, naming, action, failed, outcome, target-kind, once, [[rule.example]]
                site.toml:4:10: not a string; put it in quotes
            "#]],
        );
        check(
            "[[rule]]\nname = \"a\"\nmatch = 'a'",
            expect![[r#"
                site.toml:1:1: a rule without `action`; a rule needs name, action, and match or thing and verbs
            "#]],
        );
        check(
            "[[rule]]\nname = \"a\"\nmatch = 'a'\naction = \"user.login\"\n[[rule.example]]\nuser = \"x\"",
            expect![[r#"
                site.toml:5:1: an example without `text`; give the text of an entry
            "#]],
        );
    }

    #[test]
    fn a_file_that_is_not_toml_is_one_problem() {
        let (rules, problems) = Rules::load(&[(PathBuf::from("site.toml"), "[[rule]\n".to_owned())]);
        assert_eq!((problems.len(), problems[0].line), (1, 1));
        assert_eq!(rules.len(), Rules::embedded().len());
    }
}
