//! Tries a rule on the examples in its file, through all rules, as an entry would go.

use super::super::timeline::{self, Timeline};
use super::super::{Context, Habits, types};
use super::file::{Example, RuleProblem};
use super::{Reading, Rule, Rules};
use crate::model::{Class, Event, Raw, Text, Time};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// A problem for each example of the rule that reads otherwise than it says.
pub(super) fn run<'a>(rules: &'a Rules, rule: &'a Rule) -> impl Iterator<Item = RuleProblem> + use<'a> {
    let problem = move |example: &Example| {
        let message = difference(rules, rule, example)?;
        let help = format!("correct rule `{}` or its example", rule.name);
        Some(example.place.problem(message, help))
    };
    rule.examples.iter().filter_map(problem)
}

/// What is otherwise than the example says.
fn difference(rules: &Rules, rule: &Rule, example: &Example) -> Option<String> {
    let title = rule.title.as_deref().unwrap_or_default();
    match rules.read(types::index(&example.kind), &example.kind, title, &example.text) {
        Reading::Words(words) if words.rule == rule.name => {}
        Reading::Words(words) => {
            return Some(format!("rule `{}` reads `{}` first", words.rule, example.text));
        }
        Reading::Doubtful => return Some(format!("`{}` may be made up to name somebody else", example.text)),
        Reading::Nothing => return Some(format!("`{}` does not match", example.text)),
    }
    let found = found(&event(rules, title, example));
    let expected =
        |name: &str| example.expected.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let wrong = found.iter().find(|(name, value)| value.as_deref() != expected(name));
    wrong.map(|(name, value)| {
        let shown = |value: Option<&str>| value.map_or("nothing".to_owned(), |value| format!("`{value}`"));
        format!("{name} is {}, expected {}", shown(value.as_deref()), shown(expected(name)))
    })
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
