//! What can go wrong with the journal, each case something an admin can act on.

use crate::model::Seq;
use std::io;
use std::path::{Path, PathBuf};

/// Why the journal could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Bytes that were once whole no longer match their checksum.
    #[error("{} is damaged at byte {offset}: {} bytes are not readable", segment.display(), bytes)]
    Damaged {
        /// The segment file.
        segment: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// How long it is.
        bytes: u64,
    },
    /// Records that were written, and whose segment or lines are not there any more.
    #[error("records {first} to {last} are missing from the journal")]
    Gap {
        /// The first of them.
        first: Seq,
        /// The last.
        last: Seq,
    },
    /// The file system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The state directory has its one writer already.
    #[error("another otrail is writing to {}; stop it first, or give this one its own state-dir", dir.display())]
    Locked {
        /// The state directory.
        dir: PathBuf,
    },
    /// The disk or the configured capacity is used up; what was to be written waits.
    #[error("no space left for the journal in {}; reading is paused, free some space", dir.display())]
    Full {
        /// The state directory.
        dir: PathBuf,
    },
    /// Too many files are open, of this process or of the whole system; what was to be written waits.
    #[error(
        "too many files are open for the journal in {}; reading is paused, nothing is dropped: raise LimitNOFILE= of the \
         service, or fs.file-max of the system",
        dir.display()
    )]
    Crowded {
        /// The state directory.
        dir: PathBuf,
    },
    /// The folder was written by a later otrail.
    #[error("{} has format version {found}, this otrail reads up to {known}; use the otrail that wrote it", segment.display())]
    Version {
        /// The segment file.
        segment: PathBuf,
        /// The version found in the header.
        found: u64,
        /// The newest version this program knows.
        known: u64,
    },
    /// Nothing that looks like a journal is there.
    #[error("{} holds no journal; give the state-dir of an agent or a copy of it", dir.display())]
    Missing {
        /// The folder that was given.
        dir: PathBuf,
    },
}

impl JournalError {
    /// Names the action and the path of a failed system call.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        move |source| JournalError::Io { action, path: path.to_path_buf(), source }
    }

    /// Whether it costs some records and no others: reading goes on behind it.
    pub fn is_damage(&self) -> bool {
        matches!(self, JournalError::Damaged { .. } | JournalError::Gap { .. })
    }

    /// Whether space, or a file that may be open, is all that is missing: it can be tried again.
    pub fn is_full(&self) -> bool {
        match self {
            JournalError::Full { .. } => true,
            JournalError::Io { source, .. } => is_no_space(source) || self.is_crowded(),
            _ => self.is_crowded(),
        }
    }

    /// Whether a file that may be open is what is missing.
    pub(super) fn is_crowded(&self) -> bool {
        match self {
            JournalError::Crowded { .. } => true,
            JournalError::Io { source, .. } => {
                matches!(source.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
            }
            _ => false,
        }
    }
}

/// ENOSPC, and EDQUOT for a quota.
pub(super) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
