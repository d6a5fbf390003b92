//! A file that an admin brings for what the trail lacks: plain data, as it goes over the local socket.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Add what the trail lacks of a file, whose bytes follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backfill {
    /// What the client calls the file.
    pub file: String,
    /// The source whose sensor, zone and limits count; may be absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The dialect of the file; the entries tell if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Do it; else only tell what it would be.
    pub sure: bool,
}

/// What was or would be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Backfilled {
    /// What the client called the file.
    pub file: String,
    /// Bytes of it that came, unpacked.
    pub bytes: u64,
    /// SHA-256 over these bytes, 64 hex digits: that of a file which was not packed.
    pub sha256: String,
    /// The source in whose name they are in the trail.
    pub source: String,
    /// The dialect they were read in last; empty if there was no entry.
    pub dialect: String,
    /// Entries read.
    pub entries: u64,
    /// Of these, new to the trail: added, or without `done` what would be.
    pub added: u64,
    /// Of these, in the trail before.
    pub known: u64,
    /// The trail has entries of the sensor's own log in the same seconds, where all of these were looked at.
    pub beside: bool,
    /// Of these, of classes that `[select]` leaves out.
    pub passed_over: u64,
    /// Of those that are new, read by no dialect or understood by no rule.
    pub unparsed: u64,
    /// Everything was read.
    pub complete: bool,
    /// Why not; empty if it was.
    pub error: String,
    /// The trail has them now.
    pub done: bool,
}

impl fmt::Display for Backfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Backfilled { entries, added, known, passed_over, unparsed, source, dialect, error, .. } = self;
        write!(f, "{entries} {} read", if *entries == 1 { "entry" } else { "entries" })?;
        if !dialect.is_empty() {
            write!(f, " as {dialect}")?;
        }
        let what = if self.done { "added to" } else { "new to" };
        write!(f, ": {added} {what} the trail of source {source}")?;
        if *unparsed > 0 {
            write!(f, ", {unparsed} of them not understood")?;
        }
        write!(f, ", {known} in it before")?;
        if *passed_over > 0 {
            write!(f, ", {passed_over} passed over by [select]")?;
        }
        if error.is_empty() { Ok(()) } else { write!(f, "; broken off: {error}") }
    }
}
