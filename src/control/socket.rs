//! The socket file: made so that anyone can connect, replaced only when nobody answers on it.

use super::ControlError;
use socket2::{Domain, SockAddr, Socket as Socket2, Type};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// A socket that clients can connect to: who is not let in yet waits.
pub struct Socket {
    pub(super) listener: UnixListener,
    pub(super) file: SocketFile,
}

/// A socket file that goes away with its owner.
pub(super) struct SocketFile(Mark);

/// By what a socket file is known again. As long as its listener is open nobody else gets its inode.
#[derive(Clone)]
pub(super) struct Mark {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

/// Makes the folder (0755) and the socket (0666): the agent decides who may ask, not the file system.
pub(super) fn bind(path: &Path) -> Result<Socket, ControlError> {
    let io = |action| move |source| ControlError::Io { action, path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        make_folder(folder).map_err(io("make the folder of"))?;
    }
    clear(path)?;
    let listener = UnixListener::bind(path).map_err(io("bind"))?;
    fs::set_permissions(path, Permissions::from_mode(0o666)).map_err(io("open to all"))?;
    listener.set_nonblocking(true).map_err(io("set up"))?;
    let made = fs::symlink_metadata(path).map_err(io("look at"))?;
    let file = SocketFile(Mark { path: path.to_owned(), identity: Some((made.dev(), made.ino())) });
    Ok(Socket { listener, file })
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    // The umask may have taken bits away.
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// Removes a socket that nobody answers on; whatever else is there stays.
fn clear(path: &Path) -> Result<(), ControlError> {
    let io = |action| move |source| ControlError::Io { action, path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io("look at")(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ControlError::NotASocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    match try_to_connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(io("remove the stale"))
        }
        // So many wait for its owner that no more can.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(ControlError::InUse { socket: path.to_owned() })
        }
        Err(error) => Err(io("try")(error)),
        Ok(()) => Err(ControlError::InUse { socket: path.to_owned() }),
    }
}

/// Does not wait for whoever listens there.
fn try_to_connect(path: &Path) -> io::Result<()> {
    let socket = Socket2::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

impl Mark {
    /// Whether the file stands where clients look for it; blocks.
    pub(super) fn is_there(&self) -> bool {
        let found = fs::symlink_metadata(&self.path).ok();
        found.is_some_and(|found| self.identity == Some((found.dev(), found.ino())))
    }
}

impl SocketFile {
    pub(super) fn mark(&self) -> Mark {
        self.0.clone()
    }

    /// It is gone, or in a place that another has now: nothing is removed with it.
    pub(super) fn let_go(mut self) {
        self.0.identity = None;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another agent may have put its own in the place of ours.
        if self.0.is_there()
            && let Err(error) = fs::remove_file(&self.0.path)
        {
            tracing::warn!("cannot remove {}: {error}", self.0.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_whose_owner_takes_nobody_is_in_use_and_nobody_waits_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let owner = Socket2::new(Domain::UNIX, Type::STREAM, None).unwrap();
        owner.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        owner.listen(0).unwrap();
        let waiting: Vec<Socket2> = (0..4)
            .map(|_| {
                let client = Socket2::new(Domain::UNIX, Type::STREAM, None).unwrap();
                client.set_nonblocking(true).unwrap();
                let _full = client.connect(&SockAddr::unix(&path).unwrap());
                client
            })
            .collect();
        let full = try_to_connect(&path).map_err(|error| error.kind());
        assert_eq!(full, Err(io::ErrorKind::WouldBlock), "{} wait", waiting.len());
        assert!(matches!(bind(&path), Err(ControlError::InUse { .. })));
        drop((owner, waiting));
        assert!(bind(&path).is_ok(), "nobody listens any more");
    }
}
