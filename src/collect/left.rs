//! Files that were read to their ends: somebody may still write to them, and copies of them are nothing new.

use super::identity::{HEAD_BYTES_MAX, Inode};
use super::recognize::small_copy;
use super::rotation;
use super::source::{Round, Source, remember};
use super::spotted::Spotted;
use super::tail::Tail;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::fs;
use std::io;
use std::path::PathBuf;

impl Source {
    /// Whoever has not noticed a rotation may write to files that were left: then they are read on, or a copy that was
    /// made since.
    pub(super) fn look_at_left(&mut self, log: usize, round: &mut Round<'_>) -> io::Result<()> {
        for (path, number) in std::mem::take(&mut self.logs[log].left) {
            let known = self.known.iter().find(|file| file.number == number && file.finished).cloned();
            let Some(file) = known else { continue };
            let metadata = fs::symlink_metadata(&path).ok();
            let is_here = metadata.as_ref().is_some_and(|metadata| Inode::of(metadata).is(&file));
            let spotted = match metadata.filter(|_| is_here) {
                Some(metadata) if metadata.len() <= file.offset => {
                    self.logs[log].left.push((path, number));
                    continue;
                }
                Some(metadata) => Some(Spotted::of(path, &metadata, None, false)),
                None => self.siblings(log).into_iter().find_map(|it| grown_copy(it, &file)),
            };
            let Some(mut spotted) = spotted else { continue };
            let is_open = self.logs[log].tails.iter().any(|tail| tail.inode() == spotted.sight.inode);
            if is_open || !spotted.is_same(&file) {
                continue;
            }
            spotted.known = Some(spotted.known_as(&file));
            if spotted.known.is_some_and(|known| known.finished) {
                self.logs[log].left.push((spotted.path, number));
            } else {
                self.open_all(log, vec![spotted.candidate()], vec![spotted], round)?;
            }
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
            return self.logs[log].leave(it.path.clone(), tail.file.number);
        }
        if tail.file.offset >= HEAD_BYTES_MAX {
            return;
        }
        for mut other in others.into_iter().filter(|it| rotation::is_compressed(&it.path)) {
            let is_known = self.known.iter().any(|file| other.sight.is(file));
            let is_copy = |mut mine| !is_known && other.is_part_of(&mut mine, 0);
            if tail.content().is_ok_and(is_copy)
                && let Some(copy) = small_copy(&mut other, tail.file.offset)
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
            let finished: Vec<(PathBuf, FileNo)> =
                self.known.iter().filter(is_one).map(|file| (file.path.clone(), file.number)).collect();
            finished.into_iter().for_each(|(path, number)| self.logs[log].leave(path, number));
        }
        for left in found {
            if let Some(known) = left.known.filter(|known| known.finished && !left.is_packed()) {
                self.logs[log].leave(left.path.clone(), known.number);
            }
        }
    }

    pub(super) fn remember_copy(&mut self, mut copy: FollowedFile, round: &mut Round<'_>) {
        round.last_file.0 += 1;
        (copy.number, copy.source) = (*round.last_file, self.name.clone());
        round.input.files.push(copy.clone());
        remember(&mut self.known, &copy);
        self.forget_some();
    }
}

/// The file itself under another name, or a copy of it that goes on.
fn grown_copy(mut other: Spotted, file: &FollowedFile) -> Option<Spotted> {
    let is_new = file.mark.is_some_and(|mark| other.changed >= mark.modified);
    let is_it = other.sight.is(file) || is_new && other.is_same(file) && !other.known_as(file).finished;
    is_it.then_some(other)
}
