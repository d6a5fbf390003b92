//! Trouble at a moment when it can spoil the most, and how everything goes on otherwise.

use super::World;
use crate::agent::simulation::Fault;
use std::time::Duration;

impl World {
    /// All is well until that moment.
    pub(super) fn trouble(&mut self, fault: Fault, moment: usize, rng: &mut fastrand::Rng) {
        for fault in [Fault::Unblock, Fault::Thaw, Fault::Start] {
            self.befall(fault, rng);
        }
        // Until the link gives its evidence as it will.
        self.start();
        self.append();
        (0..20).for_each(|_| self.turn(rng));
        let Some(agent) = &self.agent else { return };
        let moment = agent.sender.moment(moment, &self.server);
        // It is not always there at once.
        let served_in = [2, 4, 12][rng.usize(0..3)];
        let mut struck = None;
        for turn in 0..TROUBLE_TURNS {
            if rng.u8(0..4) == 0 {
                self.append();
                self.collect(1 << 20);
            }
            self.send(rng.u8(1..20), rng);
            let is_now = self.agent.as_ref().is_some_and(|agent| agent.sender.is_at(moment, &self.server));
            if struck.is_none() && (is_now && rng.bool() || turn + TROUBLE_TURNS_AFTER * 2 == TROUBLE_TURNS) {
                struck = Some(turn);
                if rng.bool() {
                    // Just before the next thing.
                    self.pass(self.rest().mul_f64(1.0 - rng.f64() / 8.0));
                }
                self.befall(fault, rng);
            }
            if struck.is_some_and(|struck| turn == struck + TROUBLE_TURNS_AFTER) {
                if fault == Fault::Freeze {
                    self.befall(Fault::Kill, rng);
                }
                self.befall(Fault::Start, rng);
            }
            if rng.u8(0..served_in) == 0 {
                self.serve(rng);
            }
            self.pass_on(rng);
        }
    }

    /// Everything goes on, up to the next thing that is due.
    pub(super) fn turn(&mut self, rng: &mut fastrand::Rng) {
        if !self.oracle.has_read(self.lines) {
            self.collect(1 << 20);
        }
        self.send(50, rng);
        self.serve(rng);
        self.pass_on(rng);
    }

    /// Everything has arrived, and it is known.
    pub(super) fn is_all_done(&self) -> bool {
        self.oracle.has_read(self.lines)
            && self.agent.as_ref().is_some_and(|agent| agent.sender.confirmed() == agent.journal.newest())
    }

    /// How long nothing is due.
    fn rest(&self) -> Duration {
        let due = self.agent.as_ref().and_then(|agent| agent.sender.until);
        let due = due.into_iter().chain(self.server.due()).min();
        due.map_or(IDLE_MAX, |due| due.saturating_sub(self.now)).min(IDLE_MAX)
    }

    /// Until something is due, or not quite.
    fn pass_on(&mut self, rng: &mut fastrand::Rng) {
        let rest = self.rest();
        let rest = if rng.u8(0..4) == 0 { rest.mul_f64(rng.f64()) } else { rest };
        self.pass(rest.max(Duration::from_micros(rng.u64(1..200))));
    }
}

/// How long a trouble waits for its moment.
const TROUBLE_TURNS: usize = 60;
/// So much later the receiver is there again.
const TROUBLE_TURNS_AFTER: usize = 10;
/// What is not due sooner is looked for.
const IDLE_MAX: Duration = Duration::from_secs(5);
