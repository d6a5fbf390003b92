//! Whether the trail has told that a destination is lost, and not yet that it is back: kept between runs, as a file without
//! content beside what is known of its peers.
//!
//! It is there before the loss is told and goes after the return is: a kill between them has a return told once too often, and
//! none is owed for ever.

use super::Destination;
use crate::journal::Journal;
use crate::model::{Action, Event};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

/// That file.
#[derive(Debug)]
pub(super) struct Loss(PathBuf);

impl Loss {
    pub(super) fn of(journal: &Journal, name: &str) -> Loss {
        Loss(journal.peers_dir().join(format!("{name}.lost")))
    }

    pub(super) fn is_told(&self) -> bool {
        self.0.exists()
    }

    /// The trail is about to have an event of that action; blocks.
    pub(super) fn before(&self, action: Action) {
        if action == Action::DESTINATION_LOST {
            self.noted(File::create(&self.0).map(drop));
        }
    }

    /// The trail has it.
    pub(super) fn after(&self, action: Action) {
        if action == Action::DESTINATION_RESTORED {
            self.forget();
        }
    }

    /// Nothing is owed.
    pub(super) fn forget(&self) {
        self.noted(match fs::remove_file(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        });
    }

    /// Without it a return after a restart is not told, or once too often: no reason not to go on.
    fn noted(&self, result: io::Result<()>) {
        if let Err(error) = result {
            tracing::warn!("whether a return is to be told cannot be kept in {}: {error}", self.0.display());
        }
    }
}

impl Destination {
    /// Has the event in the trail, if there is one, and what is owed after it.
    pub(super) async fn tell(&self, event: Option<Event>) {
        // A replay tells whoever wants it.
        let Some(event) = event.filter(|_| self.again.is_none()) else { return };
        let (action, loss) = (event.action, Loss::of(&self.journal, &self.settings.name));
        self.in_journal(move |journal| {
            loss.before(action);
            journal.note(event);
            loss.after(action);
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_owed_a_return_until_that_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let loss = || Loss(dir.path().join("siem.lost"));
        loss().before(Action::DESTINATION_RESTORED);
        assert!(!loss().is_told());
        for _again in 0..2 {
            loss().before(Action::DESTINATION_LOST);
            loss().after(Action::DESTINATION_LOST);
            assert!(loss().is_told());
        }
        loss().before(Action::DESTINATION_RESTORED);
        assert!(loss().is_told());
        for _again in 0..2 {
            loss().after(Action::DESTINATION_RESTORED);
            assert!(!loss().is_told());
        }
    }
}
