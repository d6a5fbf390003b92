//! Which entries of a file the trail has: pure.
//!
//! An entry is known by its id. The sensor's export shows times in whole seconds where its API has milliseconds, and its
//! entries have other ids then: as long as a timeline has had no finer time, an entry of it is also known by one of the
//! trail that has a fraction of the same second and says the same, one for one.
//!
//! ```text
//! file    10:31:52 a     10:31:52 a     10:31:52 b
//! trail   10:31:52.118 a                                 the second a, and b, are new
//! ```
//!
//! Invariant: no record of the trail stands for two entries of a file, but for one of 65,536 taken records before.
//! Invariant: what was added from a file in whole seconds has no fraction, and is known by its id alone.

use crate::journal::Sought;
use crate::model::{Event, EventId, Flag, Outcome, Record, Target, Text, Time};
use std::collections::{HashMap, HashSet, VecDeque};

/// What is known of the file so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// A time of the file had a fraction of a second.
    is_fine: bool,
    /// Records with a fraction that stand for an entry, as they were taken.
    order: VecDeque<EventId>,
    taken: HashSet<EventId>,
}

/// What of the trail may be one of the entries of a batch.
#[derive(Debug)]
pub(super) struct Found {
    sought: HashSet<EventId>,
    sensor: Text,
    /// What the entries say, to the second; empty where that is not looked at.
    said: HashSet<Said>,
    ids: HashSet<EventId>,
    like: HashMap<Said, Vec<EventId>>,
    /// Whether the log of the sensor had other entries in these seconds.
    pub beside: bool,
}

impl Known {
    /// What to look for in the trail, and where what is found goes.
    pub(super) fn begin(&mut self, batch: &[Event]) -> ([Sought; 2], Found) {
        let (dated, undated): (Vec<&Event>, Vec<&Event>) =
            batch.iter().partition(|event| !event.flags.contains(Flag::TIME_ASSUMED));
        self.is_fine |= dated.iter().any(|event| has_fraction(event.time));
        let is_timeline = |event: &&&Event| !self.is_fine && !event.kind.is_empty();
        let said: HashSet<Said> = dated.iter().filter(is_timeline).map(|event| Said::of(event)).collect();
        let ids = |events: &[&Event]| events.iter().map(|event| event.id).collect();
        let seconds = dated.iter().map(|event| event.time.second()).collect();
        let sought = [
            Sought { ids: ids(&dated), seconds: Some(seconds), all: !said.is_empty() },
            // One whose entry had no time may be of any.
            Sought { ids: ids(&undated), ..Sought::default() },
        ];
        let sensor = batch.first().map(|event| event.sensor.clone()).unwrap_or_default();
        let found = Found {
            sought: batch.iter().map(|event| event.id).collect(),
            sensor,
            said,
            ids: HashSet::new(),
            like: HashMap::new(),
            beside: false,
        };
        (sought, found)
    }

    /// Takes away what the trail has.
    pub(super) fn sort(&mut self, batch: Vec<Event>, mut found: Found) -> Vec<Event> {
        batch.into_iter().filter(|event| !self.has(event, &mut found)).collect()
    }

    fn has(&mut self, event: &Event, found: &mut Found) -> bool {
        if found.ids.contains(&event.id) {
            return true;
        }
        let like = if found.like.is_empty() { None } else { found.like.get_mut(&Said::of(event)) };
        let is_free = |id: &EventId| !self.taken.contains(id);
        let one = like.and_then(|like| Some(like.swap_remove(like.iter().position(is_free)?)));
        one.is_some_and(|one| {
            self.order.push_back(one);
            if self.order.len() > TAKEN_MAX
                && let Some(first) = self.order.pop_front()
            {
                self.taken.remove(&first);
            }
            self.taken.insert(one)
        })
    }
}

impl Found {
    /// A record of the trail.
    pub(super) fn see(&mut self, record: &Record) {
        let event = &record.event;
        if self.sought.contains(&event.id) {
            self.ids.insert(event.id);
        }
        self.beside |= record.position.is_some() && event.sensor == self.sensor;
        if !self.said.is_empty() && has_fraction(event.time) {
            let said = Said::of(event);
            if self.said.contains(&said) {
                self.like.entry(said).or_default().push(event.id);
            }
        }
    }
}

fn has_fraction(time: Time) -> bool {
    time.millis().rem_euclid(1000) != 0
}

/// All that an event says of its entry, without the fraction of its second.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Said {
    second: i64,
    sensor: Text,
    texts: [Text; 4],
    outcome: Outcome,
    details: [Option<Text>; 8],
    target: Option<Target>,
    devices: Vec<Text>,
}

impl Said {
    fn of(event: &Event) -> Said {
        let Event { kind, title, label, message, .. } = event;
        let Event { user, domain, account, role, client, reason, old, new, .. } = event;
        Said {
            second: event.time.second(),
            sensor: event.sensor.clone(),
            texts: [kind, title, label, message].map(Clone::clone),
            outcome: event.outcome,
            details: [user, domain, account, role, client, reason, old, new].map(Clone::clone),
            target: event.target.as_deref().cloned(),
            devices: event.devices.clone(),
        }
    }
}

