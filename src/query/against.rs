//! What a server has of the journal, held against it: for auditors who do not want to believe the machine alone.
//!
//! ```text
//! lines of a server's file ──▶ format::Claims ──▶ seen, by seq ──▶ the journal's records, in order ──▶ Held
//! ```
//!
//! Whoever can write the journal can change it and compute its chain anew. What has left the machine before that says
//! otherwise: the id of each record, its chain value where the format shows that, and the chain value that each
//! `agent.seal` tells of a finished segment. One chain value that agrees speaks for all records before it.
//!
//! Limit: that the server's own texts are what was sent is not looked at; OCSF 1.9 has fingerprints for that. Nor is it
//! known how far a server should have come: what is missing at its end is not told.
//! Memory: about 128 bytes for each event of the server.

use super::elements::{self, Elements};
use crate::format::{Claim, Claims};
use crate::journal::{JournalError, Scan, SealTold, Verified};
use crate::model::{Action, Record, Seq, StreamId};
use serde::Serialize;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    /// Lines that were read.
    pub lines: u64,
    /// Events of this journal in them, copies with them.
    pub events: u64,
    /// Copies: what was sent again.
    pub copies: u64,
    /// Events of other journals.
    pub of_others: u64,
    /// The first and the last record that the server has.
    pub first: Seq,
    /// See `first`.
    pub last: Seq,
    /// Records that are the same event in the journal.
    pub same: u64,
    /// Records before the oldest that the journal has: nothing is known of them.
    pub removed: u64,
    /// The last record whose chain value agrees: all before it are as they were. `Seq::NONE` where none does.
    pub proved_through: Seq,
    /// Chain values that the server has.
    pub chains: u64,
    /// Finished segments that end as their `agent.seal` says.
    pub seals: u64,
    /// Where the journal is not what was sent; at most 1,000.
    pub differences: Vec<Difference>,
    /// Records that are missing between those that are there; at most 1,000.
    pub missing: Vec<Missing>,
}

/// A place where the journal is not what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// File and line of what the server has.
    pub place: String,
    /// The record.
    pub seq: Seq,
    /// A sentence.
    pub what: String,
}

/// Records that the server lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Missing {
    /// The last record before them that is there.
    pub after: Seq,
    /// The one that is certainly among them: the next that is there says that it follows it.
    pub expected: Seq,
    /// That next one.
    pub before: Seq,
}

/// Gathers what a server has.
#[derive(Debug)]
pub struct Against {
    stream: StreamId,
    claims: Claims,
    files: Vec<String>,
    seen: Vec<Seen>,
    held: Held,
}

/// One event of the server.
#[derive(Debug, Clone)]
struct Seen {
    claim: Claim,
    /// What an `agent.seal` tells there of a finished segment.
    seal: Option<Box<SealTold>>,
    file: usize,
    line: u64,
}

impl Against {
    /// For the journal of that stream.
    pub fn new(stream: StreamId) -> Against {
        Against {
            stream,
            claims: Claims::default(),
            files: Vec::new(),
            seen: Vec::new(),
            held: Held::default(),
        }
    }

