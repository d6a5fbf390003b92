//! Counts what was written against what has arrived: pure.

use super::Frame;
use crate::model::Time;
use std::collections::{HashMap, HashSet};

/// The count so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Time and text of every entry, in the order of writing.
    written: Vec<(Time, String)>,
    /// Those that have arrived, in the order of first arrival.
    arrived: Vec<(Time, String)>,
    /// With the row that an entry waits in: entries keep their order within a row.
    expected: HashMap<(Time, String), &'static str>,
    /// The seq of every entry that has arrived.
    events: HashMap<(Time, String), u64>,
    /// Event id and seq of every frame; one id has one seq.
    ids: HashMap<String, u64>,
    seqs: HashSet<u64>,
    newest: u64,
    own: usize,
    again: usize,
    faults: Vec<String>,
}

/// Whether a frame was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// For the first time.
    First,
    /// Sent once more, because there was no evidence that it had arrived.
    Again,
}

/// The numbers of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Entries that the sensor wrote.
    pub written: usize,
    /// How many of them have arrived.
    pub delivered: usize,
    /// How many have not.
    pub lost: usize,
    /// Frames that arrived once more, all marked and with the same id.
    pub duplicates: usize,
    /// Events of otrail itself.
    pub own: usize,
    /// Whether entries came in the order of writing, without a hole in the numbers.
    pub in_order: bool,
    /// What should not be.
    pub faults: Vec<String>,
}

impl Tally {
    /// `row`: what is asked for separately keeps its order by itself alone.
    pub(super) fn on_written(&mut self, time: Time, content: &str, row: &'static str) {
        self.written.push((time, content.to_owned()));
        self.expected.insert((time, content.to_owned()), row);
    }

    pub(super) fn on_fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Notes a frame.
    pub(super) fn on_frame(&mut self, frame: &Frame) -> Novelty {
        let (Some(id), Some(seq), Some(prev)) =
            (frame.field("id"), frame.number("seq"), frame.number("prev"))
        else {
            self.faults.push(format!("a frame without id, seq or prev: {}", frame.message));
            return Novelty::First;
        };
        if let Some(&before) = self.ids.get(id) {
            self.again += 1;
            if before != seq {
                self.faults.push(format!("seq {seq} has the id of seq {before}"));
            }
            if frame.field("resent") != Some("1") {
                self.faults.push(format!("seq {seq} came twice without the mark `resent`"));
            }
            return Novelty::Again;
        }
        self.ids.insert(id.to_owned(), seq);
        if prev != 0 && !self.seqs.contains(&prev) {
            self.faults.push(format!("seq {prev}, which stands before {seq}, has not come"));
        }
        if seq <= self.newest {
            self.faults.push(format!("seq {seq} came after {}", self.newest));
        }
        self.newest = self.newest.max(seq);
        self.seqs.insert(seq);
        self.on_event(frame, seq);
        Novelty::First
    }

    /// An event that is new by its id.
    fn on_event(&mut self, frame: &Frame, seq: u64) {
        let event = (frame.time, frame.message.clone());
        if frame.field("class") == Some("agent") {
            self.own += 1;
        } else if !self.expected.contains_key(&event) {
            self.faults.push(format!("nobody wrote this: {}", frame.message));
        } else if let Some(before) = self.events.insert(event.clone(), seq) {
            self.faults.push(format!("seq {seq} is the entry of seq {before} once more: {}", frame.message));
        } else {
            self.arrived.push(event);
        }
    }

    /// Whether everything written has arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.arrived.len() >= self.written.len()
    }

    /// The numbers so far.
    pub(super) fn summary(&self) -> Summary {
        let delivered: HashSet<_> = self.arrived.iter().collect();
        let lost = self.written.iter().filter(|entry| !delivered.contains(entry)).count();
        let written: Vec<_> = self.written.iter().filter(|entry| delivered.contains(entry)).collect();
        let rows: HashSet<_> = self.expected.values().collect();
        let in_row = |entry: &(Time, String), row| self.expected.get(entry) == Some(row);
        let in_order = rows.into_iter().all(|row| {
            let written = written.iter().copied().filter(|entry| in_row(entry, row));
            written.eq(self.arrived.iter().filter(|entry| in_row(entry, row)))
        });
        Summary {
            written: self.written.len(),
            delivered: self.written.len() - lost,
            lost,
            duplicates: self.again,
            own: self.own,
            in_order,
            faults: self.faults.clone(),
        }
    }
}

impl Summary {
    /// What is wrong with the numbers, in a sentence.
    pub fn fault(&self) -> Option<String> {
        if self.lost > 0 {
            return Some(format!("{} of {} entries written have not arrived", self.lost, self.written));
        }
        match self.faults.as_slice() {
            [] if self.in_order => None,
            [] => Some("the entries have not arrived in the order in which they were written".to_owned()),
            [fault] => Some(fault.clone()),
            [fault, more @ ..] => Some(format!("{fault}; and {} more faults", more.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: u64, message: &str) -> Frame {
        let fields =
            [("id", format!("{seq:032x}")), ("seq", seq.to_string()), ("prev", (seq - 1).to_string())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Frame { fields: fields.into(), message: message.to_owned(), ..Frame::default() }
    }

    fn again(seq: u64, message: &str) -> Frame {
        let mut frame = frame(seq, message);
        frame.fields.push(("resent".to_owned(), "1".to_owned()));
        frame
    }

    fn tally(frames: &[Frame]) -> Summary {
        let mut tally = Tally::default();
        ["a", "b", "c"].iter().for_each(|content| tally.on_written(Time::default(), content, ""));
        frames.iter().for_each(|frame| {
            tally.on_frame(frame);
        });
        tally.summary()
    }

    #[test]
    fn all_is_well_when_everything_came_in_order_and_again_only_with_a_mark() {
        let summary = tally(&[frame(1, "a"), frame(2, "b"), again(2, "b"), frame(3, "c")]);
        assert_eq!((summary.written, summary.delivered, summary.lost, summary.duplicates), (3, 3, 0, 1));
        assert_eq!(summary.fault(), None);
    }

    #[test]
    fn every_broken_promise_is_a_fault() {
        let (a, b, c) = (frame(1, "a"), frame(2, "b"), frame(3, "c"));
        for (frames, fault) in [
            (vec![a.clone(), b.clone()], "1 of 3 entries written have not arrived"),
            (
                vec![frame(1, "b"), frame(2, "a"), frame(3, "c")],
                "the entries have not arrived in the order in which they were written",
            ),
            (vec![a.clone(), b.clone(), b.clone(), c.clone()], "seq 2 came twice without the mark `resent`"),
            (vec![a.clone(), b.clone(), c.clone(), frame(4, "d")], "nobody wrote this: d"),
            (
                vec![a.clone(), b.clone(), frame(3, "b"), frame(4, "c")],
                "seq 3 is the entry of seq 2 once more: b",
            ),
            (vec![a.clone(), b.clone(), frame(5, "c")], "seq 4, which stands before 5, has not come"),
            (vec![a, b, c, frame(2, "b")], "seq 2 came twice without the mark `resent`"),
            (
                vec![frame(2, "a"), frame(3, "b"), frame(1, "c")],
                "seq 1, which stands before 2, has not come; and 1 more faults",
            ),
        ] {
            assert_eq!(tally(&frames).fault().as_deref(), Some(fault));
        }
    }
}
