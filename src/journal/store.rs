//! The state directory: its folders, its lock, its reserve, what is set aside.

use super::Journal;
use super::error::{JournalError, is_no_space};
use super::forms;
use super::recovery::Damage;
use super::regular::{self, private};
use super::sealed::Found;
use super::segment::SegmentName;
use crate::model::Seq;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::iter;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A folder of the trail that others than root and our own user can write.
#[derive(Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Which, and why they can.
    pub what: String,
    /// The command that shuts them out.
    pub way_out: String,
}

impl Journal {
    /// The first folder of the state directory where others could take records away, or put some in their place.
    pub fn exposed(&self) -> Option<Exposed> {
        let root = self.0.store.root();
        let is_entered = fs::metadata(root).is_ok_and(|about| about.mode() & 0o011 != 0);
        let inner = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut inner: Vec<PathBuf> = inner.filter(|path| is_entered && path.is_dir()).collect();
        inner.sort_unstable();
        iter::once(root.to_path_buf()).chain(inner).find_map(|folder| exposed(&folder))
    }
}

fn exposed(folder: &Path) -> Option<Exposed> {
    let about = fs::metadata(folder).ok()?;
    let (mode, owner, own) = (about.mode() & 0o7777, about.uid(), geteuid().as_raw());
    let shown = folder.display();
    if ![0, own].contains(&owner) {
        let what = format!("{shown} belongs to the user with id {owner}");
        return Some(Exposed { what, way_out: format!("chown {own} {shown}") });
    }
    let what = format!("{shown} has mode {mode:04o}");
    (mode & 0o022 != 0).then(|| Exposed { what, way_out: format!("chmod 0700 {shown}") })
}

/// Paths below the state directory.
#[derive(Debug, Clone)]
pub(super) struct Store {
    root: PathBuf,
}

impl Store {
    /// A state directory that is there already; nothing is made.
    pub(super) fn at(root: &Path) -> Store {
        Store { root: root.to_path_buf() }
    }

