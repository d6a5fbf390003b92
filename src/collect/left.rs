//! Files beside a log of which nothing is left to read: whoever has not noticed a rotation may still write to them.
//!
//! ```text
//! as it was    it is looked at again
//! has grown    what is new in it is read, unless an open file has that, too: then it is a copy that is being made
//! gone         what has come since is looked through for a copy of it that goes on
//! ```

use super::copies::small_copy;
use super::identity::{HEAD_BYTES_MAX, Inode, Sight};
use super::log::Log;
use super::place;
use super::rotation::{self, Known};
use super::source::{Round, Source, progress_of, remember};
use super::spotted::Spotted;
use super::tail::Tail;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::fs::{self, Metadata};
use std::io;
use std::path::PathBuf;

/// A file that is not compressed, up to where everything in it has been read, in it or elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub path: PathBuf,
    /// Without a number it is a copy of what is read elsewhere.
    pub file: FollowedFile,
    /// When it had last been written, in milliseconds since 1970.
    pub modified: i64,
}

impl Left {
    /// As it was when it was read to its end, or as it is now.
    pub(super) fn new(spotted: &Spotted, file: FollowedFile) -> Left {
        let read = file.mark.map(|mark| mark.modified).filter(|&modified| modified > 0);
        Left { path: spotted.path.clone(), file, modified: read.unwrap_or(spotted.modified_millis()) }
    }

    pub(super) fn inode(&self) -> Inode {
        Inode { device: self.file.device, inode: self.file.inode }
    }

    /// What the file system says of it, if it is where it was.
    fn metadata(&self) -> Option<Metadata> {
        let metadata = fs::symlink_metadata(&self.path).ok()?;
        Sight::of(&metadata, false).is(&self.file).then_some(metadata)
    }

    /// The file, if it has grown.
    fn grown(&self) -> Option<Spotted> {
        let metadata = self.metadata().filter(|metadata| metadata.len() > self.file.offset)?;
        Some(Spotted::of(self.path.clone(), &metadata, None, false))
    }

    /// Whether it is that file, which has nothing that was not read.
    pub(super) fn is_all_of(&self, spotted: &mut Spotted) -> bool {
        spotted.sight.is(&self.file) && spotted.is_same(&self.file) && !spotted.goes_beyond(self.file.offset)
    }

    /// Whether it may be read now.
    fn is_allowed(&self) -> bool {
        place::open(&self.path, false).is_ok()
    }

    /// Whether it is not where it was, or is another one now.
    fn is_gone(&self) -> bool {
        let is_shorter = self.metadata().is_none_or(|metadata| metadata.len() < self.file.offset);
        is_shorter || self.grown().is_some_and(|mut grown| !grown.is_same(&self.file))
    }
}

impl Source {
    /// Whether a file that was left is gone, or one that could not be read can be.
    pub(super) fn misses_left(&self, log: usize) -> bool {
        self.logs[log].left.iter().any(Left::is_gone) || self.logs[log].denied.iter().any(Left::is_allowed)
    }

    /// Since when there may be something that goes on where a file that was left and is gone did not.
    pub(super) fn gone_since(&mut self, log: usize, found: &mut [Spotted]) -> Option<i64> {
        let mut gone = Vec::new();
        self.logs[log].left.retain_mut(|left| {
            let mut found = found.iter_mut().filter(|it| it.sight.is(&left.file));
            let moved = found.find_map(|it| it.is_same(&left.file).then(|| it.path.clone()));
            let is_here = moved.is_some();
            match moved {
                Some(path) => left.path = path,
                None => gone.push(left.modified),
            }
            is_here
        });
        let denied = &mut self.logs[log].denied;
        gone.extend(denied.iter().map(|denied| denied.modified));
        denied
            .retain(|denied| !denied.is_allowed() && found.iter().any(|it| it.sight.inode == denied.inode()));
        gone.into_iter().min()
    }

