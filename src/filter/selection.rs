//! What a destination gets of the trail, by the words of a filter.
//!
//! otrail's own events (class `agent`) tell of gaps, losses and of the agent itself, which no word about users or actions
//! is meant to hide. So of those `class` alone decides, and without it all of them are selected. A test event goes to
//! whom it is to test in any case.

use super::{Clock, Filter, FilterError, FilterKind, class, expression};
use crate::model::{Action, Class, Record};
use std::fmt;

/// The records that a destination gets.
#[derive(Default)]
pub struct Selection {
    filter: Filter,
}

impl Selection {
    /// Reads words such as `("class", "agent")`.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        words: impl IntoIterator<Item = (N, V)>,
        clock: &Clock,
    ) -> Result<Selection, FilterError> {
        Filter::parse(words, clock).map(|filter| Selection { filter })
    }

    /// Whether the record is selected.
    pub fn wants(&self, record: &Record) -> bool {
        if record.event.class != Class::Agent {
            return self.filter.matches(record);
        }
        record.event.action == Action::TEST || self.filter.word_matches(&class::KIND, record).unwrap_or(true)
    }

    /// Whether otrail's own events are selected.
    pub fn wants_own(&self) -> bool {
        let mut classes = self.filter.words().filter(|(word, _)| *word == class::KIND.name).peekable();
        classes.peek().is_none() || classes.any(|(_, value)| value == Class::Agent.name())
    }

    /// Whether a word is about time, which goes on while a selection stays.
    pub fn is_dated(&self) -> bool {
        self.filter.range() != (None, None)
    }

    /// The words again, such as `severity=4..10`.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.filter.words().map(|(word, value)| format!("{word}={value}"))
    }
}

impl Selection {
    /// The same as an expression of the word `where`; `None` if everything is selected.
    pub fn expression(&self) -> Option<String> {
        let names: Vec<&str> = self.filter.groups.iter().map(|group| group.kind.name).collect();
        if names.is_empty() {
            return None;
        }
        let group = |name: &str| {
            let values: Vec<&str> =
                self.filter.words().filter(|(word, _)| *word == name).map(|(_, value)| value).collect();
            expression::of_word(name, &values)
        };
        let words = names.iter().map(|name| group(name)).collect::<Vec<_>>().join(" and ");
        let own = match names.contains(&class::KIND.name) {
            true => format!(" and ({} or action = {})", group(class::KIND.name), Action::TEST.name()),
            false => String::new(),
        };
        Some(format!("class != agent and {words} or class = agent{own}"))
    }
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt(f)
    }
}

impl Filter {
    /// Whether one of the values of that word holds; `None` without the word.
    fn word_matches(&self, word: &FilterKind, record: &Record) -> Option<bool> {
        let group = self.groups.iter().find(|group| group.kind.name == word.name)?;
        Some(group.tests.iter().any(|test| test.accepts(record)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Outcome, Seq, Time};

    fn selection(words: &[(&str, &str)]) -> Selection {
        Selection::parse(words.iter().copied(), &Clock::utc(Time::default())).unwrap()
    }

    fn record(class: Class, action: Action) -> Record {
        let event = Event::own(action, Outcome::Success, Time::default(), "");
        Record { seq: Seq(1), position: None, event: Event { class, ..event }, chain: None }
    }

    #[test]
    fn without_words_everything_is_selected() {
        for class in Class::ALL {
            assert!(selection(&[]).wants(&record(class, Action::GAP_DETECTED)));
        }
    }

    #[test]
    fn only_the_word_class_decides_about_own_events() {
        let gap = record(Class::Agent, Action::GAP_DETECTED);
        let login = record(Class::UserOperation, Action::parse("user.login").unwrap());
        for (words, gaps, logins) in [
            (&[("user", "nobody"), ("severity", "10")][..], true, false),
            (&[("action", "user.login")], true, true),
            (&[("class", "user-operation")], false, true),
            (&[("class", "user-operation"), ("class", "agent"), ("action", "user.logout")], true, false),
            (&[("class", "agent")], true, false),
        ] {
            let selection = selection(words);
            assert_eq!((selection.wants(&gap), selection.wants(&login)), (gaps, logins), "{words:?}");
            assert_eq!(selection.wants_own(), gaps, "{words:?}");
            assert!(selection.wants(&record(Class::Agent, Action::TEST)), "{words:?}");
        }
    }

    #[test]
    fn as_an_expression_it_wants_the_same() {
        let selections: [&[(&str, &str)]; 5] = [
            &[("user", "nobody"), ("severity", "3..10"), ("severity", "0")],
            &[("class", "user-operation")],
            &[("class", "agent"), ("grep", "a/b"), ("grep", "log in")],
            &[("where", "user = alice or not severity > 3"), ("action", "user.")],
            &[("since", "1970-01-01"), ("until", "2024-01-01"), ("grep", "b")],
        ];
        assert_eq!(selection(&[]).expression(), None);
        for words in selections {
            let (selection, clock) = (selection(words), Clock::utc(Time::default()));
            let filter = Filter::parse([("where", selection.expression().unwrap())], &clock).unwrap();
            for class in Class::ALL {
                for action in [Action::TEST, Action::GAP_DETECTED, Action::parse("user.login").unwrap()] {
                    for (user, message) in [("alice", "a/b"), ("nobody", "log in")] {
                        let mut record = record(class, action);
                        record.event.user = Some(user.into());
                        record.event.message = message.into();
                        assert_eq!(filter.matches(&record), selection.wants(&record), "{words:?} {record:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_about_time_is_known() {
        assert!(selection(&[("since", "2024-01-01")]).is_dated());
        assert!(!selection(&[("class", "agent")]).is_dated());
    }
}
