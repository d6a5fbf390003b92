//! Whether the trail has told that a destination is lost or a source is missing, and not yet that it is back: kept between
//! runs, from before the loss is told until the return stands durably in the trail, as a file in `peers`. A kill between
//! them has a return told once too often, and none is owed for ever.
//!
//! The file of a source says where that was missing: under the same name another log may be followed by now, which was never
//! away.

use super::Journal;
use super::error::JournalError;
use super::regular::{self, private};
use super::store;
use crate::model::{Action, Event, error_text};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// Whose return is owed to whoever has heard of the loss.
#[derive(Debug, Clone, Copy)]
pub enum Return<'a> {
    /// That of the destination of this name.
    Destination(&'a str),
    /// That of the source of this name, which is followed at this path or address.
    Source {
        /// Its name.
        name: &'a str,
        /// The path as it is configured, or the URL.
        at: &'a str,
    },
}

impl<'a> Return<'a> {
    fn name(self) -> &'a str {
        let (Return::Destination(name) | Return::Source { name, .. }) = self;
        name
    }

    /// What its file says.
    fn at(self) -> &'a str {
        match self {
            Return::Destination(_) => "",
            Return::Source { at, .. } => at,
        }
    }
}

impl Journal {
    /// Whether that return is owed. A file without content, from a version before or a power cut, is of any place.
    pub fn owes(&self, of: Return<'_>) -> bool {
        regular::read(&self.owed(of)).is_ok_and(|at| at.is_empty() || at == of.at().as_bytes())
    }

    /// From now on, and durably, it is owed or not. Blocks.
    pub fn owe(&self, of: Return<'_>, is_owed: bool) -> Result<(), JournalError> {
        let path = self.owed(of);
        if is_owed {
            let made = regular::open(private().write(true).create(true).truncate(true), &path);
            let mut file = made.map_err(JournalError::io("create", &path))?;
            let written = file.write_all(of.at().as_bytes()).and_then(|()| file.sync_data());
            written.map_err(JournalError::io("write", &path))?;
        } else {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                removed => removed.map_err(JournalError::io("remove", &path))?,
            }
        }
        store::sync_dir(&self.peers_dir())
    }

    /// The same; that it could not be kept is logged. Without it a return after a restart is not told, or once too often:
    /// no reason not to go on.
    pub fn try_to_owe(&self, of: Return<'_>, is_owed: bool) {
        if let Err(error) = self.owe(of, is_owed) {
            tracing::warn!(
                "whether a return of {} is to be told cannot be kept: {}",
                of.name(),
                error_text(&error)
            );
        }
    }

    /// Of a source that is not among these, as it left the config, no return is told any more. Blocks.
    pub fn owe_only_of_sources(&self, names: &[&str]) {
        // Without the folder nothing is owed.
        let Ok(there) = fs::read_dir(self.peers_dir()) else { return };
        for file in there.flatten().map(|entry| entry.file_name()) {
            let name = file.to_str().and_then(|file| file.strip_suffix(".missing"));
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                self.try_to_owe(Return::Source { name, at: "" }, false);
            }
        }
    }

    /// Notes an event about it. A loss has its return owed from before; a return is owed no more once it stands in the trail:
    /// what the limit holds back, or waits for a full disk, is told at the next start. Blocks.
    pub fn note_about(&self, of: Return<'_>, event: Event) {
        let is_loss = matches!(event.action, Action::DESTINATION_LOST | Action::SOURCE_MISSING);
        let is_return = matches!(event.action, Action::DESTINATION_RESTORED | Action::SOURCE_RECOVERED);
        if is_loss {
            self.try_to_owe(of, true);
        }
        if self.note_durably(event) && is_return {
            self.try_to_owe(of, false);
        }
    }

    fn owed(&self, of: Return<'_>) -> PathBuf {
        let kind = match of {
            Return::Destination(_) => "lost",
            Return::Source { .. } => "missing",
        };
        self.peers_dir().join(format!("{}.{kind}", of.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Settings;
    use crate::model::{Outcome, Seq, Time};

    const SIEM: Return<'_> = Return::Destination("siem");

    fn open(dir: &std::path::Path) -> Journal {
        Journal::open(Settings::example(dir), Time::default()).unwrap()
    }

    #[test]
    fn a_return_is_owed_over_a_restart_until_it_is_told_or_the_destination_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path());
        let mut cursor = journal.cursor("siem").unwrap();
        journal.confirm("siem", &mut cursor, Seq::NONE, Time::default()).unwrap();
        for _again in 0..2 {
            journal.owe(SIEM, true).unwrap();
        }
        drop((journal, cursor));
        let journal = open(dir.path());
        assert!(
            journal.owes(SIEM)
                && !journal.owes(Return::Destination("soc"))
                && !journal.owes(Return::Source { name: "siem", at: "/log" })
        );
        journal.owe(SIEM, false).unwrap();
        journal.owe(SIEM, false).unwrap();
        assert!(!journal.owes(SIEM));
        journal.owe(SIEM, true).unwrap();
        for left in journal.all_left().unwrap() {
            journal.forget(&left).unwrap();
        }
        assert!(!journal.owes(SIEM));
    }

    #[test]
    fn the_return_of_a_source_is_owed_by_the_place_where_it_was_missing_and_by_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path());
        let at = |at| Return::Source { name: "timeline", at };
        for place in ["/var/log/a-long-name", "/var/log/b", "https://sensor"] {
            journal.owe(at(place), true).unwrap();
            assert!(journal.owes(at(place)) && !journal.owes(at("/var/log/*")), "{place}");
        }
        // From a version that did not say where.
        fs::write(dir.path().join("peers/timeline.missing"), "").unwrap();
        assert!(journal.owes(at("/var/log/b")));
    }

    #[test]
    fn what_the_limit_holds_back_is_not_in_the_trail() {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path());
        let note = || {
            let restored = Action::DESTINATION_RESTORED;
            journal.note_durably(Event::own(restored, Outcome::Success, Time::default(), "connected again"))
        };
        let noted = (0..200).filter(|_| note()).count();
        assert!(noted > 0 && noted < 200, "{noted}");
        assert_eq!(journal.newest().0, noted as u64);
    }
}
