//! Hints that a log has grown, from inotify through `notify`. A hint is never needed: the poll is the truth.
//!
//! Only the log files themselves are watched, never their folder, which may be busy with others. Opening and
//! reading are ignored, else the agent's own reading would wake it for ever.
//!
//! What the kernel has too few of is told once in the log, and is a notice of the source while it lasts.

use super::identity::Inode;
use notify::event::ModifyKind;
use notify::{ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// Watches the current files of all sources.
pub(super) struct Hints {
    watcher: Option<RecommendedWatcher>,
    /// Why there is none.
    short: Option<Short>,
    /// The logs of each source.
    logs: Vec<Vec<Watched>>,
    moved: Arc<AtomicBool>,
    /// That one cannot be watched was told, and none could be since.
    is_told: bool,
}

/// A log that is watched, or is to be.
struct Watched {
    path: PathBuf,
    inode: Inode,
    /// When that was last tried in vain; `None` while it is watched.
    tried: Option<Instant>,
    short: Option<Short>,
}

/// What the kernel lets this user have no more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// Taken at the start.
    Instances,
    /// One for each log.
    Watches,
}

impl Hints {
    /// `wake` gets a message whenever a watched file may have changed. Without inotify there are no hints.
    pub(super) fn new(sources: usize, wake: SyncSender<()>) -> Hints {
        let moved = Arc::new(AtomicBool::new(false));
        let has_moved = Arc::clone(&moved);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let kind = event.map_or(EventKind::Any, |event| event.kind);
            if matches!(kind, EventKind::Access(_)) {
                return;
            }
            if !matches!(kind, EventKind::Modify(ModifyKind::Data(_))) {
                has_moved.store(true, Ordering::Release);
            }
            // A full channel has a message waiting already.
            let _ = wake.try_send(());
        });
        let short = watcher.as_ref().err().and_then(Short::of);
        if let Err(error) = &watcher {
            let way_out = short.map(Short::way_out).unwrap_or_default();
            tracing::warn!("no hints from the file system, the poll has to do: {error}{way_out}");
        }
        let logs = (0..sources).map(|_| Vec::new()).collect();
        Hints { watcher: watcher.ok(), short, logs, moved, is_told: false }
    }

    /// Whether a watched file may have been renamed or removed since the last call: worth a look at its path.
    pub(super) fn take_moved(&self) -> bool {
        self.moved.swap(false, Ordering::AcqRel)
    }

    /// Watches the files that source `at` has open as its logs now; says what there is too little of for that.
    pub(super) fn follow<'a>(
        &mut self,
        at: usize,
        current: impl Iterator<Item = (&'a Path, Inode)>,
    ) -> Option<Short> {
        let Some(watcher) = &mut self.watcher else { return self.short };
        let logs = &mut self.logs[at];
        let current: Vec<(&Path, Inode)> = current.collect();
        let is_current = |log: &Watched| current.contains(&(log.path.as_path(), log.inode));
        for former in logs.extract_if(.., |log| !is_current(log)) {
            if former.tried.is_none() {
                // The watch went with the file where that was deleted.
                let _ = watcher.unwatch(&former.path);
            }
        }
        for (path, inode) in current {
            let known = logs.iter().position(|log| log.path == path);
            if known.is_some_and(|known| logs[known].tried.is_none_or(|tried| tried.elapsed() < AGAIN_AFTER))
            {
                continue;
            }
            let result = watcher.watch(path, RecursiveMode::NonRecursive);
            let short = result.as_ref().err().and_then(Short::of);
            if let Err(error) = &result
                && !self.is_told
            {
                let way_out = short.map(Short::way_out).unwrap_or_default();
                tracing::warn!("no hints for {}, the poll has to do: {error}{way_out}", path.display());
            }
            self.is_told = result.is_err();
            let tried = result.is_err().then(Instant::now);
            let log = Watched { path: path.to_path_buf(), inode, tried, short };
            match known {
                Some(known) => logs[known] = log,
                None => logs.push(log),
            }
        }
        logs.iter().find_map(|log| log.short)
    }
}

impl Short {
    fn of(error: &notify::Error) -> Option<Short> {
        match &error.kind {
            ErrorKind::MaxFilesWatch => Some(Short::Watches),
            ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => Some(Short::Instances),
            _ => None,
        }
    }

    fn way_out(self) -> &'static str {
        match self {
            Short::Instances => "; raise fs.inotify.max_user_instances by sysctl and start otrail again",
            Short::Watches => "; raise fs.inotify.max_user_watches by sysctl",
        }
    }

    /// For the status.
    pub(super) fn notice(self) -> String {
        let what = match self {
            Short::Instances => "instances",
            Short::Watches => "watches",
        };
        format!(
            "its logs are looked at once a second, so an entry may come that much later: the user of the agent may have no \
             more inotify {what}{}",
            self.way_out()
        )
    }
}

/// How long after a failure a log is tried again: the limit may have been raised.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
