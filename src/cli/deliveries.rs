//! The delivery of events, in sentences: by how far destinations have come, and by what was written down on the way.

use super::reach::Reach;
use super::trail::Trail;
use super::warn;
use crate::model::delivery::History;
use crate::model::{Record, Seq};
use jiff::tz::TimeZone;

/// What can be asked of the delivery of events.
pub(super) struct Deliveries<'a> {
    trail: &'a Trail,
    zone: TimeZone,
    reaches: Vec<Reach>,
}

impl<'a> Deliveries<'a> {
    /// `None` when nothing is known, which is told.
    pub(super) fn of(trail: &'a Trail, zone: &TimeZone) -> Option<Deliveries<'a>> {
        match trail.reaches() {
            Ok(reaches) => Some(Deliveries { trail, zone: zone.clone(), reaches }),
            Err(error) => {
                warn(&format!("how far the destinations have come is not known: {error:#}"));
                None
            }
        }
    }

    /// A sentence for each destination, of each record.
    pub(super) fn of_all(&self, records: &[Record]) -> Vec<Vec<String>> {
        let seqs = || records.iter().map(|record| record.seq);
        let histories = self.histories(seqs().min().unwrap_or_default(), seqs().max().unwrap_or_default());
        let of = |record| {
            let tell = |reach: &Reach| {
                let history = histories.iter().find(|history| history.name == reach.name);
                format!("{}: {}", reach.title(), reach.tell(record, history, &self.zone))
            };
            self.reaches.iter().map(tell).collect()
        };
        records.iter().map(of).collect()
    }

    fn histories(&self, first: Seq, last: Seq) -> Vec<History> {
        if self.reaches.is_empty() {
            return Vec::new();
        }
        self.trail.deliveries(first, last).unwrap_or_else(|error| {
            warn(&format!("what was written down of deliveries is not known: {error:#}"));
            Vec::new()
        })
    }
}
