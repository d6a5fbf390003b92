//! What is not selected makes no hole, whatever happens to the links in between.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn selective(confirmed: impl Into<Reached>) -> Delivery {
    let limits = Limits {
        window_bytes_max: 1 << 20,
        barrier_interval: 30 * SECOND,
        trusting: false,
        finite: false,
        selective: true,
    };
    Delivery::resume_after(confirmed, Seq::NONE, limits, Backoff::new(SECOND, SECOND))
}

#[test]
fn without_a_link_records_are_looked_at_up_to_the_first_that_is_selected() {
    let mut delivery = selective(Seq(10));
    delivery.on_lost(SECOND, 1.0);
    let waits = Step::Wait { until: Some(2 * SECOND) };
    assert_eq!(delivery.next(Seq(10), SECOND), waits);
    assert_eq!(delivery.next(Seq(19), SECOND), Step::Look { after: Seq(10) });
    delivery.on_nothing(Seq(19));
    assert_eq!((delivery.next(Seq(19), SECOND), delivery.is_looking()), (waits, true));
    delivery.on_wanted(Seq(20));
    assert_eq!((delivery.next(Seq(30), SECOND), delivery.is_looking()), (waits, false));
    assert_eq!((delivery.confirmed(), delivery.prev()), (Seq(19), Seq(10)));
    assert_eq!(delivery.next(Seq(30), 2 * SECOND), Step::Connect);
    delivery.on_connected(2 * SECOND);
    delivery.on_sent(Seq(20), 1, 10, 2 * SECOND);
    delivery.on_delivered(2 * SECOND);
    delivery.on_lost(2 * SECOND, 1.0);
    assert_eq!(delivery.next(Seq(30), 2 * SECOND), Step::Look { after: Seq(20) });
}

#[test]
fn who_gets_everything_looks_at_nothing() {
    let mut delivery = selective(Seq(10));
    delivery.limits.selective = false;
    delivery.on_lost(SECOND, 1.0);
    assert_eq!(delivery.next(Seq(19), SECOND), Step::Wait { until: Some(2 * SECOND) });
}

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Up to so many records are sent as a batch, or none of them is selected.
    Send(usize),
    /// The peer proves a part of what is on the way: so many of its frames.
    Prove(usize),
    Barrier,
    Break,
    Interrupt(usize),
    Look(usize),
    /// kill -9: the cursor is what was written last.
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1..9usize).prop_map(Act::Send),
        2 => (0..9usize).prop_map(Act::Prove),
        1 => Just(Act::Barrier),
        1 => Just(Act::Break),
        1 => (1..9usize).prop_map(Act::Interrupt),
        1 => (1..9usize).prop_map(Act::Look),
        1 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 0..60)
}

/// A destination, the link's frames as the peer got them, and the records of which those marked are selected.
struct World<'a> {
    delivery: Delivery,
    selected: &'a [bool],
    frames: Vec<Seq>,
    proven: usize,
    up: bool,
}

impl World<'_> {
    fn wants(&self, seq: Seq) -> bool {
        self.selected[usize::try_from(seq.0).unwrap() - 1]
    }

    fn newest(&self) -> Seq {
        Seq(self.selected.len() as u64)
    }

    /// The last selected record up to there.
    fn last(&self, through: Seq) -> Seq {
        (1..=through.0).rev().map(Seq).find(|&seq| self.wants(seq)).unwrap_or_default()
    }

    /// As the encoder does it; each frame must say that it follows the last selected record before it.
    fn encode(&mut self, count: usize) -> (Reached, Vec<Seq>) {
        let mut end = Reached { through: self.delivery.sent(), last: self.delivery.prev() };
        let mut frames = Vec::new();
        for seq in (end.through.0 + 1..=self.newest().0).map(Seq).take(count) {
            end.through = seq;
            if self.wants(seq) {
                assert_eq!(end.last, self.last(Seq(seq.0 - 1)), "prev of {seq}");
                end.last = seq;
                frames.push(seq);
            }
        }
        (end, frames)
    }

    fn connect(&mut self) {
        if !self.up {
            self.delivery.on_connected(Duration::ZERO);
            self.delivery.on_proof(Proof::Running);
            self.up = true;
        }
    }

    fn end(&mut self) {
        self.frames.clear();
        (self.proven, self.up) = (0, false);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Send(count) => {
                self.connect();
                let (end, frames) = self.encode(count);
                if frames.is_empty() {
                    return self.delivery.on_nothing(end.through);
                }
                self.frames.extend(frames);
                self.delivery.on_sent(end, 1, 10, Duration::ZERO);
            }
            Act::Interrupt(count) => {
                self.connect();
                let (end, _) = self.encode(count);
                self.delivery.on_interrupted(end.last);
                self.delivery.on_lost(Duration::ZERO, 0.0);
                self.end();
            }
            Act::Prove(count) => {
                let proven = (self.proven + count).min(self.frames.len());
                if self.up && proven > self.proven {
                    self.delivery.on_confirmed(self.frames[proven - 1]);
                    self.proven = proven;
                }
            }
            Act::Barrier if self.up => {
                self.delivery.on_delivered(Duration::ZERO);
                self.end();
            }
            Act::Break if self.up => {
                self.delivery.on_lost(Duration::ZERO, 0.0);
                self.end();
            }
            Act::Look(count) if !self.up && self.delivery.is_looking() => {
                let after = self.delivery.confirmed().0;
                let looked = (after + 1..=self.newest().0).map(Seq).take(count);
                for seq in looked {
                    if self.wants(seq) {
                        self.delivery.on_wanted(seq);
                        break;
                    }
                    self.delivery.on_nothing(seq);
                }
            }
            Act::Barrier | Act::Break | Act::Look(_) => {}
            Act::Restart => {
                self.delivery = selective(self.delivery.reached());
                self.end();
            }
        }
    }

    /// What must hold at every moment.
    fn check(&self, proven: Seq) {
        let Reached { through, last } = self.delivery.reached();
        assert_eq!(last, self.last(through), "the last that was sent of what is confirmed");
        let open = self.frames.get(self.proven).copied();
        assert!(open.is_none_or(|open| through < open), "{through} has no evidence");
        assert!(through >= proven, "{through} was {proven}");
        assert!(self.delivery.sent() >= through);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_says_which_one_the_peer_got_before_it(
        selected in prop::collection::vec(any::<bool>(), 1..80),
        acts in acts(),
    ) {
        let delivery = selective(Seq::NONE);
        let mut world = World { delivery, selected: &selected, frames: Vec::new(), proven: 0, up: false };
        for act in acts {
            let before = world.delivery.confirmed();
            world.act(act);
            world.check(before);
        }
        // In the end everything is confirmed, and nothing is left to look at.
        while world.delivery.confirmed() < world.newest() {
            world.act(Act::Send(5));
            world.act(Act::Prove(usize::MAX >> 1));
        }
        world.check(Seq::NONE);
    }
}
