//! Sealing: a closed segment becomes a compressed file that holds the same bytes.
//!
//! ```text
//! NAME.ndjson ──▶ NAME.ndjson.zst.tmp ──▶ sync ──▶ read back, every byte ──▶ rename ──▶ sync folder ──▶ remove plain
//! ```
//!
//! A crash between any two steps leaves the plain file, or both with equal bytes; what is left of the attempt goes at
//! the next opening. Sealed bytes are those that were written, damage and torn ends with them: sums and chain hold as
//! before, and who unpacks the file has the segment.
//!
//! Invariant: the plain file is removed only when the sealed one is durable and was read back equal to it.
//! Invariant: the segment that is written is never sealed, nor is the newest.

use super::error::JournalError;
use super::forms;
use super::frames::{self, Frame};
use super::index::{self, Begun};
use super::regular::{self, private};
use super::sealed::{FRAME_BYTES_MAX, Sealed};
use super::segment::{self, SegmentName};
use super::store::{self, Store};
use super::tail::{self, Chain};
use super::twice::{self, Twice};
use crate::model::error_text;
use sha2::{Digest, Sha256};
use std::fs::{self, File, FileTimes};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// What is about to be done: whoever seals may wait before it, or give up by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A frame is read, packed or compared: some milliseconds of work.
    Frame,
    /// A file is made, synced, renamed or removed.
    File,
}

/// Asked before every step.
pub type Pace<'a> = &'a mut dyn FnMut(Step) -> io::Result<()>;

/// A segment that was sealed.
pub(super) struct Sealing {
    pub name: SegmentName,
    /// Bytes of the plain file and of the sealed one.
    pub plain_bytes: u64,
    pub sealed_bytes: u64,
    /// SHA-256 over the sealed file.
    pub hash: [u8; 32],
    /// The chain value that its last line ends in, which every line before it is in; `None` when that line is torn.
    pub chain: Option<Chain>,
}

/// The same before it has its name.
struct Making {
    plain_bytes: u64,
    sealed_bytes: u64,
    hash: [u8; 32],
    chain: Option<Chain>,
    /// What is in which frame.
    index: Begun,
}

/// Seals one segment. `None` when it is gone by then, or cannot be sealed: one line of it fills a frame.
///
/// `begun` is what is known of its index. `placing` is held while files of the folder change their names.
pub(super) fn seal(
    dir: &Path,
    name: &SegmentName,
    begun: Begun,
    placing: &Mutex<()>,
    pace: Pace<'_>,
) -> Result<Option<Sealing>, JournalError> {
    let path = forms::plain(dir, name);
    let target = forms::sealed(dir, name);
    let temporary = forms::temporary(&target);
    let made = make(&path, &temporary, begun, pace).and_then(|made| {
        let Some(made) = made else { return Ok(None) };
        let about = index::about(dir, name, made.plain_bytes, made.sealed_bytes)?;
        let placed = place(dir, [&path, &temporary, &target], placing, pace)?;
        if placed
            && let Some(index) = made.index.finish(about)
            && let Err(error) = index::write(dir, name, &index)
        {
            tracing::warn!("{} has no index: {}", target.display(), error_text(&error));
        }
        let Making { plain_bytes, sealed_bytes, hash, chain, .. } = made;
        Ok(placed.then_some(Sealing { name: name.clone(), plain_bytes, sealed_bytes, hash, chain }))
    });
    if !matches!(made, Ok(Some(_))) {
        // It is not there, or nobody needs it; what cannot be removed now goes at the next opening.
        let _ = fs::remove_file(&temporary);
    }
    made
}

