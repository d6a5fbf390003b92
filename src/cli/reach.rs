//! How far each destination has come, and what that says of one record.
//!
//! A cursor says: every record up to here is confirmed, was not selected, was set aside for being refused (which
//! `agent.event_set_aside` tells), or is from before the destination began.
//! Which evidence came for which record, and when, is not recorded; nothing here claims to know.

use crate::filter::{Clock, Selection};
use crate::model::status::Status;
use crate::model::{Record, Seq, Time};

/// How far one destination has come.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) name: String,
    address: String,
    /// The evidence in use; empty if it is not known.
    evidence: String,
    confirmed: Seq,
    sent: Seq,
    /// When the cursor was last moved, if that is known.
    at: Option<Time>,
    /// Why it does not go on; empty if it does.
    error: String,
    /// The words of its selection; `None` if they are not known.
    select: Option<Vec<String>>,
}

/// As the agent tells.
pub(super) fn of_status(status: Status) -> Vec<Reach> {
    let of = |destination: crate::model::status::DestinationStatus| Reach {
        name: destination.name,
        address: destination.address,
        evidence: destination.evidence,
        confirmed: destination.confirmed,
        sent: destination.sent,
        at: None,
        error: destination.error,
        select: Some(destination.select),
    };
    status.destinations.into_iter().map(of).collect()
}

/// As the cursors in a folder say.
pub(super) fn of_cursors(cursors: Vec<(String, Seq, Time)>) -> Vec<Reach> {
    let of = |(name, confirmed, at)| Reach {
        name,
        address: String::new(),
        evidence: String::new(),
        confirmed,
        sent: confirmed,
        at: Some(at),
        error: String::new(),
        select: None,
    };
    cursors.into_iter().map(of).collect()
}

impl Reach {
    fn selection(&self) -> Option<Selection> {
        let words = self.select.as_ref()?.iter().filter_map(|word| word.split_once('='));
        Selection::parse(words, &Clock::utc(Time::default())).ok()
    }

    /// What is known of the record, as one sentence.
    pub(super) fn tell(&self, record: &Record) -> String {
        let selection = self.selection();
        if selection.as_ref().is_some_and(|selection| !selection.wants(record)) {
            return format!(
                "not selected: {}",
                self.select.iter().flatten().cloned().collect::<Vec<_>>().join(" ")
            );
        }
        let unknown = if selection.is_none() { ", or not selected" } else { "" };
        if record.seq <= self.confirmed {
            let at = self.at.map(|at| format!(", not later than {at}")).unwrap_or_default();
            let evidence = if self.evidence.is_empty() {
                String::new()
            } else {
                format!("; evidence in use: {}", self.evidence)
            };
            return format!("confirmed{unknown}, set aside, or from before it began{at}{evidence}");
        }
        let state = if record.seq <= self.sent {
            "sent, no evidence yet".to_owned()
        } else {
            format!("not sent yet, {} records before it wait, too", record.seq.0 - self.confirmed.0 - 1)
        };
        let error = if self.error.is_empty() { String::new() } else { format!(": {}", self.error) };
        format!("{state}{unknown}{error}")
    }

    /// Its name, and where it is.
    pub(super) fn title(&self) -> String {
        if self.address.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.address) }
    }

    /// Up to where all is confirmed.
    pub(super) fn told(&self) -> String {
        format!("{} is confirmed up to seq {}", self.name, self.confirmed)
    }

    /// The records that it gets and that are not confirmed, as an expression.
    pub(super) fn undelivered(&self) -> String {
        self.with_selection(format!("seq > {}", self.confirmed))
    }

    /// The records that it gets and that are confirmed, as an expression.
    pub(super) fn delivered(&self) -> String {
        self.with_selection(format!("seq <= {}", self.confirmed))
    }

    fn with_selection(&self, state: String) -> String {
        match self.selection().and_then(|selection| selection.expression()) {
            Some(selected) => format!("({state} and ({selected}))"),
            None => state,
        }
    }

    /// The records that it does not get, or that are confirmed, as an expression.
    fn settled(&self) -> String {
        format!(
            "not {}",
            match self.undelivered() {
                whole if whole.starts_with('(') => whole,
                part => format!("({part})"),
            }
        )
    }
}

/// The records that are still to be delivered to one of them, as an expression.
pub(super) fn undelivered(reaches: &[Reach]) -> String {
    reaches.iter().map(Reach::undelivered).collect::<Vec<_>>().join(" or ")
}

/// The records that nobody still waits for and at least one has, as an expression.
pub(super) fn delivered(reaches: &[Reach]) -> String {
    let settled: Vec<String> = reaches.iter().map(Reach::settled).collect();
    let had: Vec<String> = reaches.iter().map(Reach::delivered).collect();
    format!("{} and ({})", settled.join(" and "), had.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::model::{Action, Event, Outcome, Severity};

    fn reach(confirmed: u64, sent: u64, select: &[&str]) -> Reach {
        let mut reach = of_cursors(vec![("siem".to_owned(), Seq(confirmed), Time::default())]).remove(0);
        (reach.sent, reach.at, reach.evidence) = (Seq(sent), None, "probe".to_owned());
        reach.select = Some(select.iter().map(|word| (*word).to_owned()).collect());
        reach
    }

    fn record(seq: u64, severity: u8) -> Record {
        let mut event = Event::new(Action::USER_OPERATION, Outcome::Success, Time::default());
        event.severity = Severity(severity);
        Record { seq: Seq(seq), position: None, event }
    }

    #[test]
    fn what_is_known_of_a_record_is_told_and_no_more() {
        let siem = reach(5, 7, &["severity=4..10"]);
        for (seq, severity, told) in [
            (5, 4, "confirmed, set aside, or from before it began; evidence in use: probe"),
            (5, 3, "not selected: severity=4..10"),
            (6, 4, "sent, no evidence yet"),
            (8, 4, "not sent yet, 2 records before it wait, too"),
        ] {
            assert_eq!(siem.tell(&record(seq, severity)), told);
        }
        let offline = of_cursors(vec![("siem".to_owned(), Seq(5), Time::default())]).remove(0);
        assert_eq!(
            offline.tell(&record(5, 0)),
            "confirmed, or not selected, set aside, or from before it began, not later than 1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn expressions_say_the_same_as_cursors_and_selections() {
        let reaches = [reach(5, 7, &["severity=4..10"]), reach(3, 3, &[])];
        let filter = |text: String| Filter::parse([("where", text)], &Clock::utc(Time::default())).unwrap();
        let (waiting, done) = (filter(undelivered(&reaches)), filter(delivered(&reaches)));
        for seq in 1..9 {
            for severity in [3, 4] {
                let record = record(seq, severity);
                let waits = (seq > 5 && severity >= 4) || seq > 3;
                assert_eq!(waiting.matches(&record), waits, "{seq} {severity}");
                assert_eq!(done.matches(&record), !waits && ((seq <= 5 && severity >= 4) || seq <= 3));
            }
        }
    }
}
