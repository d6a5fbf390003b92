//! Finding a log's files: the log at its path, what it was rotated to, what took its place.

use super::choice::Choice;
use super::content::Content;
use super::gap::{Gap, Loss};
use super::identity::{self, Inode, Sight};
use super::log::Log;
use super::place;
use super::rotation::{self, Candidate, Known};
use super::settings::Start;
use super::source::{Round, Source, progress_of, remember};
use super::tail::Tail;
use crate::dialect::End;
use crate::journal::FollowedFile;
use crate::model::{Action, FileNo, Outcome};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that may be one of a log's, and is opened only when that has to be known.
struct Spotted {
    path: PathBuf,
    sight: Sight,
    modified: SystemTime,
    content: Option<Content>,
    known: Option<Known>,
}

impl Spotted {
    fn of(path: PathBuf, metadata: &Metadata, content: Option<Content>, is_log: bool) -> Spotted {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Spotted { path, sight: Sight::of(metadata, is_log), modified, content, known: None }
    }

    /// Its content; `None` when it cannot be opened, or is another file by now.
    fn open(&mut self) -> Option<&mut Content> {
        if self.content.is_none() {
            let (file, metadata) = place::open(&self.path, false).ok()?;
            self.sight = Sight::of(&metadata, self.sight.is_log);
            self.content = Content::of_copy(file).ok();
        }
        self.content.as_mut()
    }

    /// Whether it is this file or a copy of it; what cannot be read is not.
    fn is_same(&mut self, known: &FollowedFile) -> bool {
        let sight = self.sight;
        self.open().is_some_and(|content| identity::is_same(content, sight, known).unwrap_or(false))
    }

    /// Whether this and nothing else is what stands at its beginning.
    fn begins_with(&mut self, head: &[u8]) -> bool {
        let found = self.open().and_then(|content| content.head().ok());
        !head.is_empty() && found.is_some_and(|found| found == head)
    }

    fn is_packed(&self) -> bool {
        self.content.as_ref().is_some_and(Content::is_packed)
    }

    /// Whether it is a copy of a part of it that has been read.
    fn is_read_part(&mut self, known: &FollowedFile) -> bool {
        self.open().is_some_and(|content| identity::is_read_part(content, known).unwrap_or(false))
    }

    fn candidate(&self) -> Candidate {
        let (path, modified) = (self.path.clone(), self.modified);
        Candidate { path, modified, is_log: self.sight.is_log, known: self.known }
    }
}

impl Source {
    /// Looks at what the path means now, and at each log: whether it is still the one that is open, and what it was
    /// rotated to.
    pub(super) fn look(&mut self, round: &mut Round<'_>) {
        let path = &round.settings.sources[self.at].path;
        match place::logs(path) {
            Ok((paths, beyond)) => {
                self.error.clear();
                if beyond > 0 {
                    self.error =
                        format!("{} logs match, {beyond} of them are not read", paths.len() + beyond);
                }
                let is_several = place::means_several(path);
                self.logs.retain(|log| !is_several || !log.tails.is_empty() || paths.contains(&log.path));
                for path in paths {
                    if !self.logs.iter().any(|log| log.path == path) {
                        self.logs.push(Log::new(path, is_several));
                    }
                }
            }
            Err(error) => self.error = format!("cannot read {}: {error}", path.display()),
        }
        for log in 0..self.logs.len() {
            self.look_at(log, round);
        }
        self.is_fresh = false;
    }

