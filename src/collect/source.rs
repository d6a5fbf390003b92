//! One source: the log at its path and the files it was rotated to, read oldest first.

use super::cutter::{Cut, Reading};
use super::identity::Inode;
use super::ordinals::Ordinals;
use super::settings::{Settings, SourceSettings};
use super::tail::{Found, Tail};
use crate::dialect::{Context, End};
use crate::journal::{Draft, FollowedFile, Input, Progress};
use crate::model::status::{SourceStatus, time_text};
use crate::model::{Action, Event, FileNo, Flag, Outcome, Position, Target, Text, Time};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// A source and its open files.
pub(super) struct Source {
    pub(super) name: Text,
    pub(super) at: usize,
    pub(super) tails: VecDeque<Tail>,
    pub(super) known: Vec<FollowedFile>,
    pub(super) ordinals: Ordinals,
    pub(super) looked: Option<Instant>,
    /// Something has told that the path is worth a look now.
    pub(super) hurried: bool,
    pub(super) missing_since: Option<Instant>,
    pub(super) missing_told: bool,
    pub(super) error: String,
    pub(super) status: SourceStatus,
    last_entry: Option<Time>,
    /// The dialect that was last told of, when a change was last told, and how many there were since.
    spoken: &'static str,
    spoken_told: Option<Instant>,
    spoken_changes: u64,
}

/// What a poll works with.
pub(super) struct Round<'a> {
    pub settings: &'a Settings,
    pub input: &'a mut Input,
    /// The highest file number in use.
    pub last_file: &'a mut FileNo,
    /// Bytes that may still be read.
    pub budget: usize,
    pub now: Time,
}

impl Source {
    /// The source number `at` of the settings; `known` are its files by the journal.
    pub(super) fn new(at: usize, settings: &SourceSettings, known: Vec<FollowedFile>) -> Source {
        Source {
            name: settings.name.clone(),
            at,
            tails: VecDeque::new(),
            known,
            ordinals: Ordinals::default(),
            looked: None,
            hurried: false,
            missing_since: None,
            missing_told: false,
            error: String::new(),
            status: SourceStatus::default(),
            last_entry: None,
            spoken: "",
            spoken_told: None,
            spoken_changes: 0,
        }
    }

    /// The path at which the log is open now: what hints are wanted for.
    pub(super) fn watched(&self) -> Option<(&Path, Inode)> {
        self.tails.back().filter(|tail| !tail.rotated).map(|tail| (tail.path.as_path(), tail.inode()))
    }

    /// Whether something is on the move: a rotation or a missing file, to be looked at sooner than usual.
    pub(super) fn is_unsettled(&self) -> bool {
        self.tails.back().is_none_or(|tail| tail.rotated) && !self.missing_told
    }

    /// Reads what is new, within a budget. True when there was something.
    pub(super) fn poll(&mut self, round: &mut Round<'_>) -> bool {
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        if std::mem::take(&mut self.hurried) || due || self.is_unsettled() {
            self.look(round);
            self.looked = Some(Instant::now());
        }
        let budget = round.budget;
        let mut at = 0;
        while at < self.tails.len() && round.budget > 0 {
            match self.tails[at].read(round.budget) {
                Ok(Found::Bytes(count)) => {
                    round.budget -= count;
                    let quiet = count == 0 && self.tails[at].grown.elapsed() >= SETTLED_AFTER;
                    self.take_entries(at, if quiet { End::Settled } else { End::Open }, round);
                    if count == 0 && self.may_finish(at) {
                        self.finish(at, round);
                        continue;
                    }
                    at += 1;
                }
                Ok(Found::Replaced { now_bytes }) => self.replaced(at, now_bytes, round),
                Err(error) => {
                    self.fail(&self.tails[at].path.clone(), &error);
                    at += 1;
                }
            }
        }
        round.budget < budget
    }

    /// Tells the journal every position that no record carries; for the stop.
    pub(super) fn tell_positions(&mut self, input: &mut Input) {
        for tail in &mut self.tails {
            if tail.passed_untold > 0 {
                input.progress.push(progress_of(tail, false));
                tail.passed_untold = 0;
            }
        }
    }

