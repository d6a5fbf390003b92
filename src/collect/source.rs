//! One source: the logs at its path and the files they were rotated to, read oldest first.

use super::cutter::{Cut, Reading};
use super::defects::Defects;
use super::discover::OPEN_MAX;
use super::edited::was_read_before;
use super::gap::{Gap, Loss};
use super::identity::Inode;
use super::log::{CLAIM, Log};
use super::missing::Owed;
use super::ordinals::Ordinals;
use super::packed::doubting;
use super::parting::Parting;
use super::report::Pace;
use super::settings::{Settings, SourceSettings};
use super::tail::Found;
use super::telling::Spoken;
use super::watch::Short;
use crate::dialect::{Context, End, Identity};
use crate::journal::{Draft, FollowedFile, Input, Journal, Mark, Progress};
use crate::model::status::SourceStatus;
use crate::model::{Event, EventId, FileNo, Flag, Position, Text, Time};
use std::path::Path;
use std::time::{Duration, Instant};

/// A source and its logs.
pub(super) struct Source {
    pub(super) name: Text,
    /// The path as it is configured.
    pub(super) path: String,
    pub(super) at: usize,
    pub(super) logs: Vec<Log>,
    pub(super) known: Vec<FollowedFile>,
    pub(super) ordinals: Ordinals,
    pub(super) looked: Option<Instant>,
    /// Something has told that the path is worth a look now.
    pub(super) hurried: bool,
    /// Nothing of the source has ever been read.
    pub(super) is_fresh: bool,
    /// What is wrong with the path as a whole.
    pub(super) error: String,
    /// The path leads to what otrail writes itself.
    pub(super) meets_itself: bool,
    pub(super) owed: Owed,
    pub(super) status: SourceStatus,
    pub(super) pace: Pace,
    /// Which log is read first in the next round.
    turn: usize,
    pub(super) last_entry: Option<Time>,
    pub(super) last_event: Option<EventId>,
    /// Where in the batch a gap is told of whose next event is not known yet.
    pub(super) open_gap: Option<usize>,
    pub(super) spoken: Spoken,
    pub(super) defects: Defects,
    /// What there is too little of for hints that its logs have grown.
    pub(super) short: Option<Short>,
}

/// What a poll works with.
pub(super) struct Round<'a> {
    pub settings: &'a Settings,
    pub input: &'a mut Input,
    /// What has been read is there, unless nothing is kept.
    pub journal: Option<&'a Journal>,
    /// The highest file number in use.
    pub last_file: &'a mut FileNo,
    /// Bytes that may still be read.
    pub budget: usize,
    pub now: Time,
    /// Files that may be open besides those that each log has claimed.
    pub spare: usize,
}

impl Round<'_> {
    /// Puts one of otrail's own events into the batch; false when the rate limit holds it back.
    ///
    /// No place in a log goes by it: whatever carries a position is not held back.
    pub(super) fn put(&mut self, event: Event) -> bool {
        let admitted = self.journal.is_none_or(|journal| journal.admits(&event));
        if admitted {
            self.input.drafts.push(Draft { event, position: None, mark: None });
        }
        admitted
    }
}

impl Source {
    /// The source number `at` of the settings; `known` are its files by the journal.
    pub(super) fn new(at: usize, settings: &SourceSettings, known: Vec<FollowedFile>) -> Source {
        Source {
            name: settings.name.clone(),
            path: settings.path.to_string_lossy().into_owned(),
            at,
            logs: Vec::new(),
            is_fresh: known.is_empty(),
            known,
            ordinals: Ordinals::default(),
            looked: None,
            hurried: false,
            error: String::new(),
            meets_itself: false,
            owed: Owed::Nothing,
            status: SourceStatus::default(),
            pace: Pace::new(),
            turn: 0,
            last_entry: None,
            last_event: None,
            open_gap: None,
            spoken: Spoken::default(),
            defects: Defects::default(),
            short: None,
        }
    }

