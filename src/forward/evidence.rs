//! What the end of a link proves: pure judgement of what was seen.
//!
//! | level | what was seen | what it proves |
//! |---|---|---|
//! | `ack` | RELP `rsp 200` for each message | its parser has taken them |
//! | `probe` | a KeyUpdate in answer to ours (`probe`), the link stays up | its TLS has processed every record before ours |
//! | `barrier` | our close_notify, then the peer's | its TLS has processed every record before ours |
//! | `fin` | our close, then a FIN without reset | its process had read everything, on a usual kernel |
//!
//! A peer that closes on its own account proves nothing, however clean its close: it may have read up to any
//! place. So a close counts only if none was seen before ours, if it took a round trip to come, and if our close was
//! acknowledged with it, as TCP does with every segment that a peer sends after ours has come (RFC 9293 section 3.1).
//!
//! What proves nothing goes out again, and would for ever to a peer whose closes never prove anything. So a peer that
//! stayed to the end and proved nothing gets nothing more before a link with nothing on it has ended as it must. The same
//! holds from the beginning where a FIN counts for nothing: `evidence = "barrier"`, or a proxy on the way.
//!
//! Limits: the receiver may lose afterwards what it has read; a TLS proxy in between speaks for itself alone;
//! a peer's own close passes for an answer when ours lies unread in its kernel already, and a key update of its own when it
//! crosses ours on the way slower than the smallest round trip. All is taken when answers are read, which may be later
//! than when they came.

use super::habits::Habits;
use super::settings::Evidence;
use crate::model::status::Cause;
use crate::transport::Observed;
use serde::{Deserialize, Serialize};

/// How strong the evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The peer acknowledged each message.
    Ack,
    /// The peer answered a probe.
    Probe,
    /// The peer closed in answer to our close.
    Barrier,
    /// A clean FIN alone, from a peer never seen to send a close_notify.
    Fin,
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Level::Ack => "ack",
            Level::Probe => "probe",
            Level::Barrier => "barrier",
            Level::Fin => "fin",
        }
    }
}

/// What is remembered of a peer between links.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Peer {
    /// It has answered a close_notify with its own: from then on a FIN alone is not enough.
    pub answers_close_notify: bool,
    /// Clean FINs in a row since it last answered.
    pub fins_in_a_row: u8,
    /// It stayed to the end of the last link, and that end proved nothing.
    pub is_in_doubt: bool,
    /// How it takes probes.
    #[serde(rename = "probes")]
    pub habits: Habits,
}

impl Peer {
    /// Whether the end of a link with nothing on it has to prove first that it would prove something.
    pub(super) fn must_show(&self, evidence: Evidence, proxied: bool) -> bool {
        let wants_answer = evidence == Evidence::Barrier || proxied;
        evidence != Evidence::None && (self.is_in_doubt || wants_answer && !self.answers_close_notify)
    }
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything that was sent over the link has arrived.
    Delivered(Level),
    /// Nothing of it counts; it goes out again.
    Unproved { reason: String, cause: Cause },
}

impl Verdict {
    fn unproved(reason: &str) -> Verdict {
        Verdict::Unproved { reason: reason.to_owned(), cause: Cause::Unknown }
    }
}

/// Judges a barrier, as far as the config takes it, and learns about the peer.
pub(super) fn judge(seen: &Observed, evidence: Evidence, peer: &mut Peer) -> Verdict {
    let verdict = accept(proof(seen, peer), evidence);
    let has_stayed = seen.broken.is_none() && !seen.closed_before_ours && seen.unanswered.is_none();
    peer.is_in_doubt = has_stayed && matches!(verdict, Verdict::Unproved { .. });
    match verdict {
        Verdict::Unproved { reason, cause } if peer.is_in_doubt => {
            let reason = format!("{reason}; it gets no event before a link has ended as it must");
            Verdict::Unproved { reason, cause }
        }
        verdict => verdict,
    }
}

