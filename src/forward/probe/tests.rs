//! Every order of records, probes and answers.

use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// So long the first answer may take.
const CALIBRATED: Duration = Duration::from_millis(200);

/// After the two probes of the beginning.
fn primed() -> Probe {
    let mut probe = Probe::start(Cadence::default(), Seq(10), CALIBRATED);
    for _ in 0..PRIMES {
        assert_eq!(probe.next(Duration::ZERO, Traffic::Busy), Ask::Now);
        probe.on_probed(Duration::ZERO);
    }
    assert_eq!(probe.next(Duration::ZERO, Traffic::Busy), Ask::Wait { until: Some(CALIBRATED) });
    assert_eq!(probe.standing(), Standing::Open);
    probe
}

/// The peer has answered so many of the first two probes, in 2 ms, and no stray answer came after the first record,
/// number 11, that was sent after a second. It is probed from now on.
fn answering(answers: usize) -> Probe {
    let mut probe = primed();
    for _ in 0..answers {
        assert_eq!(probe.on_answer(2 * MS, None), None);
    }
    let settled = if answers < PRIMES { 2 * MS + SETTLE_MIN } else { 2 * MS };
    if answers < PRIMES {
        assert_eq!(probe.next(2 * MS, Traffic::Busy), Ask::Wait { until: Some(settled) });
    }
    assert_eq!(probe.next(settled, Traffic::Busy), Ask::Wait { until: None });
    assert_eq!(probe.standing(), Standing::Answers);
    probe.on_sent(Seq(11), 1, 100, SECOND);
    assert_eq!(probe.next(SECOND, Traffic::Stuck), Ask::Wait { until: Some(SECOND + PATIENCE_MIN) });
    assert_eq!(probe.next(SECOND + PATIENCE_MIN, Traffic::Idle), Ask::Now);
    probe
}

const BEGUN: Duration = Duration::from_millis(1200);

#[test]
fn an_answer_proves_what_was_sent_before_its_probe_and_nothing_after_it() {
    let mut probe = answering(2);
    probe.on_probed(BEGUN);
    probe.on_sent(Seq(20), 9, 900, BEGUN + MS);
    assert_eq!(probe.on_answer(BEGUN + 3 * MS, None), Some(Seq(11)));
    assert_eq!(probe.round_trip(), Some(3 * MS));
    assert_eq!(probe.next(BEGUN + 4 * MS, Traffic::Idle), Ask::Wait { until: Some(BEGUN + MS + QUIET) });
    assert_eq!(probe.next(BEGUN + 6 * MS, Traffic::Idle), Ask::Now);
}

#[test]
fn a_peer_that_ignored_the_first_probe_is_believed_one_probe_behind() {
    let mut probe = answering(1);
    probe.on_probed(BEGUN);
    assert_eq!(probe.on_answer(BEGUN + MS, None), None, "it may be the answer to a probe of the beginning");
    assert_eq!(probe.next(BEGUN + MS, Traffic::Busy), Ask::Wait { until: None });
    assert_eq!(probe.next(BEGUN + MS, Traffic::Idle), Ask::Now, "one more when it is quiet");
    probe.on_probed(BEGUN + MS);
    assert_eq!(probe.on_answer(BEGUN + 2 * MS, None), Some(Seq(11)));
    assert_eq!(probe.next(BEGUN + 2 * MS, Traffic::Idle), Ask::Wait { until: None });
    probe.on_sent(Seq(12), 1, 100, BEGUN + 3 * MS);
    assert_eq!(probe.next(BEGUN + 3 * MS, Traffic::Stuck), Ask::Now);
    probe.on_probed(BEGUN + 3 * MS);
    assert_eq!(probe.on_answer(BEGUN + 4 * MS, None), Some(Seq(11)), "nothing new");
    assert_eq!(probe.next(BEGUN + 4 * MS, Traffic::Stuck), Ask::Now);
}

#[test]
fn a_peer_that_answers_the_first_probe_at_once_needs_no_second() {
    let mut probe = Probe::start(Cadence::default(), Seq(10), CALIBRATED);
    probe.on_probed(Duration::ZERO);
    assert_eq!(probe.on_answer(MS, None), None);
    assert_eq!(probe.standing(), Standing::Answers);
    assert_eq!(probe.next(MS, Traffic::Idle), Ask::Wait { until: None });
}

#[test]
fn a_silent_peer_gets_two_probes_and_no_more() {
    let mut probe = primed();
    assert_eq!(probe.next(CALIBRATED, Traffic::Idle), Ask::Wait { until: None });
    assert_eq!(probe.standing(), Standing::Silent(Why::NoAnswer));
    probe.on_sent(Seq(99), 5000, 1 << 20, CALIBRATED);
    assert_eq!(probe.next(99 * SECOND, Traffic::Stuck), Ask::Wait { until: None });
    assert!(!probe.is_late());
    assert_eq!(probe.on_answer(99 * SECOND, None), None, "too late to be believed");
    assert_eq!(probe.standing(), Standing::Silent(Why::NoAnswer));
    assert!(probe.is_late());
}

