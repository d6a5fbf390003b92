//! One open log file: reads what is new, notices when it is no longer the same.

use super::choice::Choice;
use super::cutter::{BEFORE_BYTES, Cut, Cutter, Reading};
use super::identity::{self, HEAD_BYTES_MAX, Inode};
use crate::dialect::{self, End, Parsed, State};
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
    pub cutter: Cutter,
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
            cutter: Cutter::resumed(choice, state, file.offset, file.anchor),
            file,
            path: path.to_path_buf(),
            handle,
            changed: false,
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
        let at = self.cutter.read_through();
        if length < at || !self.is_still_before()? {
            return Ok(Found::Replaced { now_bytes: length });
        }
        if length == at {
            return Ok(Found::Bytes(0));
        }
        let wanted = usize::try_from(length - at).unwrap_or(usize::MAX).min(bytes_max);
        let count = self.cutter.fill(wanted, |space| read_at(&self.handle, space, at))?;
        if count > 0 {
            self.grown = Instant::now();
        }
        Ok(Found::Bytes(count))
    }

    /// Whether the bytes before the position are the ones that were read: a file that was cut and has grown
    /// again past the position is another.
    fn is_still_before(&self) -> io::Result<bool> {
        let before = self.cutter.before();
        let mut found = [0; BEFORE_BYTES];
        let found = &mut found[..before.len()];
        if found.is_empty() {
            return Ok(true);
        }
        let at = self.cutter.offset() - found.len() as u64;
        Ok(read_at(&self.handle, found, at)? == found.len() && found == before)
    }

    /// Makes events of what was read and calls `take` for each, with the file as it is known.
    pub(super) fn cut(
        &mut self,
        end: End,
        reading: Reading<'_>,
        mut take: impl FnMut(&mut FollowedFile, Parsed, &Cut<'_>),
    ) {
        let file = &mut self.file;
        self.cutter.cut(end, reading, |parsed, cut| take(file, parsed, cut));
        (self.file.offset, self.file.anchor) = (self.cutter.offset(), self.cutter.anchor());
        self.changed |= self.cutter.take_changed();
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

fn read_at(handle: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match handle.read_at(buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Bytes from the anchor on that are read again.
const SINCE_BYTES: usize = 64 << 10;
