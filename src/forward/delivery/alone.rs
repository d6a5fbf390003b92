//! What a suspicion asks of the delivery: one record may be what ends the links.

use super::{Delivery, LinkState};
use crate::model::Seq;
use std::time::Duration;

impl Delivery {
    /// The record to suspect, once: nothing is on the way.
    pub(in crate::forward) fn take_suspect(&mut self) -> Option<Seq> {
        self.suspect.take()
    }

    /// The next record was taken after all, or was set aside: `prev` of the one after it names it in both cases.
    pub(in crate::forward) fn on_done_with(&mut self, seq: Seq) {
        self.confirmed = seq.into();
        self.sent = seq;
        self.highest = self.highest.max(seq);
        self.caution.on_cleared();
        self.caution.on_progress(seq, false);
    }

    /// It is suspected no longer, and goes out again with everything else.
    pub(in crate::forward) fn on_cleared(&mut self) {
        self.caution.on_cleared();
    }

    /// The newest record that was ever sent.
    pub(in crate::forward) fn highest(&self) -> Seq {
        self.highest.max(self.sent)
    }

    /// The last record that the peer has shown to have, since the start.
    pub(in crate::forward) fn proven(&self) -> Option<Seq> {
        Some(self.proven).filter(|seq| *seq > Seq::NONE)
    }

    /// When the next link is to be made, while there is none.
    pub(in crate::forward) fn retry_at(&self) -> Option<Duration> {
        match self.link {
            LinkState::Down { retry_at } => Some(retry_at),
            LinkState::Up { .. } => None,
        }
    }
}
