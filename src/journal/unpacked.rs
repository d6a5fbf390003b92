//! The frames of a segment that has an index as a whole, for whoever searches them faster than line by line.
//!
//! Invariant: the index was made from whole lines in their places, and the checksum of a frame says that it still is what
//! it was; so a line that nobody wants need not be checked by itself. One that is wanted is.

use super::error::JournalError;
use super::forms;
use super::frames::read_some;
use super::index::FrameFacts;
use super::line::peek;
use super::reader::{Line, Place};
use super::regular;
use super::sealed::Sealed;
use super::segment::SegmentName;
use super::tail;
use crate::model::Seq;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The frames of a segment that has an index.
#[derive(Debug)]
pub struct Frames {
    name: SegmentName,
    from: From,
}

#[derive(Debug)]
enum From {
    Sealed(Box<Sealed>),
    Plain(Plain),
}

/// A segment that is written, and the checksums of its blocks.
#[derive(Debug)]
struct Plain {
    path: PathBuf,
    file: File,
    sums: Arc<[u32]>,
    raw: Vec<u8>,
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
        let Some(file) = forms::there(regular::reading(path), "open", path)? else { return Ok(None) };
        Ok(Some(Frames { name: name.clone(), from: From::Sealed(Box::new(Sealed::open(path, file)?)) }))
    }

    /// `None` when the segment is not there in its plain form.
    pub(super) fn open_plain(
        path: &Path,
        name: &SegmentName,
        sums: &Arc<[u32]>,
    ) -> Result<Option<Frames>, JournalError> {
        let Some(file) = forms::there(regular::reading(path), "open", path)? else { return Ok(None) };
        let plain = Plain { path: path.to_owned(), file, sums: Arc::clone(sums), raw: Vec::new() };
        Ok(Some(Frames { name: name.clone(), from: From::Plain(plain) }))
    }

    /// Unpacks a frame; `None` when it is not the one that the index has seen, or cannot be unpacked.
    pub fn unpack(
        &mut self,
        number: usize,
        begin: u64,
        facts: &FrameFacts,
    ) -> Result<Option<Unpacked<'_>>, JournalError> {
        let bytes = match &mut self.from {
            From::Sealed(sealed) => sealed.frame(number, (facts.packed, facts.raw))?,
            From::Plain(plain) => plain.block(number, begin, facts.raw as usize)?,
        };
        let seqs = facts.first..Seq(facts.first.0.saturating_add(facts.count));
        Ok(bytes.map(|bytes| Unpacked { name: &self.name, bytes, begin, seqs }))
    }

    /// Begins to unpack a frame by pieces; false where that is not possible, or `unpack` costs no more.
    pub fn begin(&mut self, number: usize, facts: &FrameFacts) -> Result<bool, JournalError> {
        match &mut self.from {
            From::Sealed(sealed) => sealed.begin(number, (facts.packed, facts.raw)),
            From::Plain(_) => Ok(false),
        }
    }

    /// Unpacks the next piece of it, and says whether more follow. What there is then of the frame that begins at `begin` is
    /// lines up to the last line feed, and none of them needs to be whole before the end was reached. `None`: it is damaged.
    pub fn more(&mut self, begin: u64, facts: &FrameFacts) -> Option<(bool, Unpacked<'_>)> {
        let From::Sealed(sealed) = &mut self.from else { return None };
        let more = sealed.more(facts.raw as usize).ok()?;
        let seqs = facts.first..Seq(facts.first.0.saturating_add(facts.count));
        Some((more, Unpacked { name: &self.name, bytes: sealed.raw(), begin, seqs }))
    }
}

impl Plain {
    fn block(&mut self, number: usize, begin: u64, bytes: usize) -> Result<Option<&[u8]>, JournalError> {
        self.raw.resize(bytes, 0);
        let read = read_some(&self.file, &mut self.raw, begin);
        let is_whole = read.map_err(JournalError::io("read", &self.path))? == bytes;
        let is_it = is_whole && self.sums.get(number) == Some(&crc32c::crc32c(&self.raw));
        Ok(is_it.then_some(&self.raw[..]))
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
        Ok(self.seq(body, through).map(|seq| {
            // Room for the brace.
            let mut json = Vec::with_capacity(body.len() + 1);
            json.extend_from_slice(body);
            Line::of(Place { seq, segment: (self.name.first, self.name.run), offset }, json, chain)
        }))
    }

    /// The same as it stands there, the JSON without the closing brace, for whoever counts: the checksum of the frame is
    /// enough.
    pub fn body(&self, line: Range<usize>, through: Seq) -> Option<&[u8]> {
        let end = line.len().checked_sub(tail::LINE_END_BYTES as usize)?;
        let body = &self.bytes[line][..end];
        let is_all = self.seqs.end.0 <= through.0.saturating_add(1) && body.starts_with(b"{\"seq\":");
        (is_all || self.seq(body, through).is_some()).then_some(body)
    }

    fn seq(&self, body: &[u8], through: Seq) -> Option<Seq> {
        peek(body).seq.filter(|seq| self.seqs.contains(seq) && *seq <= through)
    }
}
