//! What the journal consists of, for an admin who looks at its folder.

use super::error::JournalError;
use super::index::{self, Index};
use super::recovery::each_line;
use super::segment::{self, SegmentName};
use super::store::Store;
use super::{forms, open, reader};
use crate::journal::line::peek;
use crate::model::{Seq, Time};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;

/// A segment as it lies there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentFile {
    /// Name of its plain form.
    pub segment: String,
    /// `plain` or `sealed`.
    pub form: &'static str,
    /// Its first record.
    pub first: Seq,
    /// Its last record; before the first when it has none.
    pub last: Seq,
    /// Bytes on disk, the index not counted.
    pub bytes: u64,
    /// Bytes of its index; 0 without one.
    pub index: u64,
    /// When it was begun, RFC 3339; empty when its header is damaged.
    pub begun: String,
    /// The oldest and the newest time of its records, RFC 3339; empty without an index.
    pub oldest: String,
    /// See `oldest`.
    pub newest: String,
    /// Why this otrail cannot read it; empty as a rule.
    pub problem: String,
}

/// The segments below a state directory, oldest first; of the newest every line is read.
pub fn segments(state_dir: &Path) -> Result<Vec<SegmentFile>, JournalError> {
    let dir = Store::at(state_dir).journal();
    let names = segment::list(&dir)?;
    if names.is_empty() {
        return Err(JournalError::Missing { dir: state_dir.to_path_buf() });
    }
    names.iter().enumerate().map(|(at, name)| segment_file(&dir, name, names.get(at + 1))).collect()
}

fn segment_file(
    dir: &Path,
    name: &SegmentName,
    next: Option<&SegmentName>,
) -> Result<SegmentFile, JournalError> {
    let is_plain = !forms::sealed(dir, name).exists();
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let path = if is_plain { forms::plain(dir, name) } else { forms::sealed(dir, name) };
    let (header, problem) = match segment::read_header(dir, name) {
        Err(error @ JournalError::Version { .. }) => (None, error.to_string()),
        header => (header?, String::new()),
    };
    let last = match next {
        Some(next) => Seq(next.first.0.saturating_sub(1)),
        None if !problem.is_empty() => Seq(name.first.0.saturating_sub(1)),
        None => last_of(dir, name)?,
    };
    let times = Index::open(dir, name).map(|index| {
        let frames = || index.frames().iter().filter(|frame| frame.count > 0);
        (frames().map(|frame| frame.oldest).min(), frames().map(|frame| frame.newest).max())
    });
    let (oldest, newest) = times.unwrap_or_default();
    let text = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    Ok(SegmentFile {
        segment: name.file_name(),
        form: if is_plain { "plain" } else { "sealed" },
        first: name.first,
        last,
        bytes: size(&path),
        index: size(&forms::index(dir, name)),
        begun: text(header.map(|header| header.created)),
        oldest: text(oldest),
        newest: text(newest),
        problem,
    })
}

fn last_of(dir: &Path, name: &SegmentName) -> Result<Seq, JournalError> {
    let mut last = Seq(name.first.0.saturating_sub(1));
    each_line(dir, name, |piece| {
        last = last.max(piece.whole().and_then(|whole| peek(whole.body).seq).unwrap_or_default());
        Ok(())
    })?;
    Ok(last)
}

/// Makes the indexes of all sealed segments anew, and says how many there are. The agent must not run.
pub fn reindex(state_dir: &Path) -> Result<u64, JournalError> {
    if !Store::at(state_dir).journal().is_dir() {
        return Err(JournalError::Missing { dir: state_dir.to_path_buf() });
    }
    let (store, _lock) = Store::open(state_dir)?;
    let dir = store.journal();
    open::refuse_later(&dir)?;
    let mut made = 0;
    for name in segment::list(&dir)? {
        made += u64::from(index::rebuild(&dir, &name, &mut || Ok(()))?);
    }
    Ok(made)
}

