//! Keeping the journal within its limits: retention, capacity, its status.

use super::clock::Clock;
use super::error::JournalError;
use super::forms;
use super::outlook::{Outlook, outlook};
use super::reader::Scan;
use super::retention::{self, Held, Limits};
use super::segment::{self, SegmentName};
use super::{Journal, Settings};
use crate::model::status::JournalStatus;
use crate::model::{Action, Event, Outcome, Seq, Time, error_text};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

impl Journal {
    /// Removes what may go and tells the capacity. To be called every few seconds; blocks on the disk. That it fails is a
    /// problem of the status until it does not, and told in the log when it begins.
    pub fn maintain(&self, now: Time) -> Result<(), JournalError> {
        let result = self.keep_within(now);
        let problem = result.as_ref().err().map(|error| error_text(error)).unwrap_or_default();
        let mut upkeep = self.0.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        if !problem.is_empty() && *upkeep != problem {
            tracing::error!("the journal cannot be kept within its limits: {problem}");
        }
        *upkeep = problem;
        result
    }

    fn keep_within(&self, now: Time) -> Result<(), JournalError> {
        let is_believed = self.clock().is_believed(now, self.0.begun.elapsed());
        let bytes = self.0.bytes.load(Ordering::Relaxed);
        let dir = self.0.store.journal();
        let names = segment::list(&dir)?;
        let held = self.held(&dir, &names)?;
        let kept = held.iter().map(|segment| segment.bytes).sum::<u64>();
        let Settings { bytes_max, age_max, .. } = self.0.settings;
        let packs = bytes > bytes_max && self.packs(&dir, &held);
        let limits = Limits { bytes_max: if packs { u64::MAX } else { bytes_max }, age_max };
        self.date_cursors(now);
        let oldest = names.first().map_or(Seq::NONE, |name| name.first);
        let confirmed = self.least_confirmed(oldest, now, is_believed)?;
        let gone =
            retention::to_remove(&held, bytes.saturating_sub(kept), limits, confirmed, now, is_believed);
        if !gone.is_empty() {
            // What otrail cannot read it does not remove either.
            gone.iter().try_for_each(|name| segment::refuse_later(&dir, name))?;
            // Before it is so: what is gone tells nobody that it was there.
            self.tell_gone(&held[..gone.len()], now)?;
            let placing = self.placing();
            for name in &gone {
                forms::remove(&dir, name)?;
            }
            super::store::sync_dir(&dir)?;
            drop(placing);
            self.0.bytes.store(bytes_of(&dir)?, Ordering::Relaxed);
        }
        let open = (bytes.saturating_sub(kept), self.newest());
        let outlook = outlook(&held[gone.len()..], open, bytes_max, confirmed, now);
        // What comes from now on waits as well, until it is looked at again.
        let bytes_now = self.0.bytes.load(Ordering::Relaxed);
        self.0.not_waiting.store(bytes_now.saturating_sub(outlook.waiting), Ordering::Relaxed);
        self.tell_capacity(now, outlook, bytes, packs);
        Ok(())
    }

