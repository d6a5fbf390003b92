//! The one writer: batches go to the end of the newest segment, one write and one fdatasync each.
//!
//! Invariant: a batch is announced only once it is on stable storage.
//! Invariant: a seq that was announced is never used again.
//! Invariant: a segment whose fdatasync failed is never written or trusted again.

use super::error::{JournalError, is_no_space};
use super::line::{self, push_number};
use super::recent::Batch;
use super::recovery::Files;
use super::segment::{After, FORMAT_VERSION, FollowedFile, Header, Note, Progress, SegmentName, push_open};
use super::store::{self, Store};
use super::tail::{self, Chain};
use crate::model::{Event, EventId, Position, Record, Seq, StreamId, Time};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// What goes into the journal together.
#[derive(Debug, Default)]
pub struct Input {
    /// Files that are followed from now on, or whose head is known better.
    pub files: Vec<FollowedFile>,
    /// Events in the order of their entries.
    pub drafts: Vec<Draft>,
    /// Progress that no event carries.
    pub progress: Vec<Progress>,
}

/// An event that has no seq yet.
#[derive(Debug)]
pub struct Draft {
    /// The event.
    pub event: Event,
    /// Just after its entry; none for otrail's own events.
    pub position: Option<Position>,
}

/// What is known when writing begins.
pub(super) struct Start {
    pub stream: StreamId,
    /// Number of the run for the next segment.
    pub run: u64,
    pub next: Seq,
    pub chain: Chain,
    pub files: Files,
    /// The segment that goes on, or the one that the next comes after.
    pub last: Option<Last>,
}

/// The newest segment as it was found.
pub(super) struct Last {
    pub name: SegmentName,
    /// Bytes of it that count.
    pub bytes: u64,
    /// Nothing is torn or damaged: it can be written on.
    pub clean: bool,
    pub created: Time,
}

/// The end of the journal.
pub(super) struct Writer {
    store: Store,
    segment_bytes_max: u64,
    stream: StreamId,
    run: u64,
    next: Seq,
    chain: Chain,
    files: Files,
    segment: Option<Open>,
    former: Option<After>,
    /// The newest seq that a line on disk says is durable.
    noted: Seq,
    pending: Option<Pending>,
    spare: Vec<u8>,
}

/// The segment that is written.
struct Open {
    name: SegmentName,
    path: PathBuf,
    file: File,
    /// Bytes that are durable; the next batch goes here.
    bytes: u64,
    created: Time,
}

/// A batch on its way to the disk.
struct Pending {
    bytes: Vec<u8>,
    written: usize,
    chain: Chain,
    records: Vec<Record>,
    files: Vec<FollowedFile>,
    progress: Vec<Progress>,
    synced: Seq,
}

/// A batch that is durable, and its size on disk.
pub(super) struct Durable {
    pub records: Batch,
    pub bytes: usize,
}

impl Writer {
    pub(super) fn new(store: Store, segment_bytes_max: u64, start: Start) -> Result<Writer, JournalError> {
        let (mut segment, mut former) = (None, None);
        if let Some(last) = start.last {
            let path = store.journal().join(last.name.file_name());
            if last.clean {
                let file =
                    store::private().write(true).open(&path).map_err(JournalError::io("open", &path))?;
                // What a killed process wrote is in the page cache: make it durable before it is trusted.
                file.sync_data().map_err(JournalError::io("sync", &path))?;
                segment =
                    Some(Open { name: last.name, path, file, bytes: last.bytes, created: last.created });
            } else {
                former = Some(After { segment: last.name.file_name(), bytes: last.bytes });
            }
        }
        Ok(Writer {
            store,
            segment_bytes_max,
            stream: start.stream,
            run: start.run,
            next: start.next,
            chain: start.chain,
            files: start.files,
            segment,
            former,
            noted: Seq::NONE,
            pending: None,
            spare: Vec::new(),
        })
    }

    /// The newest seq handed out.
    pub(super) fn newest(&self) -> Seq {
        Seq(self.next.0 - 1)
    }

    /// Every followed file and how far it has been read.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Whether a batch still waits for space.
    pub(super) fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// The name of the segment that is written.
    pub(super) fn segment_name(&self) -> Option<&SegmentName> {
        self.segment.as_ref().map(|open| &open.name)
    }

    /// Appends a batch and waits until it is on stable storage.
    ///
    /// On `Full` the batch is kept: `flush` tries again. On any other error nothing may be appended any more.
    pub(super) fn append(&mut self, input: Input, now: Time) -> Result<Durable, JournalError> {
        if self.pending.is_some() {
            return Err(JournalError::Full { dir: self.store.root().to_path_buf() });
        }
        self.prepare(input, now);
        self.flush(now)
    }

