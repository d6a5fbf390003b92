//! The wanted records of a journal or of a part of it, in its own order. The one place where answers read the journal.

use super::keys::Key;
use super::needle::Needle;
use crate::filter::Filter;
use crate::journal::{JournalError, Line, Scan};
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
    filter: Arc<Filter>,
    needle: Needle,
    missing: Missing,
}

impl Wanted {
    /// Reads nothing yet.
    pub(super) fn new(filter: &Arc<Filter>) -> Wanted {
        Wanted {
            scan: None,
            filter: Arc::clone(filter),
            needle: Needle::new(filter),
            missing: Missing::default(),
        }
    }

    /// Goes on with another part of the journal. False when there is so much damage that no more is read.
    pub(super) fn go_on(&mut self, scan: Result<Scan, JournalError>) -> bool {
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

    fn read(&self, line: &mut Line) -> Option<Result<(Key, Record), String>> {
        if !self.needle.may_match(line.body()) {
            return None;
        }
        match line.decode() {
            None => Some(Err(format!("record {} was written by an otrail that knows more", line.place.seq))),
            Some(record) if self.filter.matches(&record) => {
                Some(Ok((Key { time: record.event.time, place: line.place }, record)))
            }
            Some(_) => None,
        }
    }
}

impl Iterator for Wanted {
    type Item = (Key, Record);

    fn next(&mut self) -> Option<(Key, Record)> {
        loop {
            let read = match self.scan.as_mut()?.next()? {
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
}

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
