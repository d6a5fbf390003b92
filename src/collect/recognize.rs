//! Which of the files beside a log are what it was rotated to, which are copies, and which are missing.

use super::identity::{Inode, Sight};
use super::rotation::{self, Candidate, Known};
use super::source::Source;
use super::spotted::Spotted;
use super::tail::Tail;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::fs;
use std::path::{Path, PathBuf};

impl Source {
    /// The other files in the log's folder that may be rotated forms of it; not opened, there may be thousands.
    pub(super) fn siblings(&self, log: usize) -> Vec<Spotted> {
        let path = &self.logs[log].path;
        let (Some(dir), Some(base)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Vec::new();
        };
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
        let mut found: Vec<Spotted> = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_one = name.to_str().is_some_and(|name| rotation::may_be_rotated(name, base));
            let is_log = self.logs.iter().any(|log| log.path == entry.path());
            if is_one
                && !is_log
                && let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                found.push(Spotted::of(entry.path(), &metadata, None, false));
            }
        }
        found
    }

    /// Finds out which of these the journal knows: by inode, and where one that was being read is missing, by content.
    /// What was `cut` is another file now.
    pub(super) fn recognize(&self, log: usize, found: &mut [Spotted], cut: Option<(Inode, FileNo)>) {
        let open: Vec<FollowedFile> = self.logs[log].tails.iter().map(Tail::remembered).collect();
        let known = || open.iter().chain(self.known.iter().rev());
        let may_be = |sight: Sight, known: &FollowedFile| Some((sight.inode, known.number)) != cut;
        for spotted in found.iter_mut() {
            let same_inode =
                known().filter(|known| spotted.sight.inode.is(known)).cloned().collect::<Vec<_>>();
            let sight = spotted.sight;
            let mut same_inode = same_inode.iter().filter(|known| may_be(sight, known));
            spotted.known = same_inode.find(|known| spotted.is_same(known)).map(Known::of);
        }
        let missing = |found: &[Spotted]| {
            let is_here =
                |number| found.iter().any(|it| it.known.is_some_and(|known| known.number == number));
            let mine = |file: &&FollowedFile| !file.finished && self.belongs(file, log);
            known().filter(mine).filter(|file| !is_here(file.number)).cloned().collect::<Vec<_>>()
        };
        let missing = missing(found);
        if missing.is_empty() {
            return;
        }
        let mut unknown: Vec<usize> = (0..found.len()).filter(|&at| found[at].known.is_none()).collect();
        unknown.sort_by_key(|&at| (!found[at].sight.is_log, std::cmp::Reverse(found[at].modified)));
        for at in unknown.into_iter().take(COMPARED_MAX) {
            let (was_open, sight) = (found[at].content.is_some(), found[at].sight);
            let mut missing = missing.iter().filter(|known| may_be(sight, known));
            let Some(file) = missing.find(|known| found[at].is_same(known)) else {
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

    /// Of what seems to be new, a copy of a file that is open or was read to its end is not: a log that was compressed
    /// since.
    pub(super) fn leave_out_copies(
        &self,
        log: usize,
        order: &mut Vec<Candidate>,
        found: &mut [Spotted],
        cut: Option<&Tail>,
    ) {
        // What is here itself has no copy in its place, only others that begin alike.
        let here: Vec<FileNo> = found.iter().filter_map(|it| it.known).map(|known| known.number).collect();
        let is_away = |file: &FollowedFile| !here.contains(&file.number);
        let away = self.logs[log].tails.iter().filter(|tail| is_away(&tail.file));
        let heads: Vec<Vec<u8>> = away.filter_map(Tail::head).collect();
        let away: Vec<&FollowedFile> =
            self.known.iter().filter(|file| file.offset > 0 && is_away(file)).collect();
        order.retain(|candidate| {
            let is_it = |spotted: &&mut Spotted| {
                (&spotted.path, spotted.sight.is_log) == (&candidate.path, candidate.is_log)
            };
            let Some(spotted) = found.iter_mut().find(is_it) else { return false };
            candidate.is_log
                || candidate.known.is_some()
                || !away.iter().any(|known| spotted.is_same(known) || spotted.is_read_part(known))
                    && !cut.is_some_and(|cut| spotted.is_read_part(&cut.file) || cut.has_read(spotted.open()))
                    && !heads.iter().any(|head| spotted.begins_with(head))
        });
        // A copy that is being made stands beside its original.
        let plain: Vec<PathBuf> =
            order.iter().map(|it| it.path.clone()).filter(|it| !rotation::is_compressed(it)).collect();
        order.retain(|candidate| {
            let name = candidate.path.file_name().and_then(|name| name.to_str()).map(rotation::plain_name);
            let original = name.map(|name| candidate.path.with_file_name(name));
            !rotation::is_compressed(&candidate.path) || original.is_none_or(|path| !plain.contains(&path))
        });
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
                    && !spotted.sight.inode.is(file)
                    && (!spotted.is_packed() || is_there_cut(file))
            };
            !file.finished && !is_open(file.number) && Some(file.number) != cut && found.iter().any(copy)
        };
        self.known.iter().filter(was_copied).cloned().collect()
    }
}

/// Files whose content is compared with that of one that is missing.
const COMPARED_MAX: usize = 64;
