//! Making an index: the frames of a segment pass by once, in order.

use super::columns::{Column, Counting, Values};
use super::fields::{Fields, Name, fields, fields_from};
use super::grams::Grams;
use super::head::{Seen, TIME_BYTES, head, id_prefix, inside, number};
use super::ids::Ids;
use super::set::FrameSet;
use super::stretches::Stretches;
use super::{About, FrameFacts, file};
use crate::journal::tail;
use crate::model::guard::guard;
use crate::model::{Seq, Time};
use std::ops::Range;
use std::panic::AssertUnwindSafe;

/// An index while its segment is read.
pub(in crate::journal) struct Builder {
    frames: Vec<FrameFacts>,
    columns: [Counting; Column::ALL.len()],
    /// `None` when they take too much.
    grams: Option<Grams>,
    ids: Ids,
    stretches: Stretches,
    /// The fields of the line at hand whose runs are taken in.
    places: Vec<Place>,
    /// The same without those that the frame has, and as one where they stand side by side.
    pieces: Vec<Range<usize>>,
    /// The seq that has to come next.
    next: Seq,
    at_header: bool,
    /// Every line so far is whole and in its place.
    is_exact: bool,
}

/// Where a field stands in its line.
struct Place {
    pair: Range<usize>,
    /// Where its value begins if something in it is escaped, else where it ends.
    escaped: usize,
    column: Option<Column>,
}

impl Builder {
    /// For a segment that begins with `first`.
    pub(in crate::journal) fn new(first: Seq) -> Builder {
        Builder {
            frames: Vec::new(),
            columns: Column::ALL.map(|_| Counting::new()),
            grams: Some(Grams::new()),
            ids: Ids::new(),
            stretches: Stretches::new(),
            places: Vec::new(),
            pieces: Vec::new(),
            next: first,
            at_header: true,
            is_exact: true,
        }
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

    /// The frames of the first so many that may have a text, as far as its runs tell; `None` when they are not kept.
    pub(super) fn with_rows(&self, rows: &[usize], frames: usize) -> Option<FrameSet> {
        self.grams.as_ref().map(|grams| grams.frames_with(rows, frames))
    }

    /// Gives up what takes the most, the runs of the text or a column, until all of it takes no more than so many bytes, as
    /// far as it can. Whether it is still all there.
    pub(super) fn shrink(&mut self, bytes_max: usize) -> bool {
        let of_rest = self.ids.memory() + self.stretches.memory();
        let mut is_all = true;
        loop {
            let of_text = self.grams.as_ref().map_or(0, Grams::memory);
            let of_columns: usize = self.columns.iter().map(Counting::memory).sum();
            if of_rest + of_text + of_columns <= bytes_max {
                return is_all;
            }
            match self.columns.iter_mut().max_by_key(|column| column.memory()) {
                Some(largest) if largest.memory() > of_text => largest.give_up(),
                _ if of_text > 0 => self.grams = None,
                _ => return is_all,
            }
            is_all = false;
        }
    }

    /// How long a frame is in its sealed form.
    pub(super) fn set_packed(&mut self, frame: usize, packed: u32) {
        self.frames.iter_mut().skip(frame).take(1).for_each(|facts| facts.packed = packed);
    }

    /// Takes in the next frame, which is so long in its sealed form.
    pub(in crate::journal) fn frame(&mut self, raw: &[u8], packed: u32) {
        self.or_give_up(|builder| builder.take_frame(raw, packed));
    }

    /// Where otrail panics, nothing of what that leaves behind is used again: the segment is read without an index.
    fn or_give_up(&mut self, take: impl FnOnce(&mut Builder)) {
        if guard(AssertUnwindSafe(|| take(self))).is_err() {
            *self = Builder { is_exact: false, ..Builder::new(self.next) };
        }
    }

    fn take_frame(&mut self, raw: &[u8], packed: u32) {
        let number = self.frames.len() as u32;
        if !self.is_exact || number >= FRAMES_MAX {
            self.is_exact = false;
            return;
        }
        let raw_bytes = raw.len() as u32;
        let mut facts = FrameFacts { packed, raw: raw_bytes, first: self.next, ..FrameFacts::default() };
        let (mut oldest, mut newest) = (&[][..], &[][..]);
        let mut rest = raw;
        while !rest.is_empty() {
            let line = memchr::memchr(b'\n', rest).map(|end| rest.split_at(end));
            let Some((Some(body), after)) = line.map(|(line, after)| (tail::body(line), after)) else {
                self.is_exact = false;
                return;
            };
            rest = &after[1..];
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
        self.grams.iter_mut().for_each(Grams::end_frame);
        self.frames.push(facts);
    }

    /// Takes in one line; `None` when it is no record, an error when it is not in the form that is written.
    fn line<'a>(&mut self, body: &'a [u8], frame: u32) -> Result<Option<Seen<'a>>, ()> {
        if !body.starts_with(b"{\"seq\":") {
            return Ok(None);
        }
        let (mut seq, mut at, mut id) = (None, &[][..], None);
        self.places.clear();
        let mut all = match head(body) {
            Some((seen, end)) => {
                (seq, at, id) = (Some(seen.seq.0), seen.time, Some(seen.id));
                fields_from(body, end)
            }
            None => fields(body),
        };
        loop {
            self.pass_known(&mut all, body, frame);
            let Some(field) = all.next() else { break };
            match field.name {
                Name::Short(SEQ) => seq = number(field.value),
                Name::Short(TIME) => at = inside(field.value).unwrap_or_default(),
                Name::Short(ID) => id = inside(field.value).and_then(id_prefix),
                Name::Long(b"raw-base64") => {
                    self.grams.iter_mut().for_each(|grams| grams.add_base64(field.value));
                }
                _ => {}
            }
            let column = Column::of(field.name);
            self.stretches.read(body, &field, column, frame);
            if let Some(column) = column {
                self.columns[column as usize].add(&field.pair);
            }
            if !matches!(field.name, Name::Short(SEQ | ID | TIME | SEEN | POSITION | COUNT | SYNCED)) {
                let escaped =
                    if field.is_escaped { field.pair.end - field.value.len() } else { field.pair.end };
                self.places.push(Place { pair: field.pair, escaped, column });
            }
        }
        self.stretches.end_line();
        let (true, Some(seq), Some(id)) = (all.were_whole(), seq, id) else { return Err(()) };
        if at.len() != TIME_BYTES {
            return Err(());
        }
        let were_there: [bool; Column::ALL.len()] =
            std::array::from_fn(|column| self.columns[column].end_record(body, frame));
        self.take_text(body, were_there);
        Ok(Some(Seen { seq: Seq(seq), time: at, id }))
    }

