//! One link takes the place of another that is still good: it is made beside it, and the old one is closed with evidence.

use super::Destination;
use super::beside::Beside;
use super::evidence::Verdict;
use super::probe::Probe;
use crate::transport::Link;
use std::time::Duration;

/// Tries the addresses before the present one; the first that takes us, and the link to it.
pub(super) type Visit = Beside<Option<(usize, Link)>>;

impl Destination {
    /// When a visit to the addresses before the present one is due.
    pub(super) fn visit_at(&self) -> Option<Duration> {
        self.pool
            .return_at()
            .filter(|_| self.link.is_some() && !self.visit.is_under_way() && self.has_time_for_others())
    }

    /// Begins a visit when it is due, and moves over to the link that one has made.
    pub(super) async fn succeed(&mut self) {
        if !self.has_time_for_others() {
            return;
        }
        // A visit that took its time may have been outrun by a link to the address that it reached, or to one before it.
        if let Some(Some((address, next))) = self.visit.take()
            && (self.link.is_none() || address < self.pool.present())
        {
            return self.move_over(address, next).await;
        }
        if self.visit_at().is_some_and(|at| at <= self.now()) {
            let attempts: Vec<_> = (0..self.pool.present()).map(|address| self.connect(address)).collect();
            self.visit.begin(async move {
                for (address, attempt) in attempts.into_iter().enumerate() {
                    if let Ok(link) = attempt.await {
                        return Some((address, link));
                    }
                }
                None
            });
            self.pool.on_return_tried(self.now());
        }
    }

    /// Closes the present link for evidence. What has none goes out again over the next one, which is there already.
    pub(super) async fn move_over(&mut self, address: usize, next: Link) {
        if let Some(link) = self.link.take() {
            let tls = link.about();
            let observed = link.barrier(self.settle.pause()).await;
            self.confirm(observed.confirmed).await;
            self.hear_last(&observed);
            let verdict = self.judge(&observed);
            self.learn(&tls, matches!(verdict, Verdict::Delivered(_)));
            self.remember();
            self.probe = Probe::without();
            match verdict {
                Verdict::Delivered(level) => {
                    self.delivery.on_delivered(self.now());
                    let event = self.delivered(level);
                    self.tell(event).await;
                }
                Verdict::Unproved { .. } => self.delivery.on_lost_for_another(self.now()),
            }
            self.let_go();
        }
        self.on_connect(address, Ok(next)).await;
    }
}
