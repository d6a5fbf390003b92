//! What is told of a loss and a return.

use super::Destination;
use crate::journal::Return;
use crate::model::Event;

impl Destination {
    /// Has the event in the trail, if there is one.
    pub(super) async fn tell(&self, event: Option<Event>) {
        // A replay tells whoever wants it.
        let Some(event) = event.filter(|_| self.again.is_none()) else { return };
        let name = self.settings.name.clone();
        self.in_journal(move |journal| journal.note_about(Return::Destination(&name), event)).await;
    }
}
