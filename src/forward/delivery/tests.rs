//! What follows what, and what a break costs.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn delivery(trusting: bool) -> Delivery {
    let limits = Limits {
        window_bytes_max: 1000,
        barrier_interval: 30 * SECOND,
        trusting,
        finite: false,
        selective: false,
    };
    let mut delivery = Delivery::resume_after(Seq(10), Seq(10), limits, Backoff::new(SECOND, 8 * SECOND));
    assert_eq!(delivery.next(Seq(10), Duration::ZERO), Step::Connect);
    delivery.on_connected(Duration::ZERO);
    delivery
}

fn running() -> Delivery {
    let mut delivery = delivery(false);
    delivery.on_proof(Proof::Running);
    delivery
}

#[test]
fn what_has_no_evidence_goes_out_again_after_a_lost_link_and_says_so() {
    let mut delivery = delivery(false);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Send { after: Seq(10), bytes_max: 1000 });
    assert!(!delivery.is_resent(Seq(11)));
    delivery.on_sent(Seq(12), 1, 100, SECOND);
    delivery.on_lost(SECOND, 1.0);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Wait { until: Some(2 * SECOND) });
    assert_eq!(delivery.next(Seq(12), 2 * SECOND), Step::Connect);
    delivery.on_connected(2 * SECOND);
    assert_eq!(delivery.next(Seq(13), 2 * SECOND), Step::Send { after: Seq(10), bytes_max: 1000 });
    assert!(delivery.is_resent(Seq(12)));
    assert!(!delivery.is_resent(Seq(13)));
}

#[test]
fn a_full_window_waits_for_evidence_whatever_else_is_there() {
    let mut delivery = delivery(false);
    delivery.on_sent(Seq(12), 1, 1000, SECOND);
    assert_eq!(delivery.next(Seq(99), SECOND), Step::Barrier);
    delivery.on_delivered(SECOND);
    assert_eq!((delivery.confirmed(), delivery.window_bytes()), (Seq(12), 0));
    assert_eq!(delivery.next(Seq(99), SECOND), Step::Connect, "without a wait");
}

#[test]
fn a_link_of_which_it_is_not_known_that_the_peer_takes_it_is_not_closed_at_once() {
    let mut delivery = delivery(false);
    let (soon, known) = (QUIET / 100, QUIET);
    delivery.on_sent(Seq(12), 1, 1000, soon);
    assert_eq!(delivery.next(Seq(99), soon), Step::Wait { until: Some(known) });
    assert_eq!(delivery.next(Seq(99), known), Step::Barrier);
    delivery.on_delivered(known);
    delivery.on_connected(known);
    delivery.on_sent(Seq(14), 1, 1000, known);
    assert_eq!(delivery.next(Seq(99), known), Step::Barrier, "it took the one before");
    delivery.on_lost(known, 0.0);
    delivery.on_connected(SECOND);
    delivery.on_sent(Seq(14), 1, 1000, SECOND);
    assert_eq!(delivery.next(Seq(99), SECOND), Step::Wait { until: Some(SECOND + QUIET) });
}

#[test]
fn a_lone_record_is_confirmed_soon_and_the_next_one_after_the_interval() {
    let mut delivery = delivery(false);
    delivery.on_sent(Seq(11), 1, 10, SECOND);
    let soon = SECOND + QUIET;
    assert_eq!(delivery.next(Seq(11), SECOND), Step::Wait { until: Some(soon) });
    assert_eq!(delivery.next(Seq(11), soon), Step::Barrier);
    delivery.on_delivered(soon);
    delivery.on_connected(soon);
    delivery.on_sent(Seq(12), 1, 10, 2 * SECOND);
    assert_eq!(delivery.next(Seq(12), 3 * SECOND), Step::Wait { until: Some(soon + 30 * SECOND) });
}

#[test]
fn a_steady_trickle_cannot_put_the_evidence_off() {
    let mut delivery = delivery(false);
    for second in 1..=31 {
        delivery.on_sent(Seq(10 + second), 1, 1, SECOND * second as u32);
    }
    assert_eq!(delivery.next(Seq(41), 31 * SECOND), Step::Barrier);
}

