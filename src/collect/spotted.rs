//! A file that may be one of a log's: what the file system says of it, and its content when that has to be known.

use super::content::Content;
use super::identity::{self, Sight};
use super::place;
use super::rotation::{Candidate, Known};
use crate::journal::FollowedFile;
use std::fs::{self, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

/// A file that may be one of a log's, and is opened only when that has to be known.
pub(super) struct Spotted {
    pub path: PathBuf,
    pub sight: Sight,
    pub modified: SystemTime,
    pub content: Option<Content>,
    pub known: Option<Known>,
}

impl Spotted {
    pub(super) fn of(path: PathBuf, metadata: &Metadata, content: Option<Content>, is_log: bool) -> Spotted {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Spotted { path, sight: Sight::of(metadata, is_log), modified, content, known: None }
    }

    /// Its content; `None` when it cannot be opened, or is another file by now.
    pub(super) fn open(&mut self) -> Option<&mut Content> {
        if self.content.is_none() {
            let (file, metadata) = place::open(&self.path, false).ok()?;
            self.sight = Sight::of(&metadata, self.sight.is_log);
            self.content = Content::of_copy(file).ok();
        }
        self.content.as_mut()
    }

    /// Whether it is this file or a copy of it; what cannot be read is not.
    pub(super) fn is_same(&mut self, known: &FollowedFile) -> bool {
        let sight = self.sight;
        self.open().is_some_and(|content| identity::is_same(content, sight, known).unwrap_or(false))
    }

    /// Whether this and nothing else is what stands at its beginning.
    pub(super) fn begins_with(&mut self, head: &[u8]) -> bool {
        let found = self.open().and_then(|content| content.head().ok());
        !head.is_empty() && found.is_some_and(|found| found == head)
    }

    pub(super) fn is_packed(&self) -> bool {
        self.content.as_ref().is_some_and(Content::is_packed)
    }

    /// Whether it is a copy of a part of it that has been read.
    pub(super) fn is_read_part(&mut self, known: &FollowedFile) -> bool {
        self.open().is_some_and(|content| identity::is_read_part(content, known).unwrap_or(false))
    }

    pub(super) fn candidate(&self) -> Candidate {
        let (path, modified) = (self.path.clone(), self.modified);
        Candidate { path, modified, is_log: self.sight.is_log, known: self.known }
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }
}
