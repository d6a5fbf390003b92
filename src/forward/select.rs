//! The driver's side of what is not selected: while there is no link it is passed over up to the first record that has
//! to wait for one, so that a destination that is away keeps of the journal what it needs and no more.

use super::{Destination, error_text};
use crate::model::Seq;

impl Destination {
    /// Looks at what comes after `after`; nothing is on the way.
    pub(super) async fn look(&mut self, after: Seq, newest: Seq) {
        match self.records_after(after, newest).await {
            Ok(Some((batch, from))) => {
                let passed = self.encoder.pass_over(
                    // What cannot be told waits for a link, and is set aside then.
                    |record| self.settings.wants(record).unwrap_or(true),
                    &batch[from..],
                );
                self.report.passed_over(passed.count);
                if let Some(through) = passed.through {
                    self.delivery.on_nothing(through);
                }
                if let Some(wanted) = passed.wanted {
                    self.delivery.on_wanted(wanted);
                }
            }
            Ok(None) => {}
            Err(error) => {
                self.report.problem(&error_text(&error));
                // The same is read again once there is a link.
                self.delivery.on_wanted(after.next());
            }
        }
        // Nobody waits for a reader who waits for a link.
        self.let_go();
    }
}
