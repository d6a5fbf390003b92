//! Finding a log's files: the log at its path, what it was rotated to, what took its place.

use super::choice::Choice;
use super::content::Content;
use super::copies::small_copy;
use super::identity::{Inode, Sight};
use super::log::{CLAIM, Log};
use super::place;
use super::rotation::{self, Candidate, Known};
use super::settings::Start;
use super::source::{Round, Source, remember};
use super::spotted::Spotted;
use super::tail::Tail;
use super::unseen;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::fs::{File, Metadata};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

impl Source {
    /// Looks at what the path means now, and at each log: whether it is still the one that is open, and what it was
    /// rotated to.
    pub(super) fn look(&mut self, round: &mut Round<'_>) {
        let path = &round.settings.sources[self.at].path;
        match place::logs(path) {
            Ok((mut paths, beyond)) => {
                self.error.clear();
                if beyond > 0 {
                    self.error =
                        format!("{} logs match, {beyond} of them are not read", paths.len() + beyond);
                }
                self.leave_out_own(&mut paths, round);
                let is_several = place::means_several(path);
                if is_several && self.looked.is_none() {
                    self.add_former_logs();
                }
                self.logs.retain(|log| {
                    !is_several || log.is_new() || !log.tails.is_empty() || paths.contains(&log.path)
                });
                for path in paths {
                    if !self.logs.iter().any(|log| log.path == path) {
                        self.logs.push(Log::new(path, is_several));
                    }
                }
            }
            Err(error) => self.error = format!("cannot read {}: {error}", path.display()),
        }
        // All that it may have open; what it does not need is for others.
        let may_be_open = round.spare.saturating_add(self.claims());
        for log in 0..self.logs.len() {
            let claimed = self.logs.iter().map(Log::claims).sum();
            round.spare = may_be_open.saturating_sub(claimed);
            self.look_at(log, round);
        }
        round.spare = may_be_open.saturating_sub(self.claims());
        self.is_fresh &= self.known.is_empty();
    }

    /// Logs that were being read and match no more: they may have been renamed while nobody looked.
    fn add_former_logs(&mut self) {
        let former: Vec<PathBuf> =
            self.known.iter().filter(|file| !file.finished).map(|file| file.path.clone()).collect();
        for path in former {
            if !self.logs.iter().any(|log| log.path == path) {
                self.logs.push(Log::new(path, true));
            }
        }
    }