    /// Cuts what was read into entries and makes events of them.
    fn take_entries(&mut self, at: usize, end: End, round: &mut Round<'_>) {
        let settings = round.settings;
        let source = &settings.sources[self.at];
        let (ordinals, status, name) = (&mut self.ordinals, &mut self.status, &self.name);
        let context = Context {
            sensor: &settings.sensor,
            source: name,
            seen: round.now,
            zone: &source.zone,
            rules: &settings.rules,
            user_login: settings.user_login,
            habits: &source.habits,
        };
        let drafts = &mut round.input.drafts;
        let before = status.entries;
        let reading =
            Reading { context: &context, masks: &settings.masks, line_bytes_max: source.line_bytes_max };
        let tail = &mut self.tails[at];
        let mut passed = tail.passed_untold;
        tail.cut(end, reading, |file, mut parsed, cut| {
            status.entries += 1;
            file.entries += 1;
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
            if parsed.identity.needs_position() {
                let inode = [file.device.to_be_bytes(), file.inode.to_be_bytes()].concat();
                parsed.identity = parsed.identity.at(&inode, cut.end);
            }
            parsed.event.id = ordinals.assign(&parsed.identity);
            passed = 0;
            let position = Some(Position { file: file.number, offset: cut.end });
            drafts.push(Draft { event: parsed.event, position });
        });
        tail.passed_untold = passed;
        if status.entries > before {
            self.last_entry = Some(round.now);
        }
        self.tell_dialect(at, round);
        self.tell_progress(at, round);
    }

    /// A change of the dialect goes to the journal; of many in a short time, the last and their number.
    fn tell_dialect(&mut self, at: usize, round: &mut Round<'_>) {
        let choice = &self.tails[at].cutter.choice;
        let (name, before) = (choice.name(), self.spoken);
        if name.is_empty() || (name == before && self.spoken_changes == 0) {
            return;
        }
        self.spoken = name;
        self.spoken_changes += u64::from(name != before && !before.is_empty());
        if self.spoken_changes == 0 || self.spoken_told.is_some_and(|told| told.elapsed() < CHANGES_EVERY) {
            return;
        }
        let path = self.tails[at].path.display();
        let times = match self.spoken_changes {
            1 => String::new(),
            many => format!("; {many} changes since this was last told"),
        };
        let message = format!("{path} is read as {name} from here on: {}{times}", choice.reason);
        (self.spoken_told, self.spoken_changes) = (Some(Instant::now()), 0);
        self.tell(Action::DIALECT_CHANGED, Outcome::Unknown, message, round);
    }

    /// The head of a young file and the position behind many passed-over entries go to the journal, too.
    fn tell_progress(&mut self, at: usize, round: &mut Round<'_>) {
        let tail = &mut self.tails[at];
        let dialect = tail.cutter.choice.name();
        tail.changed |= tail.file.dialect != dialect;
        if tail.changed {
            tail.file.dialect = Text::const_new(dialect);
        }
        match tail.learn_head().map(|learned| learned | std::mem::take(&mut tail.changed)) {
            Ok(true) => {
                round.input.files.push(FollowedFile { offset: tail.file.offset, ..tail.file.clone() });
                remember(&mut self.known, &tail.file);
            }
            Ok(false) => {}
            Err(error) => self.error = format!("{}: {error}", tail.path.display()),
        }
        if tail.passed_untold >= PASSED_MAX || (tail.passed_untold > 0 && tail.told.elapsed() >= TOLD_EVERY) {
            round.input.progress.push(progress_of(tail, false));
            (tail.passed_untold, tail.told) = (0, Instant::now());
        }
    }

    /// A rotated file is left when it has not grown for a while, or when too many are open. The last one is what the
    /// sensor writes to until there is a log again: it is left only when it was deleted.
    fn may_finish(&self, at: usize) -> bool {
        let tail = &self.tails[at];
        let quiet = tail.grown.elapsed() >= LATE_WRITER;
        let has_successor = at + 1 < self.tails.len();
        tail.rotated
            && if has_successor { quiet || self.tails.len() > OPEN_MAX } else { quiet && tail.is_deleted() }
    }

