//! Whether the trail has told that a destination is lost, and not yet that it is back: kept between runs, as a file without
//! content in `peers`.

use super::Journal;
use super::error::JournalError;
use super::regular::{self, private};
use super::store;
use std::fs;
use std::io;
use std::path::PathBuf;

impl Journal {
    /// Whether a return of that destination is owed to whoever has heard of its loss.
    pub fn owes_return(&self, name: &str) -> bool {
        self.owed(name).exists()
    }

    /// From now on, and durably, it is owed or not. Blocks.
    pub fn owe_return(&self, name: &str, is_owed: bool) -> Result<(), JournalError> {
        let path = self.owed(name);
        if is_owed {
            let made = regular::open(private().write(true).create(true).truncate(false), &path);
            made.map_err(JournalError::io("create", &path))?;
        } else {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                removed => removed.map_err(JournalError::io("remove", &path))?,
            }
        }
        store::sync_dir(&self.peers_dir())
    }

    fn owed(&self, name: &str) -> PathBuf {
        self.peers_dir().join(format!("{name}.lost"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Settings;
    use crate::model::{Action, Event, Outcome, Seq, Time};

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
            journal.owe_return("siem", true).unwrap();
        }
        drop((journal, cursor));
        let journal = open(dir.path());
        assert!(journal.owes_return("siem") && !journal.owes_return("soc"));
        journal.owe_return("siem", false).unwrap();
        journal.owe_return("siem", false).unwrap();
        assert!(!journal.owes_return("siem"));
        journal.owe_return("siem", true).unwrap();
        for left in journal.all_left().unwrap() {
            journal.forget(&left).unwrap();
        }
        assert!(!journal.owes_return("siem"));
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
