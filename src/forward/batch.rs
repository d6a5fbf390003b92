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
                Ok(put) => Put { bytes, print } = put,
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
        if encoded.frames > 0 {
            self.prints.add(delivery.prev(), encoded.end.last, print);
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
