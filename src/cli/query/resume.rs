//! A follower whose agent has stopped waits for the next one, as after an update, and goes on where it was left.

use super::super::trail::{Extent, Rows, Trail};
use super::narrow::with_parts;
use crate::control::ControlError;
use crate::filter::{Clock, Filter};
use crate::model::Seq;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is followed.
pub(super) struct Followed<'a> {
    pub(super) trail: &'a Trail,
    pub(super) filter: &'a Filter,
    pub(super) clock: &'a Clock,
    /// The stream id of its journal.
    pub(super) stream: String,
}

impl Followed<'_> {
    /// The rows after `through` of the next agent, if it answers within `limit`; inside, why there are none.
    pub(super) fn resumed(&self, through: Seq, limit: Duration) -> anyhow::Result<Result<Rows, String>> {
        let filter = Arc::new(with_parts(self.filter, vec![format!("seq > {through}")], self.clock)?);
        let began = Instant::now();
        loop {
            sleep(WAIT);
            match self.rows_of_next(&filter, through) {
                Err(error) if is_on_its_way(&error) => {}
                rows => return rows,
            }
            if began.elapsed() >= limit {
                let seconds = limit.as_secs();
                return Ok(Err(format!("the agent has stopped, and none answers after {seconds} s")));
            }
        }
    }

    fn rows_of_next(&self, filter: &Arc<Filter>, through: Seq) -> anyhow::Result<Result<Rows, String>> {
        if self.trail.stream()? != self.stream {
            return Ok(Err("the agent has another journal now".to_owned()));
        }
        if self.trail.ends_before(through)? {
            let lost = "the journal is older than it was, or has lost records";
            return Ok(Err(format!("{lost}: it ends before {through}")));
        }
        self.trail.rows(Arc::clone(filter), Extent { follow: true, ..Extent::default() }).map(Ok)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Settings;
    use crate::model::Time;

    #[test]
    fn the_wait_for_the_next_agent_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        let trail =
            Trail::Agent(Box::new(Settings { socket, admin_groups: Vec::new(), admin_users: Vec::new() }));
        let (filter, clock) = (Filter::default(), Clock::utc(Time::default()));
        let followed = Followed { trail: &trail, filter: &filter, clock: &clock, stream: String::new() };
        let ended = followed.resumed(Seq(7), Duration::from_secs(1)).unwrap().err().unwrap();
        assert_eq!(ended, "the agent has stopped, and none answers after 1 s");
    }
}
