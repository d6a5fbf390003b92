//! Where the records come from: memory while the destination keeps up, the files when it does not.

use super::Destination;
use crate::journal::{Batch, JournalError, Next};
use crate::model::Seq;
use std::sync::Arc;
use tokio::task::spawn_blocking;

impl Destination {
    /// The records after `after`; `None` when everything up to `newest` is damaged or gone.
    pub(super) async fn records_after(
        &mut self,
        after: Seq,
        newest: Seq,
    ) -> Result<Option<(Batch, usize)>, JournalError> {
        let unsent = self.read.as_ref().map(|batch| batch.partition_point(|record| record.seq <= after));
        if let (Some(batch), Some(from)) = (&self.read, unsent)
            && (1..batch.len()).contains(&from)
        {
            return Ok(Some((Arc::clone(batch), from)));
        }
        if let Next::Records { batch, from } = self.journal.next_after(after) {
            self.let_go();
            self.read = Some(Arc::clone(&batch));
            return Ok(Some((batch, from)));
        }
        // What has been sent goes before what comes next is there: memory holds one of the two.
        self.read = None;
        let follower = self.follower.take().unwrap_or_else(|| self.journal.follower());
        let read = spawn_blocking(move || follower.read(after, newest, READ_BYTES)).await;
        let Ok(read) = read else { return Ok(None) };
        let (mut follower, batch) = read?;
        let damaged = std::mem::take(&mut follower.damaged);
        if !damaged.is_empty() {
            let now = self.report.now();
            self.in_journal(move |journal| damaged.iter().for_each(|error| journal.damaged(error, now)))
                .await;
        }
        self.follower = Some(follower);
        self.count_read(after, newest, &batch);
        if batch.is_empty() {
            self.delivery.on_nothing(newest);
            return Ok(None);
        }
        self.read = Some(Arc::clone(&batch));
        Ok(Some((batch, 0)))
    }

    /// Nobody waits for a reader who does not go on for now, or has no more to do with the files.
    pub(super) fn let_go(&mut self) {
        self.read = None;
        if let Some(follower) = &self.follower {
            follower.rest();
        }
    }
}

/// Bytes read from the files at once: in memory they take several times as much.
const READ_BYTES: usize = 256 << 10;
