//! When, to whom and on which evidence: a file for each destination, written behind its cursor.
//!
//! ```text
//! deliveries/siem   {"stream":"…","after":120,"through":150,"last":149,"from":"…","at":"…","evidence":"probe",
//!                    "to":"siem.example.net:6514","sum":…,"chain":…}          a line each second with evidence, at most
//! ```
//!
//! A line is appended once the cursor is durable. It is not synced: a power cut may take the newest lines. The next start
//! finds the cursor ahead of them, and writes that it is not known what came. What is no whole line is left out; unless
//! it is a torn tail the file is set aside. A file that has grown is written anew: what is older is told less exactly.
//!
//! Invariant: nothing here says more than the cursor.
//! Invariant: a file that cannot be written holds up no delivery.

use super::cursor::{self, Cursor, Found, Reached};
use super::error::JournalError;
use super::regular::{self, private};
use super::store::{Store, sync_dir};
use super::tail::{self, Chain};
use super::{Journal, segment};
use crate::model::delivery::{self, History, Span};
use crate::model::{Action, Event, Outcome, Seq, StreamId, Time};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What is written down of one destination.
#[derive(Debug)]
pub struct Deliveries {
    path: PathBuf,
    stream: StreamId,
    /// None until it was read, and after a write that failed.
    file: Option<File>,
    bytes: u64,
    /// The last record of the last span.
    end: Seq,
    /// When what is gone from the journal was last looked for.
    pruned: Time,
}

#[derive(Serialize, Deserialize)]
struct Line {
    stream: String,
    #[serde(flatten)]
    span: Span,
}

impl Journal {
    /// What is written down of the destination with this cursor. What is wrong with the file is told, not returned.
    pub fn deliveries(&self, name: &str, cursor: &Cursor, now: Time) -> Deliveries {
        let store = &self.0.store;
        let path = store.deliveries().join(name);
        let (end, bytes) = (cursor.confirmed().unwrap_or_default(), 0);
        let mut deliveries = Deliveries { path, stream: self.0.stream, file: None, bytes, end, pruned: now };
        match deliveries.open(store, cursor.reached().zip(cursor.at()), now) {
            Ok(None) => {}
            Ok(Some(kept)) => {
                let message = format!(
                    "what was written down of the deliveries to {name} is damaged; the file as it was is {}",
                    kept.display()
                );
                self.note(Event::own(Action::JOURNAL_DAMAGED, Outcome::Failure, now, message));
            }
            Err(error) => tracing::warn!("{error}; deliveries to {name} are not written down for now"),
        }
        deliveries
    }

    /// Writes down what was delivered, and takes it from `spans`. Blocks on the disk.
    pub fn delivered(
        &self,
        deliveries: &mut Deliveries,
        spans: &mut Vec<Span>,
        now: Time,
    ) -> Result<(), JournalError> {
        deliveries.append(&self.0.store, spans, now)
    }
}

impl Deliveries {
    /// The last record of which something is written down, or with which the destination began.
    pub fn end(&self) -> Seq {
        self.end
    }

    /// Goes on with the file; what was damaged is kept under another name, which is returned.
    fn open(
        &mut self,
        store: &Store,
        reached: Option<(Reached, Time)>,
        now: Time,
    ) -> Result<Option<PathBuf>, JournalError> {
        let (reached, at) = reached.unwrap_or((Reached::default(), now));
        let mut found = read(&self.path, self.stream)?;
        let is_ahead = found.cut(reached.through);
        let is_odd = found.damaged > 0 || found.others > 0 || is_ahead;
        let kept = if is_odd { set_aside(store, &self.path, now)? } else { None };
        let gap = found.spans.last().and_then(|last| gap(last, reached, at));
        let is_as_it_should =
            !found.torn && !is_odd && gap.is_none() && !is_stale(&found.spans, oldest(store));
        match is_as_it_should {
            true => self.go_on(store)?,
            false => {
                found.spans.extend(gap);
                self.rewrite(store, found.spans, now)?;
            }
        }
        Ok(kept.filter(|_| found.damaged > 0))
    }

    fn go_on(&mut self, store: &Store) -> Result<(), JournalError> {
        make_folder(store)?;
        let file = regular::open(private().append(true).create(true), &self.path);
        let file = file.map_err(JournalError::io("open", &self.path))?;
        self.bytes = file.metadata().map_err(JournalError::io("look at", &self.path))?.len();
        self.file = Some(file);
        Ok(())
    }

    fn append(&mut self, store: &Store, spans: &mut Vec<Span>, now: Time) -> Result<(), JournalError> {
        let Some(through) = spans.last().map(|span| span.through) else { return Ok(()) };
        let is_old = now.millis().saturating_sub(self.pruned.millis()).abs() > PRUNE_MILLIS;
        if self.file.is_none() || self.bytes > BYTES_MAX || is_old {
            // A write that failed may have left a part of a line.
            let found = read(&self.path, self.stream)?;
            self.rewrite(store, found.spans, now)?;
        }
        let bytes = encode(self.stream, spans);
        let Some(file) = &mut self.file else { return Ok(()) };
        if let Err(error) = file.write_all(&bytes) {
            self.file = None;
            return Err(JournalError::io("write", &self.path)(error));
        }
        (self.bytes, self.end) = (self.bytes + bytes.len() as u64, through);
        spans.clear();
        Ok(())
    }

