//! Making an index: the frames of a segment pass by once, in order.

use super::columns::{Column, Counting};
use super::fields::fields;
use super::grams::{Grams, ROWS};
use super::{About, FrameFacts, file};
use crate::journal::tail;
use crate::model::{Seq, Time};

/// An index while its segment is read.
pub(in crate::journal) struct Builder {
    frames: Vec<FrameFacts>,
    columns: [Counting; Column::ALL.len()],
    grams: Grams,
    /// A row for each run, a bit for each frame.
    rows: Vec<u8>,
    row_bytes: usize,
    ids: Vec<Vec<u32>>,
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
            grams: Grams::new(),
            rows: vec![0; ROWS * row_bytes],
            row_bytes,
            ids: Vec::new(),
            next: first,
            at_header: true,
            is_exact: true,
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
        let (mut oldest, mut newest, mut ids) = (&[][..], &[][..], Vec::new());
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
                Ok(Some(seen)) if seen.seq == self.next => {
                    self.next = seen.seq.next();
                    facts.count += 1;
                    ids.push(seen.id);
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
        self.end_frame(facts, ids);
    }

    fn end_frame(&mut self, facts: FrameFacts, mut ids: Vec<u32>) {
        let number = self.frames.len();
        for row in self.grams.rows() {
            self.rows[row * self.row_bytes + number / 8] |= 1 << (number % 8);
        }
        self.grams.clear();
        ids.sort_unstable();
        self.ids.push(ids);
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
                b"raw-base64" => self.grams.add_base64(field.value),
                _ => {}
            }
            // All of them: a filter may look for a text anywhere in the line.
            self.grams.add_json(field.value);
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
        let mut sections =
            vec![(file::FRAMES, file::frames(&self.frames)), (file::IDS, file::ids(&self.ids))];
        for column in Column::ALL {
            let encoded = self.columns[column as usize].encode();
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
