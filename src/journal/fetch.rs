//! Reading single lines again.
//!
//! Rows of logs that tell of the same hours alternate between places that are far apart, and to unpack a frame costs a
//! hundred times as much as to read a line: so several are kept.

use super::forms::{self, Opened};
use super::line::peek;
use super::reader::{Line, Place};
use super::segment::SegmentName;
use super::tail;
use crate::model::{Record, Seq};
use std::path::{Path, PathBuf};

/// Reads the lines at some places again, in any order.
#[derive(Debug)]
pub struct Fetch {
    dir: PathBuf,
    /// What was read last comes last.
    open: Vec<((Seq, u64), Opened)>,
}

impl Fetch {
    /// For the journal below a state directory.
    pub fn new(state_dir: &Path) -> Fetch {
        Fetch { dir: super::store::Store::at(state_dir).journal(), open: Vec::new() }
    }

    /// The record at `place`; `None` when it is gone or damaged by now.
    pub fn get(&mut self, place: Place) -> Option<Record> {
        let file = self.opened(place)?;
        file.bytes.seek_near(place.offset, &file.path).ok()?;
        let mut line = Vec::new();
        file.bytes.read_line(&mut line, &file.path).ok()?;
        let whole = tail::check(line.strip_suffix(b"\n")?)?;
        let (seq, end, chain) = (peek(whole.body).seq?, whole.body.len(), whole.chain);
        line.truncate(end);
        Line::of(place, line, chain).decode().filter(|_| seq == place.seq)
    }

    /// The segment of a place: the one that has in memory what stands there, if there is one.
    fn opened(&mut self, place: Place) -> Option<&mut Opened> {
        let has_it = self
            .open
            .iter()
            .position(|(segment, file)| *segment == place.segment && file.bytes.is_near(place.offset));
        let least = has_it.or((self.open.len() == OPEN_MAX).then_some(0)).map(|at| self.open.remove(at));
        let opened = match least.filter(|(segment, _)| *segment == place.segment) {
            Some(opened) => opened,
            None => {
                let name = SegmentName { first: place.segment.0, run: place.segment.1 };
                (place.segment, forms::open(&self.dir, &name).ok()??)
            }
        };
        self.open.push(opened);
        self.open.last_mut().map(|(_, file)| file)
    }
}

/// How many frames are kept, of half a MiB each.
const OPEN_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Draft, Input, Journal, Scan, Settings};
    use crate::model::{Action, Event, Outcome, Raw, Time};
    use std::fs::{self, File};

    #[test]
    fn what_was_unpacked_of_late_is_not_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(Settings::example(dir.path()), Time::default()).unwrap();
        // Each day is a segment, the first two are sealed and have several frames each.
        for (day, bytes) in [(1, 60_000), (2, 60_000), (3, 600)] {
            let now = Time::from_millis(day * 86_400_000).unwrap();
            let mut event = Event::new(Action::USER_OPERATION, Outcome::Success, now);
            event.raw = Raw::Text("x".repeat(bytes).into());
            let draft = |_| Draft { event: event.clone(), position: None, mark: None };
            let drafts = (0..24).map(draft).collect();
            journal.append(Input { drafts, ..Input::default() }, now).unwrap();
        }
        while journal.seal_next(&mut |_| Ok(()), || Time::from_millis(3 * 86_400_000).unwrap()).unwrap() {}
        let places: Vec<Place> = Scan::open(dir.path()).unwrap().map(|line| line.unwrap().place).collect();
        let last = places.len() - 1;
        let mut fetch = Fetch::new(dir.path());
        let mut seqs = |numbers: &[usize]| {
            let rows = numbers.iter().map(|&at| fetch.get(places[at]).map(|record| record.seq));
            rows.collect::<Vec<_>>() == numbers.iter().map(|&at| Some(places[at].seq)).collect::<Vec<_>>()
        };
        assert!(seqs(&[0, 23, 24, 47, 48]));
        for file in fs::read_dir(dir.path().join("journal")).unwrap() {
            File::create(file.unwrap().path()).unwrap();
        }
        assert!(seqs(&[1, 25, 22, last, 46, 2, 49]));
    }
}