    /// Writes the file anew, with less than half of what it may hold.
    fn rewrite(&mut self, store: &Store, mut spans: Vec<Span>, now: Time) -> Result<(), JournalError> {
        (self.file, self.pruned) = (None, now);
        let oldest = oldest(store);
        spans.retain(|span| span.through >= oldest);
        let mut bytes = encode(self.stream, &spans);
        for part in PARTS {
            if bytes.len() as u64 <= BYTES_MAX / 2 {
                break;
            }
            spans = delivery::coarser(spans, now, part);
            bytes = encode(self.stream, &spans);
        }
        while bytes.len() as u64 > BYTES_MAX / 2 {
            spans.drain(..spans.len().div_ceil(2));
            bytes = encode(self.stream, &spans);
        }
        make_folder(store)?;
        let temporary = self.path.with_added_extension("new");
        let created = regular::open(private().write(true).create(true).truncate(true), &temporary);
        let written = created.and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
        written.map_err(JournalError::io("write", &temporary))?;
        fs::rename(&temporary, &self.path).map_err(JournalError::io("rename", &temporary))?;
        sync_dir(&store.deliveries())?;
        self.go_on(store)
    }
}

/// What is written down of records `first` to `last`, for each destination that has a cursor below a state directory.
pub fn deliveries(state_dir: &Path, (first, last): (Seq, Seq)) -> Result<Vec<History>, JournalError> {
    let store = Store::at(state_dir);
    let mut cursors = cursor::read_all(&store.cursors())?;
    cursors.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    let mut histories = Vec::new();
    for Found { name, stream, confirmed, .. } in cursors {
        let mut found = read(&store.deliveries().join(&name), stream)?;
        found.cut(confirmed);
        let begins = found.spans.first().map_or(confirmed, |span| span.after);
        found.spans.retain(|span| span.after < last && span.through >= first);
        histories.push(History { name, begins, spans: found.spans });
    }
    Ok(histories)
}

/// What was sent after the last span, if anything was: the agent was killed before it was written down.
fn gap(before: &Span, reached: Reached, at: Time) -> Option<Span> {
    let (after, through, last) = (before.through, reached.through, reached.last);
    let evidence = Span::UNKNOWN.to_owned();
    let (to, select) = (String::new(), Vec::new());
    let from = before.at.min(at);
    (last > before.last && through > after).then_some(Span {
        after,
        through,
        last,
        from,
        at,
        evidence,
        to,
        select,
    })
}

fn is_stale(spans: &[Span], oldest: Seq) -> bool {
    spans.first().is_some_and(|span| span.through < oldest)
}

/// What a file holds.
#[derive(Debug, Default)]
struct Content {
    spans: Vec<Span>,
    /// Lines that are not whole or out of place, but for a torn tail.
    damaged: u64,
    /// Lines of another journal.
    others: u64,
    torn: bool,
}

impl Content {
    /// Takes away what is newer than the cursor; whether there was anything.
    fn cut(&mut self, confirmed: Seq) -> bool {
        let is_ahead = self.spans.last().is_some_and(|last| last.through > confirmed);
        self.spans.retain(|span| span.after < confirmed);
        if let Some(last) = self.spans.last_mut() {
            (last.through, last.last) = (last.through.min(confirmed), last.last.min(confirmed));
        }
        is_ahead
    }
}

fn read(path: &Path, stream: StreamId) -> Result<Content, JournalError> {
    let mut bytes = Vec::new();
    match regular::reading(path) {
        Ok(file) => {
            let read = file.take(2 * BYTES_MAX).read_to_end(&mut bytes);
            read.map_err(JournalError::io("read", path))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(JournalError::io("open", path)(error)),
    }
    let mut content = Content { torn: bytes.last().is_some_and(|&last| last != b'\n'), ..Content::default() };
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |feed| feed + 1);
    let (stream, mut end) = (stream.to_string(), Seq::NONE);
    for line in bytes[..whole].split_inclusive(|&byte| byte == b'\n') {
        let line = &line[..line.len() - 1];
        let parsed = tail::check(line).and_then(|_| serde_json::from_slice::<Line>(line).ok());
        match parsed {
            Some(Line { stream: other, .. }) if other != stream => content.others += 1,
            Some(Line { span, .. })
                if end <= span.after && span.after < span.through && span.last <= span.through =>
            {
                end = span.through;
                content.spans.push(span);
            }
            _ => content.damaged += 1,
        }
    }
    Ok(content)
}

fn encode(stream: StreamId, spans: &[Span]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for span in spans {
        let begin = bytes.len();
        segment::push_open(&Line { stream: stream.to_string(), span: span.clone() }, &mut bytes);
        tail::finish(&mut bytes, begin, Chain::default());
    }
    bytes
}

/// Keeps the file as it is under another name; `None` when there is none.
fn set_aside(store: &Store, path: &Path, now: Time) -> Result<Option<PathBuf>, JournalError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kept = store.aside().join(format!("deliveries-{name}.{}", now.millis()));
    let copied = fs::copy(path, &kept).and_then(|_| File::open(&kept)?.sync_all());
    copied.map_err(JournalError::io("set aside", path))?;
    sync_dir(&store.aside())?;
    Ok(Some(kept))
}

fn make_folder(store: &Store) -> Result<(), JournalError> {
    let dir = store.deliveries();
    DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(JournalError::io("create", &dir))
}

/// The first record of the journal.
fn oldest(store: &Store) -> Seq {
    let names = segment::list(&store.journal()).unwrap_or_default();
    names.first().map_or(Seq::NONE, |name| name.first)
}

/// Most bytes of a file: about 6,000 spans.
const BYTES_MAX: u64 = 2 << 20;
/// To which part of its age a time is told, tried one after the other until the rest is small enough.
const PARTS: [i64; 7] = [1000, 300, 100, 30, 10, 3, 1];
/// How often what is gone from the journal goes from here, too.
const PRUNE_MILLIS: i64 = 86_400_000;

#[cfg(test)]
mod tests;
