//! The journal: every record, in order, safe on disk.
//!
//! One writer appends; any number of readers follow behind it without a lock.
//!
//! ```text
//! STATE-DIR/
//!   journal/00000000000000000001-1.ndjson.zst   records 1 to 149211, begun by run 1, sealed
//!   journal/00000000000000000001-1.idx          what is in which part of it; made anew when it is not there
//!   journal/00000000000000149212-2.ndjson       open: records 149212 and on
//!   cursors/siem                                how far a destination has come
//!   deliveries/siem                             when, to whom and on which evidence it came that far
//!   aside/ dead/ peers/ reserve LOCK            damage kept, what no server takes, what each peer can do and whose return is owed, space kept free
//! line = one record as JSON; its last fields are a checksum and a hash chained to the line before
//! ```
//!
//! Invariant: `append` returns only once its lines are on stable storage.
//! Invariant: a `Seq` that was announced is never used twice, not even after a crash.
//! Not here: what an event means (`model`) and who reads it (`forward`, `query`).

mod among;
mod as_path;
mod clock;
mod courtesy;
mod cursor;
mod dead;
mod deliveries;
mod error;
mod fetch;
mod follow;
mod forms;
mod frames;
mod gap;
mod index;
mod inspect;
mod left;
pub mod line;
mod lines;
mod maintain;
mod notes;
mod open;
mod outlook;
mod owed;
mod parts;
mod pending;
mod pieces;
mod reader;
mod recent;
mod recovery;
pub mod regular;
mod retention;
mod room;
mod seal;
mod sealed;
mod sealing;
mod segment;
mod settings;
mod spare;
mod store;
mod tail;
mod telling;
mod twice;
mod unpacked;
mod verify;
mod writer;

pub use among::Sought;
pub use cursor::{Cursor, Reached, reached};
pub use dead::Dead;
pub use deliveries::{Deliveries, deliveries};
pub use error::JournalError;
pub use fetch::Fetch;
pub use follow::{Follower, Next};
pub use index::{Column, Counted, FrameFacts, FrameSet, Index, Look, Values};
pub use inspect::{Manifest, SegmentFile, export, reindex, segments};
pub use left::Left;
pub use owed::Return;
pub use parts::{Folder, Part, parts};
pub use pending::{Draft, Input};
pub use reader::{Line, Place, Scan, stream_of};
pub use recent::Batch;
pub use seal::{Pace, Step};
pub use sealing::SealTold;
pub use segment::{FollowedFile, Mark, Progress};
pub use settings::Settings;
pub use unpacked::{Frames, Unpacked};
pub use verify::{End, Flaw, Uncounted, Verified, verify};

use crate::model::{Action, Event, Outcome, Seq, StreamId, Time};
use courtesy::{Courtesy, Places};
use nix::fcntl::Flock;
use recent::Recent;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Instant;
use store::Store;
use tokio::sync::watch;
use writer::Writer;

/// A handle on the journal of this process; clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

/// Replaces what is secret in an event.
type MaskFn = Box<dyn Fn(&mut Event) + Send + Sync>;

struct Inner {
    settings: Settings,
    store: Store,
    stream: StreamId,
    writer: Mutex<Writer>,
    newest: watch::Sender<Seq>,
    recent: RwLock<Recent>,
    places: Places,
    courtesy: Mutex<Courtesy>,
    limiter: Mutex<notes::Limiter>,
    /// How far each destination has come.
    confirmed: Mutex<BTreeMap<String, Seq>>,
    /// Bytes of all segments.
    bytes: AtomicU64,
    /// Of these, those that waited for no destination when that was last looked at.
    not_waiting: AtomicU64,
    /// The index of the segment that is written.
    growing: Arc<index::Growing>,
    /// Held while files of the journal change their names or go.
    placing: Mutex<()>,
    /// Whether room comes by sealing.
    room: room::Room,
    /// Segments that were tried and cannot be sealed.
    unsealable: Mutex<Vec<segment::SegmentName>>,
    /// Capacity threshold that was last told.
    threshold: AtomicU8,
    /// The disk is full, or too many files are open: reading is paused.
    full: AtomicBool,
    /// It is the files.
    crowded: AtomicBool,
    /// The configured capacity is used up by what is not confirmed yet: reading is paused.
    over: AtomicBool,
    /// The journal cannot be written any more: whoever appends or tries again is told.
    broken: AtomicBool,
    damaged: AtomicU64,
    error: Mutex<String>,
    /// Why what is done every few seconds could not be done the last time.
    upkeep: Mutex<String>,
    /// Takes the secrets out of what an admin has said.
    masks: OnceLock<MaskFn>,
    clock: Mutex<clock::Clock>,
    begun: Instant,
    _lock: Flock<File>,
}

