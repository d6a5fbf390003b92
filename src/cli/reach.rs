//! How far each destination has come, and what that says of one record.
//!
//! A cursor says: every record up to here is confirmed, was not selected, was set aside for being refused (which
//! `agent.event_set_aside` tells), or is from before the destination began.
//! Which evidence came, when and from whom is written down behind it; where it is not, nothing here claims to know.

use super::times;
use crate::filter::{Clock, Selection};
use crate::model::delivery::{History, Span};
use crate::model::status::Status;
use crate::model::{Record, Seq, Time};
use jiff::tz::TimeZone;

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

    /// What is known of the record, as one sentence; `history` is that of this destination.
    pub(super) fn tell(&self, record: &Record, history: Option<&History>, zone: &TimeZone) -> String {
        match history.and_then(|history| history.of(record.seq)) {
            Some(span) if record.seq <= self.confirmed => sentence(span, record, zone),
            _ => self.tell_by_cursor(record),
        }
    }

    fn tell_by_cursor(&self, record: &Record) -> String {
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

/// What was written down when the record was settled, as one sentence.
fn sentence(span: &Span, record: &Record, zone: &TimeZone) -> String {
    let words = span.select.iter().filter_map(|word| word.split_once('='));
    let wants =
        Selection::parse(words, &Clock::utc(Time::default())).map(|selection| selection.wants(record));
    if wants.as_ref().is_ok_and(|wants| !wants) {
        return format!("not selected then: {}", span.select.join(" "));
    }
    if record.seq > span.last {
        return "not sent: it was passed over, since it could not be read or was not selected".to_owned();
    }
    let when = match span.at.millis() - span.from.millis() {
        0..=1000 => times::local(span.at, zone),
        _ => format!("between {} and {}", times::local(span.from, zone), times::local(span.at, zone)),
    };
    let to = &span.to;
    let unknown = if wants.is_err() { ", if it was selected then" } else { "" };
    match span.evidence.as_str() {
        Span::UNKNOWN => format!(
            "confirmed or set aside {when}{unknown}; the agent ended before it was written down on which evidence"
        ),
        Span::NONE => format!(
            "sent {when} to {to}{unknown}; evidence was switched off, so whether it arrived is not known"
        ),
        Span::ASIDE => format!("set aside {when}: {to} refused it each time it was sent alone"),
        Span::UNWRITTEN => {
            format!("set aside {when}: it could not be written for this destination, by a defect of otrail")
        }
        Span::TRIAL => format!("delivered {when} to {to}: it was taken when it was sent alone"),
        evidence => format!("delivered {when} to {to}{unknown}; evidence: {evidence}"),
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
        Record { seq: Seq(seq), position: None, event, chain: None }
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
            assert_eq!(siem.tell_by_cursor(&record(seq, severity)), told);
        }
        let offline = of_cursors(vec![("siem".to_owned(), Seq(5), Time::default())]).remove(0);
        assert_eq!(
            offline.tell_by_cursor(&record(5, 0)),
            "confirmed, or not selected, set aside, or from before it began, not later than 1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn what_was_written_down_is_told_and_never_more_than_the_cursor_says() {
        let at = |seconds: i64| Time::from_millis(seconds * 1000).unwrap();
        let span = |(after, through, last): (u64, u64, u64), seconds: (i64, i64), evidence: &str| Span {
            after: Seq(after),
            through: Seq(through),
            last: Seq(last),
            from: at(seconds.0),
            at: at(seconds.1),
            evidence: evidence.to_owned(),
            to: "siem:6514 [10.0.0.1:6514]".to_owned(),
            select: vec!["severity=4..10".to_owned()],
        };
        let spans = vec![
            span((2, 4, 3), (0, 1), "probe"),
            span((4, 5, 5), (0, 60), "barrier"),
            span((5, 6, 6), (60, 60), Span::ASIDE),
            span((6, 7, 7), (60, 61), Span::UNKNOWN),
            span((7, 8, 8), (61, 61), Span::NONE),
            span((8, 9, 9), (61, 61), Span::TRIAL),
            span((9, 10, 10), (61, 61), Span::UNWRITTEN),
            span((10, 20, 20), (62, 62), "ack"),
        ];
        let history = History { name: "siem".to_owned(), begins: Seq(2), spans };
        let siem = reach(11, 12, &[]);
        for (seq, severity, told) in [
            (1, 4, "confirmed, set aside, or from before it began; evidence in use: probe"),
            (3, 4, "delivered 1970-01-01 00:00:01.000+00:00 to siem:6514 [10.0.0.1:6514]; evidence: probe"),
            (3, 3, "not selected then: severity=4..10"),
            (4, 4, "not sent: it was passed over, since it could not be read or was not selected"),
            (
                5,
                4,
                "delivered between 1970-01-01 00:00:00.000+00:00 and 1970-01-01 00:01:00.000+00:00 to siem:6514 \
                 [10.0.0.1:6514]; evidence: barrier",
            ),
            (
                6,
                4,
                "set aside 1970-01-01 00:01:00.000+00:00: siem:6514 [10.0.0.1:6514] refused it each time it was sent alone",
            ),
            (
                7,
                4,
                "confirmed or set aside 1970-01-01 00:01:01.000+00:00; the agent ended before it was written down on which \
                 evidence",
            ),
            (
                8,
                4,
                "sent 1970-01-01 00:01:01.000+00:00 to siem:6514 [10.0.0.1:6514]; evidence was switched off, so whether it \
                 arrived is not known",
            ),
            (
                9,
                4,
                "delivered 1970-01-01 00:01:01.000+00:00 to siem:6514 [10.0.0.1:6514]: it was taken when it was sent alone",
            ),
            (
                10,
                4,
                "set aside 1970-01-01 00:01:01.000+00:00: it could not be written for this destination, by a defect of otrail",
            ),
            (11, 4, "delivered 1970-01-01 00:01:02.000+00:00 to siem:6514 [10.0.0.1:6514]; evidence: ack"),
            (12, 4, "sent, no evidence yet"),
        ] {
            assert_eq!(siem.tell(&record(seq, severity), Some(&history), &TimeZone::UTC), told, "{seq}");
        }
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
