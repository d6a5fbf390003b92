//! What the path of a source means now, and how a file is opened: nothing but a regular file, and none that somebody
//! else has put there for the agent to read.
//!
//! ```text
//! /var/log/sensor/events.log    one log
//! /var/log/sensor/*.log         all that match now; a rotated form of another one is no log of its own
//! /var/log/sensor/              a folder, for the slash at its end: all files in it but hidden and compressed ones
//! ```

use super::{pattern, rotation};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The logs that a path means, by name, at most `LOGS_MAX`, and how many there are beyond.
pub fn logs(path: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let mut found: Vec<PathBuf> = if is_pattern(path) {
        let pattern = path.to_str().ok_or_else(|| io::Error::other("is not UTF-8"))?;
        pattern::paths(pattern)?.into_iter().filter(|path| !path.is_dir()).collect()
    } else if is_folder(path) {
        let entries = fs::read_dir(path)?.flatten().map(|entry| entry.path());
        entries.filter(|path| !path.is_dir() && !is_hidden(path)).collect()
    } else {
        return Ok((vec![path.to_path_buf()], 0));
    };
    found.sort();
    let names: Vec<PathBuf> = found.clone();
    found.retain(|path| !is_rotated(path, &names) && !rotation::is_compressed(path));
    let beyond = found.len().saturating_sub(LOGS_MAX);
    found.truncate(LOGS_MAX);
    Ok((found, beyond))
}

/// Whether a path may mean several logs.
pub fn means_several(path: &Path) -> bool {
    is_pattern(path) || is_folder(path)
}

/// Whether a path is a pattern and no name.
fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
}

/// Whether a path means the files in a folder: a folder in the place of a log is none.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether this is what another one of these was rotated to.
fn is_rotated(path: &Path, all: &[PathBuf]) -> bool {
    let Some(name) = path.file_name().map(OsStr::to_string_lossy) else { return false };
    all.iter().filter(|other| other.parent() == path.parent()).any(|other| {
        let base = other.file_name().map(OsStr::to_string_lossy);
        base.is_some_and(|base| base != name && rotation::may_be_rotated(&name, &base))
    })
}

/// The files beside a log that may be what it was rotated to, by name.
pub fn rotated(log: &Path) -> Vec<PathBuf> {
    let (Some(base), Some(folder)) = (log.file_name().map(OsStr::to_string_lossy), log.parent()) else {
        return Vec::new();
    };
    let may_be = |name: &OsStr| rotation::may_be_rotated(&name.to_string_lossy(), &base);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| may_be(&entry.file_name())).map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// Opens a regular file. A symbolic link in the last place is followed only if `follow_links` says so, and only if it
/// belongs to root or to the owner of what it leads to.
pub fn open(path: &Path, follow_links: bool) -> io::Result<(File, Metadata)> {
    let link = fs::symlink_metadata(path)?;
    if !link.is_symlink() {
        return open_file(path);
    }
    if !follow_links {
        return Err(io::Error::other(
            "is a symbolic link; give the path of the file itself or set follow-symlinks = true",
        ));
    }
    let target = fs::canonicalize(path)?;
    let (file, metadata) = open_file(&target)?;
    if ![0, metadata.uid()].contains(&link.uid()) {
        return Err(io::Error::other(format!(
            "is a symbolic link of user {} to a file of user {}, and is not followed",
            link.uid(),
            metadata.uid()
        )));
    }
    Ok((file, metadata))
}

fn open_file(path: &Path) -> io::Result<(File, Metadata)> {
    // O_NONBLOCK: opening a FIFO must not wait for its writer.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(|error| {
        match error.raw_os_error() {
            Some(libc::ELOOP) => io::Error::other("is a symbolic link; give the path of the file itself"),
            Some(libc::ENXIO) => io::Error::other("is not a regular file"),
            _ => error,
        }
    })?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("is a folder; a / at its end means all files in it"));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    if metadata.nlink() > 1 && may_be_planted(path, &metadata) {
        return Err(io::Error::other(
            "has another name, too, and others than its owner can write the folder: it may be somebody else's file",
        ));
    }
    Ok((file, metadata))
}

/// Whether somebody who is neither root nor the owner of the file could have made this name for it.
fn may_be_planted(path: &Path, file: &Metadata) -> bool {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(folder) = fs::metadata(folder) else { return false };
    ![0, file.uid()].contains(&folder.uid()) || folder.mode() & 0o022 != 0
}

/// Logs of one source: each holds a descriptor.
pub(super) const LOGS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, lchown, symlink};

    #[test]
    fn a_pattern_and_a_folder_mean_logs_and_not_what_they_were_rotated_to() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.log", "a.log.1", "a.log.2.gz", "b.log", ".c.log", "d.txt"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("e.log")).unwrap();
        let names = |path: &Path| -> Vec<String> {
            let found = logs(path).unwrap().0;
            found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&dir.path().join("*.log*")), ["a.log", "b.log"]);
        assert_eq!(names(&dir.path().join("")), ["a.log", "b.log", "d.txt"]);
        assert_eq!(names(&dir.path().join("none.log")), ["none.log"]);
        assert!(names(&dir.path().join("x*")).is_empty());
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let error = |name: &str, follow| open(&path(name), follow).map(drop).unwrap_err().to_string();
        fs::write(path("log"), "").unwrap();
        symlink("log", path("link")).unwrap();
        symlink("none", path("dangling")).unwrap();
        std::process::Command::new("mkfifo").arg(path("fifo")).status().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        for odd in ["fifo", "socket"] {
            assert_eq!(error(odd, false), "is not a regular file", "{odd}");
        }
        assert_eq!(error("folder", false), "is a folder; a / at its end means all files in it");
        assert!(error("link", false).contains("set follow-symlinks = true"));
        assert!(open(&path("link"), true).is_ok() && open(&path("log"), false).is_ok());
        assert!(open(&path("dangling"), true).unwrap_err().kind() == io::ErrorKind::NotFound);
        // Only root can give a link away.
        if lchown(path("link"), Some(1), None).is_ok() {
            assert!(error("link", true).contains("is a symbolic link of user 1 to a file of user 0"));
        }
        fs::hard_link(path("log"), path("other")).unwrap();
        assert!(open(&path("other"), false).is_ok());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(error("other", false).contains("somebody else's file"));
    }
}