    /// Whether half of the capacity waits for a destination, as far as was looked, and with all that came since: what is
    /// left is for what the sensor does from now on.
    pub fn is_half_waiting(&self) -> bool {
        let (bytes, others) = (&self.0.bytes, &self.0.not_waiting);
        let waiting = bytes.load(Ordering::Relaxed).saturating_sub(others.load(Ordering::Relaxed));
        waiting > self.0.settings.bytes_max / 2
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.0.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether segments are packed that are plain yet, so that nothing has to go for the size.
    fn packs(&self, dir: &Path, held: &[Held]) -> bool {
        // On a full disk there is no room for both forms.
        if !self.0.settings.seal || self.0.full.load(Ordering::Relaxed) {
            return false;
        }
        let unsealable = self.unsealable();
        let is_plain = |segment: &Held| {
            !unsealable.contains(&segment.name) && !forms::sealed(dir, &segment.name).exists()
        };
        held.iter().any(is_plain) && self.0.room.may_come(self.0.begun.elapsed())
    }

    /// The segments that are closed.
    fn held(&self, dir: &Path, names: &[SegmentName]) -> Result<Vec<Held>, JournalError> {
        let open = self.writer().segment_name().cloned();
        let mut held = Vec::new();
        for pair in names.windows(2) {
            let [name, next] = pair else { continue };
            if Some(name) == open.as_ref() {
                break;
            }
            let Some((bytes, metadata)) = forms::metadata(dir, name)? else { continue };
            let written =
                metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let written =
                written.and_then(|since| i64::try_from(since.as_millis()).ok()).and_then(Time::from_millis);
            let last = Seq(next.first.0.saturating_sub(1));
            held.push(Held { name: name.clone(), last, bytes, written: written.unwrap_or(Time::MAX) });
        }
        Ok(held)
    }

    /// `looked_at` is how many bytes there were when it was decided what goes.
    fn tell_capacity(&self, now: Time, outlook: Outlook, looked_at: u64, packs: bool) {
        let (bytes, bytes_max) = (self.0.bytes.load(Ordering::Relaxed), self.0.settings.bytes_max);
        let is_over = bytes > bytes_max;
        self.0.over.store(is_over, Ordering::Relaxed);
        if is_over && retention::may_make_room(looked_at, bytes_max, packs) {
            return;
        }
        self.0.room.has_come();
        let before = self.0.threshold.load(Ordering::Relaxed);
        let reached = retention::threshold(bytes, bytes_max, before);
        self.0.threshold.store(reached, Ordering::Relaxed);
        if reached > before {
            let further = match is_over {
                true => format!("; reading is paused {}", self.waits_for(now)),
                false => outlook.words(),
            };
            let message = format!("the journal holds {bytes} of {bytes_max} bytes ({reached} %){further}");
            tracing::warn!("{message}");
            let mut event = Event::own(Action::CAPACITY, Outcome::Failure, now, message);
            event.count = Some(bytes);
            self.note(event);
        }
    }

    /// The journal's part of `otrail status`.
    pub fn status(&self) -> JournalStatus {
        let names = segment::list(&self.0.store.journal());
        let error = self.error(names.as_ref().err());
        let names = names.unwrap_or_default();
        let newest = self.newest();
        let oldest = names.first().map_or(Seq::NONE, |name| name.first);
        JournalStatus {
            path: self.0.store.journal().display().to_string(),
            stream: self.0.stream.to_string(),
            bytes: self.0.bytes.load(Ordering::Relaxed),
            bytes_max: self.0.settings.bytes_max,
            segments: names.len() as u64,
            oldest: if newest == Seq::NONE { Seq::NONE } else { oldest },
            newest,
            full: self.0.full.load(Ordering::Relaxed) || self.0.over.load(Ordering::Relaxed),
            damaged: self.0.damaged.load(Ordering::Relaxed),
            error,
        }
    }

    /// What is wrong, the worst first: it cannot be written, its folder cannot be `listed`, or it cannot be kept within its
    /// limits.
    fn error(&self, listed: Option<&JournalError>) -> String {
        let of = |error: &Mutex<String>| error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let listed = listed.map(|error| format!("{}; {UNLISTED}", error_text(error))).unwrap_or_default();
        let all = [of(&self.0.error), listed, of(&self.0.upkeep)];
        all.into_iter().find(|error| !error.is_empty()).unwrap_or_default()
    }
}

/// When that record was written; `None` where it cannot be read.
pub(super) fn written_at(dir: &Path, seq: Seq) -> Option<Time> {
    let after = Seq(seq.0.checked_sub(1)?);
    let mut lines = Scan::new(dir.to_path_buf()).after(after).through(seq).flatten();
    lines.next()?.decode().map(|record| record.event.seen)
}

/// Bytes of all segments of a journal folder, sealed and plain, their indexes included.
pub(super) fn bytes_of(dir: &Path) -> Result<u64, JournalError> {
    let mut bytes = 0;
    for name in segment::list(dir)? {
        bytes += forms::metadata(dir, &name)?.map_or(0, |(bytes, _)| bytes);
    }
    Ok(bytes)
}

/// What that means, and what is to be done.
const UNLISTED: &str =
    "until the agent's user may list it again, no question is answered and nothing is sealed or removed";