/// The verdict, as far as the config takes it.
fn accept(verdict: Verdict, evidence: Evidence) -> Verdict {
    let reason = match (&verdict, evidence) {
        (Verdict::Delivered(Level::Fin), Evidence::Barrier) => {
            "the peer ends connections with a FIN alone, and evidence = \"barrier\" demands a TLS close of it: set \
             evidence = \"auto\", which counts the FIN as weaker evidence, or have it close in order, as rsyslog does with its \
             driver ossl"
        }
        (Verdict::Delivered(Level::Fin), Evidence::Probe) => {
            "the peer sent a FIN without close_notify, which evidence = \"probe\" excludes: set evidence = \"auto\", which \
             counts the FIN as weaker evidence"
        }
        _ => return verdict,
    };
    Verdict::Unproved { reason: reason.to_owned(), cause: Cause::Evidence }
}

fn proof(seen: &Observed, peer: &mut Peer) -> Verdict {
    let unproved = Verdict::unproved;
    match (seen.unanswered, &seen.broken) {
        // Answers prove what they prove, however the link ended.
        (Some(0), _) => return Verdict::Delivered(Level::Ack),
        (Some(_), None) => return unproved("the peer did not acknowledge everything"),
        _ => {}
    }
    if let Some(reason) = &seen.broken {
        return unproved(&format!("the connection broke at its end: {reason}"));
    }
    if seen.closed_before_ours {
        return unproved("the peer had closed before we did");
    }
    if seen.unacknowledged != Some(0) {
        return unproved("the peer's kernel did not acknowledge everything");
    }
    let Some(answer) = seen.close_notify_after.or(seen.fin_after) else {
        return unproved("the peer did not answer our close in time");
    };
    if seen.min_rtt.is_some_and(|round_trip| answer < round_trip) {
        return unproved("the peer's close came too soon to be an answer to ours");
    }
    if seen.unacknowledged_at_answer.is_some_and(|bytes| bytes > FIN) {
        return unproved("the peer's close was sent before ours had come");
    }
    if seen.close_notify_after.is_some() {
        (peer.answers_close_notify, peer.fins_in_a_row) = (true, 0);
        return Verdict::Delivered(Level::Barrier);
    }
    if seen.proxied {
        return unproved(
            "the peer ends connections without a TLS close, and a FIN through a proxy is the proxy's own: leave out \
             proxy, or have the peer close in order, as rsyslog does with its driver ossl",
        );
    }
    if peer.answers_close_notify {
        peer.fins_in_a_row = peer.fins_in_a_row.saturating_add(1);
        if peer.fins_in_a_row >= FINS_TO_FORGET {
            // Another receiver has taken the old one's place.
            (peer.answers_close_notify, peer.fins_in_a_row) = (false, 0);
        }
        return unproved("the peer ended without the close_notify that it used to answer with");
    }
    Verdict::Delivered(Level::Fin)
}

