//! What a segment holds after whatever happened to it: where it ends, and what of it is damaged.
//!
//! A bad line after the newest seq known to be durable is a **torn tail**: nothing from there on counts, it was
//! never announced. A bad line at or before it is **damage**: it was whole once. Damage costs its own records
//! and no others; the chain goes on from the next line that is whole.

use super::error::JournalError;
use super::forms;
use super::line::peek;
use super::sealed::Found;
use super::segment::{FollowedFile, Header, Noted, SegmentName, parse_header};
use super::tail::{self, Chain, Whole};
use crate::model::{FileNo, Position, Seq};
use memchr::memmem;
use std::collections::BTreeMap;
use std::path::Path;

/// The followed files by number.
pub(super) type Files = BTreeMap<FileNo, FollowedFile>;

/// What is known before a segment is examined.
pub(super) struct Known {
    /// Newest seq that is durable for certain: confirmed by a destination, or said so by a later segment.
    pub synced: Seq,
    /// First seq by the segment's name.
    pub first: Seq,
    /// Files by the segments before, used when the header is damaged.
    pub files: Files,
}

/// What a segment holds.
#[derive(Debug)]
pub(super) struct Examined {
    /// The header, when it is whole.
    pub header: Option<Header>,
    /// Bytes that count.
    pub bytes: u64,
    /// Bytes behind them that do not.
    pub torn: u64,
    /// The seq after the last record.
    pub next: Seq,
    /// Chain value after the last line.
    pub chain: Chain,
    /// Every followed file with its position after the last line.
    pub files: Files,
    /// Damaged places.
    pub damaged: Vec<Damage>,
    /// Lines that are whole, the header not counted.
    pub lines: u64,
}

/// A damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where it begins in the segment.
    pub offset: u64,
    /// How many bytes are not readable; 0 where lines are whole but do not follow one another.
    pub bytes: u64,
    /// The first record that is lost.
    pub first: Seq,
    /// How many records are lost.
    pub records: u64,
}

/// Reads the whole segment and says what of it counts.
pub(super) fn examine(dir: &Path, name: &SegmentName, known: Known) -> Result<Examined, JournalError> {
    let synced = known.synced.max(newest_synced(dir, name)?);
    let mut walk = Walk::new(known, synced);
    let path = forms::plain(dir, name);
    let mut length = 0;
    let mut counts = true;
    each_line(dir, name, |line| {
        length = line.offset + line.length;
        counts = counts && walk.line(line, &path)?;
        Ok(())
    })?;
    Ok(walk.finish(length))
}

/// The newest seq that any whole line of the segment says was durable.
fn newest_synced(dir: &Path, name: &SegmentName) -> Result<Seq, JournalError> {
    let mut newest = Seq::NONE;
    each_line(dir, name, |line| {
        newest = newest.max(line.whole().and_then(|whole| peek(whole.body).synced).unwrap_or_default());
        Ok(())
    })?;
    Ok(newest)
}

/// A line with its line feed; one without bytes stands for what cannot be unpacked.
pub(super) struct Piece<'a> {
    pub bytes: &'a [u8],
    pub offset: u64,
    pub length: u64,
}

impl Piece<'_> {
    pub(super) fn whole(&self) -> Option<Whole<'_>> {
        self.bytes.strip_suffix(b"\n").and_then(tail::check)
    }
}

