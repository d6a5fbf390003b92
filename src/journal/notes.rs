//! How many of otrail's own events may enter the journal: a bucket for each kind, with exact counts of the rest.
//!
//! Nobody, neither a local user nor a log entry, can flood the trail with them; and what one source or destination has
//! to tell does not hold back what another has.

use crate::model::{Action, Event, Outcome, Target, Text, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Token buckets, one for each kind.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    buckets: BTreeMap<Kind, Bucket>,
}

/// What is counted together: an action, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    action: Action,
    /// The source or destination that it is about, as its target names it. Their number is that of the config.
    about: Option<(Text, Text)>,
}

impl Kind {
    /// The kind of an event.
    pub(super) fn of(event: &Event) -> Kind {
        let target = event.target.as_deref().filter(|target| COUNTED_BY_NAME.contains(&target.kind.as_str()));
        let about = target.and_then(|target| Some((target.kind.clone(), target.name.clone()?)));
        Kind { action: event.action, about }
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Duration,
    suppressed: Suppressed,
}

/// What of one kind was held back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Suppressed {
    pub events: u64,
    /// Bytes that may be missing by those of them that tell of a gap.
    pub bytes: u64,
}

impl Suppressed {
    /// An event that was held back.
    pub(super) fn one(event: &Event) -> Suppressed {
        let bytes = event.count.filter(|_| event.action == Action::GAP_DETECTED).unwrap_or(0);
        Suppressed { events: 1, bytes }
    }

    /// What is told of them.
    pub(super) fn event(self, kind: &Kind, now: Time) -> Event {
        let Kind { action, about } = kind;
        let of = about.as_ref().map(|(kind, name)| format!(" of {kind} {name}")).unwrap_or_default();
        let bytes = match self.bytes {
            0 => String::new(),
            bytes => format!("; {bytes} bytes may be missing by what they tell"),
        };
        let (events, were) = if self.events == 1 { ("event", "was") } else { ("events", "were") };
        let message = format!(
            "{} {events} {}{of} {were} held back by the rate limit or a full disk{bytes}",
            self.events,
            action.name()
        );
        let target = about.clone().map(|(kind, name)| Box::new(Target { kind, name: Some(name), id: None }));
        let event = Event::own(Action::EVENTS_SUPPRESSED, Outcome::Success, now, message);
        Event { count: Some(self.events), target, ..event }
    }
}

impl Limiter {
    /// Whether one more event of this kind may pass. `now` is any clock that does not go back.
    pub(super) fn admit(&mut self, kind: &Kind, now: Duration) -> bool {
        let bucket = self.bucket(kind, now);
        let passed = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + passed * PER_SECOND).min(BURST);
        bucket.at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    /// Counts events that were not written.
    pub(super) fn count(&mut self, kind: &Kind, suppressed: Suppressed, now: Duration) {
        let count = &mut self.bucket(kind, now).suppressed;
        count.events += suppressed.events;
        count.bytes = count.bytes.saturating_add(suppressed.bytes);
    }

    /// What was held back since the last call, by kind.
    pub(super) fn take_suppressed(&mut self) -> Vec<(Kind, Suppressed)> {
        let counts =
            self.buckets.iter_mut().map(|(kind, bucket)| (kind, std::mem::take(&mut bucket.suppressed)));
        counts.filter(|(_, count)| count.events > 0).map(|(kind, count)| (kind.clone(), count)).collect()
    }

    fn bucket(&mut self, kind: &Kind, now: Duration) -> &mut Bucket {
        self.buckets.entry(kind.clone()).or_insert(Bucket {
            tokens: BURST,
            at: now,
            suppressed: Suppressed::default(),
        })
    }
}

/// Kinds of targets of which each has buckets of its own.
const COUNTED_BY_NAME: [&str; 2] = ["source", "destination"];
/// Events of one kind that may come at once.
const BURST: f64 = 60.0;
/// Events of one kind that may come in the long run: one every two seconds.
const PER_SECOND: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(action: Action, source: Option<&'static str>) -> Kind {
        Kind { action, about: source.map(|name| (Text::const_new("source"), Text::const_new(name))) }
    }

    fn told(limiter: &mut Limiter) -> Vec<String> {
        let suppressed = limiter.take_suppressed().into_iter();
        suppressed.map(|(kind, count)| count.event(&kind, Time::default()).message.to_string()).collect()
    }

    #[test]
    fn a_flood_is_held_back_and_counted_to_the_last_one() {
        let (mut limiter, queries) = (Limiter::default(), kind(Action::QUERY, None));
        let passed = (0..1000).filter(|_| limiter.admit(&queries, Duration::ZERO)).count();
        assert_eq!(passed, 60);
        for _ in passed..1000 {
            limiter.count(&queries, Suppressed { events: 1, bytes: 0 }, Duration::ZERO);
        }
        assert_eq!(
            told(&mut limiter),
            ["940 events agent.query were held back by the rate limit or a full disk"]
        );
        assert_eq!(told(&mut limiter), [""; 0]);
    }

    #[test]
    fn time_lets_new_ones_through_and_no_other_kind_is_touched() {
        let (mut limiter, gaps) = (Limiter::default(), kind(Action::GAP_DETECTED, Some("a")));
        while limiter.admit(&gaps, Duration::ZERO) {}
        assert!(limiter.admit(&kind(Action::START, None), Duration::ZERO));
        assert!(limiter.admit(&kind(Action::GAP_DETECTED, Some("b")), Duration::ZERO));
        let of_destination = Kind { about: Some(("destination".into(), "a".into())), ..gaps.clone() };
        assert!(limiter.admit(&of_destination, Duration::ZERO));
        assert!(!limiter.admit(&gaps, Duration::from_secs(1)));
        assert!(limiter.admit(&gaps, Duration::from_secs(4)));
    }

    #[test]
    fn of_gaps_that_are_held_back_the_bytes_are_told_and_the_source() {
        let mut gap = Event::own(Action::GAP_DETECTED, Outcome::Unknown, Time::default(), "a hole");
        gap.count = Some(16);
        gap.target =
            Some(Box::new(Target { kind: "source".into(), name: Some("timeline".into()), id: None }));
        let mut limiter = Limiter::default();
        limiter.count(&Kind::of(&gap), Suppressed::one(&gap), Duration::ZERO);
        let expected = "1 event agent.gap_detected of source timeline was held back by the rate limit or a full disk; 16 bytes \
                        may be missing by what they tell";
        assert_eq!(told(&mut limiter), [expected]);
    }
}
