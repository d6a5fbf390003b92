//! A small disk that can be filled up.

use super::process::patiently;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A file system of its own in memory; gone with the value.
pub struct Disk {
    folder: TempDir,
}

/// Mounts a disk of so many bytes. `None`, and a loud word about it, without the right to mount.
pub fn mount(bytes: u64) -> Option<Disk> {
    let folder = TempDir::new().unwrap();
    let size = format!("size={bytes},mode=0755");
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", &size, "otrail-test"]).arg(folder.path()).output();
    match mounted {
        Ok(output) if output.status.success() => Some(Disk { folder }),
        other => {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or_default();
            // Not by a macro: what a test prints is hidden when it passes.
            let _ = writeln!(
                std::io::stderr(),
                "\n*** SKIPPED {name}: cannot mount a tmpfs; run the tests as root to have this proved: {other:?}\n"
            );
            None
        }
    }
}

impl Disk {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Whether anything can be written. Nobody may have a file open for writing.
    pub fn read_only(&self, is_so: bool) {
        let how = if is_so { "remount,ro" } else { "remount,rw" };
        let mounted = Command::new("mount").args(["-o", how]).arg(self.path()).output().unwrap();
        assert!(mounted.status.success(), "{mounted:?}");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Leaves about so many bytes free.
    pub fn fill_up_to(&self, free: u64) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[7; 4096]).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length.saturating_sub(free)).unwrap();
    }

    /// Takes away what `fill_up_to` put there.
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    /// Takes away everything.
    pub fn clear(&self) {
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        // A process that another test is starting has the files of this one, too, until it is another program.
        assert!(patiently(|| self.is_empty()), "the disk does not become empty");
    }

    fn is_empty(&self) -> bool {
        let disk = nix::sys::statvfs::statvfs(self.path()).unwrap();
        disk.blocks_free() + PAGES_OF_FOLDERS >= disk.blocks()
    }
}

/// What an empty file system may have in use.
const PAGES_OF_FOLDERS: u64 = 1;

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: an agent of a test that failed may still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}
