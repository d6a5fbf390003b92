//! What is told of a loss and a return. That a return is owed is kept between runs from before the loss is told until the
//! return stands durably in the trail: a kill between them has a return told once too often, and none is owed for ever.

use super::Destination;
use super::error_text;
use crate::journal::Journal;
use crate::model::{Action, Event};

impl Destination {
    /// Has the event in the trail, if there is one, and what is owed after it.
    pub(super) async fn tell(&self, event: Option<Event>) {
        // A replay tells whoever wants it.
        let Some(event) = event.filter(|_| self.again.is_none()) else { return };
        let name = self.settings.name.clone();
        self.in_journal(move |journal| tell(journal, &name, event)).await;
    }
}

fn tell(journal: &Journal, name: &str, event: Event) {
    let action = event.action;
    if action == Action::DESTINATION_LOST {
        owe(journal, name, true);
    }
    // What is held back by the limit, or waits for a full disk, is told at the next start.
    if journal.note_durably(event) && action == Action::DESTINATION_RESTORED {
        owe(journal, name, false);
    }
}

/// Without it a return after a restart is not told, or once too often: no reason not to go on.
pub(super) fn owe(journal: &Journal, name: &str, is_owed: bool) {
    if let Err(error) = journal.owe_return(name, is_owed) {
        tracing::warn!("whether a return of {name} is to be told cannot be kept: {}", error_text(&error));
    }
}
