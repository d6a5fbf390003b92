//! Where a destination begins: after what its cursor confirms.

use super::settings::{From, Settings};
use crate::journal::{Cursor, Journal, JournalError, Reached};
use crate::model::{Action, Event, Outcome, Seq, Time};

/// The place to begin at.
pub(super) struct Beginning {
    pub cursor: Cursor,
    /// Everything up to here is confirmed, or not wanted.
    pub confirmed: Reached,
    /// What is not newer may have been sent before.
    pub highest: Seq,
}

/// Finds it. A new destination gets its cursor now, for its beginning must not move when the agent starts again before
/// anything was confirmed; one whose cursor is destroyed gets everything again, whatever `from` says.
pub(super) fn begin(settings: &Settings, journal: &Journal, now: Time) -> Result<Beginning, JournalError> {
    let mut cursor = journal.cursor(&settings.name)?;
    let newest = journal.newest();
    let before_all = Seq(journal.status().oldest.0.saturating_sub(1));
    let (confirmed, highest) = match (cursor.reached(), settings.from) {
        (Some(confirmed), _) => (confirmed, newest),
        (None, _) if cursor.was_destroyed() => (before_all.into(), newest),
        (None, From::Now) => (newest.into(), newest),
        (None, From::Oldest) => (before_all.into(), Seq::NONE),
    };
    if cursor.was_destroyed() {
        let message = format!("the cursor of {} is not readable; it gets everything again", settings.name);
        journal.note(Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, message));
    }
    if cursor.confirmed().is_none() {
        journal.confirm(&settings.name, &mut cursor, confirmed, now)?;
    }
    Ok(Beginning { cursor, confirmed, highest })
}
