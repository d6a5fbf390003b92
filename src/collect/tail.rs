//! One open log file: reads what is new, cuts it into entries, notices when it is no longer the same.

use super::choice::Choice;
use super::identity::{self, HEAD_BYTES_MAX, Inode};
use crate::dialect::{self, End, Entry, State};
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
    pub choice: Choice,
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
    /// The journal does not know yet how the file is read.
    pub changed: bool,
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
    /// The entry and some of what follows it.
    pub rest: &'a [u8],
    /// Where it begins in the file.
    pub start: u64,
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
    pub(super) fn new(path: &Path, handle: File, mut file: FollowedFile, choice: Choice) -> Tail {
        let now = Instant::now();
        let state = rebuilt(&handle, &mut file, &choice);
        Tail {
            state,
            file,
            path: path.to_path_buf(),
            handle,
            choice,
            changed: false,
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

    /// Cuts the buffer into entries and calls `take` for each; when that says no, the dialect has changed and the
    /// entry is cut anew.
    pub(super) fn cut(
        &mut self,
        end: End,
        line_bytes_max: usize,
        mut take: impl FnMut(&mut Tail, Cut<'_>) -> bool,
    ) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(overlong) = self.overlong.take() {
            self.go_past(&mut buffer, overlong, end, line_bytes_max, &mut take);
        }
        if self.overlong.is_none() {
            self.state = std::mem::take(&mut self.state).limited(line_bytes_max);
            self.changed |= self.choice.decide(&buffer, end);
            let mut done = 0;
            while let Some(more) = self.cut_some(&buffer[done..], end, line_bytes_max, &mut take) {
                done += more;
            }
            self.keep_before(&buffer[..done]);
            buffer.drain(..done);
            if buffer.len() > line_bytes_max {
                self.state.begin_skip(&buffer);
                self.overlong = Some(Overlong { length: buffer.len() as u64 });
                buffer.truncate(line_bytes_max);
            }
        }
        self.buffer = buffer;
    }

    /// Takes the entries that are read in one way; how many bytes that was, `None` when there is no more.
    fn cut_some(
        &mut self,
        bytes: &[u8],
        end: End,
        line_bytes_max: usize,
        take: &mut impl FnMut(&mut Tail, Cut<'_>) -> bool,
    ) -> Option<usize> {
        let (base, at_head) = (self.file.offset, self.state.is_at_head());
        let mut entries = std::mem::take(&mut self.entries);
        entries.clear();
        let mut done = (self.choice.reader().split)(&mut self.state, bytes, end, &mut entries);
        let mut goes_on = done > 0;
        if self.state.take_anchored() {
            (self.file.anchor, self.changed) = (base, true);
            self.choice.anchored(base);
        }
        let mut before = 0;
        for entry in &entries {
            let (kept, truncated) = limit(&bytes[entry.text.clone()], line_bytes_max);
            let unfinished = end == End::Final && entry.end == bytes.len() && !ends_line(bytes);
            let rest_end = bytes.len().min(entry.end.max(entry.text.start + REST_BYTES));
            let (rest, start) = (&bytes[entry.text.start..rest_end], base + entry.text.start as u64);
            self.file.offset = base + entry.end as u64;
            if !take(self, Cut { text: kept, truncated, unfinished, end: self.file.offset, rest, start }) {
                self.state = self.state.changed(at_head && before == 0);
                self.file.anchor = self.choice.anchor(&self.state, base + before as u64);
                (done, goes_on, self.changed) = (before, true, true);
                break;
            }
            before = entry.end;
        }
        self.entries = entries;
        self.file.offset = base + done as u64;
        goes_on.then_some(done)
    }

    /// Looks for the end of a line that is over the limit; `buffer` holds its head and what was read after.
    fn go_past(
        &mut self,
        buffer: &mut Vec<u8>,
        overlong: Overlong,
        end: End,
        line_bytes_max: usize,
        take: &mut impl FnMut(&mut Tail, Cut<'_>) -> bool,
    ) {
        let head = line_bytes_max.min(buffer.len());
        let found = self.state.skip(&buffer[head..]);
        let Some(rest) = found.or((end == End::Final).then_some(buffer.len() - head)) else {
            self.overlong = Some(Overlong { length: overlong.length + (buffer.len() - head) as u64 });
            buffer.truncate(head);
            return;
        };
        let start = self.file.offset;
        self.file.offset += overlong.length + rest as u64;
        let kept = whole_characters(&buffer[..head]);
        let (unfinished, end) = (found.is_none(), self.file.offset);
        let _taken = take(self, Cut { text: kept, truncated: true, unfinished, end, rest: &[], start });
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

/// What the file says of itself where it is read on. `start = "end"` may have cut a character of two bytes in half.
fn rebuilt(handle: &File, file: &mut FollowedFile, choice: &Choice) -> State {
    if file.dialect != choice.name() {
        file.anchor = 0;
    }
    let (mut head, mut since) = ([0; 4], vec![0; SINCE_BYTES]);
    let head_bytes = read_at(handle, &mut head, 0).unwrap_or_default();
    let since_bytes = read_at(handle, &mut since, file.anchor).unwrap_or_default();
    let (head, since) = (&head[..head_bytes], &since[..since_bytes]);
    let dialect = choice.dialect.or_else(|| dialect::detect(since)).unwrap_or(choice.reader());
    let state = State::rebuilt(dialect, head, file.anchor, since, file.offset);
    let length = handle.metadata().map_or(0, |metadata| metadata.len());
    file.offset += u64::from(state.is_wide() && file.offset % 2 == 1 && file.offset < length);
    state
}

/// Whether the bytes end with a line feed, in whatever encoding.
fn ends_line(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n") || bytes.ends_with(b"\n\0")
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

/// Bytes of an entry and what follows it by which another dialect may know it.
const REST_BYTES: usize = 4 << 10;
/// Bytes from the anchor on that are read again.
const SINCE_BYTES: usize = 64 << 10;
/// Bytes before the position that are compared with the file before every read.
const BEFORE_BYTES: usize = 64;
