//! A file is known by its content, not by its name.
//!
//! ```text
//! inode, birth    the same file, if its content agrees; an inode is used again, and a file can be rewritten
//! head            a hash of its first bytes, up to 1,024: of a young file as many as have been read
//! mark            a hash of the bytes before a place that has been read, up to 1,024
//! ```
//!
//! A copy has another inode, another birth and the same content: it is taken for the file only where the content
//! says enough, see `is_same`. Whoever is not taken for a file that is known is read from the beginning: twice is
//! better than never.

use super::content::Content;
use crate::journal::{FollowedFile, Mark};
use crate::model::Text;
use sha2::{Digest, Sha256};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

/// Most bytes that the hash of a file's head covers, and that of what stands before a place.
pub(super) const HEAD_BYTES_MAX: u64 = 1024;

/// What tells one open file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Inode {
    pub device: u64,
    pub inode: u64,
}

impl Inode {
    pub(super) fn of(metadata: &Metadata) -> Inode {
        Inode { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Whether `known` had this device and inode.
    pub(super) fn is(self, known: &FollowedFile) -> bool {
        (known.device, known.inode) == (self.device, self.inode)
    }
}

/// What the file system says of a file before anybody has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    pub inode: Inode,
    /// Nanoseconds since 1970, if the file system says so.
    pub birth: Option<u64>,
    /// At the path of the log; else it may be a copy of one.
    pub is_log: bool,
    /// It has nothing, and was last written then, in milliseconds since 1970.
    pub emptied: Option<i64>,
}

impl Sight {
    pub(super) fn of(metadata: &Metadata, is_log: bool) -> Sight {
        let emptied = (metadata.len() == 0).then(|| modified(metadata));
        Sight { inode: Inode::of(metadata), birth: birth(metadata), is_log, emptied }
    }

