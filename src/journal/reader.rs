//! Reading what was written: line by line, in order, never past what was announced.
//!
//! A reader holds no lock and never waits for the writer. Segments may be removed under it; it goes on with
//! the next that is there. They may be sealed under it; it goes on in the file that it has open, which holds the same.

use super::error::JournalError;
use super::forms;
use super::frames::Frame;
use super::gap::Watch;
use super::line;
use super::lines::{OpenSegment, Read};
use super::segment::{self, SegmentName};
use super::tail::{self, Chain};
use crate::model::{Record, Seq, StreamId};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where a line stands: for whoever wants to read it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Seq of the record.
    pub seq: Seq,
    /// First seq and run of its segment.
    pub(super) segment: (Seq, u64),
    /// Byte offset in the segment.
    pub(super) offset: u64,
}

/// One record line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it stands.
    pub place: Place,
    /// The line's JSON without `sum`, `chain` and the closing brace.
    body: Vec<u8>,
    chain: Chain,
}

impl Line {
    pub(super) fn of(place: Place, body: Vec<u8>, chain: Chain) -> Line {
        Line { place, body, chain }
    }

    /// The JSON, without the closing brace: for a cheap look before `decode`.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The record. `None` when the line is whole but this otrail cannot read it.
    pub fn decode(&mut self) -> Option<Record> {
        self.body.push(b'}');
        let record = line::decode(&self.body).ok();
        self.body.pop();
        record.map(|record| Record { chain: Some(self.chain), ..record })
    }
}

/// Reads the records of a journal folder in order of seq.
///
/// Damaged places come as `JournalError::Damaged`, records that were taken away as `Gap`; reading goes on behind them. Other
/// errors end it. The oldest segments may go at any time: what is missing before the first that is there is no gap.
#[derive(Debug)]
pub struct Scan {
    dir: PathBuf,
    /// The next record wanted.
    next: Seq,
    through: Seq,
    open: Option<OpenSegment>,
    /// Segments up to this one have been read.
    done: Option<SegmentName>,
    watch: Watch,
    /// What is open is all that is read.
    alone: bool,
    failed: bool,
}

impl Scan {
    /// Reads the whole journal below a state directory; a damaged or absent one is an error.
    pub fn open(state_dir: &Path) -> Result<Scan, JournalError> {
        let dir = super::store::Store::at(state_dir).journal();
        if segment::list(&dir)?.is_empty() {
            return Err(JournalError::Missing { dir: state_dir.to_path_buf() });
        }
        Ok(Scan::new(dir))
    }

    pub(super) fn new(dir: PathBuf) -> Scan {
        Scan {
            dir,
            next: Seq(1),
            through: Seq(u64::MAX),
            open: None,
            done: None,
            watch: Watch::default(),
            alone: false,
            failed: false,
        }
    }

    /// Reads one segment and nothing behind it; of one that is gone, nothing.
    pub(super) fn of_segment(
        dir: &Path,
        name: &SegmentName,
        later: &[SegmentName],
    ) -> Result<Scan, JournalError> {
        let open = OpenSegment::open(dir, name, limit_of(dir, name, later)?, later.first())?;
        let mut scan = Scan { open, alone: true, ..Scan::new(dir.to_path_buf()) };
        scan.watch.begin(name.first);
        Ok(scan)
    }

    /// Reads one frame of a segment of which every line counts.
    pub(super) fn of_frame(
        dir: &Path,
        name: &SegmentName,
        frame: Frame,
        first: Seq,
    ) -> Result<Scan, JournalError> {
        let limit = Some(frame.begin + u64::from(frame.raw));
        let mut open = OpenSegment::open(dir, name, limit, None)?;
        open.as_mut().map_or(Ok(()), |open| open.go_to(frame.begin))?;
        Ok(Scan { open, alone: true, next: first, ..Scan::new(dir.to_path_buf()) })
    }

    /// Begins at a byte of the one segment that is read, and with this record.
    pub(super) fn beginning_at(mut self, offset: u64, next: Seq) -> Result<Scan, JournalError> {
        self.next = next;
        self.watch.begin(next);
        if let Some(open) = &mut self.open {
            open.go_back(offset)?;
        }
        Ok(self)
    }

