//! What a destination gets of the trail, by the words of a filter.
//!
//! otrail's own events (class `agent`) tell of gaps, losses and of the agent itself, which no word about users or actions
//! is meant to hide. So of those `class` alone decides, and without it all of them are selected. A test event goes to
//! whom it is to test in any case.

use super::{Clock, Filter, FilterError, FilterKind, class};
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
        Record { seq: Seq(1), position: None, event: Event { class, ..event } }
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
    fn what_is_about_time_is_known() {
        assert!(selection(&[("since", "2024-01-01")]).is_dated());
        assert!(!selection(&[("class", "agent")]).is_dated());
    }
}
