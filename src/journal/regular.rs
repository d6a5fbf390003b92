//! Files of the state directory, opened only as what they should be.
//!
//! Whoever could write there, by a mistake of an installation or a backup that was brought back, may have left something else
//! in the place of a file: opening a pipe waits for its other end for good, and a device has no end.
//!
//! Invariant: nothing here waits for anybody, and what is opened is a regular file.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file for reading, also through a symbolic link: a segment may stand on another disk.
pub(super) fn reading(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().read(true).custom_flags(AT_ONCE), path)
}

/// Options for a file that only our own user may read, and that is no symbolic link.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(AT_ONCE | libc::O_NOFOLLOW);
    options
}

/// Opens a file by one of the above; the error says what else is in its place, and the way out.
pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let in_its_place = |kind: FileType| {
        io::Error::other(format!("there is {} in its place, no file: move it away", name(kind)))
    };
    match options.open(path) {
        Ok(file) => match file.metadata()?.file_type() {
            kind if kind.is_file() => Ok(file),
            kind => Err(in_its_place(kind)),
        },
        Err(error) => match error.raw_os_error() {
            Some(libc::ENXIO | libc::EISDIR | libc::ELOOP | libc::ENODEV) => {
                Err(in_its_place(path.symlink_metadata()?.file_type()))
            }
            _ => Err(error),
        },
    }
}

/// All that a small file holds.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reading(path)?.take(SMALL_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts a small file in the place of what has been there, whole or not at all.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = open(private().write(true).create(true).truncate(true), &new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&new, path)
}

fn name(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_dir() => "a folder",
        kind if kind.is_symlink() => "a symbolic link",
        _ => "a device",
    }
}

/// A terminal does not become ours, either.
const AT_ONCE: i32 = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
const SMALL_BYTES_MAX: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Draft, Input, Journal, Settings, deliveries};
    use crate::model::{Action, Event, Outcome, Seq, Time};
    use nix::sys::stat::Mode;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    type Put = (&'static str, fn(&Path));

    /// What may be in the place of a file.
    const PUTS: [Put; 4] = [
        ("a named pipe", |path| nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap()),
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
        ("a device", |path| symlink("/dev/zero", path).unwrap()),
    ];

    fn example(dir: &Path) -> Journal {
        let journal = Journal::open(Settings::example(dir), Time::default()).unwrap();
        let event = Event::own(Action::START, Outcome::Success, Time::default(), "started");
        let drafts = vec![Draft { event, position: None, mark: None }];
        journal.append(Input { drafts, ..Input::default() }, Time::default()).unwrap();
        let mut cursor = journal.cursor("siem").unwrap();
        journal.confirm("siem", &mut cursor, Seq(1), Time::default()).unwrap();
        journal.settle(Time::default()).unwrap();
        journal
    }

    fn segment(dir: &Path) -> PathBuf {
        let names = crate::journal::segment::list(&dir.join("journal")).unwrap();
        crate::journal::forms::plain(&dir.join("journal"), &names[0])
    }

    #[test]
    fn what_is_in_the_place_of_a_file_is_named_and_nobody_waits_for_it() {
        let finders: [fn(&Path) -> PathBuf; 3] =
            [|dir| dir.join("LOCK"), |dir| dir.join("cursors/siem"), segment];
        for (what, put) in PUTS {
            for find in finders {
                let dir = tempfile::tempdir().unwrap();
                drop(example(dir.path()));
                let path = find(dir.path());
                fs::remove_file(&path).unwrap();
                put(&path);
                let begun = || {
                    let journal = Journal::open(Settings::example(dir.path()), Time::default())?;
                    journal.cursor("siem").map(drop)
                };
                let text = begun().map_err(|error| crate::model::error_text(&error)).unwrap_err();
                // A link is not followed where it would be written to.
                let is_link = what == "a device" && !path.ends_with(segment(dir.path()).file_name().unwrap());
                let what = if is_link { "a symbolic link" } else { what };
                let way_out = format!("there is {what} in its place, no file: move it away");
                assert_eq!(text, format!("cannot open {}: {way_out}", path.display()));
            }
        }
    }

    #[test]
    fn no_small_file_of_the_state_directory_is_waited_for() {
        for (what, put) in PUTS {
            let dir = tempfile::tempdir().unwrap();
            let journal = example(dir.path());
            put(&dir.path().join("small"));
            let error = read(&dir.path().join("small")).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            put(&dir.path().join("file.new"));
            let error = replace(&dir.path().join("file"), b"x").unwrap_err().to_string();
            assert!(error.contains("in its place, no file: move it away"), "{error}");
            put(&dir.path().join("peers/siem.lost"));
            assert!(journal.owe(crate::journal::Return::Destination("siem"), true).is_err());
            fs::create_dir_all(dir.path().join("deliveries")).unwrap();
            put(&dir.path().join("deliveries/siem"));
            assert!(deliveries(dir.path(), (Seq(1), Seq(1))).is_err());
            // A stray one in the folder of the cursors is nobody's.
            put(&dir.path().join("cursors/stray"));
            drop(journal);
            let journal = Journal::open(Settings::example(dir.path()), Time::default()).unwrap();
            assert_eq!(journal.cursor("siem").unwrap().confirmed(), Some(Seq(1)));
        }
    }

    #[test]
    fn a_small_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.json");
        for text in ["longer", "new"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(read(&path).unwrap(), text.as_bytes());
        }
        assert_eq!(read(&dir.path().join("absent")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
