//! Follows the sensor's logs into the journal.
//!
//! ```text
//! path ──look──▶ Source ── rotated files, oldest first ──▶ Tail ──Cutter, dialect──▶ Input ──▶ journal.append
//!                   ▲ the poll, hurried by hints of the file system
//! ```
//!
//! Invariant: what is read next is just after what the journal holds: an entry and its position are one write.
//! Invariant: while the journal is full nothing is read; the log keeps what it has.
//! Invariant: an entry that otrail panics at is an event as any other that cannot be read (`cutter`), and told (`defects`).
//! A panic anywhere else is no business of one entry, and ends the agent.
//! Not here: what an entry means (`dialect`) and where it goes (`forward`).

mod alike;
mod api;
mod backfill;
mod choice;
mod content;
mod copies;
mod cutter;
mod defects;
mod discover;
mod edited;
mod gap;
mod growth;
mod identity;
mod left;
mod log;
mod memory;
mod missing;
mod ordinals;
mod own;
mod packed;
mod parting;
mod pattern;
mod place;
mod recall;
mod recognize;
mod report;
mod reset;
mod rewritten;
mod rotation;
mod settings;
mod source;
mod spotted;
mod succession;
mod tail;
mod telling;
mod unpacking;
mod unseen;
mod watch;

pub use api::{ApiSettings, Poller, PollerHandle, open_all as open_apis};
pub use backfill::Backfill;
pub use cutter::{Cut, Cutter, Reading};
pub use ordinals::Ordinals;
pub use own::{OWN, leave_out as leave_out_own};
pub use packed::{try_unpacking, unpacked};
pub use place::{logs, means_several, open as open_log, rotated};
pub use reset::ResetError;
pub use settings::{Settings, SourceSettings, Start};

use crate::journal::{FollowedFile, Input, Journal, JournalError};
use crate::model::status::SourceStatus;
use crate::model::{FileNo, Time, error_text};
use recall::recall;
use reset::Wish;
use source::{Round, Source};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Stops the collector, shows its status and takes it to other places, from other threads.
#[derive(Clone)]
pub struct Handle {
    stop: Arc<AtomicBool>,
    wake: SyncSender<()>,
    status: Arc<Mutex<Vec<SourceStatus>>>,
    wishes: SyncSender<Wish>,
}

impl Handle {
    /// Asks the collector to end after the batch it is at.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.wake.try_send(());
    }

    /// How far each source has been read.
    pub fn status(&self) -> Vec<SourceStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads all sources, one after the other, on one thread.
pub struct Collector {
    settings: Arc<Settings>,
    journal: Journal,
    clock: fn() -> Time,
    handle: Handle,
    woken: Receiver<()>,
    wishes: Receiver<Wish>,
    sources: Vec<Source>,
    /// Which source is read first in the next round.
    turn: usize,
    last_file: FileNo,
}

impl Collector {
    /// Takes up every source where the journal says it was left.
    pub fn new(
        settings: impl Into<Arc<Settings>>,
        journal: Journal,
        clock: fn() -> Time,
    ) -> Result<Collector, JournalError> {
        let settings = settings.into();
        let (wake, woken) = sync_channel(1);
        let (wish, wishes) = sync_channel(WISHES_MAX);
        let handle = Handle { stop: Arc::default(), wake, status: Arc::default(), wishes: wish };
        let mut sources: Vec<Source> = settings
            .sources
            .iter()
            .enumerate()
            .map(|(at, source)| Source::new(at, source, files_of(&journal, &source.name)))
            .collect();
        recall(&journal, &mut sources);
        let (logs, apis) = (&settings.sources, &settings.apis);
        let names = logs.iter().map(|log| &log.name).chain(apis.iter().map(|api| &api.name));
        journal.owe_only_of_sources(&names.map(|name| name.as_str()).collect::<Vec<_>>());
        sources.iter_mut().for_each(|source| source.recall_missing(&journal));
        let last_file = journal.last_file();
        let mut collector =
            Collector { settings, journal, clock, handle, woken, wishes, sources, turn: 0, last_file };
        // A status has every source, also before the first of them was read.
        collector.publish(false);
        Ok(collector)
    }

    /// For stopping and for status.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Collects until it is stopped. An error other than a full disk is final.
    pub fn run(mut self) -> Result<(), JournalError> {
        let mut hints = watch::Hints::new(self.sources.len(), self.handle.wake.clone());
        let mut pace = Pace::new();
        while !self.handle.stop.load(Ordering::Acquire) {
            self.grant()?;
            if self.journal.is_paused() {
                waits_for_space(self.journal.retry((self.clock)()))?;
                if self.journal.is_paused() {
                    self.publish(true);
                    self.sleep(FULL_RETRY);
                }
                continue;
            }
            if hints.take_moved() {
                self.sources.iter_mut().for_each(|source| source.hurried = true);
            }
            let busy = self.round()?;
            for (at, source) in self.sources.iter_mut().enumerate() {
                source.short = hints.follow(at, source.watched());
            }
            if pace.status_is_due() {
                self.publish(false);
            }
            if !busy {
                self.rest(&mut pace)?;
            } else {
                pace.busy();
            }
        }
        self.stop()
    }

