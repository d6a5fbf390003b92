//! The journal in parts that can be read by themselves, in any order: for whoever knows what to look for.

use super::Journal;
use super::error::JournalError;
use super::forms;
use super::index::Index;
use super::reader::Scan;
use super::segment::{self, SegmentName};
use super::store::Store;
use super::unpacked::Frames;
use crate::model::Seq;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A segment, and what is known of it without reading it.
#[derive(Debug)]
pub struct Part {
    dir: Arc<PathBuf>,
    name: SegmentName,
    later: Arc<Vec<SegmentName>>,
    index: Option<Index>,
}

/// A journal, for whoever searches it: the one of this process, or a folder.
pub struct Folder<'a> {
    state_dir: &'a Path,
    journal: Option<&'a Journal>,
}

impl<'a> From<&'a Path> for Folder<'a> {
    fn from(state_dir: &'a Path) -> Folder<'a> {
        Folder { state_dir, journal: None }
    }
}

impl<'a> From<&'a PathBuf> for Folder<'a> {
    fn from(state_dir: &'a PathBuf) -> Folder<'a> {
        Folder { state_dir, journal: None }
    }
}

impl<'a> From<&'a Journal> for Folder<'a> {
    fn from(journal: &'a Journal) -> Folder<'a> {
        Folder { state_dir: journal.dir(), journal: Some(journal) }
    }
}

impl<'a> Folder<'a> {
    /// The state directory.
    pub fn state_dir(&self) -> &'a Path {
        self.state_dir
    }

    /// The segments, oldest first; a damaged or absent folder is an error.
    pub fn parts(&self) -> Result<Vec<Part>, JournalError> {
        let mut parts = parts(self.state_dir)?;
        let Some(journal) = self.journal else { return Ok(parts) };
        let mut plain = parts.iter_mut().rev().filter(|part| part.index.is_none());
        if let Some(newest) = plain.next() {
            newest.index = journal.index_of(&newest.name);
        }
        plain.for_each(|part| part.index = journal.index_of_closed(&part.name));
        Ok(parts)
    }
}

/// The segments of the journal below a state directory, oldest first; a damaged or absent folder is an error.
pub fn parts(state_dir: &Path) -> Result<Vec<Part>, JournalError> {
    let dir = Arc::new(Store::at(state_dir).journal());
    let names = Arc::new(segment::list(&dir)?);
    if names.is_empty() {
        return Err(JournalError::Missing { dir: state_dir.to_path_buf() });
    }
    let part = |name: &SegmentName| {
        let (dir, later) = (Arc::clone(&dir), Arc::clone(&names));
        let index = Index::open(&dir, name);
        Part { dir, name: name.clone(), later, index }
    };
    Ok(names.iter().map(part).collect())
}

impl Part {
    /// The first seq that it may have.
    pub fn first(&self) -> Seq {
        self.name.first
    }

    /// The records that are gone between it and the next segment that is there, first and last, if that is known without
    /// reading it; whoever reads all of it is told.
    pub fn missing_behind(&self, next: &Part) -> Option<(Seq, Seq)> {
        let index = self.index.as_ref().filter(|index| index.rest().is_none())?;
        let end = index.frames().last().map(|facts| facts.first.0 + facts.count)?;
        (end < next.first().0).then(|| (Seq(end), Seq(next.first().0 - 1)))
    }

    /// What is in which of its frames, if that is known.
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// Reads all of it.
    pub fn scan(&self) -> Result<Scan, JournalError> {
        let after = self.later.partition_point(|other| *other <= self.name);
        Scan::of_segment(&self.dir, &self.name, &self.later[after..])
    }

    /// Whether there may be something that its index does not know.
    pub fn has_rest(&self) -> bool {
        self.index.as_ref().is_none_or(|index| index.rest().is_some())
    }

    /// Reads what its index does not know; without one, all of it.
    pub fn scan_rest(&self) -> Result<Scan, JournalError> {
        match self.index.as_ref().map(Index::rest) {
            None => self.scan(),
            Some(Some((offset, next))) => self.scan()?.beginning_at(offset, next),
            Some(None) => self.scan().map(|scan| scan.through(Seq::NONE)),
        }
    }

    /// Its frames, to be unpacked one by one; `None` without an index, and when it is gone.
    pub fn unpack(&self) -> Result<Option<Frames>, JournalError> {
        match self.index.as_ref().map(Index::sums) {
            Some(None) => Frames::open(&forms::sealed(&self.dir, &self.name), &self.name),
            Some(Some(sums)) => Frames::open_plain(&forms::plain(&self.dir, &self.name), &self.name, sums),
            None => Ok(None),
        }
    }

    /// Reads one of its frames. What is not a frame of it, or is gone, has no records.
    pub fn scan_frame(&self, frame: usize) -> Result<Scan, JournalError> {
        let facts =
            self.index.as_ref().and_then(|index| Some((index.place(frame)?, index.frames().get(frame)?)));
        match facts {
            Some((place, facts)) => Scan::of_frame(&self.dir, &self.name, place, facts.first),
            None => self.scan().map(|scan| scan.through(Seq::NONE)),
        }
    }
}
