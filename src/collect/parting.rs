//! A file that was being read is gone or was cut: what is left of it is read, and what may be lost is told.

use super::gap::{Gap, Loss};
use super::growth::LOOKED;
use super::identity::Inode;
use super::left::Left;
use super::place;
use super::rotation::Candidate;
use super::source::{Round, Source, progress_of, remember};
use super::spotted::Spotted;
use super::tail::Tail;
use crate::dialect::End;
use crate::journal::FollowedFile;
use crate::model::{Action, FileNo, Outcome};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// What has become of a file that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    Done,
    /// Only the entry that it ends with has to be read again.
    Kept,
    /// Copies of it have to be unpacked first.
    Later,
}

impl Source {
    pub(super) fn tell_copied(&mut self, file: &FollowedFile, round: &mut Round<'_>) {
        self.status.truncations += 1;
        let message = format!(
            "{} was copied and cut while nobody looked; what the copy has beyond byte {} is read, and what was written \
             between may be lost",
            file.path.display(),
            file.offset
        );
        self.tell_gap(Gap { loss: Loss::Truncated, bytes: None, message }, round);
    }

    /// Files to be read that nobody knows, where the log has had its place all the time and was cut: copies that were made
    /// of it meanwhile, after each of which it was cut. `former` are the files that were being read, and go on elsewhere
    /// or are gone.
    pub(super) fn copies_between<'f>(
        &self,
        log: usize,
        order: &[&Candidate],
        found: &[Spotted],
        mut former: impl Iterator<Item = &'f FollowedFile>,
    ) -> Vec<PathBuf> {
        let was_cut = |now: &Spotted| match now.known {
            None => former.any(|file| now.sight.is(file)),
            Some(known) => self.was_written_unread(log, now, known.number),
        };
        if !found.iter().find(|it| it.sight.is_log).is_some_and(was_cut) {
            return Vec::new();
        }
        let is_denied = |path: &PathBuf| found.iter().any(|it| it.path == *path && it.is_denied());
        let unknown = order.iter().filter(|it| !it.is_log && it.known.is_none() && !is_denied(&it.path));
        unknown.map(|copy| copy.path.clone()).collect()
    }

    /// Whether a log that was empty has been written, and nothing was read of it: nobody can see whether it was cut.
    fn was_written_unread(&self, log: usize, now: &Spotted, number: FileNo) -> bool {
        let is_begun = |tail: &Tail| tail.file.number == number && tail.cutter.read_through() > 0;
        let file = self.files().into_iter().find(|file| file.number == number && file.offset == 0);
        let is_written =
            |file: FollowedFile| file.mark.is_some_and(|mark| mark.modified != now.modified_millis());
        file.is_some_and(is_written) && !self.logs[log].tails.iter().any(is_begun)
    }

    /// A log was copied and cut several times before anybody looked: each time something may have been lost.
    pub(super) fn tell_copies_between(&mut self, log: usize, copies: &[PathBuf], round: &mut Round<'_>) {
        let about = Some(self.logs[log].habit.unseen(LOOKED)).filter(|&bytes| bytes > 0);
        for copy in copies {
            self.status.truncations += 1;
            let message = format!(
                "{} was copied to {} and cut before anybody had looked; that copy is read, and what was written between \
                 may be lost",
                self.logs[log].path.display(),
                copy.display()
            );
            self.tell_gap(Gap { loss: Loss::Truncated, bytes: about, message }, round);
        }
    }

    /// A file that was being read is gone, or its log was cut while nobody looked.
    pub(super) fn tell_lost(&mut self, mut file: FollowedFile, found: &[Spotted], round: &mut Round<'_>) {
        let cut = found.iter().any(|spotted| spotted.sight.is_log && spotted.sight.is(&file));
        let (loss, what) = if cut {
            self.status.truncations += 1;
            (Loss::Truncated, "was cut or rewritten while nobody looked")
        } else {
            (Loss::Vanished, "is gone: nothing that is there begins as it did")
        };
        let message = format!(
            "{} {what}; {} bytes of it had been read, and what was written to it after that may be lost",
            file.path.display(),
            file.offset
        );
        file.finished = true;
        round.input.progress.push(progress_of(&file, file.mark));
        remember(&mut self.known, &file);
        self.tell_gap(Gap { loss, bytes: None, message }, round);
    }

    /// A rotated file cannot be opened: for now, if only the right to do so is missing.
    pub(super) fn cannot_open(
        &mut self,
        log: usize,
        file: &Candidate,
        error: &io::Error,
        round: &mut Round<'_>,
    ) {
        let metadata = fs::symlink_metadata(&file.path).ok();
        let spotted = metadata.map(|metadata| Spotted::of(file.path.clone(), &metadata, None, false));
        let face = spotted.as_ref().map(Spotted::face);
        let Some(spotted) = spotted.filter(|_| error.kind() == io::ErrorKind::PermissionDenied) else {
            self.logs[log].done_with.extend(face);
            return self.tell_unreadable(file, error, round);
        };
        let Inode { device, inode } = spotted.sight.inode;
        let denied = FollowedFile { device, inode, birth: spotted.sight.birth, ..FollowedFile::default() };
        if self.logs[log].add_denied(Left::new(&spotted, denied)) {
            let path = file.path.display();
            let message = format!("cannot read {path}: {error}; it is read as soon as that is allowed");
            self.tell_gap(Gap { loss: Loss::Unreadable, bytes: None, message }, round);
        }
    }

    /// A rotated file cannot be opened, or not be read on.
    pub(super) fn tell_unreadable(&mut self, file: &Candidate, error: &io::Error, round: &mut Round<'_>) {
        let path = file.path.display();
        let message = format!("cannot read {path}: {error}; what it holds and has not been read is lost");
        if let Some(known) = file.known
            && let Some(known) = self.known.iter_mut().find(|it| it.number == known.number)
        {
            known.finished = true;
            round.input.progress.push(progress_of(known, known.mark));
        }
        self.tell_gap(Gap { loss: Loss::Unreadable, bytes: None, message }, round);
    }

    /// The file was cut or rewritten in place: what is left of it is read from its copy, if there is one, then what came
    /// in between, and the file from its beginning as another.
    pub(super) fn replaced(
        &mut self,
        log: usize,
        at: usize,
        now_bytes: u64,
        round: &mut Round<'_>,
    ) -> Parting {
        if self.logs[log].tails[at].begin_entry_anew() {
            self.status.truncations += 1;
            let tail = &self.logs[log].tails[at];
            let message = format!(
                "{} was cut or rewritten from byte {} on, in the midst of an entry; it is read again from there",
                tail.path.display(),
                tail.file.offset
            );
            self.tell(Action::SOURCE_TRUNCATED, Outcome::Failure, message, round);
            return Parting::Kept;
        }
        if self.unpacks(log) {
            return Parting::Later;
        }
        self.cut_off(log, at, now_bytes, round);
        Parting::Done
    }

    /// Files that were cut are others now. True when there were any: then all that is there has been looked at,
    /// or is later.
    pub(super) fn part_with_cut_ones(&mut self, log: usize, round: &mut Round<'_>) -> bool {
        let (mut at, mut any) = (0, false);
        while at < self.logs[log].tails.len() {
            match self.logs[log].tails[at].cut_to() {
                Ok(Some(now_bytes)) => match self.replaced(log, at, now_bytes, round) {
                    Parting::Done => any = true,
                    Parting::Kept => {}
                    Parting::Later => return true,
                },
                Ok(None) | Err(_) => at += 1,
            }
        }
        any
    }

    /// What is at the place of an open file is another one.
    pub(super) fn cut_off(&mut self, log: usize, at: usize, now_bytes: u64, round: &mut Round<'_>) {
        self.status.truncations += 1;
        let Some(old) = self.logs[log].tails.remove(at) else { return };
        let file = old.remembered();
        let path = old.path.display();
        let message = format!(
            "{path} was cut or rewritten after {} bytes had been read and has {now_bytes} bytes now",
            file.offset
        );
        self.tell(Action::SOURCE_TRUNCATED, Outcome::Failure, message, round);
        remember(&mut self.known, &file);
        let links = round.settings.sources[self.at].follow_symlinks;
        let current = match place::open(&self.logs[log].path, links) {
            Ok(current) => Some(current),
            Err(error) => {
                self.logs[log].fail(&error);
                None
            }
        };
        if let Err(error) = self.take_over(log, current, Some(old), round) {
            self.logs[log].fail(&error);
        }
    }

    /// What a file that was cut had last: its rest, if no copy of it is read, and the gap. The copy that this is told of.
    pub(super) fn part_with(
        &mut self,
        log: usize,
        mut old: Tail,
        found: &mut [Spotted],
        between: &[PathBuf],
        round: &mut Round<'_>,
    ) -> Option<PathBuf> {
        let read_on = |it: &Spotted| it.known.is_some_and(|known| known.number == old.file.number);
        let is_read_on = found.iter().any(read_on);
        let copy = match found.iter().position(read_on) {
            Some(copy) => Some(copy),
            None => copy_of_unread(&old, found, between),
        };
        let copy = copy.map(|copy| &found[copy]);
        let copied_to = copy.map(|copy| copy.path.clone());
        let Missing { saved, lost, about } = Missing::of(&old, copy);
        self.logs[log].habit = old.growth.habit.clone();
        self.logs[log].keep_saved(old.inode(), saved);
        let (path, mut file) = (old.path.display().to_string(), old.remembered());
        let rest = match &copied_to {
            Some(copy) => format!("what {} has beyond that is read", copy.display()),
            None => "no copy of it was found".to_owned(),
        };
        if !is_read_on {
            let begun = old.begun();
            if !begun.is_empty() && found.iter_mut().any(|it| it.begins_with(&begun)) {
                // Its first entry has no end yet, and is whole in a copy.
                old.forget_begun();
            }
            self.logs[log].tails.push_front(old);
            self.take_entries(log, 0, End::Final, round);
            if let Some(old) = self.logs[log].tails.pop_front() {
                // Should the same come back, the entry that had no end is read whole.
                (file.entries, file.passed_over) = (old.file.entries, old.file.passed_over);
            }
            file.finished = true;
            round.input.files.push(file.clone());
            round.input.progress.push(progress_of(&file, file.mark));
            remember(&mut self.known, &file);
        }
        let lost = match lost {
            0 => "entries that were written just before it are lost if there were any: as it grew of late,"
                .to_owned(),
            _ => format!("{lost} bytes that were there are lost, and what was written after them: in all"),
        };
        let message = format!("{path} was cut or rewritten: {rest}; {lost} about {about} bytes");
        self.tell_gap(Gap { loss: Loss::Truncated, bytes: Some(about), message }, round);
        copied_to
    }

    /// Zeros, and something after them: what was before them is an entry, whole or not, and the next begins behind.
    pub(super) fn pass_hole(&mut self, log: usize, at: usize, until: u64, round: &mut Round<'_>) {
        self.take_entries(log, at, End::Final, round);
        let tail = &mut self.logs[log].tails[at];
        let (from, inode, path) = (tail.file.offset, tail.inode(), tail.path.display().to_string());
        tail.skip_to(until);
        let saved = self.logs[log].saved.take_if(|(of, saved)| from == 0 && *of == inode && *saved <= until);
        let Some((_, saved)) = saved else {
            let bytes = until.saturating_sub(from);
            let message =
                format!("{path} has {bytes} zeros from byte {from} on, where something else may have been");
            return self.tell_gap(Gap { loss: Loss::Hole, bytes: Some(bytes), message }, round);
        };
        let kept = format!("{path} is written on from byte {until}, where its writer was before it was cut");
        if saved == until {
            let message = format!("{kept}: nothing is missing between what was read and the cut");
            return self.tell(Action::SOURCE_TRUNCATED, Outcome::Success, message, round);
        }
        let lost = until - saved;
        let message = format!("{kept}: exactly {lost} bytes are lost, those from byte {saved} on");
        self.tell_gap(Gap { loss: Loss::Truncated, bytes: Some(lost), message }, round);
    }
}

