//! A follower whose agent has stopped, or is gone, waits for the next one, as after an update, and goes on where it was left.
//!
//! ```text
//! told to end       the agent says through which record everything was sent
//! gone, following   what was shown last, or the mark at which following began, says it
//! gone, before      the next one is asked the same: what has been shown of the answer is remembered, and passed over. Of
//!                   the first answer, which may have a limit, the past ends where it did at first
//! ```
//!
//! Invariant: no row is shown twice, and none is left out.

use super::super::trail::{Extent, Rows, Trail};
use super::narrow::with_parts;
use crate::control::ControlError;
use crate::filter::{Clock, Filter};
use crate::model::Seq;
use std::collections::HashSet;
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
    pub(super) extent: Extent,
    /// The present question is of what comes after this; `None`: it is the first.
    pub(super) after: Option<Seq>,
    /// What has been shown of the answer to it before following began.
    pub(super) shown: HashSet<Seq>,
    /// So many agents in a row have gone before following began, and not since they were told to.
    pub(super) unanswered: u32,
}

impl<'a> Followed<'a> {
    /// Nothing has come yet.
    pub(super) fn new(
        trail: &'a Trail,
        filter: &'a Filter,
        clock: &'a Clock,
        extent: Extent,
    ) -> anyhow::Result<Followed<'a>> {
        let ((stream, past), shown) = (trail.newest()?, HashSet::new());
        let extent = Extent { past, ..extent };
        Ok(Followed { trail, filter, clock, stream, extent, after: None, shown, unanswered: 0 })
    }

    /// A row has come: whether it is to be shown.
    pub(super) fn take(&mut self, seq: Seq, rows: &Rows) -> bool {
        // What follows comes in order, and needs no memory.
        !rows.is_past() || self.shown.insert(seq)
    }

    /// The rows have ended: whether the next agent is to be asked for more.
    pub(super) fn goes_on(&mut self, rows: &Rows) -> bool {
        let reached = match rows.left_at() {
            Some(through) => Some(through),
            None if rows.was_cut() => rows.reached(),
            None => return false,
        };
        match reached {
            Some(_) => (self.after, self.unanswered) = (reached, 0),
            // Somebody wanted the end of that one.
            None if rows.had_to_stop() => self.unanswered = 0,
            None => self.unanswered += 1,
        }
        if reached.is_some() {
            self.shown.clear();
        }
        // What ends one agent after the other may be the question.
        self.unanswered < UNANSWERED_MAX
    }

    /// The rows of the next agent, if it answers within `limit`; inside, why there are none.
    pub(super) fn resumed(&self, limit: Duration) -> anyhow::Result<Result<Rows, String>> {
        let parts = self.after.map(|after| format!("seq > {after}")).into_iter().collect();
        let filter = Arc::new(with_parts(self.filter, parts, self.clock)?);
        let began = Instant::now();
        loop {
            sleep(WAIT);
            match self.rows_of_next(&filter) {
                Err(error) if is_on_its_way(&error) => {}
                rows => return rows,
            }
            if began.elapsed() >= limit {
                let seconds = limit.as_secs();
                return Ok(Err(format!("the agent has stopped, and none answers after {seconds} s")));
            }
        }
    }

    fn rows_of_next(&self, filter: &Arc<Filter>) -> anyhow::Result<Result<Rows, String>> {
        if self.trail.stream()? != self.stream {
            return Ok(Err("the agent has another journal now".to_owned()));
        }
        let Some(after) = self.after else { return self.trail.rows(Arc::clone(filter), self.extent).map(Ok) };
        if self.trail.ends_before(after)? {
            let lost = "the journal is older than it was, or has lost records";
            return Ok(Err(format!("{lost}: it ends before {after}")));
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

/// So many agents are asked that go before they have answered.
const UNANSWERED_MAX: u32 = 3;
/// Between two looks whether an agent answers.
const WAIT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Settings;
    use crate::control::protocol::{End, Reply, STOPPING};
    use crate::model::{Action, Event, Outcome, Record, Time};
    use crate::query::render::json_line;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;

    /// What an agent says before it is gone: records, and marks.
    enum Said {
        Row(u64),
        Mark(u64),
        Left(u64),
        Stopping,
    }
    use Said::{Left, Mark, Row, Stopping};

    fn row(seq: u64) -> Vec<u8> {
        let event = Event::own(Action::TEST, Outcome::Success, Time::default(), "");
        let mut line = Vec::new();
        json_line(&Record { seq: Seq(seq), position: None, event, chain: None }, &mut line);
        line
    }

    /// A follower that has seen nothing yet.
    fn followed<'a>(trail: &'a Trail, filter: &'a Filter, clock: &'a Clock) -> Followed<'a> {
        Followed {
            trail,
            filter,
            clock,
            stream: String::new(),
            extent: Extent { follow: true, past: Some(Seq(8)), ..Extent::default() },
            after: None,
            shown: HashSet::new(),
            unanswered: 0,
        }
    }

    /// Asks an agent that says that; what is shown of it, and whether the next one is asked.
    fn hear(followed: &mut Followed<'_>, said: &[Said]) -> (Vec<u64>, bool) {
        let Trail::Agent(settings) = followed.trail else { panic!("no agent") };
        let listener = UnixListener::bind(&settings.socket).unwrap();
        let mut rows = followed.trail.rows(Arc::new(Filter::default()), followed.extent).unwrap();
        let (mut agent, _) = listener.accept().unwrap();
        BufReader::new(&agent).read_line(&mut String::new()).unwrap();
        for said in said {
            let end = End { incomplete: true, reason: STOPPING.to_owned(), ..End::default() };
            let left = |seq| End { through: Some(Seq(seq)), ..end.clone() };
            let line = match *said {
                Row(seq) => row(seq),
                Mark(seq) => Reply::Through(Seq(seq)).line(),
                Left(seq) => Reply::End(left(seq)).line(),
                Stopping => Reply::End(end).line(),
            };
            agent.write_all(&line).unwrap();
        }
        drop(agent);
        std::fs::remove_file(&settings.socket).unwrap();
        let mut shown = Vec::new();
        while let Some(row) = rows.next() {
            shown.extend(row.ok().filter(|row| followed.take(row.seq, &rows)).map(|row| row.seq.0));
        }
        (shown, followed.goes_on(&rows))
    }

    #[test]
    fn a_follower_knows_where_it_was_left_however_its_agents_end() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        let trail =
            Trail::Agent(Box::new(Settings { socket, admin_groups: Vec::new(), admin_users: Vec::new() }));
        let (filter, clock) = (Filter::default(), Clock::utc(Time::default()));
        let new = || followed(&trail, &filter, &clock);
        let mut follower = new();
        assert_eq!(hear(&mut follower, &[]), (vec![], true), "asked anew");
        assert_eq!(follower.after, None);
        assert_eq!(hear(&mut follower, &[Row(9), Row(3), Mark(12)]), (vec![9, 3], true));
        assert_eq!(follower.after, Some(Seq(12)), "the newest row is not all that was answered");
        // By time, and gone in the middle of it: what comes again is not shown again.
        assert_eq!(hear(&mut follower, &[Row(15), Row(13)]), (vec![15, 13], true));
        assert_eq!(follower.after, Some(Seq(12)));
        let all = [Row(15), Row(14), Row(13), Mark(16), Mark(17), Row(20)];
        assert_eq!(hear(&mut follower, &all), (vec![14, 20], true));
        assert_eq!(follower.after, Some(Seq(20)));
        assert_eq!(hear(&mut follower, &[Mark(20), Left(31)]), (vec![], true));
        assert_eq!(follower.after, Some(Seq(31)));
        for is_asked in [true, true, false] {
            assert_eq!(hear(&mut follower, &[]), (vec![], is_asked), "the question may be what ends them");
        }
        let mut follower = new();
        for said in [&[][..], &[Stopping], &[], &[Row(3), Stopping], &[], &[Stopping], &[Stopping]] {
            assert!(hear(&mut follower, said).1, "somebody had most of them stop");
        }
        // Of the first answer, too: the next agent is asked the same of the same past.
        let mut follower = new();
        assert_eq!(hear(&mut follower, &[Row(5), Row(4)]), (vec![5, 4], true));
        assert_eq!(hear(&mut follower, &[Row(5), Row(4), Row(7), Stopping]), (vec![7], true));
        let all = [Row(5), Row(4), Row(7), Row(6), Mark(8), Row(9), Mark(9)];
        assert_eq!(hear(&mut follower, &all), (vec![6, 9], true));
        assert_eq!((follower.after, follower.extent.past), (Some(Seq(9)), Some(Seq(8))));
    }

    #[test]
    fn the_wait_for_the_next_agent_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        let trail =
            Trail::Agent(Box::new(Settings { socket, admin_groups: Vec::new(), admin_users: Vec::new() }));
        let (filter, clock) = (Filter::default(), Clock::utc(Time::default()));
        let followed = Followed { after: Some(Seq(7)), ..followed(&trail, &filter, &clock) };
        let ended = followed.resumed(Duration::from_secs(1)).unwrap().err().unwrap();
        assert_eq!(ended, "the agent has stopped, and none answers after 1 s");
    }
}
