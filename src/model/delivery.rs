//! How records got to a destination: when, to whom, and on which evidence.

use super::{Seq, Time};
use serde::{Deserialize, Serialize};

/// What is known of the way of some records to one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The destination.
    pub name: String,
    /// What is not newer was settled before anything was written down.
    pub begins: Seq,
    /// In order, without overlap.
    pub spans: Vec<Span>,
}

/// Records that were settled together: every one after `after` up to `through`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The record before the first.
    pub after: Seq,
    /// The last record.
    pub through: Seq,
    /// The last of them that was sent; those behind it were passed over.
    pub last: Seq,
    /// When the first evidence of it came.
    #[serde(with = "as_text")]
    pub from: Time,
    /// When the last evidence of it came.
    #[serde(with = "as_text")]
    pub at: Time,
    /// What came: a word of `forward`, or one of the constants here.
    pub evidence: String,
    /// The address in use, and behind it that of the peer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The words of what was selected then; none is everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
}

impl Span {
    /// The cursor has them; the agent ended before more was written down.
    pub const UNKNOWN: &'static str = "unknown";
    /// They were sent, and nothing was asked for.
    pub const NONE: &'static str = "none";
    /// The record was taken when it was sent alone.
    pub const TRIAL: &'static str = "trial";
    /// The record was refused, and set aside.
    pub const ASIDE: &'static str = "set-aside";
    /// The record could not be written for the destination by a defect of otrail, and was set aside.
    pub const UNWRITTEN: &'static str = "unwritten";

    fn is_of_one(&self) -> bool {
        [Span::TRIAL, Span::ASIDE, Span::UNWRITTEN].contains(&self.evidence.as_str())
    }

    /// Whether both say the same, but for when, and the other follows this one.
    fn goes_on_with(&self, next: &Span) -> bool {
        let says = |span: &Span| (span.evidence.clone(), span.to.clone(), span.select.clone());
        self.through == next.after && !self.is_of_one() && !next.is_of_one() && says(self) == says(next)
    }

    /// Takes the one that follows into this one: what it says of each record becomes less exact, never more.
    fn join(&mut self, next: &Span) {
        (self.through, self.last) = (next.through, self.last.max(next.last));
        (self.from, self.at) = (self.from.min(next.from), self.at.max(next.at));
    }
}

impl History {
    /// The span of a record.
    pub fn of(&self, seq: Seq) -> Option<&Span> {
        let after = self.spans.partition_point(|span| span.after < seq);
        self.spans.get(after.checked_sub(1)?).filter(|span| seq <= span.through)
    }
}

/// Adds a span to those before it, in one with the last of them if both say the same within `millis_max`.
pub fn add(spans: &mut Vec<Span>, next: Span, millis_max: i64) {
    match spans.last_mut() {
        Some(last) if last.goes_on_with(&next) && length(last, &next) <= millis_max => last.join(&next),
        _ => spans.push(next),
    }
}

/// The same in fewer spans: the time of a record is told to a `part` of its age.
pub fn coarser(spans: Vec<Span>, now: Time, part: i64) -> Vec<Span> {
    let mut fewer = Vec::new();
    for span in spans {
        let age = now.millis().saturating_sub(span.at.millis()).max(0);
        add(&mut fewer, span, age / part.max(1));
    }
    fewer
}

fn length(one: &Span, next: &Span) -> i64 {
    one.at.max(next.at).millis().saturating_sub(one.from.min(next.from).millis())
}

/// RFC 3339.
mod as_text {
    use super::Time;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("not a time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(after: u64, through: u64, last: u64, at: i64, evidence: &str) -> Span {
        let at = Time::from_millis(at).unwrap();
        let (to, select) = ("siem:6514".to_owned(), Vec::new());
        let (after, through, last) = (Seq(after), Seq(through), Seq(last));
        Span { after, through, last, from: at, at, evidence: evidence.to_owned(), to, select }
    }

    #[test]
    fn what_is_told_of_one_record_stays_its_own() {
        let all = vec![
            span(0, 5, 5, 0, "probe"),
            span(5, 6, 6, 1, Span::ASIDE),
            span(6, 7, 7, 2, Span::ASIDE),
            span(7, 9, 8, 3, "probe"),
            span(9, 10, 10, 4, "probe"),
            span(12, 13, 13, 5, "probe"),
        ];
        let fewer = coarser(all, Time::from_millis(1_000_000).unwrap(), 1);
        let ends: Vec<u64> = fewer.iter().map(|span| span.through.0).collect();
        assert_eq!(ends, [5, 6, 7, 10, 13], "a hole is no part of either side");
        assert_eq!(fewer[3].last, Seq(10));
    }

    proptest! {
        #[test]
        fn fewer_spans_say_of_every_record_what_was_said_within_a_part_of_its_age(
            steps in prop::collection::vec((1..5_u64, 0..3_u64, 0..100_000_i64, 0..3_usize), 1..60),
            part in 1..300_i64,
        ) {
            let (mut seq, mut at, mut all) = (0, 0, Vec::new());
            for (count, hole, millis, evidence) in steps {
                seq += if hole == 2 { 1 } else { 0 };
                at += millis;
                all.push(span(seq, seq + count, seq + count - 1, at, ["probe", "ack", Span::ASIDE][evidence]));
                seq += count;
            }
            let now = Time::from_millis(at + 1000).unwrap();
            let before = History { spans: all.clone(), ..History::default() };
            let after = History { spans: coarser(all, now, part), ..History::default() };
            prop_assert!(after.spans.len() <= before.spans.len());
            for seq in 0..=seq + 1 {
                let (exact, told) = (before.of(Seq(seq)), after.of(Seq(seq)));
                prop_assert_eq!(exact.is_some(), told.is_some());
                let (Some(exact), Some(told)) = (exact, told) else { continue };
                prop_assert_eq!(&exact.evidence, &told.evidence);
                prop_assert!(told.from <= exact.at && exact.at <= told.at && exact.last <= told.last);
                let age = now.millis() - told.at.millis();
                prop_assert!(told.at.millis() - told.from.millis() <= age / part || told == exact);
            }
        }
    }
}