    /// Writes what is pending.
    pub(super) fn flush(&mut self, now: Time) -> Result<Durable, JournalError> {
        let Some(mut pending) = self.pending.take() else {
            return Ok(Durable { records: Arc::new(Vec::new()), bytes: 0 });
        };
        match self.write(&mut pending, now) {
            Ok(()) => Ok(self.settle(pending)),
            Err(error) => {
                self.pending = Some(pending);
                Err(if error.is_full() {
                    JournalError::Full { dir: self.store.root().to_path_buf() }
                } else {
                    error
                })
            }
        }
    }

    /// Notes on disk that everything announced is durable, so that damage to it is told from a torn tail.
    pub(super) fn note_durable(&mut self, now: Time) -> Result<(), JournalError> {
        if self.noted == self.newest() || self.pending.is_some() {
            return Ok(());
        }
        #[derive(Serialize)]
        struct Settled {
            settled: String,
        }
        let mut bytes = Vec::with_capacity(256);
        push_open(&Settled { settled: now.to_string() }, &mut bytes);
        let synced = self.newest();
        push_synced(synced, &mut bytes);
        let chain = tail::finish(&mut bytes, 0, self.chain);
        self.pending = Some(Pending {
            bytes,
            written: 0,
            chain,
            records: Vec::new(),
            files: Vec::new(),
            progress: Vec::new(),
            synced,
        });
        self.flush(now).map(drop)
    }

    /// Gives the batch its seqs and its form on disk.
    fn prepare(&mut self, mut input: Input, now: Time) {
        self.place_files(&mut input.files);
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        let (mut chain, synced) = (self.chain, self.newest());
        let mut first = true;
        let mut end = |bytes: &mut Vec<u8>, start: usize| {
            if std::mem::take(&mut first) {
                push_synced(synced, bytes);
            }
            chain = tail::finish(bytes, start, chain);
        };
        for file in &input.files {
            let start = bytes.len();
            push_open(&Note::File(file.clone()), &mut bytes);
            end(&mut bytes, start);
        }
        let mut records = Vec::with_capacity(input.drafts.len());
        for (seq, draft) in (self.next.0..).zip(input.drafts) {
            let mut record = Record { seq: Seq(seq), position: draft.position, event: draft.event };
            if record.event.id == EventId(0) {
                record.event.id = own_id(self.stream, record.seq);
            }
            let start = bytes.len();
            line::encode(&record, &mut bytes);
            end(&mut bytes, start);
            records.push(record);
        }
        for progress in &input.progress {
            let start = bytes.len();
            push_open(&Note::Position(*progress), &mut bytes);
            end(&mut bytes, start);
        }
        if bytes.is_empty() {
            return;
        }
        let (files, progress) = (input.files, input.progress);
        self.pending = Some(Pending { bytes, written: 0, chain, records, files, progress, synced });
        self.roll_if_due(now);
    }

    /// A file's line stands before the entries of its batch, so it must not be ahead of them: a tear in between
    /// would lose them.
    fn place_files(&self, files: &mut [FollowedFile]) {
        for at in 0..files.len() {
            let (before, rest) = files.split_at_mut(at);
            let file = &mut rest[0];
            let earlier = before.iter().rfind(|other| other.number == file.number);
            if let Some(placed) = earlier.or_else(|| self.files.get(&file.number)) {
                (file.offset, file.entries, file.passed_over) =
                    (placed.offset, placed.entries, placed.passed_over);
            }
        }
    }

    /// A segment that is large or of another day is left; the next one begins with the pending batch.
    fn roll_if_due(&mut self, now: Time) {
        let Some(open) = &self.segment else { return };
        let same_day = open.created.millis().div_euclid(DAY_MILLIS) == now.millis().div_euclid(DAY_MILLIS);
        if (open.bytes >= self.segment_bytes_max || !same_day) && open.name.first != self.next {
            self.former = Some(After { segment: open.name.file_name(), bytes: open.bytes });
            self.segment = None;
        }
    }

    fn write(&mut self, pending: &mut Pending, now: Time) -> Result<(), JournalError> {
        if self.segment.is_none() {
            self.begin_segment(pending, now)?;
        }
        let Some(open) = &mut self.segment else { return Ok(()) };
        while pending.written < pending.bytes.len() {
            let place = open.bytes + pending.written as u64;
            match open.file.write_at(&pending.bytes[pending.written..], place) {
                Ok(count) => pending.written += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(JournalError::io("write", &open.path)(error)),
            }
        }
        match open.file.sync_data() {
            Ok(()) => Ok(()),
            // The kernel may call the pages clean now: only a new file can be trusted.
            Err(error) => self.replace_segment(pending, now, &error),
        }
    }

