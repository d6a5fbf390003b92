//! A follower whose agent has stopped waits for the next one, as after an update, and goes on where it was left.

use super::super::trail::{Extent, Rows, Trail};
use super::Query;
use super::narrow::with_parts;
use crate::control::ControlError;
use crate::filter::{Clock, Filter};
use crate::model::Seq;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// What is followed.
pub(super) struct Followed<'a> {
    pub(super) trail: &'a Trail,
    pub(super) filter: &'a Filter,
    pub(super) clock: &'a Clock,
    /// The stream id of its journal.
    pub(super) stream: String,
}

impl Query {
    /// The rows after `through` of the next agent, once there is one; inside, why its journal cannot have them.
    pub(super) fn resumed(
        &self,
        followed: &Followed<'_>,
        through: Seq,
    ) -> anyhow::Result<Result<Rows, String>> {
        let Followed { trail, filter, clock, stream } = followed;
        self.tell("the agent has stopped; waiting until it is started again");
        let filter = Arc::new(with_parts(filter, vec![format!("seq > {through}")], clock)?);
        loop {
            sleep(WAIT);
            let rows = trail.stream().and_then(|found| {
                if found != *stream {
                    return Ok(Err("the agent has another journal now".to_owned()));
                }
                if trail.ends_before(through)? {
                    let lost = "the journal is older than it was, or has lost records";
                    return Ok(Err(format!("{lost}: it ends before {through}")));
                }
                trail.rows(Arc::clone(&filter), Extent { follow: true, ..Extent::default() }).map(Ok)
            });
            match rows {
                Err(error) if is_on_its_way(&error) => {}
                rows => return rows,
            }
        }
    }
}

/// Whether that is what an agent answers that has not ended yet, or not begun to answer.
fn is_on_its_way(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(ControlError::Io { source, .. }) => source.kind() != ErrorKind::PermissionDenied,
        Some(ControlError::NotRunning { .. } | ControlError::Garbled(_) | ControlError::Silent { .. }) => {
            true
        }
        _ => false,
    }
}

/// Between two looks whether an agent answers.
const WAIT: Duration = Duration::from_millis(500);
