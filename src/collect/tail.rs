//! One open log file or a copy of it: reads what is new, notices when it is no longer the same.

#[cfg(test)]
pub(super) mod amid;
mod known;

use super::choice::Choice;
use super::content::{AfterZeros, Content};
use super::cutter::{Cut, Cutter, Reading};
use super::gap::Gap;
use super::growth::{Growth, LATELY_SECONDS};
use super::identity::{self, HEAD_BYTES_MAX, Inode, Sight};
use super::memory::{BUSY_BYTES, Memory, RECENT_BYTES};
use super::rewritten::Rewritten;
use super::rotation::{Candidate, Known};
use super::spotted::{Face, Spotted};
use super::succession::Trial;
use crate::dialect::{self, End, Parsed, State};
use crate::journal::FollowedFile;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// An open file and how far it has been read.
#[derive(Debug)]
pub(super) struct Tail {
    pub file: FollowedFile,
    pub path: PathBuf,
    content: Content,
    pub cutter: Cutter,
    memory: Memory,
    /// What it held when it was opened, where nothing was to have been read of it.
    opened_with: Vec<u8>,
    /// It holds something else than what was read of it before it was opened.
    is_another: bool,
    /// When it had last been written, in milliseconds since 1970, before it was last read.
    modified: i64,
    /// When it was last seen to grow.
    pub grown: Instant,
    /// When it was found to be no longer at the log's path.
    pub renamed: Instant,
    /// From the position up to here there are zeros.
    zeros_until: u64,
    pub growth: Growth,
    /// No longer at the log's path.
    pub rotated: bool,
    /// Had been left, or was never to be read, and is read because an admin wants it.
    pub again: bool,
    /// What may be lost between the file before and this one.
    pub gap_before: Option<Gap>,
    /// The journal does not know yet how the file is read.
    pub changed: bool,
    /// Entries passed over since the journal was last told of them: a record behind them says where, not how many.
    pub passed_untold: u64,
    /// The journal is to be told of them at once: should the file be copied and cut before anything is added, its position
    /// alone tells what the copy is.
    pub tell_at_once: bool,
    pub told: Instant,
    /// Whether it is a copy of the log before is to be found out before it is read.
    pub trial: Option<Trial>,
    /// It is a copy, and was so long when it was found to be one.
    pub copied_bytes: Option<u64>,
    /// It may repeat what the journal has.
    pub rewritten: Option<Rewritten>,
}

/// What reading found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This many new bytes.
    Bytes(usize),
    /// The file was cut or rewritten: what it held up to here is gone. The bytes it has now.
    Replaced { now_bytes: u64 },
    /// Nothing but zeros up to here, where something follows.
    Hole { until: u64 },
}

impl Tail {
    /// Follows open content from where `file` says.
    pub(super) fn new(
        path: &Path,
        mut content: Content,
        mut file: FollowedFile,
        choice: Choice,
    ) -> io::Result<Tail> {
        let (now, metadata) = (Instant::now(), content.metadata()?);
        let state = rebuilt(&mut content, &mut file, &choice)?;
        let bytes = file.offset.min(HEAD_BYTES_MAX);
        let before = content.exactly(usize::try_from(bytes).unwrap_or_default(), file.offset - bytes)?;
        let mark = file.mark.filter(|mark| mark.offset == file.offset).map(|mark| mark.before);
        let before = before.filter(|before| mark.is_none_or(|mark| identity::hash_of(before) == mark));
        let is_another = before.is_none() && !content.is_packed();
        let before = before.unwrap_or_default();
        let first = match file.offset {
            ..=HEAD_BYTES_MAX => before.clone(),
            _ if file.head_bytes == HEAD_BYTES_MAX => Vec::new(),
            _ => content.head()?,
        };
        // A compressed copy stays what it is.
        let is_unread = file.offset == 0 && !content.is_packed();
        let opened_with = if is_unread { content.head()? } else { Vec::new() };
        let mut tail = Tail {
            cutter: Cutter::resumed(choice, state, file.offset, file.anchor, before),
            memory: Memory::new(first),
            opened_with: opened_with[..written(&opened_with)].to_vec(),
            is_another,
            modified: identity::modified(&metadata),
            file,
            path: path.to_path_buf(),
            content,
            changed: false,
            grown: now,
            renamed: now,
            zeros_until: 0,
            growth: Growth::new(metadata.len(), now),
            rotated: false,
            again: false,
            gap_before: None,
            passed_untold: 0,
            tell_at_once: false,
            told: now,
            trial: None,
            copied_bytes: None,
            rewritten: None,
        };
        tail.file.mark = tail.mark_at(tail.file.offset).or(tail.file.mark);
        Ok(tail)
    }

    /// What it is known by without reading it.
    pub(super) fn face(&self) -> Option<Face> {
        Some(Spotted::of(self.path.clone(), &self.metadata().ok()?, None, false).face())
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.content.metadata()
    }

