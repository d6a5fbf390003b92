//! One open log file: reads what is new, cuts it into entries, notices when it is no longer the same.

use super::identity::{self, HEAD_BYTES_MAX, Inode};
use crate::dialect::{DIALECTS, Dialect, End, Entry, State};
use crate::journal::FollowedFile;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// An open file and how far it has been read.
#[derive(Debug)]
pub(super) struct Tail {
    pub file: FollowedFile,
    pub path: PathBuf,
    handle: File,
    pub dialect: Option<&'static Dialect>,
    pub state: State,
    /// Bytes read and not cut into entries yet; they begin at `file.offset`.
    buffer: Vec<u8>,
    entries: Vec<Entry>,
    /// The last bytes before `file.offset`, as they were read.
    before: Vec<u8>,
    overlong: Option<Overlong>,
    /// When it was last seen to grow.
    pub grown: Instant,
    /// No longer at the log's path.
    pub rotated: bool,
    /// Entries passed over since the journal was last told the position.
    pub passed_untold: u64,
    pub told: Instant,
}

/// A line over the limit: its head is kept, the rest is read past.
#[derive(Debug, Clone, Copy)]
struct Overlong {
    /// Bytes of the line seen so far, of which the buffer holds the first.
    length: u64,
}

/// One entry cut out of the buffer.
#[derive(Debug)]
pub(super) struct Cut<'a> {
    pub text: &'a [u8],
    /// The entry was over the limit; `text` is its beginning.
    pub truncated: bool,
    /// It ended with the file and had no line feed.
    pub unfinished: bool,
    /// Just after it in the file.
    pub end: u64,
}

/// What reading found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This many new bytes.
    Bytes(usize),
    /// The file was cut or rewritten: what it held up to here is gone. The bytes it has now.
    Replaced { now_bytes: u64 },
}

