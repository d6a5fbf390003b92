//! An admin takes a source to another place in one of its files: it is looked at first, then done and journaled.
//!
//! ```text
//! find  which file, open or not ──▶ aim  where exactly, what of it is read again or never ──▶ go  event and position
//! ```
//!
//! Invariant: the record that tells it carries the new position: neither is in the journal without the other.
//! Invariant: what is read again gets the ids that it had.

use super::choice::Choice;
use super::content::Content;
use super::identity::{Inode, Sight};
use super::place;
use super::recall::recall;
use super::rotation;
use super::source::{Round, Source, progress_of, remember};
use super::spotted::Spotted;
use super::tail::Tail;
use super::{Collector, Handle};
use crate::journal::{Draft, FollowedFile, Input, JournalError};
use crate::model::act::{Asker, Moved, Reset, To};
use crate::model::{Action, Event, FileNo, Outcome, Position, Target, Text};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Why a source is not taken to another place.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The config has no such source.
    #[error("there is no source {name}; there is {}", known.join(", "))]
    Unknown {
        /// As asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// It cannot be told which of its logs is meant.
    #[error("source {name} follows {} logs: say which with --file: {}", logs.len(), logs.join(", "))]
    Several {
        /// The source.
        name: String,
        /// Its logs.
        logs: Vec<String>,
    },
    /// The file is none of the source's.
    #[error(
        "{file} is no file of source {name}: neither a log that it follows nor what one may have been rotated to"
    )]
    Stranger {
        /// As asked for.
        file: String,
        /// The source.
        name: String,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        why: io::Error,
    },
    /// The log was just replaced.
    #[error("{file} has just been rotated or made; ask again")]
    Moving {
        /// The file.
        file: String,
    },
    /// The file ends before the place.
    #[error("{file} ends before byte {offset}")]
    Beyond {
        /// The file.
        file: String,
        /// As asked for.
        offset: u64,
    },
    /// Where a compressed file ends is known only after reading it.
    #[error(
        "{file} is compressed, and where it ends is not known: say beginning or a number of bytes of its content"
    )]
    Endless {
        /// The file.
        file: String,
    },
    /// The position could not be made durable.
    #[error("the journal is full and reading is paused; ask again when there is space")]
    Paused,
    /// Too many ask at once, or the agent is stopping.
    #[error("the sources cannot be asked now; ask again")]
    Busy,
}

/// A reset that waits for the collector.
pub(super) struct Wish {
    reset: Reset,
    asker: Asker,
    answer: SyncSender<Result<Moved, ResetError>>,
}

impl Handle {
    /// Takes a source to another place, or only tells what that would be. Blocks until it is durable.
    pub fn reset(&self, reset: Reset, asker: Asker) -> Result<Moved, ResetError> {
        let (answer, answered) = sync_channel(1);
        self.wishes.try_send(Wish { reset, asker, answer }).map_err(|_| ResetError::Busy)?;
        let _ = self.wake.try_send(());
        answered.recv().unwrap_or(Err(ResetError::Busy))
    }
}

impl Collector {
    /// Does what admins have asked for since the last time.
    pub(super) fn grant(&mut self) -> Result<(), JournalError> {
        if !self.journal.is_paused() && self.sources.iter().any(|source| source.looked.is_none()) {
            // The first look is still to come.
            return Ok(());
        }
        while let Ok(wish) = self.wishes.try_recv() {
            let moved = self.reset(&wish.reset, &wish.asker)?;
            // Whoever asked may have left; the event tells.
            let _ = wish.answer.send(moved);
        }
        Ok(())
    }

    fn reset(&mut self, reset: &Reset, asker: &Asker) -> Result<Result<Moved, ResetError>, JournalError> {
        let Some(at) = self.sources.iter().position(|source| source.name == reset.name) else {
            let known = self.sources.iter().map(|source| source.name.to_string()).collect();
            return Ok(Err(ResetError::Unknown { name: reset.name.clone(), known }));
        };
        if self.journal.is_paused() {
            return Ok(Err(ResetError::Paused));
        }
        let (now, mut input) = ((self.clock)(), Input::default());
        let spare = self.spare();
        let (settings, last_file) = (&self.settings, &mut self.last_file);
        let mut round = Round {
            settings,
            journal: Some(&self.journal),
            input: &mut input,
            last_file,
            budget: 0,
            now,
            spare,
        };
        let source = &mut self.sources[at];
        let aimed = source.find(reset, &round).and_then(|found| source.aim(found, reset, &round));
        let (moved, place) = match aimed {
            Ok(aimed) => aimed,
            Err(error) => return Ok(Err(error)),
        };
        if !(reset.sure && moved.changes) {
            return Ok(Ok(moved));
        }
        let is_back = moved.again_bytes > 0;
        source.go(place, &moved, asker, &mut round);
        self.append(input, now)?;
        if is_back {
            recall(&self.journal, &mut self.sources[at..=at]);
        }
        self.publish(false);
        Ok(Ok(Moved { done: true, ..moved }))
    }
}

