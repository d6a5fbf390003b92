//! A batch on its way to the disk: events get their seqs, lines their ends.

use super::Journal;
use super::line::{self, push_number};
use super::recovery::Files;
use super::segment::{FollowedFile, Mark, Note, Progress, push_open};
use super::spare::Spare;
use super::tail::{self, Chain};
use crate::model::{Event, EventId, Position, Record, Seq, StreamId, Time};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What goes into the journal together.
#[derive(Debug, Default)]
pub struct Input {
    /// Files that are followed from now on, or whose head is known better.
    pub files: Vec<FollowedFile>,
    /// Events in the order of their entries.
    pub drafts: Vec<Draft>,
    /// Progress that no event carries.
    pub progress: Vec<Progress>,
}

impl Input {
    /// One of otrail's own events and nothing else.
    pub fn own(event: Event) -> Input {
        Input { drafts: vec![Draft { event, position: None, mark: None }], ..Input::default() }
    }
}

impl Journal {
    /// An empty batch, with the room of one that was written before.
    pub fn blank(&self) -> Input {
        self.writer().blank()
    }
}

/// An event that has no seq yet.
#[derive(Debug)]
pub struct Draft {
    /// The event.
    pub event: Event,
    /// Just after its entry; of otrail's own events only those that change it have one: a reset, a replaced log.
    pub position: Option<Position>,
    /// What the file was there; the last entry of a file in a batch has one.
    pub mark: Option<Mark>,
}

/// A batch on its way to the disk.
pub(super) struct Pending {
    pub bytes: Vec<u8>,
    pub written: usize,
    pub chain: Chain,
    pub records: Vec<Record>,
    /// What files were at the positions of these records.
    pub marks: Vec<(Seq, Mark)>,
    pub files: Vec<FollowedFile>,
    pub progress: Vec<Progress>,
    pub synced: Seq,
    /// What it has left of the buffers it was made in.
    pub spare: Spare,
}

/// Where the journal stands when a batch is made.
pub(super) struct Stand<'a> {
    pub stream: StreamId,
    pub next: Seq,
    /// The newest seq that is durable.
    pub synced: Seq,
    pub chain: Chain,
    pub files: &'a Files,
}

impl Stand<'_> {
    /// Gives a batch its seqs and its form on disk, in buffers that were used before. `None` when it is empty.
    pub(super) fn prepare(&self, mut input: Input, mut spare: Spare) -> Option<Pending> {
        place_files(&mut input.files, self.files);
        let (mut bytes, mut records) = (spare.bytes(), spare.records(input.drafts.len()));
        let (mut chain, synced) = (self.chain, self.synced);
        let mut first = true;
        let mut end = |bytes: &mut Vec<u8>, start: usize| {
            if std::mem::take(&mut first) {
                push_synced(synced, bytes);
            }
            chain = tail::finish(bytes, start, chain);
            chain
        };
        for file in &input.files {
            let start = bytes.len();
            push_open(&Note::File(file.clone()), &mut bytes);
            end(&mut bytes, start);
        }
        let mut marks = Vec::new();
        for (seq, draft) in (self.next.0..).zip(input.drafts.drain(..)) {
            let mut record =
                Record { seq: Seq(seq), position: draft.position, event: draft.event, chain: None };
            if record.event.id == EventId(0) {
                record.event.id = own_id(self.stream, record.seq);
            }
            let start = bytes.len();
            line::encode(&record, draft.mark, &mut bytes);
            record.chain = Some(end(&mut bytes, start));
            marks.extend(draft.mark.map(|mark| (record.seq, mark)));
            records.push(record);
        }
        for progress in &input.progress {
            let start = bytes.len();
            push_open(&Note::Position(*progress), &mut bytes);
            end(&mut bytes, start);
        }
        spare.take_drafts(input.drafts);
        let (files, progress) = (input.files, input.progress);
        (!bytes.is_empty()).then_some(Pending {
            bytes,
            written: 0,
            chain,
            records,
            marks,
            files,
            progress,
            synced,
            spare,
        })
    }

    /// The line that only says what is durable.
    pub(super) fn durable_note(&self, now: Time) -> Pending {
        #[derive(Serialize)]
        struct Settled {
            settled: String,
        }
        let mut bytes = Vec::with_capacity(256);
        push_open(&Settled { settled: now.to_string() }, &mut bytes);
        let synced = self.synced;
        push_synced(synced, &mut bytes);
        let chain = tail::finish(&mut bytes, 0, self.chain);
        Pending {
            bytes,
            written: 0,
            chain,
            records: Vec::new(),
            marks: Vec::new(),
            files: Vec::new(),
            progress: Vec::new(),
            synced,
            spare: Spare::default(),
        }
    }
}

/// A file's line stands before the entries of its batch, so it must not be ahead of them: a tear in between
/// would lose them.
fn place_files(files: &mut [FollowedFile], known: &Files) {
    for at in 0..files.len() {
        let (before, rest) = files.split_at_mut(at);
        let file = &mut rest[0];
        let earlier = before.iter().rfind(|other| other.number == file.number);
        if let Some(placed) = earlier.or_else(|| known.get(&file.number)) {
            (file.offset, file.entries, file.passed_over, file.mark) =
                (placed.offset, placed.entries, placed.passed_over, placed.mark);
        }
    }
}

impl Pending {
    /// The seq after the last record; `None` without records.
    pub(super) fn next(&self) -> Option<Seq> {
        self.records.last().map(|last| last.seq.next())
    }

    /// Takes what the batch says of the followed files into their table.
    pub(super) fn advance(&self, files: &mut Files) {
        for file in &self.files {
            files.insert(file.number, file.clone());
        }
        let mut marks = self.marks.iter().peekable();
        for record in &self.records {
            let mark = marks.next_if(|(seq, _)| *seq == record.seq).map(|&(_, mark)| mark);
            if let Some(position) = record.position
                && let Some(file) = files.get_mut(&position.file)
            {
                file.reach(position.offset, mark);
            }
        }
        for progress in &self.progress {
            if let Some(file) = files.get_mut(&progress.file) {
                file.advance(progress);
            }
        }
    }

    /// Writes the ends of all lines anew, since the line before the first is another now.
    pub(super) fn rechain(&mut self, before: Chain) {
        let old = std::mem::take(&mut self.bytes);
        self.bytes.reserve(old.len());
        (self.chain, self.written) = (before, 0);
        let mut records = self.records.iter_mut().peekable();
        for line in old.split_inclusive(|&byte| byte == b'\n') {
            let whole = line.strip_suffix(b"\n").and_then(tail::check);
            let Some(whole) = whole else { continue };
            let start = self.bytes.len();
            self.bytes.extend_from_slice(whole.body);
            self.chain = tail::finish(&mut self.bytes, start, self.chain);
            let seq = line::peek(whole.body).seq;
            if let Some(record) = records.next_if(|record| Some(record.seq) == seq) {
                record.chain = Some(self.chain);
            }
        }
    }
}

fn push_synced(synced: Seq, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"synced\":");
    push_number(synced.0, out);
}

/// The id of one of otrail's own events: its place is all that tells it from others.
fn own_id(stream: StreamId, seq: Seq) -> EventId {
    let hash = Sha256::new().chain_update(b"otrail").chain_update(stream.0.to_be_bytes());
    let hash: [u8; 32] = hash.chain_update(seq.0.to_be_bytes()).finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    EventId(u128::from_be_bytes(id))
}
