//! What an open file is known by, so that it is found again: by the bytes that were read of it. Those that stand in it now
//! may be others.
//!
//! ```text
//! head    its first bytes      ┐ as they were read, and where they were not, as they stand there while the last ones
//! mark    those before a place ┘ that were read still do
//! ```

use super::Tail;
use crate::collect::content::Content;
use crate::collect::identity::{self, HEAD_BYTES_MAX};
use crate::journal::{FollowedFile, Mark};
use std::io;

impl Tail {
    /// Whether that is a part of what has been read, and ends within the last bytes of it: all of which can be told when
    /// the file itself is gone.
    pub(in crate::collect) fn has_read(&self, content: &mut Content) -> bool {
        let (before, end) = self.cutter.before();
        let (recent, through) = (self.memory.recent(), self.cutter.read_through());
        // Right after the start there is only what stands before the position.
        let (bytes, end) = if recent.len() < before.len() { (before, end) } else { (recent, through) };
        let start = end - bytes.len() as u64;
        let Ok(Some(last)) = content.after(start, bytes.len()) else { return false };
        let says_enough = start == 0 || last.len() as u64 >= HEAD_BYTES_MAX;
        let file = self.remembered();
        let head = identity::head(content, file.head_bytes);
        let begins_so = start == 0 || head.is_ok_and(|head| head == Some(file.head));
        !last.is_empty() && bytes.starts_with(&last) && says_enough && begins_so
    }

    /// The last bytes that are known of it before the place where it is read on, and where they begin.
    pub(super) fn known_before(&self) -> (u64, Vec<u8>) {
        match self.cutter.read_through() {
            // Of what is on trial the trial tells.
            0 if self.trial.is_some() => (0, Vec::new()),
            0 => (0, self.opened_with.clone()),
            end => {
                let last = self.cutter.last_read();
                (end - last.len() as u64, last)
            }
        }
    }

    /// Whether the last bytes that are known are still there: a file that was cut and has grown again past the position is
    /// another.
    pub(in crate::collect) fn is_still_before(&mut self) -> io::Result<bool> {
        let (place, known) = self.known_before();
        Ok(!self.is_another && self.content.has(&known, place)?)
    }

    /// Whether what is remembered of the bytes before its place still stands there.
    pub(super) fn has_before(&mut self, place: u64) -> bool {
        let (before, end) = self.cutter.before();
        let start = end - before.len() as u64;
        end != place || self.content.has(before, start).unwrap_or(false)
    }

    /// The first bytes that it had when it was opened, where nothing has been read of it.
    pub(in crate::collect) fn unread_head(&self) -> &[u8] {
        if self.cutter.read_through() == 0 { &self.opened_with } else { &[] }
    }

    /// That it was cut since it was opened is known.
    pub(in crate::collect) fn forget_opening(&mut self) {
        self.opened_with.clear();
    }

    /// What the file is at a place that has been read. Of a compressed copy it takes too long to say.
    pub(in crate::collect) fn mark_at(&mut self, offset: u64) -> Option<Mark> {
        if self.is_packed() {
            return None;
        }
        let (before, end) = self.cutter.before();
        let before = if end == offset && before.len() as u64 == offset.min(HEAD_BYTES_MAX) {
            identity::hash_of(before)
        } else {
            let before = identity::before(&mut self.content, offset).ok()??;
            self.is_still_before().ok().filter(|&is_still| is_still)?;
            before
        };
        Some(Mark { offset, before, modified: self.modified })
    }

    /// The file as it was before it was cut: by what has been read of it.
    pub(in crate::collect) fn remembered(&self) -> FollowedFile {
        let (before, end) = self.cutter.before();
        let modified = self.file.mark.map_or(0, |mark| mark.modified);
        let is_whole = end == self.file.offset && before.len() as u64 == end.min(HEAD_BYTES_MAX);
        let mark = is_whole.then(|| Mark { offset: end, before: identity::hash_of(before), modified });
        let mut file = FollowedFile { mark: mark.or(self.file.mark), ..self.file.clone() };
        let bytes = end.min(HEAD_BYTES_MAX);
        if let Some(first) = self.memory.first(bytes).filter(|_| bytes > file.head_bytes) {
            (file.head, file.head_bytes) = (identity::head_of(first), bytes);
        }
        file
    }

    /// Takes the head into the identity as far as it has been read. True when it is known better now.
    pub(in crate::collect) fn learn_head(&mut self) -> io::Result<bool> {
        let bytes = self.file.offset.min(HEAD_BYTES_MAX);
        if bytes <= self.file.head_bytes && !self.file.head.is_empty() {
            return Ok(false);
        }
        let head = match self.memory.first(bytes) {
            Some(first) => Some(identity::head_of(first)),
            None => {
                identity::head(&mut self.content, bytes)?.filter(|_| self.is_still_before().unwrap_or(false))
            }
        };
        if let Some(head) = head {
            (self.file.head, self.file.head_bytes) = (head, bytes);
        }
        Ok(true)
    }
}
