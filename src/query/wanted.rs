//! The wanted records of a journal or of a part of it, in its own order. The one place where answers read the journal.

use super::keys::Key;
use super::needle::Needle;
use super::plan::Stretch;
use crate::filter::Filter;
use crate::journal::{Frames, JournalError, Line, Part, Scan, Unpacked};
use crate::model::{Record, Seq};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

/// Records after `after` and up to `through` that the filter wants.
pub fn newer(
    state_dir: &Path,
    filter: &Arc<Filter>,
    after: Seq,
    through: Seq,
) -> Result<Wanted, JournalError> {
    // A journal without a record may have no file yet.
    let scan = match after < through {
        true => Some(Scan::open(state_dir)?.after(after).through(through)),
        false => None,
    };
    Ok(Wanted { scan, ..Wanted::new(filter) })
}

/// See `newer`. What cannot be read is left out and named in `missing`.
pub struct Wanted {
    scan: Option<Scan>,
    /// The frames of the part that was searched last.
    frames: Option<(usize, Frames)>,
    filter: Arc<Filter>,
    needle: Needle,
    missing: Missing,
}

impl Wanted {
    /// Reads nothing yet.
    pub(super) fn new(filter: &Arc<Filter>) -> Wanted {
        Wanted {
            scan: None,
            frames: None,
            filter: Arc::clone(filter),
            needle: Needle::new(filter),
            missing: Missing::default(),
        }
    }

    /// Goes on with another part of the journal. False when there is so much damage that no more is read.
    fn go_on(&mut self, scan: Result<Scan, JournalError>) -> bool {
        match scan {
            Ok(scan) => {
                self.scan = Some(scan);
                !self.missing.is_full()
            }
            Err(error) => {
                self.scan = None;
                self.missing.add(&sentence(&error))
            }
        }
    }

    /// Why records may be missing, one sentence each; empty if none is.
    pub fn missing(&self) -> &[String] {
        &self.missing.0
    }

    /// Calls `found` with each wanted record of a part of the journal, until it says no. False when that was so, or
    /// there is so much damage that no more is read.
    pub(super) fn each(&mut self, stretch: &Stretch, part: &Part, through: Seq, found: Found<'_>) -> bool {
        match self.each_of_frame(stretch, part, through, found) {
            Ok(Some(go_on)) => return go_on,
            Ok(None) => {}
            Err(error) => return self.missing.add(&sentence(&error)),
        }
        if !self.go_on(stretch.scan(part, through)) {
            return false;
        }
        while let Some((key, record, bytes)) = self.read_on() {
            if !found(key, record, bytes) {
                return false;
            }
        }
        !self.missing.is_full()
    }

    /// The same of a frame that the index knows, by one look at all of it; `None` when that is not possible.
    fn each_of_frame(
        &mut self,
        stretch: &Stretch,
        part: &Part,
        through: Seq,
        found: Found<'_>,
    ) -> Result<Option<bool>, JournalError> {
        let facts = part.index().zip(stretch.frame).and_then(|(index, frame)| index.frames().get(frame));
        let (Some(facts), Some(number)) = (facts, stretch.frame) else { return Ok(None) };
        let mut frames = match self.frames.take() {
            Some((of, frames)) if of == stretch.part => Some(frames),
            _ => part.unpack()?,
        };
        let unpacked = frames.as_mut().map(|frames| frames.unpack(number, facts)).transpose()?.flatten();
        let Some(unpacked) = unpacked else { return Ok(None) };
        let go_on = self.each_unpacked(&unpacked, through, found);
        self.frames = frames.map(|frames| (stretch.part, frames));
        Ok(Some(go_on))
    }

    fn each_unpacked(&mut self, unpacked: &Unpacked<'_>, through: Seq, found: Found<'_>) -> bool {
        let needle = std::mem::take(&mut self.needle);
        let (mut places, mut at, mut go_on) = (needle.places(unpacked.bytes()), 0, true);
        while let Some(place) = places.next(at).filter(|_| go_on) {
            let line = unpacked.line_at(place);
            at = line.end;
            if !needle.may_match(&unpacked.bytes()[line.clone()]) {
                continue;
            }
            let read = match unpacked.record(line, through) {
                Ok(None) => None,
                Ok(Some(mut line)) => self.read(&mut line),
                Err(error) => Some(Err(sentence(&error))),
            };
            go_on = match read {
                Some(Ok((key, record, bytes))) => found(key, record, bytes),
                Some(Err(problem)) => self.missing.add(&problem),
                None => true,
            };
        }
        self.needle = needle;
        go_on
    }

    /// The next wanted record of the scan, and how long its line is.
    fn read_on(&mut self) -> Option<(Key, Record, usize)> {
        loop {
            let needle = &self.needle;
            let read = match self.scan.as_mut()?.next_of(&|line| needle.may_match(line))? {
                Ok(mut line) => self.read(&mut line),
                Err(error) => Some(Err(sentence(&error))),
            };
            match read {
                Some(Ok(found)) => return Some(found),
                Some(Err(problem)) if !self.missing.add(&problem) => return None,
                Some(Err(_)) | None => {}
            }
        }
    }

    fn read(&self, line: &mut Line) -> Option<Result<(Key, Record, usize), String>> {
        match line.decode() {
            None => Some(Err(format!("record {} was written by an otrail that knows more", line.place.seq))),
            Some(record) if self.filter.matches(&record) => {
                Some(Ok((Key { time: record.event.time, place: line.place }, record, line.body().len())))
            }
            Some(_) => None,
        }
    }
}

impl Iterator for Wanted {
    type Item = (Key, Record);

    fn next(&mut self) -> Option<(Key, Record)> {
        self.read_on().map(|(key, record, _)| (key, record))
    }
}

/// Takes a record and the length of its line; says whether to go on.
pub(super) type Found<'a> = &'a mut dyn FnMut(Key, Record, usize) -> bool;

/// Problems of one answer; a journal that has nothing else is not read to its end.
#[derive(Debug, Default)]
pub(super) struct Missing(Vec<String>);

impl Missing {
    fn is_full(&self) -> bool {
        self.0.len() > PROBLEMS_MAX
    }

    /// Says whether to go on.
    pub(super) fn add(&mut self, problem: &str) -> bool {
        if self.is_full() {
            return false;
        }
        if self.0.len() == PROBLEMS_MAX {
            self.0.push("there is more damage, and the rest was not read".to_owned());
            return false;
        }
        self.0.push(problem.to_owned());
        true
    }
}

/// An error and its causes in one line.
pub fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// More than that is a journal to `otrail journal verify`, not to ask.
const PROBLEMS_MAX: usize = 1_000;