    /// The paths at which logs are open now: what hints are wanted for.
    pub(super) fn watched(&self) -> impl Iterator<Item = (&Path, Inode)> {
        let current = self.logs.iter().filter_map(|log| log.tails.back()).filter(|tail| !tail.rotated);
        current.map(|tail| (tail.path.as_path(), tail.inode()))
    }

    /// Files that it has open, and may: whatever others have, it has room for a log.
    pub(super) fn claims(&self) -> usize {
        self.logs.iter().map(Log::claims).sum::<usize>().max(CLAIM)
    }

    /// Something is on the move: a rotation or a missing file, to be looked at sooner than usual.
    pub(super) fn is_unsettled(&self) -> bool {
        self.logs.iter().any(Log::is_unsettled)
    }

    /// Reads what is new, within a budget. True when there was something.
    pub(super) fn poll(&mut self, round: &mut Round<'_>) -> bool {
        self.open_gap = None;
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        if std::mem::take(&mut self.hurried) || due || self.is_unsettled() {
            self.look(round);
            self.looked = Some(Instant::now());
        }
        let (budget, count) = (round.budget, self.logs.len());
        for turn in self.turn..self.turn + count {
            // Each log may use a part, so that a busy one leaves something to the others.
            let part = (budget / count.max(1)).max(PART_BYTES).min(round.budget);
            if part == 0 {
                break;
            }
            self.turn = (turn + 1) % count;
            round.budget -= self.poll_log(turn % count, part, round);
        }
        round.budget < budget
    }

    /// Reads a log, oldest file first; how many bytes that were.
    fn poll_log(&mut self, log: usize, budget: usize, round: &mut Round<'_>) -> usize {
        let (mut at, mut left) = (0, budget);
        while at < self.logs[log].tails.len() && left > 0 {
            if let Some(gap) = self.logs[log].tails[at].gap_before.take() {
                self.tell_gap(gap, round);
            }
            if self.is_on_trial(log, at, round) {
                at += 1;
                continue;
            }
            let tail = &mut self.logs[log].tails[at];
            match tail.read(left) {
                Ok(Found::Bytes(count)) => {
                    left -= count;
                    let end = if count == 0 { end_after(tail.grown.elapsed()) } else { End::Open };
                    self.take_entries(log, at, end, round);
                    self.remember_copies_of(log, at, round);
                    if count == 0 {
                        self.tell_rewritten(log, at, round);
                        self.tell_unended(log, at, round);
                    }
                    if count == 0 && self.may_finish(log, at) {
                        self.finish(log, at, round);
                        continue;
                    }
                    at += 1;
                }
                Ok(Found::Replaced { now_bytes }) => {
                    at += usize::from(self.replaced(log, at, now_bytes, round) == Parting::Later);
                }
                Ok(Found::Hole { until }) => self.pass_hole(log, at, until, round),
                // A copy that is damaged here is so for good.
                Err(error) if tail.is_packed() => {
                    let candidate = tail.candidate();
                    self.finish(log, at, round);
                    self.tell_unreadable(&candidate, &doubting(error), round);
                }
                Err(error) => {
                    let path = tail.path.clone();
                    self.logs[log].error = format!("cannot read {}: {error}", path.display());
                    at += 1;
                }
            }
        }
        budget - left
    }

    /// Tells the journal every position that no record carries; for the stop.
    pub(super) fn tell_positions(&mut self, input: &mut Input) {
        for tail in self.logs.iter_mut().flat_map(|log| &mut log.tails) {
            if tail.passed_untold > 0 {
                let mark = tail.mark_at(tail.file.offset);
                input.progress.push(progress_of(&tail.file, mark));
                tail.passed_untold = 0;
            }
        }
    }

