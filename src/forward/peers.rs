//! What is known of each peer, kept between runs: a small file for each destination.

use super::evidence::Peer;
use crate::journal::regular;
use serde::{Deserialize, Serialize};
use std::mem;
use std::path::{Path, PathBuf};

/// The memory of one destination's peers: each address is a peer of its own.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    /// The peer in use is not among them but in `peer`.
    entries: Vec<Entry>,
    at: usize,
    pub peer: Peer,
    stored: Vec<u8>,
    is_touched: bool,
}

/// A write of what is known, to be done where it may block.
pub(super) struct Write {
    path: PathBuf,
    json: Vec<u8>,
}

impl Write {
    /// What was written. Blocks on the disk.
    pub(super) fn run(self) -> std::io::Result<Vec<u8>> {
        regular::replace(&self.path, &self.json)?;
        Ok(self.json)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    address: String,
    #[serde(flatten)]
    peer: Peer,
}

impl Memory {
    /// Reads what is known of these addresses, at least one; a file that is damaged counts as nothing known. Blocks on the
    /// disk.
    pub(super) fn load(dir: &Path, name: &str, addresses: &[String]) -> Memory {
        let path = dir.join(format!("{name}.json"));
        let stored = regular::read(&path).unwrap_or_default();
        let mut known = serde_json::from_slice::<Vec<Entry>>(&stored).unwrap_or_default();
        let entry = |address: &String| {
            let place = known.iter().position(|entry| entry.address == *address);
            let peer = place.map(|place| known.swap_remove(place).peer).unwrap_or_default();
            Entry { address: address.clone(), peer }
        };
        let mut entries: Vec<Entry> = addresses.iter().map(entry).collect();
        let peer = entries.first_mut().map(|entry| mem::take(&mut entry.peer)).unwrap_or_default();
        Memory { path, entries, at: 0, peer, stored, is_touched: false }
    }

    /// The peer in use is that of another address.
    pub(super) fn turn_to(&mut self, at: usize) {
        self.swap();
        self.at = at;
        self.swap();
    }

    /// Something has been learned.
    pub(super) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// What there is to write, when what is known has changed. Without it a restart learns it anew.
    pub(super) fn due(&mut self) -> Option<Write> {
        if !mem::take(&mut self.is_touched) {
            return None;
        }
        self.swap();
        let json = serde_json::to_vec(&self.entries);
        self.swap();
        let json = json.ok().filter(|json| *json != self.stored)?;
        Some(Write { path: self.path.clone(), json })
    }

    /// That is on the disk.
    pub(super) fn on_written(&mut self, json: Vec<u8>) {
        self.stored = json;
    }

    fn swap(&mut self) {
        if let Some(entry) = self.entries.get_mut(self.at) {
            mem::swap(&mut entry.peer, &mut self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_known_again_for_the_same_address_only() {
        let dir = tempfile::tempdir().unwrap();
        let load = |addresses: [&str; 2]| Memory::load(dir.path(), "siem", &addresses.map(str::to_owned));
        let mut memory = load(["a:1", "b:1"]);
        memory.turn_to(1);
        memory.peer.answers_close_notify = true;
        assert!(memory.due().is_none());
        memory.touch();
        let written = memory.due().unwrap().run().unwrap();
        memory.on_written(written);
        memory.touch();
        assert!(memory.due().is_none(), "it is there");
        memory.turn_to(0);
        assert!(!memory.peer.answers_close_notify);
        assert!(load(["b:1", "c:1"]).peer.answers_close_notify);
        assert!(!load(["a:1", "c:1"]).peer.answers_close_notify);
        std::fs::write(dir.path().join("siem.json"), "{").unwrap();
        assert!(!load(["b:1", "c:1"]).peer.answers_close_notify);
    }
}
