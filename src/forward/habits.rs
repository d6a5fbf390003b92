//! Whether a peer is worth a probe, from what it did before. Pure.
//!
//! A peer is no longer probed once it has shown twice in a row that it reads without answering, or once five links in a
//! row ended between the first probe and its answer. It is tried again after a day, over another TLS version or
//! suite, and by another version of otrail: something may have changed. One whose first answer came too late once has more
//! time for it from then on.

use crate::model::Time;
use serde::{Deserialize, Serialize};

/// What is known of a peer's answers to probes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Habits {
    /// Links in a row on which it read what was sent and did not answer.
    unanswered: u8,
    /// Links in a row that ended before its first answer.
    broken: u8,
    /// Since when it is not probed, in ms of UTC.
    silent_since: Option<i64>,
    /// The TLS version and suite, and the otrail, that it was silent to.
    silent_to: String,
    /// Its first answer has come too late once.
    is_slow: bool,
}

impl Habits {
    /// Whether to probe it over a link of this TLS version and suite.
    pub(super) fn is_worth_a_probe(&self, tls: &str, now: Time) -> bool {
        let Some(since) = self.silent_since else { return true };
        self.silent_to != who(tls) || !(since..since + DAY_MS).contains(&now.millis())
    }

    /// Whether it takes long for its first answer.
    pub(super) fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// It has proven something: all is forgiven, and how long it takes for that is kept.
    pub(super) fn on_answer(&mut self) {
        *self = Habits { is_slow: self.is_slow, ..Habits::default() };
    }

    /// It has answered, later than it was waited for.
    pub(super) fn on_late(&mut self) {
        self.is_slow = true;
    }

    /// It has read everything, as its close showed, and left a probe unanswered.
    pub(super) fn on_unanswered(&mut self, tls: &str, now: Time) {
        self.unanswered = self.unanswered.saturating_add(1);
        self.judge(tls, now);
    }

    /// The link ended before its first answer.
    pub(super) fn on_broken(&mut self, tls: &str, now: Time) {
        self.broken = self.broken.saturating_add(1);
        self.judge(tls, now);
    }

    fn judge(&mut self, tls: &str, now: Time) {
        if self.unanswered >= UNANSWERED_MAX || self.broken >= BROKEN_MAX {
            self.silent_since = Some(now.millis());
            self.silent_to = who(tls);
        }
    }
}

fn who(tls: &str) -> String {
    format!("{tls}, otrail {}", env!("CARGO_PKG_VERSION"))
}

const UNANSWERED_MAX: u8 = 2;
const BROKEN_MAX: u8 = 5;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: &str = "TLSv1.3 TLS13_AES_256_GCM_SHA384";

    fn at(ms: i64) -> Time {
        Time::from_millis(ms).unwrap()
    }

    #[test]
    fn a_peer_that_reads_without_answering_is_left_alone_for_a_day() {
        let mut habits = Habits::default();
        habits.on_unanswered(TLS, at(5));
        assert!(habits.is_worth_a_probe(TLS, at(5)), "once may be chance");
        habits.on_unanswered(TLS, at(10));
        assert!(!habits.is_worth_a_probe(TLS, at(10)));
        assert!(!habits.is_worth_a_probe(TLS, at(9 + DAY_MS)));
        assert!(habits.is_worth_a_probe(TLS, at(10 + DAY_MS)));
        assert!(habits.is_worth_a_probe(TLS, at(9)), "a clock that went back proves nothing");
        assert!(habits.is_worth_a_probe("TLSv1.3 TLS13_AES_128_GCM_SHA256", at(10)));
    }

    #[test]
    fn a_peer_that_is_tried_again_in_vain_is_left_alone_at_once() {
        let mut habits = Habits::default();
        (0..2).for_each(|_| habits.on_unanswered(TLS, at(0)));
        habits.on_unanswered(TLS, at(DAY_MS));
        assert!(!habits.is_worth_a_probe(TLS, at(DAY_MS + 1)));
    }

    #[test]
    fn a_peer_that_answered_late_is_worth_a_probe_and_gets_the_time_for_it_from_then_on() {
        let mut habits = Habits::default();
        habits.on_unanswered(TLS, at(5));
        habits.on_late();
        assert!(habits.is_slow() && habits.is_worth_a_probe(TLS, at(5)));
        habits.on_answer();
        assert_eq!(habits, Habits { is_slow: true, ..Habits::default() });
    }

    #[test]
    fn links_that_end_at_the_first_probe_stop_the_probing_and_an_answer_makes_up_for_them() {
        let mut habits = Habits::default();
        for _ in 1..BROKEN_MAX {
            habits.on_broken(TLS, at(0));
        }
        assert!(habits.is_worth_a_probe(TLS, at(0)));
        habits.on_answer();
        assert_eq!(habits, Habits::default());
        (0..BROKEN_MAX).for_each(|_| habits.on_broken(TLS, at(0)));
        assert!(!habits.is_worth_a_probe(TLS, at(0)));
    }
}
