//! Whether the trail has told that a destination is lost, and not yet that it is back: kept between runs, as a file without
//! content in `peers`.

use super::Journal;
use super::error::JournalError;
use super::store::{self, private};
use std::fs;
use std::io;
use std::path::PathBuf;

impl Journal {
    /// Whether a return of that destination is owed to whoever has heard of its loss.
    pub fn owes_return(&self, name: &str) -> bool {
        self.owed(name).exists()
    }

    /// From now on, and durably, it is owed or not. Blocks.
    pub fn owe_return(&self, name: &str, is_owed: bool) -> Result<(), JournalError> {
        let path = self.owed(name);
        if is_owed {
            let made = private().write(true).create(true).truncate(false).open(&path);
            made.map_err(JournalError::io("create", &path))?;
        } else {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                removed => removed.map_err(JournalError::io("remove", &path))?,
            }
        }
        store::sync_dir(&self.peers_dir())
    }

    fn owed(&self, name: &str) -> PathBuf {
        self.peers_dir().join(format!("{name}.lost"))
    }
}