/// Writes the sealed form under its temporary name, durable and compared.
fn make(path: &Path, temporary: &Path, begun: Begun, pace: Pace<'_>) -> Result<Option<Making>, JournalError> {
    step(pace, Step::File, "open", path)?;
    let plain = regular::reading(path).map_err(JournalError::io("open", path))?;
    step(pace, Step::File, "create", temporary)?;
    let created = regular::open(private().read(true).write(true).create(true).truncate(true), temporary);
    let mut out = created.map_err(JournalError::io("create", temporary))?;
    let Some(packed) = pack((&plain, path), (&mut out, temporary), begun, pace)? else { return Ok(None) };
    step(pace, Step::File, "sync", temporary)?;
    // How old a segment is, is when it was last written, in either form.
    let modified = plain.metadata().and_then(|metadata| metadata.modified());
    let synced = modified.and_then(|time| out.set_times(FileTimes::new().set_modified(time)));
    synced.and_then(|()| out.sync_all()).map_err(JournalError::io("sync", temporary))?;
    compare(path, temporary, pace)?;
    let sealed_bytes = out.metadata().map_err(JournalError::io("look at", temporary))?.len();
    Ok(Some(Making { sealed_bytes, ..packed }))
}

/// Reads the segment frame by frame and writes each packed, then the table.
fn pack(
    (plain, path): (&File, &Path),
    (out, temporary): (&mut File, &Path),
    mut index: Begun,
    pace: Pace<'_>,
) -> Result<Option<Making>, JournalError> {
    let mut compressor = compressor().map_err(JournalError::io("pack", path))?;
    let (mut frames, mut last) = (Vec::new(), Frame::NONE);
    let (mut hash, mut chain) = (Sha256::new(), None);
    let (mut bytes, mut done) = (Vec::new(), 0);
    let mut packed = Vec::new();
    loop {
        step(pace, Step::Frame, "read", path)?;
        done = next_frame(plain, &mut bytes, done).map_err(JournalError::io("read", path))?;
        if done == 0 {
            break;
        }
        if done > FRAME_BYTES_MAX {
            return Ok(None);
        }
        let raw = &bytes[..done];
        packed.clear();
        packed.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        compressor.compress_to_buffer(raw, &mut packed).map_err(JournalError::io("pack", path))?;
        out.write_all(&packed).map_err(JournalError::io("write", temporary))?;
        hash.update(&packed);
        chain = last_chain(raw);
        last = last.followed_by(packed.len() as u32, raw.len() as u32);
        index.frame(frames.len(), raw, last.packed);
        frames.push(last);
    }
    step(pace, Step::File, "write", temporary)?;
    let table = frames::table(&frames);
    out.write_all(&table).map_err(JournalError::io("write", temporary))?;
    let hash = hash.chain_update(&table).finalize().into();
    let plain_bytes = last.begin + u64::from(last.raw);
    Ok(Some(Making { plain_bytes, sealed_bytes: 0, hash, chain, index }))
}

/// The chain value of the last line, if that is whole.
fn last_chain(raw: &[u8]) -> Option<Chain> {
    let lines = raw.strip_suffix(b"\n")?;
    let line = memchr::memrchr(b'\n', lines).map_or(lines, |feed| &lines[feed + 1..]);
    tail::check(line).map(|whole| whole.chain)
}

fn compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::HashLog(HASH_LOG))?;
    compressor.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
    Ok(compressor)
}

/// Drops what is done of the bytes and reads on until a frame's size and the rest of its last line are there; says how many
/// bytes these are, 0 at the end.
fn next_frame(plain: &File, bytes: &mut Vec<u8>, done: usize) -> io::Result<usize> {
    bytes.drain(..done);
    let mut searched = FRAME_BYTES - 1;
    loop {
        let rest = bytes.get(searched..).unwrap_or_default();
        if let Some(feed) = memchr::memchr(b'\n', rest) {
            return Ok(searched + feed + 1);
        }
        searched = searched.max(bytes.len());
        let wanted = FRAME_BYTES.saturating_sub(bytes.len()) + READ_BYTES;
        bytes.reserve(wanted);
        if bytes.len() > FRAME_BYTES_MAX || plain.take(wanted as u64).read_to_end(bytes)? == 0 {
            return Ok(bytes.len());
        }
    }
}