    /// Begins after `seq`.
    #[must_use]
    pub fn after(mut self, seq: Seq) -> Scan {
        self.seek(seq);
        self
    }

    /// Ends with `seq`: what was not announced yet when the question came is no answer to it.
    #[must_use]
    pub fn through(mut self, seq: Seq) -> Scan {
        self.through = seq;
        self
    }

    /// What a line is that holds no record which this otrail can read: damage, though its checksum holds.
    pub(super) fn damage_of(&self, line: &Line) -> JournalError {
        let (first, run) = line.place.segment;
        let segment = forms::plain(&self.dir, &SegmentName { first, run });
        let bytes = line.body.len() as u64 + tail::LINE_END_BYTES;
        JournalError::Damaged { segment, offset: line.place.offset, bytes }
    }

    /// The record that comes next.
    pub(super) fn next_seq(&self) -> Seq {
        self.next
    }

    /// Raises the end, so that reading can go on.
    pub(super) fn extend(&mut self, through: Seq) {
        self.through = through;
    }

    fn seek(&mut self, after: Seq) {
        let next = after.next();
        // Further on in what is open it is nearer than from the head of the segment.
        let is_ahead = |open: &OpenSegment| open.next.as_ref().is_none_or(|behind| next < behind.first);
        let goes_on = next >= self.next && self.open.as_ref().is_some_and(is_ahead);
        if next != self.next && !goes_on {
            (self.open, self.done, self.watch) = (None, None, Watch::default());
        }
        self.next = next;
    }

