//! The lines of one segment, as a reader meets them.

use super::error::JournalError;
use super::forms::{self, Opened};
use super::line::peek;
use super::reader::{Line, Place};
use super::sealed::Found;
use super::segment::{self, SegmentName};
use super::tail;
use crate::model::Seq;
use std::path::Path;

/// A segment, and how far it has been read.
#[derive(Debug)]
pub(super) struct OpenSegment {
    pub name: SegmentName,
    file: Opened,
    /// Where the next line begins.
    pub offset: u64,
    /// Bytes that count, once a later segment says so.
    pub limit: Option<u64>,
    /// Where it begins, this one does not count any more.
    pub next: Option<SegmentName>,
    /// The line that was read last.
    pub line: Vec<u8>,
}

/// What the next line is.
pub(super) enum Read {
    /// A record; its line has so many bytes before the sum.
    Record {
        place: Place,
        body: usize,
    },
    /// A line that is no record, or one before the wanted.
    Passed {
        seq: Option<Seq>,
    },
    /// A record that is not wanted yet; it is read again when it is.
    Ahead,
    Damaged(JournalError),
    End,
}

impl OpenSegment {
    /// From its beginning; `None` when it is gone.
    pub(super) fn open(
        dir: &Path,
        name: &SegmentName,
        limit: Option<u64>,
        next: Option<&SegmentName>,
    ) -> Result<Option<OpenSegment>, JournalError> {
        let file = forms::open(dir, name)?;
        Ok(file.map(|file| OpenSegment {
            name: name.clone(),
            file,
            offset: 0,
            limit,
            next: next.cloned(),
            line: Vec::new(),
        }))
    }

    /// Goes on at a byte of it; one that cannot be unpacked is told of by the next read if a frame begins there.
    pub(super) fn go_to(&mut self, offset: u64) -> Result<(), JournalError> {
        self.offset = offset;
        self.file.bytes.go_to(offset, &self.file.path)
    }

    pub(super) fn read_line(&mut self, wanted: Seq, through: Seq) -> Result<Read, JournalError> {
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
        if offset == 0 {
            // What a later otrail means by its lines is not known here.
            segment::parse_header(&self.line, &self.file.path)?;
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
        let seq = seq.filter(|&seq| self.next.as_ref().is_none_or(|next| seq < next.first));
        match seq {
            Some(seq) if seq >= wanted => {
                let place = Place { seq, segment: (self.name.first, self.name.run), offset };
                Ok(Read::Record { place, body })
            }
            seq => Ok(Read::Passed { seq }),
        }
    }

    pub(super) fn go_back(&mut self, offset: u64) -> Result<(), JournalError> {
        self.offset = offset;
        self.file.bytes.seek(offset, &self.file.path)
    }

    /// The record that was read last.
    pub(super) fn take(&mut self, place: Place, body: usize) -> Result<Line, JournalError> {
        let Some(chain) = tail::chain_behind(body, &self.line) else {
            return Err(self.damaged_line(place.offset, self.line.len() as u64));
        };
        let mut line = std::mem::take(&mut self.line);
        line.truncate(body);
        Ok(Line::of(place, line, chain))
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