    /// Reads one file, whatever else is in it. Of a line beyond 1 MiB the beginning counts, but of one that is a JSON array, or
    /// an object around some, each element does, up to as much.
    pub fn read(&mut self, name: &str, file: &mut impl BufRead) -> io::Result<()> {
        self.files.push(name.to_owned());
        let (mut bytes, mut number) = (Vec::new(), 0);
        loop {
            bytes.clear();
            if file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(());
            }
            (number, self.held.lines) = (number + 1, self.held.lines + 1);
            if let Some(begin) = elements::begin(&bytes) {
                self.array((number, Elements::default()), &bytes[begin..], file)?;
                continue;
            }
            if self.wraps(&bytes) {
                self.array((number, Elements::wrapped()), &bytes, file)?;
                continue;
            }
            if !bytes.ends_with(b"\n") {
                file.skip_until(b'\n')?;
            }
            self.event(number, &String::from_utf8_lossy(&bytes));
        }
    }

    /// Whether a line is an object around arrays of events, as search answers are, and no event: no event is as long as what
    /// is read of a line.
    fn wraps(&self, line: &[u8]) -> bool {
        let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii();
        let is_whole = line.len() < LINE_BYTES_MAX as usize;
        text.starts_with(b"{")
            && memchr::memchr(b'[', text).is_some()
            && !(is_whole && std::str::from_utf8(text).is_ok_and(|text| self.claims.is_one(text)))
    }

    /// A line that is, or wraps, an array, of which the beginning has been read.
    fn array(
        &mut self,
        (number, mut elements): (u64, Elements),
        beginning: &[u8],
        file: &mut impl BufRead,
    ) -> io::Result<()> {
        let bytes_max = LINE_BYTES_MAX as usize;
        elements.take(beginning, bytes_max, |text| self.event(number, text));
        let mut is_whole = beginning.ends_with(b"\n");
        while !is_whole {
            let bytes = file.fill_buf()?;
            let feed = memchr::memchr(b'\n', bytes).map(|feed| feed + 1);
            let count = feed.unwrap_or(bytes.len());
            elements.take(&bytes[..count], bytes_max, |text| self.event(number, text));
            file.consume(count);
            is_whole = feed.is_some() || count == 0;
        }
        elements.end(|text| self.event(number, text));
        Ok(())
    }

    fn event(&mut self, line: u64, text: &str) {
        let Some(claim) = self.claims.read(text) else { return };
        if claim.stream != self.stream {
            self.held.of_others += 1;
            return;
        }
        self.held.events += 1;
        self.held.chains += u64::from(claim.chain.is_some());
        // Nobody but otrail writes that action.
        let is_seal = claim.code == Action::SEAL.row().code;
        let seal = SealTold::find(text).filter(|_| is_seal).map(Box::new);
        self.seen.push(Seen { claim, seal, file: self.files.len() - 1, line });
    }

    /// Holds all of it against the journal below a state directory, which has been verified.
    pub fn hold(mut self, state_dir: &Path, verified: &Verified) -> Result<Held, JournalError> {
        self.seen
            .sort_by_key(|seen| (seen.claim.seq, seen.claim.id.0, seen.claim.chain.map(|chain| chain.0)));
        let mut seen = std::mem::take(&mut self.seen);
        self.look_for_holes(&seen);
        seen.dedup_by(|one, other| {
            let is_copy = (one.claim.seq, one.claim.id, one.claim.chain)
                == (other.claim.seq, other.claim.id, other.claim.chain);
            self.held.copies += u64::from(is_copy);
            is_copy
        });
        let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return Ok(self.held) };
        (self.held.first, self.held.last) = (first.claim.seq, last.claim.seq);
        let before = Seq(self.held.first.0.saturating_sub(1));
        let mut rest = &seen[..];
        for line in Scan::open(state_dir)?.after(before).through(self.held.last) {
            let mut line = match line {
                Ok(line) => line,
                // Verifying names it.
                Err(error) if error.is_damage() => continue,
                Err(error) => return Err(error),
            };
            let seq = line.place.seq;
            let absent = rest.partition_point(|seen| seen.claim.seq < seq);
            self.absent(&rest[..absent], verified.first);
            rest = &rest[absent..];
            let here = rest.partition_point(|seen| seen.claim.seq == seq);
            if here > 0 {
                let record = line.decode();
                let is_same = |seen| self.compare(seen, record.as_ref(), verified);
                let same = rest[..here].iter().map(is_same).filter(|&same| same).count();
                self.held.same += u64::from(same > 0);
                rest = &rest[here..];
            }
        }
        self.absent(rest, verified.first);
        Ok(self.held)
    }

    /// What a record that is there says it follows, and is not there itself.
    fn look_for_holes(&mut self, seen: &[Seen]) {
        let mut former: Option<Seq> = None;
        for copies in seen.chunk_by(|one, other| one.claim.seq == other.claim.seq) {
            let before = copies[0].claim.seq;
            let expected = copies.iter().map(|seen| seen.claim.prev).filter(|&prev| prev < before).max();
            if let (Some(after), Some(expected)) = (former, expected)
                && after < expected
            {
                push(&mut self.held.missing, Missing { after, expected, before });
            }
            former = Some(before);
        }
    }

    /// Whether it is the same in the journal; what is not, is told.
    fn compare(&mut self, seen: &Seen, record: Option<&Record>, verified: &Verified) -> bool {
        let difference = match record {
            None => Some("a line of the journal that this otrail cannot read stands there".to_owned()),
            Some(record) => difference(&seen.claim, record),
        };
        let seal = seen.seal.as_deref().and_then(|told| self.hold_seal(told, verified));
        if seen.claim.chain.is_some() && difference.is_none() {
            self.held.proved_through = seen.claim.seq;
        }
        let is_same = difference.is_none() && seal.is_none();
        difference.into_iter().chain(seal).for_each(|what| self.differs(seen, what));
        is_same
    }

    /// What is wrong with a segment by what an `agent.seal` told of it.
    fn hold_seal(&mut self, told: &SealTold, verified: &Verified) -> Option<String> {
        let end = verified.ends.iter().find(|end| end.segment == told.segment);
        match end {
            Some(end) if end.chain == told.chain.to_string() => {
                self.held.seals += 1;
                None
            }
            Some(_) => Some(format!(
                "{} ends in another chain value than this event has told: it was changed since",
                told.segment
            )),
            // Removed, as the oldest segments are.
            None if told.first < verified.first => None,
            None => Some(format!(
                "{}, of which this event has told, is not there, or does not end as a segment does",
                told.segment
            )),
        }
    }

    /// Records that the server has, and the journal not.
    fn absent(&mut self, seen: &[Seen], oldest: Seq) {
        for seen in seen {
            if seen.claim.seq < oldest {
                self.held.removed += 1;
            } else {
                self.differs(seen, "the journal does not have it".to_owned());
            }
        }
    }

    fn differs(&mut self, seen: &Seen, what: String) {
        let place = format!("{}:{}", self.files[seen.file], seen.line);
        push(&mut self.held.differences, Difference { place, seq: seen.claim.seq, what });
    }
}

/// What is another in the journal than it was when it was sent.
fn difference(claim: &Claim, record: &Record) -> Option<String> {
    let (id, code) = (record.event.id, record.event.action.row().code);
    if id != claim.id {
        return Some(format!("event {} was sent, and {id} is in the journal", claim.id));
    }
    if !claim.code.is_empty() && claim.code != code {
        return Some(format!("it was sent as {}, and is {code} in the journal", claim.code));
    }
    (claim.chain.is_some() && claim.chain != record.chain).then(|| {
        "its chain value is not the one that was sent: it, or a record before it, was changed".to_owned()
    })
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < LISTED_MAX {
        list.push(item);
    }
}

/// Longest line of which all counts: no frame is longer, not even within a cell.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Entries of a list.
const LISTED_MAX: usize = 1_000;
