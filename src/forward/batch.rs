//! Records become framed bytes, ready for a link.

use super::delivery::Delivery;
use super::prints::Prints;
use crate::format::Envelope;
use crate::journal::Reached;
use crate::model::guard::Panicked;
use crate::model::{Print, Record, Seq};

/// What every frame of a destination has in common, and the counter that runs through them.
pub(super) struct Encoder {
    stream: String,
    /// RFC 5424 section 7.3.1: 1 to 2147483647, then 1 again.
    sequence_id: u32,
    /// Records up to here have been looked at; what is looked at again is not counted again.
    looked: Seq,
    pub clock_synced: bool,
    prints: Prints,
    /// Frames of a replay say so.
    pub replay: bool,
}

/// What one batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoded {
    /// The last record of it, and the last that was looked at.
    pub end: Reached,
    pub frames: u64,
    pub resent: u64,
    /// Those that are not selected, each counted once.
    pub passed_over: u64,
}

/// What came of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Put {
    /// Bytes of the batch with it.
    pub bytes: usize,
    /// What the next one says of it.
    pub print: Option<Print>,
}

/// How much of the records goes into a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// It may be one frame more.
    pub bytes: usize,
    pub frames: usize,
}

impl Encoder {
    /// `print` is what is known of the last frame before.
    pub(super) fn new(stream: String, confirmed: Reached, print: Option<Print>) -> Encoder {
        let prints = Prints::after(confirmed.last, print);
        Encoder {
            stream,
            sequence_id: 0,
            looked: confirmed.through,
            clock_synced: false,
            prints,
            replay: false,
        }
    }

    /// What the frame after that record says of the one with it.
    pub(super) fn print_of(&self, seq: Seq) -> Option<Print> {
        self.prints.of(seq)
    }

    /// The record `seq`, which comes after `prev`, was taken in a frame of another driver, or there is none of it: what was
    /// sent of it before is not what the next frame follows.
    pub(super) fn on_done_with(&mut self, prev: Seq, seq: Seq, print: Option<Print>) {
        self.prints.add(prev, seq, print);
    }

    /// Puts those `records` into frames that are selected: at least one if there is one. `put` appends a frame to them. Ends
    /// before one that cannot be looked at or written, and says why.
    pub(super) fn encode(
        &mut self,
        wants: impl Fn(&Record) -> Result<bool, Panicked>,
        delivery: &Delivery,
        records: &[Record],
        most: Most,
        mut put: impl FnMut(&Envelope<'_>, &Record) -> Result<Put, Panicked>,
    ) -> (Encoded, Option<Panicked>) {
        self.prints.forget_before(delivery.reached().last);
        let mut print = self.prints.of(delivery.prev());
        let end = Reached { through: delivery.sent(), last: delivery.prev() };
        let mut encoded = Encoded { end, frames: 0, resent: 0, passed_over: 0 };
        let (mut bytes, mut unwritten) = (0, None);
        for record in records {
            if encoded.frames > 0 && (bytes >= most.bytes || encoded.frames >= most.frames as u64) {
                break;
            }
            match wants(record) {
                Ok(true) => {}
                Ok(false) => {
                    encoded.end.through = record.seq;
                    encoded.passed_over += u64::from(self.is_new(record.seq));
                    continue;
                }
                Err(panicked) => {
                    unwritten = Some(panicked);
                    break;
                }
            }
            let sequence_id = if self.sequence_id >= SEQUENCE_ID_MAX { 1 } else { self.sequence_id + 1 };
            let resent = delivery.is_resent(record.seq);
            let envelope = Envelope {
                stream: &self.stream,
                prev: encoded.end.last,
                print,
                resent,
                replay: self.replay,
                sequence_id,
                clock_synced: self.clock_synced,
            };
            match put(&envelope, record) {
                Ok(put) => {
                    Put { bytes, print } = put;
                    self.prints.add(envelope.prev, record.seq, print);
                }
                Err(panicked) => {
                    unwritten = Some(panicked);
                    break;
                }
            }
            self.sequence_id = sequence_id;
            encoded.end = Reached { through: record.seq, last: record.seq };
            encoded.frames += 1;
            encoded.resent += u64::from(resent);
        }
        (encoded, unwritten)
    }

    /// Passes over `records` up to the first that is selected: the last one before that, and which it is.
    pub(super) fn pass_over(&mut self, wants: impl Fn(&Record) -> bool, records: &[Record]) -> Passed {
        let mut passed = Passed::default();
        for record in records {
            if wants(record) {
                passed.wanted = Some(record.seq);
                break;
            }
            passed.through = Some(record.seq);
            passed.count += u64::from(self.is_new(record.seq));
        }
        passed
    }

    fn is_new(&mut self, seq: Seq) -> bool {
        let is_new = seq > self.looked;
        self.looked = self.looked.max(seq);
        is_new
    }
}

/// What comes of a look at records that cannot be sent yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub through: Option<Seq>,
    pub count: u64,
    /// The first that is selected.
    pub wanted: Option<Seq>,
}

