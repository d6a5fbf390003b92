//! Sends what is in the journal to one destination again, over links of its own.
//!
//! ```text
//! journal ──what the filter and the destination's `select` want, up to the newest record of that moment──▶ frames, marked
//! ```
//!
//! It is the same driver with the same evidence as for what is new. But it moves no cursor, tells nothing in the trail
//! (whoever asked for it does), and has an end. What it sends first has no `prev`; then `prev` is what it sent before.
//!
//! Invariant: at most one replay to a destination at a time.

use super::Destination;
use super::batch::Encoded;
use super::begin::Plan;
use super::keychain::Keychain;
use super::lane::Lane;
use super::report::Handle;
use super::settings::Settings;
use super::tally::Tally;
use crate::filter::Filter;
use crate::journal::{Batch, Journal, Reached};
use crate::model::act::Replayed;
use crate::model::{Seq, Time};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// Makes the replays to one destination.
pub struct Replayer {
    settings: Arc<Settings>,
    journal: Journal,
    clock: fn() -> Time,
    begun: Instant,
    lane: Lane,
    keychain: Keychain,
    is_busy: Arc<AtomicBool>,
}

/// A replay that has not begun to send.
pub struct Replay {
    destination: Destination,
    handle: ReplayHandle,
    _turn: Turn,
}

/// How far a replay is, for other threads.
#[derive(Clone)]
pub struct ReplayHandle {
    handle: Handle,
    /// The last record that belongs to it.
    through: Seq,
    tally: Arc<Mutex<Tally>>,
}

/// What the driver of a replay has besides.
pub(super) struct Again {
    /// `replay` or `trial`.
    pub what: &'static str,
    /// Where it ends: sooner, when it is broken off.
    end: watch::Sender<Seq>,
    tally: Arc<Mutex<Tally>>,
}

/// The only replay to a destination, until it is dropped.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Replayer {
    /// Prepares a replay of what there is now; `None` while another one goes on. `unselected`: also what the
    /// destination's `select` leaves out. Blocks on the disk.
    pub fn prepare(&self, filter: &Arc<Filter>, unselected: bool) -> Option<Replay> {
        if self.is_busy.swap(true, Ordering::Acquire) {
            return None;
        }
        let turn = Turn(Arc::clone(&self.is_busy));
        let through = self.journal.newest();
        let before_all = Seq(self.journal.status().oldest.0.saturating_sub(1)).min(through);
        let tally = Arc::new(Mutex::new(Tally::after(before_all)));
        let mut settings = Settings { only: Some(Arc::clone(filter)), ..Settings::clone(&self.settings) };
        if unselected {
            settings.select = None;
        }
        let destination = Destination::of(Plan {
            settings,
            journal: self.journal.clone(),
            clock: self.clock,
            confirmed: Reached { through: before_all, last: Seq::NONE },
            print: None,
            highest: Seq::NONE,
            begun: self.begun,
            lane: self.lane.beside(),
            keychain: self.keychain.copy(),
            mark: None,
            again: Some(Again { what: REPLAY, end: watch::Sender::new(through), tally: Arc::clone(&tally) }),
        });
        let handle = ReplayHandle { handle: destination.handle(), through, tally };
        Some(Replay { destination, handle, _turn: turn })
    }
}

impl Again {
    /// A trial that ends with this record.
    pub(super) fn trial(through: Seq) -> Again {
        Again { what: "trial", end: watch::Sender::new(through), tally: Arc::default() }
    }

    pub(super) fn is_replay(&self) -> bool {
        self.what == REPLAY
    }
}

impl Replay {
    /// How far it is.
    pub fn handle(&self) -> ReplayHandle {
        self.handle.clone()
    }

    /// Sends until everything is confirmed. Once `stop` says so nothing more goes out, and the evidence for what is on
    /// its way is waited for a moment.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        self.destination.run(stop).await;
    }
}

impl ReplayHandle {
    /// What has become of it so far, and the newest record that is confirmed or was passed over.
    pub fn so_far(&self) -> (Replayed, Seq) {
        let status = self.handle.told();
        let tally = lock(&self.tally);
        let so_far = Replayed {
            destination: status.name,
            address: status.address,
            complete: status.confirmed >= self.through && tally.unreadable == 0,
            sent: tally.sent,
            confirmed: tally.confirmed,
            resent: status.resent,
            unreadable: tally.unreadable,
            evidence: status.evidence,
            error: status.error,
        };
        (so_far, status.confirmed)
    }
}

impl Destination {
    /// Makes replays that share the pace and the certificates with what is new.
    pub fn replayer(&self) -> Replayer {
        Replayer {
            settings: Arc::clone(&self.settings),
            journal: self.journal.clone(),
            clock: self.report.clock(),
            begun: self.begun,
            lane: self.lane.beside(),
            keychain: self.keychain.clone(),
            is_busy: Arc::default(),
        }
    }

    /// Tells the newest record that there is to send.
    pub(super) fn news(&self) -> watch::Receiver<Seq> {
        match &self.again {
            Some(again) => again.end.subscribe(),
            None => self.journal.subscribe(),
        }
    }

    /// The newest record that there is to send.
    pub(super) fn newest(&self) -> Seq {
        self.again.as_ref().map_or_else(|| self.journal.newest(), |again| *again.end.borrow())
    }

    /// A replay that is broken off ends with what has been sent.
    pub(super) fn end_here(&self) {
        if let Some(again) = &self.again {
            again.end.send_replace(self.delivery.sent());
        }
    }

    pub(super) fn progress(&self, newest: Seq) {
        self.report.progress(&self.delivery, newest);
        if let Some(again) = &self.again {
            lock(&again.tally).on_confirmed(self.delivery.confirmed());
        }
    }

    /// A batch went out, or was tried to.
    pub(super) fn count(&self, encoded: &Encoded) {
        if let Some(again) = &self.again {
            lock(&again.tally).on_sent(encoded.end.last, encoded.frames - encoded.resent);
        }
    }

    /// A record cannot be written.
    pub(super) fn count_unwritten(&self) {
        if let Some(again) = &self.again {
            lock(&again.tally).unreadable += 1;
        }
    }

    /// What comes after `after` was read from the files; `newest` was the newest to read.
    pub(super) fn count_read(&self, after: Seq, newest: Seq, batch: &Batch) {
        if let Some(again) = &self.again {
            let through = batch.last().map_or(newest, |last| last.seq);
            lock(&again.tally).on_read(after, through, batch.iter().map(|record| record.seq));
        }
    }
}

fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

const REPLAY: &str = "replay";