    fn look_at(&mut self, log: usize, round: &mut Round<'_>) {
        let path = self.logs[log].path.clone();
        match place::open(&path, round.settings.sources[self.at].follow_symlinks) {
            Ok(_) if self.logs[log].tails.is_empty() && round.spare < CLAIM => {
                let open = round.settings.open_files_max;
                self.is_missing(log, &io::Error::other(format!("{NO_ROOM} ({open}): {MORE_ROOM}")), round);
            }
            Ok((file, metadata)) => {
                self.is_there(log, round);
                let inode = Inode::of(&metadata);
                let others = self.logs.iter().enumerate().filter(|(at, _)| *at != log);
                let twin = others.flat_map(|(_, other)| &other.tails).find(|tail| tail.inode() == inode);
                if let Some(twin) = twin {
                    self.logs[log].error = format!("is read as {}", twin.path.display());
                } else if let Err(error) = self.look_at_file(log, file, metadata, round) {
                    self.logs[log].fail(&error);
                }
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    self.logs[log].mark_rotated();
                    // Without its log there may still be what it was rotated to.
                    let is_new = self.logs[log].has_new_neighbours();
                    if (is_new || self.logs[log].is_unpacking)
                        && let Err(error) = self.take_over(log, None, None, round)
                    {
                        self.logs[log].fail(&error);
                    }
                }
                self.is_missing(log, &error, round);
            }
        }
    }

    /// Whether the file that is at the path now is the one that is open, and is still what it was.
    fn look_at_file(
        &mut self,
        log: usize,
        file: File,
        metadata: Metadata,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        if !self.logs[log].has_open(Inode::of(&metadata)) {
            return self.take_over(log, Some((file, metadata)), None, round);
        }
        let is_new = self.logs[log].has_new_neighbours();
        if is_new || self.misses_left(log) || self.logs[log].is_unpacking {
            if self.unpacks(log) {
                return Ok(());
            }
            let last = self.logs[log].tails.len() - 1;
            if self.logs[log].tails[last].was_emptied(&metadata) || self.was_copied_and_cut(log) {
                self.cut_off(log, last, metadata.len(), round);
            } else {
                self.take_over(log, Some((file, metadata)), None, round)?;
            }
        }
        self.look_at_left(log, round)
    }

    /// Another file than the open one is at the path, or none, or the open one was cut: finds what came in between and
    /// opens all of it.
    pub(super) fn take_over(
        &mut self,
        log: usize,
        current: Option<(File, Metadata)>,
        cut: Option<Tail>,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        // Of what was cut, as much as has to be known has been unpacked already.
        if cut.is_none() && (self.unpacks(log) || self.part_with_cut_ones(log, round)) {
            return Ok(());
        }
        let is_another =
            current.as_ref().is_some_and(|(_, log_now)| !self.logs[log].has_open(Inode::of(log_now)));
        let was_following = !self.logs[log].tails.is_empty() && cut.is_none() && is_another;
        let mut found = self.gather(log, current, cut.as_ref())?;
        self.give_unpacked(log, &mut found);
        self.recognize(log, &mut found, cut.as_ref().map(|cut| (cut.inode(), cut.file.number)));
        if cut.is_none() && found.iter().any(|spotted| spotted.moved) {
            // What was found is not what is there now.
            self.logs[log].look_again();
            self.keep_unpacked(log, found);
            return Ok(());
        }
        // What an admin has read again says nothing about what else is to be read.
        let is_again =
            |number| self.logs[log].tails.iter().any(|tail| tail.again && tail.file.number == number);
        found.retain(|spotted| spotted.known.is_none_or(|known| !is_again(known.number)));
        self.leave_finished(log, &found);
        let mut lost = self.lost(log, &found);
        self.logs[log].mark_rotated();
        let missed = self.missed_since(log, &mut found, cut.as_ref());
        let mut order = rotation::to_read(found.iter().map(Spotted::candidate).collect(), missed);
        let copies = self.leave_out_copies(log, &mut order, &mut found, cut.as_ref());
        let certain: Vec<&Candidate> = order.iter().filter(|it| !copies.is_doubtful(&it.path)).collect();
        let cut_number = cut.as_ref().map(|cut| cut.file.number);
        let copied = self.copied(&found, cut_number);
        let former = copied.iter().chain(&lost).chain(cut.as_ref().map(|cut| &cut.file));
        let mut between = self.copies_between(log, &certain, &found, former);
        self.take_copies(log, copies, round);
        self.logs[log].is_rewritten = cut.is_some() || !lost.is_empty();
        if let Some(cut) = cut {
            lost.retain(|file| file.number != cut.file.number);
            let told = self.part_with(log, cut, &mut found, &between, round);
            between.retain(|copy| Some(copy) != told.as_ref());
        }
        for file in copied {
            self.tell_copied(&file, round);
        }
        self.tell_copies_between(log, &between, round);
        for file in lost {
            self.tell_lost(file, &found, round);
        }
        self.open_all(log, order, found, round)?;
        if was_following && !self.logs[log].is_crowded {
            let last = self.logs[log].tails.back_mut().filter(|last| last.waits_for_trial());
            match last.and_then(|last| last.trial.as_mut()) {
                // Unless it was replaced by a copy of itself.
                Some(trial) => trial.tells_rotation = true,
                None => self.rotated(log, round),
            }
        }
        Ok(())
    }

    /// What is at the path and beside it.
    fn gather(
        &self,
        log: usize,
        current: Option<(File, Metadata)>,
        cut: Option<&Tail>,
    ) -> io::Result<Vec<Spotted>> {
        let mut found: Vec<Spotted> = Vec::new();
        if let Some((file, metadata)) = current {
            let content = Some(Content::Plain(file));
            found.push(Spotted::of(self.logs[log].path.clone(), &metadata, content, true));
        }
        if !self.is_fresh {
            // The log has a second name there where it is a link, or a hard link was made before it is renamed.
            let is_log = |it: &Spotted| found.first().is_some_and(|log| log.sight.inode == it.sight.inode);
            let is_done_with = |it: &Spotted| self.logs[log].done_with.contains(&it.face());
            let others: Vec<Spotted> =
                self.siblings(log).into_iter().filter(|it| !is_log(it) && !is_done_with(it)).collect();
            found.extend(others);
        }
        // What is open can be read, whatever has become of its name and of the right to open it.
        for it in found.iter_mut().filter(|it| it.content.is_none()) {
            let open = self.logs[log].tails.iter().find(|tail| it.sight.is(&tail.file));
            it.content = open.and_then(|tail| tail.content().ok());
        }
        if let Some(cut) = cut
            && !found.iter().any(|spotted| spotted.sight.inode == cut.inode())
        {
            // No name leads to it any more, and it is still open.
            let (metadata, content) = (cut.metadata()?, cut.content()?);
            found.push(Spotted::of(cut.path.clone(), &metadata, Some(content), false));
        }
        Ok(found)
    }

    /// From when on what is not known may hold what nobody has read: the files that are still read, and those that were
    /// left and are gone, had last been written then when they were last read.
    fn missed_since(&mut self, log: usize, found: &mut [Spotted], cut: Option<&Tail>) -> Option<SystemTime> {
        let gone = self.gone_since(log, found);
        let is_open = |number| self.is_open(log, number);
        let others = self.known.iter().filter(|file| !file.finished && self.belongs(file, log));
        let read = self.logs[log].tails.iter().filter(|tail| !tail.again).map(|tail| &tail.file);
        let missed = read.chain(others.filter(|file| !is_open(file.number))).chain(cut.map(|cut| &cut.file));
        let missed = missed.filter_map(|file| file.mark).map(|mark| mark.modified).chain(gone).min();
        let missed = missed.or_else(|| self.last_finished(log, found)).map(time_of);
        missed.into_iter().chain(self.logs[log].waiting_since).min()
    }

    /// Opens the files, oldest first, as many as may be open.
    pub(super) fn open_all(
        &mut self,
        log: usize,
        order: Vec<Candidate>,
        mut found: Vec<Spotted>,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let gap = unseen::gap(&self.logs[log], &order, &found);
        let first = order.first().map(|candidate| candidate.path.clone());
        let may_be_open = round.spare.saturating_add(self.logs[log].claims());
        let room = OPEN_MAX.saturating_sub(self.logs[log].tails.len()).min(may_be_open).max(1);
        self.logs[log].let_wait(order.get(room..).unwrap_or_default());
        for candidate in order.into_iter().take(room) {
            let is_it = |spotted: &Spotted| {
                (&spotted.path, spotted.sight.is_log) == (&candidate.path, candidate.is_log)
            };
            let Some(at) = found.iter().position(is_it) else { continue };
            let mut spotted = found.swap_remove(at);
            if spotted.open().is_none() && spotted.moved {
                // What is newer has to wait for it: it would not be looked for any more.
                self.logs[log].look_again();
                break;
            }
            match self.open_tail(log, spotted, candidate.known, round) {
                Err(error) if candidate.is_log => return Err(error),
                // One bad file does not cost the others.
                Err(error) => self.cannot_open(log, &candidate, &error, round),
                Ok(()) => {}
            }
        }
        let tails = &mut self.logs[log].tails;
        if let Some(first) = tails.iter_mut().rfind(|tail| Some(&tail.path) == first.as_ref()) {
            first.gap_before = gap.or(first.gap_before.take());
        }
        if let Some(at) = tails.iter().position(|tail| !tail.rotated) {
            // What came before the log is read before it.
            let current = tails.remove(at);
            tails.extend(current);
        }
        Ok(())
    }

    /// Begins to read a file, or goes on with one that the journal knows.
    fn open_tail(
        &mut self,
        log: usize,
        mut spotted: Spotted,
        known: Option<Known>,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let settings = &round.settings.sources[self.at];
        let is_log = spotted.sight.is_log;
        if spotted.open().is_none() {
            place::open(&spotted.path, false)?;
            return Err(io::Error::other("it was replaced just now"));
        }
        let Some(mut content) = spotted.content.take() else { return Ok(()) };
        let tails = &mut self.logs[log].tails;
        let open = known.and_then(|known| tails.iter().position(|tail| tail.file.number == known.number));
        let mut file = match open {
            Some(at) if tails[at].inode() == spotted.sight.inode => {
                tails[at].rotated = !is_log;
                return Ok(());
            }
            Some(at) if !is_log && tails[at].has_all_of(&mut content)? => {
                let of = tails[at].inode();
                spotted.content = Some(content);
                if let Some(copy) = small_copy(&mut spotted) {
                    self.logs[log].add_copy(of, copy);
                }
                return Ok(());
            }
            // It is read on where both were still alike.
            Some(at) => FollowedFile {
                number: FileNo::default(),
                entries: 0,
                passed_over: 0,
                ..tails[at].file.clone()
            },
            None => {
                let known =
                    known.and_then(|known| self.known.iter().find(|file| file.number == known.number));
                known.cloned().unwrap_or_default()
            }
        };
        if file.number == FileNo::default() {
            round.last_file.0 += 1;
            (file.number, file.source, file.path) =
                (*round.last_file, self.name.clone(), spotted.path.clone());
        }
        let Sight { inode, birth, .. } = spotted.sight;
        (file.device, file.inode, file.birth, file.finished) = (inode.device, inode.inode, birth, false);
        if self.is_fresh && settings.start == Start::End {
            file.offset = content.line_end_before(spotted.length()?)?;
        }
        let choice = Choice::new(settings.dialect, &file.dialect);
        let mut tail = Tail::new(&spotted.path, content, file, choice)?;
        tail.rotated = !is_log;
        if is_log {
            tail.growth.habit = std::mem::take(&mut self.logs[log].habit);
        }
        tail.learn_head()?;
        self.tell_opened(&mut tail, round);
        self.logs[log].tails.push_back(tail);
        if is_log && known.is_none() {
            self.tell_unread(log, settings.start);
            self.put_on_trial(log);
            self.suspect(log);
        }
        Ok(())
    }

    /// That a file is read goes to the journal. It may have been left just now, before it was cut once more or went on:
    /// that is not so any more.
    fn tell_opened(&mut self, tail: &mut Tail, round: &mut Round<'_>) {
        let count = round.input.progress.len();
        round.input.progress.retain(|progress| progress.file != tail.file.number);
        tail.passed_untold = u64::from(round.input.progress.len() < count);
        round.input.files.push(tail.file.clone());
        remember(&mut self.known, &tail.file);
    }
}

fn time_of(millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

const NO_ROOM: &str = "as many log files are open as this process may have";
const MORE_ROOM: &str = "raise LimitNOFILE= of the service, or leave logs out";
/// Files of one log that are open at once.
pub(super) const OPEN_MAX: usize = 16;