    /// Reads what is new, of each source in turn, as much as one batch may hold. True when there was anything.
    fn round(&mut self) -> Result<bool, JournalError> {
        let now = (self.clock)();
        let mut input = self.journal.blank();
        let spare = self.spare();
        let (settings, last_file) = (&self.settings, &mut self.last_file);
        let budget = source::READ_BYTES;
        let mut round = Round {
            settings,
            journal: Some(&self.journal),
            input: &mut input,
            last_file,
            budget,
            now,
            spare,
        };
        let (first, count) = (self.turn, self.sources.len());
        let mut busy = false;
        for at in (first..first + count).map(|at| at % count) {
            if round.budget == 0 {
                break;
            }
            busy |= self.sources[at].poll(&mut round);
            // Whoever comes after the one that used up the rest begins the next round: nobody waits for ever.
            self.turn = (at + usize::from(round.budget == 0)) % count;
        }
        self.append(input, now)?;
        Ok(busy)
    }

    /// How many more log files may be open.
    fn spare(&self) -> usize {
        let claimed = self.sources.iter().map(Source::claims).sum();
        self.settings.open_files_max.saturating_sub(claimed)
    }

    fn append(&mut self, input: Input, now: Time) -> Result<(), JournalError> {
        if input.drafts.is_empty() && input.files.is_empty() && input.progress.is_empty() {
            return Ok(());
        }
        waits_for_space(self.journal.append(input, now))?;
        if !self.journal.is_paused() {
            self.sources.iter_mut().for_each(|source| source.is_told(&self.journal));
        }
        Ok(())
    }

    /// Nothing to read: waits for a hint or for the next poll.
    fn rest(&mut self, pace: &mut Pace) -> Result<(), JournalError> {
        if pace.is_idle_now() {
            waits_for_space(self.journal.settle((self.clock)()))?;
            self.publish(false);
        }
        let unsettled = self.sources.iter().any(Source::is_unsettled);
        self.sleep(if unsettled { POLL_UNSETTLED } else { POLL });
        Ok(())
    }

    fn stop(&mut self) -> Result<(), JournalError> {
        let now = (self.clock)();
        let mut input = Input::default();
        for source in &mut self.sources {
            source.tell_positions(&mut input);
        }
        self.append(input, now)?;
        self.publish(false);
        waits_for_space(self.journal.settle(now))
    }

    fn sleep(&self, limit: Duration) {
        match self.woken.recv_timeout(limit) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn publish(&mut self, paused: bool) {
        self.sources.iter_mut().for_each(|source| source.pace.measure(source.status.entries));
        let status = self.sources.iter().map(|source| source.status(&self.settings, paused)).collect();
        *self.handle.status.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }
}

/// The files of a source; what was asked under the same name before is none.
fn files_of(journal: &Journal, name: &str) -> Vec<FollowedFile> {
    let is_file = |file: &FollowedFile| !file.path.starts_with("https:");
    journal.files_of(name).into_iter().filter(is_file).collect()
}

/// A full disk is no end: the journal keeps the batch and the collector waits.
fn waits_for_space(result: Result<(), JournalError>) -> Result<(), JournalError> {
    match result {
        Err(error) if error.is_full() => Ok(()),
        result => result,
    }
}

/// When to publish the status and when to call the collector idle.
struct Pace {
    busy_at: Instant,
    settled: bool,
    published: Instant,
}

impl Pace {
    fn new() -> Pace {
        Pace { busy_at: Instant::now(), settled: false, published: Instant::now() }
    }

    fn busy(&mut self) {
        (self.busy_at, self.settled) = (Instant::now(), false);
    }

    fn status_is_due(&mut self) -> bool {
        let due = self.published.elapsed() >= STATUS_EVERY;
        if due {
            self.published = Instant::now();
        }
        due
    }

    /// True once after a second without anything to read.
    fn is_idle_now(&mut self) -> bool {
        let idle = !self.settled && self.busy_at.elapsed() >= IDLE_AFTER;
        self.settled |= idle;
        idle
    }
}

/// Admins that may wait for the collector.
const WISHES_MAX: usize = 4;
/// How often a quiet source is looked at.
const POLL: Duration = Duration::from_secs(1);
/// The same while a file is missing or being rotated.
const POLL_UNSETTLED: Duration = Duration::from_millis(50);
/// How often a full disk is tried.
const FULL_RETRY: Duration = Duration::from_secs(1);
const STATUS_EVERY: Duration = Duration::from_millis(500);
const IDLE_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
pub(crate) mod simulation;
