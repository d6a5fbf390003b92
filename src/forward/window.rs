//! What was sent over the present link and has no evidence yet: where each batch ends, in the order of sending. Pure.

use crate::journal::Reached;
use crate::model::Seq;
use std::collections::VecDeque;
use std::time::Duration;

/// The batches without evidence, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    batches: VecDeque<Sent>,
    frames: usize,
    bytes: usize,
}

/// A batch on the way.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// The last record of it, and up to where none of those that follow was selected.
    end: Reached,
    frames: usize,
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

    /// Frames of all batches in it.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// When the oldest batch was sent.
    pub(super) fn first_at(&self) -> Option<Duration> {
        self.batches.front().map(|sent| sent.at)
    }

    /// When the newest batch was sent.
    pub(super) fn last_at(&self) -> Option<Duration> {
        self.batches.back().map(|sent| sent.at)
    }

    /// Where the newest batch ends.
    pub(super) fn end(&self) -> Option<Reached> {
        self.batches.back().map(|sent| sent.end)
    }

    /// A batch was sent; it ends later than the one before it.
    pub(super) fn push(&mut self, end: Reached, frames: usize, bytes: usize, at: Duration) {
        self.frames += frames;
        self.bytes += bytes;
        self.batches.push_back(Sent { end, frames, bytes, at });
    }

    /// What follows the newest batch up to `through` is not selected: it is done with that.
    pub(super) fn pass_over(&mut self, through: Seq) {
        if let Some(sent) = self.batches.back_mut() {
            sent.end.through = sent.end.through.max(through);
        }
    }

    /// Takes out the batches whose last record is at or before `proven`, and says where they end; one that has a later
    /// record stays whole.
    pub(super) fn release(&mut self, proven: Seq) -> Option<Reached> {
        let mut end = None;
        while let Some(sent) = self.batches.front().filter(|sent| sent.end.last <= proven) {
            self.frames -= sent.frames;
            self.bytes -= sent.bytes;
            end = Some(sent.end);
            self.batches.pop_front();
        }
        end
    }

    pub(super) fn clear(&mut self) {
        *self = Window::default();
    }
}