/// The file that is meant.
struct Meant {
    log: usize,
    /// Where it is among the open ones.
    open: Option<usize>,
    /// As the journal knows it; without a number when it does not.
    file: FollowedFile,
    path: PathBuf,
    content: Content,
    sight: Sight,
    length: u64,
}

/// Where the reading goes on.
pub(super) struct Goal {
    log: usize,
    open: Option<usize>,
    /// As the journal knows the file now.
    before: FollowedFile,
    tail: Tail,
}

impl Source {
    /// How far each of its files has been read.
    pub(super) fn offsets(&self) -> impl Iterator<Item = (FileNo, u64)> {
        let known = self.known.iter().map(|file| (file.number, file.offset));
        // What is open is further than what is known of it: the later one counts.
        known.chain(
            self.logs.iter().flat_map(|log| &log.tails).map(|tail| (tail.file.number, tail.file.offset)),
        )
    }

    fn find(&mut self, reset: &Reset, round: &Round<'_>) -> Result<Meant, ResetError> {
        let (log, path) = self.meant_log(reset)?;
        let settings = &round.settings.sources[self.at];
        let unreadable = |why| ResetError::Unreadable { file: path.display().to_string(), why };
        let is_log = absolute(&self.logs[log].path).is_ok_and(|log| log == path);
        let (file, metadata) = place::open(&path, is_log && settings.follow_symlinks).map_err(unreadable)?;
        let inode = Inode::of(&metadata);
        let content = Content::of_copy(file).map_err(unreadable)?;
        let (sight, length) = (Sight::of(&metadata, is_log), metadata.len());
        let tails = &self.logs[log].tails;
        let open = tails.iter().position(|tail| tail.inode() == inode && tail.rotated != is_log);
        let found =
            |content, open, file| Meant { log, open, file, path: path.clone(), content, sight, length };
        if let Some(at) = open {
            return Ok(found(content, open, tails[at].remembered()));
        }
        if is_log || tails.iter().any(|tail| tail.inode() == inode) {
            return Err(ResetError::Moving { file: path.display().to_string() });
        }
        let mut spotted = Spotted::of(path.clone(), &metadata, Some(content), false);
        let known = self.known.iter().rev().find(|known| spotted.is_same(known)).cloned().unwrap_or_default();
        // It may be a copy of one that is open.
        if tails.iter().any(|tail| tail.file.number == known.number) {
            return Err(ResetError::Moving { file: path.display().to_string() });
        }
        let content = spotted.content.take().ok_or(ResetError::Busy)?;
        Ok(found(content, None, known))
    }

    /// The log that is meant or that the file was rotated from, and the file.
    fn meant_log(&self, reset: &Reset) -> Result<(usize, PathBuf), ResetError> {
        let Some(file) = &reset.file else {
            let logs: Vec<String> = self.logs.iter().map(|log| log.path.display().to_string()).collect();
            return match self.logs.as_slice() {
                [log] => Ok((0, absolute(&log.path).unwrap_or_else(|_| log.path.clone()))),
                _ => Err(ResetError::Several { name: self.name.to_string(), logs }),
            };
        };
        let path = Path::new(file);
        let is_it = |log: &Path| absolute(log).is_ok_and(|log| log == path);
        let was_it = |log: &Path| {
            let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let may_be =
                name(path).zip(name(log)).is_some_and(|(name, log)| rotation::may_be_rotated(&name, &log));
            may_be && absolute(log).is_ok_and(|log| log.parent() == path.parent())
        };
        let found = self.logs.iter().position(|log| is_it(&log.path));
        let found = found.or_else(|| self.logs.iter().position(|log| was_it(&log.path)));
        let stranger = || ResetError::Stranger { file: file.clone(), name: self.name.to_string() };
        found.map(|log| (log, path.to_path_buf())).ok_or_else(stranger)
    }

