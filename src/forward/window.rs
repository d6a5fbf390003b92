//! What was sent over the present link and has no evidence yet: where each batch ends, in the order of sending. Pure.

use crate::model::Seq;
use std::collections::VecDeque;
use std::time::Duration;

/// The batches without evidence, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    batches: VecDeque<Sent>,
    bytes: usize,
}

/// A batch on the way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    through: Seq,
    bytes: usize,
    at: Duration,
}

impl Window {
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Bytes of all batches in it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest batch was sent.
    pub(super) fn first_at(&self) -> Option<Duration> {
        self.batches.front().map(|sent| sent.at)
    }

    /// When the newest batch was sent.
    pub(super) fn last_at(&self) -> Option<Duration> {
        self.batches.back().map(|sent| sent.at)
    }

    /// A batch was sent; it ends with `through`, later than the one before it.
    pub(super) fn push(&mut self, through: Seq, bytes: usize, at: Duration) {
        self.bytes += bytes;
        self.batches.push_back(Sent { through, bytes, at });
    }

    /// Takes out the batches that end at or before `through`; one that ends after it stays whole.
    pub(super) fn release(&mut self, through: Seq) {
        while let Some(sent) = self.batches.front().filter(|sent| sent.through <= through) {
            self.bytes -= sent.bytes;
            self.batches.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Window::default();
    }
}
