//! A file is known by its content, not by its name: device, inode and a hash of its first bytes.

use crate::journal::FollowedFile;
use crate::model::Text;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// Most bytes that the hash of a file's head covers.
pub(super) const HEAD_BYTES_MAX: u64 = 1024;

/// What tells one open file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inode {
    pub device: u64,
    pub inode: u64,
}

impl Inode {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Inode {
        Inode { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Whether `known` had this device and inode.
    pub(super) fn is(self, known: &FollowedFile) -> bool {
        (known.device, known.inode) == (self.device, self.inode)
    }
}

/// SHA-256 over the first `bytes` bytes; `None` when the file has fewer.
pub(super) fn head(file: &File, bytes: u64) -> io::Result<Option<Text>> {
    let mut content = vec![0; usize::try_from(bytes.min(HEAD_BYTES_MAX)).unwrap_or_default()];
    match file.read_exact_at(&mut content, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let hash = Sha256::digest(&content);
    Ok(Some(
        hash.iter()
            .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
            .map(char::from)
            .collect(),
    ))
}

/// Whether an open file is the one that `known` describes: same inode, same head, not shorter than what was read.
pub(super) fn is_same(file: &File, metadata: &std::fs::Metadata, known: &FollowedFile) -> io::Result<bool> {
    if !Inode::of(metadata).is(known) || metadata.len() < known.offset {
        return Ok(false);
    }
    Ok(head(file, known.head_bytes)?.is_some_and(|head| head == known.head))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    fn known(file: &File, head_bytes: u64, offset: u64) -> FollowedFile {
        let metadata = file.metadata().unwrap();
        FollowedFile {
            device: metadata.dev(),
            inode: metadata.ino(),
            head: head(file, head_bytes).unwrap().unwrap(),
            head_bytes,
            offset,
            ..FollowedFile::default()
        }
    }

    #[test]
    fn a_file_that_grew_is_the_same_and_one_that_shrank_or_was_rewritten_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "first line\n").unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let known = known(&file, 11, 11);
        let same = || is_same(&file, &file.metadata().unwrap(), &known).unwrap();
        assert!(same());
        file.write_all_at(b"second\n", 11).unwrap();
        assert!(same());
        file.write_all_at(b"F", 0).unwrap();
        assert!(!same(), "another head");
        file.write_all_at(b"f", 0).unwrap();
        file.set_len(5).unwrap();
        assert!(!same(), "shorter than what was read");
    }
}