/// As many records are remembered that stand for an entry: more than a second has, unless the file is in no order.
const TAKEN_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, FileNo, Position, Seq};

    fn event(id: u128, millis: i64, message: &str) -> Event {
        let time = Time::from_millis(1_709_202_000_000 + millis).unwrap();
        let event = Event::new(Action::parse("user.login").unwrap(), Outcome::Success, time);
        Event { id: EventId(id), message: message.into(), kind: "USER_LOGIN".into(), ..event }
    }

    /// Which entries of a batch are new to a trail.
    fn new(known: &mut Known, trail: &[Event], batch: &[Event]) -> Vec<u128> {
        let (sought, mut found) = known.begin(batch);
        for event in trail {
            let in_time = |seconds: &std::collections::BTreeSet<i64>| seconds.contains(&event.time.second());
            let is_sought = |sought: &Sought| {
                sought.seconds.as_ref().is_none_or(in_time) && (sought.all || sought.ids.contains(&event.id))
            };
            if sought.iter().any(is_sought) {
                let position = Some(Position { file: FileNo(1), offset: 7 });
                found.see(&Record { seq: Seq(1), position, event: event.clone(), chain: None });
            }
        }
        known.sort(batch.to_vec(), found).iter().map(|event| event.id.0).collect()
    }

    #[test]
    fn an_entry_is_known_by_its_id() {
        let trail = [event(1, 118, "a"), event(2, 119, "a")];
        let batch = [event(2, 119, "a"), event(3, 120, "a"), event(1, 118, "a")];
        assert_eq!(new(&mut Known::default(), &trail, &batch), [3]);
    }

    #[test]
    fn in_whole_seconds_an_entry_is_known_by_one_of_its_second_that_says_the_same() {
        let trail = [event(1, 118, "a"), event(2, 2118, "a"), event(3, 3999, "b")];
        let batch = [event(11, 0, "a"), event(12, 0, "a"), event(13, 1000, "a"), event(14, 3000, "b")];
        assert_eq!(new(&mut Known::default(), &trail, &batch), [12, 13]);
        // What was added the last time is known by its id, and takes the place of no other.
        let trail = [&trail[..], &batch[1..3]].concat();
        assert_eq!(new(&mut Known::default(), &trail, &batch), [] as [u128; 0]);
        let more = [&batch[..], &[event(15, 0, "a")]].concat();
        assert_eq!(new(&mut Known::default(), &trail, &more), [15]);
    }

    #[test]
    fn what_is_added_on_the_way_stands_for_no_other_entry() {
        let (mut known, mut trail) = (Known::default(), vec![event(1, 118, "a")]);
        let batches =
            [&[event(11, 0, "a"), event(12, 0, "a")][..], &[event(13, 0, "a")], &[event(14, 0, "a")]];
        let mut added = Vec::new();
        for batch in batches {
            let of_batch = new(&mut known, &trail, batch);
            trail.extend(batch.iter().filter(|event| of_batch.contains(&event.id.0)).cloned());
            added.extend(of_batch);
        }
        assert_eq!(added, [12, 13, 14]);
    }

    #[test]
    fn what_is_no_timeline_and_a_file_with_finer_times_are_known_by_their_ids_alone() {
        let (trail, mut known) = ([event(1, 118, "a")], Known::default());
        assert_eq!(new(&mut known, &trail, &[event(11, 0, "a"), event(12, 5, "b")]), [11, 12]);
        assert_eq!(new(&mut known, &trail, &[event(13, 0, "a")]), [13]);
        let bare = |id, millis| Event { kind: Text::default(), ..event(id, millis, "a") };
        assert_eq!(new(&mut Known::default(), &[bare(1, 118)], &[bare(11, 0)]), [11]);
    }

    #[test]
    fn all_that_an_entry_says_is_looked_at() {
        let batch = [event(11, 0, "a")];
        let other = event(1, 118, "a");
        assert_eq!(new(&mut Known::default(), std::slice::from_ref(&other), &batch), [] as [u128; 0]);
        for other in [
            Event { user: Some("eve".into()), ..other.clone() },
            Event { client: Some("10.2.3.4".into()), ..other.clone() },
            Event { outcome: Outcome::Failure, ..other.clone() },
            Event { sensor: "plant-b".into(), ..other.clone() },
            Event { title: "b".into(), ..other },
        ] {
            assert_eq!(new(&mut Known::default(), &[other], &batch), [11]);
        }
    }

    #[test]
    fn one_entry_without_a_time_may_be_of_any() {
        let mut undated = event(1, 0, "a");
        undated.flags.insert(Flag::TIME_ASSUMED);
        let trail = [event(1, 86_400_000, "a")];
        assert_eq!(new(&mut Known::default(), &trail, &[undated, event(2, 7, "b")]), [2]);
    }
}
