//! A copy of the log before has its place: it is read on, and what was edited in it is told.
//!
//! ```text
//! before  aaaaaaaa bb cccccccccccc          read before in after: a and c, as far as they had been read
//! after   aaaaaaaa dddd cccccccccccc eee    told: b is d now; d and e are read
//! ```
//!
//! Invariant: an entry is passed over only where all its bytes were read before, in the same order, and each byte of the
//! file before stands for one byte at most; and where it has a time of its own or stands among many that were read.
//! Invariant: the record that tells it carries the position in the copy: neither is in the journal without the other.
//! Limit: what was read before is known by its place. A copy that is written over in place before it has been read to its end,
//! to the same length and with the same beginning, may hide what is new in it.

use super::alike::{Block, Comparison};
use super::choice::Choice;
use super::cutter::Cut;
use super::identity::HEAD_BYTES_MAX;
use super::rewritten::Rewritten;
use super::source::{Round, Source, progress_of, remember};
use super::tail::Tail;
use crate::journal::{Draft, FollowedFile};
use crate::model::{Action, Event, Outcome, Position, Text};
use std::io;

/// A copy: where it is read on, what of it has been read, and what is otherwise.
struct Copied {
    read_before: Vec<(u64, u64)>,
    edits: Vec<Edit>,
}

/// Bytes of what had been read, and what stands in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    before: (u64, u64),
    after: (u64, u64),
}

impl Source {
    /// The file goes on where the one before was, as far as it has what that had.
    pub(super) fn take_copy(
        &mut self,
        log: usize,
        of: usize,
        at: usize,
        comparison: &Comparison,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        let (blocks, through) = (comparison.blocks(), comparison.through());
        let tails = &mut self.logs[log].tails;
        let (read, end) = (tails[of].file.offset, tails[of].cutter.read_through());
        let length = tails[at].metadata()?.len();
        let Copied { read_before, edits } = Copied::of(blocks, read, through, length);
        let whole = read_before.first().is_some_and(|&known| known == (0, read));
        let file = match whole {
            true => FollowedFile {
                offset: read,
                anchor: tails[of].file.anchor,
                dialect: tails[of].file.dialect.clone(),
                read_before,
                ..tails[at].file.clone()
            },
            false => FollowedFile { read_before, ..tails[at].file.clone() },
        };
        let choice = Choice::new(round.settings.sources[self.at].dialect, &file.dialect);
        let mut copy = tails[at].moved_to(file, choice)?;
        copy.copied_bytes = Some(length);
        // What was put in may have been taken out before: an edit that is undone, a line that was moved.
        copy.rewritten = edits.iter().any(|edit| edit.after.0 < edit.after.1).then(Rewritten::new);
        copy.learn_head()?;
        // What it has of an entry that has no end yet goes on in the copy.
        let rest_is_there =
            blocks.last().is_some_and(|last| last.before <= read && last.before_end() == through);
        if read < through && end == through && rest_is_there {
            let file = FollowedFile { offset: through, mark: None, ..tails[of].file.clone() };
            let choice = Choice::new(round.settings.sources[self.at].dialect, &file.dialect);
            let old = tails[of].moved_to(file, choice)?;
            round.input.progress.push(progress_of(&old.file, old.file.mark));
            tails[of] = old;
        }
        round.input.files.push(copy.file.clone());
        remember(&mut self.known, &copy.file);
        let event = self.copy_told(log, read.min(through), &edits, round);
        let position = Position { file: copy.file.number, offset: copy.file.offset };
        round.input.drafts.push(Draft { event, position: Some(position), mark: copy.file.mark });
        self.logs[log].tails[at] = copy;
        Ok(())
    }

    fn copy_told(&mut self, log: usize, read: u64, edits: &[Edit], round: &Round<'_>) -> Event {
        self.status.replacements += 1;
        let path = self.logs[log].path.display().to_string();
        let (outcome, reason, what) = if edits.is_empty() {
            let what = format!("a copy of itself, and is read on behind the {read} bytes that had been read");
            (Outcome::Success, "copy", what)
        } else {
            let first: Vec<String> = edits.iter().take(TOLD_EDITS_MAX).map(Edit::text).collect();
            let more = match edits.len().saturating_sub(TOLD_EDITS_MAX) {
                0 => String::new(),
                more => format!(", and {more} more places"),
            };
            let what = format!(
                "an edited copy of itself: of {read} bytes that had been read, {}{more}; what was read is not read \
                 again, what is new is, and the journal keeps what it has",
                first.join(", ")
            );
            (Outcome::Failure, "edited", what)
        };
        let places = |place: fn(&Edit) -> (u64, u64)| {
            let places = edits.iter().take(TOLD_EDITS_MAX).map(place);
            let places: Vec<String> = places.map(|(from, to)| format!("{from}-{to}")).collect();
            (!places.is_empty()).then(|| Text::from(places.join(",")))
        };
        let gone = edits.iter().map(|edit| edit.before.1 - edit.before.0).sum::<u64>();
        Event {
            reason: Some(Text::const_new(reason)),
            old: places(|edit| edit.before),
            new: places(|edit| edit.after),
            count: Some(gone),
            ..self.own(Action::SOURCE_REPLACED, outcome, format!("{path} was replaced by {what}"), round)
        }
    }
}

impl Copied {
    /// By what both have in common, where so much had been read of the file before, which had so much, and of the copy.
    fn of(blocks: &[Block], read: u64, through: u64, length: u64) -> Copied {
        let (mut read_before, mut edits) = (Vec::new(), Vec::new());
        let mut done = (0, 0);
        for block in blocks {
            if done != (block.before, block.after) {
                edits.push(Edit { before: (done.0, block.before), after: (done.1, block.after) });
            }
            done = (block.before_end(), block.after_end());
            // What follows was not read before, but is now.
            let known = block.bytes.min(read.saturating_sub(block.before));
            if known > 0 {
                read_before.push((block.after, block.after + known));
            }
        }
        if done.0 < through {
            edits.push(Edit { before: (done.0, through), after: (done.1, length) });
        }
        Copied { read_before, edits }
    }
}

impl Edit {
    fn text(&self) -> String {
        let Edit { before: (from, to), after: (begin, end) } = *self;
        match (from == to, begin == end) {
            (_, true) => format!("bytes {from}-{to} are gone"),
            (true, _) => format!("something was put in before byte {from}, as bytes {begin}-{end}"),
            _ => format!("bytes {from}-{to} are others, as bytes {begin}-{end}"),
        }
    }
}

impl Tail {
    /// The same, read on from elsewhere.
    fn moved_to(&self, file: FollowedFile, choice: Choice) -> io::Result<Tail> {
        let mut tail = Tail::new(&self.path, self.content()?, file, choice)?;
        (tail.rotated, tail.renamed) = (self.rotated, self.renamed);
        tail.growth.habit = self.growth.habit.clone();
        Ok(tail)
    }
}

/// Whether an entry stands where all that is there had been read in the file before.
pub(super) fn was_read_before(file: &FollowedFile, cut: &Cut<'_>, has_time: bool) -> bool {
    let at = file.read_before.partition_point(|&(_, to)| to < cut.end);
    let known = file.read_before.get(at).filter(|&&(from, _)| from <= cut.start);
    known.is_some_and(|(from, to)| has_time || to - from >= HEAD_BYTES_MAX)
}

/// Edited places that are named.
const TOLD_EDITS_MAX: usize = 8;
