//! The driver's side of the end of a link: it is closed for evidence, or because nothing is left to do.

use super::Destination;
use super::evidence::{self, Verdict};
use super::probe::Probe;
use crate::transport::{LinkError, Observed};
use tokio::task::JoinSet;

impl Destination {
    /// Closes the link for evidence while the next one is made, so that the line stays busy.
    /// Nothing goes over the next one before the verdict.
    pub(super) async fn barrier(&mut self) {
        let Some(link) = self.link.take() else { return };
        let mut next = JoinSet::new();
        let at = self.pool.present();
        if !self.delivery.is_stopping() && self.again.is_none() {
            next.spawn(self.connect(at));
        }
        let tls = link.about();
        let observed = link.barrier(self.settle.pause()).await;
        self.confirm(observed.confirmed).await;
        self.hear_last(&observed);
        if let Some(answer) = observed.close_notify_after.or(observed.fin_after) {
            self.settle.on_answer(answer, observed.min_rtt);
        }
        match self.judge(&observed) {
            Verdict::Delivered(level) => {
                self.learn(&tls, true);
                self.remember();
                self.probe = Probe::without();
                self.delivery.on_delivered(self.now());
                self.pool.on_evidence();
                let event = self.delivered(level);
                self.progress(self.newest());
                self.tell(event).await;
                if let Some(made) = next.join_next().await {
                    self.on_connect(at, made.unwrap_or(Err(LinkError::Unprepared))).await;
                }
            }
            Verdict::Unproved { reason, cause } => {
                if let Some(trial) = &mut self.trial {
                    trial.on_unproved(&observed);
                }
                let error = format!("no evidence: {reason}");
                // Who stayed until we closed takes us, and an alert says itself what it is about.
                let event = match observed.closed_before_ours || observed.is_wordless {
                    true => self.report.ended(&error, observed.said.as_deref()),
                    false => self.report.lost_by(cause, &error),
                };
                self.lost(event).await;
            }
        }
    }

    pub(super) fn judge(&mut self, observed: &Observed) -> Verdict {
        let verdict = evidence::judge(observed, self.settings.evidence, &mut self.memory.peer);
        self.remember();
        verdict
    }

    /// Says good-bye.
    pub(super) async fn end(&mut self) {
        if let Some(link) = self.link.take() {
            link.end().await;
        }
    }
}
