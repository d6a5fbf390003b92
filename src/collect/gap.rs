//! What may have been lost of a log: an event of its own, so that nobody takes silence for peace.
//!
//! ```text
//! count    about how many bytes, where anybody can say
//! reason   truncated, vanished, unreadable, hole, doubt, overflow, outage
//! old, new the ids of the source's events before and after it; `new` only where that one comes in the same batch
//! ```

use crate::model::status::Gaps;
use crate::model::{Action, Event, EventId, Outcome, Target, Text, Time};

/// How something may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// The log was cut or rewritten: what was written shortly before may never have been read.
    Truncated,
    /// The file that was being read is gone, and so is what was written to it after that.
    Vanished,
    /// A rotated file that was to be read cannot be.
    Unreadable,
    /// Zeros stand where the file was never written, or where a crash has left them.
    Hole,
    /// A file may be a copy of what was read, and nobody can tell: it is read, and may repeat that.
    Doubt,
    /// More happened than one answer of the API shows.
    Overflow,
    /// The API was not asked for longer than it looks back.
    Outage,
}

impl Loss {
    fn name(self) -> &'static str {
        match self {
            Loss::Truncated => "truncated",
            Loss::Vanished => "vanished",
            Loss::Unreadable => "unreadable",
            Loss::Hole => "hole",
            Loss::Doubt => "doubt",
            Loss::Overflow => "overflow",
            Loss::Outage => "outage",
        }
    }

    /// Counts it.
    pub(super) fn count(self, gaps: &mut Gaps) {
        match self {
            Loss::Truncated => gaps.truncated += 1,
            Loss::Vanished => gaps.vanished += 1,
            Loss::Unreadable => gaps.unreadable += 1,
            Loss::Hole => gaps.holes += 1,
            Loss::Doubt => gaps.doubts += 1,
            Loss::Overflow => gaps.overflows += 1,
            Loss::Outage => gaps.outages += 1,
        }
    }
}

/// What may be lost of one source.
#[derive(Debug)]
pub(super) struct Gap {
    pub loss: Loss,
    /// About how many bytes.
    pub bytes: Option<u64>,
    /// One sentence.
    pub message: String,
}

impl Gap {
    /// As an event; `before` is the source's last event.
    pub(super) fn event(self, sensor: &Text, source: &Text, before: Option<EventId>, now: Time) -> Event {
        let mut event = Event::own(Action::GAP_DETECTED, Outcome::Unknown, now, self.message);
        event.sensor = sensor.clone();
        event.source = Text::const_new("otrail");
        event.target = Some(Box::new(Target { kind: "source".into(), name: Some(source.clone()), id: None }));
        event.reason = Some(Text::const_new(self.loss.name()));
        event.old = before.map(|id| id.to_string().into());
        event.count = self.bytes;
        event
    }
}