    /// Cuts what was read into entries and makes events of them.
    pub(super) fn take_entries(&mut self, log: usize, at: usize, end: End, round: &mut Round<'_>) {
        let settings = round.settings;
        let source = &settings.sources[self.at];
        let (ordinals, status, name) = (&mut self.ordinals, &mut self.status, &self.name);
        let (last_event, open_gap) = (&mut self.last_event, &mut self.open_gap);
        let defects = &mut self.defects;
        let context = Context {
            sensor: &source.sensor,
            source: name,
            seen: round.now,
            zone: &source.zone,
            rules: &settings.rules,
            user_login: settings.user_login,
            habits: &source.habits,
        };
        let drafts = &mut round.input.drafts;
        let (before, first_draft) = (status.entries, drafts.len());
        let reading =
            Reading { context: &context, masks: &settings.masks, line_bytes_max: source.line_bytes_max };
        let tail = &mut self.logs[log].tails[at];
        let (mut passed, mut rewritten) = (tail.passed_untold, tail.rewritten.take());
        let mut has_read_before = tail.tell_at_once;
        let journal = round.journal;
        tail.cut(end, reading, |file, mut parsed, cut| {
            file.entries += 1;
            let mut is_again = || {
                rewritten
                    .as_mut()
                    .filter(|_| !cut.truncated)
                    .is_some_and(|it| it.was_read(&parsed, ordinals, name, journal))
            };
            let was_read = was_read_before(file, cut, !parsed.identity.needs_position());
            if was_read || is_again() {
                (passed, has_read_before) = (passed + 1, has_read_before | was_read);
                return;
            }
            defects
                .see(parsed.defect, || format!("the entry of {} at byte {}", file.path.display(), cut.start));
            status.entries += 1;
            mark(&mut parsed.event, cut);
            status.truncated += u64::from(cut.truncated);
            if !settings.classes.contains(&parsed.event.class) {
                status.passed_over += 1;
                file.passed_over += 1;
                passed += 1;
                return;
            }
            status.masked += u64::from(parsed.event.flags.contains(Flag::MASKED));
            status.unparsed += u64::from(parsed.event.flags.contains(Flag::UNPARSED));
            parsed.event.id = ordinals.assign(&placed(parsed.identity, file, cut.end));
            if let Some(gap) = open_gap.take().and_then(|at| drafts.get_mut(at)) {
                gap.event.new = Some(parsed.event.id.to_string().into());
            }
            *last_event = Some(parsed.event.id);
            let position = Some(Position { file: file.number, offset: cut.end });
            drafts.push(Draft { event: parsed.event, position, mark: None });
        });
        (tail.passed_untold, tail.tell_at_once, tail.rewritten) = (passed, has_read_before, rewritten);
        if let Some(last) = drafts[first_draft..].last_mut() {
            last.mark = last.position.and_then(|position| tail.mark_at(position.offset));
            tail.file.mark = last.mark.or(tail.file.mark);
        }
        if status.entries > before {
            self.last_entry = Some(round.now);
        }
        self.tell_defects(round);
        self.tell_dialect(log, at, round);
        self.tell_progress(log, at, round);
    }

    /// A rotated file is left when it has not grown for a while, or when too many are open. The last one is what the
    /// sensor writes to until there is a log again: it is left only when it was deleted.
    fn may_finish(&mut self, log: usize, at: usize) -> bool {
        let log = &mut self.logs[log];
        if !log.tails[at].rotated || log.tails[at].goes_on() {
            return false;
        }
        let tail = &log.tails[at];
        // Whoever writes to it may not have noticed yet, however long ago he wrote last.
        let quiet = tail.grown.max(tail.renamed).elapsed() >= LATE_WRITER;
        let has_successor = at + 1 < log.tails.len() || log.is_crowded;
        if has_successor {
            // Whoever had the log open when it was replaced by a copy writes to what he has open.
            if log.may_be_written_still(at) && log.tails.len() < OPEN_MAX {
                return false;
            }
            // Where more wait than may be open, he writes to one of those, if at all.
            return quiet || tail.is_packed() || log.is_crowded || log.tails.len() >= OPEN_MAX;
        }
        quiet && (tail.is_deleted() || tail.is_packed() || log.is_one_of_several)
    }