    /// Takes what is left of a rotated file and closes it.
    fn finish(&mut self, at: usize, round: &mut Round<'_>) {
        self.take_entries(at, End::Final, round);
        if let Some(mut tail) = self.tails.remove(at) {
            round.input.progress.push(progress_of(&tail, true));
            tail.file.finished = true;
            remember(&mut self.known, &tail.file);
        }
        // As many as the journal's header remembers.
        let finished = self.known.iter().filter(|file| file.finished).count();
        if finished > KNOWN_MAX
            && let Some(oldest) = self.known.iter().position(|file| file.finished)
        {
            self.known.remove(oldest);
        }
    }

    pub(super) fn fail(&mut self, path: &Path, error: &io::Error) {
        self.error = format!("cannot read {}: {error}", path.display());
    }

    /// One of otrail's own events about this source.
    pub(super) fn tell(&self, action: Action, outcome: Outcome, message: String, round: &mut Round<'_>) {
        let mut event = Event::own(action, outcome, round.now, message);
        event.sensor = round.settings.sensor.clone();
        event.source = Text::const_new("otrail");
        event.target =
            Some(Box::new(Target { kind: "source".into(), name: Some(self.name.clone()), id: None }));
        round.input.drafts.push(Draft { event, position: None });
    }

    /// This source's part of `otrail status`.
    pub(super) fn status(&self, settings: &Settings, paused: bool) -> SourceStatus {
        let tail = self.tails.back();
        let choice = tail.map(|tail| &tail.cutter.choice);
        let behind: u64 = self
            .tails
            .iter()
            .map(|tail| tail.metadata().map_or(0, |metadata| metadata.len().saturating_sub(tail.file.offset)))
            .sum();
        let state = match tail {
            _ if paused => "paused",
            _ if self.missing_told => "missing",
            None if !self.error.is_empty() => "unreadable",
            _ if behind > 0 => "reading",
            _ => "idle",
        };
        SourceStatus {
            name: self.name.to_string(),
            path: settings.sources[self.at].path.display().to_string(),
            state: state.into(),
            error: self.error.clone(),
            dialect: choice.and_then(|choice| choice.dialect).map_or("auto", |dialect| dialect.name).into(),
            dialect_reason: choice.map(|choice| choice.reason.clone()).unwrap_or_default(),
            offset: tail.map_or(0, |tail| tail.file.offset),
            bytes_behind: behind,
            last_entry: time_text(self.last_entry),
            ..self.status.clone()
        }
    }
}

/// What the way an entry was cut says about its event.
fn mark(event: &mut Event, cut: &Cut<'_>) {
    if cut.truncated {
        event.flags.insert(Flag::TRUNCATED);
    }
    if cut.unfinished {
        event.flags.insert(Flag::NO_NEWLINE);
    }
}

pub(super) fn progress_of(tail: &Tail, finished: bool) -> Progress {
    let FollowedFile { number: file, offset, entries, passed_over, .. } = tail.file;
    Progress { file, offset, entries, passed_over, finished }
}

pub(super) fn remember(known: &mut Vec<FollowedFile>, file: &FollowedFile) {
    match known.iter_mut().find(|known| known.number == file.number) {
        Some(known) => known.clone_from(file),
        None => known.push(file.clone()),
    }
}

/// Bytes read of all sources in one round: what a batch takes in memory must not grow with their number.
pub(super) const READ_BYTES: usize = 512 << 10;
/// How often a change of the dialect is told.
const CHANGES_EVERY: Duration = Duration::from_secs(60);
/// How often the path is looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a rotated file must not have grown before it is left.
const LATE_WRITER: Duration = Duration::from_secs(10);
/// How long a file must not have grown before its last lines are taken for a whole entry.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// Files of one source that are open at once.
const OPEN_MAX: usize = 16;
/// Finished files of one source that are remembered.
const KNOWN_MAX: usize = 64;
/// Passed-over entries after which the journal is told the position.
const PASSED_MAX: u64 = 10_000;
/// Time after which it is told, too.
const TOLD_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
