//! What is told of a loss and a return, and what is owed after it.

use super::Destination;
use crate::journal::Return;
use crate::model::{Action, Event};

impl Destination {
    /// Has the event in the trail, if there is one.
    pub(super) async fn tell(&self, event: Option<Event>) {
        // A replay tells whoever wants it.
        let Some(event) = event.filter(|_| self.again.is_none()) else { return };
        let name = self.settings.name.clone();
        self.in_journal(move |journal| {
            let of = Return::Destination(&name);
            match event.action {
                Action::DESTINATION_LOST => journal.note_loss(of, event),
                Action::DESTINATION_RESTORED => journal.note_return(of, event),
                _ => journal.note(event),
            }
        })
        .await;
    }
}