#[test]
fn a_peer_that_takes_links_and_drops_them_is_tried_more_and_more_seldom() {
    let mut delivery = delivery(false);
    let waits = [1, 2, 4, 8, 8].map(|expected| {
        delivery.on_lost(Duration::ZERO, 1.0);
        let step = delivery.next(Seq(10), Duration::ZERO);
        delivery.on_connected(Duration::ZERO);
        (step, Step::Wait { until: Some(SECOND * expected) })
    });
    for (step, expected) in waits {
        assert_eq!(step, expected);
    }
    delivery.on_lost(STAYED, 1.0);
    assert_eq!(delivery.next(Seq(10), STAYED), Step::Wait { until: Some(STAYED + SECOND) });
}

#[test]
fn evidence_while_the_link_is_up_releases_what_it_covers_and_a_break_resends_the_rest() {
    let mut delivery = running();
    for (seq, bytes) in [(12, 100), (15, 200), (18, 400)] {
        delivery.on_sent(Seq(seq), 1, bytes, SECOND);
    }
    delivery.on_confirmed(Seq(15));
    assert_eq!((delivery.confirmed(), delivery.sent(), delivery.window_bytes()), (Seq(15), Seq(18), 400));
    delivery.on_confirmed(Seq(12));
    assert_eq!(delivery.confirmed(), Seq(15), "late evidence takes nothing back");
    delivery.on_confirmed(Seq(17));
    assert_eq!((delivery.confirmed(), delivery.window_bytes()), (Seq(17), 400), "a part of a batch");
    delivery.on_lost(SECOND, 1.0);
    delivery.on_confirmed(Seq(18));
    assert_eq!(
        (delivery.confirmed(), delivery.sent()),
        (Seq(17), Seq(17)),
        "evidence of a link that is gone"
    );
    assert!(delivery.is_resent(Seq(18)) && !delivery.is_resent(Seq(19)));
}

#[test]
fn nothing_is_confirmed_that_was_not_sent() {
    let mut delivery = running();
    delivery.on_confirmed(Seq(11));
    assert_eq!(delivery.confirmed(), Seq(10));
    delivery.on_sent(Seq(12), 1, 100, SECOND);
    delivery.on_confirmed(Seq(99));
    assert_eq!(delivery.confirmed(), Seq(12));
}

#[test]
fn what_was_passed_over_is_confirmed_with_what_was_sent_before_it() {
    let mut delivery = running();
    delivery.on_sent(Seq(12), 1, 100, SECOND);
    delivery.on_nothing(Seq(20));
    delivery.on_confirmed(Seq(11));
    assert_eq!(delivery.confirmed(), Seq(11));
    delivery.on_confirmed(Seq(12));
    assert_eq!(delivery.confirmed(), Seq(20));
}

#[test]
fn a_full_window_waits_for_running_evidence_and_asks_with_a_barrier_when_that_stays_away() {
    let mut delivery = running();
    delivery.on_sent(Seq(12), 1, 500, SECOND);
    delivery.on_sent(Seq(14), 1, 500, 2 * SECOND);
    let until = Some(31 * SECOND);
    assert_eq!(delivery.next(Seq(99), 3 * SECOND), Step::Wait { until });
    delivery.on_confirmed(Seq(12));
    assert_eq!(delivery.next(Seq(99), 4 * SECOND), Step::Send { after: Seq(14), bytes_max: 500 });
    assert_eq!(delivery.next(Seq(14), 31 * SECOND), Step::Wait { until: Some(32 * SECOND) });
    assert_eq!(delivery.next(Seq(14), 32 * SECOND), Step::Barrier);
}

#[test]
fn a_link_whose_running_evidence_ends_is_closed_for_it() {
    let mut delivery = running();
    delivery.on_sent(Seq(12), 1, 1000, SECOND);
    delivery.on_proof(Proof::AtClose);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Barrier);
}

#[test]
fn nothing_goes_out_while_it_is_not_known_how_the_link_gives_evidence() {
    let mut delivery = delivery(false);
    delivery.on_proof(Proof::Unknown);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Wait { until: None });
    delivery.on_proof(Proof::Running);
    assert!(matches!(delivery.next(Seq(12), SECOND), Step::Send { .. }));
}

