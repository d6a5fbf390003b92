//! Tries a rule on the examples in its file, through all rules, as an entry would go.

use super::super::timeline::{self, Timeline};
use super::super::{Context, Habits, types};
use super::file::{Example, RuleProblem};
use super::{Reading, Rule, Rules};
use crate::model::{Class, Event, Raw, Text, Time};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// An example that reads otherwise than it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedExample {
    /// What is otherwise, and where the example stands.
    pub problem: RuleProblem,
    /// The rule it belongs to.
    pub rule: String,
    /// Its text.
    pub text: String,
    /// Whether its own rule read it.
    pub is_read: bool,
    /// Whether it came with otrail and a rule of the site reads it now.
    pub is_taken: bool,
    /// What an example can say: name, expected, found.
    pub fields: Vec<(&'static str, Option<String>, Option<String>)>,
}

/// The examples of the rule that read otherwise than they say.
pub(super) fn run<'a>(rules: &'a Rules, rule: &'a Rule) -> impl Iterator<Item = FailedExample> + use<'a> {
    rule.examples.iter().filter_map(move |example| failed(rules, rule, example))
}

fn failed(rules: &Rules, rule: &Rule, example: &Example) -> Option<FailedExample> {
    let title = rule.title.as_deref().unwrap_or_default();
    let text = &example.text;
    let mut is_taken = false;
    let trouble = match rules.read(types::index(&example.kind), &example.kind, title, text) {
        Reading::Words(words) if std::ptr::eq(words.rule, rule.name.as_str()) => None,
        Reading::Words(words) => {
            is_taken = rules.is_of_site(words.rule) && !rules.is_of_site(&rule.name);
            Some(format!("rule `{}` reads `{text}` first", words.rule))
        }
        Reading::Doubtful => Some(format!("`{text}` may be made up to name somebody else")),
        Reading::Nothing | Reading::TakenBack => Some(format!("`{text}` does not match")),
    };
    let is_read = trouble.is_none();
    let expected =
        |name: &str| example.expected.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let found = found(&event(rules, title, example));
    let fields: Vec<_> =
        found.into_iter().map(|(name, found)| (name, expected(name), found.map(String::from))).collect();
    let difference = || {
        let (name, expected, found) = fields.iter().find(|(_, expected, found)| expected != found)?;
        let shown = |value: &Option<String>| {
            value.as_ref().map_or("nothing".to_owned(), |value| format!("`{value}`"))
        };
        Some(format!("{name} is {}, expected {}", shown(found), shown(expected)))
    };
    let message = trouble.or_else(difference)?;
    let problem = example.place.problem(message, format!("correct rule `{}` or its example", rule.name));
    Some(FailedExample { problem, rule: rule.name.clone(), text: text.clone(), is_read, is_taken, fields })
}

fn event(rules: &Rules, title: &str, example: &Example) -> Event {
    let context = Context {
        sensor: &Text::default(),
        source: &Text::default(),
        seen: Time::default(),
        zone: &TimeZone::UTC,
        rules,
        user_login: Class::UserOperation,
        habits: &Habits::default(),
    };
    let timeline = Timeline {
        kind: Some(Cow::Borrowed(&example.kind)),
        title: Some(Cow::Borrowed(title)),
        content: Some(Cow::Borrowed(&example.text)),
        ..Timeline::default()
    };
    timeline::parsed(&context, timeline, Raw::None).event
}

/// The fields that a rule can fill.
fn found(event: &Event) -> [(&'static str, Option<Text>); 10] {
    let target = event.target.as_deref();
    [
        ("user", event.user.clone()),
        ("domain", event.domain.clone()),
        ("account", event.account.clone()),
        ("role", event.role.clone()),
        ("target", target.and_then(|target| target.name.clone())),
        ("target-id", target.and_then(|target| target.id.clone())),
        ("client", event.client.clone()),
        ("reason", event.reason.clone()),
        ("old", event.old.clone()),
        ("new", event.new.clone()),
    ]
}
