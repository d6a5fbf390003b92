//! A new file is at the log's path. Is it a new log, or the former one that somebody has edited, restored or copied?
//!
//! ```text
//! nothing alike, or not enough to say    a new log: it is read whole
//! all of what was read, and perhaps more the log goes on in a copy of itself: it is read on from there
//! parts of it                            an edited copy: what stands in it as it was read is not read again,
//!                                        the rest is, and what was taken out and put in is told
//! ```
//!
//! The file before is still open, whatever has become of its name, so both are compared byte for byte. An editor may
//! still be writing: where the copy ends early it is waited for until it has not grown for a moment.
//!
//! Invariant: while this is not known nothing is read of the file.
//! Not here: what both have in common (`alike`), and how a copy is read on (`edited`).

use super::alike::{Block, Comparison, Stand};
use super::choice::Choice;
use super::cutter::Reading;
use super::gap::{Gap, Loss};
use super::identity::HEAD_BYTES_MAX;
use super::log::Log;
use super::source::{Round, Source};
use super::tail::Tail;
use crate::dialect::{Context, End};
use crate::journal::FollowedFile;
use crate::model::{Action, FileNo, Outcome};
use std::io;
use std::time::{Duration, Instant};

/// A file at the log's path of which it is not known yet whether it is a copy of the one before.
#[derive(Debug, Default)]
pub(super) struct Trial {
    comparison: Option<Box<Comparison>>,
    /// The file it is compared with.
    of: FileNo,
    /// When it was first seen to have anything, and how long it was when it was last seen to grow, and when.
    began: Option<Instant>,
    grown: Option<(u64, Instant)>,
    /// That the log was rotated is to be told if it is no copy.
    pub tells_rotation: bool,
}

/// What a trial has come to.
enum Verdict {
    /// There is nothing in the file.
    Empty,
    Later,
    New,
    /// It was cut while it was compared.
    Cut,
    /// It was written over meanwhile: it is compared from its beginning.
    Rewritten,
    /// It has much in common with the file of that place among the open ones.
    Copy(usize),
}

impl Source {
    /// The latest former log that is still open, of those before that place.
    fn predecessor(&self, log: usize, at: usize) -> Option<usize> {
        let Log { tails, path, .. } = &self.logs[log];
        (0..at).rev().find(|&before| {
            let tail = &tails[before];
            let has_any = tail.metadata().is_ok_and(|metadata| metadata.len() > 0);
            tail.rotated && !tail.is_packed() && !tail.again && tail.path == *path && has_any
        })
    }

    /// A new file was opened at the log's path: it is tried before it is read, if there is anything to compare it with.
    pub(super) fn put_on_trial(&mut self, log: usize) {
        let Some(last) = self.logs[log].tails.len().checked_sub(1) else { return };
        if self.predecessor(log, last).is_some() {
            self.logs[log].tails[last].trial = Some(Trial::default());
        }
    }

    /// Whether a file is not to be read yet, because it may be a copy of what was read.
    pub(super) fn is_on_trial(&mut self, log: usize, at: usize, round: &mut Round<'_>) -> bool {
        let Some(mut trial) = self.logs[log].tails[at].trial.take() else { return false };
        // What cannot be compared is read.
        let verdict = self.try_one(log, at, &mut trial, round).unwrap_or(Verdict::New);
        let is_later = matches!(verdict, Verdict::Later);
        if matches!(verdict, Verdict::Cut | Verdict::Rewritten) {
            self.logs[log].tails[at].forget_opening();
            let path = self.logs[log].path.display();
            let message = format!(
                "{path} was cut while it was compared with what had been read; what was new in it is lost"
            );
            self.tell_gap(Gap { loss: Loss::Truncated, bytes: None, message }, round);
        }
        match verdict {
            Verdict::Empty | Verdict::Later => self.logs[log].tails[at].trial = Some(trial),
            Verdict::Rewritten => {
                self.logs[log].tails[at].trial = Some(trial);
                return self.is_on_trial(log, at, round);
            }
            Verdict::New => self.tell_rotation(log, &trial, round),
            Verdict::Cut => {}
            Verdict::Copy(of) => {
                let comparison = trial.comparison.take();
                let taken = comparison.map(|comparison| self.take_copy(log, of, at, &comparison, round));
                if !matches!(taken, Some(Ok(()))) {
                    self.tell_rotation(log, &trial, round);
                }
            }
        }
        is_later
    }

    fn tell_rotation(&mut self, log: usize, trial: &Trial, round: &mut Round<'_>) {
        if trial.tells_rotation {
            self.rotated(log, round);
        }
    }

    /// The log was rotated.
    pub(super) fn rotated(&mut self, log: usize, round: &mut Round<'_>) {
        self.status.rotations += 1;
        let message =
            format!("{} was rotated; the old file is read to its end", self.logs[log].path.display());
        self.tell(Action::SOURCE_ROTATED, Outcome::Success, message, round);
    }

