//! Whether the journal is what was written: every sum, every link of the chain, every seq, in the bytes that count.
//!
//! Invariant: nothing is written, and the indexes are not looked at.
//! Limit: whoever can write the folder can compute sums and chain anew. Hold the last chain value, or those of
//! `agent.seal`, against what has left the machine.

use super::cursor;
use super::error::JournalError;
use super::forms;
use super::line::peek;
use super::reader;
use super::recovery::{Piece, each_line};
use super::segment::{self, SegmentName, parse_header};
use super::store::Store;
use super::tail::Chain;
use crate::model::{Seq, StreamId};
use serde::Serialize;
use std::path::Path;

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// The file, by the name of its plain form.
    pub segment: String,
    /// The line, from 1; the header is the first.
    pub line: u64,
    /// The record that has or would have this line; the next one for lines that are no records.
    pub seq: Seq,
    /// A sentence.
    pub what: String,
}

/// Bytes of a segment behind the end that the next one gives it. They are no part of the trail, and no reader shows them;
/// who reads the files without otrail sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Uncounted {
    /// The file, by the name of its plain form.
    pub segment: String,
    /// How many bytes.
    pub bytes: u64,
}

/// What a segment ends in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// The file, by the name of its plain form.
    pub segment: String,
    /// The chain value of its last line, 64 hex digits: what `agent.seal` told of it.
    pub chain: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Segments that were read.
    pub segments: u64,
    /// Records that are whole.
    pub records: u64,
    /// The first and the last of them.
    pub first: Seq,
    /// See `first`.
    pub last: Seq,
    /// The chain value after the last line that is whole, 64 hex digits.
    pub chain: String,
    /// What is wrong, in order; at most 1,000.
    pub flaws: Vec<Flaw>,
    /// What a crash had begun to write, or what somebody has added: nobody can tell, so it is no flaw.
    pub uncounted: Vec<Uncounted>,
    /// How the segments end whose last line is whole.
    pub ends: Vec<End>,
}

/// Reads the whole journal below a state directory. Blocks; a minute for some gigabytes.
pub fn verify(state_dir: &Path) -> Result<Verified, JournalError> {
    // What is confirmed was in the journal before: looked at first, for the agent may be writing on.
    let cursors = cursor::read_all(&Store::at(state_dir).cursors())?;
    let dir = Store::at(state_dir).journal();
    let names = segment::list(&dir)?;
    if names.is_empty() {
        return Err(JournalError::Missing { dir: state_dir.to_path_buf() });
    }
    let mut walk = Walk::default();
    for (at, name) in names.iter().enumerate() {
        let limit = reader::limit_of(&dir, name, &names[at + 1..])?;
        walk.begin(name, names.get(at + 1));
        if let Err(error) = segment::refuse_later(&dir, name) {
            walk.pass(&error);
            continue;
        }
        let path = forms::plain(&dir, name);
        let mut uncounted = 0;
        let behind = each_line(&dir, name, |piece| {
            if limit.is_none_or(|limit| piece.offset < limit) {
                walk.line(piece, limit.is_none(), &path)?;
            } else {
                uncounted += piece.length;
                walk.ends_in = match (walk.ends_in, piece.whole()) {
                    (Some(before), Some(whole)) if whole.follows(before) => Some(whole.chain),
                    _ => None,
                };
            }
            Ok(())
        })?;
        walk.end(uncounted, behind);
    }
    walk.behind(&cursors);
    walk.found.chain = walk.chain.map(|chain| chain.to_string()).unwrap_or_default();
    Ok(walk.found)
}

/// The state of reading line by line.
#[derive(Default)]
struct Walk {
    found: Verified,
    name: String,
    line: u64,
    /// `None` where it is not known: at the very beginning, and after a line that is not whole.
    chain: Option<Chain>,
    /// That of the segment's last line, whether it counts or not; `None` where one behind those that count is not whole
    /// or does not follow.
    ends_in: Option<Chain>,
    next: Option<Seq>,
    /// Where the next segment begins.
    before: Option<Seq>,
    stream: Option<StreamId>,
}

