//! The index of a segment: what is in which frame, so that a search reads only what can match.
//!
//! ```text
//! NAME.idx   for each frame: first seq, records, oldest and newest time
//!            for each column: every value, in which frames, how often            columns.rs
//!            the beginnings of ids, in blocks that are looked up alone           ids.rs
//!            the runs of three bytes of the text                                 grams.rs
//! ```
//!
//! That of a sealed segment is a file beside it; that of the segment which is written is in memory, for what is complete of
//! it (growing.rs).
//!
//! It offers facts; what a filter makes of them is not its business. It can be made anew from the segment at any time: one
//! that is missing, damaged, of another version or of another file is ignored, and the segment is read without it.
//!
//! Invariant: what the index says is exact for a segment whose lines are all whole and in their places, and of any other
//! segment it says nothing: damage is always met by whoever reads.
//! Not here: evidence. Whoever can write the folder can write an index; `otrail journal verify` does not look at it.

mod build;
mod columns;
mod fields;
mod file;
mod grams;
mod growing;
mod head;
mod ids;
mod look;
mod set;
mod stretches;

pub use columns::{Column, Counted, Values};
pub(super) use growing::{Begun, Growing};
pub use look::Look;
pub use set::FrameSet;

use super::error::JournalError;
use super::forms;
use super::frames::Frame;
use super::reader;
use super::regular::{self, private};
use super::sealed::Sealed;
use super::segment::{self, SegmentName};
use crate::model::{Record, Seq, Time};
use build::Builder;
use file::{Head, Section};
use growing::Taken;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is known of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameFacts {
    pub(super) packed: u32,
    pub(super) raw: u32,
    /// Its first record.
    pub first: Seq,
    /// How many records it has.
    pub count: u64,
    /// The oldest and the newest time of its records; without records the oldest is newer than the newest.
    pub oldest: Time,
    /// See `oldest`.
    pub newest: Time,
}

impl Default for FrameFacts {
    fn default() -> FrameFacts {
        FrameFacts { packed: 0, raw: 0, first: Seq::NONE, count: 0, oldest: Time::MAX, newest: Time::MIN }
    }
}

/// Which segment an index is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// Name of the plain file.
    pub segment: String,
    /// Bytes of the sealed file.
    pub sealed: u64,
    /// The first record of the next segment.
    pub next: Seq,
    /// Every line of the segment counts; else the index says nothing of it.
    #[serde(rename = "exact")]
    pub is_exact: bool,
}

/// An index: what it says of the frames, and where the rest is read when it is asked for. It keeps no file open, since a
/// search looks at those of all segments.
#[derive(Debug)]
pub struct Index {
    frames: Vec<FrameFacts>,
    source: Source,
}

/// Where an index is.
#[derive(Debug)]
enum Source {
    File {
        path: PathBuf,
        sections: Vec<Section>,
    },
    /// It is of the segment that is written.
    Memory(Taken),
}

impl Index {
    /// The index of a sealed segment; `None` when there is none that is good for it.
    pub(super) fn open(dir: &Path, name: &SegmentName) -> Option<Index> {
        let (index, about) = Index::open_any(dir, name)?;
        about.is_exact.then_some(index)
    }

    /// Whether the index need not be made anew: it is whole, though it may say nothing of the segment.
    pub(super) fn is_there(dir: &Path, name: &SegmentName) -> bool {
        Index::open_any(dir, name).is_some()
    }

    fn open_any(dir: &Path, name: &SegmentName) -> Option<(Index, About)> {
        let sealed = fs::metadata(forms::sealed(dir, name)).ok()?.len();
        let path = forms::index(dir, name);
        let file = regular::reading(&path).ok()?;
        let head = Head::read(&file)?;
        let sections = head.sections()?;
        let section = |kind| sections.iter().copied().find(|section| section.kind == kind);
        let about: About = serde_json::from_slice(&head.section(&file, section(file::ABOUT)?)?).ok()?;
        (about.segment == name.file_name() && about.sealed == sealed).then_some(())?;
        let frames = match section(file::FRAMES) {
            Some(section) => file::read_frames(&head.section(&file, section)?)?,
            None => (!about.is_exact).then(Vec::new)?,
        };
        Some((Index { frames, source: Source::File { path, sections } }, about))
    }

    /// The frames in order.
    pub fn frames(&self) -> &[FrameFacts] {
        &self.frames
    }

    /// What is behind its frames and is read without it: from this byte of the segment and this record on.
    pub(super) fn rest(&self) -> Option<(u64, Seq)> {
        match &self.source {
            Source::File { .. } => None,
            Source::Memory(taken) => Some(taken.rest),
        }
    }

    /// The checksums of its frames, where they are those of plain text.
    pub(super) fn sums(&self) -> Option<&Arc<[u32]>> {
        match &self.source {
            Source::File { .. } => None,
            Source::Memory(taken) => Some(&taken.sums),
        }
    }

    /// A section, and the file that it is read from. Whatever became of that meanwhile, sums tell.
    fn section(&self, kind: u32) -> Option<(File, Section)> {
        let Source::File { path, sections } = &self.source else { return None };
        let section = sections.iter().copied().find(|section| section.kind == kind)?;
        Some((regular::reading(path).ok()?, section))
    }

