//! What is known of each peer, kept between runs: a small file for each destination.

use super::evidence::Peer;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The memory of one destination's peer. Another address is another peer.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    address: String,
    pub peer: Peer,
    stored: Peer,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    address: String,
    #[serde(flatten)]
    peer: Peer,
}

impl Memory {
    /// Reads what is known; a file that is damaged or of another address counts as nothing known.
    pub(super) fn load(dir: &Path, name: &str, address: String) -> Memory {
        let path = dir.join(format!("{name}.json"));
        let entry = fs::read(&path).ok().and_then(|json| serde_json::from_slice::<Entry>(&json).ok());
        let peer = entry.filter(|entry| entry.address == address).map(|entry| entry.peer).unwrap_or_default();
        Memory { path, address, stored: peer.clone(), peer }
    }

    /// Writes what is known when that has changed. Without it a restart learns it anew.
    pub(super) fn store(&mut self) -> std::io::Result<()> {
        if self.peer == self.stored {
            return Ok(());
        }
        let json = serde_json::to_vec(&Entry { address: self.address.clone(), peer: self.peer.clone() })?;
        let temporary = self.path.with_extension("new");
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&json)?;
        file.sync_data()?;
        fs::rename(&temporary, &self.path)?;
        self.stored = self.peer.clone();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_known_again_for_the_same_address_only() {
        let dir = tempfile::tempdir().unwrap();
        let load = |address: &str| Memory::load(dir.path(), "siem", address.to_owned());
        let mut memory = load("a:1");
        memory.peer.answers_close_notify = true;
        memory.store().unwrap();
        assert!(load("a:1").peer.answers_close_notify);
        assert!(!load("b:1").peer.answers_close_notify);
        fs::write(dir.path().join("siem.json"), "{").unwrap();
        assert!(!load("a:1").peer.answers_close_notify);
    }
}