#[test]
fn a_stop_waits_for_running_evidence_and_asks_with_a_barrier_when_it_is_late() {
    let mut delivery = running();
    delivery.on_sent(Seq(12), 1, 100, SECOND);
    delivery.on_stop(2 * SECOND);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Wait { until: Some(2 * SECOND) });
    assert_eq!(delivery.next(Seq(12), 2 * SECOND), Step::Barrier);
    delivery.on_confirmed(Seq(12));
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Done);
}

#[test]
fn a_stop_sends_what_is_there_asks_for_evidence_and_ends() {
    let mut delivery = delivery(false);
    delivery.on_stop(5 * SECOND);
    assert!(matches!(delivery.next(Seq(12), SECOND), Step::Send { .. }));
    delivery.on_sent(Seq(12), 1, 10, SECOND);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Barrier);
    delivery.on_delivered(SECOND);
    assert_eq!(delivery.next(Seq(12), SECOND), Step::Done);
}

#[test]
fn a_stop_sends_the_rest_before_a_barrier_that_is_due() {
    let mut delivery = delivery(false);
    delivery.on_sent(Seq(11), 1, 10, SECOND);
    assert_eq!(delivery.next(Seq(12), 99 * SECOND), Step::Barrier);
    delivery.on_stop(100 * SECOND);
    assert!(matches!(delivery.next(Seq(12), 99 * SECOND), Step::Send { after: Seq(11), .. }));
    delivery.on_sent(Seq(12), 1, 10, 99 * SECOND);
    assert_eq!(delivery.next(Seq(12), 99 * SECOND), Step::Barrier);
}

#[test]
fn a_late_stop_asks_for_evidence_of_what_was_sent_and_leaves_the_rest() {
    let mut delivery = delivery(false);
    delivery.on_sent(Seq(11), 1, 10, SECOND);
    delivery.on_stop(2 * SECOND);
    assert_eq!(delivery.next(Seq(99), 2 * SECOND), Step::Barrier);
}

#[test]
fn a_trusting_destination_confirms_what_it_sends() {
    let mut delivery = delivery(true);
    delivery.on_sent(Seq(12), 1, 2000, SECOND);
    assert_eq!(delivery.confirmed(), Seq(12));
    assert_eq!(delivery.next(Seq(12), 99 * SECOND), Step::Wait { until: None });
}

#[test]
fn a_broken_send_is_never_taken_for_delivered() {
    for trusting in [false, true] {
        let mut delivery = delivery(trusting);
        delivery.on_interrupted(Seq(12));
        delivery.on_lost(SECOND, 1.0);
        assert_eq!((delivery.confirmed(), delivery.sent()), (Seq(10), Seq(10)));
        assert!(delivery.is_resent(Seq(12)));
    }
}

#[test]
fn nothing_to_send_is_confirmed_only_when_nothing_before_it_is_open() {
    let mut delivery = delivery(false);
    delivery.on_nothing(Seq(15));
    assert_eq!(delivery.confirmed(), Seq(15));
    delivery.on_sent(Seq(16), 1, 10, SECOND);
    delivery.on_nothing(Seq(20));
    assert_eq!((delivery.confirmed(), delivery.sent()), (Seq(15), Seq(20)));
}

#[test]
fn what_has_an_end_asks_for_evidence_there_and_is_done_only_with_it() {
    let mut delivery = delivery(false);
    delivery.limits.finite = true;
    delivery.on_sent(Seq(12), 1, 100, SECOND);
    assert!(matches!(delivery.next(Seq(15), SECOND), Step::Send { after: Seq(12), .. }), "not at its end");
    delivery.on_sent(Seq(15), 1, 100, SECOND);
    assert_eq!(delivery.next(Seq(15), SECOND), Step::Barrier, "at once");
    delivery.on_lost(SECOND, 0.0);
    assert_eq!(delivery.next(Seq(15), 10 * SECOND), Step::Connect, "no evidence, not done");
    delivery.on_connected(10 * SECOND);
    assert!(matches!(delivery.next(Seq(15), 10 * SECOND), Step::Send { after: Seq(10), .. }));
    delivery.on_sent(Seq(15), 1, 200, 10 * SECOND);
    delivery.on_delivered(11 * SECOND);
    assert_eq!(delivery.next(Seq(15), 11 * SECOND), Step::Done, "without another link");
}