    /// All values of a column; `None` when there were too many to keep.
    pub fn column(&self, column: Column) -> Option<Values> {
        if let Source::Memory(taken) = &self.source {
            return taken.column(column);
        }
        let (file, section) = self.section(file::COLUMNS + column as u32)?;
        Values::read(file::read(&file, section)?)
    }

    /// The frames in which a text may stand in a line, within one of its values, whatever the case of its ASCII letters;
    /// `None` when that is not known.
    pub fn with_literal(&self, text: &str) -> Option<FrameSet> {
        if grams::may_be_number(text) { None } else { self.with_text(text) }
    }

    /// The same of a text that does not stand in seq, id, times, position or count alone.
    pub fn with_text(&self, text: &str) -> Option<FrameSet> {
        let rows = grams::rows_of(text);
        if let Source::Memory(taken) = &self.source {
            return taken.with_rows(&rows);
        }
        let (file, section) = self.section(file::GRAMS)?;
        let mut set = FrameSet::all(self.frames.len());
        for row in rows {
            let bits = file::gram_row(&file, section, row)?;
            set.keep(&FrameSet::from_bits(&bits, self.frames.len()));
            if set.is_empty() {
                break;
            }
        }
        Some(set)
    }

    /// The frames that may have a record whose id begins with one of these, each of six hex digits or more.
    pub fn with_ids(&self, beginnings: &[&str]) -> Option<FrameSet> {
        let prefix = |text: &&str| u32::from_str_radix(text.get(..head::ID_DIGITS)?, 16).ok();
        let wanted: Vec<u32> = beginnings.iter().map(prefix).collect::<Option<_>>()?;
        let mut set = FrameSet::none(self.frames.len());
        match &self.source {
            Source::Memory(taken) => taken.find(&wanted, &mut set)?,
            Source::File { .. } => {
                let (file, section) = self.section(file::IDS)?;
                ids::find(&file, section, &wanted, &mut set)?;
            }
        }
        Some(set)
    }

    /// Where a frame begins in the segment.
    pub fn begin(&self, frame: usize) -> Option<u64> {
        self.place(frame).map(|place| place.begin)
    }

    /// Where a frame stands.
    pub(super) fn place(&self, frame: usize) -> Option<Frame> {
        let mut last = Frame::NONE;
        for facts in self.frames.get(..=frame)? {
            last = last.followed_by(facts.packed, facts.raw);
        }
        Some(last)
    }
}

impl Counted<'_> {
    /// A record that has the fields of this value, and nothing else that was journaled. `None` when this otrail cannot
    /// read them.
    pub fn record(&self, column: Column) -> Option<Record> {
        look::partial(self.json, column == Column::What)
    }
}

/// What a segment of so many bytes and sealed to so many is, for its index. Damage of its successor makes it inexact; one that
/// a later otrail has written is an error.
pub(super) fn about(
    dir: &Path,
    name: &SegmentName,
    plain_bytes: u64,
    sealed_bytes: u64,
) -> Result<About, JournalError> {
    segment::refuse_later(dir, name)?;
    let names = segment::list(dir)?;
    let later = &names[names.partition_point(|other| other <= name)..];
    let counted = reader::limit_of(dir, name, later)?;
    Ok(About {
        segment: name.file_name(),
        sealed: sealed_bytes,
        next: later.first().map_or(Seq::NONE, |next| next.first),
        is_exact: counted == Some(plain_bytes),
    })
}

/// Makes the index of a sealed segment anew, from its frames. False when the segment is gone.
pub(super) fn rebuild(
    dir: &Path,
    name: &SegmentName,
    pace: &mut dyn FnMut() -> io::Result<()>,
) -> Result<bool, JournalError> {
    let path = forms::sealed(dir, name);
    let file = match regular::reading(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(JournalError::io("open", &path)(error)),
    };
    let sealed_bytes = file.metadata().map_err(JournalError::io("look at", &path))?.len();
    let mut sealed = Sealed::open(&path, file)?;
    let frames = sealed.frames().to_vec();
    let mut builder = Builder::new(name.first);
    let mut is_whole = true;
    for (number, frame) in frames.iter().enumerate() {
        pace().map_err(JournalError::io("index", &path))?;
        is_whole = is_whole && sealed.take(number)?.is_none();
        if is_whole {
            builder.frame(sealed.raw(), frame.packed);
        }
    }
    let plain_bytes = frames.last().map_or(0, |last| last.begin + u64::from(last.raw));
    let about = about(dir, name, plain_bytes, sealed_bytes)?;
    write(dir, name, &builder.finish(About { is_exact: about.is_exact && is_whole, ..about }))?;
    Ok(true)
}

/// Writes an index beside its segment. It need not be durable: one that is not whole is made anew.
pub(super) fn write(dir: &Path, name: &SegmentName, bytes: &[u8]) -> Result<(), JournalError> {
    let path = forms::index(dir, name);
    let temporary = forms::temporary(&path);
    let created = regular::open(private().write(true).create(true).truncate(true), &temporary);
    let written = created.and_then(|mut file| file.write_all(bytes));
    if written.is_err() {
        // It is not there, or goes at the next opening.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(JournalError::io("write", &temporary))?;
    fs::rename(&temporary, &path).map_err(JournalError::io("rename", &temporary))
}