const SEQUENCE_ID_MAX: u32 = 2_147_483_647;

#[cfg(test)]
mod tests {
    use super::super::backoff::Backoff;
    use super::super::delivery::{Limits, Proof};
    use super::*;
    use crate::model::{Action, Event, Outcome, Time};
    use crate::model::{Chain, EventId};
    use std::time::Duration;

    /// Sends these records; of each frame its record, the one that it says it follows, and that of which it has a print.
    fn send(
        delivery: &mut Delivery,
        encoder: &mut Encoder,
        seqs: std::ops::RangeInclusive<u64>,
    ) -> Vec<[u64; 3]> {
        let own = || Event::own(Action::TEST, Outcome::Success, Time::default(), "x");
        let record = |seq| Record { seq: Seq(seq), position: None, event: own(), chain: None };
        let records: Vec<Record> = seqs.map(record).collect();
        delivery.on_connected(Duration::ZERO);
        delivery.on_proof(Proof::Running);
        let mut sent = Vec::new();
        let put = |envelope: &Envelope<'_>, record: &Record| {
            sent.push([record.seq.0, envelope.prev.0, envelope.print.map_or(0, |print| print.id.0 as u64)]);
            let print = Print { id: EventId(record.seq.0.into()), kind: 1, hash: Chain::default() };
            Ok(Put { bytes: 1, print: Some(print) })
        };
        let most = Most { bytes: usize::MAX, frames: usize::MAX };
        let (encoded, _) = encoder.encode(|_| Ok(true), delivery, &records, most, put);
        delivery.on_sent(encoded.end, encoded.frames as usize, 100, Duration::ZERO);
        sent
    }

    fn start() -> (Delivery, Encoder) {
        let limits = Limits {
            window_bytes_max: 1 << 20,
            barrier_interval: Duration::from_secs(30),
            trusting: false,
            finite: false,
            selective: false,
        };
        let backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
        let delivery = Delivery::resume_after(Seq::NONE, Seq::NONE, limits, backoff);
        (delivery, Encoder::new("00".into(), Reached::default(), None))
    }

    #[test]
    fn after_an_acknowledgement_within_a_batch_the_next_frame_is_bound_to_the_confirmed_one() {
        let (mut delivery, mut encoder) = start();
        let sent = send(&mut delivery, &mut encoder, 1..=5);
        assert_eq!(sent, [[1, 0, 0], [2, 1, 1], [3, 2, 2], [4, 3, 3], [5, 4, 4]]);
        // The server has acknowledged the second of five messages when it is gone.
        delivery.on_confirmed(Seq(2));
        assert!(encoder.print_of(delivery.reached().last).is_some(), "the cursor keeps it");
        delivery.on_lost(Duration::ZERO, 0.0);
        assert_eq!(send(&mut delivery, &mut encoder, 3..=4), [[3, 2, 2], [4, 3, 3]]);
    }

    #[test]
    fn after_a_record_that_was_taken_alone_the_next_frame_is_bound_to_that() {
        let (mut delivery, mut encoder) = start();
        send(&mut delivery, &mut encoder, 1..=2);
        delivery.on_confirmed(Seq(2));
        let print = Print { id: EventId(30), kind: 1, hash: Chain::default() };
        encoder.on_done_with(Seq(2), Seq(3), Some(print));
        delivery.on_done_with(Seq(3));
        assert!(encoder.print_of(delivery.reached().last).is_some(), "the cursor keeps it");
        assert_eq!(send(&mut delivery, &mut encoder, 4..=5), [[4, 3, 30], [5, 4, 4]]);
    }

    #[test]
    fn after_a_record_that_was_set_aside_the_next_frame_is_bound_to_none() {
        let (mut delivery, mut encoder) = start();
        send(&mut delivery, &mut encoder, 1..=3);
        delivery.on_confirmed(Seq(2));
        delivery.on_lost(Duration::ZERO, 0.0);
        encoder.on_done_with(Seq(2), Seq(3), None);
        delivery.on_done_with(Seq(3));
        assert_eq!(send(&mut delivery, &mut encoder, 4..=5), [[4, 3, 0], [5, 4, 4]]);
    }
}
