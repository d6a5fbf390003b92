//! Entries that otrail has panicked at: what is told of them, and how often. Pure.
//!
//! Invariant: one a minute at most is told, with the number of those that came since.

use crate::model::guard::Panicked;
use crate::model::{Action, Event, Outcome, Time};
use std::time::{Duration, Instant};

/// Those of one source.
#[derive(Debug, Default)]
pub(super) struct Defects {
    /// The first that is not told yet, and how many there are.
    first: Option<Defect>,
    count: u64,
    told: Option<Instant>,
}

/// An entry that otrail has panicked at.
#[derive(Debug)]
struct Defect {
    /// Which entry that is: "the entry ...".
    entry: String,
    /// Where otrail has panicked.
    panicked: Panicked,
}

impl Defects {
    /// There may have been one. `entry` says which, and is asked for those that are named.
    pub(super) fn see(&mut self, panicked: Option<Panicked>, entry: impl FnOnce() -> String) {
        let Some(panicked) = panicked else { return };
        self.count += 1;
        self.first.get_or_insert_with(|| Defect { entry: entry(), panicked });
    }

    /// What there is to tell by now: an event without its target, which the log has, too.
    pub(super) fn due(&mut self, source: &str, now: Instant, time: Time) -> Option<Event> {
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < EVERY) {
            return None;
        }
        let Defect { entry, panicked } = self.first.take()?;
        let count = std::mem::take(&mut self.count);
        self.told = Some(now);
        let others = match count {
            1 => String::new(),
            2 => ", and one more since".to_owned(),
            many => format!(", and {} more since", many - 1),
        };
        let message = format!(
            "{entry} could not be read, by a defect of otrail{others}: in the trail as any that cannot be read, flagged \
             unparsed; please report it"
        );
        let reason = format!("a panic at {panicked}");
        tracing::error!("source {source}: {message}: {reason}");
        let event = Event::own(Action::PARSE_FAILURES, Outcome::Failure, time, message);
        Some(Event { reason: Some(reason.into()), count: Some(count), ..event })
    }
}

/// How often it is told.
const EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::guard::guard;

    fn panicked() -> Option<Panicked> {
        guard(|| std::panic::resume_unwind(Box::new(()))).err()
    }

    #[test]
    fn the_first_is_told_at_once_and_all_others_are_counted() {
        let (mut defects, begun) = (Defects::default(), Instant::now());
        let due = |defects: &mut Defects, seconds| {
            let event = defects.due("timeline", begun + Duration::from_secs(seconds), Time::default());
            event.map(|event| (event.count.unwrap(), event.message.to_string()))
        };
        assert_eq!(due(&mut defects, 0), None);
        defects.see(panicked(), || "the entry at byte 7".to_owned());
        let (count, message) = due(&mut defects, 0).unwrap();
        assert!(count == 1 && message.starts_with("the entry at byte 7 could not be read"), "{message}");
        for byte in 8..11 {
            defects.see(panicked(), || format!("the entry at byte {byte}"));
            assert_eq!(due(&mut defects, 59), None);
        }
        let (count, message) = due(&mut defects, 60).unwrap();
        assert!(count == 3 && message.contains("byte 8 ") && message.contains(", and 2 more"), "{message}");
        assert_eq!(due(&mut defects, 200), None);
    }
}
