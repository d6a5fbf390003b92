//! The driver's side of evidence that comes while the link stays up: probes go out, answers confirm.

use super::Destination;
use super::delivery::{Proof, Step};
use super::evidence::Level;
use super::probe::{Ask, Probe, Standing, Traffic, Why};
use super::settings::Evidence;
use crate::model::Seq;
use crate::transport::{KeyUpdates, Link};

/// What the driver does next.
pub(super) enum Next {
    /// Send a probe.
    Ask,
    /// The link is of no use to this config.
    GiveUp(&'static str),
    Step(Step),
}

impl Destination {
    /// How a new link is to be asked.
    pub(super) fn probe_for(&self, link: &Link) -> Probe {
        let wanted = match self.settings.evidence {
            Evidence::Probe => true,
            Evidence::Auto => self.memory.peer.habits.is_worth_a_probe(&link.about(), self.report.now()),
            Evidence::Barrier | Evidence::None => false,
        };
        match wanted && link.can_probe() && !link.is_acknowledged() {
            true => Probe::start(self.settings.cadence, self.delivery.confirmed(), self.now()),
            false => Probe::without(),
        }
    }

    pub(super) fn next(&mut self, newest: Seq) -> Next {
        loop {
            if let Some(reason) = self.lacks_probe() {
                return Next::GiveUp(reason);
            }
            let (now, standing) = (self.now(), self.probe.standing());
            let acknowledged = self.link.as_ref().is_some_and(Link::is_acknowledged);
            self.delivery.on_proof(if acknowledged { Proof::Running } else { proof(standing) });
            let step = self.delivery.next(newest, now);
            self.lane.on_turn(matches!(step, Step::Send { .. }));
            let step = match (step, self.lane.room(now)) {
                (Step::Send { .. }, Err(until)) => Step::Wait { until: Some(until) },
                (step, _) => step,
            };
            let traffic = match step {
                Step::Send { .. } => Traffic::Busy,
                Step::Wait { .. } if self.delivery.is_full() || self.delivery.is_stopping() => Traffic::Stuck,
                Step::Wait { .. } => Traffic::Idle,
                Step::Connect | Step::Look { .. } | Step::Barrier | Step::Done => return Next::Step(step),
            };
            match (self.probe.next(now, traffic), step) {
                (Ask::Now, _) => return Next::Ask,
                _ if self.probe.standing() != standing => {}
                (Ask::Wait { until: sooner }, Step::Wait { until }) => {
                    return Next::Step(Step::Wait { until: until.into_iter().chain(sooner).min() });
                }
                (_, step) => return Next::Step(step),
            }
        }
    }

    /// Sends a probe, unless the peer has said something meanwhile that is to be heard first.
    pub(super) async fn ask(&mut self) {
        let Some(link) = &mut self.link else { return };
        let heard = link.key_updates();
        let began = self.begun.elapsed();
        let asked = match link.listen_now() {
            Ok(()) if link.key_updates() != heard => return,
            Ok(()) => link.probe().await,
            Err(error) => Err(error),
        };
        // What was heard while the probe was sent came before it had left.
        self.hear().await;
        match asked {
            Ok(()) => self.probe.on_probed(began),
            Err(error) => self.broke(&error).await,
        }
    }

    /// Takes the acknowledgements and answers that the link has heard. An answer counts only while the peer is there: one
    /// that its close follows may come from a TLS whose program never took what was read.
    pub(super) async fn hear(&mut self) {
        self.harvest().await;
        let Some(link) = &mut self.link else { return };
        if link.key_updates() == self.heard {
            return;
        }
        if let Err(error) = link.listen_now() {
            return self.broke(&error).await;
        }
        let KeyUpdates { given, other } = link.key_updates();
        if other > self.heard.other {
            self.probe.on_other();
        }
        let least = link.min_rtt();
        let now = self.now();
        let mut proven = None;
        for _ in self.heard.given..given {
            proven = self.probe.on_answer(now, least).max(proven);
        }
        self.heard = KeyUpdates { given, other };
        let Some(through) = proven else { return };
        self.delivery.on_confirmed(through);
        self.pool.on_evidence();
        self.memory.peer.habits.on_answer();
        self.remember();
        self.report.round_trip(self.probe.round_trip());
        let event = self.report.delivered(Level::Probe);
        self.tell(event).await;
    }

    /// Why this link is of no use to somebody who wants probes answered.
    fn lacks_probe(&self) -> Option<&'static str> {
        self.link.as_ref()?;
        match (self.settings.evidence, self.probe.standing()) {
            (Evidence::Probe, Standing::Silent(Why::NotAsked)) => {
                Some("evidence = \"probe\" needs TLS 1.3, which the peer does not speak")
            }
            (Evidence::Probe, Standing::Silent(Why::NoAnswer | Why::Unasked)) => {
                Some("the peer does not answer probes as evidence = \"probe\" demands")
            }
            _ => None,
        }
    }

    /// The link ends; what that says about the peer's answers. `read`: it has read everything.
    pub(super) fn learn(&mut self, tls: &str, read: bool) {
        let (habits, now) = (&mut self.memory.peer.habits, self.report.now());
        match self.probe.standing() {
            Standing::Silent(Why::NoAnswer | Why::Unasked) if read => habits.on_unanswered(tls, now),
            Standing::Answers if read && self.probe.is_owed() => habits.on_unanswered(tls, now),
            Standing::Open if !read => habits.on_broken(tls, now),
            _ => {}
        }
    }

    pub(super) fn remember(&mut self) {
        // One writer for each file.
        if self.again.is_some() {
            return;
        }
        if let Err(error) = self.memory.store() {
            tracing::warn!("cannot remember what {} can do: {error}", self.settings.name);
        }
    }
}

fn proof(standing: Standing) -> Proof {
    match standing {
        Standing::Open => Proof::Unknown,
        Standing::Answers => Proof::Running,
        Standing::Silent(_) => Proof::AtClose,
    }
}