    /// What has been read of the first entry, while that has no end yet.
    pub(super) fn begun(&self) -> Vec<u8> {
        if self.file.offset == 0 { self.cutter.last_read() } else { Vec::new() }
    }

    pub(super) fn forget_begun(&mut self) {
        self.memory.forget_beyond(self.file.offset);
        self.cutter.forget_rest();
    }

    /// The rotated file that it is.
    pub(super) fn candidate(&self) -> Candidate {
        let (path, known) = (self.path.clone(), Some(Known::of(&self.file)));
        Candidate { path, modified: SystemTime::UNIX_EPOCH, is_log: false, known }
    }

    /// What it reads, once more.
    pub(super) fn content(&self) -> io::Result<Content> {
        self.content.again()
    }

    /// Whether another file that agrees with all that was read has nothing else, either: what it has will be read.
    pub(super) fn has_all_of(&self, other: &mut Content) -> io::Result<bool> {
        other.is_part_of(&mut self.content()?, self.file.offset)
    }

    /// Whether it is a compressed copy: nobody will add to it.
    pub(super) fn is_packed(&self) -> bool {
        self.content.is_packed()
    }

    /// Whether no name leads to the file any more.
    pub(super) fn is_deleted(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// The last name that a deleted file had, where the kernel tells.
    pub(super) fn last_name(&self) -> Option<String> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", self.content.descriptor())).ok()?;
        let name = path.file_name()?.to_str()?;
        name.strip_suffix(" (deleted)").map(str::to_owned)
    }

    pub(super) fn inode(&self) -> Inode {
        Inode { device: self.file.device, inode: self.file.inode }
    }

    /// Bytes that are there and have not been read; of a compressed copy nobody knows.
    pub(super) fn bytes_behind(&self) -> u64 {
        let length = self.metadata().map_or(0, |metadata| metadata.len());
        if self.is_packed() { 0 } else { length.saturating_sub(self.cutter.offset()) }
    }

    /// Reads up to `bytes_max` new bytes into the buffer.
    pub(super) fn read(&mut self, bytes_max: usize) -> io::Result<Found> {
        let (at, mut seen) = (self.cutter.read_through(), None);
        let wanted = if self.is_packed() {
            bytes_max
        } else {
            let metadata = self.metadata()?;
            if self.is_shorter(&metadata) {
                return Ok(Found::Replaced { now_bytes: metadata.len() });
            }
            let count = usize::try_from(metadata.len().saturating_sub(at)).unwrap_or(usize::MAX);
            seen = Some((metadata.len(), identity::modified(&metadata)));
            count.min(bytes_max)
        };
        let count = if wanted == 0 { self.is_still_before()?.then_some(0) } else { self.fill(wanted, at)? };
        let Some(count) = count else {
            let now_bytes = self.metadata()?.len();
            if let Some((length, _)) = seen.filter(|&(length, _)| length > now_bytes) {
                // So much it had before.
                self.growth.see(length, Instant::now());
            }
            return Ok(Found::Replaced { now_bytes });
        };
        if let Some((length, modified)) = seen {
            self.growth.see(length, Instant::now());
            self.modified = modified;
        }
        if wanted == 0 {
            if self.grown.elapsed().as_secs_f64() > LATELY_SECONDS {
                self.memory.rest();
            }
            return Ok(Found::Bytes(0));
        }
        if count == 0 {
            match self.content.after_zeros(at.max(self.zeros_until))? {
                Some(AfterZeros::Data(until)) => return Ok(Found::Hole { until }),
                Some(AfterZeros::Unknown(until)) => self.zeros_until = until,
                // The next look begins at the position again: any of it may have been written.
                None => self.zeros_until = 0,
            }
        }
        if count > 0 {
            self.grown = Instant::now();
        }
        Ok(Found::Bytes(count))
    }

    /// Takes in so many bytes; how many there were, `None` where they are those of another file: what stood before them is
    /// looked for after they were read, for it may be cut at any time.
    fn fill(&mut self, wanted: usize, at: u64) -> io::Result<Option<usize>> {
        let (place, known) = self.known_before();
        let (content, memory) = (&mut self.content, &mut self.memory);
        let bytes_kept = if self.rotated { RECENT_BYTES } else { BUSY_BYTES };
        let mut is_another = self.is_another;
        let count = self.cutter.fill(wanted, |space| {
            #[cfg(test)]
            amid::reached(amid::Moment::BeforeBytes);
            let count = content.read_on_at(space, at)?;
            #[cfg(test)]
            amid::reached(amid::Moment::AfterBytes);
            is_another |= !content.is_packed() && !content.has(&known, place)?;
            if is_another {
                return Ok(0);
            }
            let count = written(&space[..count]);
            memory.add(at, &space[..count], bytes_kept);
            Ok(count)
        })?;
        #[cfg(test)]
        amid::reached(amid::Moment::AfterRead);
        Ok((!is_another).then_some(count))
    }

