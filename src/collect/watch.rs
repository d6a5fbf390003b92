//! Hints that a log has grown, from inotify through `notify`. A hint is never needed: the poll is the truth.
//!
//! Only the log files themselves are watched, never their folder, which may be busy with others. Opening and
//! reading are ignored, else the agent's own reading would wake it for ever.

use super::identity::Inode;
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

/// Watches the current files of all sources.
pub(super) struct Hints {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<Vec<(PathBuf, Inode)>>,
    moved: Arc<AtomicBool>,
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
        if let Err(error) = &watcher {
            tracing::warn!("no hints from the file system, the poll has to do: {error}");
        }
        Hints { watcher: watcher.ok(), watched: vec![Vec::new(); sources], moved }
    }

    /// Whether a watched file may have been renamed or removed since the last call: worth a look at its path.
    pub(super) fn take_moved(&self) -> bool {
        self.moved.swap(false, Ordering::AcqRel)
    }

    /// Watches the files that source `at` has open as its logs now.
    pub(super) fn follow<'a>(&mut self, at: usize, current: impl Iterator<Item = (&'a Path, Inode)>) {
        let Some(watcher) = &mut self.watcher else { return };
        let watched = &mut self.watched[at];
        let current: Vec<(&Path, Inode)> = current.collect();
        let is_current = |(path, inode): &(PathBuf, Inode)| current.contains(&(path.as_path(), *inode));
        for (path, _) in watched.extract_if(.., |watched| !is_current(watched)) {
            // The watch went with the file where that was deleted.
            let _ = watcher.unwatch(&path);
        }
        for (path, inode) in current {
            if watched.iter().any(|(known, _)| known == path) {
                continue;
            }
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                tracing::warn!("no hints for {}, the poll has to do: {error}", path.display());
            }
            watched.push((path.to_path_buf(), inode));
        }
    }
}
