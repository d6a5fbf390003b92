//! Which of the files beside a log are what it was rotated to, which are copies, and which are missing.

use super::content::Content;
use super::identity::{Inode, Sight};
use super::rotation::{self, Known};
use super::source::Source;
use super::spotted::Spotted;
use super::tail::Tail;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

impl Source {
    /// The other files in the log's folder that may be rotated forms of it; not opened, there may be thousands.
    ///
    /// A folder that is read while files are renamed in it shows some twice and others not at all, so it is read again
    /// until it shows the same.
    pub(super) fn siblings(&self, log: usize) -> Vec<Spotted> {
        let places = |found: &[Spotted]| -> BTreeSet<(PathBuf, u64)> {
            found.iter().map(|it| (it.path.clone(), it.sight.inode.inode)).collect()
        };
        let mut found = self.listed(log);
        for _ in 0..LISTED_MAX {
            let again = self.listed(log);
            let is_same = places(&again) == places(&found);
            found = again;
            if is_same {
                break;
            }
        }
        let mut seen = HashSet::new();
        found.retain(|it| seen.insert((it.sight.inode.device, it.sight.inode.inode)));
        found
    }

    fn listed(&self, log: usize) -> Vec<Spotted> {
        let path = &self.logs[log].path;
        let (Some(dir), Some(base)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Vec::new();
        };
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
        let mut found: Vec<Spotted> = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            // There may be hundreds of logs in the folder, and each of them is asked for its own.
            if !name.to_str().is_some_and(|name| rotation::may_be_rotated(name, base)) {
                continue;
            }
            let path = entry.path();
            if !self.logs.iter().any(|log| log.path == path)
                && let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                found.push(Spotted::of(path, &metadata, None, false));
            }
        }
        found
    }

    /// All files that are known, as far as they have been read: those that are open, then the newest first.
    pub(super) fn files(&self) -> Vec<FollowedFile> {
        let mut files: Vec<FollowedFile> =
            self.logs.iter().flat_map(|log| &log.tails).map(Tail::remembered).collect();
        let is_open = |number| files.iter().any(|file| file.number == number);
        let others: Vec<FollowedFile> =
            self.known.iter().rev().filter(|file| !is_open(file.number)).cloned().collect();
        files.extend(others);
        files
    }

    /// Finds out which of these the journal knows: by inode, and where one that was being read is missing, by content.
    /// What was `cut` is another file now.
    pub(super) fn recognize(&self, log: usize, found: &mut [Spotted], cut: Option<(Inode, FileNo)>) {
        let files = self.files();
        let known = || files.iter();
        let may_be = |sight: Sight, known: &FollowedFile| Some((sight.inode, known.number)) != cut;
        for spotted in found.iter_mut() {
            let same_inode = known().filter(|known| spotted.sight.is(known)).cloned().collect::<Vec<_>>();
            let sight = spotted.sight;
            let same_inode = || same_inode.iter().filter(|known| may_be(sight, known));
            // What is open is what it is, whatever it was before.
            let open = same_inode().find(|file| self.is_open(log, file.number) && spotted.is_same(file));
            let file = open.or_else(|| spotted.longest(same_inode()));
            // Of what may not be read now nobody can tell whether it is still what it was.
            let denied = || same_inode().find(|file| !file.finished && spotted.is_denied());
            let file = file.or_else(denied);
            spotted.known = file.map(|file| spotted.known_as(file));
        }
        disown_cut_log(found, &known().cloned().collect::<Vec<_>>());
        let missing = |found: &[Spotted]| {
            let is_here =
                |number| found.iter().any(|it| it.known.is_some_and(|known| known.number == number));
            let mine = |file: &&FollowedFile| !file.finished && self.belongs(file, log);
            known().filter(mine).filter(|file| !is_here(file.number)).cloned().collect::<Vec<_>>()
        };
        let mut missing = missing(found);
        // Whoever agrees with more of it is the more likely to be it.
        missing.sort_by_key(|file| std::cmp::Reverse(file.offset));
        if missing.is_empty() {
            return;
        }
        let mut unknown: Vec<usize> = (0..found.len()).filter(|&at| found[at].known.is_none()).collect();
        unknown.sort_by_key(|&at| (!found[at].sight.is_log, std::cmp::Reverse(found[at].modified)));
        for at in unknown.into_iter().take(COMPARED_MAX) {
            let (was_open, sight) = (found[at].content.is_some(), found[at].sight);
            let mut likely: Vec<&FollowedFile> =
                missing.iter().filter(|known| may_be(sight, known)).collect();
            // Whether what has the log's place is a copy of what is open is found out byte for byte.
            likely.retain(|known| !(sight.is_log && self.is_open(log, known.number)));
            likely.retain(|known| found[at].is_same(known));
            // Of several that begin so, it is the one that has all of it.
            let whole = likely.iter().find(|known| self.has_all(log, known.number, &mut found[at]));
            let Some(&file) = whole.or(likely.first()) else {
                if !was_open {
                    found[at].content = None;
                }
                continue;
            };
            // Of several that begin so, the oldest is the copy: others may be logs that began alike.
            let of_number = |it: &&mut Spotted| it.known.is_some_and(|known| known.number == file.number);
            if let Some(newer) = found.iter_mut().find(of_number) {
                newer.known = None;
            }
            found[at].known = Some(Known::of(file));
        }
    }

    pub(super) fn is_open(&self, log: usize, number: FileNo) -> bool {
        self.logs[log].tails.iter().any(|tail| tail.file.number == number)
    }

    /// Whether that file is open and has all that the other one has beyond what was read.
    fn has_all(&self, log: usize, number: FileNo, other: &mut Spotted) -> bool {
        let tail = self.logs[log].tails.iter().find(|tail| tail.file.number == number);
        tail.is_some_and(|tail| {
            tail.content().is_ok_and(|mut mine| other.is_part_of(&mut mine, tail.file.offset))
        })
    }

    /// The files of this log that were being read, are not open, and are nowhere.
    pub(super) fn lost(&self, log: usize, found: &[Spotted]) -> Vec<FollowedFile> {
        let is_here = |number: FileNo| {
            found.iter().any(|spotted| spotted.known.is_some_and(|known| known.number == number))
                || self.logs.iter().flat_map(|log| &log.tails).any(|tail| tail.file.number == number)
        };
        let mine = |file: &&FollowedFile| !file.finished && self.belongs(file, log) && !is_here(file.number);
        self.known.iter().filter(mine).cloned().collect()
    }

    /// When the last file that was read to its end had been written, where no file is known that is not.
    pub(super) fn last_finished(&self, log: usize, found: &[Spotted]) -> Option<i64> {
        let is_at_an_end = found.iter().all(|spotted| spotted.known.is_none_or(|known| known.finished));
        let finished = self.known.iter().filter(|file| file.finished && self.belongs(file, log));
        finished.filter_map(|file| file.mark).map(|mark| mark.modified).max().filter(|_| is_at_an_end)
    }

    /// Whether a file that the journal knows is one of this log's.
    pub(super) fn belongs(&self, file: &FollowedFile, log: usize) -> bool {
        let path = &self.logs[log].path;
        let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        self.logs.len() == 1
            || file.path == *path
            || file.path.parent() == path.parent()
                && name(&file.path)
                    .zip(name(path))
                    .is_some_and(|(name, base)| rotation::may_be_rotated(&name, &base))
    }

    /// Whether the log that is open was copied and cut, and has grown again as it had been: a copy of it goes on otherwise.
    pub(super) fn was_copied_and_cut(&mut self, log: usize) -> bool {
        let mut others = self.siblings(log);
        self.give_unpacked(log, &mut others);
        let was_cut = self.goes_on_in_one_of(log, &mut others);
        self.keep_unpacked(log, others);
        was_cut
    }

    fn goes_on_in_one_of(&self, log: usize, others: &mut [Spotted]) -> bool {
        let Some(tail) = self.logs[log].tails.back() else { return false };
        let (file, Ok(mut content)) = (tail.remembered(), tail.content()) else { return false };
        let is_open = |it: &Spotted| self.logs[log].tails.iter().any(|tail| tail.inode() == it.sight.inode);
        let is_known =
            |it: &mut Spotted| self.known.iter().any(|known| it.sight.inode.is(known) && it.is_same(known));
        let is_done_with = |it: &Spotted| self.logs[log].done_with.contains(&it.face());
        let mut open: Vec<Content> =
            self.logs[log].tails.iter().filter(|it| it.rotated).filter_map(|it| it.content().ok()).collect();
        let (files, from) = (self.files(), file.offset);
        others.iter_mut().filter(|it| !is_open(it) && !is_done_with(it)).any(|other| {
            !is_known(other)
                && goes_on_otherwise(other, &file, &mut content, &files)
                && !open.iter_mut().any(|mine| other.is_part_of(mine, from))
        })
    }

    /// The files that were being read and go on in a copy: they were copied and then cut, for else they would still be
    /// there. A compressed copy is made of a file that nobody writes to.
    pub(super) fn copied(&self, found: &[Spotted], cut: Option<FileNo>) -> Vec<FollowedFile> {
        let is_open =
            |number| self.logs.iter().flat_map(|log| &log.tails).any(|tail| tail.file.number == number);
        let is_there_cut = |file: &FollowedFile| found.iter().any(|spotted| spotted.sight.is(file));
        let was_copied = |file: &&FollowedFile| {
            let copy = |spotted: &Spotted| {
                let is_it = spotted.known.is_some_and(|known| known.number == file.number);
                is_it
                    && !spotted.sight.is_log
                    && !spotted.sight.is(file)
                    && (!spotted.is_packed() || is_there_cut(file))
            };
            !file.finished && !is_open(file.number) && Some(file.number) != cut && found.iter().any(copy)
        };
        self.known.iter().filter(was_copied).cloned().collect()
    }
}