/// What was written by `export`, to be held against it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// The journal.
    pub stream: String,
    /// The first and the last record.
    pub first: Seq,
    /// See `first`.
    pub last: Seq,
    /// How many records.
    pub records: u64,
    /// How many lines, those that are no records with them.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// SHA-256 over all of them, 64 hex digits.
    pub sha256: String,
    /// The chain value before the first line; empty when the line before is not whole.
    pub chain_before: String,
    /// The chain value after the last line.
    pub chain_after: String,
    /// Places that could not be read in between.
    pub damaged: u64,
}

/// Writes the lines of records `first` to `last` as they stand in the journal, with sums and chain values, and whatever
/// stands between them; `None` when there is none. Where a later otrail has written one of the segments, nothing is written.
pub fn export(
    state_dir: &Path,
    (first, last): (Seq, Seq),
    out: &mut dyn Write,
) -> Result<Option<Manifest>, JournalError> {
    let dir = Store::at(state_dir).journal();
    let names = segment::list(&dir)?;
    let stream = reader::stream_of(state_dir)?.to_string();
    let behind = |at: usize| names.get(at + 1).map(|next| next.first);
    let in_range = |at: usize| names[at].first <= last && behind(at).is_none_or(|behind| behind > first);
    let in_range: Vec<usize> = (0..names.len()).filter(|&at| in_range(at)).collect();
    in_range.iter().try_for_each(|&at| segment::refuse_later(&dir, &names[at]))?;
    let mut copy =
        Copy { out, hash: Sha256::new(), manifest: None, before: String::new(), pending: Vec::new() };
    for at in in_range {
        let (name, later, before) = (&names[at], &names[at + 1..], behind(at));
        let limit = reader::limit_of(&dir, name, later)?;
        each_line(&dir, name, |piece| {
            if limit.is_some_and(|limit| piece.offset >= limit) {
                return Ok(());
            }
            let Some(whole) = piece.whole() else {
                copy.damaged();
                return Ok(());
            };
            let chain = String::from_utf8_lossy(&whole.chain.hex()).into_owned();
            let seq = peek(whole.body).seq.filter(|&seq| before.is_none_or(|before| seq < before));
            let result = copy.line(piece.bytes, seq, chain, (first, last));
            result.map_err(JournalError::io("write the export of", &dir))
        })?;
    }
    let Copy { hash, manifest, .. } = copy;
    Ok(manifest.map(|manifest| {
        let hash: [u8; 32] = hash.finalize().into();
        let sha256 = String::from_utf8_lossy(&super::tail::Chain(hash).hex()).into_owned();
        Manifest { stream, sha256, ..manifest }
    }))
}

/// An export on its way.
struct Copy<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    manifest: Option<Manifest>,
    /// The chain value of the last whole line.
    before: String,
    /// Lines behind the last record: they count once there is another.
    pending: Vec<u8>,
}

impl Copy<'_> {
    fn line(
        &mut self,
        bytes: &[u8],
        seq: Option<Seq>,
        chain: String,
        (first, last): (Seq, Seq),
    ) -> std::io::Result<()> {
        let before = std::mem::replace(&mut self.before, chain);
        let wanted = seq.filter(|seq| (first..=last).contains(seq));
        if let Some(seq) = wanted {
            let manifest = self.manifest.get_or_insert_with(|| Manifest {
                stream: String::new(),
                first: seq,
                last: seq,
                records: 0,
                lines: 0,
                bytes: 0,
                sha256: String::new(),
                chain_before: before,
                chain_after: String::new(),
                damaged: 0,
            });
            self.pending.extend_from_slice(bytes);
            manifest.lines += memchr::memchr_iter(b'\n', &self.pending).count() as u64;
            manifest.bytes += self.pending.len() as u64;
            (manifest.last, manifest.records) = (seq, manifest.records + 1);
            manifest.chain_after.clone_from(&self.before);
            self.hash.update(&self.pending);
            self.out.write_all(&self.pending)?;
            self.pending.clear();
        } else if self.manifest.is_some() && seq.is_none() {
            self.pending.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn damaged(&mut self) {
        self.before.clear();
        if let Some(manifest) = &mut self.manifest {
            manifest.damaged += 1;
        }
    }
}