    /// Whether it was cut or rewritten, and how many bytes it has now.
    pub(super) fn cut_to(&mut self) -> io::Result<Option<u64>> {
        if self.is_packed() {
            return Ok(None);
        }
        let metadata = self.metadata()?;
        let is_cut = self.is_shorter(&metadata) || !self.is_still_before()?;
        Ok(is_cut.then_some(metadata.len()))
    }

    fn is_shorter(&mut self, metadata: &Metadata) -> bool {
        let had = self.cutter.read_through().max(self.copied_bytes.unwrap_or_default());
        metadata.len() < had || self.was_emptied(metadata)
    }

    /// Whether a file of which nothing has been read has been written, and is empty again.
    pub(super) fn was_emptied(&mut self, metadata: &Metadata) -> bool {
        let seen = self.file.mark.filter(|mark| mark.offset == 0).map(|mark| mark.modified);
        let is_written = seen.is_some_and(|seen| seen != identity::modified(metadata));
        metadata.len() == 0 && is_written && self.content.is_empty().unwrap_or(false)
    }

    /// Whether something stands behind what was read, or may do so behind zeros that were not looked through yet.
    pub(super) fn goes_on(&mut self) -> bool {
        let from = self.cutter.read_through().max(self.zeros_until);
        !self.is_packed() && self.content.after_zeros(from).is_ok_and(|after| after.is_some())
    }

    /// Forgets what was read of an entry that had no end yet, if what was before it is still there. False if it is not.
    pub(super) fn begin_entry_anew(&mut self) -> bool {
        let (file, offset) = (self.remembered(), self.file.offset);
        let Ok(metadata) = self.metadata() else { return false };
        let sight = Sight::of(&metadata, false);
        let is_same = offset > 0 && identity::is_same(&mut self.content, sight, &file).unwrap_or(false);
        if !is_same || !self.has_before(offset) {
            return false;
        }
        self.forget_begun();
        self.is_another = false;
        if self.copied_bytes.take().is_some() {
            // What follows is no more what it was found to be.
            self.file.read_before.clear();
            self.rewritten = Some(Rewritten::new());
        }
        true
    }

    /// Makes events of what was read and calls `take` for each, with the file as it is known.
    pub(super) fn cut(
        &mut self,
        end: End,
        reading: Reading<'_>,
        mut take: impl FnMut(&mut FollowedFile, Parsed, &Cut<'_>),
    ) {
        let file = &mut self.file;
        self.cutter.cut(end, reading, |parsed, cut| take(file, parsed, cut));
        (self.file.offset, self.file.anchor) = (self.cutter.offset(), self.cutter.anchor());
        self.changed |= self.cutter.take_changed();
    }

    /// As if so much time had passed.
    #[cfg(test)]
    pub(super) fn age(&mut self, time: std::time::Duration) {
        (self.grown, self.renamed) = (self.grown - time, self.renamed - time);
        self.trial.iter_mut().for_each(|trial| trial.age(time));
    }

    /// Goes past a hole; what was before it has been cut.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.memory.pass_zeros(self.file.offset, offset);
        self.cutter.skip_to(offset);
        self.file.offset = offset;
    }
}

/// How many of these bytes come before a hole. Zeros at the end may be room that was made for an entry, by a writer that
/// has mapped the file into its memory.
fn written(bytes: &[u8]) -> usize {
    let end = memchr::memmem::find(bytes, &[0; HOLE_BYTES_MIN]).unwrap_or(bytes.len());
    let zeros = bytes[..end].iter().rev().take_while(|&&byte| byte == 0).count();
    // One may be half of a character of two bytes.
    if zeros > 1 { end - zeros } else { end }
}

/// What the file says of itself where it is read on. `start = "end"` may have cut a character of two bytes in half.
fn rebuilt(content: &mut Content, file: &mut FollowedFile, choice: &Choice) -> io::Result<State> {
    if file.dialect != choice.name() || file.anchor > file.offset {
        file.anchor = 0;
    }
    let (mut head, mut since) = ([0; State::HEAD_BYTES], vec![0; SINCE_BYTES]);
    let head_bytes = content.read_on_at(&mut head, 0)?;
    let since_bytes = content.read_on_at(&mut since, file.anchor)?;
    let (head, since) = (&head[..head_bytes], &since[..since_bytes]);
    let dialect = choice.dialect.or_else(|| dialect::detect(since)).unwrap_or(choice.reader());
    let state = State::rebuilt(dialect, head, file.anchor, since, file.offset);
    if state.is_wide() && file.offset % 2 == 1 {
        let half = content.exactly(1, file.offset)?;
        file.offset += u64::from(half.is_some());
    }
    Ok(state)
}

/// Fewer zeros within a log are part of an entry.
const HOLE_BYTES_MIN: usize = 16;
/// Bytes from the anchor on that are read again.
const SINCE_BYTES: usize = 64 << 10;
