//! Records go out: as many of them as there is room for.

use super::acknowledged::bytes_at_once;
use super::batch::{Most, Put};
use super::{Destination, error_text};
use crate::format::Envelope;
use crate::model::{Record, Seq};

impl Destination {
    /// Sends what comes after `after`: from memory, or what was read from the files.
    pub(super) async fn send(&mut self, after: Seq, bytes_max: usize, newest: Seq) {
        let (batch, from) = match self.records_after(after, newest).await {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => {
                let event = self.report.lost(&error_text(&error));
                return self.lost(event).await;
            }
        };
        // What has an end may find more in one batch than that.
        let records = &batch[from..batch.partition_point(|record| record.seq <= newest).max(from)];
        if records.is_empty() {
            return self.delivery.on_nothing(newest);
        }
        let Some(link) = &mut self.link else { return };
        let bytes_max = bytes_at_once(link, bytes_max);
        self.frames.clear();
        let Ok(room) = self.lane.room(self.begun.elapsed()) else { return };
        let most = Most { bytes: bytes_max, frames: room.min(self.delivery.frames_room()) };
        let (settings, frames) = (&self.settings, &mut self.frames);
        let (to, flight, copies) = (&mut *link, &mut self.flight, &self.copies);
        let put = |envelope: &Envelope<'_>, record: &Record| {
            let mut print = Ok(None);
            // Of a record that cannot be written there is no frame.
            to.frame_with(frames, |out| {
                print = match copies {
                    Some(copies) => copies.encode(envelope, record, newest, out),
                    None => settings.format.write(&settings.frame, envelope, record, out),
                };
            });
            let print = print?;
            if to.is_acknowledged() {
                flight.push(record.seq);
            }
            Ok(Put { bytes: frames.len(), print })
        };
        let wants = |record: &Record| settings.wants(record);
        let (encoded, unwritten) = self.encoder.encode(wants, &self.delivery, records, most, put);
        if encoded.frames == 0 {
            self.report.passed_over(encoded.passed_over);
            self.delivery.on_nothing(encoded.end.through);
            return self.on_unwritten(&batch, encoded.end.through, unwritten);
        }
        let sent = link.send(&self.frames).await;
        self.report.sent(&encoded);
        self.lane.on_sent(encoded.frames);
        // What did not go out is not acknowledged; of the rest each message has an answer of its own.
        if sent.is_ok() || link.is_acknowledged() {
            let (bytes, now) = (self.frames.len(), self.now());
            self.delivery.on_sent(encoded.end, encoded.frames as usize, bytes, now);
            self.probe.on_sent(encoded.end.through, encoded.frames, bytes, now);
        } else {
            self.delivery.on_interrupted(encoded.end.last);
        }
        self.count(&encoded);
        self.on_unwritten(&batch, encoded.end.through, unwritten);
        if let Err(error) = sent {
            self.broke(&error).await;
        }
    }
}