    /// Writes the unannounced rest of a segment whose fdatasync failed to a new one.
    fn replace_segment(
        &mut self,
        pending: &mut Pending,
        now: Time,
        error: &std::io::Error,
    ) -> Result<(), JournalError> {
        let Some(failed) = self.segment.take() else { return Ok(()) };
        tracing::error!("cannot sync {}: {error}; it is left and a new segment begun", failed.path.display());
        self.former = Some(After { segment: failed.name.file_name(), bytes: failed.bytes });
        self.begin_segment(pending, now)?;
        let Some(open) = &self.segment else { return Ok(()) };
        open.file
            .write_all_at(&pending.bytes, open.bytes)
            .and_then(|()| open.file.sync_data())
            .map_err(JournalError::io("write", &open.path))?;
        pending.written = pending.bytes.len();
        Ok(())
    }

    /// Creates the next segment with its header, durable by name and content, and chains the pending batch to it.
    fn begin_segment(&mut self, pending: &mut Pending, now: Time) -> Result<(), JournalError> {
        let name = SegmentName { first: self.next, run: self.run };
        let path = self.store.journal().join(name.file_name());
        let header = Header {
            format: FORMAT_VERSION,
            stream: self.stream,
            run: name.run,
            first: name.first,
            created: now,
            version: env!("CARGO_PKG_VERSION").into(),
            before: String::from_utf8_lossy(&self.chain.hex()).into_owned(),
            after: self.former.clone(),
            files: keep_in_header(&self.files),
        };
        let mut bytes = Vec::new();
        push_open(&header, &mut bytes);
        let chain = tail::finish(&mut bytes, 0, self.chain);
        let created = store::private().write(true).create_new(true).open(&path).and_then(|file| {
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
            Ok(file)
        });
        // A name is used once, whatever became of it.
        self.run += 1;
        let file = match created {
            Ok(file) => file,
            Err(error) => {
                if is_no_space(&error) {
                    let _ = std::fs::remove_file(&path);
                }
                return Err(JournalError::io("begin", &path)(error));
            }
        };
        store::sync_dir(&self.store.journal())?;
        self.chain = chain;
        pending.rechain(chain);
        self.segment = Some(Open { name, path, file, bytes: bytes.len() as u64, created: now });
        Ok(())
    }

    /// The batch is durable: from here on it counts.
    fn settle(&mut self, pending: Pending) -> Durable {
        let bytes = pending.bytes.len();
        if let Some(open) = &mut self.segment {
            open.bytes += bytes as u64;
        }
        self.noted = pending.synced;
        self.chain = pending.chain;
        for file in pending.files {
            self.files.insert(file.number, file);
        }
        for record in &pending.records {
            if let Some(position) = record.position
                && let Some(file) = self.files.get_mut(&position.file)
            {
                file.offset = position.offset;
                file.entries += 1;
            }
        }
        for progress in &pending.progress {
            if let Some(file) = self.files.get_mut(&progress.file) {
                file.advance(progress);
            }
        }
        self.next = pending.records.last().map_or(self.next, |last| last.seq.next());
        self.spare = pending.bytes;
        self.spare.shrink_to(SPARE_BYTES_MAX);
        Durable { records: Arc::new(pending.records), bytes }
    }
}

impl Pending {
    /// Writes the ends of all lines anew, since the line before the first is another now.
    fn rechain(&mut self, before: Chain) {
        let old = std::mem::take(&mut self.bytes);
        self.bytes.reserve(old.len());
        (self.chain, self.written) = (before, 0);
        for line in old.split_inclusive(|&byte| byte == b'\n') {
            let whole = line.strip_suffix(b"\n").and_then(tail::check);
            let Some(whole) = whole else { continue };
            let start = self.bytes.len();
            self.bytes.extend_from_slice(whole.body);
            self.chain = tail::finish(&mut self.bytes, start, self.chain);
        }
    }
}

fn push_synced(synced: Seq, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"synced\":");
    push_number(synced.0, out);
}

/// The id of one of otrail's own events: its place is all that tells it from others.
fn own_id(stream: StreamId, seq: Seq) -> EventId {
    let hash = Sha256::new().chain_update(b"otrail").chain_update(stream.0.to_be_bytes());
    let hash: [u8; 32] = hash.chain_update(seq.0.to_be_bytes()).finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    EventId(u128::from_be_bytes(id))
}

/// All files that are still read, and of the finished ones the newest of each source:
/// they are needed to know a rotated file again.
fn keep_in_header(files: &Files) -> Vec<FollowedFile> {
    let mut kept: Vec<FollowedFile> = Vec::new();
    for file in files.values().rev() {
        let of_source = kept.iter().filter(|other| other.finished && other.source == file.source).count();
        if !file.finished || of_source < FINISHED_FILES_KEPT {
            kept.push(file.clone());
        }
    }
    kept.reverse();
    kept
}

const DAY_MILLIS: i64 = 86_400_000;
/// Finished files of each source that the header remembers.
const FINISHED_FILES_KEPT: usize = 64;
/// A batch buffer above this size is given back.
const SPARE_BYTES_MAX: usize = 4 << 20;
