//! Finding a source's files: the log at its path, what it was rotated to, what took its place.

use super::choice::Choice;
use super::identity::{self, Inode};
use super::rotation::{self, Candidate, Known};
use super::settings::Start;
use super::source::{Round, Source, progress_of, remember};
use super::tail::Tail;
use crate::journal::FollowedFile;
use crate::model::{Action, Outcome};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

impl Source {
    /// Looks at the path: whether the log is still the one that is open, and what it was rotated to.
    pub(super) fn look(&mut self, round: &mut Round<'_>) {
        let path = &round.settings.sources[self.at].path;
        match Tail::open(path) {
            Ok((handle, metadata)) => {
                self.is_there(round);
                self.error.clear();
                let open = self
                    .tails
                    .back()
                    .is_some_and(|tail| !tail.rotated && tail.inode() == Inode::of(&metadata));
                if !open && let Err(error) = self.take_over(path, handle, &metadata, round) {
                    self.fail(path, &error);
                }
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::NotFound {
                    self.mark_rotated();
                }
                self.is_missing(path, &error, round);
            }
        }
    }

    /// Another file than the open one is at the path: finds what came in between and opens all of it.
    fn take_over(
        &mut self,
        path: &Path,
        handle: File,
        metadata: &Metadata,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let was_following = !self.tails.is_empty();
        let first_sight = self.known.is_empty() && !was_following;
        let mut opened = vec![(path.to_path_buf(), handle, metadata.clone())];
        if !first_sight {
            opened.extend(self.siblings(path, metadata));
        }
        let mut candidates = Vec::new();
        for (path, handle, metadata) in &opened {
            candidates.push(Candidate {
                path: path.clone(),
                modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                is_log: path == &opened[0].0,
                known: self.known_as(handle, metadata)?,
            });
        }
        self.mark_rotated();
        for candidate in rotation::to_read(candidates) {
            let Some(at) = opened.iter().position(|(path, ..)| *path == candidate.path) else { continue };
            let (path, handle, metadata) = opened.swap_remove(at);
            let tail = self.open_tail(&path, handle, &metadata, &candidate, first_sight, round)?;
            self.tails.extend(tail);
        }
        if was_following {
            self.status.rotations += 1;
            let message = format!("{} was rotated; the old file is read to its end", path.display());
            self.tell(Action::SOURCE_ROTATED, Outcome::Success, message, round);
        }
        Ok(())
    }

