//! What a killed agent and a power cut leave of files.

use super::How;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// How long each file of a folder is.
pub(super) type Lengths = BTreeMap<PathBuf, u64>;

pub(super) fn lengths(folder: &Path) -> Lengths {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.path(), file.metadata().unwrap().len())).collect()
}

/// Of what was written since `before`, to a file that is only added to, some is there: none of it was synced. A new file
/// begins with a line that was.
pub(super) fn tear(folder: &Path, before: &Lengths, how: How, rng: &mut fastrand::Rng) {
    for (path, length) in lengths(folder) {
        let bytes = fs::read(&path).unwrap();
        let mut synced = before.get(&path).copied();
        if synced == Some(length) {
            continue;
        }
        let first_line = bytes.iter().position(|&byte| byte == b'\n').map_or(length, |at| at as u64 + 1);
        if synced.is_none() && rng.u8(0..4) == 0 {
            // The header itself was on its way.
            match rng.u64(0..=first_line) {
                0 => fs::remove_file(&path).unwrap(),
                some => OpenOptions::new().write(true).open(&path).unwrap().set_len(some).unwrap(),
            }
            continue;
        }
        let begin = *synced.get_or_insert(first_line);
        let kept = rng.u64(begin..=length);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        match (how, rng.u8(0..3)) {
            // The length is there, and not all of the content.
            (How::PowerCut, 0) => {
                let zeros = vec![0; usize::try_from(length - kept).unwrap()];
                std::os::unix::fs::FileExt::write_all_at(&file, &zeros, kept).unwrap();
            }
            (How::PowerCut, 1) => {
                let sector = kept / SECTOR * SECTOR;
                let (from, to) = (sector.max(begin), (sector + SECTOR).min(length));
                let zeros = vec![0; usize::try_from(to.saturating_sub(from)).unwrap()];
                std::os::unix::fs::FileExt::write_all_at(&file, &zeros, from).unwrap();
            }
            _ => file.set_len(kept).unwrap(),
        }
    }
}

/// What a power cut leaves of a file of slots that was synced with that content: each slot old, new or torn.
pub(super) fn tear_slots(path: &Path, synced: &[u8], rng: &mut fastrand::Rng) {
    let Ok(mut bytes) = fs::read(path) else { return };
    for (slot, old) in bytes.chunks_mut(SLOT).zip(synced.chunks(SLOT)) {
        if slot.len() != old.len() || slot == old {
            continue;
        }
        match rng.u8(0..4) {
            0 => {}
            1 => slot.copy_from_slice(old),
            2 => {
                let at = rng.usize(0..SLOT);
                slot[at..].copy_from_slice(&old[at..]);
            }
            _ => slot.fill(0),
        }
    }
    fs::write(path, bytes).unwrap();
}

const SECTOR: u64 = 512;
const SLOT: usize = 512;