impl Walk {
    fn begin(&mut self, name: &SegmentName, next: Option<&SegmentName>) {
        (self.name, self.line) = (name.file_name(), 0);
        self.before = next.map(|next| next.first);
        self.next = self.next.or(Some(name.first));
        self.found.segments += 1;
    }

    /// Of a segment that cannot be read nothing is known, nor what the next one follows.
    fn pass(&mut self, error: &JournalError) {
        self.line = 1;
        self.flaw(&error.to_string());
        (self.chain, self.next) = (None, self.before);
    }

    fn line(&mut self, piece: &Piece<'_>, is_newest: bool, path: &Path) -> Result<(), JournalError> {
        self.line += 1;
        let whole = piece.whole();
        self.ends_in = whole.as_ref().map(|whole| whole.chain);
        let Some(whole) = whole else {
            // What is being written, or was when the power went, has not been announced.
            if !(is_newest && !piece.bytes.is_empty() && !piece.bytes.ends_with(b"\n")) {
                let what = if piece.bytes.is_empty() {
                    "a frame cannot be unpacked"
                } else {
                    "its checksum does not hold"
                };
                self.flaw(what);
                self.chain = None;
            }
            return Ok(());
        };
        if self.line == 1 {
            let header = parse_header(piece.bytes, path)?;
            if header.is_none() {
                self.flaw("it is not the header that every segment begins with: that is gone");
            }
            self.stream = self.stream.or(header.as_ref().map(|header| header.stream));
            let before = header.and_then(|header| Chain::parse(header.before.as_bytes()));
            self.chain = self.chain.or(before);
        }
        if self.chain.is_some_and(|chain| !whole.follows(chain)) {
            self.flaw(
                "it does not follow the line before: one of them was changed, or what stood between is gone",
            );
        }
        self.chain = Some(whole.chain);
        if let Some(seq) = peek(whole.body).seq.filter(|&seq| self.before.is_none_or(|before| seq < before)) {
            self.record(seq);
        }
        Ok(())
    }

    fn record(&mut self, seq: Seq) {
        match self.next {
            Some(next) if seq > next => self.flaw(&format!("records {next} to {} are missing", seq.0 - 1)),
            Some(next) if seq < next => self.flaw(&format!("record {seq} stands where {next} should")),
            _ => {}
        }
        if self.found.records == 0 {
            self.found.first = seq;
        }
        (self.found.last, self.next) = (seq, Some(seq.next()));
        self.found.records += 1;
    }

    /// What a segment lacks at its end is missing before the next; what it has too much is none of it.
    fn end(&mut self, uncounted: u64, behind: u64) {
        if let Some(chain) = self.ends_in.take() {
            self.found.ends.push(End { segment: self.name.clone(), chain: chain.to_string() });
        }
        if uncounted > 0 {
            self.found.uncounted.push(Uncounted { segment: self.name.clone(), bytes: uncounted });
        }
        if behind > 0 {
            // Sealing ends a file with its table, and never writes to it again.
            self.line += 1;
            self.flaw(&format!(
                "{behind} bytes stand behind the end of the sealed file: somebody has put them there; they do not count, \
                 but other readers of zstd may show them"
            ));
        }
        if let (Some(next), Some(before)) = (self.next, self.before)
            && next < before
        {
            self.flaw(&format!("records {next} to {} are missing", before.0 - 1));
            self.next = Some(before);
        }
    }

    /// What is gone from the end, as far as destinations have had it.
    fn behind(&mut self, cursors: &[cursor::Found]) {
        let ours = cursors.iter().filter(|cursor| Some(cursor.stream) == self.stream);
        if let (Some(next), Some(furthest)) = (self.next, ours.max_by_key(|cursor| cursor.confirmed))
            && next <= furthest.confirmed
        {
            let cursor::Found { name, confirmed, .. } = furthest;
            self.flaw(&format!(
                "records {next} to {confirmed} are missing: by its cursor {name} has had them"
            ));
        }
    }

    fn flaw(&mut self, what: &str) {
        if self.found.flaws.len() < FLAWS_MAX {
            let seq = self.next.unwrap_or_default();
            let flaw = Flaw { segment: self.name.clone(), line: self.line, seq, what: what.to_owned() };
            self.found.flaws.push(flaw);
        }
    }
}

const FLAWS_MAX: usize = 1_000;
