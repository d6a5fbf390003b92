//! What the journal tells of itself and of otrail: own events, which no flood of them can hold up.

use super::error::JournalError;
use super::notes::{Kind, Suppressed};
use super::pending::Input;
use super::twice::Twice;
use super::{Journal, clock, recovery};
use crate::model::{Action, Event, Outcome, Seq, Text, Time};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl Journal {
    /// What opening found becomes events.
    pub(super) fn tell_opened(
        &self,
        damaged: &[(PathBuf, recovery::Damage)],
        torn: Option<(PathBuf, u64)>,
        now: Time,
    ) {
        for (path, damage) in damaged {
            self.0.damaged.fetch_add(1, Ordering::Relaxed);
            let message = format!(
                "{} is damaged at byte {}: {} bytes, {} records from {} on are lost; the bytes are kept in {}",
                path.display(),
                damage.offset,
                damage.bytes,
                damage.records,
                damage.first,
                self.0.store.aside().display(),
            );
            let mut event = Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, message);
            event.count = Some(damage.records);
            self.note(event);
        }
        if let Some((path, bytes)) = torn {
            tracing::info!(
                "{}: {bytes} bytes of a torn tail do not count; they were never announced",
                path.display()
            );
        }
    }

    /// Somebody took all segments away.
    pub(super) fn tell_taken(&self, through: Option<Seq>, now: Time) {
        let Some(through) = through else { return };
        self.0.damaged.fetch_add(1, Ordering::Relaxed);
        let message = format!(
            "no file of the journal is left in {}: its records up to {through} at least are lost here; what the logs still \
             have is read again, and numbers go on behind",
            self.0.store.journal().display(),
        );
        tracing::error!("{message}");
        let mut event = Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, message);
        event.count = Some(through.0);
        self.note(event);
    }

    /// A segment was there twice.
    pub(super) fn tell_twice(&self, twice: &Twice, now: Time) {
        let Twice { counts, other, aside } = twice;
        let message = format!(
            "{} lay beside {} and holds something else: it does not count, and is {} now",
            other.display(),
            counts.display(),
            aside.display(),
        );
        tracing::warn!("{message}");
        self.note(Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, message));
    }

    /// From now on secrets are taken out of what admins say, in questions and wishes, before it is stored.
    pub fn mask_wishes(&self, mask: impl Fn(&mut Event) + Send + Sync + 'static) {
        // Whoever comes second has the same masks.
        let _set = self.0.masks.set(Box::new(mask));
    }

    /// There is room again, for this run or after the one before.
    pub(super) fn tell_end_of_pause(&self, was_crowded: bool, now: Time) {
        let (action, message) = match was_crowded {
            true => (Action::JOURNAL_ERROR, "the journal can be written again; reading goes on"),
            false => (Action::DISK_FULL, "the disk has space again; reading goes on"),
        };
        self.note(Event::own(action, Outcome::Success, now, message));
    }

    /// The clock says something odd at the start.
    pub(super) fn tell_clock(&self, newest_at: Option<Time>, now: Time) {
        if let Some(message) = clock::doubt(newest_at, now) {
            tracing::warn!("{message}");
            self.note(Event::own(Action::CLOCK_STEPPED, Outcome::Unknown, now, message));
        }
    }

    /// Journals one of otrail's own events. Blocks until it is durable.
    ///
    /// Never fails: what the limit or a full disk holds back is counted, and told as `agent.events_suppressed`.
    pub fn note(&self, event: Event) {
        let _durable = self.note_durably(event);
    }

    /// The same; whether it is durable. What waits for space on the disk is not, though it may be before long.
    pub fn note_durably(&self, event: Event) -> bool {
        if !self.admits(&event) {
            return false;
        }
        let (kind, suppressed) = (Kind::of(&event), Suppressed::one(&event));
        let noted = self.write_note(event);
        if noted == Noted::Not {
            self.count_suppressed(&kind, suppressed);
        }
        noted == Noted::Durably
    }

    /// Whether one of otrail's own events may be appended now. One that may not is counted, and told with its number as
    /// `agent.events_suppressed`.
    pub fn admits(&self, event: &Event) -> bool {
        let kind = Kind::of(event);
        // One for each segment, and what a server holds against the journal.
        let admitted = event.action == Action::SEAL || self.limiter().admit(&kind, self.0.begun.elapsed());
        if !admitted {
            self.count_suppressed(&kind, Suppressed::one(event));
        }
        admitted
    }

    fn count_suppressed(&self, kind: &Kind, suppressed: Suppressed) {
        self.limiter().count(kind, suppressed, self.0.begun.elapsed());
    }

    fn write_note(&self, event: Event) -> Noted {
        let (action, now) = (event.action, event.seen);
        let input = Input::own(self.own(event));
        let mut writer = self.writer();
        let mut noted = Noted::Durably;
        // What waits goes first: a disk without room for the reserve may have some for it.
        let mut result = self.write_out(&mut writer, now);
        if result.is_ok() {
            writer.hold(input);
            result = match self.write_out(&mut writer, now) {
                // It is the batch that waits now.
                Err(error) if error.is_full() => {
                    noted = Noted::Waiting;
                    Ok(())
                }
                result => result,
            };
        }
        drop(writer);
        if let Err(error) = &result {
            let why = match self.0.broken.load(Ordering::Relaxed) {
                true => self.0.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                false => error.to_string(),
            };
            tracing::warn!("cannot journal {}: {why}", action.name());
        }
        if result.is_ok() { noted } else { Noted::Not }
    }

    /// Tells what was held back since the last call; what cannot be told now is kept for the next. Asked for now and then,
    /// it is no flood itself.
    pub fn note_suppressed(&self, now: Time) {
        // Writing takes the limiter again.
        let suppressed = self.limiter().take_suppressed();
        for (kind, count) in suppressed {
            if self.write_note(count.event(&kind, now)) == Noted::Not {
                self.count_suppressed(&kind, count);
            }
        }
    }

    /// Damage that a reader met: set aside, counted, and told once.
    pub fn damaged(&self, error: &JournalError, now: Time) {
        let (is_new, records, kept) = match error {
            JournalError::Damaged { segment, offset, bytes } => {
                let damage =
                    recovery::Damage { offset: *offset, bytes: *bytes, first: Seq::NONE, records: 0 };
                let kept = format!("; they are kept in {}", self.0.store.aside().display());
                (self.0.store.set_aside(segment, &damage), 1, kept)
            }
            JournalError::Gap { first, last } => {
                let records = (last.0 - first.0).saturating_add(1);
                (self.0.store.note_gap(*first, records), records, String::new())
            }
            _ => return,
        };
        match is_new {
            Ok(true) => {
                self.0.damaged.fetch_add(1, Ordering::Relaxed);
                let mut event =
                    Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, format!("{error}{kept}"));
                event.count = Some(records);
                self.note(event);
            }
            Ok(false) => {}
            Err(problem) => tracing::error!("{error}; it cannot be set aside: {problem}"),
        }
    }

    /// One of otrail's own events as `note` stores it: its masks change what it says.
    pub fn as_noted(&self, event: Event) -> Event {
        self.own(event)
    }

    /// Sensor and source of an own event.
    pub(super) fn own(&self, mut event: Event) -> Event {
        event.sensor = self.0.settings.sensor.as_str().into();
        if event.source.is_empty() {
            event.source = Text::const_new("otrail");
        }
        // Only what somebody has asked for carries a user; all else is otrail's own words and hashes.
        if let Some(mask) = self.0.masks.get().filter(|_| event.user.is_some()) {
            mask(&mut event);
        }
        event
    }
}
/// What became of one of otrail's own events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noted {
    Durably,
    /// It goes out when there is space on the disk.
    Waiting,
    /// It could not be written.
    Not,
}
