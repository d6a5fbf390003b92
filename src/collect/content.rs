//! What a log or a copy of it holds, by place.

use super::packed::{Packed, Packing};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;

/// An open file as the log that it is or was.
#[derive(Debug)]
pub(super) enum Content {
    Plain(File),
    Packed(Box<Packed>),
}

impl Content {
    /// A copy that may be compressed.
    pub(super) fn of_copy(file: File) -> io::Result<Content> {
        let mut head = [0; 6];
        let count = read_at(&file, &mut head, 0)?;
        Ok(match Packing::of(&head[..count]) {
            Some(packing) => Content::Packed(Box::new(Packed::new(file, packing))),
            None => Content::Plain(file),
        })
    }

    fn file(&self) -> &File {
        match self {
            Content::Plain(file) => file,
            Content::Packed(packed) => packed.file(),
        }
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.file().as_raw_fd()
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file().metadata()
    }

    /// The same content, to be read from its beginning.
    pub(super) fn again(&self) -> io::Result<Content> {
        Content::of_copy(self.file().try_clone()?)
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Content::Packed(_))
    }

    /// Unpacks up to that place, but no more than `left` bytes, which are taken off. False when that was not enough.
    pub(super) fn unpack_to(&mut self, place: u64, left: &mut u64) -> bool {
        match self {
            Content::Plain(_) => true,
            Content::Packed(packed) => packed.unpack_to(place, left),
        }
    }

    /// Reads from a place; fewer bytes than asked for only at the end.
    pub(super) fn read_at(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Content::Plain(file) => read_at(file, buffer, at),
            Content::Packed(packed) => packed.read_at(buffer, at),
        }
    }

    /// The same, but a compressed copy that breaks off gives what it has before that is an error.
    pub(super) fn read_on_at(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Content::Plain(file) => read_at(file, buffer, at),
            Content::Packed(packed) => packed.read_on_at(buffer, at),
        }
    }

    /// The first bytes, by which content is compared with other content.
    pub(super) fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 1024];
        let count = self.read_on_at(&mut buffer, 0)?;
        buffer.truncate(count);
        Ok(buffer)
    }

    /// Whether there is nothing in it that the other one does not have in the same place, from there on.
    pub(super) fn is_part_of(&mut self, other: &mut Content, from: u64) -> io::Result<bool> {
        let (mut mine, mut at) = (vec![0; 64 << 10], from);
        loop {
            let count = self.read_at(&mut mine, at)?;
            if count == 0 {
                return Ok(true);
            }
            if other.exactly(count, at)?.is_none_or(|theirs| theirs != mine[..count]) {
                return Ok(false);
            }
            at += count as u64;
        }
    }

    /// What it has from a place on; `None` when that is more than so many bytes, or when it ends sooner.
    pub(super) fn after(&mut self, place: u64, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        if place > 0 && self.exactly(1, place - 1)?.is_none() {
            return Ok(None);
        }
        let mut buffer = vec![0; bytes_max + 1];
        let count = self.read_at(&mut buffer, place)?;
        buffer.truncate(count);
        Ok((count <= bytes_max).then_some(buffer))
    }

    /// Whether there is nothing in it. A write that is under way shows its time before its bytes: it is waited for, since
    /// file systems let nobody read (XFS) or look for data (ext4, btrfs, tmpfs) meanwhile.
    pub(super) fn is_empty(&mut self) -> io::Result<bool> {
        let has_any = self.read_at(&mut [0], 0)? > 0;
        // Its answer is in the length, too.
        let _ = rustix::fs::seek(self.file(), rustix::fs::SeekFrom::Data(0));
        Ok(!has_any && self.metadata()?.len() == 0)
    }

    /// Whether these bytes stand at that place.
    pub(super) fn has(&mut self, bytes: &[u8], at: u64) -> io::Result<bool> {
        Ok(self.exactly(bytes.len(), at)?.is_some_and(|found| found == bytes))
    }

    /// Exactly so many bytes; `None` when there are fewer.
    pub(super) fn exactly(&mut self, bytes: usize, at: u64) -> io::Result<Option<Vec<u8>>> {
        let mut buffer = vec![0; bytes];
        let count = match self.read_at(&mut buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            count => count?,
        };
        Ok((count == bytes).then_some(buffer))
    }
}

impl Content {
    /// Just after the last line feed before a place; 0 when there is none.
    pub(super) fn line_end_before(&mut self, place: u64) -> io::Result<u64> {
        let mut end = place;
        while end > 0 {
            let start = end.saturating_sub(CHUNK_BYTES);
            let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
            let count = self.read_at(&mut bytes, start)?;
            if let Some(at) = memchr::memrchr(b'\n', &bytes[..count]) {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }
}

/// What follows zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterZeros {
    /// The first byte that is none stands here.
    Data(u64),
    /// Nothing is known of what comes from here on.
    Unknown(u64),
}

impl Content {
    /// What follows the zeros from a place on; `None` when nothing does. It looks at a bounded number of bytes, and at
    /// none in a hole that the file system knows of.
    pub(super) fn after_zeros(&mut self, from: u64) -> io::Result<Option<AfterZeros>> {
        let Content::Plain(file) = self else { return Ok(None) };
        let mut chunk = vec![0; 64 << 10];
        let (mut at, mut scanned) = (from, 0);
        while scanned < SCAN_BYTES_MAX {
            at = match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(at)) {
                Ok(data) => data.max(at),
                Err(rustix::io::Errno::NXIO) => return Ok(None),
                // A file system that does not know has no holes.
                Err(_) => at,
            };
            let count = read_at(file, &mut chunk, at)?;
            if count == 0 {
                return Ok(None);
            }
            if let Some(data) = chunk[..count].iter().position(|&byte| byte != 0) {
                return Ok(Some(AfterZeros::Data(at + data as u64)));
            }
            (at, scanned) = (at + count as u64, scanned + count);
        }
        Ok(Some(AfterZeros::Unknown(at)))
    }
}

fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match file.read_at(&mut buffer[count..], at + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// How much is looked at in one go for the end of a line.
const CHUNK_BYTES: u64 = 4096;
/// Zeros that are looked at in one go.
const SCAN_BYTES_MAX: usize = 8 << 20;