/// The log may have been copied and cut and have grown again as it had been: then a copy of it goes on otherwise, and it
/// is another file.
fn disown_cut_log(found: &mut [Spotted], known: &[FollowedFile]) {
    let Some((log, others)) = found.split_first_mut() else { return };
    let number = log.known.filter(|_| log.sight.is_log).map(|known| known.number);
    let Some(file) = known.iter().find(|file| Some(file.number) == number) else { return };
    let Some(mut content) = log.again() else { return };
    let mut others = others.iter_mut().filter(|other| other.known.is_none());
    if others.any(|other| goes_on_otherwise(other, file, &mut content, known)) {
        log.known = None;
    }
}

/// Whether another file is a copy of that one, made since that was last read, and has something that is not in it now.
/// A copy of one of which more was read is none.
fn goes_on_otherwise(
    other: &mut Spotted,
    file: &FollowedFile,
    content: &mut Content,
    known: &[FollowedFile],
) -> bool {
    let is_new = file.offset > 0 && file.mark.is_some_and(|mark| other.changed >= mark.modified);
    let was_open = other.content.is_some();
    let goes_on = is_new
        && other.is_same(file)
        && !other.is_part_of(content, file.offset)
        && !known.iter().any(|longer| longer.offset > file.offset && other.is_same(longer));
    if !goes_on && !was_open {
        other.content = None;
    }
    goes_on
}

/// How often a folder is read again that changes all the time.
const LISTED_MAX: usize = 8;
/// Files whose content is compared with that of one that is missing.
const COMPARED_MAX: usize = 64;