    /// Takes in fields that lines had before, without reading them.
    #[inline]
    fn pass_known(&mut self, all: &mut Fields<'_>, body: &[u8], frame: u32) {
        let at = all.at();
        let Some(stretch) = self.stretches.find(body, at, frame) else { return };
        for (pair, column) in stretch.pairs() {
            self.columns[*column as usize].add(&(at + pair.start..at + pair.end));
        }
        all.pass(stretch.len());
        if !stretch.was_in(frame) {
            let end = at + stretch.len() - 1;
            self.places.push(Place { pair: at..end, escaped: end, column: None });
        }
    }

    /// Takes in the text of a line. But for numbers, which are left out, and the fields of columns whose value the frame had
    /// before: their runs are there.
    fn take_text(&mut self, body: &[u8], were_there: [bool; Column::ALL.len()]) {
        let Some(grams) = &mut self.grams else { return };
        self.pieces.clear();
        for place in &self.places {
            if place.column.is_some_and(|column| were_there[column as usize]) {
                continue;
            }
            if place.escaped < place.pair.end {
                grams.add_escaped(&body[place.escaped..place.pair.end]);
            }
            match self.pieces.last_mut() {
                // What stands side by side is taken in together.
                Some(piece) if piece.end + 1 == place.pair.start => piece.end = place.pair.end,
                _ => self.pieces.push(place.pair.clone()),
            }
        }
        grams.add_pieces(body, &self.pieces);
    }

    /// The index as a file. `about` says whether every byte of the segment counts; what was read has the last word.
    pub(in crate::journal) fn finish(self, about: About) -> Vec<u8> {
        let is_exact = about.is_exact && self.is_exact && self.next == about.next;
        let sections = if is_exact { guard(AssertUnwindSafe(|| self.sections())).ok() } else { None };
        let about = About { is_exact: sections.is_some(), ..about };
        file::encode(&about, sections.unwrap_or_default())
    }

    fn sections(self) -> Vec<(u32, Vec<u8>)> {
        let mut sections = vec![(file::FRAMES, file::frames(&self.frames)), (file::IDS, self.ids.encode())];
        for column in Column::ALL {
            let encoded = self.columns[column as usize].encode(self.frames.len());
            sections.extend(encoded.map(|bytes| (file::COLUMNS + column as u32, bytes)));
        }
        if let Some(grams) = self.grams {
            let row_bytes = self.frames.len().div_ceil(8).max(1);
            sections.push((file::GRAMS, file::grams(&grams.into_rows(row_bytes), row_bytes)));
        }
        sections
    }
}

fn time(text: &[u8]) -> Option<Time> {
    Time::parse_rfc3339(std::str::from_utf8(text).ok()?)
}