    fn try_one(
        &mut self,
        log: usize,
        at: usize,
        trial: &mut Trial,
        round: &Round<'_>,
    ) -> io::Result<Verdict> {
        let (length, now) = (self.logs[log].tails[at].metadata()?.len(), Instant::now());
        if length == 0 {
            return Ok(Verdict::Empty);
        }
        if !self.logs[log].tails[at].is_still_before()? {
            (trial.comparison, trial.grown) = (None, None);
            return Ok(Verdict::Rewritten);
        }
        let Some(of) = self.predecessor(log, at) else { return Ok(Verdict::New) };
        let tails = &self.logs[log].tails;
        if tails[of].trial.is_some() {
            return Ok(Verdict::Later);
        }
        if trial.comparison.is_none() || trial.of != tails[of].file.number {
            let through = tails[of].metadata()?.len();
            let comparison = Comparison::new(tails[of].content()?, tails[at].content()?, through);
            (trial.comparison, trial.of) = (Some(Box::new(comparison)), tails[of].file.number);
        }
        let began = *trial.began.get_or_insert(now);
        let comparison = comparison_of(trial)?;
        // What it had before it was replaced is read first.
        let is_behind = tails[of].cutter.read_through() < comparison.through();
        if is_behind && self.logs[log].tails[of].goes_on() && !self.logs[log].tails[of].is_stuck() {
            return Ok(Verdict::Later);
        }
        let (seen, grown) = trial.grown.unwrap_or((0, now));
        if length < seen {
            return Ok(Verdict::Cut);
        }
        let grown = if length > seen { now } else { grown };
        trial.grown = Some((length, grown));
        let is_settled = grown.elapsed() >= SETTLED_AFTER || began.elapsed() >= SETTLED_AT_LAST;
        let comparison = comparison_of(trial)?;
        if length > seen || comparison.stand() == Stand::Going {
            comparison.step(COMPARED_BYTES)?;
        }
        let (stand, blocks) = (comparison.stand(), comparison.blocks().to_vec());
        if stand == Stand::Going || stand == Stand::Ends && !is_settled {
            return Ok(Verdict::Later);
        }
        if !self.says_enough(log, of, at, &blocks, round)? {
            return Ok(Verdict::New);
        }
        if !comparison_of(trial)?.is_still_so()? {
            // It was rewritten meanwhile.
            trial.comparison = None;
            return Ok(Verdict::Later);
        }
        Ok(if stand == Stand::Differs && !is_settled { Verdict::Later } else { Verdict::Copy(of) })
    }

    /// Whether no new log would have that much in common with the one before: many bytes, or an entry with its time.
    fn says_enough(
        &self,
        log: usize,
        of: usize,
        at: usize,
        blocks: &[Block],
        round: &Round<'_>,
    ) -> io::Result<bool> {
        if blocks.iter().any(|block| block.bytes >= HEAD_BYTES_MAX) {
            return Ok(true);
        }
        let tails = &self.logs[log].tails;
        let settings = round.settings;
        let source = &settings.sources[self.at];
        let file = FollowedFile { dialect: tails[of].file.dialect.clone(), ..FollowedFile::default() };
        let choice = Choice::new(source.dialect, &file.dialect);
        let mut scratch = Tail::new(&tails[at].path, tails[at].content()?, file, choice)?;
        scratch.read(TRIED_BYTES)?;
        let context = Context {
            sensor: &source.sensor,
            source: &self.name,
            seen: round.now,
            zone: &source.zone,
            rules: &settings.rules,
            user_login: settings.user_login,
            habits: &source.habits,
        };
        let line_bytes_max = source.line_bytes_max;
        let reading = Reading { context: &context, masks: &settings.masks, line_bytes_max };
        let mut says = false;
        scratch.cut(End::Settled, reading, |_, parsed, cut| {
            let is_in = |block: &Block| block.after <= cut.start && cut.end <= block.after_end();
            says |= !parsed.identity.needs_position() && blocks.iter().any(is_in);
        });
        Ok(says)
    }
}

impl Log {
    /// Whether that file may have been replaced by a copy that nobody has written to since.
    pub(super) fn may_be_written_still(&self, at: usize) -> bool {
        let is_tried = self.tails.iter().skip(at + 1).any(Tail::waits_for_trial);
        self.tails[at].path == self.path && (is_tried || self.tails.back().is_some_and(Tail::is_idle_copy))
    }
}

impl Trial {
    /// As if so much time had passed.
    #[cfg(test)]
    pub(super) fn age(&mut self, time: Duration) {
        self.began = self.began.map(|began| began - time);
        self.grown = self.grown.map(|(length, grown)| (length, grown - time));
    }
}

fn comparison_of(trial: &mut Trial) -> io::Result<&mut Comparison> {
    trial.comparison.as_deref_mut().ok_or_else(|| io::Error::other("nothing is compared"))
}

impl Tail {
    /// Whether it may be a copy, and has anything.
    pub(super) fn waits_for_trial(&self) -> bool {
        self.trial.is_some() && self.metadata().is_ok_and(|metadata| metadata.len() > 0)
    }

    /// Whether it took the place of a log, and nobody has written to it since: he may still write to the other.
    pub(super) fn is_idle_copy(&self) -> bool {
        let length = self.metadata().map(|metadata| metadata.len()).ok();
        self.copied_bytes.is_some() && self.copied_bytes == length
    }

    /// Whether nothing could be read of it for long.
    fn is_stuck(&self) -> bool {
        self.grown.max(self.renamed).elapsed() >= STUCK_AFTER
    }
}

/// Bytes that are compared in one look.
const COMPARED_BYTES: u64 = 32 << 20;
/// The first bytes of a small copy, in which an entry with a time is looked for.
const TRIED_BYTES: usize = 64 << 10;
/// How long a copy that ends early must not have grown before it counts as whole.
const SETTLED_AFTER: Duration = Duration::from_millis(250);
/// How long it is waited for at most.
const SETTLED_AT_LAST: Duration = Duration::from_secs(2);
/// How long nothing could be read of a file that has more.
const STUCK_AFTER: Duration = Duration::from_secs(60);
