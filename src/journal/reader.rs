//! Reading what was written: line by line, in order, never past what was announced.
//!
//! A reader holds no lock and never waits for the writer. Segments may be removed under it; it goes on with
//! the next that is there. They may be sealed under it; it goes on in the file that it has open, which holds the same.

use super::error::JournalError;
use super::forms::{self, Opened};
use super::frames::Frame;
use super::line::{self, peek};
use super::sealed::Found;
use super::segment::{self, SegmentName};
use super::tail::{self, Chain};
use crate::model::{Record, Seq, StreamId, Time};
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
/// Damaged places come as `JournalError::Damaged`; reading goes on behind them. Other errors end it.
#[derive(Debug)]
pub struct Scan {
    dir: PathBuf,
    /// The next record wanted.
    next: Seq,
    through: Seq,
    open: Option<OpenSegment>,
    /// Segments up to this one have been read.
    done: Option<SegmentName>,
    /// What is open is all that is read.
    alone: bool,
    failed: bool,
}

#[derive(Debug)]
struct OpenSegment {
    name: SegmentName,
    file: Opened,
    offset: u64,
    /// Bytes that count, once a later segment says so.
    limit: Option<u64>,
    /// Where the next segment begins: from there on this one does not count.
    before: Option<Seq>,
    /// The line that was read last.
    line: Vec<u8>,
}

