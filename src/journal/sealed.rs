//! A sealed segment, read as the segment that it was, a frame at a time.
//!
//! Invariant: memory holds one frame, packed and raw.
//! Invariant: a damaged frame costs what is in it and nothing behind it.

use super::error::JournalError;
use super::frames::{self, Contents, Frame};
use super::pieces::Pieces;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use zstd::bulk::Decompressor;

/// The reader of one sealed file.
pub(super) struct Sealed {
    path: PathBuf,
    file: File,
    frames: Vec<Frame>,
    behind: u64,
    /// The frame that is in `raw`, or was tried.
    current: Option<usize>,
    raw: Vec<u8>,
    /// The next byte of `raw`.
    at: usize,
    packed: Vec<u8>,
    unpack: Decompressor<'static>,
    /// Made when it is first asked for.
    pieces: Option<Pieces>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed")
            .field("path", &self.path)
            .field("frame", &self.current)
            .finish_non_exhaustive()
    }
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Found {
    /// So many bytes were added to the line; 0 at the end.
    Bytes(usize),
    /// A frame that cannot be unpacked, and how many bytes of the segment are lost with it.
    Damaged { lost: u64, error: JournalError },
}

impl Sealed {
    pub(super) fn open(path: &Path, file: File) -> Result<Sealed, JournalError> {
        let Contents { frames, behind } = frames::read(&file).map_err(JournalError::io("read", path))?;
        let unpack = Decompressor::new().map_err(JournalError::io("unpack", path))?;
        let (raw, packed) = (Vec::new(), Vec::new());
        Ok(Sealed {
            path: path.to_path_buf(),
            file,
            frames,
            behind,
            current: None,
            raw,
            at: 0,
            packed,
            unpack,
            pieces: None,
        })
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Bytes behind its end: no part of the segment, though `zstdcat` may show them.
    pub(super) fn behind(&self) -> u64 {
        self.behind
    }

    /// Adds the bytes up to the next line feed and with it, or to the end.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>) -> Result<Found, JournalError> {
        loop {
            let rest = &self.raw[self.at..];
            if !rest.is_empty() {
                // A line ends with its frame at the latest: frames are cut at line ends.
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |feed| feed + 1);
                line.extend_from_slice(&rest[..end]);
                self.at += end;
                return Ok(Found::Bytes(end));
            }
            let next = self.current.map_or(0, |current| current + 1);
            if next >= self.frames.len() {
                return Ok(Found::Bytes(0));
            }
            if let Some(error) = self.take(next)? {
                return Ok(Found::Damaged { lost: u64::from(self.frames[next].raw), error });
            }
        }
    }

    /// Unpacks a frame; what is wrong with it is returned, and there is nothing to read of it.
    pub(super) fn take(&mut self, number: usize) -> Result<Option<JournalError>, JournalError> {
        self.read_packed(number)?;
        let mut by_table = None;
        // The frame says its size, too: where it says another, it or the table is damaged.
        if frames::raw_bytes(&self.packed).is_some_and(|raw| raw != self.frames[number].raw) {
            by_table = Some(self.look_for_frames()?);
            self.read_packed(number.min(self.frames.len().saturating_sub(1)))?;
        }
        let Some(&frame) = self.current.and_then(|current| self.frames.get(current)) else { return Ok(None) };
        if self.unpack(frame).is_ok() {
            return Ok(None);
        }
        self.raw.clear();
        if let Some(by_table) = by_table {
            // It is the frame: the table says what it had, and where the next one is.
            (self.frames, self.current) = (by_table, Some(number));
        }
        let Some(frame) = self.current.and_then(|current| self.frames.get(current)) else { return Ok(None) };
        let (segment, bytes) = (self.path.clone(), u64::from(frame.packed));
        Ok(Some(JournalError::Damaged { segment, offset: frame.at, bytes }))
    }

    /// Unpacks a frame and returns its bytes; `None` when it is not of these sizes, packed and raw, or is damaged.
    pub(super) fn frame(&mut self, number: usize, sizes: (u32, u32)) -> Result<Option<&[u8]>, JournalError> {
        let is_it = |sealed: &Sealed| {
            sealed.frames.get(number).is_some_and(|frame| (frame.packed, frame.raw) == sizes)
        };
        let is_there = is_it(self) && self.take(number)?.is_none() && is_it(self);
        Ok(is_there.then_some(&self.raw[..]))
    }

    /// Begins to unpack a frame by pieces; false when it is not of these sizes.
    pub(super) fn begin(&mut self, number: usize, sizes: (u32, u32)) -> Result<bool, JournalError> {
        let frame = self.frames.get(number).filter(|frame| (frame.packed, frame.raw) == sizes).copied();
        let Some(frame) = frame.filter(|frame| frame.raw as usize <= FRAME_BYTES_MAX) else {
            return Ok(false);
        };
        self.read_packed(number)?;
        // What is there is not all of the frame.
        self.current = None;
        let pieces = match self.pieces.take() {
            Some(pieces) => Ok(pieces),
            None => Pieces::new(),
        };
        let begun = pieces.and_then(|mut pieces| pieces.begin().map(|()| pieces));
        self.pieces = Some(begun.map_err(JournalError::io("unpack", &self.path))?);
        Ok(frames::raw_bytes(&self.packed) == Some(frame.raw))
    }

    /// Adds the next piece to `raw`, of so many bytes; false at the end of the frame, an error where it is damaged.
    pub(super) fn more(&mut self, bytes: usize) -> io::Result<bool> {
        let pieces = self.pieces.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
        pieces.add(&self.packed, &mut self.raw, bytes)
    }

    fn read_packed(&mut self, number: usize) -> Result<(), JournalError> {
        let Some(frame) = self.frames.get(number) else { return Ok(()) };
        (self.current, self.at) = (Some(number), 0);
        self.raw.clear();
        self.packed.resize(frame.packed as usize, 0);
        let read = frames::read_some(&self.file, &mut self.packed, frame.at);
        let count = read.map_err(JournalError::io("read", &self.path))?;
        self.packed.truncate(count);
        Ok(())
    }

    /// Goes by the headers of the frames; returns what was known of them.
    fn look_for_frames(&mut self) -> Result<Vec<Frame>, JournalError> {
        let length = self.file.metadata().map_err(JournalError::io("look at", &self.path))?.len();
        let found = frames::one_by_one(&self.file, length).map_err(JournalError::io("read", &self.path))?;
        Ok(std::mem::replace(&mut self.frames, found.frames))
    }

    fn unpack(&mut self, frame: Frame) -> io::Result<()> {
        let length = frame.raw as usize;
        if length == 0 || length > FRAME_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.raw.reserve(length);
        self.unpack.decompress_to_buffer(&self.packed, &mut self.raw)?;
        if self.raw.len() == length { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// The bytes of the frame that was taken last.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Goes on with the frame that begins at this byte of the segment.
    pub(super) fn go_to(&mut self, offset: u64) {
        let before = self.frames.partition_point(|frame| frame.begin < offset);
        self.current = before.checked_sub(1);
        (self.at, self.raw) = (0, Vec::new());
    }

    /// Whether the frame with this byte of the segment was taken last.
    pub(super) fn has(&self, offset: u64) -> bool {
        self.current.is_some() && self.current == self.frame_at(offset)
    }

    fn frame_at(&self, offset: u64) -> Option<usize> {
        self.frames.partition_point(|frame| frame.begin <= offset).checked_sub(1)
    }

    /// Goes on at a byte of the segment.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), JournalError> {
        let Some(number) = self.frame_at(offset) else { return Ok(()) };
        if self.current != Some(number) {
            // What cannot be unpacked has no bytes to go on at: reading comes to the next frame.
            self.take(number)?;
        }
        let begin = self.frames.get(number).map_or(offset, |frame| frame.begin);
        let into = usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX);
        self.at = into.min(self.raw.len());
        Ok(())
    }
}

/// No frame is larger: one line of it is longer than any source may have.
pub(super) const FRAME_BYTES_MAX: usize = 64 << 20;