#[test]
fn a_peer_that_stops_answering_gets_three_probes_and_no_more() {
    let mut probe = answering(2);
    let mut now = BEGUN;
    for count in 1.. {
        match probe.next(now, Traffic::Idle) {
            Ask::Now => probe.on_probed(now),
            Ask::Wait { until: Some(until) } => now = until,
            Ask::Wait { until: None } => {
                assert_eq!((count, probe.open.len()), (6, OPEN_MAX));
                break;
            }
        }
    }
    assert!(probe.is_owed());
    assert_eq!(probe.on_answer(now + SECOND, None), Some(Seq(11)), "a late answer is true");
    assert!(!probe.is_owed());
}

#[test]
fn probes_follow_records_bytes_and_time() {
    let usual = Cadence::default();
    for cadence in [usual, Cadence { records: 3, bytes: 500, interval: 40 * MS }] {
        probes_follow(cadence);
    }
}

fn probes_follow(cadence: Cadence) {
    let Cadence { records: most, bytes: most_bytes, interval } = cadence;
    let cases = [
        (Traffic::Busy, most, 1, Duration::ZERO),
        (Traffic::Busy, 1, most_bytes, Duration::ZERO),
        (Traffic::Busy, most - 1, most_bytes - 1, interval),
        (Traffic::Idle, 1, 1, QUIET),
        (Traffic::Stuck, 1, 1, Duration::ZERO),
    ];
    for (traffic, records, bytes, wait) in cases {
        let mut probe = Probe { cadence, ..answering(2) };
        probe.on_probed(BEGUN);
        probe.on_answer(BEGUN + MS, None);
        probe.on_sent(Seq(20), records, bytes, 2 * SECOND);
        let at = 2 * SECOND + wait;
        if !wait.is_zero() {
            assert_eq!(
                probe.next(at - MS, traffic),
                Ask::Wait { until: Some(at) },
                "{traffic:?} {records} {bytes}"
            );
        }
        assert_eq!(probe.next(at, traffic), Ask::Now, "{traffic:?} {records} {bytes}");
    }
}

#[test]
fn a_trickle_cannot_put_the_probe_off() {
    let mut probe = answering(2);
    probe.on_probed(BEGUN);
    probe.on_answer(BEGUN + MS, None);
    for step in 0..300 {
        probe.on_sent(Seq(20 + step), 1, 1, 2 * SECOND + 4 * MS * u32::try_from(step).unwrap());
    }
    assert_eq!(probe.next(3 * SECOND - MS, Traffic::Idle), Ask::Wait { until: Some(3 * SECOND) });
    assert_eq!(probe.next(3 * SECOND, Traffic::Idle), Ask::Now);
}

#[test]
fn one_probe_is_on_the_way_at_a_time() {
    let mut probe = answering(2);
    probe.on_probed(BEGUN);
    probe.on_sent(Seq(99), 5000, 1 << 20, BEGUN);
    assert_eq!(probe.next(BEGUN + MS, Traffic::Stuck), Ask::Wait { until: Some(BEGUN + PATIENCE_MIN) });
    assert_eq!(probe.on_answer(BEGUN + 2 * MS, None), Some(Seq(11)));
    assert_eq!(probe.next(BEGUN + 2 * MS, Traffic::Stuck), Ask::Now);
}

#[test]
fn an_answer_before_any_probe_of_records_ends_the_belief_in_the_peer() {
    let mut probe = primed();
    probe.on_answer(2 * MS, None);
    probe.next(SECOND, Traffic::Idle);
    probe.on_sent(Seq(11), 1, 100, SECOND);
    assert_eq!(probe.on_answer(SECOND + MS, None), None, "it may be a late one of the beginning");
    assert_eq!(probe.next(2 * SECOND, Traffic::Stuck), Ask::Wait { until: None }, "the next records decide");
    probe.on_sent(Seq(12), 1, 100, 2 * SECOND);
    assert_eq!(probe.on_answer(2 * SECOND + MS, None), None);
    assert_eq!(probe.standing(), Standing::Silent(Why::Unasked));
    assert_eq!(probe.next(9 * SECOND, Traffic::Stuck), Ask::Wait { until: None });
}

#[test]
fn one_answer_more_than_probes_ends_the_belief_in_the_peer() {
    let mut early = primed();
    for _ in 0..=PRIMES {
        assert_eq!(early.on_answer(2 * MS, None), None);
    }
    assert_eq!(early.standing(), Standing::Silent(Why::Unasked));
    let mut late = answering(2);
    late.on_probed(BEGUN);
    assert_eq!(late.on_answer(BEGUN + MS, None), Some(Seq(11)));
    assert_eq!(late.on_answer(BEGUN + MS, None), None);
    assert_eq!(late.standing(), Standing::Silent(Why::Unasked));
}

#[test]
fn new_keys_in_another_form_make_the_open_probe_void_and_not_the_next() {
    let mut probe = answering(2);
    probe.on_probed(BEGUN);
    probe.on_other();
    assert_eq!(probe.on_answer(BEGUN + MS, None), None);
    assert_eq!(probe.next(BEGUN + MS, Traffic::Idle), Ask::Now);
    probe.on_probed(BEGUN + MS);
    assert_eq!(probe.on_answer(BEGUN + 2 * MS, None), Some(Seq(11)));
}

