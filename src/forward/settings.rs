//! What the config says about a destination.

use super::suspect::Patience;
use crate::filter::{Filter, Selection};
use crate::format::{self, Format};
use crate::model::Record;
use crate::model::guard::{Panicked, guard};
use crate::transport;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// One `[[destination]]`.
#[derive(Clone)]
pub struct Settings {
    /// Its name, unique; names the cursor file, so `[a-z0-9_-]` only.
    pub name: String,
    /// How bytes reach it.
    pub transport: &'static transport::Transport,
    /// The peer, at its first address.
    pub link: transport::Settings,
    /// The same at further addresses, in the order in which they are tried.
    pub others: Vec<transport::Settings>,
    /// How long to stay at a further address before those before it are tried again.
    pub return_interval: Duration,
    /// Which records it gets; `None` is all of them.
    pub select: Option<Arc<Selection>>,
    /// Which of these a replay sends; the config leaves this empty.
    pub only: Option<Arc<Filter>>,
    /// What a record becomes.
    pub format: &'static Format,
    /// Values of every frame.
    pub frame: format::Settings,
    /// What counts as delivered.
    pub evidence: Evidence,
    /// Where a destination that has no cursor yet begins.
    pub from: From,
    /// Most bytes on the way without evidence.
    pub window_bytes_max: usize,
    /// Longest time between the first record without evidence and a barrier, but 5 s where probes are answered.
    pub barrier_interval: Duration,
    /// When a probe follows what was sent.
    pub cadence: Cadence,
    /// Most events per second; 0 is no limit.
    pub rate_max: u32,
    /// How long a record may end links before it is set aside.
    pub patience: Patience,
    /// First and longest wait between attempts to connect.
    pub backoff: (Duration, Duration),
}

impl Settings {
    /// The peer at each of its addresses.
    pub fn links(&self) -> impl Iterator<Item = &transport::Settings> {
        std::iter::once(&self.link).chain(&self.others)
    }

    /// Whether the record is selected, or where otrail panicked when it looked.
    pub fn wants(&self, record: &Record) -> Result<bool, Panicked> {
        if self.select.is_none() && self.only.is_none() {
            return Ok(true);
        }
        // Both are looked at and stay as they are; regular expressions give what they have worked with back or throw it away.
        guard(AssertUnwindSafe(|| {
            self.select.as_ref().is_none_or(|select| select.wants(record))
                && self.only.as_ref().is_none_or(|only| only.matches(record))
        }))
    }

    /// The peer at one of its addresses, the first of which is 0.
    pub(super) fn link_at(&self, address: usize) -> &transport::Settings {
        self.links().nth(address).unwrap_or(&self.link)
    }
}

/// What is sent before a probe follows, whichever comes first; when nothing more is to be sent it follows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// So many records.
    pub records: u64,
    /// So many bytes.
    pub bytes: usize,
    /// For so long.
    pub interval: Duration,
}

impl Default for Cadence {
    fn default() -> Cadence {
        Cadence { records: 1000, bytes: 256 << 10, interval: Duration::from_secs(1) }
    }
}

/// What counts as delivered (DESIGN: evidence levels).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The strongest the peer can give.
    Auto,
    /// The peer answers probes; a link whose peer does not is of no use, and no record goes over it.
    Probe,
    /// The peer closed in answer to our close.
    Barrier,
    /// Handed to the kernel: no evidence at all, for receivers that must not see reconnects.
    None,
}

impl Evidence {
    /// Its name in the config.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Auto => "auto",
            Evidence::Probe => "probe",
            Evidence::Barrier => "barrier",
            Evidence::None => "none",
        }
    }
}

/// Where a destination without a cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the oldest record of the journal.
    Oldest,
    /// With the next record.
    Now,
}
