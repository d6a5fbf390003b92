//! What the config says about the journal.

use nix::sys::statvfs::statvfs;
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

impl Settings {
    /// Bytes that the journal takes at most: what is configured, and of a disk that is smaller four fifths, beside the
    /// reserve. A disk that the trail itself fills would pause reading for good, however much of it is delivered; how
    /// full others make it changes nothing here, so that nobody can have delivered records removed.
    pub fn capacity(&self) -> u64 {
        let disk = self.state_dir.ancestors().find_map(|folder| statvfs(folder).ok());
        let disk = disk.map_or(u64::MAX, |disk| disk.blocks().saturating_mul(disk.fragment_size()));
        let of_disk = (disk / 5 * 4).saturating_sub(self.reserve_bytes);
        self.bytes_max.min(of_disk.max(CAPACITY_MIN))
    }
}

#[cfg(test)]
impl Settings {
    /// Of a journal that a test writes below a folder of its own, without destinations.
    pub(crate) fn example(state_dir: &std::path::Path) -> Settings {
        Settings {
            state_dir: state_dir.to_owned(),
            sensor: "plant-a".to_owned(),
            bytes_max: 1 << 30,
            age_max: Duration::from_secs(86_400),
            segment_bytes_max: 16 << 20,
            recent_bytes_max: 1 << 10,
            reserve_bytes: 4096,
            seal: true,
            destinations: Vec::new(),
        }
    }
}

const CAPACITY_MIN: u64 = 1 << 20;
