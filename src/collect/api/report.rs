//! What a source that is asked says of itself: status, gaps, trouble, clocks, silence.

use super::plan::{Round, WINDOW_MAX};
use super::{CLOCK_OFF_SECONDS, Poller};
use crate::collect::gap::{Gap, Loss};
use crate::journal::{Draft, Input, Return};
use crate::model::{Action, Event, EventId, Outcome, Target, Time};
use crate::net::http::Answer;
use std::sync::PoisonError;
use std::time::Instant;
use tokio::task::spawn_blocking;

impl Poller {
    pub(super) fn publish(&mut self, state: &str) {
        state.clone_into(&mut self.status.state);
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.status);
    }

    /// As many rows of that kind as an answer can hold, and why there may be more between them and the last known.
    pub(super) fn tell_overflow(
        &mut self,
        (kind, why): (&str, &str),
        (from, to): (Option<Time>, Time),
        journaled: Option<Time>,
        first: Option<EventId>,
        now: Time,
        input: &mut Input,
    ) {
        let whole = i64::try_from(self.file.offset).ok().filter(|&millis| millis > 0);
        // That is by our clock, and rows go by the sensor's.
        let ahead_millis = self.status.clock_ahead_seconds.saturating_mul(1000);
        let whole = whole.and_then(|millis| Time::from_millis(millis.saturating_add(ahead_millis)));
        let Some(from) = from.or(whole).or(journaled) else {
            // The first answer of all: what happened before is not otrail's to tell.
            return tracing::info!(
                "source {}: {kind} begins with the newest rows, at {to}",
                self.settings.name
            );
        };
        let span = if from <= to { format!("between {from} and {to}") } else { format!("before {to}") };
        let message =
            format!("{kind} rows {span} may be missing: the sensor shows the newest ones only, and {why}");
        self.tell_gap(Gap { loss: Loss::Overflow, bytes: None, message }, first, now, input);
    }

    /// Nobody asked for longer than the API looks back.
    pub(super) fn tell_outage(&mut self, now: Time, input: &mut Input) {
        let Some(last) =
            i64::try_from(self.file.offset).ok().filter(|&last| last > 0).and_then(Time::from_millis)
        else {
            return;
        };
        let reach = i64::from(WINDOW_MAX) * 60_000;
        if now.millis() - last.millis() <= reach {
            return;
        }
        let message = format!(
            "rows between {last} and {} may be missing: the sensor was not asked, and it shows the last three days only",
            now.plus_millis(-reach)
        );
        self.tell_gap(Gap { loss: Loss::Outage, bytes: None, message }, None, now, input);
    }

    fn tell_gap(&mut self, gap: Gap, first: Option<EventId>, now: Time, input: &mut Input) {
        gap.loss.count(&mut self.status.gaps);
        let mut event = gap.event(&self.settings.sensor, &self.settings.name, self.last_event, now);
        event.new = first.map(|id| id.to_string().into());
        if self.journal.admits(&event) {
            input.drafts.push(Draft { event, position: None, mark: None });
        }
    }

    /// What the round came to goes into the status, and into the journal when that has changed.
    pub(super) async fn judge(&mut self, round: Round, trouble: String) {
        let state = match round {
            Round::Whole => "idle",
            Round::Failed => "unreachable",
            Round::Refused => "refused",
        };
        let was_failing = std::mem::replace(&mut self.failing, round != Round::Whole);
        self.status.error.clone_from(&trouble);
        if self.failing && !was_failing {
            self.owes_return = true;
            let message = format!("{} cannot be read: {trouble}", self.settings.url);
            self.note(Action::SOURCE_MISSING, Outcome::Failure, message).await;
        }
        if !self.failing && std::mem::take(&mut self.owes_return) {
            let message = format!("{} answers again", self.settings.url);
            self.note(Action::SOURCE_RECOVERED, Outcome::Success, message).await;
        }
        self.look_for_silence().await;
        self.publish(state);
    }

    /// Whether the sensor's clock goes with ours, by what its answer says to the second.
    pub(super) async fn look_at_clock(&mut self, answer: &Answer) {
        let Some(date) = answer.date else { return };
        let now = (self.clock)().timestamp();
        let ahead = date.as_second() - now.as_second();
        self.status.clock_ahead_seconds = ahead;
        let changed = (ahead - self.clock_told_seconds).abs() >= CLOCK_OFF_SECONDS;
        if !changed {
            return;
        }
        self.clock_told_seconds = if ahead.abs() < CLOCK_OFF_SECONDS { 0 } else { ahead };
        let message = match self.clock_told_seconds {
            0 => "the sensor's clock goes with ours again".to_owned(),
            ahead => format!(
                "the sensor's clock is {} s {} ours: its events are flagged clock-off",
                ahead.abs(),
                if ahead > 0 { "ahead of" } else { "behind" }
            ),
        };
        self.note(Action::CLOCK_STEPPED, Outcome::Unknown, message).await;
    }

    /// Whether the API shows user operations at all differs by version: a day without any is worth a word.
    async fn look_for_silence(&mut self) {
        let now = (self.clock)();
        let first =
            self.file.birth.and_then(|nanos| i64::try_from(nanos / 1_000_000).ok()).unwrap_or(i64::MAX);
        let is_silent = self.file.entries == self.file.passed_over
            && !self.status.last_answer.is_empty()
            && u128::try_from(now.millis().saturating_sub(first))
                .is_ok_and(|millis| millis >= self.settings.silent_after.as_millis());
        if !is_silent {
            self.status.notice.clear();
            return;
        }
        self.status.notice =
            "no user operation has come since this source was set up: not every version of the sensor shows them by \
             its API; compare with its event timeline"
                .to_owned();
        if !std::mem::replace(&mut self.silent_told, true) {
            self.note(Action::SOURCE_SILENT, Outcome::Unknown, self.status.notice.clone()).await;
        }
    }

    /// Rows that otrail has panicked at.
    pub(super) async fn tell_defects(&mut self, now: Time) {
        if let Some(event) = self.defects.due(&self.settings.name, Instant::now(), now) {
            self.note_event(event).await;
        }
    }

    /// One of otrail's own events about this source.
    async fn note(&self, action: Action, outcome: Outcome, message: String) {
        self.note_event(Event::own(action, outcome, (self.clock)(), message)).await;
    }

    async fn note_event(&self, mut event: Event) {
        let (name, at) = (self.settings.name.clone(), self.settings.url.to_string());
        let target = Target { kind: "source".into(), name: Some(name.clone()), id: None };
        event.target = Some(Box::new(target));
        let journal = self.journal.clone();
        // Cancelled only when the agent ends.
        let _ =
            spawn_blocking(move || journal.note_about(Return::Source { name: &name, at: &at }, event)).await;
    }
}

/// Why rows are missing: none of those that are shown is known.
pub(super) const OVERFLOW: &str = "more came than one answer holds";
/// Why rows are missing: what is newest on the sensor is not.
pub(super) const HIDDEN: &str = "rows of a clock that was ahead fill its answer";
