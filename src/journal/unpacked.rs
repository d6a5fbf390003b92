//! The frames of a sealed segment as a whole, for whoever searches them faster than line by line.
//!
//! Invariant: the index was made from whole lines in their places, and the checksum of a frame says that it still is what
//! it was; so a line that nobody wants need not be checked by itself. One that is wanted is.

use super::error::JournalError;
use super::index::FrameFacts;
use super::line::peek;
use super::reader::{Line, Place};
use super::sealed::Sealed;
use super::segment::SegmentName;
use super::tail;
use crate::model::Seq;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

/// The frames of a segment that has an index.
#[derive(Debug)]
pub struct Frames {
    name: SegmentName,
    sealed: Sealed,
}

/// A frame, unpacked.
#[derive(Debug)]
pub struct Unpacked<'a> {
    name: &'a SegmentName,
    bytes: &'a [u8],
    /// Where it begins in the segment.
    begin: u64,
    /// Its first record, and the one after its last.
    seqs: Range<Seq>,
}

impl Frames {
    /// `None` when the segment is not there in its sealed form.
    pub(super) fn open(path: &Path, name: &SegmentName) -> Result<Option<Frames>, JournalError> {
        match File::open(path) {
            Ok(file) => Ok(Some(Frames { name: name.clone(), sealed: Sealed::open(path, file)? })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::io("open", path)(error)),
        }
    }

    /// Unpacks a frame; `None` when it is not the one that the index has seen, or cannot be unpacked.
    pub fn unpack(
        &mut self,
        number: usize,
        facts: &FrameFacts,
    ) -> Result<Option<Unpacked<'_>>, JournalError> {
        let is_it = |sealed: &Sealed| {
            let frame = sealed.frames().get(number);
            frame.filter(|frame| (frame.packed, frame.raw) == (facts.packed, facts.raw)).copied()
        };
        if is_it(&self.sealed).is_none() || self.sealed.take(number)?.is_some() {
            return Ok(None);
        }
        let Some(frame) = is_it(&self.sealed) else { return Ok(None) };
        let seqs = facts.first..Seq(facts.first.0.saturating_add(facts.count));
        Ok(Some(Unpacked { name: &self.name, bytes: self.sealed.raw(), begin: frame.begin, seqs }))
    }
}

impl Unpacked<'_> {
    /// The lines, each with its line feed.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The line that has this byte.
    pub fn line_at(&self, at: usize) -> Range<usize> {
        let (before, after) = self.bytes.split_at(at);
        let begin = memchr::memrchr(b'\n', before).map_or(0, |feed| feed + 1);
        let end = memchr::memchr(b'\n', after).map_or(self.bytes.len(), |feed| at + feed + 1);
        begin..end
    }

    /// The record of a line; `None` when there is none up to `through`.
    pub fn record(&self, line: Range<usize>, through: Seq) -> Result<Option<Line>, JournalError> {
        let (offset, bytes) = (self.begin + line.start as u64, line.len() as u64);
        let Some((body, chain)) = self.bytes[line].strip_suffix(b"\n").and_then(|line| {
            let body = tail::body(line)?;
            Some((body, tail::chain_behind(body.len(), line)?))
        }) else {
            let segment = self.name.file_name().into();
            return Err(JournalError::Damaged { segment, offset, bytes });
        };
        let seq = peek(body).seq.filter(|seq| self.seqs.contains(seq) && *seq <= through);
        Ok(seq.map(|seq| {
            // Room for the brace.
            let mut json = Vec::with_capacity(body.len() + 1);
            json.extend_from_slice(body);
            Line::of(Place { seq, segment: (self.name.first, self.name.run), offset }, json, chain)
        }))
    }
}