impl Journal {
    /// Opens the journal of `settings.state_dir` for writing, or begins it.
    ///
    /// A torn tail is left behind, damage is set aside; both become events of the journal at once.
    pub fn open(mut settings: Settings, now: Time) -> Result<Journal, JournalError> {
        let (store, lock) = Store::open(&settings.state_dir)?;
        settings.bytes_max = settings.capacity();
        open::refuse_later(&store.journal())?;
        let twice = seal::clean_up(&store)?;
        let opened = open::open(&store)?;
        let stream = opened.start.stream;
        let segment_bytes_max = settings.segment_bytes_max.min(settings.bytes_max / 8).max(64 << 10);
        let writer = Writer::new(store.clone(), segment_bytes_max, opened.start)?;
        let newest = writer.newest();
        let newest_at = maintain::written_at(&store.journal(), newest);
        let confirmed = cursor::read_all(&store.cursors())?;
        let confirmed = confirmed.into_iter().filter(|found| found.stream == stream);
        let confirmed = confirmed.map(|found| (found.name, found.confirmed)).collect();
        let bytes = maintain::bytes_of(&store.journal())?;
        // One that is too large is so from the first batch of this life on: lives in a row would add one each.
        let is_over = bytes > settings.bytes_max;
        let journal = Journal(Arc::new(Inner {
            recent: RwLock::new(Recent::new(settings.recent_bytes_max)),
            places: Places::default(),
            courtesy: Mutex::default(),
            writer: Mutex::new(writer),
            newest: watch::Sender::new(newest),
            limiter: Mutex::default(),
            confirmed: Mutex::new(confirmed),
            bytes: AtomicU64::new(bytes),
            not_waiting: AtomicU64::new(bytes),
            growing: Arc::default(),
            placing: Mutex::default(),
            room: room::Room::default(),
            unsealable: Mutex::default(),
            threshold: AtomicU8::new(0),
            full: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            over: AtomicBool::new(is_over),
            broken: AtomicBool::new(false),
            damaged: AtomicU64::new(0),
            error: Mutex::default(),
            upkeep: Mutex::default(),
            masks: OnceLock::new(),
            clock: Mutex::new(clock::Clock::new(newest_at, now)),
            begun: Instant::now(),
            settings,
            store,
            stream,
            _lock: lock,
        }));
        let was_full = journal.0.store.has_released_reserve();
        if !journal.0.store.claim_reserve(journal.0.settings.reserve_bytes)? {
            journal.pause_for_space(&mut journal.writer(), now);
        } else if was_full {
            journal.tell_end_of_pause(false, now);
        }
        twice.iter().for_each(|twice| journal.tell_twice(twice, now));
        journal.tell_opened(&opened.damaged, opened.torn, now);
        journal.tell_taken(opened.gone, now);
        journal.tell_clock(newest_at, now);
        Ok(journal)
    }

    /// Names this journal for good.
    pub fn stream(&self) -> StreamId {
        self.0.stream
    }

    /// The state directory.
    pub fn dir(&self) -> &Path {
        self.0.store.root()
    }

    /// Where what is known of each peer is kept.
    pub fn peers_dir(&self) -> PathBuf {
        self.0.store.peers()
    }

    /// The newest durable record.
    pub fn newest(&self) -> Seq {
        *self.0.newest.borrow()
    }

    /// Wakes whenever a record has become durable.
    pub fn subscribe(&self) -> watch::Receiver<Seq> {
        self.0.newest.subscribe()
    }

    /// Reads the files from the oldest record on.
    pub fn scan(&self) -> Scan {
        Scan::new(self.0.store.journal())
    }