/// Our FIN, which may come after the close_notify that the peer answers, counts as a byte.
const FIN: u32 = 1;
/// After this many clean FINs in a row a peer is no longer held to have answered before.
pub(super) const FINS_TO_FORGET: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answered() -> Observed {
        Observed {
            close_notify_after: Some(Duration::from_micros(300)),
            fin_after: Some(Duration::from_micros(400)),
            unacknowledged_at_answer: Some(FIN),
            unacknowledged: Some(0),
            min_rtt: Some(Duration::from_micros(50)),
            ..Observed::default()
        }
    }

    fn fin_only() -> Observed {
        Observed { close_notify_after: None, ..answered() }
    }

    fn is_unproved(seen: &Observed, peer: &mut Peer) -> bool {
        matches!(judge(seen, Evidence::Auto, peer), Verdict::Unproved { .. })
    }

    #[test]
    fn a_close_notify_after_ours_proves_delivery() {
        let mut peer = Peer::default();
        assert_eq!(judge(&answered(), Evidence::Auto, &mut peer), Verdict::Delivered(Level::Barrier));
        assert!(peer.answers_close_notify);
    }

    #[test]
    fn a_fin_alone_is_enough_only_for_a_peer_that_never_answered() {
        let mut peer = Peer::default();
        assert_eq!(judge(&fin_only(), Evidence::Auto, &mut peer), Verdict::Delivered(Level::Fin));
        judge(&answered(), Evidence::Auto, &mut peer);
        assert!(is_unproved(&fin_only(), &mut peer));
    }

    #[test]
    fn a_fin_that_the_config_alone_excludes_is_told_with_that_cause() {
        let cause = |evidence, seen: &Observed| match judge(seen, evidence, &mut Peer::default()) {
            Verdict::Unproved { reason, cause } => Some((cause, reason.contains("set evidence = \"auto\""))),
            Verdict::Delivered(_) => None,
        };
        let early = Observed { closed_before_ours: true, ..answered() };
        for evidence in [Evidence::Barrier, Evidence::Probe] {
            assert_eq!(cause(evidence, &fin_only()), Some((Cause::Evidence, true)));
            assert_eq!(cause(evidence, &early), Some((Cause::Unknown, false)));
        }
        assert_eq!(cause(Evidence::Auto, &fin_only()), None);
    }

    #[test]
    fn a_receiver_replaced_by_a_silent_one_is_believed_again_after_some_links() {
        let mut peer = Peer { answers_close_notify: true, ..Peer::default() };
        for _ in 0..FINS_TO_FORGET {
            assert!(is_unproved(&fin_only(), &mut peer));
        }
        assert_eq!(judge(&fin_only(), Evidence::Auto, &mut peer), Verdict::Delivered(Level::Fin));
        // What a file says is believed, and counted no further.
        let mut peer = Peer { answers_close_notify: true, fins_in_a_row: u8::MAX, ..Peer::default() };
        assert!(is_unproved(&fin_only(), &mut peer));
        assert_eq!((peer.answers_close_notify, peer.fins_in_a_row), (false, 0));
    }

    #[test]
    fn acknowledgements_prove_by_themselves_and_their_lack_excludes_every_other_proof() {
        let mut peer = Peer::default();
        let acknowledged =
            Observed { unanswered: Some(0), broken: Some("reset".into()), ..Observed::default() };
        assert_eq!(judge(&acknowledged, Evidence::Auto, &mut peer), Verdict::Delivered(Level::Ack));
        assert!(is_unproved(&Observed { unanswered: Some(1), ..answered() }, &mut peer));
        assert_eq!(peer, Peer::default());
    }

    #[test]
    fn nothing_is_proved_by_a_close_of_the_peers_own() {
        let early = Observed { closed_before_ours: true, ..answered() };
        let soon = Observed { close_notify_after: Some(Duration::from_micros(20)), ..answered() };
        let crossing = Observed { unacknowledged_at_answer: Some(FIN + 1), ..answered() };
        for seen in [early, soon, crossing] {
            assert!(is_unproved(&seen, &mut Peer::default()), "{seen:?}");
        }
    }

    #[test]
    fn a_fin_from_a_proxy_proves_nothing_and_a_close_notify_through_it_does() {
        assert!(is_unproved(&Observed { proxied: true, ..fin_only() }, &mut Peer::default()));
        let through = Observed { proxied: true, ..answered() };
        assert_eq!(judge(&through, Evidence::Auto, &mut Peer::default()), Verdict::Delivered(Level::Barrier));
    }

    #[test]
    fn nothing_is_proved_by_a_reset_a_silence_or_bytes_on_the_way() {
        let reset = Observed { broken: Some("reset".into()), ..answered() };
        let silent = Observed { close_notify_after: None, fin_after: None, ..answered() };
        let on_the_way = Observed { unacknowledged: Some(1), ..answered() };
        let unknown = Observed { unacknowledged: None, ..answered() };
        for seen in [reset, silent, on_the_way, unknown] {
            assert!(is_unproved(&seen, &mut Peer::default()), "{seen:?}");
        }
    }

    #[test]
    fn who_proves_nothing_by_its_close_must_show_that_it_can_before_it_gets_anything() {
        let mut peer = Peer::default();
        let must_show = |peer: &Peer| peer.must_show(Evidence::Auto, false);
        assert!(
            !must_show(&peer)
                && peer.must_show(Evidence::Barrier, false)
                && peer.must_show(Evidence::Auto, true)
        );
        let silent = Observed { close_notify_after: None, fin_after: None, ..answered() };
        let reset = Observed { broken: Some("reset".into()), ..answered() };
        for (seen, evidence, doubt) in [
            (silent, Evidence::Auto, true),
            (reset, Evidence::Auto, false),
            (fin_only(), Evidence::Barrier, true),
            (fin_only(), Evidence::Auto, false),
            (answered(), Evidence::Barrier, false),
        ] {
            judge(&seen, evidence, &mut peer);
            assert_eq!(must_show(&peer), doubt, "{seen:?}");
        }
        assert!(!peer.must_show(Evidence::Barrier, true) && !peer.must_show(Evidence::None, true));
    }
}
