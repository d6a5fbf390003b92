//! After the answer: new records, as they become durable, until the client goes.
//!
//! Invariant: who asked for marks knows once the past has been answered, and once more when the event that it has caused is
//! passed over, where it could go on with another agent. What is sent after that is in the order of the journal.

use super::answer::{Broken, LEFT, Rows, Work};
use super::apart::apart;
use super::protocol::STOPPING;
use super::request;
use super::server::stopped;
use crate::filter::Filter;
use crate::model::{Action, Record, Seq, Text, error_text};
use crate::query::{self, Wanted};
use std::sync::Arc;

/// Sends what comes after `after`, without the event `own` that the follower itself has caused.
pub(super) async fn follow(
    work: &mut Work<'_>,
    filter: Arc<Filter>,
    mut after: Seq,
    own: &Text,
) -> Result<(), Broken> {
    let journal = work.shared.server.journal.clone();
    let mut newest = journal.subscribe();
    let mut shutdown = work.shutdown.clone();
    let mut own = Some(own.clone());
    if *shutdown.borrow() {
        // What was asked for first may have been left out.
        work.incomplete(STOPPING);
        return Ok(());
    }
    work.mark(after).await?;
    loop {
        let through = *newest.borrow_and_update();
        if after < through {
            let was_to_come = own.is_some();
            own = read(work, &filter, (after, through), own).await?;
            after = through;
            if was_to_come && own.is_none() {
                work.mark(after).await?;
            }
        }
        tokio::select! {
            changed = newest.changed() => if changed.is_err() {
                return Ok(());
            },
            () = request::gone(work.stream) => return Err(Broken::Unread(LEFT)),
            () = stopped(&mut shutdown) => {
                work.incomplete(STOPPING);
                work.sent.through = Some(after);
                return Ok(());
            }
        }
    }
}

/// Reads and sends one stretch of the journal; returns the own event if it is still to come.
async fn read(
    work: &mut Work<'_>,
    filter: &Arc<Filter>,
    (after, through): (Seq, Seq),
    own: Option<Text>,
) -> Result<Option<Text>, Broken> {
    let (dir, filter) = (work.shared.server.journal.dir().to_owned(), Arc::clone(filter));
    let open = move || query::newer(&dir, &filter, after, through);
    let wanted = match apart("the reading of the journal", open).await {
        Ok(Ok(wanted)) => wanted,
        Ok(Err(error)) => return Err(Broken::Failed(error_text(&error))),
        Err(why) => return Err(Broken::Failed(why)),
    };
    let mut news = News { wanted, own };
    loop {
        let (rest, is_end) = work.send_some(news, News::next).await?;
        if is_end {
            return Ok(rest.own);
        }
        news = rest;
    }
}

/// New records but for one.
struct News {
    wanted: Wanted,
    own: Option<Text>,
}

impl News {
    fn next(&mut self) -> Option<Record> {
        loop {
            let (_, record) = self.wanted.next()?;
            let is_own =
                record.event.action == Action::QUERY && self.own.as_ref() == Some(&record.event.message);
            if !is_own {
                return Some(record);
            }
            self.own = None;
        }
    }
}

impl Rows for News {
    fn incomplete(&self) -> Option<String> {
        self.wanted.missing().first().cloned()
    }
}
