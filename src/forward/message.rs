//! What a record looks like to a destination, for whoever wants to see it.

use super::Settings;
use crate::format::Envelope;
use crate::model::{Action, Record, Seq, StreamId};

/// The test events among `records` as a destination is sent them after `prev`, without framing; the counter of the
/// frames begins with 1, and what a format says of the frame before the first is known to the destination alone.
pub fn messages(settings: &Settings, stream: StreamId, mut prev: Seq, records: &[Record]) -> Vec<String> {
    let stream = stream.to_string();
    let (mut messages, mut print) = (Vec::new(), None);
    for (sequence_id, record) in
        (1..).zip(records.iter().filter(|record| settings.wants(record).unwrap_or(true)))
    {
        let envelope = Envelope {
            stream: &stream,
            prev,
            print,
            resent: false,
            replay: false,
            sequence_id,
            clock_synced: false,
        };
        let mut message = Vec::new();
        match settings.format.write(&settings.frame, &envelope, record, &mut message) {
            Ok(of) => print = of,
            // It is set aside, and the next one follows it.
            Err(panicked) => message = format!("none, by a defect of otrail: a panic at {panicked}").into(),
        }
        prev = record.seq;
        if record.event.action != Action::TEST {
            continue;
        }
        messages.push(String::from_utf8_lossy(&message).into_owned());
    }
    messages
}