    /// Lets the records in memory go, for a time when nothing comes; the next ones are in memory again.
    pub fn forget_recent(&self) {
        // Dropped without the lock in hand.
        let _gone = self.0.recent.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn recent_after(&self, seq: Seq) -> Option<Batch> {
        self.0.recent.read().unwrap_or_else(PoisonError::into_inner).after(seq)
    }

    /// The followed files of a source, oldest first, with how far each has been read.
    pub fn files_of(&self, source: &str) -> Vec<FollowedFile> {
        self.writer().files().values().filter(|file| file.source == source).cloned().collect()
    }

    /// The highest file number in use.
    pub fn last_file(&self) -> crate::model::FileNo {
        self.writer().files().keys().next_back().copied().unwrap_or_default()
    }

    /// Appends a batch and waits until it is on stable storage. Blocks.
    ///
    /// `Full`, `Crowded`: the batch is kept, `retry` writes it when there is space. Any other error is final:
    /// the agent has to stop, and resumes from what was announced.
    pub fn append(&self, input: Input, now: Time) -> Result<(), JournalError> {
        self.let_readers_follow();
        let mut writer = self.writer();
        writer.hold(input);
        self.write_out(&mut writer, now)
    }

    /// Tries again to write what waits for space, and to end the pause. Blocks.
    pub fn retry(&self, now: Time) -> Result<(), JournalError> {
        self.write_out(&mut self.writer(), now)?;
        if self.0.over.load(Ordering::Relaxed) {
            self.maintain(now)?;
        }
        if self.0.full.load(Ordering::Relaxed) && self.0.store.claim_reserve(self.0.settings.reserve_bytes)? {
            self.0.full.store(false, Ordering::Relaxed);
            self.set_error("");
            self.tell_end_of_pause(self.0.crowded.swap(false, Ordering::Relaxed), now);
        }
        Ok(())
    }

    /// Whether reading must pause: the disk or the capacity is full, or the journal cannot be written at all, which
    /// `retry` tells.
    pub fn is_paused(&self) -> bool {
        [&self.0.full, &self.0.over, &self.0.broken].iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Writes every batch that waits and announces it; on a full disk gives the reserve away first.
    fn write_out(&self, writer: &mut MutexGuard<'_, Writer>, now: Time) -> Result<(), JournalError> {
        while writer.is_waiting() {
            let mut result = writer.flush(now);
            match &result {
                Err(error) if error.is_crowded() => {
                    self.pause(writer, Action::JOURNAL_ERROR, error.to_string(), now);
                }
                Err(error) if error.is_full() => {
                    self.pause_for_space(writer, now);
                    if self.0.store.release_reserve() {
                        result = writer.flush(now);
                    }
                }
                _ => {}
            }
            match result {
                Ok(durable) => self.announce(writer, durable),
                Err(error) => {
                    // The first one is the cause, all others follow from it.
                    if !error.is_full() && !self.0.broken.swap(true, Ordering::Relaxed) {
                        self.set_error(&error.to_string());
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The disk is full: tells it, by an event too, which is written as soon as there is room for it.
    fn pause_for_space(&self, writer: &mut MutexGuard<'_, Writer>, now: Time) {
        let message =
            format!("the disk of {} is full; reading is paused, nothing is dropped", self.dir().display());
        self.pause(writer, Action::DISK_FULL, message, now);
    }

    /// What is missing will be there again: `retry` ends the pause.
    fn pause(&self, writer: &mut MutexGuard<'_, Writer>, action: Action, message: String, now: Time) {
        if self.0.full.swap(true, Ordering::Relaxed) {
            return;
        }
        self.0.crowded.store(action == Action::JOURNAL_ERROR, Ordering::Relaxed);
        self.set_error(&message);
        tracing::error!("{message}");
        let event = Event::own(action, Outcome::Failure, now, message);
        if self.admits(&event) {
            writer.hold(Input::own(self.own(event)));
        }
    }

    fn announce(&self, writer: &mut MutexGuard<'_, Writer>, durable: writer::Durable) {
        let bytes = durable.bytes as u64;
        if self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.0.settings.bytes_max {
            self.0.over.store(true, Ordering::Relaxed);
        }
        self.courtesy().on_written(durable.bytes, self.0.begun.elapsed());
        if !durable.records.is_empty() {
            // In memory a record takes about twice its line: fields and raw.
            let bytes = durable.bytes * 2;
            let mut recent = self.0.recent.write().unwrap_or_else(PoisonError::into_inner);
            let gone = recent.push(durable.records, bytes);
            drop(recent);
            self.0.newest.send_replace(writer.newest());
            writer.take_back(gone);
        }
    }

    /// Notes on disk that all records are durable; for an idle moment and for the stop.
    pub fn settle(&self, now: Time) -> Result<(), JournalError> {
        self.writer().note_durable(now)
    }

    fn set_error(&self, error: &str) {
        error.clone_into(&mut self.0.error.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limiter(&self) -> MutexGuard<'_, notes::Limiter> {
        self.0.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody else has a handle on it.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn courtesy(&self) -> MutexGuard<'_, Courtesy> {
        self.0.courtesy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn placing(&self) -> MutexGuard<'_, ()> {
        self.0.placing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confirmed(&self) -> MutexGuard<'_, BTreeMap<String, Seq>> {
        self.0.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
