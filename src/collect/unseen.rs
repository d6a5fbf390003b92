//! A log that came and went between two looks: nobody has seen it, but what it has left behind tells of it.
//!
//! ```text
//! events.log → events.log.1 → gone    the log that is open was rotated, and pushed out by the one after it
//! ```
//!
//! If the one after it were still there, it would have been born before the open one went. Else it is gone as well,
//! unless it was compressed.

use super::gap::{Gap, Loss};
use super::identity;
use super::log::Log;
use super::rotation::{self, Candidate};
use super::spotted::Spotted;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The gap behind the log that is open, before the first of those that come after it, in that order.
pub(super) fn gap(log: &Log, order: &[Candidate], found: &[Spotted]) -> Option<Gap> {
    let tail = log.tails.back().filter(|tail| !tail.is_packed())?;
    let metadata = tail.metadata().ok().filter(|metadata| metadata.nlink() == 0)?;
    let base = log.path.file_name()?.to_str()?;
    let last_name = tail.last_name().filter(|name| rotation::may_be_rotated(name, base))?;
    let (seconds, nanos) =
        (u64::try_from(metadata.ctime()).ok()?, u64::try_from(metadata.ctime_nsec()).ok()?);
    // When its last name was taken away; without births nothing can be told.
    let gone = identity::birth(&metadata).and(Some(seconds * 1_000_000_000 + nanos))?;
    let is_linked = fs::symlink_metadata(&log.path).is_ok_and(|metadata| metadata.is_symlink());
    let may_be_next = |candidate: &Candidate| {
        let found = found.iter().find(|it| it.path == candidate.path);
        let is_older = found.is_none_or(|it| it.sight.birth.is_none_or(|birth| birth < gone));
        rotation::is_compressed(&candidate.path) || candidate.known.is_some() || is_older
    };
    if is_linked || order.is_empty() || order.iter().any(may_be_next) {
        return None;
    }
    let message = format!(
        "{} was rotated and then deleted as {last_name}; what came after it in its place is gone, too, by \
         the times of what is there: at least one log that nobody has read",
        log.path.display(),
    );
    Some(Gap { loss: Loss::Vanished, bytes: None, message })
}
