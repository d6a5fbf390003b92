//! What is told of a log that cannot be read, and of its return.
//!
//! That a return is owed is kept between runs, from before the loss is told until the return stands in the trail: a kill
//! between them has a return told once too often. Of a source of several logs nothing is kept: which of them it was that
//! nobody could read is not known to the next start.

use super::place;
use super::source::{Round, Source};
use crate::journal::{Journal, Return};
use crate::model::{Action, Outcome};
use std::io;
use std::path::Path;

/// A return that the trail owes whoever has heard of the loss.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Owed {
    /// Nothing was told, or the return, too.
    #[default]
    Nothing,
    /// The loss has been told, by this agent or by one before it.
    Return,
    /// The return is told with the batch that is being made.
    Told,
}

impl Source {
    /// Takes up what an agent before this one has told. Of another path, or while several logs are followed, none of that is
    /// ever told.
    pub(super) fn recall_missing(&mut self, journal: &Journal) {
        match journal.owes(self.its_return()) && !place::means_several(Path::new(&self.path)) {
            true => self.owed = Owed::Return,
            false => journal.try_to_owe(self.its_return(), false),
        }
    }

    fn its_return(&self) -> Return<'_> {
        Return::Source { name: &self.name, at: &self.path }
    }

    pub(super) fn is_missing(&mut self, log: usize, error: &io::Error, round: &mut Round<'_>) {
        let (is_first, log) = (self.looked.is_none(), &mut self.logs[log]);
        if log.is_one_of_several && error.kind() == io::ErrorKind::NotFound {
            return;
        }
        if !log.misses(error, is_first) {
            return;
        }
        let message = format!("cannot read {}: {error}; waiting for it", log.path.display());
        if !log.is_one_of_several {
            self.owed = Owed::Return;
            if let Some(journal) = round.journal {
                journal.try_to_owe(self.its_return(), true);
            }
        }
        self.tell(Action::SOURCE_MISSING, Outcome::Failure, message, round);
    }

    pub(super) fn is_there(&mut self, log: usize, round: &mut Round<'_>) {
        let log = &mut self.logs[log];
        let was_missing = log.finds();
        let is_owed = self.owed == Owed::Return && !log.is_one_of_several;
        if !was_missing && !is_owed {
            return;
        }
        let message = format!("{} is there again", log.path.display());
        let event = self.own(Action::SOURCE_RECOVERED, Outcome::Success, message, round);
        // What the limit holds back is told at the next start.
        let is_told = round.put(event);
        if is_owed {
            self.owed = if is_told { Owed::Told } else { Owed::Nothing };
        }
    }

    /// The batch is in the trail.
    pub(super) fn is_told(&mut self, journal: &Journal) {
        if self.owed == Owed::Told {
            self.owed = Owed::Nothing;
            journal.try_to_owe(self.its_return(), false);
        }
    }
}
