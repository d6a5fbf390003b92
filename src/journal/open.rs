//! Opening the journal: finds its end, repairs a torn tail, sets damage aside.

use super::cursor;
use super::error::JournalError;
use super::forms;
use super::index::Index;
use super::recovery::{self, Damage, Examined, Files, Known};
use super::segment::{self, SegmentName};
use super::store::Store;
use super::tail::Chain;
use super::writer::{Last, Start};
use crate::model::{Seq, StreamId, Time};
use std::path::{Path, PathBuf};

/// What was found, and what has to be told about it.
pub(super) struct Opened {
    pub start: Start,
    /// Damage found now for the first time, with its segment.
    pub damaged: Vec<(PathBuf, Damage)>,
    /// A torn tail: segment and bytes that do not count.
    pub torn: Option<(PathBuf, u64)>,
    /// No segment is left, and yet cursors say that there were records up to here.
    pub gone: Option<Seq>,
}

/// Refuses a journal that a later otrail has written in, wherever its segments stand. Nothing of them is known but the name:
/// who has got their records, where the logs are read on, and whether what follows may be chained, packed or removed.
pub(super) fn refuse_later(dir: &Path) -> Result<(), JournalError> {
    for name in segment::list(dir)? {
        // An index that can be read is of a segment that can, and spares the look at it.
        if !Index::is_there(dir, &name) {
            segment::refuse_later(dir, &name)?;
        }
    }
    Ok(())
}

/// Examines the newest segment; the ones before it are left to whoever reads them.
pub(super) fn open(store: &Store) -> Result<Opened, JournalError> {
    let dir = store.journal();
    let mut names = segment::list(&dir)?;
    let run = 1 + names.iter().map(|name| name.run).max().unwrap_or(0);
    let cursors = cursor::read_all(&store.cursors())?;
    let stream = stream_of(&dir, &names)?.or_else(|| cursors.first().map(|found| found.stream));
    let of_stream = cursors.iter().filter(|found| Some(found.stream) == stream);
    let confirmed = of_stream.map(|found| found.confirmed).max().unwrap_or_default();
    let mut synced = confirmed;

    while let Some(name) = names.pop() {
        let path = forms::plain(&dir, &name);
        let files = files_before(&dir, &names, &name)?;
        let examined = recovery::examine(&dir, &name, Known { synced, first: name.first, files })?;
        if examined.header.is_none() && examined.lines == 0 {
            // A crash between creating the segment and finishing its header.
            store.move_aside(&name)?;
            // It was begun only once everything before it was durable.
            synced = synced.max(Seq(name.first.0.saturating_sub(1)));
            continue;
        }
        return found(store, stream.unwrap_or_else(new_stream), run, name, &path, examined);
    }
    let (next, chain) = (synced.next(), Chain::default());
    let stream = stream.unwrap_or_else(new_stream);
    let start = Start { stream, run, next, chain, files: Files::new(), last: None };
    let gone = (synced > Seq::NONE).then_some(synced);
    Ok(Opened { start, damaged: Vec::new(), torn: None, gone })
}

fn found(
    store: &Store,
    stream: StreamId,
    run: u64,
    name: SegmentName,
    path: &Path,
    examined: Examined,
) -> Result<Opened, JournalError> {
    let mut damaged = Vec::new();
    for damage in &examined.damaged {
        if store.set_aside(path, damage)? {
            damaged.push((path.to_path_buf(), damage.clone()));
            if damage.bytes == 0 && damage.records > 0 {
                // Whoever reads meets the hole, which is told by then.
                store.note_gap(damage.first, damage.records)?;
            }
        }
    }
    // What is sealed is not written any more; it is the newest only when what came after it was never more than begun.
    let sealed = !path.exists();
    let clean = examined.torn == 0 && examined.damaged.is_empty() && examined.header.is_some() && !sealed;
    let created = examined.header.as_ref().map_or(Time::MIN, |header| header.created);
    let last = Some(Last { name, bytes: examined.bytes, sealed, clean, created });
    let torn = (examined.torn > 0).then(|| (path.to_path_buf(), examined.torn));
    let start =
        Start { stream, run, next: examined.next, chain: examined.chain, files: examined.files, last };
    Ok(Opened { start, damaged, torn, gone: None })
}

/// The stream id by the first header that is whole.
fn stream_of(dir: &Path, names: &[SegmentName]) -> Result<Option<StreamId>, JournalError> {
    for name in names.iter().rev() {
        if let Some(header) = segment::read_header(dir, name)? {
            return Ok(Some(header.stream));
        }
    }
    Ok(None)
}

/// The followed files by the segments before, needed only when this one's header is damaged.
fn files_before(dir: &Path, before: &[SegmentName], name: &SegmentName) -> Result<Files, JournalError> {
    if segment::read_header(dir, name)?.is_some() {
        return Ok(Files::new());
    }
    let Some((name, earlier)) = before.split_last() else { return Ok(Files::new()) };
    let files = files_before(dir, earlier, name)?;
    let known = Known { synced: Seq(u64::MAX - 1), first: name.first, files };
    Ok(recovery::examine(dir, name, known)?.files)
}

fn new_stream() -> StreamId {
    StreamId(fastrand::u128(1..))
}