    /// Reads on what has grown of the files that were left.
    pub(super) fn look_at_left(&mut self, log: usize, round: &mut Round<'_>) -> io::Result<()> {
        for mut left in std::mem::take(&mut self.logs[log].left) {
            let grown = left.grown().filter(|_| !left.is_gone());
            let Some(mut spotted) = grown else {
                self.logs[log].left.push(left);
                continue;
            };
            let open = &self.logs[log].tails;
            if open.iter().any(|tail| tail.inode() == left.inode()) {
                continue;
            }
            let is_copy = |tail: &Tail| tail.content().is_ok_and(|mut mine| spotted.is_part_of(&mut mine, 0));
            if open.iter().any(is_copy) {
                left.file = spotted.read_to_its_end().unwrap_or(left.file);
                self.logs[log].left.push(left);
                continue;
            }
            if left.file.number == FileNo::default() {
                // The line that it ended in is read whole.
                let end = spotted.open().and_then(|content| content.line_end_before(left.file.offset).ok());
                let Some(file) = end.and_then(|end| spotted.read_up_to(end)) else { continue };
                left.file = self.number(file, round);
                round.input.files.push(left.file.clone());
                remember(&mut self.known, &left.file);
            }
            spotted.known = Some(Known { number: left.file.number, finished: false });
            self.open_all(log, vec![spotted.candidate()], vec![spotted], round)?;
        }
        Ok(())
    }

    /// A file was read to its end: it is looked at once in a while, and copies of it are known while it is open.
    pub(super) fn leave(&mut self, log: usize, tail: &Tail, round: &mut Round<'_>) {
        if tail.is_packed() {
            return;
        }
        let others = self.siblings(log);
        if let Some(it) = others.iter().find(|it| it.sight.inode == tail.inode()) {
            return self.logs[log].leave(Left::new(it, tail.file.clone()));
        }
        if tail.file.offset >= HEAD_BYTES_MAX {
            return;
        }
        for mut other in others.into_iter().filter(|it| rotation::is_compressed(&it.path)) {
            let is_known = self.known.iter().any(|file| other.sight.is(file));
            let is_copy = |mut mine| !is_known && other.is_part_of(&mut mine, 0);
            if tail.content().is_ok_and(is_copy)
                && let Some(copy) = small_copy(&mut other)
                && copy.offset <= tail.file.offset
            {
                self.remember_copy(copy, round);
            }
        }
    }

    /// Files that were read to their ends are looked at once in a while: somebody may not have noticed a rotation.
    pub(super) fn leave_finished(&mut self, log: usize, found: &[Spotted]) {
        if self.looked.is_none() {
            // Whatever has become of them while nobody looked.
            let is_one = |file: &&FollowedFile| file.finished && file.entries > 0 && self.belongs(file, log);
            for file in self.known.iter().filter(is_one).cloned().collect::<Vec<_>>() {
                let modified = file.mark.map_or(i64::MAX, |mark| mark.modified);
                self.logs[log].leave(Left { path: file.path.clone(), file, modified });
            }
        }
        for left in found {
            let number = left.known.filter(|known| known.finished && !left.is_packed()).map(|it| it.number);
            let file = self.known.iter().find(|file| Some(file.number) == number);
            if let Some(file) = file.cloned() {
                self.logs[log].leave(Left::new(left, file));
            }
        }
    }

    /// What is in that copy has been read elsewhere. A tear within the batch leaves it as a file of which nothing was read.
    pub(super) fn remember_copy(&mut self, copy: FollowedFile, round: &mut Round<'_>) {
        let copy = self.number(copy, round);
        round.input.files.push(FollowedFile { offset: 0, mark: None, finished: false, ..copy.clone() });
        round.input.progress.push(progress_of(&copy, copy.mark));
        remember(&mut self.known, &copy);
        self.forget_some();
    }

    fn number(&self, file: FollowedFile, round: &mut Round<'_>) -> FollowedFile {
        round.last_file.0 += 1;
        FollowedFile { number: *round.last_file, source: self.name.clone(), ..file }
    }

    /// Copies of that file whose content has been read by now are nothing new any more.
    pub(super) fn remember_copies_of(&mut self, log: usize, at: usize, round: &mut Round<'_>) {
        let Log { tails, copies, .. } = &mut self.logs[log];
        let Some((inode, offset)) = tails.get(at).map(|tail| (tail.inode(), tail.file.offset)) else {
            return;
        };
        let is_read = |of: &Inode, copy: &FollowedFile| *of == inode && copy.offset <= offset;
        let read: Vec<_> = copies.extract_if(.., |(of, copy)| is_read(of, copy)).collect();
        read.into_iter().for_each(|(_, copy)| self.remember_copy(copy, round));
    }
}
