//! The driver's side of evidence that comes while the link stays up: probes go out, answers confirm.

use super::Destination;
use super::decide::{self, About, Next};
use super::evidence::Level;
use super::probe::Probe;
use crate::model::Seq;
use crate::transport::{Link, Observed};

impl Destination {
    /// How a new link is to be asked.
    pub(super) fn probe_for(&self, link: &Link) -> Probe {
        let wanted =
            decide::is_probed(self.settings.evidence, &self.memory.peer, &link.about(), self.report.now());
        match wanted && link.can_probe() && !link.is_acknowledged() {
            true => {
                let (evidence, peer) = (self.settings.evidence, &self.memory.peer);
                let within = decide::first_answer_within(evidence, peer, link.min_rtt());
                Probe::start(self.settings.cadence, self.delivery.confirmed(), self.now() + within)
            }
            false => Probe::without(),
        }
    }

    pub(super) fn next(&mut self, newest: Seq) -> Next {
        let about = About {
            evidence: self.settings.evidence,
            is_up: self.link.is_some(),
            is_acknowledged: self.link.as_ref().is_some_and(Link::is_acknowledged),
            must_show: self.link.as_ref().is_some_and(|link| {
                !link.is_acknowledged()
                    && self.memory.peer.must_show(self.settings.evidence, link.is_proxied())
            }),
        };
        let (now, lane) = (self.now(), &mut self.lane);
        let room = |has_something| {
            lane.on_turn(has_something);
            lane.room(now)
        };
        decide::decide(about, (&mut self.delivery, &mut self.probe), room, newest, now)
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
            // What was heard has ended the link: a second loss would wait longer, and pass an address over.
            _ if self.link.is_none() => {}
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
        let (heard, least, now) = (link.key_updates(), link.min_rtt(), self.begun.elapsed());
        let before = std::mem::replace(&mut self.heard, heard);
        let proven = decide::prove(&mut self.probe, before, heard, least, now);
        let Some(through) = proven else { return };
        self.delivery.on_confirmed(through);
        self.pool.on_evidence();
        self.memory.peer.habits.on_answer();
        self.remember();
        self.report.round_trip(self.probe.round_trip());
        let event = self.delivered(Level::Probe);
        self.tell(event).await;
    }

    /// The link has ended, with these answers: they prove nothing that its end does not, but tell that the peer gives some.
    pub(super) fn hear_last(&mut self, observed: &Observed) {
        let heard = observed.key_updates;
        let before = std::mem::replace(&mut self.heard, heard);
        decide::prove(&mut self.probe, before, heard, observed.min_rtt, self.begun.elapsed());
    }

    /// The link ends; what that says about the peer's answers. `read`: it has read everything.
    pub(super) fn learn(&mut self, tls: &str, read: bool) {
        let now = self.report.now();
        decide::learn(&mut self.memory.peer, &self.probe, tls, read, now);
    }

    /// What was learned is written with the next turn.
    pub(super) fn remember(&mut self) {
        // One writer for each file.
        if self.again.is_none() {
            self.memory.touch();
        }
    }
}
