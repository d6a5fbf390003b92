//! Who keeps records from being removed: the configured destinations, and those that left the config of late.
//!
//! The days count from when a destination was last in the config of an agent that runs, and not from what it confirmed last:
//! one whose server is away for long has the most to lose. It is the time of its cursor file, which is set now and then.
//!
//! Invariant: that records go which such a destination has no evidence for is told before they do; once for each, unless
//! they could not be removed then.
//! Invariant: while the clock is not believed nothing goes for the days that have passed.

use super::Journal;
use super::cursor::{self, Found};
use super::error::JournalError;
use super::owed::Return;
use super::regular;
use super::retention::Held;
use crate::model::{Action, Event, Outcome, Seq, Target, Time};
use std::time::{Duration, SystemTime};

/// A destination that is in the config no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub confirmed: Seq,
    /// Until when what is behind that stays in the journal.
    pub until: Time,
}

impl From<Found> for Left {
    fn from(Found { name, confirmed, in_use, .. }: Found) -> Left {
        Left { name, confirmed, until: in_use.plus_millis(PINS.as_millis() as i64) }
    }
}

impl Journal {
    /// The destinations that left the config of late: what they have not confirmed stays for them.
    pub fn left(&self, now: Time) -> Result<Vec<Left>, JournalError> {
        let left = self.gone()?.into_iter().filter(|found| pins(found, now)).map(Left::from);
        Ok(left.collect())
    }

    /// All destinations that left the config and are not forgotten yet, however long ago.
    pub fn all_left(&self) -> Result<Vec<Left>, JournalError> {
        Ok(self.gone()?.into_iter().map(Left::from).collect())
    }

    /// Keeps nothing for a destination that left the config: takes its cursor away. What was delivered to it, and on what
    /// evidence, stays known. Should the name come back into the config, it is a new destination.
    pub fn forget(&self, left: &Left) -> Result<(), JournalError> {
        let path = self.0.store.cursors().join(&left.name);
        std::fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
        super::store::sync_dir(&self.0.store.cursors())?;
        self.owe(Return::Destination(&left.name), false)
    }

    /// What every destination has confirmed: the configured ones, and the ones that left the config of late.
    pub(super) fn least_confirmed(
        &self,
        oldest: Seq,
        now: Time,
        is_believed: bool,
    ) -> Result<Seq, JournalError> {
        // One that has lost records already is no reason to keep the others.
        let may = |found: &&Found| {
            pins(found, now) || !is_believed && found.confirmed.0.saturating_add(1) >= oldest.0
        };
        Ok(self
            .gone()?
            .iter()
            .filter(may)
            .map(|found| found.confirmed)
            .fold(self.configured_confirmed(), Seq::min))
    }

    /// What every configured destination has confirmed.
    fn configured_confirmed(&self) -> Seq {
        let confirmed = self.confirmed();
        let of = |name: &String| confirmed.get(name).copied().unwrap_or_default();
        self.0.settings.destinations.iter().map(of).min().unwrap_or(Seq(u64::MAX))
    }

    /// What a journal that is full waits for, and the way out where only an admin has it.
    pub(super) fn waits_for(&self, now: Time) -> String {
        let configured = self.configured_confirmed();
        let left = self.left(now).unwrap_or_default();
        match left.iter().min_by_key(|left| left.confirmed).filter(|left| left.confirmed < configured) {
            Some(Left { name, until, .. }) => format!(
                "until {until} for destination {name}, which left the config; `otrail destination forget {name}` lets it \
                 go"
            ),
            None => "until a destination confirms".to_owned(),
        }
    }

    /// The cursors of this journal without a destination in the config.
    fn gone(&self) -> Result<Vec<Found>, JournalError> {
        let mut found = cursor::read_all(&self.0.store.cursors())?;
        found.retain(|found| {
            found.stream == self.0.stream && !self.0.settings.destinations.contains(&found.name)
        });
        Ok(found)
    }

    /// Notes which destinations are in the config now.
    pub(super) fn date_cursors(&self, now: Time) {
        let Ok(millis) = u64::try_from(now.millis()) else { return };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        for name in &self.0.settings.destinations {
            // Where that fails the cursor is as old as what stands in it.
            let Ok(file) = regular::reading(&self.0.store.cursors().join(name)) else { continue };
            let dated = file.metadata().and_then(|metadata| metadata.modified());
            let is_new = |dated: SystemTime| {
                let ago = now.duration_since(dated).unwrap_or_else(|ahead| ahead.duration());
                ago < DATED_EVERY
            };
            if !dated.is_ok_and(is_new) {
                let _as_before = file.set_modified(now);
            }
        }
    }

    /// Says which records go for good now, and who will never get them.
    pub(super) fn tell_gone(&self, gone: &[Held], now: Time) -> Result<(), JournalError> {
        let (Some(first), Some(last)) = (gone.first(), gone.last()) else { return Ok(()) };
        let (first, last) = (first.name.first, last.last);
        tracing::info!(
            "records {first} to {last} are older than the journal may keep (size-max, age-max) and are removed"
        );
        for found in self.gone()? {
            let next = Seq(found.confirmed.0.saturating_add(1));
            if !(first..=last).contains(&next) {
                continue;
            }
            let Found { name, in_use, .. } = found;
            let message = format!(
                "destination {name} is in the config no more since {in_use} or so: records {next} to {last}, for which it has \
                 no evidence, are removed, and so will be what comes after them"
            );
            tracing::warn!("{message}");
            let mut event = Event::own(Action::RECORDS_DROPPED, Outcome::Failure, now, message);
            let target = Target { kind: "destination".into(), name: Some(name.as_str().into()), id: None };
            (event.target, event.count) = (Some(Box::new(target)), Some(last.0 - found.confirmed.0));
            self.note(event);
        }
        Ok(())
    }
}

/// Whether a destination without config keeps its records still.
fn pins(found: &Found, now: Time) -> bool {
    now.millis().saturating_sub(found.in_use.millis()) < PINS.as_millis() as i64
}

/// How long the cursor of a destination that left the config keeps its records.
const PINS: Duration = Duration::from_secs(30 * 86_400);
const DATED_EVERY: Duration = Duration::from_secs(3600);