const SEQ: u64 = Name::short(b"seq");
const TIME: u64 = Name::short(b"time");
const ID: u64 = Name::short(b"id");
// With these all that has no text, but numbers: in decimal or hex, and times. See `grams::may_be_number`.
const SEEN: u64 = Name::short(b"seen");
const POSITION: u64 = Name::short(b"position");
const COUNT: u64 = Name::short(b"count");
const SYNCED: u64 = Name::short(b"synced");
/// Twice as many as a segment of 16 GiB has.
const FRAMES_MAX: u32 = u16::MAX as u32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tail::{Chain, finish};

    /// A line of which the parts that lines have in common, and what is between them, are one of few each.
    fn line(seq: u64, rng: &mut fastrand::Rng) -> Vec<u8> {
        let mut one_of = |all: &[&'static str]| all[rng.usize(..all.len())];
        let what = [
            one_of(&[r#""class":"user-operation","action":"user.login""#, r#""class":"agent""#]),
            one_of(&[r#","code":"OTA-1001""#, r#","code":"OTA-\u0031""#, ""]),
            one_of(&[r#","outcome":"success""#, r#","outcome":"failure""#]),
            one_of(&[
                r#","severity":3,"sensor":"plant-a","source":"timeline""#,
                r#","severity":3,"source":"t""#,
            ]),
            one_of(&["", r#","position":{"file":1,"offset":7}"#, r#","user":"alice","client":"::1""#]),
            one_of(&["", r#","type":"USER_LOGIN","title":"User Login Attempt""#, r#","type":"X""#]),
            one_of(&["", r#","label":"INFO""#, r#","label":"NOTICE""#, r#","class":"y""#]),
            one_of(&["", r#","flags":["unparsed"]"#, r#","type":"second","label":"z""#]),
            one_of(&["", r#","raw":{"type":"inside","class":"inside, too"}"#]),
        ];
        let head = format!("{{\"seq\":{seq},\"id\":\"{:032x}\"", seq * 7);
        let time = "2024-02-29T09:11:02.000Z";
        format!("{head},\"time\":\"{time}\",\"seen\":\"{time}\",{}", what.concat()).into_bytes()
    }

    #[test]
    fn a_panic_costs_the_index_and_is_not_tried_again() {
        let mut builder = Builder::new(Seq(1));
        builder.end_frame(FrameFacts::default());
        builder.or_give_up(|builder| {
            builder.ids.add(7, 0);
            std::panic::resume_unwind(Box::new(()))
        });
        assert!(!builder.is_exact() && builder.frames().is_empty(), "what is asked of it is not answered");
        builder.frame(b"", 1);
        assert!(!builder.is_exact());
        let about = About { segment: "s".to_owned(), sealed: 7, next: Seq(1), is_exact: true };
        let none = file::encode(&About { is_exact: false, ..about.clone() }, Vec::new());
        assert_eq!(builder.finish(about), none, "an index that says nothing, and need not be made anew");
    }

    #[test]
    fn what_is_known_by_its_bytes_is_what_would_be_read() {
        let mut rng = fastrand::Rng::with_seed(11);
        let mut builder = Builder::new(Seq(1));
        let mut read = Column::ALL.map(|_| Counting::new());
        let mut texts = Grams::new();
        builder.at_header = false;
        for frame in 0..8 {
            let mut raw = Vec::new();
            for seq in 1..=500 {
                let body = line(frame * 500 + seq, &mut rng);
                for field in fields(&body) {
                    if let Some(column) = Column::of(field.name) {
                        read[column as usize].add(&field.pair);
                    }
                    let is_text = !matches!(field.name, Name::Short(SEQ | ID | TIME | SEEN | POSITION));
                    if is_text {
                        texts.add(&body[field.pair.clone()]);
                    }
                }
                for column in &mut read {
                    column.end_record(&body, frame as u32);
                }
                let begin = raw.len();
                raw.extend_from_slice(&body);
                finish(&mut raw, begin, Chain::default());
            }
            builder.frame(&raw, 1);
            texts.end_frame();
        }
        assert!(builder.is_exact() && builder.next == Seq(4001));
        for column in Column::ALL {
            let mut counted = [&builder.columns, &read].map(|columns| {
                let values = Values::read(columns[column as usize].encode(8).unwrap()).unwrap();
                values.iter().map(|value| (value.json.to_vec(), value.records)).collect::<Vec<_>>()
            });
            counted.iter_mut().for_each(|counted| counted.sort());
            assert_eq!(counted[0], counted[1], "{column:?}");
        }
        let (kept, expected) = (builder.grams.unwrap().into_rows(1), texts.into_rows(1));
        assert!(kept.iter().zip(&expected).all(|(kept, wanted)| kept & wanted == *wanted));
    }
}