    /// Opens the segment that holds the next record, or the first one after it.
    fn open_next(&mut self) -> Result<bool, JournalError> {
        let names = segment::list(&self.dir)?;
        let begin = match &self.done {
            Some(done) => names.partition_point(|name| name <= done),
            None => names.partition_point(|name| name.first <= self.next).saturating_sub(1),
        };
        for (at, name) in names.iter().enumerate().skip(begin) {
            let limit = limit_of(&self.dir, name, &names[at + 1..])?;
            self.open = OpenSegment::open(&self.dir, name, limit, names.get(at + 1))?;
            if self.open.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next record whose line is wanted by a look at it; the others are passed over as they stand.
    pub fn next_of(&mut self, wants: &mut dyn FnMut(&[u8]) -> bool) -> Option<Result<Line, JournalError>> {
        if self.failed {
            return None;
        }
        let step = self.step(wants);
        self.failed = matches!(&step, Err(error) if !error.is_damage());
        step.transpose()
    }

    /// The next line; `None` at the end of what counts.
    fn step(&mut self, wants: &mut dyn FnMut(&[u8]) -> bool) -> Result<Option<Line>, JournalError> {
        loop {
            if self.next > self.through {
                return Ok(None);
            }
            if self.open.is_none() {
                if self.alone || !self.open_next()? {
                    return Ok(None);
                }
                self.look_back()?;
            }
            let Some(open) = &mut self.open else { continue };
            match open.read_line(self.next, self.through)? {
                Read::Record { place, body } => {
                    if let Some(missing) = self.watch.missing_before(place.seq)
                        && !self.watch.is_told()
                    {
                        // The record is read again.
                        open.go_back(place.offset)?;
                        self.pass(missing)?;
                        continue;
                    }
                    self.watch.meet(place.seq);
                    self.next = place.seq.next();
                    if wants(&open.line[..body]) {
                        return open.take(place, body).map(Some);
                    }
                }
                Read::Passed { seq } => seq.into_iter().for_each(|seq| self.watch.meet(seq)),
                Read::Ahead => return Ok(None),
                Read::Damaged(error) => {
                    self.watch.damage();
                    return Err(error);
                }
                Read::End if self.alone => return self.end_alone().map(|()| None),
                Read::End => {
                    if !self.leave_segment()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Records that are not there any more: an error, if one of them was wanted.
    fn pass(&mut self, missing: (Seq, Seq)) -> Result<(), JournalError> {
        let behind = missing.1.next();
        self.watch.begin(behind);
        if missing.1 < self.next {
            return Ok(());
        }
        self.next = behind;
        Err(JournalError::Gap { first: missing.0, last: missing.1 })
    }

    /// What is missing before the segment that has just been opened.
    fn look_back(&mut self) -> Result<(), JournalError> {
        let Some(name) = self.open.as_ref().map(|open| open.name.clone()) else { return Ok(()) };
        let (Some(done), Some(missing)) = (&self.done, self.watch.missing_before(name.first)) else {
            if self.done.is_none() {
                self.watch.begin(name.first);
            }
            return Ok(());
        };
        let names = segment::list(&self.dir)?;
        let is_there = |other: &&SegmentName| forms::is_there(&self.dir, &other.file_name());
        let last = names.iter().rev().filter(|other| **other < name).find(is_there);
        if last.is_some_and(|last| last > done) {
            // It had another name for a moment.
            self.open = None;
            return Ok(());
        }
        // The oldest go for their age, and what is damaged may be all that is missing.
        if last.is_none() || (self.watch.is_told() && follows(&self.dir, &name, done)?) {
            self.watch.begin(name.first);
            return Ok(());
        }
        self.pass(missing)
    }

    /// What is missing behind the one segment that is read.
    fn end_alone(&mut self) -> Result<(), JournalError> {
        let Some(OpenSegment { name, next: Some(next), .. }) = &self.open else { return Ok(()) };
        match self.watch.missing_before(next.first) {
            Some(missing) if !self.watch.is_told() || !follows(&self.dir, next, name)? => self.pass(missing),
            _ => Ok(()),
        }
    }

    /// At the end of a segment: false when it is the newest and may still grow.
    fn leave_segment(&mut self) -> Result<bool, JournalError> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let names = segment::list(&self.dir)?;
        let later = &names[names.partition_point(|name| *name <= open.name)..];
        if later.is_empty() {
            return Ok(false);
        }
        // The segment may have grown between its end and the look at the folder.
        let limit = limit_of(&self.dir, &open.name, later)?;
        if open.limit.is_none() && limit.is_none_or(|limit| limit > open.offset) {
            open.limit = limit.or(Some(open.offset));
            return Ok(true);
        }
        self.done = self.open.take().map(|open| open.name);
        Ok(true)
    }
}

impl Iterator for Scan {
    type Item = Result<Line, JournalError>;

    fn next(&mut self) -> Option<Result<Line, JournalError>> {
        self.next_of(&mut |_| true)
    }
}

/// Whether a segment came right after the other, as far as its header can say.
fn follows(dir: &Path, name: &SegmentName, other: &SegmentName) -> Result<bool, JournalError> {
    let after = segment::read_header(dir, name)?.and_then(|header| header.after);
    Ok(after.is_none_or(|after| after.segment == other.file_name()))
}

/// How many bytes of `name` count, as the next whole header after it says. `None` while it is the newest.
///
/// When the header that would say it is damaged or cannot be read, all of them: only `before` tells what does not count.
pub(super) fn limit_of(
    dir: &Path,
    name: &SegmentName,
    later: &[SegmentName],
) -> Result<Option<u64>, JournalError> {
    let mut unreadable = Vec::new();
    for next in later {
        match segment::read_header(dir, next) {
            Ok(Some(header)) => {
                return Ok(Some(match header.after {
                    Some(after) if after.segment == name.file_name() => after.bytes,
                    Some(after) if unreadable.contains(&after.segment) => u64::MAX,
                    // What somebody took away says nothing of this one.
                    Some(after) if !forms::is_there(dir, &after.segment) => u64::MAX,
                    // A header that names another segment leaves nothing of this one.
                    _ => 0,
                }));
            }
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            // What is wrong with it is told by whoever comes to it.
            Ok(None) | Err(_) => unreadable.push(next.file_name()),
        }
    }
    Ok(None)
}

/// The stream id of the journal below a state directory.
pub fn stream_of(state_dir: &Path) -> Result<StreamId, JournalError> {
    let dir = super::store::Store::at(state_dir).journal();
    let mut later = None;
    for name in segment::list(&dir)? {
        match segment::read_header(&dir, &name) {
            Ok(Some(header)) => return Ok(header.stream),
            // The others may say it.
            Err(error @ JournalError::Version { .. }) => later = later.or(Some(error)),
            found => drop(found?),
        }
    }
    Err(later.unwrap_or_else(|| JournalError::Missing { dir: state_dir.to_path_buf() }))
}
