//! How far a destination has come, kept on disk without holding up its task.
//!
//! Written whenever it has moved, synced once a second: a killed agent repeats what was on its way, a power cut repeats
//! up to a second more. What was only passed over is written with the sync: to look at it again costs no duplicate.

use crate::journal::{Cursor, Journal, JournalError, Reached};
use crate::model::Time;
use std::time::{Duration, Instant};

/// The cursor of a destination and what it says.
pub(super) struct Mark {
    journal: Journal,
    name: String,
    clock: fn() -> Time,
    /// Away while it is written.
    cursor: Option<Cursor>,
    noted: Reached,
    synced: Reached,
    synced_at: Instant,
}

impl Mark {
    pub(super) fn new(journal: Journal, name: String, cursor: Cursor, clock: fn() -> Time) -> Mark {
        let confirmed = cursor.reached().unwrap_or_default();
        let cursor = Some(cursor);
        Mark { journal, name, clock, cursor, noted: confirmed, synced: confirmed, synced_at: Instant::now() }
    }

    /// What there is to write, synced when it is time or `now`.
    pub(super) fn due(&mut self, confirmed: Reached, now: bool) -> Option<Write> {
        let sync = now || self.synced_at.elapsed() >= SYNC_EVERY;
        if !sync && confirmed.last == self.noted.last {
            return None;
        }
        if confirmed == if sync { self.synced } else { self.noted } {
            return None;
        }
        let (journal, name, at) = (self.journal.clone(), self.name.clone(), (self.clock)());
        if sync {
            self.synced_at = Instant::now();
        }
        Some(Write { journal, name, cursor: self.cursor.take()?, confirmed, sync, at })
    }

    /// How long until it is time to sync what has moved since the last time.
    pub(super) fn due_in(&self, confirmed: Reached) -> Option<Duration> {
        (confirmed != self.synced).then(|| SYNC_EVERY.saturating_sub(self.synced_at.elapsed()))
    }

    /// Takes the cursor back, and what came of the write.
    pub(super) fn on_written(&mut self, written: Written) -> Result<(), JournalError> {
        let Written { cursor, confirmed, synced, result } = written;
        self.cursor = Some(cursor);
        self.noted = confirmed;
        if synced && result.is_ok() {
            self.synced = confirmed;
        }
        result
    }
}

/// A write of the cursor, to be done where it may block.
pub(super) struct Write {
    journal: Journal,
    name: String,
    cursor: Cursor,
    confirmed: Reached,
    sync: bool,
    at: Time,
}

/// What came of it.
pub(super) struct Written {
    cursor: Cursor,
    confirmed: Reached,
    synced: bool,
    result: Result<(), JournalError>,
}

impl Write {
    /// Blocks on the disk.
    pub(super) fn run(self) -> Written {
        let Write { journal, name, mut cursor, confirmed, sync, at } = self;
        let result = match sync {
            true => journal.confirm(&name, &mut cursor, confirmed, at),
            false => cursor.note(confirmed, at),
        };
        Written { cursor, confirmed, synced: sync, result }
    }
}

/// How often a cursor is synced at most.
const SYNC_EVERY: Duration = Duration::from_secs(1);
