//! What the config says about the journal.

use std::path::PathBuf;
use std::time::Duration;

/// Place and limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The state directory; the journal stands in `journal/` below it.
    pub state_dir: PathBuf,
    /// Configured sensor name, for otrail's own events.
    pub sensor: String,
    /// Bytes on disk at which the oldest confirmed segments go.
    pub bytes_max: u64,
    /// Age at which confirmed segments go.
    pub age_max: Duration,
    /// Bytes at which a segment is closed and the next begun.
    pub segment_bytes_max: u64,
    /// Bytes of newest records kept in memory for readers at the head.
    pub recent_bytes_max: usize,
    /// Bytes kept free on disk for cursors and otrail's own events.
    pub reserve_bytes: u64,
    /// Whether closed segments are sealed.
    pub seal: bool,
    /// Names of the configured destinations: their cursors pin what they have not confirmed.
    pub destinations: Vec<String>,
}
