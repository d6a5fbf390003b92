//! The driver's side of a link that acknowledges each message: answers confirm records while it stays up.

use super::evidence::Level;
use super::{Destination, error_text};
use crate::transport::{Link, LinkError};

impl Destination {
    /// What the link has acknowledged is confirmed.
    pub(super) async fn harvest(&mut self) {
        let count = self.link.as_ref().map_or(0, Link::confirmed);
        self.confirm(count).await;
    }

    /// So many messages of the link are acknowledged.
    pub(super) async fn confirm(&mut self, count: u64) {
        let Some(through) = self.flight.on_confirmed(count) else { return };
        self.delivery.on_confirmed(through);
        self.pool.on_evidence();
        let event = self.delivered(Level::Ack);
        self.tell(event).await;
    }

    /// What happened, and to which record when it happened to one.
    pub(super) fn with_record(&self, error: &LinkError) -> String {
        match (error, self.flight.first()) {
            (LinkError::Refused { .. }, Some(seq)) => format!("record {seq}: {}", error_text(error)),
            _ => error_text(error),
        }
    }
}

/// How much to encode at once: a link with acknowledgements gets less, so that answers to the first messages come
/// while the last are on the way.
pub(super) fn bytes_at_once(link: &Link, bytes_max: usize) -> usize {
    if link.is_acknowledged() { bytes_max.min(ACKNOWLEDGED_BYTES) } else { bytes_max }
}

const ACKNOWLEDGED_BYTES: usize = 16 << 10;