/// A record before which there is nothing that was journaled at `time` or later: segments are not looked into.
pub(super) fn before(dir: &Path, time: Time) -> Result<Seq, JournalError> {
    let mut before = Seq::NONE;
    for name in segment::list(dir)? {
        match segment::read_header(dir, &name) {
            Ok(Some(header)) if header.created > time => break,
            _ => before = Seq(name.first.0.saturating_sub(1)),
        }
    }
    Ok(before)
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
        let (limit, before) = (limit_of(dir, name, later)?, later.first().map(|next| next.first));
        let open = forms::open(dir, name)?;
        let open = open.map(|file| OpenSegment {
            name: name.clone(),
            file,
            offset: 0,
            limit,
            before,
            line: Vec::new(),
        });
        Ok(Scan { open, alone: true, ..Scan::new(dir.to_path_buf()) })
    }

    /// Reads one frame of a segment of which every line counts.
    pub(super) fn of_frame(
        dir: &Path,
        name: &SegmentName,
        frame: Frame,
        first: Seq,
    ) -> Result<Scan, JournalError> {
        let (offset, limit) = (frame.begin, Some(frame.begin + u64::from(frame.raw)));
        let mut open = None;
        if let Some(mut file) = forms::open(dir, name)? {
            file.bytes.go_to(offset, &file.path)?;
            open =
                Some(OpenSegment { name: name.clone(), file, offset, limit, before: None, line: Vec::new() });
        }
        Ok(Scan { open, alone: true, next: first, ..Scan::new(dir.to_path_buf()) })
    }

    /// Begins at a byte of the one segment that is read, and with this record.
    pub(super) fn beginning_at(mut self, offset: u64, next: Seq) -> Result<Scan, JournalError> {
        self.next = next;
        if let Some(open) = &mut self.open {
            open.file.bytes.seek(offset, &open.file.path)?;
            open.offset = offset;
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
        if after.next() != self.next {
            (self.next, self.open, self.done) = (after.next(), None, None);
        }
    }

    /// Opens the segment that holds the next record, or the first one after it.
    fn open_next(&mut self) -> Result<bool, JournalError> {
        let names = segment::list(&self.dir)?;
        let begin = match &self.done {
            Some(done) => names.partition_point(|name| name <= done),
            None => names.partition_point(|name| name.first <= self.next).saturating_sub(1),
        };
        for (at, name) in names.iter().enumerate().skip(begin) {
            let Some(file) = forms::open(&self.dir, name)? else { continue };
            let limit = limit_of(&self.dir, name, &names[at + 1..])?;
            let before = names.get(at + 1).map(|next| next.first);
            self.open =
                Some(OpenSegment { name: name.clone(), file, offset: 0, limit, before, line: Vec::new() });
            return Ok(true);
        }
        Ok(false)
    }

    /// The next record whose line is wanted by a look at it; the others are passed over as they stand.
    pub fn next_of(&mut self, wants: &dyn Fn(&[u8]) -> bool) -> Option<Result<Line, JournalError>> {
        if self.failed {
            return None;
        }
        let step = self.step(wants);
        self.failed = matches!(&step, Err(error) if !matches!(error, JournalError::Damaged { .. }));
        step.transpose()
    }

    /// The next line; `None` at the end of what counts.
    fn step(&mut self, wants: &dyn Fn(&[u8]) -> bool) -> Result<Option<Line>, JournalError> {
        loop {
            if self.next > self.through {
                return Ok(None);
            }
            if self.open.is_none() && (self.alone || !self.open_next()?) {
                return Ok(None);
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            match open.read_line(self.next, self.through)? {
                Read::Record { place, body } => {
                    self.next = place.seq.next();
                    if wants(&open.line[..body]) {
                        return open.take(place, body).map(Some);
                    }
                }
                Read::Passed => {}
                Read::Ahead => return Ok(None),
                Read::Damaged(error) => return Err(error),
                Read::End => {
                    if !self.leave_segment()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// At the end of a segment: false when it is the newest and may still grow.
    fn leave_segment(&mut self) -> Result<bool, JournalError> {
        let Some(open) = self.open.as_mut().filter(|_| !self.alone) else { return Ok(false) };
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
        self.next_of(&|_| true)
    }
}

enum Read {
    /// A record; its line has so many bytes before the sum.
    Record {
        place: Place,
        body: usize,
    },
    /// A line that is no record, or one before the wanted.
    Passed,
    /// A record that is not wanted yet; it is read again when it is.
    Ahead,
    Damaged(JournalError),
    End,
}

impl OpenSegment {
    fn read_line(&mut self, wanted: Seq, through: Seq) -> Result<Read, JournalError> {
        if self.limit.is_some_and(|limit| self.offset >= limit) {
            return Ok(Read::End);
        }
        let offset = self.offset;
        self.line.clear();
        let count = match self.file.bytes.read_line(&mut self.line, &self.file.path)? {
            Found::Bytes(count) => count,
            Found::Damaged { lost, error } => {
                self.offset += lost;
                return Ok(Read::Damaged(error));
            }
        };
        // A later segment may know more of it than there is.
        if let Some(limit) = self.limit.filter(|&limit| count == 0 && limit < u64::MAX) {
            self.offset = limit;
            return Ok(Read::Damaged(self.damaged_line(offset, limit - offset)));
        }
        let body = self.line.strip_suffix(b"\n").and_then(tail::body);
        let (seq, body) = (body.and_then(|body| peek(body).seq), body.map(<[u8]>::len));
        let unannounced = seq.is_some_and(|seq| seq > through);
        if count == 0 || unannounced || (body.is_none() && self.may_still_grow()) {
            self.file.bytes.seek(offset, &self.file.path)?;
            return Ok(if unannounced { Read::Ahead } else { Read::End });
        }
        self.offset += count as u64;
        let Some(body) = body else { return Ok(Read::Damaged(self.damaged_line(offset, count as u64))) };
        match seq {
            Some(seq) if seq >= wanted && self.before.is_none_or(|before| seq < before) => {
                let place = Place { seq, segment: (self.name.first, self.name.run), offset };
                Ok(Read::Record { place, body })
            }
            _ => Ok(Read::Passed),
        }
    }

    /// The record that was read last.
    fn take(&mut self, place: Place, body: usize) -> Result<Line, JournalError> {
        let Some(chain) = tail::chain_behind(body, &self.line) else {
            return Err(self.damaged_line(place.offset, self.line.len() as u64));
        };
        let mut line = std::mem::take(&mut self.line);
        line.truncate(body);
        Ok(Line { place, body: line, chain })
    }

    /// A line without its end, in a segment that no later one has closed, is being written.
    fn may_still_grow(&self) -> bool {
        self.limit.is_none() && !self.line.ends_with(b"\n")
    }

    /// Named by the place in the plain segment, whatever form it has by now.
    fn damaged_line(&self, offset: u64, bytes: u64) -> JournalError {
        let segment = self.file.path.with_file_name(self.name.file_name());
        JournalError::Damaged { segment, offset, bytes }
    }
}

/// How many bytes of `name` count, as the next whole header after it says. `None` while it is the newest.
///
/// When the header that would say it is damaged, all of them: only `before` tells what does not count.
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
            Ok(None) => unreadable.push(next.file_name()),
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The stream id of the journal below a state directory.
pub fn stream_of(state_dir: &Path) -> Result<StreamId, JournalError> {
    let dir = super::store::Store::at(state_dir).journal();
    for name in segment::list(&dir)? {
        if let Some(header) = segment::read_header(&dir, &name)? {
            return Ok(header.stream);
        }
    }
    Err(JournalError::Missing { dir: state_dir.to_path_buf() })
}
