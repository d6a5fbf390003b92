//! A record that otrail panics at, by a defect of its own, when it selects or formats it for this destination: it is set
//! aside as one is that no server takes, as soon as everything before it is confirmed, and the destination goes on.
//!
//! Invariant: nothing is sent of it, and nothing behind it before it is set aside.

use super::Destination;
use super::trial::{Doing, TRY_AGAIN};
use crate::model::delivery::Span;
use crate::model::guard::Panicked;
use crate::model::{Record, Seq};
use std::time::Duration;

/// Such a record.
pub(super) struct Unwritten {
    record: Box<Record>,
    /// Everything before it ends here.
    after: Seq,
    panicked: Panicked,
}

impl Destination {
    /// There may be one: the first of `records` that comes after `after`.
    pub(super) fn on_unwritten(&mut self, records: &[Record], after: Seq, panicked: Option<Panicked>) {
        let Some(panicked) = panicked else { return };
        if let Some(trial) = &mut self.trial {
            return trial.on_unwritten();
        }
        let record = records.iter().find(|record| record.seq > after);
        self.unwritten = record.map(|record| Unwritten { record: Box::new(record.clone()), after, panicked });
    }

    /// How far there is something to send.
    pub(super) fn reach(&self, newest: Seq) -> Seq {
        self.unwritten.as_ref().map_or(newest, |unwritten| newest.min(unwritten.after))
    }

    /// Goes past it when that is due: a replay, which is not the one to set anything aside, only counts it.
    pub(super) async fn pass_unwritten(&mut self) -> Doing {
        let Some(Unwritten { record, panicked, .. }) =
            self.unwritten.as_ref().filter(|unwritten| self.delivery.confirmed() >= unwritten.after)
        else {
            return Doing::Nothing;
        };
        if self.delivery.confirmed() >= record.seq {
            // It has been done with otherwise.
            self.unwritten = None;
            return Doing::Something;
        }
        let (seq, error) = (record.seq, format!("a panic at {panicked}"));
        if self.again.is_some() {
            self.report.problem(&format!("record {seq} cannot be written, by a defect of otrail: {error}"));
            self.count_unwritten();
            self.delivery.on_nothing(seq);
            self.unwritten = None;
            return Doing::Something;
        }
        let again_at = self.now() + TRY_AGAIN;
        let record = Record::clone(record);
        let kept = match self.journal.is_paused() {
            true => None,
            false => self.keep_dead(record, 0, Duration::ZERO, error.clone()).await,
        };
        let Some((record, path)) = kept else { return Doing::Wait(again_at) };
        let event = self.report.set_aside_unwritten(&record, &error, path.as_deref());
        self.tell(Some(event)).await;
        self.encoder.on_done_with(self.delivery.reached().last, seq, None);
        self.delivery.on_done_with(seq);
        self.settled(Span::UNWRITTEN);
        self.unwritten = None;
        Doing::Something
    }
}
