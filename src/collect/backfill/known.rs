//! Which entries of a file the trail has: pure.
//!
//! An entry is known by its id. An export may show times in whole seconds where the log has milliseconds, and has other
//! ids then: as long as a file has had no finer time, an entry of it is also known by an entry of the same second that
//! says the same, one for one.
//!
//! ```text
//! file    10:31:52 a     10:31:52 a     10:31:52 b
//! trail   10:31:52.118 a                                 the second a, and b, are new
//! ```
//!
//! Invariant: no record of the trail stands for two entries of the file that are less than a batch apart.

use crate::journal::Sought;
use crate::model::{Event, EventId, Flag, Record, Text, Time};
use std::collections::{HashMap, HashSet};
use std::mem;

/// What is known of the file so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// A time of the file had a fraction of a second.
    is_fine: bool,
    /// Records that stand for an entry of this batch, and of the one before.
    taken: HashSet<EventId>,
    taken_before: HashSet<EventId>,
}

/// What of the trail may be one of the entries of a batch.
#[derive(Debug)]
pub(super) struct Found {
    pub sought: Sought,
    /// What entries say, and when, to the second; empty where that is not looked at.
    said: HashSet<Said>,
    ids: HashSet<EventId>,
    like: HashMap<Said, Vec<EventId>>,
    /// Records of a sensor's entries of that time, where all were looked at.
    pub beside: u64,
}

impl Known {
    /// What to look for in the trail.
    pub(super) fn begin(&mut self, batch: &[Event]) -> Found {
        let is_dated = |event: &&Event| !event.flags.contains(Flag::TIME_ASSUMED);
        let dated = || batch.iter().filter(is_dated);
        self.is_fine |= dated().any(|event| event.time.millis() % 1000 != 0);
        let said = if self.is_fine { HashSet::new() } else { dated().map(Said::of).collect() };
        // One whose entry had no time may be of any.
        let is_all_dated = batch.iter().all(|event| is_dated(&event));
        let times = || batch.iter().map(|event| event.time);
        let newest = times().max().map(|time| time.plus_millis(if said.is_empty() { 0 } else { 999 }));
        let sought = Sought {
            ids: batch.iter().map(|event| event.id).collect(),
            oldest: times().min().filter(|_| is_all_dated).unwrap_or(Time::MIN),
            newest: newest.filter(|_| is_all_dated).unwrap_or(Time::MAX),
            all: !said.is_empty(),
        };
        Found { sought, said, ids: HashSet::new(), like: HashMap::new(), beside: 0 }
    }

    /// Takes away what the trail has.
    pub(super) fn sort(&mut self, batch: Vec<Event>, mut found: Found) -> Vec<Event> {
        self.taken_before = mem::replace(&mut self.taken, found.ids);
        let mut is_new = |event: &Event| {
            if self.taken.contains(&event.id) {
                return false;
            }
            let like = if found.like.is_empty() { None } else { found.like.get_mut(&Said::of(event)) };
            let is_free = |id: &EventId| !self.taken.contains(id) && !self.taken_before.contains(id);
            let one = like.and_then(|like| Some(like.swap_remove(like.iter().position(is_free)?)));
            one.is_none_or(|one| !self.taken.insert(one))
        };
        batch.into_iter().filter(|event| is_new(event)).collect()
    }
}

impl Found {
    /// A record of the trail.
    pub(super) fn see(&mut self, record: &Record) {
        let event = &record.event;
        if self.sought.ids.contains(&event.id) {
            self.ids.insert(event.id);
        }
        if self.said.is_empty() {
            return;
        }
        self.beside += u64::from(record.position.is_some());
        let said = Said::of(event);
        if self.said.contains(&said) {
            self.like.entry(said).or_default().push(event.id);
        }
    }
}

/// What an event says, when, and of which sensor, without the fraction of its second.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Said {
    second: i64,
    sensor: Text,
    kind: Text,
    title: Text,
    label: Text,
    message: Text,
    user: Option<Text>,
    domain: Option<Text>,
}

impl Said {
    fn of(event: &Event) -> Said {
        Said {
            second: event.time.millis().div_euclid(1000),
            sensor: event.sensor.clone(),
            kind: event.kind.clone(),
            title: event.title.clone(),
            label: event.label.clone(),
            message: event.message.clone(),
            user: event.user.clone(),
            domain: event.domain.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, FileNo, Outcome, Position, Seq};

    fn event(id: u128, millis: i64, message: &str) -> Event {
        let time = Time::from_millis(1_709_202_000_000 + millis).unwrap();
        let event = Event::new(Action::parse("user.login").unwrap(), Outcome::Success, time);
        Event { id: EventId(id), message: message.into(), ..event }
    }

    /// Which entries of a batch are new to a trail.
    fn new(known: &mut Known, trail: &[Event], batch: &[Event]) -> Vec<u128> {
        let mut found = known.begin(batch);
        for event in trail {
            let in_time = (found.sought.oldest..=found.sought.newest).contains(&event.time);
            if in_time && (found.sought.all || found.sought.ids.contains(&event.id)) {
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
    fn a_record_stands_for_one_entry_over_the_end_of_a_batch() {
        let (trail, mut known) = ([event(1, 118, "a")], Known::default());
        assert_eq!(new(&mut known, &trail, &[event(11, 0, "a")]), [] as [u128; 0]);
        assert_eq!(new(&mut known, &trail, &[event(12, 0, "a")]), [12]);
    }

    #[test]
    fn a_file_with_finer_times_knows_its_entries_by_their_ids_alone() {
        let (trail, mut known) = ([event(1, 118, "a")], Known::default());
        assert_eq!(new(&mut known, &trail, &[event(11, 0, "a"), event(12, 5, "b")]), [11, 12]);
        assert_eq!(new(&mut known, &trail, &[event(13, 0, "a")]), [13]);
    }

    #[test]
    fn who_did_it_and_on_which_sensor_is_looked_at() {
        let batch = [event(11, 0, "a")];
        let by = |user: &str| Event { user: Some(user.into()), ..event(1, 118, "a") };
        assert_eq!(new(&mut Known::default(), &[by("eve")], &batch), [11]);
        let elsewhere = Event { sensor: "plant-b".into(), ..event(1, 118, "a") };
        assert_eq!(new(&mut Known::default(), &[elsewhere], &batch), [11]);
    }

    #[test]
    fn one_entry_without_a_time_may_be_of_any() {
        let mut undated = event(1, 0, "a");
        undated.flags.insert(Flag::TIME_ASSUMED);
        let found = Known::default().begin(&[undated.clone(), event(2, 7, "b")]);
        assert_eq!(
            (found.sought.oldest, found.sought.newest, found.sought.all),
            (Time::MIN, Time::MAX, false)
        );
        let trail = [event(1, 86_400_000, "a")];
        assert_eq!(new(&mut Known::default(), &trail, &[undated]), [] as [u128; 0]);
    }
}
