//! Reading a file of the configuration: a pipe is one as well, as `<(...)` of a shell gives it, but nobody waits for a
//! writer that is not there.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens it, at once, whatever it is.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

/// At most one byte more than `bytes_max`. Waits for who has a pipe open to write, and for nobody else.
pub(super) fn read(mut file: File, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.metadata()?.file_type().is_fifo() {
        let mut first = [0; 4096];
        match file.read(&mut first) {
            Ok(0) => return Err(io::Error::other("it is a pipe that nobody writes to")),
            Ok(count) => bytes.extend_from_slice(&first[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    file.take((bytes_max + 1).saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::fs;
    use std::io::Write;
    use std::thread;

    #[test]
    fn a_pipe_is_read_to_its_end_and_not_waited_for_without_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let error = read(open(&path).unwrap(), 10_000).unwrap_err();
        assert_eq!(error.to_string(), "it is a pipe that nobody writes to");
        let file = open(&path).unwrap();
        let mut writer = File::options().write(true).open(&path).unwrap();
        let written = thread::spawn(move || {
            for part in [&[b'a'; 100][..], &[b'b'; 9_000]] {
                writer.write_all(part).unwrap();
                thread::yield_now();
            }
        });
        assert_eq!(read(file, 10_000).unwrap().len(), 9_100);
        written.join().unwrap();
    }

    #[test]
    fn one_byte_more_than_allowed_shows_that_there_is_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [b'x'; 5_000]).unwrap();
        assert_eq!(read(open(&path).unwrap(), 4_999).unwrap().len(), 5_000);
        assert_eq!(read(open(&path).unwrap(), 4_000).unwrap().len(), 4_001);
    }
}
