//! A file that may be one of a log's: what the file system says of it, and its content when that has to be known.

use super::content::Content;
use super::identity::{self, Sight};
use super::place;
use super::rotation::{Candidate, Known};
use crate::journal::FollowedFile;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::SystemTime;

/// A file that may be one of a log's, and is opened only when that has to be known.
pub(super) struct Spotted {
    pub path: PathBuf,
    pub sight: Sight,
    pub modified: SystemTime,
    /// When it or what is known of it was last changed, in milliseconds since 1970: nobody can set that.
    pub changed: i64,
    pub content: Option<Content>,
    pub known: Option<Known>,
}

impl Spotted {
    pub(super) fn of(path: PathBuf, metadata: &Metadata, content: Option<Content>, is_log: bool) -> Spotted {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = metadata.ctime() * 1000 + metadata.ctime_nsec() / 1_000_000;
        Spotted { path, sight: Sight::of(metadata, is_log), modified, changed, content, known: None }
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

    /// As the file that it is: one that was read to its end and goes on is read on.
    pub(super) fn known_as(&mut self, file: &FollowedFile) -> Known {
        let finished = file.finished && !self.goes_beyond(file.offset);
        Known { finished, ..Known::of(file) }
    }

    /// Its content once more.
    pub(super) fn again(&mut self) -> Option<Content> {
        self.open().and_then(|content| content.again().ok())
    }

    pub(super) fn has_any(&mut self) -> bool {
        self.goes_beyond(0)
    }

    /// Whether there is something at that place.
    fn goes_beyond(&mut self, offset: u64) -> bool {
        self.open().is_some_and(|content| content.exactly(1, offset).is_ok_and(|byte| byte.is_some()))
    }

    /// Whether there is nothing in it that the other one does not have in the same place, from there on.
    pub(super) fn is_part_of(&mut self, other: &mut Content, from: u64) -> bool {
        self.open().is_some_and(|content| content.is_part_of(other, from).unwrap_or(false))
    }

    /// Whether that is what stands at its beginning.
    pub(super) fn begins_with(&mut self, bytes: &[u8]) -> bool {
        let found = self.open().and_then(|content| content.exactly(bytes.len(), 0).ok().flatten());
        found.is_some_and(|found| found == bytes)
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
