//! How far a destination has come, kept on disk without holding up its task.
//!
//! Written whenever it has moved, synced once a second: a killed agent repeats what was on its way, a power cut repeats
//! up to a second more. What was only passed over is written with the sync: to look at it again costs no duplicate.

use super::error_text;
use super::settings::Settings;
use crate::journal::{Cursor, Deliveries, Journal, JournalError, Reached};
use crate::model::delivery::{self, Span};
use crate::model::{Print, Seq, Time};
use std::time::{Duration, Instant};

/// The cursor of a destination and what it says.
pub(super) struct Mark {
    journal: Journal,
    name: String,
    clock: fn() -> Time,
    /// Away while it is written.
    cursor: Option<(Cursor, Deliveries)>,
    /// What was settled since that was last written down.
    spans: Vec<Span>,
    /// The last record of the last of them, or before them.
    end: Seq,
    /// The words of what is selected.
    select: Vec<String>,
    /// That deliveries cannot be written down was said.
    is_told: bool,
    noted: Reached,
    synced: Reached,
    synced_at: Instant,
    /// The newest record that was ever sent, once no more is.
    sent: Option<Seq>,
}

impl Mark {
    /// Blocks on the disk.
    pub(super) fn new(journal: Journal, settings: &Settings, cursor: Cursor, clock: fn() -> Time) -> Mark {
        let confirmed = cursor.reached().unwrap_or_default();
        let name = settings.name.clone();
        let deliveries = journal.deliveries(&name, &cursor, clock());
        Mark {
            name,
            clock,
            cursor: Some((cursor, deliveries)),
            spans: Vec::new(),
            end: confirmed.through,
            select: settings.select.iter().flat_map(|select| select.words()).collect(),
            is_told: false,
            noted: confirmed,
            synced: confirmed,
            synced_at: Instant::now(),
            sent: None,
            journal,
        }
    }

    /// Everything up to there is settled, by evidence of the peer at `to` or in another way that `evidence` names.
    pub(super) fn on_settled(&mut self, reached: Reached, evidence: &str, to: String) {
        if reached.last <= self.end {
            // Nothing was sent: what was passed over goes with what comes next.
            return;
        }
        let now = (self.clock)();
        let span = Span {
            after: self.end,
            through: reached.through,
            last: reached.last,
            from: now,
            at: now,
            evidence: evidence.to_owned(),
            to,
            select: self.select.clone(),
        };
        self.end = reached.through;
        if self.spans.len() >= SPANS_MAX {
            // They cannot be written for long; of these it will not be known.
            self.spans.drain(..SPANS_MAX / 2);
        }
        delivery::add(&mut self.spans, span, SPAN_MILLIS);
    }

    /// Nothing is sent any more, and nothing newer than that was.
    pub(super) fn on_end(&mut self, sent: Seq) {
        self.sent = Some(sent);
    }

    /// What there is to write, synced when it is time or `now`; `print` is of the last record that is confirmed.
    pub(super) fn due(&mut self, confirmed: Reached, print: Option<Print>, now: bool) -> Option<Write> {
        let sync = now || self.synced_at.elapsed() >= SYNC_EVERY;
        if !sync && confirmed.last == self.noted.last {
            return None;
        }
        if self.sent.is_none() && confirmed == if sync { self.synced } else { self.noted } {
            return None;
        }
        let (journal, name, at) = (self.journal.clone(), self.name.clone(), (self.clock)());
        if sync {
            self.synced_at = Instant::now();
        }
        let (mut cursor, deliveries) = self.cursor.take()?;
        (cursor.print, cursor.sent) = (print, self.sent);
        let spans = if sync { std::mem::take(&mut self.spans) } else { Vec::new() };
        Some(Write { journal, name, cursor, deliveries, spans, confirmed, sync, at })
    }

    /// How long until it is time to sync what has moved since the last time.
    pub(super) fn due_in(&self, confirmed: Reached) -> Option<Duration> {
        (confirmed != self.synced).then(|| SYNC_EVERY.saturating_sub(self.synced_at.elapsed()))
    }

    /// Takes the cursor back, and what came of the write.
    pub(super) fn on_written(&mut self, written: Written) -> Result<(), JournalError> {
        let Written { cursor, deliveries, spans, confirmed, synced, result, told } = written;
        self.cursor = Some((cursor, deliveries));
        self.spans.splice(..0, spans);
        match told {
            Err(error) if !self.is_told => {
                tracing::warn!(
                    "{}: what was delivered cannot be written down: {}",
                    self.name,
                    error_text(&error)
                );
                self.is_told = true;
            }
            told => self.is_told &= told.is_err() || !synced,
        }
        self.noted = confirmed;
        if synced && result.is_ok() {
            self.synced = confirmed;
        }
        result
    }
}

/// A write of the cursor, to be done where it may block.
pub(super) struct Write {
    journal: Journal,
    name: String,
    cursor: Cursor,
    deliveries: Deliveries,
    spans: Vec<Span>,
    confirmed: Reached,
    sync: bool,
    at: Time,
}

/// What came of it.
pub(super) struct Written {
    cursor: Cursor,
    deliveries: Deliveries,
    /// What could not be written down.
    spans: Vec<Span>,
    confirmed: Reached,
    synced: bool,
    result: Result<(), JournalError>,
    told: Result<(), JournalError>,
}

impl Write {
    /// Blocks on the disk.
    pub(super) fn run(self) -> Written {
        let Write { journal, name, mut cursor, mut deliveries, mut spans, confirmed, sync, at } = self;
        let result = match sync {
            true => journal.confirm(&name, &mut cursor, confirmed, at),
            false => cursor.note(confirmed, at),
        };
        // Only what the cursor says already.
        let told = match result.is_ok() && sync {
            true => journal.delivered(&mut deliveries, &mut spans, at),
            false => Ok(()),
        };
        Written { cursor, deliveries, spans, confirmed, synced: sync, result, told }
    }
}

/// How often a cursor is synced at most.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Evidence within so many milliseconds is written down as one.
const SPAN_MILLIS: i64 = 1000;
/// So many wait at most to be written down.
const SPANS_MAX: usize = 1024;