    /// The exact place, and what it means.
    fn aim(&self, meant: Meant, reset: &Reset, round: &Round<'_>) -> Result<(Moved, Goal), ResetError> {
        let Meant { log, open, file: before, path, mut content, sight, length } = meant;
        let name = path.display().to_string();
        let unreadable = |why| ResetError::Unreadable { file: name.clone(), why };
        let place = match reset.to {
            To::Beginning | To::Offset(0) => 0,
            To::End if content.is_packed() => return Err(ResetError::Endless { file: name }),
            To::End => content.line_end_before(length).map_err(unreadable)?,
            To::Offset(offset) => {
                if content.exactly(1, offset - 1).map_err(unreadable)?.is_none() {
                    return Err(ResetError::Beyond { file: name, offset });
                }
                content.line_end_before(offset).map_err(unreadable)?
            }
        };
        let mut file = FollowedFile { offset: place, finished: false, mark: None, ..before.clone() };
        (file.device, file.inode, file.birth) = (sight.inode.device, sight.inode.inode, sight.birth);
        if place == 0 || place < file.anchor {
            // What the file says there of how to read on is found anew.
            (file.anchor, file.dialect) = (0, Text::default());
        }
        let (is_new, packed) = (before.number == FileNo::default(), content.is_packed());
        if is_new {
            (file.source, file.path) = (self.name.clone(), path.clone());
        }
        let choice = Choice::new(round.settings.sources[self.at].dialect, &file.dialect);
        let mut tail = Tail::new(&path, content, file, choice).map_err(unreadable)?;
        tail.rotated = !sight.is_log;
        tail.again = open.is_none_or(|at| self.logs[log].tails[at].again);
        tail.learn_head().map_err(unreadable)?;
        let (from, to) = (before.offset, tail.file.offset);
        let is_left = before.finished && (packed || length > to);
        let moved = Moved {
            source: self.name.to_string(),
            file: name,
            from,
            to,
            again_bytes: from.saturating_sub(to),
            skipped_bytes: to.saturating_sub(from),
            is_new,
            taken_back: matches!(reset.to, To::Offset(offset) if offset > to),
            changes: is_new || from != to || is_left,
            done: false,
        };
        Ok((moved, Goal { log, open, before, tail }))
    }

    /// Reads on from there; the journal is told, and why.
    pub(super) fn go(&mut self, goal: Goal, moved: &Moved, asker: &Asker, round: &mut Round<'_>) {
        let Goal { log, open, before, mut tail } = goal;
        if moved.is_new {
            round.last_file.0 += 1;
            tail.file.number = *round.last_file;
        }
        // A tear behind this line leaves the file as it was: only the record takes it to its new place.
        let finished = before.finished || moved.is_new;
        round.input.files.push(FollowedFile { finished, ..tail.file.clone() });
        let position = Some(Position { file: tail.file.number, offset: tail.file.offset });
        round.input.drafts.push(Draft {
            event: self.moved(moved, asker, round),
            position,
            mark: tail.file.mark,
        });
        round.input.progress.push(progress_of(&tail.file, tail.file.mark));
        self.status.resets += 1;
        self.status.gaps.skipped += u64::from(moved.skipped_bytes > 0);
        remember(&mut self.known, &tail.file);
        let tails = &mut self.logs[log].tails;
        match open.and_then(|at| tails.get_mut(at)) {
            Some(open) => *open = tail,
            // What came before the log is read before it.
            None => tails.push_front(tail),
        }
    }

    fn moved(&self, moved: &Moved, asker: &Asker, round: &Round<'_>) -> Event {
        let message = format!("{} had the position of source {} changed: {moved}", asker.who, self.name);
        let target = Target { kind: "source".into(), name: Some(self.name.clone()), id: None };
        let reason = match (moved.again_bytes, moved.skipped_bytes) {
            (0, 0) => "read on",
            (0, _) => "passed over",
            _ => "read again",
        };
        Event {
            sensor: round.settings.sources[self.at].sensor.clone(),
            source: Text::const_new("otrail"),
            user: Some(asker.user.clone()),
            target: Some(Box::new(target)),
            reason: Some(Text::const_new(reason)),
            old: Some(moved.from.to_string().into()),
            new: Some(moved.to.to_string().into()),
            count: Some(moved.again_bytes + moved.skipped_bytes),
            ..Event::own(Action::POSITION_RESET, Outcome::Success, round.now, message)
        }
    }
}