#[test]
fn an_answer_sooner_than_the_smallest_round_trip_counts_for_nothing() {
    let mut probe = answering(2);
    probe.on_probed(BEGUN);
    assert_eq!(probe.on_answer(BEGUN + MS, Some(2 * MS)), None);
    assert_eq!(probe.on_answer(BEGUN + 2 * MS, Some(2 * MS)), Some(Seq(11)));
}

#[test]
fn a_link_that_is_not_probed_stays_so_whatever_comes() {
    let mut probe = Probe::without();
    probe.on_sent(Seq(11), 1, 1, SECOND);
    probe.on_other();
    assert_eq!(probe.on_answer(SECOND, None), None);
    assert_eq!(probe.next(9 * SECOND, Traffic::Stuck), Ask::Wait { until: None });
    assert_eq!(probe.standing(), Standing::Silent(Why::NotAsked));
}

/// What happens next between us and a peer.
#[derive(Debug, Clone, Copy)]
enum Happens {
    /// A batch goes out.
    Batch,
    /// The peer reads the next thing and answers a probe at once.
    ReadsAndAnswers,
    /// The peer reads the next thing and answers a probe when it feels like it, or never.
    Reads,
    /// The peer gives an answer that it owes.
    Answers,
    /// All that it has given arrives.
    Arrives,
    /// Time passes.
    Passes(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => Just(Happens::Batch),
        4 => Just(Happens::ReadsAndAnswers),
        2 => Just(Happens::Reads),
        2 => Just(Happens::Answers),
        4 => Just(Happens::Arrives),
        3 => (0..400_u64).prop_map(Happens::Passes),
    ]
}

/// The way to a peer, and the peer.
#[derive(Default)]
struct Peer {
    /// Records, and probes as `None`, that it has not read.
    way: VecDeque<Option<Seq>>,
    read: Seq,
    owed: usize,
    given: usize,
}

impl Peer {
    fn reads(&mut self) {
        match self.way.pop_front() {
            Some(Some(seq)) => self.read = seq,
            Some(None) => self.owed += 1,
            None => {}
        }
    }

    fn answers(&mut self) {
        self.given += usize::from(self.owed > 0);
        self.owed = self.owed.saturating_sub(1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_proven_that_the_peer_has_not_read(
        ignores in 0..3_usize,
        story in prop::collection::vec(happens(), 0..200),
    ) {
        let (mut probe, mut now, mut seq) = (Probe::start(Cadence::default(), Seq(0), CALIBRATED), Duration::ZERO, Seq(0));
        let mut peer = Peer::default();
        let mut ignored = 0;
        for event in story {
            match event {
                Happens::Batch if probe.standing() == Standing::Open => {}
                Happens::Batch => {
                    seq = Seq(seq.0 + 1);
                    peer.way.push_back(Some(seq));
                    probe.on_sent(seq, 600, 1, now);
                }
                Happens::ReadsAndAnswers => {
                    let owed = peer.owed;
                    peer.reads();
                    if peer.owed > owed && ignored < ignores {
                        (ignored, peer.owed) = (ignored + 1, owed);
                    }
                    peer.answers();
                }
                Happens::Reads => peer.reads(),
                Happens::Answers => peer.answers(),
                Happens::Arrives => {
                    for _ in 0..std::mem::take(&mut peer.given) {
                        if let Some(proven) = probe.on_answer(now, None) {
                            prop_assert!(proven <= peer.read, "{proven} of {} read", peer.read);
                        }
                    }
                }
                Happens::Passes(ms) => now += Duration::from_millis(ms),
            }
            if probe.next(now, Traffic::Idle) == Ask::Now {
                peer.way.push_back(None);
                probe.on_probed(now);
                prop_assert!(probe.open.len() <= OPEN_MAX);
            }
        }
    }

    #[test]
    fn a_peer_that_reads_on_gets_everything_proven(ignores in 0..2_usize, batches in 1..50_u64) {
        let (mut probe, mut now, mut peer) = (Probe::start(Cadence::default(), Seq(0), CALIBRATED), Duration::ZERO, Peer::default());
        let (mut seq, mut proven, mut ignored) = (0, Seq(0), 0);
        for _ in 0..2000 {
            now += MS;
            if probe.standing() == Standing::Answers && seq < batches {
                seq += 1;
                peer.way.push_back(Some(Seq(seq)));
                probe.on_sent(Seq(seq), 1, 1, now);
            }
            if probe.next(now, Traffic::Idle) == Ask::Now {
                peer.way.push_back(None);
                probe.on_probed(now);
            }
            while !peer.way.is_empty() {
                let owed = peer.owed;
                peer.reads();
                if peer.owed > owed && ignored < ignores {
                    (ignored, peer.owed) = (ignored + 1, owed);
                }
                peer.answers();
            }
            for _ in 0..std::mem::take(&mut peer.given) {
                proven = proven.max(probe.on_answer(now, None).unwrap_or_default());
            }
        }
        prop_assert_eq!(proven, Seq(batches));
    }
}