    fn look_at(&mut self, log: usize, round: &mut Round<'_>) {
        let path = self.logs[log].path.clone();
        match place::open(&path, round.settings.sources[self.at].follow_symlinks) {
            Ok((file, metadata)) => {
                self.is_there(log, round);
                let inode = Inode::of(&metadata);
                let others = self.logs.iter().enumerate().filter(|(at, _)| *at != log);
                let twin = others.flat_map(|(_, other)| &other.tails).find(|tail| tail.inode() == inode);
                if let Some(twin) = twin {
                    self.logs[log].error = format!("is read as {}", twin.path.display());
                } else if (!self.logs[log].has_open(inode) || self.logs[log].may_have_been_emptied())
                    && let Err(error) = self.take_over(log, Some((file, metadata)), None, round)
                {
                    self.logs[log].fail(&error);
                }
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    self.logs[log].mark_rotated();
                    // Without its log there may still be what it was rotated to.
                    if self.logs[log].has_new_neighbours()
                        && let Err(error) = self.take_over(log, None, None, round)
                    {
                        self.logs[log].fail(&error);
                    }
                }
                self.is_missing(log, &error, round);
            }
        }
    }

    /// Another file than the open one is at the path, or none, or the open one was cut: finds what came in between and
    /// opens all of it.
    fn take_over(
        &mut self,
        log: usize,
        current: Option<(File, Metadata)>,
        cut: Option<Tail>,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let is_another =
            current.as_ref().is_some_and(|(_, log_now)| !self.logs[log].has_open(Inode::of(log_now)));
        let was_following = !self.logs[log].tails.is_empty() && cut.is_none() && is_another;
        let first_sight = self.is_fresh && self.known.is_empty();
        let mut found: Vec<Spotted> = Vec::new();
        if let Some((file, metadata)) = current {
            let content = Some(Content::Plain(file));
            found.push(Spotted::of(self.logs[log].path.clone(), &metadata, content, true));
        }
        if !first_sight {
            found.extend(self.siblings(log));
        }
        if let Some(cut) = &cut
            && !found.iter().any(|spotted| spotted.sight.inode == cut.inode())
        {
            // No name leads to it any more, and it is still open.
            let (metadata, mut content) = (cut.metadata()?, cut.content()?);
            let head = content.head()?;
            // Unless there is a copy of it by now.
            if !found.iter_mut().any(|other| other.begins_with(&head)) {
                found.push(Spotted::of(cut.path.clone(), &metadata, Some(content), false));
            }
        }
        self.recognize(log, &mut found, cut.as_ref().map(|cut| (cut.inode(), cut.file.number)));
        let mut lost = self.lost(log, &found);
        self.logs[log].mark_rotated();
        let is_here = |number| found.iter().any(|it| it.known.is_some_and(|known| known.number == number));
        let open = self.logs[log].tails.iter().map(|tail| &tail.file);
        let is_open = |number| self.logs[log].tails.iter().any(|tail| tail.file.number == number);
        // Of a file of which nothing was read, nobody knows whether it has been copied and cut.
        let unread = self.known.iter().filter(|file| file.offset == 0 && is_here(file.number));
        let missed = lost.iter().chain(open.filter(|file| file.offset == 0 || !is_here(file.number)));
        let missed = missed.chain(unread.filter(|file| !file.finished && !is_open(file.number)));
        let missed = missed.chain(cut.as_ref().map(|cut| &cut.file)).filter_map(|file| file.mark);
        let missed = missed.map(|mark| mark.modified).min().or_else(|| self.last_finished(log, &found));
        let modified = missed.map(time_of);
        let mut order = rotation::to_read(found.iter().map(Spotted::candidate).collect(), modified);
        self.leave_out_copies(log, &mut order, &mut found, cut.as_ref());
        let cut_number = cut.as_ref().map(|cut| cut.file.number);
        if let Some(cut) = cut {
            lost.retain(|file| file.number != cut.file.number);
            let number = Some(cut.file.number);
            let copy = found.iter().find(|spotted| spotted.known.map(|known| known.number) == number);
            self.part_with(log, cut, copy.map(|copy| copy.path.as_path()), round);
        }
        for file in self.copied(&found, cut_number) {
            self.tell_copied(&file, round);
        }
        for file in lost {
            self.tell_lost(file, &found, round);
        }
        self.open_all(log, order, found, first_sight, round)?;
        if was_following && !self.logs[log].is_crowded {
            self.status.rotations += 1;
            let message =
                format!("{} was rotated; the old file is read to its end", self.logs[log].path.display());
            self.tell(Action::SOURCE_ROTATED, Outcome::Success, message, round);
        }
        Ok(())
    }

    /// Opens the files, oldest first, as many as may be open.
    fn open_all(
        &mut self,
        log: usize,
        order: Vec<Candidate>,
        mut found: Vec<Spotted>,
        first_sight: bool,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let room = OPEN_MAX.saturating_sub(self.logs[log].tails.len()).max(1);
        self.logs[log].is_crowded = order.len() > room;
        for candidate in order.into_iter().take(room) {
            let is_it = |spotted: &Spotted| {
                (&spotted.path, spotted.sight.is_log) == (&candidate.path, candidate.is_log)
            };
            let Some(at) = found.iter().position(is_it) else { continue };
            let spotted = found.swap_remove(at);
            self.open_tail(log, spotted, candidate.known, first_sight, round)?;
        }
        let tails = &mut self.logs[log].tails;
        if let Some(at) = tails.iter().position(|tail| !tail.rotated) {
            // What came before the log is read before it.
            let current = tails.remove(at);
            tails.extend(current);
        }
        Ok(())
    }

    /// The other files in the log's folder that may be rotated forms of it; not opened, there may be thousands.
    fn siblings(&self, log: usize) -> Vec<Spotted> {
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
    fn recognize(&self, log: usize, found: &mut [Spotted], cut: Option<(Inode, FileNo)>) {
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
            known().filter(|file| !file.finished && !is_here(file.number)).cloned().collect::<Vec<_>>()
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
    fn lost(&self, log: usize, found: &[Spotted]) -> Vec<FollowedFile> {
        let is_here = |number: FileNo| {
            found.iter().any(|spotted| spotted.known.is_some_and(|known| known.number == number))
                || self.logs.iter().flat_map(|log| &log.tails).any(|tail| tail.file.number == number)
        };
        let mine = |file: &&FollowedFile| !file.finished && self.belongs(file, log) && !is_here(file.number);
        self.known.iter().filter(mine).cloned().collect()
    }

    /// When the last file that was read to its end had been written, where no file is known that is not.
    fn last_finished(&self, log: usize, found: &[Spotted]) -> Option<i64> {
        let is_at_an_end = found.iter().all(|spotted| spotted.known.is_none_or(|known| known.finished));
        let finished = self.known.iter().filter(|file| file.finished && self.belongs(file, log));
        finished.filter_map(|file| file.mark).map(|mark| mark.modified).max().filter(|_| is_at_an_end)
    }

    /// Whether a file that the journal knows is one of this log's.
    fn belongs(&self, file: &FollowedFile, log: usize) -> bool {
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
    fn leave_out_copies(
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
    fn copied(&self, found: &[Spotted], cut: Option<FileNo>) -> Vec<FollowedFile> {
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

    fn tell_copied(&mut self, file: &FollowedFile, round: &mut Round<'_>) {
        self.status.truncations += 1;
        let message = format!(
            "{} was copied and cut while nobody looked; what the copy has beyond byte {} is read, and what was written \
             between may be lost",
            file.path.display(),
            file.offset
        );
        self.tell_gap(Gap { loss: Loss::Truncated, bytes: None, message }, round);
    }

    /// A file that was being read is gone, or its log was cut while nobody looked.
    fn tell_lost(&mut self, mut file: FollowedFile, found: &[Spotted], round: &mut Round<'_>) {
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

    /// Begins to read a file, or goes on with one that the journal knows.
    fn open_tail(
        &mut self,
        log: usize,
        mut spotted: Spotted,
        known: Option<Known>,
        first_sight: bool,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let settings = &round.settings.sources[self.at];
        let is_log = spotted.sight.is_log;
        if spotted.open().is_none() {
            return Err(io::Error::other(format!("cannot read {}", spotted.path.display())));
        }
        let Some(content) = spotted.content.take() else { return Ok(()) };
        let tails = &mut self.logs[log].tails;
        let open = known.and_then(|known| tails.iter().position(|tail| tail.file.number == known.number));
        let mut file = match open {
            Some(at) if tails[at].inode() == spotted.sight.inode || !is_log => {
                tails[at].rotated = !is_log;
                return Ok(());
            }
            // The log was replaced by a copy of itself, which is what grows now.
            Some(at) => tails.remove(at).map(|tail| tail.file).unwrap_or_default(),
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
        let mut content = content;
        if first_sight && settings.start == Start::End {
            file.offset = last_line_end(&mut content, spotted.length()?)?;
        }
        let choice = Choice::new(settings.dialect, &file.dialect);
        let mut tail = Tail::new(&spotted.path, content, file, choice)?;
        tail.rotated = !is_log;
        tail.learn_head()?;
        round.input.files.push(tail.file.clone());
        remember(&mut self.known, &tail.file);
        self.logs[log].tails.push_back(tail);
        Ok(())
    }

    /// The file was cut or rewritten in place: what is left of it is read from its copy, if there is one, then what came
    /// in between, and the file from its beginning as another.
    pub(super) fn replaced(&mut self, log: usize, at: usize, now_bytes: u64, round: &mut Round<'_>) {
        self.status.truncations += 1;
        if self.logs[log].tails[at].begin_entry_anew() {
            let tail = &self.logs[log].tails[at];
            let message = format!(
                "{} was cut or rewritten from byte {} on, in the midst of an entry; it is read again from there",
                tail.path.display(),
                tail.file.offset
            );
            return self.tell(Action::SOURCE_TRUNCATED, Outcome::Failure, message, round);
        }
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

    /// What a file that was cut had last: its rest, if no copy of it is read, and the gap.
    fn part_with(&mut self, log: usize, old: Tail, copy: Option<&Path>, round: &mut Round<'_>) {
        let about = (old.pace * old.grown.elapsed().as_secs_f64().min(LOOKED_SECONDS)) as u64;
        let (path, mut file) = (old.path.display().to_string(), old.remembered());
        let rest = match copy {
            Some(copy) => format!("what {} has beyond that is read", copy.display()),
            None => {
                self.logs[log].tails.push_front(old);
                self.take_entries(log, 0, End::Final, round);
                file.finished = true;
                if let Some(old) = self.logs[log].tails.pop_front() {
                    (file.offset, file.entries) = (old.file.offset, old.file.entries);
                    file.passed_over = old.file.passed_over;
                }
                round.input.progress.push(progress_of(&file, None));
                remember(&mut self.known, &file);
                "no copy of it was found".to_owned()
            }
        };
        let message = format!(
            "{path} was cut or rewritten: {rest}, and entries that were written just before it are lost if there \
             were any, at the pace of late about {about} bytes",
        );
        self.tell_gap(Gap { loss: Loss::Truncated, bytes: Some(about), message }, round);
    }

    fn is_missing(&mut self, log: usize, error: &io::Error, round: &mut Round<'_>) {
        let (is_first, log) = (self.looked.is_none(), &mut self.logs[log]);
        if log.is_one_of_several && error.kind() == io::ErrorKind::NotFound {
            return;
        }
        if log.misses(error, is_first) {
            let message = format!("cannot read {}: {error}; waiting for it", log.path.display());
            self.tell(Action::SOURCE_MISSING, Outcome::Failure, message, round);
        }
    }

    fn is_there(&mut self, log: usize, round: &mut Round<'_>) {
        if self.logs[log].finds() {
            let message = format!("{} is there again", self.logs[log].path.display());
            self.tell(Action::SOURCE_RECOVERED, Outcome::Success, message, round);
        }
    }
}

impl Spotted {
    fn length(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }
}

fn time_of(millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Just after the last line feed: where `start = "end"` begins.
fn last_line_end(content: &mut Content, length: u64) -> io::Result<u64> {
    const CHUNK_BYTES: u64 = 4096;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
        let count = content.read_at(&mut bytes, start)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes[..count]) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Files of one log that are open at once.
pub(super) const OPEN_MAX: usize = 16;
/// Files whose content is compared with that of one that is missing.
const COMPARED_MAX: usize = 64;
/// How long ago a log was looked at that nothing has told about.
const LOOKED_SECONDS: f64 = 1.0;