/// Calls `visit` with each line; returns how many bytes stand behind the end of a sealed file.
pub(super) fn each_line(
    dir: &Path,
    name: &SegmentName,
    mut visit: impl FnMut(&Piece<'_>) -> Result<(), JournalError>,
) -> Result<u64, JournalError> {
    let mut file = forms::must_open(dir, name)?;
    let (mut line, mut offset) = (Vec::new(), 0);
    loop {
        line.clear();
        let length = match file.bytes.read_line(&mut line, &file.path)? {
            Found::Bytes(0) => return Ok(file.bytes.behind()),
            Found::Bytes(count) => count as u64,
            Found::Damaged { lost, .. } => lost,
        };
        visit(&Piece { bytes: &line, offset, length })?;
        offset += length;
    }
}

/// The state of reading a segment line by line.
struct Walk {
    synced: Seq,
    header: Option<Header>,
    next: Seq,
    chain: Option<Chain>,
    files: Files,
    damaged: Vec<Damage>,
    open_damage: Option<Damage>,
    end: u64,
    lines: u64,
    /// Where a damaged place begins that may turn out to be the torn tail.
    at_header: bool,
}

impl Walk {
    fn new(known: Known, synced: Seq) -> Walk {
        Walk {
            synced,
            header: None,
            next: known.first,
            chain: None,
            files: known.files,
            damaged: Vec::new(),
            open_damage: None,
            end: 0,
            lines: 0,
            at_header: true,
        }
    }

    /// Takes one line; false when nothing from here on counts.
    fn line(&mut self, line: &Piece<'_>, path: &Path) -> Result<bool, JournalError> {
        if std::mem::take(&mut self.at_header) {
            if let Some(header) = parse_header(line.bytes, path)? {
                self.chain = line.whole().map(|whole| whole.chain);
                self.files = header.files.iter().map(|file| (file.number, file.clone())).collect();
                self.next = header.first;
                self.header = Some(header);
                self.end = line.length;
                return Ok(true);
            }
            if line.whole().is_some() {
                // Somebody took the header away.
                self.damaged.push(Damage { offset: 0, bytes: 0, first: self.next, records: 0 });
            }
        }
        match line.whole() {
            Some(whole) if self.fits(&whole) => self.whole(&whole, line.offset, line.length),
            _ if self.next <= self.synced => self.bad(line.offset, line.length),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A record of an earlier seq than the next one cannot stand here: it was put here by somebody.
    fn fits(&self, whole: &Whole<'_>) -> bool {
        peek(whole.body).seq.is_none_or(|seq| seq >= self.next)
    }

    fn whole(&mut self, whole: &Whole<'_>, offset: u64, length: u64) {
        let seq = peek(whole.body).seq;
        let follows = self.chain.is_none_or(|chain| whole.follows(chain));
        let skipped = seq.map_or(0, |seq| seq.0 - self.next.0);
        if let Some(damage) = self.open_damage.take() {
            self.damaged.push(damage);
        } else if !follows {
            self.damaged.push(Damage { offset, bytes: 0, first: self.next, records: 0 });
        }
        self.lost(offset, skipped);
        self.chain = Some(whole.chain);
        if let Some(seq) = seq {
            self.next = seq.next();
            self.advance(whole.body);
        } else {
            self.note(whole.body);
        }
        self.lines += 1;
        self.end = offset + length;
    }

    fn bad(&mut self, offset: u64, length: u64) {
        let first = self.next;
        let damage = self.open_damage.get_or_insert(Damage { offset, bytes: 0, first, records: 0 });
        damage.bytes += length;
        self.end = offset + length;
    }

    /// The records from `next` on are not here: they were in the last damaged place, unless there was a record
    /// after it, or were taken out.
    fn lost(&mut self, offset: u64, records: u64) {
        match self.damaged.last_mut().filter(|damage| damage.first == self.next) {
            Some(damage) => damage.records += records,
            None if records == 0 => {}
            None => self.damaged.push(Damage { offset, bytes: 0, first: self.next, records }),
        }
    }

    /// A record moves its file's position.
    fn advance(&mut self, body: &[u8]) {
        let Some(placed) = position_json(body) else { return };
        let Ok(position) = serde_json::from_slice::<Position>(placed) else { return };
        if let Some(file) = self.files.get_mut(&position.file) {
            file.reach(position.offset, serde_json::from_slice(placed).ok());
        }
    }

    fn note(&mut self, body: &[u8]) {
        let mut json = body.to_vec();
        json.push(b'}');
        // Of a line of a later version, or one that only says what is durable, nothing is wanted.
        let noted: Noted = serde_json::from_slice(&json).unwrap_or_default();
        if let Some(file) = noted.file {
            self.files.insert(file.number, file);
        }
        if let Some(progress) = noted.position
            && let Some(file) = self.files.get_mut(&progress.file)
        {
            file.advance(&progress);
        }
    }

    fn finish(mut self, length: u64) -> Examined {
        self.damaged.extend(self.open_damage.take());
        // What was announced and is not here is lost, and its seqs are not used again.
        if self.next <= self.synced {
            self.lost(self.end, self.synced.0 + 1 - self.next.0);
            self.next = self.synced.next();
        }
        Examined {
            header: self.header,
            bytes: self.end,
            torn: length.saturating_sub(self.end),
            next: self.next,
            chain: self.chain.unwrap_or_default(),
            files: self.files,
            damaged: self.damaged,
            lines: self.lines,
        }
    }
}

/// The position in a record's body, as JSON. It stands before any text of the sensor's, so the first match is ours.
fn position_json(body: &[u8]) -> Option<&[u8]> {
    let at = memmem::find(body, POSITION)? + POSITION.len() - 1;
    let end = at + memchr::memchr(b'}', &body[at..])? + 1;
    Some(&body[at..end])
}

const POSITION: &[u8] = b",\"position\":{";
