//! The one writer: batches go to the end of the newest segment, one write and one fdatasync each.
//!
//! Invariant: a batch is announced only once it is on stable storage.
//! Invariant: a seq that was announced is never used again.
//! Invariant: a segment whose fdatasync failed is never written or trusted again.

use super::error::{JournalError, is_no_space};
use super::pending::{Input, Pending, Stand};
use super::recent::Batch;
use super::recovery::Files;
use super::regular::{self, private};
use super::segment::{After, FORMAT_VERSION, FollowedFile, Header, SegmentName, push_open};
use super::spare::Spare;
use super::store::{self, Store};
use super::tail::{self, Chain};
use crate::model::{Seq, StreamId, Time, error_text};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// It is sealed: durable as it is, and never written on.
    pub sealed: bool,
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
    /// What comes after it.
    held: VecDeque<Input>,
    /// What ended the writing: a disk that failed once is not asked again.
    failed: Option<String>,
    spare: Spare,
}

/// The segment that is written.
struct Open {
    name: SegmentName,
    path: PathBuf,
    file: File,
    /// Device and inode of the file.
    inode: (u64, u64),
    /// Bytes that are durable; the next batch goes here.
    bytes: u64,
    created: Time,
}

impl Open {
    fn new(
        name: SegmentName,
        path: PathBuf,
        file: File,
        bytes: u64,
        created: Time,
    ) -> Result<Open, JournalError> {
        let metadata = file.metadata().map_err(JournalError::io("look at", &path))?;
        let inode = (metadata.dev(), metadata.ino());
        Ok(Open { name, path, file, inode, bytes, created })
    }

    /// A file that was removed takes every write and keeps none of them; one whose folder was renamed keeps them where
    /// no reader looks.
    fn is_named(&self) -> Result<(), JournalError> {
        let why = match std::fs::metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == self.inode => return Ok(()),
            Ok(_) => "another file is in its place",
            // Keeping the journal within its limits tells that its folder cannot be read.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(()),
            Err(_) => "the file was removed or renamed",
        };
        let way_out = format!("{why}; put the journal back if it is elsewhere, and start otrail again");
        Err(JournalError::io("write", &self.path)(std::io::Error::other(way_out)))
    }
}

/// A batch that is durable, and its size on disk.
pub(super) struct Durable {
    pub records: Batch,
    pub bytes: usize,
}

impl Writer {
    pub(super) fn new(store: Store, segment_bytes_max: u64, start: Start) -> Result<Writer, JournalError> {
        let (mut segment, mut former) = (None, None);
        if let Some(last) = start.last.as_ref().filter(|last| last.sealed) {
            former = Some(After { segment: last.name.file_name(), bytes: last.bytes });
        } else if let Some(last) = start.last {
            let path = store.journal().join(last.name.file_name());
            let file =
                regular::open(private().write(true), &path).map_err(JournalError::io("open", &path))?;
            // What a killed process wrote is in the page cache: make it durable before it is trusted.
            file.sync_data().map_err(JournalError::io("sync", &path))?;
            if last.clean {
                segment = Some(Open::new(last.name, path, file, last.bytes, last.created)?);
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
            held: VecDeque::new(),
            failed: None,
            spare: Spare::default(),
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

    /// Whether a batch still waits for space, or can never be written.
    pub(super) fn is_waiting(&self) -> bool {
        self.pending.is_some() || !self.held.is_empty() || self.failed.is_some()
    }

    /// The name of the segment that is written.
    pub(super) fn segment_name(&self) -> Option<&SegmentName> {
        self.segment.as_ref().map(|open| &open.name)
    }

    /// An empty batch, to be filled where one was before.
    pub(super) fn blank(&mut self) -> Input {
        Input { drafts: self.spare.drafts(), ..Input::default() }
    }

    /// Batches that nobody reads in memory any more.
    pub(super) fn take_back(&mut self, gone: Vec<Batch>) {
        gone.into_iter().filter_map(Arc::into_inner).for_each(|records| self.spare.take_records(records));
    }

    /// Takes a batch, which `flush` writes after those that wait already: none is ever turned away.
    pub(super) fn hold(&mut self, input: Input) {
        self.held.push_back(input);
    }

    /// Writes the first batch that waits, and comes back once it is on stable storage.
    ///
    /// On `Full` and `Crowded` the batch is kept: `flush` tries again. On any other error nothing may be written any more.
    pub(super) fn flush(&mut self, now: Time) -> Result<Durable, JournalError> {
        if let Some(reason) = &self.failed {
            let source = std::io::Error::other(format!("it failed before: {reason}"));
            return Err(JournalError::io("write", &self.store.journal())(source));
        }
        if self.pending.is_none()
            && let Some(input) = self.held.pop_front()
        {
            let spare = std::mem::take(&mut self.spare);
            self.pending = self.stand().prepare(input, spare);
            self.roll_if_due(now);
        }
        let Some(mut pending) = self.pending.take() else {
            return Ok(Durable { records: Arc::new(Vec::new()), bytes: 0 });
        };
        match self.write(&mut pending, now) {
            Ok(()) => Ok(self.settle(pending)),
            Err(error) => {
                self.pending = Some(pending);
                let dir = self.store.root().to_path_buf();
                if error.is_crowded() {
                    return Err(JournalError::Crowded { dir });
                }
                if error.is_full() {
                    return Err(JournalError::Full { dir });
                }
                self.failed = Some(error_text(&error));
                Err(error)
            }
        }
    }

    /// Notes on disk that everything announced is durable, so that damage to it is told from a torn tail.
    pub(super) fn note_durable(&mut self, now: Time) -> Result<(), JournalError> {
        // It has become quiet: what a burst took goes back.
        self.spare = Spare::default();
        if self.noted == self.newest() || self.is_waiting() {
            return Ok(());
        }
        self.pending = Some(self.stand().durable_note(now));
        self.flush(now).map(drop)
    }

    fn stand(&self) -> Stand<'_> {
        Stand {
            stream: self.stream,
            next: self.next,
            synced: self.newest(),
            chain: self.chain,
            files: &self.files,
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
            Ok(()) => open.is_named(),
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
        let created = private().write(true).create_new(true).open(&path).and_then(|file| {
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
        store::sync_dir(&self.store.journal()).inspect_err(|error| {
            if error.is_crowded() {
                let _ = std::fs::remove_file(&path);
            }
        })?;
        self.chain = chain;
        pending.rechain(chain);
        self.segment = Some(Open::new(name, path, file, bytes.len() as u64, now)?);
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
        pending.advance(&mut self.files);
        self.next = pending.next().unwrap_or(self.next);
        self.spare = pending.spare;
        self.spare.take_bytes(pending.bytes);
        Durable { records: Arc::new(pending.records), bytes }
    }
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

#[cfg(test)]
mod tests;
