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
        let (path, first_look) = (self.logs[log].path.clone(), !self.logs[log].looked);
        self.logs[log].looked = true;
        match place::open(&path, round.settings.sources[self.at].follow_symlinks) {
            Ok((file, metadata)) => {
                self.is_there(log, round);
                let inode = Inode::of(&metadata);
                let others = self.logs.iter().enumerate().filter(|(at, _)| *at != log);
                let twin = others.flat_map(|(_, other)| &other.tails).find(|tail| tail.inode() == inode);
                if let Some(twin) = twin {
                    self.logs[log].error = format!("is read as {}", twin.path.display());
                } else if !self.logs[log].has_open(inode)
                    && let Err(error) = self.take_over(log, Some((file, metadata)), round)
                {
                    self.logs[log].fail(&error);
                }
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    self.logs[log].mark_rotated();
                    if first_look && let Err(error) = self.take_over(log, None, round) {
                        self.logs[log].fail(&error);
                    }
                }
                self.is_missing(log, &error, round);
            }
        }
    }

    /// Another file than the open one is at the path, or none: finds what came in between and opens all of it.
    fn take_over(
        &mut self,
        log: usize,
        current: Option<(File, Metadata)>,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let was_following = !self.logs[log].tails.is_empty();
        let first_sight = self.is_fresh && self.known.is_empty();
        let mut found: Vec<Spotted> = Vec::new();
        if let Some((file, metadata)) = current {
            let content = Some(Content::Plain(file));
            found.push(Spotted::of(self.logs[log].path.clone(), &metadata, content, true));
        }
        if !first_sight {
            found.extend(self.siblings(log));
        }
        self.recognize(log, &mut found);
        let lost = self.lost(log, &found);
        self.logs[log].mark_rotated();
        let modified = lost.iter().filter_map(|file| file.mark).map(|mark| time_of(mark.modified)).min();
        let mut order = rotation::to_read(found.iter().map(Spotted::candidate).collect(), modified);
        self.leave_out_copies(&mut order, &mut found);
        for file in lost {
            self.tell_lost(file, &found, round);
        }
        let room = OPEN_MAX.saturating_sub(self.logs[log].tails.len()).max(1);
        self.logs[log].is_crowded = order.len() > room;
        for candidate in order.into_iter().take(room) {
            let Some(at) = found.iter().position(|spotted| spotted.path == candidate.path) else { continue };
            let spotted = found.swap_remove(at);
            self.open_tail(log, spotted, candidate.known, first_sight, round)?;
        }
        if was_following && !self.logs[log].is_crowded {
            self.status.rotations += 1;
            let message =
                format!("{} was rotated; the old file is read to its end", self.logs[log].path.display());
            self.tell(Action::SOURCE_ROTATED, Outcome::Success, message, round);
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
    fn recognize(&self, log: usize, found: &mut [Spotted]) {
        let open: Vec<FollowedFile> = self.logs[log].tails.iter().map(Tail::remembered).collect();
        let known = || open.iter().chain(self.known.iter().rev());
        for spotted in found.iter_mut() {
            let same_inode =
                known().filter(|known| spotted.sight.inode.is(known)).cloned().collect::<Vec<_>>();
            spotted.known = same_inode.iter().find(|known| spotted.is_same(known)).map(Known::of);
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
        let mut unknown: Vec<&mut Spotted> =
            found.iter_mut().filter(|spotted| spotted.known.is_none()).collect();
        unknown.sort_by_key(|spotted| (!spotted.sight.is_log, std::cmp::Reverse(spotted.modified)));
        for spotted in unknown.into_iter().take(COMPARED_MAX) {
            let is_log = spotted.sight.is_log;
            spotted.known = missing.iter().find(|known| spotted.is_same(known)).map(Known::of);
            if spotted.known.is_none() && !is_log {
                spotted.content = None;
            }
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

    /// Of what seems to be new, a copy of a file that was read to its end is not: a log that was compressed since.
    fn leave_out_copies(&self, order: &mut Vec<Candidate>, found: &mut [Spotted]) {
        order.retain(|candidate| {
            let Some(spotted) = found.iter_mut().find(|spotted| spotted.path == candidate.path) else {
                return false;
            };
            candidate.is_log
                || candidate.known.is_some()
                || !self.known.iter().any(|known| known.offset > 0 && spotted.is_same(known))
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

    /// The file was cut or rewritten in place: what is left of it is read from its copy, if there is one, and the
    /// file from its beginning as another.
    pub(super) fn replaced(&mut self, log: usize, at: usize, now_bytes: u64, round: &mut Round<'_>) {
        let old = &self.logs[log].tails[at];
        let (path, file) = (old.path.clone(), old.remembered());
        let about = (old.pace * old.grown.elapsed().as_secs_f64().min(LOOKED_SECONDS)) as u64;
        self.status.truncations += 1;
        let message = format!(
            "{} was cut or rewritten after {} bytes had been read and has {now_bytes} bytes now",
            path.display(),
            file.offset,
        );
        self.tell(Action::SOURCE_TRUNCATED, Outcome::Failure, message, round);
        let copy = self.siblings(log).into_iter().filter(|spotted| !spotted.sight.is(&file));
        let copy = copy.take(COMPARED_MAX).find_map(|mut spotted| spotted.is_same(&file).then_some(spotted));
        let rest = match &copy {
            Some(copy) => format!("what {} has beyond that is read", copy.path.display()),
            None => {
                self.take_entries(log, at, End::Final, round);
                "no copy of it was found".to_owned()
            }
        };
        let message = format!(
            "{} was cut or rewritten: {rest}, and entries that were written just before it are lost if there were \
             any, at the pace of late about {about} bytes",
            path.display(),
        );
        self.tell_gap(Gap { loss: Loss::Truncated, bytes: Some(about), message }, round);
        let Some(old) = self.logs[log].tails.remove(at) else { return };
        let opened = match copy {
            Some(copy) => {
                remember(&mut self.known, &file);
                let known = Known { number: file.number, finished: false };
                self.open_tail(log, copy, Some(known), false, round)
            }
            None => {
                round
                    .input
                    .progress
                    .push(progress_of(&FollowedFile { finished: true, ..old.file.clone() }, None));
                remember(&mut self.known, &FollowedFile { finished: true, ..file });
                Ok(())
            }
        };
        let opened = opened.and_then(|()| {
            let (handle, metadata) = place::open(&path, round.settings.sources[self.at].follow_symlinks)?;
            if Inode::of(&metadata) == old.inode() {
                let content = Some(Content::Plain(handle));
                let spotted = Spotted::of(path.clone(), &metadata, content, !old.rotated);
                self.open_tail(log, spotted, None, false, round)?;
            }
            Ok(())
        });
        if let Err(error) = opened {
            self.logs[log].fail(&error);
        }
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
