//! Records become framed bytes, ready for a link.

use super::delivery::Delivery;
use super::flight::Flight;
use super::settings::Settings;
use crate::format::Envelope;
use crate::model::{Record, Seq};
use crate::transport::Link;

/// What every frame of a destination has in common, and the counter that runs through them.
pub(super) struct Encoder {
    stream: String,
    /// RFC 5424 section 7.3.1: 1 to 2147483647, then 1 again.
    sequence_id: u32,
    pub clock_synced: bool,
}

/// What one batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoded {
    pub through: Seq,
    pub frames: u64,
    pub resent: u64,
}

impl Encoder {
    pub(super) fn new(stream: String) -> Encoder {
        Encoder { stream, sequence_id: 0, clock_synced: false }
    }

    /// Appends the frames of `records` for this link to `out` until that holds about `bytes_max` bytes; at least one.
    pub(super) fn encode(
        &mut self,
        settings: &Settings,
        delivery: &Delivery,
        records: &[Record],
        bytes_max: usize,
        (link, flight): (&mut Link, &mut Flight),
        out: &mut Vec<u8>,
    ) -> Encoded {
        let mut encoded = Encoded { through: delivery.sent(), frames: 0, resent: 0 };
        for record in records {
            if encoded.frames > 0 && out.len() >= bytes_max {
                break;
            }
            self.sequence_id = if self.sequence_id >= SEQUENCE_ID_MAX { 1 } else { self.sequence_id + 1 };
            let resent = delivery.is_resent(record.seq);
            let envelope = Envelope {
                stream: &self.stream,
                prev: encoded.through,
                resent,
                replay: false,
                sequence_id: self.sequence_id,
                clock_synced: self.clock_synced,
            };
            link.frame_with(out, |out| (settings.format.encode)(&settings.frame, &envelope, record, out));
            if link.is_acknowledged() {
                flight.push(record.seq);
            }
            encoded.through = record.seq;
            encoded.frames += 1;
            encoded.resent += u64::from(resent);
        }
        encoded
    }
}

const SEQUENCE_ID_MAX: u32 = 2_147_483_647;