/// Reads the sealed form back and the plain one again: every byte is the same.
pub(super) fn compare(path: &Path, temporary: &Path, pace: Pace<'_>) -> Result<(), JournalError> {
    let differ = |what: &str| JournalError::io("seal", path)(io::Error::other(what.to_owned()));
    let file = regular::reading(temporary).map_err(JournalError::io("open", temporary))?;
    let mut sealed = Sealed::open(temporary, file)?;
    let plain = regular::reading(path).map_err(JournalError::io("open", path))?;
    let mut bytes = Vec::new();
    for number in 0..sealed.frames().len() {
        step(pace, Step::Frame, "compare", path)?;
        if let Some(error) = sealed.take(number)? {
            return Err(error);
        }
        bytes.clear();
        let read = (&plain).take(sealed.raw().len() as u64).read_to_end(&mut bytes);
        read.map_err(JournalError::io("read", path))?;
        if bytes != sealed.raw() {
            return Err(differ("what was written reads back as something else"));
        }
    }
    let rest = (&plain).read(&mut [0]).map_err(JournalError::io("read", path))?;
    if rest > 0 { Err(differ("it has grown meanwhile")) } else { Ok(()) }
}

/// Gives the sealed form its name and removes the plain one; false when the segment is gone.
fn place(
    dir: &Path,
    [path, temporary, target]: [&Path; 3],
    placing: &Mutex<()>,
    pace: Pace<'_>,
) -> Result<bool, JournalError> {
    step(pace, Step::File, "rename", temporary)?;
    let _placing = placing.lock().unwrap_or_else(PoisonError::into_inner);
    // Retention may have removed it.
    if !path.exists() {
        return Ok(false);
    }
    fs::rename(temporary, target).map_err(JournalError::io("rename", temporary))?;
    // From here on it is sealed: what fails is tried again, and both may be read.
    step(pace, Step::File, "sync", dir)?;
    store::sync_dir(dir)?;
    step(pace, Step::File, "remove", path)?;
    fs::remove_file(path).map_err(JournalError::io("remove", path))?;
    step(pace, Step::File, "sync", dir)?;
    store::sync_dir(dir)?;
    Ok(true)
}

fn step(pace: Pace<'_>, step: Step, action: &'static str, path: &Path) -> Result<(), JournalError> {
    pace(step).map_err(JournalError::io(action, path))
}

/// The oldest closed segment that is plain. `open` is the one that is written, `passed` are never sealed.
pub(super) fn next(
    dir: &Path,
    open: Option<&SegmentName>,
    passed: &[SegmentName],
) -> Result<Option<SegmentName>, JournalError> {
    let mut names = segment::list(dir)?;
    // The newest says how many bytes of the one before count, and nothing says that of the newest.
    names.pop();
    let is_due = |name: &SegmentName| Some(name) != open && !passed.contains(name);
    Ok(names.into_iter().find(|name| is_due(name) && forms::plain(dir, name).exists()))
}

/// Takes away what a crash has left of sealing, and settles what is there in both forms; what came of that. For whoever
/// holds the lock.
pub(super) fn clean_up(store: &Store) -> Result<Vec<Twice>, JournalError> {
    let dir = store.journal();
    for path in temporaries(&dir)? {
        fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
    }
    let mut found = Vec::new();
    for name in segment::list(&dir)? {
        found.extend(twice::settle(store, &name)?);
    }
    Ok(found)
}

/// Files of the journal that were never finished.
fn temporaries(dir: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(JournalError::io("read", dir))? {
        let path = entry.map_err(JournalError::io("read", dir))?.path();
        let is_ours = [".ndjson.zst.tmp", ".idx.tmp"]
            .iter()
            .any(|end| path.to_str().is_some_and(|path| path.ends_with(end)));
        found.extend(is_ours.then_some(path));
    }
    Ok(found)
}

/// A frame's raw size, up to the end of its last line.
pub(super) const FRAME_BYTES: usize = 512 << 10;
/// What is read behind it: most lines end there.
const READ_BYTES: usize = 8 << 10;
/// Measured: the hex digits of ids and of the chain do not pack, and whoever looks for short matches finds them there. The
/// higher levels do, take twice the time, and pack worse; a larger table than the level's own finds more of the rest.
const LEVEL: i32 = 1;
const HASH_LOG: u32 = 16;
/// Measured: the same bytes in two thirds of the time. With a window below 512 KiB zstd looks at what its table offers without
/// a branch, and no processor foretells which of the hex digits match.
const WINDOW_LOG: u32 = 18;

#[cfg(test)]
mod tests;