    /// Makes the folders (mode 0700) and takes the lock.
    pub(super) fn open(root: &Path) -> Result<(Store, Flock<File>), JournalError> {
        let store = Store::at(root);
        for dir in [root.to_path_buf(), store.journal(), store.cursors(), store.aside(), store.peers()] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)
                .map_err(JournalError::io("create", &dir))?;
        }
        let path = root.join("LOCK");
        let file = regular::open(private().write(true).create(true).truncate(false), &path);
        let file = file.map_err(JournalError::io("open", &path))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let lock = lock.map_err(|_| JournalError::Locked { dir: root.to_path_buf() })?;
        Ok((store, lock))
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    pub(super) fn cursors(&self) -> PathBuf {
        self.root.join("cursors")
    }

    /// What is written down of deliveries.
    pub(super) fn deliveries(&self) -> PathBuf {
        self.root.join("deliveries")
    }

    /// What each peer can do.
    pub(super) fn peers(&self) -> PathBuf {
        self.root.join("peers")
    }

    pub(super) fn aside(&self) -> PathBuf {
        self.root.join("aside")
    }

    /// Events that a destination cannot take.
    pub(super) fn dead(&self) -> PathBuf {
        self.root.join("dead")
    }

    /// Keeps a file of an event that a destination cannot take; `false` when there are too many already.
    pub(super) fn keep_dead(&self, name: &str, bytes: &[u8]) -> Result<bool, JournalError> {
        let dir = self.dead();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(JournalError::io("create", &dir))?;
        let kept = fs::read_dir(&dir).map_err(JournalError::io("read", &dir))?.take(DEAD_FILES_MAX).count();
        if kept >= DEAD_FILES_MAX {
            return Ok(false);
        }
        write_new(&dir.join(name), bytes)?;
        sync_dir(&dir)?;
        Ok(true)
    }

    /// Copies a damaged range aside, with its hash. False when that was done before.
    pub(super) fn set_aside(&self, segment: &Path, damage: &Damage) -> Result<bool, JournalError> {
        let name = segment.file_name().and_then(|name| name.to_str()).unwrap_or("segment");
        let base = self.aside().join(format!("{name}.{}+{}", damage.offset, damage.bytes));
        if base.with_added_extension("json").exists() {
            return Ok(false);
        }
        let bytes = copy(segment, damage.offset, damage.bytes.min(ASIDE_BYTES_MAX))?;
        write_new(&base.with_added_extension("bin"), &bytes)?;
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let about = serde_json::json!({
            "segment": name, "offset": damage.offset, "bytes": damage.bytes, "copied": bytes.len(), "sha256": hash,
            "first-lost": damage.first, "records-lost": damage.records,
        });
        write_new(&base.with_added_extension("json"), about.to_string().as_bytes())?;
        Ok(true)
    }

    /// Notes that records are missing. False when that was done before.
    pub(super) fn note_gap(&self, first: Seq, records: u64) -> Result<bool, JournalError> {
        let path = self.aside().join(format!("missing.{first}+{records}.json"));
        if path.exists() {
            return Ok(false);
        }
        let about = serde_json::json!({ "first-lost": first, "records-lost": records });
        write_new(&path, about.to_string().as_bytes()).map(|()| true)
    }

    /// Moves a segment that holds no whole line aside: it was never more than begun.
    pub(super) fn move_aside(&self, name: &SegmentName) -> Result<(), JournalError> {
        let path = forms::must_open(&self.journal(), name)?.path;
        self.move_file_aside(&path).map(drop)
    }

    /// Moves a file of the journal out of it.
    ///
    /// What was moved there before stays.
    pub(super) fn move_file_aside(&self, path: &Path) -> Result<PathBuf, JournalError> {
        let base = self.aside().join(path.file_name().unwrap_or_default());
        let mut others = (2..).map(|number: u64| base.with_added_extension(number.to_string()));
        let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
        let aside = Some(base.clone()).filter(is_free).or_else(|| others.find(is_free)).unwrap_or(base);
        fs::rename(path, &aside).map_err(JournalError::io("move aside", path))?;
        sync_dir(&self.journal())?;
        Ok(aside)
    }

    fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    /// Claims the space that is kept free. False when the disk has no room for it.
    pub(super) fn claim_reserve(&self, bytes: u64) -> Result<bool, JournalError> {
        let path = self.reserve();
        let file = regular::open(private().write(true).create(true).truncate(false), &path);
        let claimed = file.and_then(|file| {
            nix::fcntl::posix_fallocate(&file, 0, i64::try_from(bytes).unwrap_or(i64::MAX))?;
            file.set_len(bytes)
        });
        match claimed {
            Ok(()) => Ok(true),
            Err(error) if is_no_space(&error) => {
                // A partly allocated reserve holds the little that is left.
                self.release_reserve();
                Ok(false)
            }
            Err(error) => Err(JournalError::io("reserve space in", &path)(error)),
        }
    }

    /// Gives the kept space back to the disk. False when there was none.
    pub(super) fn release_reserve(&self) -> bool {
        let path = self.reserve();
        let is_held = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0);
        let is_removed = fs::remove_file(&path).is_ok();
        // An empty one is what the next run knows it by.
        let _mark = private().write(true).create(true).truncate(false).open(&path);
        is_held && is_removed
    }

    /// Whether the run before has given its reserve away, and not had it back.
    pub(super) fn has_released_reserve(&self) -> bool {
        fs::metadata(self.reserve()).is_ok_and(|metadata| metadata.len() == 0)
    }
}

/// Bytes of a segment's file; of a plain one that was sealed, what it held.
fn copy(path: &Path, offset: u64, count: u64) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::new();
    match regular::reading(path) {
        Ok(mut file) => {
            let read =
                file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(count).read_to_end(&mut bytes));
            read.map_err(JournalError::io("read", path))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(SegmentName::parse);
            let (Some(dir), Some(name)) = (path.parent(), name) else {
                return Err(JournalError::io("open", path)(error));
            };
            let mut file = forms::must_open(dir, &name)?;
            file.bytes.seek(offset, &file.path)?;
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            while bytes.len() < count {
                let found = file.bytes.read_line(&mut bytes, &file.path)?;
                if !matches!(found, Found::Bytes(1..)) {
                    break;
                }
            }
            bytes.truncate(count);
        }
        Err(error) => return Err(JournalError::io("open", path)(error)),
    }
    Ok(bytes)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let mut file = regular::open(private().write(true).create(true).truncate(true), path)
        .map_err(JournalError::io("create", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(JournalError::io("write", path))
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(JournalError::io("sync", dir))
}

/// Each takes ten minutes at least to come about; what is over is in the journal alone.
const DEAD_FILES_MAX: usize = 1000;
/// Most bytes of one damaged range that are copied aside; the segment keeps them all.
const ASIDE_BYTES_MAX: u64 = 1 << 20;