impl Tail {
    /// Opens a regular file without following a link in its last place.
    pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
        // O_NONBLOCK: opening a FIFO must not wait for its writer.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let handle = File::options().read(true).custom_flags(flags).open(path).map_err(|error| {
            if error.raw_os_error() == Some(libc::ELOOP) {
                io::Error::other("is a symbolic link; give the path of the file itself")
            } else {
                error
            }
        })?;
        let metadata = handle.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("is not a regular file"));
        }
        Ok((handle, metadata))
    }

    /// Follows an open file from where `file` says.
    pub(super) fn new(
        path: &Path,
        handle: File,
        file: FollowedFile,
        dialect: Option<&'static Dialect>,
    ) -> Tail {
        let now = Instant::now();
        Tail {
            state: State::at(file.offset),
            file,
            path: path.to_path_buf(),
            handle,
            dialect,
            buffer: Vec::new(),
            entries: Vec::new(),
            before: Vec::new(),
            overlong: None,
            grown: now,
            rotated: false,
            passed_untold: 0,
            told: now,
        }
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.handle.metadata()
    }

    /// Whether no name leads to the file any more.
    pub(super) fn is_deleted(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    pub(super) fn inode(&self) -> Inode {
        Inode { device: self.file.device, inode: self.file.inode }
    }

    /// Reads up to `bytes_max` new bytes into the buffer.
    pub(super) fn read(&mut self, bytes_max: usize) -> io::Result<Found> {
        let length = self.metadata()?.len();
        let at = self.file.offset + self.buffered();
        if length < at || !self.is_still_before()? {
            return Ok(Found::Replaced { now_bytes: length });
        }
        if length == at {
            return Ok(Found::Bytes(0));
        }
        let start = self.buffer.len();
        let wanted = usize::try_from(length - at).unwrap_or(usize::MAX).min(bytes_max);
        self.buffer.resize(start + wanted, 0);
        let read = read_at(&self.handle, &mut self.buffer[start..], at);
        self.buffer.truncate(start + read.as_ref().map_or(0, |&count| count));
        let count = read?;
        if count > 0 {
            self.grown = Instant::now();
        }
        Ok(Found::Bytes(count))
    }

    /// Bytes of the file behind `offset` that have been read.
    fn buffered(&self) -> u64 {
        self.overlong.map_or(self.buffer.len() as u64, |overlong| overlong.length)
    }

    /// Whether the bytes before the position are the ones that were read: a file that was cut and has grown
    /// again past the position is another.
    fn is_still_before(&self) -> io::Result<bool> {
        let mut found = [0; BEFORE_BYTES];
        let found = &mut found[..self.before.len()];
        if found.is_empty() {
            return Ok(true);
        }
        let at = self.file.offset - found.len() as u64;
        Ok(read_at(&self.handle, found, at)? == found.len() && *found == *self.before)
    }

    /// Cuts the buffer into entries and calls `take` for each.
    pub(super) fn cut(&mut self, end: End, line_bytes_max: usize, mut take: impl FnMut(&mut Tail, Cut<'_>)) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(overlong) = self.overlong.take() {
            self.go_past(&mut buffer, overlong, end, line_bytes_max, &mut take);
        }
        if self.overlong.is_none() {
            self.decide(&buffer, end);
            let dialect = self.reader();
            let base = self.file.offset;
            let mut entries = std::mem::take(&mut self.entries);
            entries.clear();
            let consumed = (dialect.split)(&mut self.state, &buffer, end, &mut entries);
            for entry in &entries {
                let text = &buffer[entry.text.clone()];
                let (kept, truncated) = limit(text, line_bytes_max);
                let end = base + entry.end as u64;
                self.file.offset = end;
                let unfinished = !buffer[..entry.end].ends_with(b"\n");
                take(self, Cut { text: kept, truncated, unfinished, end });
            }
            self.entries = entries;
            self.file.offset = base + consumed as u64;
            self.keep_before(&buffer[..consumed]);
            buffer.drain(..consumed);
            if buffer.len() > line_bytes_max {
                self.overlong = Some(Overlong { length: buffer.len() as u64 });
                buffer.truncate(line_bytes_max);
            }
        }
        self.buffer = buffer;
    }

    /// Finds the dialect by the first entries when the config says `auto`.
    fn decide(&mut self, buffer: &[u8], end: End) {
        if self.dialect.is_none() && (buffer.contains(&b'\n') || end == End::Final) {
            self.dialect = crate::dialect::detect(buffer);
        }
    }

    /// Who reads the entries. While nobody speaks their language it is the first dialect of the table, which keeps
    /// what it cannot read: nothing waits for a better entry.
    pub(super) fn reader(&self) -> &'static Dialect {
        self.dialect.unwrap_or(&DIALECTS[0])
    }

    /// Looks for the end of a line that is over the limit; `buffer` holds its head and what was read after.
    fn go_past(
        &mut self,
        buffer: &mut Vec<u8>,
        overlong: Overlong,
        end: End,
        line_bytes_max: usize,
        take: &mut impl FnMut(&mut Tail, Cut<'_>),
    ) {
        let head = line_bytes_max.min(buffer.len());
        let newline = memchr::memchr(b'\n', &buffer[head..]);
        let Some(rest) = newline.map(|at| at + 1).or((end == End::Final).then_some(buffer.len() - head))
        else {
            self.overlong = Some(Overlong { length: overlong.length + (buffer.len() - head) as u64 });
            buffer.truncate(head);
            return;
        };
        self.file.offset += overlong.length + rest as u64;
        let cut = Cut {
            text: whole_characters(&buffer[..head]),
            truncated: true,
            unfinished: newline.is_none(),
            end: self.file.offset,
        };
        take(self, cut);
        self.before.clear();
        self.keep_before(&buffer[head..head + rest]);
        buffer.drain(..head + rest);
    }

    fn keep_before(&mut self, consumed: &[u8]) {
        self.before.extend_from_slice(&consumed[consumed.len().saturating_sub(BEFORE_BYTES)..]);
        self.before.drain(..self.before.len().saturating_sub(BEFORE_BYTES));
    }

    /// Takes the head into the identity as far as it has been read. True when it is known better now.
    pub(super) fn learn_head(&mut self) -> io::Result<bool> {
        let bytes = self.file.offset.min(HEAD_BYTES_MAX);
        if bytes <= self.file.head_bytes && !self.file.head.is_empty() {
            return Ok(false);
        }
        if let Some(head) = identity::head(&self.handle, bytes)? {
            (self.file.head, self.file.head_bytes) = (head, bytes);
        }
        Ok(true)
    }
}

/// At most `bytes_max` bytes of an entry, cut at a character boundary.
fn limit(text: &[u8], bytes_max: usize) -> (&[u8], bool) {
    if text.len() <= bytes_max { (text, false) } else { (whole_characters(&text[..bytes_max]), true) }
}

/// Without the beginning of a character at the end.
fn whole_characters(text: &[u8]) -> &[u8] {
    let last = text.iter().rev().take(3).position(|byte| byte & 0b1100_0000 != 0b1000_0000);
    let Some(after) = last else { return text };
    let wanted = match text[text.len() - 1 - after] {
        0xC0..=0xDF => 1,
        0xE0..=0xEF => 2,
        0xF0..=0xF7 => 3,
        _ => 0,
    };
    if after < wanted { &text[..text.len() - 1 - after] } else { text }
}

fn read_at(handle: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match handle.read_at(buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Bytes before the position that are compared with the file before every read.
const BEFORE_BYTES: usize = 64;