    /// Whether inode and birth are those of `known`.
    pub(super) fn is(self, known: &FollowedFile) -> bool {
        let born_apart = matches!((self.birth, known.birth), (Some(found), Some(known)) if found != known);
        self.inode.is(known) && !born_apart
    }
}

/// When a file was born, in nanoseconds since 1970.
pub(super) fn birth(metadata: &Metadata) -> Option<u64> {
    let since = metadata.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// When a file was last written, in milliseconds since 1970.
pub(super) fn modified(metadata: &Metadata) -> i64 {
    metadata.mtime() * 1000 + metadata.mtime_nsec() / 1_000_000
}

/// SHA-256 over the first `bytes` bytes; `None` when there are fewer.
pub(super) fn head(content: &mut Content, bytes: u64) -> io::Result<Option<Text>> {
    let bytes = usize::try_from(bytes.min(HEAD_BYTES_MAX)).unwrap_or_default();
    Ok(content.exactly(bytes, 0)?.map(|bytes| head_of(&bytes)))
}

/// SHA-256 over these first bytes of a file.
pub(super) fn head_of(bytes: &[u8]) -> Text {
    hex(&Sha256::digest(bytes))
}

/// What stands before that place; `None` when the content ends sooner.
pub(super) fn before(content: &mut Content, place: u64) -> io::Result<Option<u64>> {
    let bytes = place.min(HEAD_BYTES_MAX);
    let wanted = usize::try_from(bytes).unwrap_or_default();
    Ok(content.exactly(wanted, place - bytes)?.map(|bytes| hash_of(&bytes)))
}

/// The first 64 bits of SHA-256.
pub(super) fn hash_of(bytes: &[u8]) -> u64 {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash[..8].iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
}

/// Whether what is open is the file that `known` describes, or a copy of it.
///
/// Its content must agree, as far as it has been read. Under another inode or of another birth that has to be enough
/// to tell it from any other log: more than its head, or all of it and not at the log's own path, where a new log may
/// begin with the lines of the one before.
pub(super) fn is_same(content: &mut Content, sight: Sight, known: &FollowedFile) -> io::Result<bool> {
    if !sight.is(known) && (known.offset == 0 || (known.offset < HEAD_BYTES_MAX && sight.is_log)) {
        return Ok(false);
    }
    // What had been empty and was written since is another if it is empty again.
    let seen = known.mark.filter(|_| known.offset == 0).map(|mark| mark.modified);
    if sight.emptied.zip(seen).is_some_and(|(emptied, seen)| emptied != seen) && content.is_empty()? {
        return Ok(false);
    }
    // Nothing that was read to its end says nothing, unless the birth says that it is that file.
    if known.finished && known.offset == 0 {
        return Ok(known.birth.is_some());
    }
    let place = known.mark.map_or(known.offset, |mark: Mark| mark.offset);
    if head(content, known.head_bytes)?.is_none_or(|head| head != known.head) {
        return Ok(false);
    }
    let found = before(content, place)?;
    if known.mark.is_some_and(|mark| found != Some(mark.before)) {
        return Ok(false);
    }
    // What was read is still there.
    Ok(known.offset == 0 || content.exactly(1, known.offset - 1)?.is_some())
}

/// Whether the content is a copy of a part that has been read: it begins as the file did and ends before the position.
pub(super) fn is_read_part(content: &mut Content, known: &FollowedFile) -> io::Result<bool> {
    if known.offset == 0 || content.exactly(1, known.offset - 1)?.is_some() {
        return Ok(false);
    }
    Ok(known.head_bytes > 0 && head(content, known.head_bytes)?.is_some_and(|head| head == known.head))
}

fn hex(bytes: &[u8]) -> Text {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    fn open(path: &Path) -> (Content, Metadata) {
        let file = File::open(path).unwrap();
        let metadata = file.metadata().unwrap();
        (Content::Plain(file), metadata)
    }

    /// As known when `offset` bytes had been read.
    fn known(path: &Path, offset: u64) -> FollowedFile {
        let (mut content, metadata) = open(path);
        let head_bytes = offset.min(HEAD_BYTES_MAX);
        let mark = Mark {
            offset,
            before: before(&mut content, offset).unwrap().unwrap(),
            modified: modified(&metadata),
        };
        FollowedFile {
            device: metadata.dev(),
            inode: metadata.ino(),
            birth: birth(&metadata),
            head: head(&mut content, head_bytes).unwrap().unwrap(),
            head_bytes,
            offset,
            mark: Some(mark),
            ..FollowedFile::default()
        }
    }

    fn same(path: &Path, known: &FollowedFile, is_log: bool) -> bool {
        let (mut content, metadata) = open(path);
        is_same(&mut content, Sight::of(&metadata, is_log), known).unwrap()
    }

    #[test]
    fn a_file_that_grew_is_the_same_and_one_that_shrank_or_was_rewritten_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for length in [11, 5_000] {
            std::fs::write(&path, vec![b'a'; length]).unwrap();
            let known = known(&path, length as u64);
            let file = File::options().write(true).open(&path).unwrap();
            assert!(same(&path, &known, true));
            file.write_all_at(b"second\n", length as u64).unwrap();
            assert!(same(&path, &known, true));
            for place in [0, length as u64 - 1] {
                file.write_all_at(b"F", place).unwrap();
                assert!(!same(&path, &known, true), "another content at {place}");
                file.write_all_at(b"a", place).unwrap();
            }
            file.set_len(length as u64 - 1).unwrap();
            assert!(!same(&path, &known, true), "shorter than what was read");
        }
    }

    #[test]
    fn a_copy_is_known_by_its_content_and_a_small_log_is_no_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (path, copy) = (dir.path().join("log"), dir.path().join("log.1"));
        for (length, as_log) in [(11, false), (5_000, true)] {
            std::fs::write(&path, vec![b'a'; length]).unwrap();
            let known = known(&path, length as u64);
            std::fs::copy(&path, &copy).unwrap();
            assert!(same(&copy, &known, false));
            assert_eq!(same(&copy, &known, true), as_log);
            std::fs::write(&copy, vec![b'b'; length]).unwrap();
            assert!(!same(&copy, &known, false));
        }
    }
}
