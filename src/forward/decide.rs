//! What the driver does next, and what is made of what it heard: pure, put together from the machines of one destination.

use super::delivery::{Delivery, Proof, Step};
use super::evidence::Peer;
use super::probe::{Ask, Probe, Standing, Traffic, Why};
use super::settings::Evidence;
use crate::model::{Seq, Time};
use crate::transport::KeyUpdates;
use std::time::Duration;

/// What the driver does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Send a probe.
    Ask,
    /// The link is of no use to this config.
    GiveUp(&'static str),
    Step(Step),
}

/// What is the same at every decision about one link.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub evidence: Evidence,
    pub is_up: bool,
    /// The peer acknowledges each message.
    pub is_acknowledged: bool,
    /// Nothing goes out before the end of a link has shown what it proves.
    pub must_show: bool,
}

/// `room` is told whether there is something to send, and says how much of it may go out or when.
pub(super) fn decide(
    about: About,
    (delivery, probe): (&mut Delivery, &mut Probe),
    mut room: impl FnMut(bool) -> Result<usize, Duration>,
    newest: Seq,
    now: Duration,
) -> Next {
    loop {
        let standing = probe.standing();
        if let Some(reason) = lacks_probe(about, standing) {
            return Next::GiveUp(reason);
        }
        if about.is_up && about.must_show && matches!(standing, Standing::Silent(_)) {
            return Next::Step(delivery.next_to_show(now));
        }
        delivery.on_proof(if about.is_acknowledged { Proof::Running } else { proof(standing) });
        let step = delivery.next(newest, now);
        let step = match (step, room(matches!(step, Step::Send { .. }))) {
            (Step::Send { .. }, Err(until)) => Step::Wait { until: Some(until) },
            (step, _) => step,
        };
        let traffic = match step {
            Step::Send { .. } => Traffic::Busy,
            Step::Wait { .. } if delivery.is_full() || delivery.is_stopping() => Traffic::Stuck,
            Step::Wait { .. } => Traffic::Idle,
            Step::Connect | Step::Look { .. } | Step::Barrier | Step::Done => return Next::Step(step),
        };
        match (probe.next(now, traffic), step) {
            (Ask::Now, _) => return Next::Ask,
            _ if probe.standing() != standing => {}
            (Ask::Wait { until: sooner }, Step::Wait { until }) => {
                return Next::Step(Step::Wait { until: until.into_iter().chain(sooner).min() });
            }
            (_, step) => return Next::Step(step),
        }
    }
}

/// Why this link is of no use to somebody who wants probes answered.
fn lacks_probe(about: About, standing: Standing) -> Option<&'static str> {
    match (about.evidence, standing) {
        _ if !about.is_up => None,
        (Evidence::Probe, Standing::Silent(Why::NotAsked)) => {
            Some("evidence = \"probe\" needs TLS 1.3, which the peer does not speak")
        }
        (Evidence::Probe, Standing::Silent(Why::NoAnswer | Why::Unasked)) => {
            Some("the peer does not answer probes as evidence = \"probe\" demands")
        }
        _ => None,
    }
}

fn proof(standing: Standing) -> Proof {
    match standing {
        Standing::Open => Proof::Unknown,
        Standing::Answers => Proof::Running,
        Standing::Silent(_) => Proof::AtClose,
    }
}

/// Whether a new link over this TLS version and suite is probed, if it can be.
pub(super) fn is_probed(evidence: Evidence, peer: &Peer, tls: &str, now: Time) -> bool {
    match evidence {
        Evidence::Probe => true,
        Evidence::Auto => peer.habits.is_worth_a_probe(tls, now),
        Evidence::Barrier | Evidence::None => false,
    }
}

/// How long the first answer of a peer may take. Nothing goes out in that time: who does not answer should not cost much
/// of it, who is known to take it gets it, and so does who is of no use without an answer.
pub(super) fn first_answer_within(
    evidence: Evidence,
    peer: &Peer,
    round_trip_min: Option<Duration>,
) -> Duration {
    match evidence == Evidence::Probe || peer.habits.is_slow() {
        true => FIRST_ANSWER_MAX,
        false => (round_trip_min.unwrap_or_default() * 4).clamp(FIRST_ANSWER_MIN, FIRST_ANSWER_MAX),
    }
}

