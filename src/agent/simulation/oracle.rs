//! What must be true: the account of what was written, journaled, sent, taken and confirmed.

use crate::forward::simulation::{Did, Frame, Setting, line};
use crate::model::{Action, EventId, Record, Seq};
use std::collections::{BTreeMap, BTreeSet};

/// The account.
#[derive(Default)]
pub(super) struct Oracle {
    /// The journal as it was announced.
    records: BTreeMap<Seq, EventId>,
    lines: BTreeMap<usize, EventId>,
    wanted: BTreeSet<Seq>,
    /// How often each was sent, and how often that may be.
    sent: BTreeMap<Seq, (usize, usize)>,
    taken: BTreeMap<Seq, usize>,
    taken_lines: BTreeSet<usize>,
    last_line: Option<usize>,
    confirmed: Seq,
    /// The first thing that was wrong.
    pub(super) wrong: Option<String>,
}

impl Oracle {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.wrong.is_none() {
            self.wrong = Some(what());
        }
    }

    pub(super) fn newest(&self) -> Seq {
        self.records.keys().next_back().copied().unwrap_or_default()
    }

    /// A record is announced, or is read once more.
    pub(super) fn on_record(&mut self, record: &Record, setting: Setting) {
        let (seq, id) = (record.seq, record.event.id);
        let before = *self.records.entry(seq).or_insert(id);
        self.must(before == id, || format!("record {seq} was announced and is another now"));
        self.must(record.event.action != Action::JOURNAL_DAMAGED, || record.event.message.to_string());
        if let Some(line) = line(record) {
            let before = *self.lines.entry(line).or_insert(id);
            self.must(before == id, || format!("line {line} has another id in record {seq}"));
            let again = self.records.iter().any(|(other, of)| *of == id && *other != seq);
            self.must(!again, || format!("line {line} was read twice: record {seq}"));
        }
        if setting.wants(record) {
            self.wanted.insert(seq);
        }
    }

    pub(super) fn on_did(&mut self, did: &Did, confirmed: Seq) {
        match did {
            Did::Sent(frame) => {
                let (sent, may) = self.sent.entry(frame.seq).or_insert((0, 1));
                *sent += 1;
                let (sent, may) = (*sent, *may);
                self.must(sent <= may, || {
                    format!("record {} was sent {sent} times without a break", frame.seq)
                });
                self.must(frame.resent || sent == 1, || format!("record {} comes again unmarked", frame.seq));
                self.must(self.records.get(&frame.seq) == Some(&frame.id), || {
                    format!("record {} was sent before it was announced, or with another id", frame.seq)
                });
                let between =
                    self.wanted.range(frame.prev.next()..frame.seq.max(frame.prev.next())).next().copied();
                self.must(between.is_none() && frame.prev < frame.seq, || {
                    format!("record {} says that it follows {}, and hides {between:?}", frame.seq, frame.prev)
                });
            }
            Did::Broke => self.may_come_again(confirmed),
        }
    }

    /// What is not confirmed may be sent once more.
    pub(super) fn may_come_again(&mut self, confirmed: Seq) {
        self.sent.range_mut(confirmed.next()..).for_each(|(_, (sent, may))| *may = *sent + 1);
    }

    /// The program of the receiver has it.
    pub(super) fn on_taken(&mut self, frame: &Frame) {
        let known = frame.prev == Seq::NONE || self.taken.contains_key(&frame.prev);
        self.must(known, || format!("record {} shows a hole: {} never came", frame.seq, frame.prev));
        let unmarked = self.taken.entry(frame.seq).or_default();
        *unmarked += usize::from(!frame.resent);
        let unmarked = *unmarked;
        self.must(unmarked <= 1, || format!("two copies of record {} are unmarked", frame.seq));
        if let Some(line) = frame.line.filter(|line| self.taken_lines.insert(*line)) {
            let last = self.last_line.replace(line);
            self.must(last.is_none_or(|last| last < line), || format!("line {line} came after {last:?}"));
        }
    }

    /// The agent counts everything up to there as delivered.
    pub(super) fn on_confirmed(&mut self, confirmed: Seq) {
        if confirmed <= self.confirmed {
            return;
        }
        let untrue = self.wanted.range(self.confirmed.next()..=confirmed);
        let untrue: Vec<Seq> = untrue.filter(|seq| !self.taken.contains_key(seq)).copied().collect();
        self.must(untrue.is_empty(), || format!("counted as delivered, and lost: {untrue:?}"));
        self.confirmed = confirmed;
    }

    pub(super) fn has_read(&self, lines: usize) -> bool {
        self.lines.len() == lines
    }

    /// All is well again, and has been for long.
    pub(super) fn at_the_end(&mut self, lines: usize, selective: bool) {
        let wanted = |line: &usize| !selective || !line.is_multiple_of(3);
        let unread: Vec<usize> = (0..lines).filter(|line| !self.lines.contains_key(line)).collect();
        self.must(unread.is_empty(), || format!("never read: {unread:?}"));
        let lost: Vec<usize> =
            (0..lines).filter(wanted).filter(|line| !self.taken_lines.contains(line)).collect();
        self.must(lost.is_empty(), || format!("never delivered: {lost:?}"));
    }
}