    /// The other files in the log's folder that may be rotated forms of it, opened.
    fn siblings(&self, path: &Path, log: &Metadata) -> Vec<(PathBuf, File, Metadata)> {
        let (Some(dir), Some(base)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Vec::new();
        };
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| rotation::may_be_rotated(name, base))
                && let Ok((handle, metadata)) = Tail::open(&entry.path())
                && Inode::of(&metadata) != Inode::of(log)
            {
                found.push((entry.path(), handle, metadata));
            }
        }
        found
    }

    /// What the journal knows of an open file.
    fn known_as(&self, handle: &File, metadata: &Metadata) -> io::Result<Option<Known>> {
        let open = self.tails.iter().map(|tail| &tail.file);
        for known in self.known.iter().rev().chain(open) {
            if identity::is_same(handle, metadata, known)? {
                return Ok(Some(Known { number: known.number, finished: known.finished }));
            }
        }
        Ok(None)
    }

    /// Begins to read a file, or goes on with one that the journal knows. `None` when it is open already.
    fn open_tail(
        &mut self,
        path: &Path,
        handle: File,
        metadata: &Metadata,
        candidate: &Candidate,
        first_sight: bool,
        round: &mut Round<'_>,
    ) -> io::Result<Option<Tail>> {
        let settings = &round.settings.sources[self.at];
        if let Some(known) = candidate.known {
            if let Some(at) = self.tails.iter().position(|tail| tail.file.number == known.number) {
                self.tails[at].rotated = !candidate.is_log;
                return Ok(None);
            }
            if let Some(file) = self.known.iter().find(|file| file.number == known.number) {
                let mut file = file.clone();
                file.finished = false;
                let choice = Choice::new(settings.dialect, &file.dialect);
                let mut tail = Tail::new(path, handle, file, choice);
                tail.rotated = !candidate.is_log;
                return Ok(Some(tail));
            }
        }
        round.last_file.0 += 1;
        let inode = Inode::of(metadata);
        let offset =
            if first_sight && settings.start == Start::End { last_line_end(&handle, metadata)? } else { 0 };
        let file = FollowedFile {
            number: *round.last_file,
            source: self.name.clone(),
            path: path.to_path_buf(),
            device: inode.device,
            inode: inode.inode,
            offset,
            ..FollowedFile::default()
        };
        let mut tail = Tail::new(path, handle, file, Choice::new(settings.dialect, ""));
        tail.rotated = !candidate.is_log;
        tail.learn_head()?;
        round.input.files.push(tail.file.clone());
        self.known.push(tail.file.clone());
        Ok(Some(tail))
    }

    fn mark_rotated(&mut self) {
        for tail in &mut self.tails {
            tail.rotated = true;
        }
    }

    /// The file was cut or rewritten in place: it is read from its beginning as another file.
    pub(super) fn replaced(&mut self, at: usize, now_bytes: u64, round: &mut Round<'_>) {
        let Some(old) = self.tails.remove(at) else { return };
        self.status.truncations += 1;
        let message = format!(
            "{} was cut or rewritten after {} bytes had been read and has {now_bytes} bytes now; \
             entries that were written in between may be lost",
            old.path.display(),
            old.file.offset,
        );
        self.tell(Action::SOURCE_TRUNCATED, Outcome::Failure, message, round);
        round.input.progress.push(progress_of(&old, true));
        remember(&mut self.known, &FollowedFile { finished: true, ..old.file.clone() });
        if let Ok((handle, metadata)) = Tail::open(&old.path)
            && Inode::of(&metadata) == old.inode()
        {
            let candidate = Candidate {
                path: old.path.clone(),
                modified: SystemTime::UNIX_EPOCH,
                is_log: !old.rotated,
                known: None,
            };
            match self.open_tail(&old.path, handle, &metadata, &candidate, false, round) {
                Ok(Some(tail)) => self.tails.insert(at, tail),
                Ok(None) => {}
                Err(error) => self.fail(&old.path, &error),
            }
        }
    }

    fn is_missing(&mut self, path: &Path, error: &io::Error, round: &mut Round<'_>) {
        self.fail(path, error);
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        let first_look = self.looked.is_none();
        if !self.missing_told && (first_look || since.elapsed() >= MISSING_AFTER) {
            self.missing_told = true;
            let message = format!("cannot read {}: {error}; waiting for it", path.display());
            self.tell(Action::SOURCE_MISSING, Outcome::Failure, message, round);
        }
    }

    fn is_there(&mut self, round: &mut Round<'_>) {
        self.missing_since = None;
        if std::mem::take(&mut self.missing_told) {
            let path = round.settings.sources[self.at].path.display().to_string();
            self.tell(Action::SOURCE_RECOVERED, Outcome::Success, format!("{path} is there again"), round);
        }
    }
}

/// Just after the last line feed: where `start = "end"` begins.
fn last_line_end(handle: &File, metadata: &Metadata) -> io::Result<u64> {
    let mut end = metadata.len();
    let mut chunk = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(chunk.len() as u64);
        let bytes = &mut chunk[..(end - start) as usize];
        handle.read_exact_at(bytes, start)?;
        if let Some(at) = memchr::memrchr(b'\n', bytes) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// How long a file must be away before that is told: a rotation takes a moment.
const MISSING_AFTER: Duration = Duration::from_secs(5);