/// Where among those that nobody knows the newest copy is of a log of which nothing had been read when it was cut: it begins
/// as that did.
fn copy_of_unread(old: &Tail, found: &mut [Spotted], between: &[PathBuf]) -> Option<usize> {
    let head = old.unread_head();
    let is_copy = |it: &mut Spotted| between.contains(&it.path) && it.begins_with(head);
    let copies = found.iter_mut().enumerate().filter_map(|(at, it)| is_copy(it).then_some((it.modified, at)));
    copies.max().map(|(_, at)| at).filter(|_| !head.is_empty())
}

/// What is missing of a log that was cut, in bytes.
struct Missing {
    /// How far it was read or is in a copy that can be read; `None` where the copy is compressed.
    saved: Option<u64>,
    /// What was there when it was last looked at, and is not saved.
    lost: u64,
    /// That, and about how much more.
    about: u64,
}

impl Missing {
    fn of(old: &Tail, copy: Option<&Spotted>) -> Missing {
        let (read, now) = (old.cutter.read_through(), Instant::now());
        let saved = match copy {
            Some(copy) if copy.is_packed() => None,
            Some(copy) => Some(read.max(copy.length().unwrap_or(0))),
            None => Some(read),
        };
        // A compressed copy has been made since it was looked at.
        let lost = saved.map_or(0, |saved| old.growth.seen_after(saved));
        // A log is cut as soon as its copy is made.
        Missing { saved, lost, about: lost + old.growth.unseen(now, copy.map(|_| LOOKED)) }
    }
}
