//! A segment that is there in both forms.
//!
//! A crash while it was sealed leaves two that are equal: the plain one goes. Where they differ somebody has put a file
//! there, unpacked one and not to its end, or the disk has lost something. The sealed one was read back and compared
//! before it got its name, so it counts as long as it can be unpacked, and else the plain one. The other is set aside.

use super::error::JournalError;
use super::forms;
use super::regular;
use super::seal::compare;
use super::sealed::Sealed;
use super::segment::SegmentName;
use super::store::{self, Store};
use std::fs;
use std::path::{Path, PathBuf};

/// Two that were not equal.
#[derive(Debug)]
pub(super) struct Twice {
    /// The file that counts.
    pub counts: PathBuf,
    /// The one that does not, as it was called.
    pub other: PathBuf,
    /// Where that is now.
    pub aside: PathBuf,
}

/// Leaves one of the two; `None` where there was one, or they were equal.
pub(super) fn settle(store: &Store, name: &SegmentName) -> Result<Option<Twice>, JournalError> {
    let dir = store.journal();
    let (plain, sealed) = (forms::plain(&dir, name), forms::sealed(&dir, name));
    if !(plain.exists() && sealed.exists()) {
        return Ok(None);
    }
    if compare(&plain, &sealed, &mut |_| Ok(())).is_ok() {
        fs::remove_file(&plain).map_err(JournalError::io("remove", &plain))?;
        store::sync_dir(&dir)?;
        return Ok(None);
    }
    let (counts, other) = if is_whole(&sealed)? { (sealed, plain) } else { (plain, sealed) };
    let aside = store.move_file_aside(&other)?;
    Ok(Some(Twice { counts, other, aside }))
}

/// Whether every frame of it can be unpacked.
fn is_whole(sealed: &Path) -> Result<bool, JournalError> {
    let file = regular::reading(sealed).map_err(JournalError::io("open", sealed))?;
    let Ok(mut frames) = Sealed::open(sealed, file) else { return Ok(false) };
    for number in 0..frames.frames().len() {
        if frames.take(number)?.is_some() {
            return Ok(false);
        }
    }
    Ok(!frames.frames().is_empty())
}