    /// Takes what is left of a rotated file and closes it.
    fn finish(&mut self, log: usize, at: usize, round: &mut Round<'_>) {
        self.take_entries(log, at, End::Final, round);
        if let Some(mut tail) = self.logs[log].tails.remove(at) {
            let (left, path) = (tail.bytes_behind(), tail.path.display());
            if left > 0 {
                let message = format!("{path} ends in {left} zeros, where something else may have been");
                self.tell_gap(Gap { loss: Loss::Hole, bytes: Some(left), message }, round);
            }
            let mark = tail.mark_at(tail.file.offset);
            tail.file.finished = true;
            tail.file.mark = mark.or(tail.file.mark);
            round.input.progress.push(progress_of(&tail.file, mark));
            remember(&mut self.known, &tail.file);
            self.logs[log].done_with.extend(tail.face().filter(|_| tail.is_packed()));
            self.leave(log, &tail, round);
        }
        self.forget_some();
    }

    /// Finished files beyond those that are remembered are forgotten, the oldest first; but what nothing was read of
    /// goes before a former log, which would be read once more.
    pub(super) fn forget_some(&mut self) {
        while self.known.iter().filter(|file| file.finished).count() > KNOWN_MAX {
            let of_nothing = self.known.iter().position(|file| file.finished && file.entries == 0);
            let Some(at) = of_nothing.or_else(|| self.known.iter().position(|file| file.finished)) else {
                return;
            };
            self.known.remove(at);
        }
    }
}

/// Whether more may come of an entry when the file has not grown for so long.
fn end_after(quiet: Duration) -> End {
    match quiet {
        quiet if quiet >= OVERDUE_AFTER => End::Overdue,
        quiet if quiet >= SETTLED_AFTER => End::Settled,
        _ => End::Open,
    }
}

/// The identity of an entry that ends there, with its place where it needs one.
fn placed(identity: Identity, file: &FollowedFile, end: u64) -> Identity {
    if !identity.needs_position() {
        return identity;
    }
    identity.at(&place_of(file), end)
}

/// What entries without a time are known by besides their place in the file.
pub(super) fn place_of(file: &FollowedFile) -> Vec<u8> {
    [file.device.to_be_bytes(), file.inode.to_be_bytes()].concat()
}

/// What the way an entry was cut says about its event.
pub(super) fn mark(event: &mut Event, cut: &Cut<'_>) {
    if cut.truncated {
        event.flags.insert(Flag::TRUNCATED);
    }
    if cut.unfinished {
        event.flags.insert(Flag::NO_NEWLINE);
    }
}

/// How far a file has been read, and what it was there.
pub(super) fn progress_of(file: &FollowedFile, mark: Option<Mark>) -> Progress {
    let FollowedFile { number, offset, entries, passed_over, finished, .. } = *file;
    Progress { file: number, offset, entries, passed_over, finished, mark }
}

pub(super) fn remember(known: &mut Vec<FollowedFile>, file: &FollowedFile) {
    match known.iter_mut().find(|known| known.number == file.number) {
        Some(known) => known.clone_from(file),
        None => known.push(file.clone()),
    }
}

/// Bytes read of all sources in one round: what a batch takes in memory must not grow with their number.
pub(super) const READ_BYTES: usize = 512 << 10;
/// Bytes that a log may have of a round whatever others there are.
const PART_BYTES: usize = 16 << 10;
/// How often the path is looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a rotated file must not have grown before it is left.
const LATE_WRITER: Duration = Duration::from_secs(10);
/// How long a file must not have grown before its last lines are taken for a whole entry.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// How long it must not have grown before the lines of an object that has no end are entries by themselves.
const OVERDUE_AFTER: Duration = Duration::from_secs(60);
/// Finished files of one source that are remembered.
const KNOWN_MAX: usize = 64;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