/// What the answers prove that have come since `before`: everything up to this record.
pub(super) fn prove(
    probe: &mut Probe,
    before: KeyUpdates,
    heard: KeyUpdates,
    round_trip_min: Option<Duration>,
    now: Duration,
) -> Option<Seq> {
    if heard.other > before.other {
        probe.on_other();
    }
    (before.given..heard.given).fold(None, |proven, _| probe.on_answer(now, round_trip_min).max(proven))
}

/// The link ends; what that says about the peer's answers. `read`: it has read everything.
pub(super) fn learn(peer: &mut Peer, probe: &Probe, tls: &str, read: bool, now: Time) {
    match probe.standing() {
        Standing::Silent(Why::NoAnswer) if probe.is_late() && !peer.habits.is_slow() => peer.habits.on_late(),
        Standing::Silent(Why::NoAnswer | Why::Unasked) if read => peer.habits.on_unanswered(tls, now),
        Standing::Answers if read && probe.is_owed() => peer.habits.on_unanswered(tls, now),
        Standing::Open if !read => peer.habits.on_broken(tls, now),
        _ => {}
    }
}

/// Four round trips are enough for whoever answers as he reads; a busy one gets more.
const FIRST_ANSWER_MIN: Duration = Duration::from_millis(200);
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::settings::Cadence;

    const TLS: &str = "TLSv1.3 TLS13_AES_256_GCM_SHA384";
    const MS: Duration = Duration::from_millis(1);
    const NOW: Time = Time::MIN;

    /// A link that was probed for as long as its peer is given, which answered late or not at all.
    fn unanswered(peer: &Peer, is_late: bool) -> Probe {
        let within = first_answer_within(Evidence::Auto, peer, None);
        let mut probe = Probe::start(Cadence::default(), Seq::NONE, within);
        while probe.next(Duration::ZERO, Traffic::Busy) == Ask::Now {
            probe.on_probed(Duration::ZERO);
        }
        probe.next(within, Traffic::Busy);
        if is_late {
            probe.on_answer(within, None);
        }
        assert_eq!(probe.standing(), Standing::Silent(Why::NoAnswer));
        probe
    }

    #[test]
    fn the_first_answer_has_four_round_trips_and_all_the_time_where_nothing_goes_without_it() {
        let within = |evidence, millis: u32| {
            first_answer_within(evidence, &Peer::default(), Some(MS * millis)).as_millis()
        };
        let auto = [0, 20, 120, 800].map(|millis| within(Evidence::Auto, millis));
        assert_eq!(auto, [200, 200, 480, 1000]);
        assert_eq!(within(Evidence::Probe, 0), 1000);
    }

    #[test]
    fn who_answers_late_gets_more_time_and_who_is_late_even_then_is_silent() {
        let mut peer = Peer::default();
        let late = unanswered(&peer, true);
        learn(&mut peer, &late, TLS, true, NOW);
        assert_eq!(first_answer_within(Evidence::Auto, &peer, None), FIRST_ANSWER_MAX);
        for _ in 0..2 {
            assert!(is_probed(Evidence::Auto, &peer, TLS, NOW));
            let late = unanswered(&peer, true);
            learn(&mut peer, &late, TLS, true, NOW);
        }
        assert!(!is_probed(Evidence::Auto, &peer, TLS, NOW));
    }

    #[test]
    fn who_reads_twice_without_answering_is_silent_and_has_cost_no_more_than_the_shortest_time() {
        let mut peer = Peer::default();
        for _ in 0..2 {
            assert_eq!(first_answer_within(Evidence::Auto, &peer, None), FIRST_ANSWER_MIN);
            let silent = unanswered(&peer, false);
            learn(&mut peer, &silent, TLS, true, NOW);
        }
        assert!(!is_probed(Evidence::Auto, &peer, TLS, NOW));
    }
}
