//! One log of a source: the files that are open for it, and whether it is there.

use super::growth::Habit;
use super::identity::Inode;
use super::left::Left;
use super::rotation::Candidate;
use super::spotted::Face;
use super::tail::Tail;
use super::unpacking::Unpacking;
use crate::journal::FollowedFile;
use crate::model::FileNo;
use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A path and what is open for it.
#[derive(Debug)]
pub(super) struct Log {
    pub path: PathBuf,
    /// The path of the source means several logs.
    pub is_one_of_several: bool,
    /// Oldest first; the last one is at the path, or was.
    pub tails: VecDeque<Tail>,
    /// How the log before the one at the path was written.
    pub habit: Habit,
    /// How far a log was saved that was cut: a writer that does not append goes on where it was, behind zeros.
    pub saved: Option<(Inode, u64)>,
    /// Files wait to be opened until others have been read.
    pub is_crowded: bool,
    /// Just before the oldest of those that nobody knows had last been written: what is read meanwhile may be newer.
    pub waiting_since: Option<SystemTime>,
    /// What it held before is gone, and what it has now may repeat that.
    pub is_rewritten: bool,
    /// Which files were left last.
    pub left: Vec<Left>,
    /// Former logs that may not be read now.
    pub denied: Vec<Left>,
    /// Compressed copies, as far as they were unpacked, and whether that was not far enough.
    pub unpacking: Vec<Unpacking>,
    pub is_unpacking: bool,
    /// What needs no second look: compressed copies that were looked through and have nothing to read, and what is damaged.
    pub done_with: HashSet<Face>,
    /// Small copies of what is being read, and of which file they are.
    pub copies: Vec<(Inode, FollowedFile)>,
    /// When the folder had last been changed the last time that its files were looked through.
    looked_through: Option<SystemTime>,
    pub error: String,
    missing_since: Option<Instant>,
    pub missing_told: bool,
    /// The last file of which it was told that an entry in it waits for its end in vain.
    pub unended_told: Option<FileNo>,
}

impl Log {
    pub(super) fn new(path: PathBuf, is_one_of_several: bool) -> Log {
        Log {
            path,
            is_one_of_several,
            tails: VecDeque::new(),
            habit: Habit::default(),
            saved: None,
            is_crowded: false,
            waiting_since: None,
            is_rewritten: false,
            left: Vec::new(),
            denied: Vec::new(),
            unpacking: Vec::new(),
            is_unpacking: false,
            done_with: HashSet::new(),
            copies: Vec::new(),
            looked_through: None,
            error: String::new(),
            missing_since: None,
            missing_told: false,
            unended_told: None,
        }
    }

    /// Whether nobody has looked for it yet.
    pub(super) fn is_new(&self) -> bool {
        self.looked_through.is_none()
    }

    /// How many files it has open, and may: whatever others have, each log has room for the next when it is rotated.
    pub(super) fn claims(&self) -> usize {
        if self.tails.is_empty() { 0 } else { self.tails.len().max(CLAIM) }
    }

    /// Whether that file is open as the log itself.
    pub(super) fn has_open(&self, inode: Inode) -> bool {
        self.tails.back().is_some_and(|tail| !tail.rotated && tail.inode() == inode)
    }

    /// Whether files have come to or gone from the folder since the last time that this was asked.
    pub(super) fn has_new_neighbours(&mut self) -> bool {
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let changed = folder.unwrap_or(Path::new(".")).metadata().and_then(|folder| folder.modified()).ok();
        // Its time counts in ticks: what comes in the same one as the last change does not show.
        let is_recent = changed.is_some_and(|changed| changed.elapsed().is_ok_and(|ago| ago < TICKS));
        std::mem::replace(&mut self.looked_through, changed) != changed || is_recent
    }

    /// Files were renamed while they were looked at: they wait for the next look, and all that is newer with them.
    pub(super) fn look_again(&mut self) {
        (self.looked_through, self.is_crowded) = (None, true);
    }

    /// Those are opened when others have been read.
    pub(super) fn let_wait(&mut self, waiting: &[Candidate]) {
        self.is_crowded = !waiting.is_empty();
        let unknown = waiting.iter().filter(|it| it.known.is_none() && !it.is_log);
        let oldest = unknown.map(|it| it.modified).min();
        self.waiting_since = oldest.and_then(|oldest| oldest.checked_sub(Duration::from_millis(1)));
    }

    /// The log has been cut, and was saved up to there; cut once more before it was written, it counts as it was.
    pub(super) fn keep_saved(&mut self, inode: Inode, through: Option<u64>) {
        let before = self.saved.filter(|&(of, _)| of == inode).map_or(0, |(_, through)| through);
        self.saved = through.map(|through| (inode, through.max(before)));
    }

    pub(super) fn mark_rotated(&mut self) {
        for tail in self.tails.iter_mut().filter(|tail| !tail.rotated) {
            (tail.rotated, tail.renamed) = (true, Instant::now());
            self.habit = tail.growth.habit.clone();
        }
    }

    /// Nothing is left to read of a file that is there.
    pub(super) fn leave(&mut self, left: Left) {
        self.left.retain(|other| other.inode() != left.inode());
        self.left.push(left);
        self.left.drain(..self.left.len().saturating_sub(LEFT_MAX));
    }

    /// A small copy of a file that is being read.
    pub(super) fn add_copy(&mut self, of: Inode, copy: FollowedFile) {
        self.copies.push((of, copy));
        self.copies.drain(..self.copies.len().saturating_sub(LEFT_MAX));
    }

    /// A compressed copy is not looked through again.
    pub(super) fn is_done_with(&mut self, copy: Face) {
        if self.done_with.len() >= DONE_WITH_MAX {
            self.done_with.clear();
        }
        self.done_with.insert(copy);
    }

    /// A former log may not be read. True when that is new.
    pub(super) fn add_denied(&mut self, denied: Left) -> bool {
        let is_new = self.denied.iter().all(|known| known.inode() != denied.inode());
        if is_new {
            self.denied.push(denied);
            self.denied.drain(..self.denied.len().saturating_sub(LEFT_MAX));
        }
        is_new
    }

    pub(super) fn fail(&mut self, error: &io::Error) {
        self.error = format!("cannot read {}: {error}", self.path.display());
    }

    /// Something is on the move: a rotation or a missing file, to be looked at sooner than usual.
    pub(super) fn is_unsettled(&self) -> bool {
        let is_moving = self.tails.back().is_none_or(|tail| tail.rotated || tail.waits_for_trial());
        is_moving && !self.missing_told && !self.is_one_of_several || self.is_crowded || self.is_unpacking
    }

    /// The log cannot be opened. True when that is to be told.
    pub(super) fn misses(&mut self, error: &io::Error, is_first_look: bool) -> bool {
        self.fail(error);
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        let tells = !self.missing_told && (is_first_look || since.elapsed() >= MISSING_AFTER);
        self.missing_told |= tells;
        tells
    }

    /// The log can be opened. True when it was told that it could not.
    pub(super) fn finds(&mut self) -> bool {
        self.missing_since = None;
        self.error.clear();
        std::mem::take(&mut self.missing_told)
    }
}

/// Files that were left and are looked at once in a while, and small copies.
const LEFT_MAX: usize = 16;
/// Compressed copies that are remembered.
const DONE_WITH_MAX: usize = 4096;
/// The log and what it was rotated to.
pub(super) const CLAIM: usize = 2;
/// Longer than any file system's ticks are.
const TICKS: Duration = Duration::from_secs(2);
/// How long a file must be away before that is told: a rotation takes a moment.
const MISSING_AFTER: Duration = Duration::from_secs(5);
