//! The files of a segment: plain while it is written, sealed afterwards, an index beside it.
//!
//! ```text
//! 00000000000000000001-1.ndjson           plain
//! 00000000000000000001-1.ndjson.zst       sealed: the same bytes
//! 00000000000000000001-1.idx              what is in which frame of it
//! *.tmp                                   one of these on its way
//! ```
//!
//! While one becomes the other both are there, and the sealed one is read: it was compared before it got its name, and
//! what lies beside it may be anything (`twice`). It is there before the plain one goes, so whoever looks for the plain
//! one in between, and for the sealed one again, finds one of them.

use super::error::JournalError;
use super::regular;
use super::sealed::{Found, Sealed};
use super::segment::SegmentName;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The plain file of a segment.
pub(super) fn plain(dir: &Path, name: &SegmentName) -> PathBuf {
    dir.join(name.file_name())
}

/// The sealed file of a segment.
pub(super) fn sealed(dir: &Path, name: &SegmentName) -> PathBuf {
    dir.join(name.file_name() + SEALED)
}

/// The index of a sealed segment.
pub(super) fn index(dir: &Path, name: &SegmentName) -> PathBuf {
    plain(dir, name).with_extension("idx")
}

/// The name of a file while it is being made.
pub(super) fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension("tmp")
}

/// The bytes of a segment, in whichever form it is.
#[derive(Debug)]
pub(super) enum Bytes {
    Plain(BufReader<File>),
    Sealed(Box<Sealed>),
}

/// An open segment, and the file that it is read from.
#[derive(Debug)]
pub(super) struct Opened {
    pub path: PathBuf,
    pub bytes: Bytes,
}

/// Opens a segment for reading; `None` when neither form is there.
pub(super) fn open(dir: &Path, name: &SegmentName) -> Result<Option<Opened>, JournalError> {
    let path = plain(dir, name);
    if let Some(opened) = open_sealed(dir, name)?
        && (!path.exists() || begins_well(dir, name)?)
    {
        return Ok(Some(opened));
    }
    if let Some(file) = there(regular::reading(&path), "open", &path)? {
        return Ok(Some(Opened { path, bytes: Bytes::Plain(BufReader::with_capacity(READ_BYTES, file)) }));
    }
    open_sealed(dir, name)
}

/// Whether the first frame of the sealed form can be unpacked: what is no such file gives way to the plain one.
fn begins_well(dir: &Path, name: &SegmentName) -> Result<bool, JournalError> {
    match open_sealed(dir, name)?.map(|opened| opened.bytes) {
        Some(Bytes::Sealed(mut sealed)) => Ok(!sealed.frames().is_empty() && sealed.take(0)?.is_none()),
        _ => Ok(false),
    }
}

fn open_sealed(dir: &Path, name: &SegmentName) -> Result<Option<Opened>, JournalError> {
    let path = sealed(dir, name);
    let Some(file) = there(regular::reading(&path), "open", &path)? else { return Ok(None) };
    let bytes = Bytes::Sealed(Box::new(Sealed::open(&path, file)?));
    Ok(Some(Opened { path, bytes }))
}

/// Whether the segment whose plain file has this name is there in either form.
pub(super) fn is_there(dir: &Path, file_name: &str) -> bool {
    let name = SegmentName::parse(file_name);
    name.is_some_and(|name| plain(dir, &name).exists() || sealed(dir, &name).exists())
}

/// The same for a segment that has to be there.
pub(super) fn must_open(dir: &Path, name: &SegmentName) -> Result<Opened, JournalError> {
    let missing = || JournalError::io("open", &plain(dir, name))(ErrorKind::NotFound.into());
    open(dir, name)?.ok_or_else(missing)
}

/// `None` for what is not there.
pub(super) fn there<T>(
    result: io::Result<T>,
    action: &'static str,
    path: &Path,
) -> Result<Option<T>, JournalError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JournalError::io(action, path)(error)),
    }
}

impl Bytes {
    /// Adds the bytes up to the next line feed and with it, or to the end.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>, path: &Path) -> Result<Found, JournalError> {
        match self {
            Bytes::Plain(reader) => {
                read_line(reader, line).map(Found::Bytes).map_err(JournalError::io("read", path))
            }
            Bytes::Sealed(sealed) => sealed.read_line(line),
        }
    }

    /// Bytes behind the end of a sealed file; a plain one has no end of its own.
    pub(super) fn behind(&self) -> u64 {
        match self {
            Bytes::Plain(_) => 0,
            Bytes::Sealed(sealed) => sealed.behind(),
        }
    }

    /// Goes on at the beginning of a frame; one that is damaged is told of by the next read.
    pub(super) fn go_to(&mut self, offset: u64, path: &Path) -> Result<(), JournalError> {
        match self {
            Bytes::Sealed(sealed) => {
                sealed.go_to(offset);
                Ok(())
            }
            Bytes::Plain(_) => self.seek(offset, path),
        }
    }

    /// Goes on at a byte of the segment.
    pub(super) fn seek(&mut self, offset: u64, path: &Path) -> Result<(), JournalError> {
        match self {
            Bytes::Plain(reader) => {
                reader.seek(SeekFrom::Start(offset)).map(drop).map_err(JournalError::io("read", path))
            }
            Bytes::Sealed(sealed) => sealed.seek(offset),
        }
    }

    /// The same where lines that were whole when it was opened are read again: what is in memory of them still holds.
    pub(super) fn seek_near(&mut self, offset: u64, path: &Path) -> Result<(), JournalError> {
        let Bytes::Plain(reader) = self else { return self.seek(offset, path) };
        let at = reader.stream_position();
        at.and_then(|at| reader.seek_relative(offset.wrapping_sub(at).cast_signed()))
            .map_err(JournalError::io("read", path))
    }

    /// Whether nothing has to be unpacked to read on there.
    pub(super) fn is_near(&self, offset: u64) -> bool {
        match self {
            Bytes::Plain(_) => true,
            Bytes::Sealed(sealed) => sealed.has(offset),
        }
    }
}

/// What `read_until` does, which is slower to find the line feed.
fn read_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<usize> {
    let start = line.len();
    loop {
        let bytes = match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let end = memchr::memchr(b'\n', bytes).map(|feed| feed + 1);
        let count = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..count]);
        reader.consume(count);
        if end.is_some() || count == 0 {
            return Ok(line.len() - start);
        }
    }
}

/// What a segment takes on disk, its index included, and when it was last written; `None` when it is gone.
pub(super) fn metadata(dir: &Path, name: &SegmentName) -> Result<Option<(u64, Metadata)>, JournalError> {
    let (mut bytes, mut of_text) = (0, None);
    for path in [plain(dir, name), sealed(dir, name)] {
        if let Some(found) = there(fs::metadata(&path), "look at", &path)? {
            bytes += found.len();
            of_text = of_text.or(Some(found));
        }
    }
    let path = index(dir, name);
    bytes += there(fs::metadata(&path), "look at", &path)?.map_or(0, |found| found.len());
    Ok(of_text.map(|metadata| (bytes, metadata)))
}

/// Removes a segment in whichever form it is. What is gone already is no error.
pub(super) fn remove(dir: &Path, name: &SegmentName) -> Result<(), JournalError> {
    // The index first: it is worth nothing without the rest.
    for path in [index(dir, name), plain(dir, name), sealed(dir, name)] {
        there(fs::remove_file(&path), "remove", &path)?;
    }
    Ok(())
}

/// What a sealed file's name has in addition.
pub(super) const SEALED: &str = ".zst";
const READ_BYTES: usize = 256 << 10;
