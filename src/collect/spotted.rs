//! A file that may be one of a log's: what the file system says of it, and its content when that has to be known.

use super::content::Content;
use super::identity::{self, HEAD_BYTES_MAX, Inode, Sight};
use super::place;
use super::rotation::{Candidate, Known};
use crate::journal::{FollowedFile, Mark};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::SystemTime;

/// What a compressed copy is known by without unpacking it: inode, birth, bytes, when it was last written.
pub(super) type Face = (Inode, Option<u64>, u64, SystemTime);

/// A file that may be one of a log's, and is opened only when that has to be known.
pub(super) struct Spotted {
    pub path: PathBuf,
    pub sight: Sight,
    pub modified: SystemTime,
    bytes: u64,
    /// When it or what is known of it was last changed, in milliseconds since 1970: nobody can set that.
    pub changed: i64,
    pub content: Option<Content>,
    pub known: Option<Known>,
    /// It was renamed while it was looked at: another file has its name, or none.
    pub moved: bool,
}

impl Spotted {
    pub(super) fn of(path: PathBuf, metadata: &Metadata, content: Option<Content>, is_log: bool) -> Spotted {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = metadata.ctime() * 1000 + metadata.ctime_nsec() / 1_000_000;
        let (sight, bytes) = (Sight::of(metadata, is_log), metadata.len());
        Spotted { path, sight, modified, bytes, changed, content, known: None, moved: false }
    }

    pub(super) fn face(&self) -> Face {
        (self.sight.inode, self.sight.birth, self.bytes, self.modified)
    }

    /// When it was last written, in milliseconds since 1970.
    pub(super) fn modified_millis(&self) -> i64 {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Its content; `None` when it cannot be opened, or is another file by now.
    pub(super) fn open(&mut self) -> Option<&mut Content> {
        if self.content.is_none() {
            let opened = place::open(&self.path, false);
            self.moved |= match &opened {
                Ok((_, metadata)) => Inode::of(metadata) != self.sight.inode && self.has_another_name(),
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
            let (file, metadata) = opened.ok().filter(|_| !self.moved)?;
            self.sight = Sight::of(&metadata, self.sight.is_log);
            self.content = Content::of_copy(file).ok();
        }
        self.content.as_mut()
    }

    /// Whether its name shows another file by now; some file systems number an open file otherwise.
    fn has_another_name(&self) -> bool {
        let shown = fs::symlink_metadata(&self.path).map(|metadata| Inode::of(&metadata));
        shown.is_ok_and(|shown| shown != self.sight.inode)
    }

    /// Whether only the right to read it is missing.
    pub(super) fn is_denied(&self) -> bool {
        let is_denied = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        self.content.is_none() && place::open(&self.path, false).is_err_and(is_denied)
    }

    /// Whether it is this file or a copy of it; what cannot be read is not.
    pub(super) fn is_same(&mut self, known: &FollowedFile) -> bool {
        let sight = self.sight;
        self.open().is_some_and(|content| identity::is_same(content, sight, known).unwrap_or(false))
    }

    /// The file of these that it is or is a copy of; of several the one of which most has been read, or the first.
    pub(super) fn longest<'a>(
        &mut self,
        files: impl Iterator<Item = &'a FollowedFile>,
    ) -> Option<&'a FollowedFile> {
        let mut longest: Option<&FollowedFile> = None;
        for file in files {
            if longest.is_none_or(|longest| longest.offset < file.offset) && self.is_same(file) {
                longest = Some(file);
            }
        }
        longest
    }

    /// As the file that it is: one that was read to its end and goes on is read on.
    pub(super) fn known_as(&mut self, file: &FollowedFile) -> Known {
        let finished = file.finished && !self.goes_beyond(file.offset);
        Known { finished, ..Known::of(file) }
    }

    /// As a file that was read up to there, or whose content has been read elsewhere.
    pub(super) fn read_up_to(&mut self, offset: u64) -> Option<FollowedFile> {
        let head_bytes = offset.min(HEAD_BYTES_MAX);
        let content = self.open()?;
        let head = identity::head(content, head_bytes).ok()??;
        let before = identity::before(content, offset).ok()??;
        let Sight { inode, birth, .. } = self.sight;
        Some(FollowedFile {
            path: self.path.clone(),
            device: inode.device,
            inode: inode.inode,
            birth,
            head,
            head_bytes,
            offset,
            // When it was written says nothing about when its original was.
            mark: Some(Mark { offset, before, modified: 0 }),
            finished: true,
            ..FollowedFile::default()
        })
    }

    /// The same, if it is not compressed.
    pub(super) fn read_to_its_end(&mut self) -> Option<FollowedFile> {
        let length = self.open()?.metadata().ok()?.len();
        (!self.is_packed()).then(|| self.read_up_to(length)).flatten()
    }

    /// Its content once more.
    pub(super) fn again(&mut self) -> Option<Content> {
        self.open().and_then(|content| content.again().ok())
    }

    pub(super) fn has_any(&mut self) -> bool {
        self.goes_beyond(0)
    }

    /// Whether there is something at that place.
    pub(super) fn goes_beyond(&mut self, offset: u64) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(path: &std::path::Path) -> Spotted {
        Spotted::of(path.to_path_buf(), &fs::metadata(path).unwrap(), None, false)
    }

    #[test]
    fn a_file_whose_name_went_to_another_or_to_none_has_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("log.1"), folder.path().join("log.2"));
        fs::write(&first, "older").unwrap();
        let mut older = spot(&first);
        fs::rename(&first, &second).unwrap();
        assert!(older.open().is_none() && older.moved);
        let (mut older, _) = (spot(&second), fs::write(&first, "newer"));
        fs::rename(&first, &second).unwrap();
        assert!(older.open().is_none() && older.moved);
        let mut newer = spot(&second);
        assert!(newer.open().is_some() && !newer.moved);
    }
}
