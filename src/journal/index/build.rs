//! Making an index: the frames of a segment pass by once, in order.

use super::columns::{Column, Counting, Values};
use super::fields::fields;
use super::grams::{Grams, ROWS};
use super::ids::Ids;
use super::{About, FrameFacts, file};
use crate::journal::tail;
use crate::model::{Seq, Time};

/// An index while its segment is read.
pub(in crate::journal) struct Builder {
    frames: Vec<FrameFacts>,
    columns: [Counting; Column::ALL.len()],
    /// `None` where runs of the text are not kept.
    grams: Option<Grams>,
    /// A row for each run, a bit for each frame.
    rows: Vec<u8>,
    row_bytes: usize,
    ids: Ids,
    /// The seq that has to come next.
    next: Seq,
    at_header: bool,
    /// Every line so far is whole and in its place.
    is_exact: bool,
}

/// What of a record the facts of its frame are made from.
struct Seen<'a> {
    seq: Seq,
    time: &'a [u8],
    id: u32,
}

impl Builder {
    /// For a segment that begins with `first` and has at most `frames_max` frames.
    pub(in crate::journal) fn new(first: Seq, frames_max: usize) -> Builder {
        let row_bytes = frames_max.div_ceil(8).max(1);
        Builder {
            frames: Vec::new(),
            columns: Column::ALL.map(|_| Counting::new()),
            grams: Some(Grams::new()),
            rows: vec![0; ROWS * row_bytes],
            row_bytes,
            ids: Ids::new(),
            next: first,
            at_header: true,
            is_exact: true,
        }
    }

    /// The same without the runs of its text, which take most of the work and of the memory.
    pub(super) fn without_text(first: Seq) -> Builder {
        let row_bytes = usize::from(u16::MAX) / 8;
        Builder { grams: None, rows: Vec::new(), row_bytes, ..Builder::new(first, 0) }
    }

    /// The frames so far.
    pub(super) fn frames(&self) -> &[FrameFacts] {
        &self.frames
    }

    /// Whether every line so far is whole and in its place.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The values of a column in the first so many frames.
    pub(super) fn column(&self, column: Column, frames: usize) -> Option<Values> {
        Values::read(self.columns[column as usize].encode(frames)?)
    }

    pub(super) fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Gives up the columns that take the most until all of it takes no more than so many bytes, as far as they can.
    pub(super) fn shrink(&mut self, bytes_max: usize) {
        loop {
            let of_columns: usize = self.columns.iter().map(Counting::memory).sum();
            let largest = self.columns.iter_mut().max_by_key(|column| column.memory());
            match largest.filter(|largest| of_columns + self.ids.memory() > bytes_max && largest.memory() > 0)
            {
                Some(largest) => largest.give_up(),
                None => return,
            }
        }
    }

    /// Takes in the next frame, which is so long in its sealed form.
    pub(in crate::journal) fn frame(&mut self, raw: &[u8], packed: u32) {
        let number = self.frames.len() as u32;
        if !self.is_exact || number as usize >= self.row_bytes * 8 {
            self.is_exact = false;
            return;
        }
        let raw_bytes = raw.len() as u32;
        let mut facts = FrameFacts { packed, raw: raw_bytes, first: self.next, ..FrameFacts::default() };
        let (mut oldest, mut newest) = (&[][..], &[][..]);
        for line in raw.split_inclusive(|&byte| byte == b'\n') {
            let Some(body) = line.strip_suffix(b"\n").and_then(tail::body) else {
                self.is_exact = false;
                return;
            };
            if std::mem::take(&mut self.at_header) {
                continue;
            }
            match self.line(body, number) {
                Ok(None) => {}
                Ok(Some(seen)) if seen.seq == self.next && self.ids.add(seen.id, number) => {
                    self.next = seen.seq.next();
                    facts.count += 1;
                    // Times are written so that their text orders as they do.
                    oldest = if oldest.is_empty() { seen.time } else { seen.time.min(oldest) };
                    newest = seen.time.max(newest);
                }
                Ok(Some(_)) | Err(()) => {
                    self.is_exact = false;
                    return;
                }
            }
        }
        (facts.oldest, facts.newest) = match (time(oldest), time(newest)) {
            (Some(oldest), Some(newest)) => (oldest, newest),
            // A frame without records.
            _ if facts.count == 0 => (Time::MAX, Time::MIN),
            _ => {
                self.is_exact = false;
                return;
            }
        };
        self.end_frame(facts);
    }

    fn end_frame(&mut self, facts: FrameFacts) {
        let number = self.frames.len();
        if let Some(grams) = &mut self.grams {
            for row in grams.rows() {
                self.rows[row * self.row_bytes + number / 8] |= 1 << (number % 8);
            }
            grams.clear();
        }
        self.frames.push(facts);
    }

    /// Takes in one line; `None` when it is no record, an error when it is not in the form that is written.
    fn line<'a>(&mut self, body: &'a [u8], frame: u32) -> Result<Option<Seen<'a>>, ()> {
        if !body.starts_with(b"{\"seq\":") {
            return Ok(None);
        }
        let (mut seq, mut at, mut id) = (None, &[][..], None);
        let mut all = fields(body);
        for field in all.by_ref() {
            match field.name {
                b"seq" => seq = std::str::from_utf8(field.value).ok().and_then(|text| text.parse().ok()),
                b"time" => at = field.value,
                b"id" => id = id_prefix(field.value),
                _ => {}
            }
            if let Some(grams) = &mut self.grams {
                if field.name == b"raw-base64" {
                    grams.add_base64(field.value);
                }
                // All of them: a filter may look for a text anywhere in the line.
                grams.add_json(field.value);
            }
            if let Some(column) = Column::of(field.name) {
                self.columns[column as usize].add(&field);
            }
        }
        // A name with an escape could be any of them.
        let (true, Some(seq), Some(id)) = (all.were_whole(), seq, id) else { return Err(()) };
        if at.len() != TIME_BYTES || memchr::memchr(b'\\', at).is_some() {
            return Err(());
        }
        self.columns.iter_mut().for_each(|column| column.end_record(frame));
        Ok(Some(Seen { seq: Seq(seq), time: at, id }))
    }

    /// The index as a file. `about` says whether every byte of the segment counts; what was read has the last word.
    pub(in crate::journal) fn finish(self, about: About) -> Vec<u8> {
        let is_exact = about.is_exact && self.is_exact && self.next == about.next;
        let about = About { is_exact, ..about };
        if !is_exact {
            return file::encode(&about, Vec::new());
        }
        let mut sections = vec![(file::FRAMES, file::frames(&self.frames)), (file::IDS, self.ids.encode())];
        for column in Column::ALL {
            let encoded = self.columns[column as usize].encode(self.frames.len());
            sections.extend(encoded.map(|bytes| (file::COLUMNS + column as u32, bytes)));
        }
        sections.push((file::GRAMS, file::grams(&self.rows, self.row_bytes)));
        file::encode(&about, sections)
    }
}

/// The first 24 bits of an id.
fn id_prefix(json: &[u8]) -> Option<u32> {
    let digits = json.get(1..1 + ID_DIGITS)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn time(json: &[u8]) -> Option<Time> {
    Time::parse_rfc3339(std::str::from_utf8(json).ok()?.trim_matches('"'))
}

/// `"2024-02-29T09:11:02.000Z"` with its quotes.
const TIME_BYTES: usize = 26;
/// Digits of an id that the index keeps.
pub(super) const ID_DIGITS: usize = 6;
