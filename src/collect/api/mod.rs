//! A sensor that is asked: the events of its timeline by its API, down the same road as those of a log.
//!
//! ```text
//! plan ─ when, how far back ─▶ one question a type ─▶ net::http ─▶ answer ─▶ known ─ what is new ─▶ journal
//! ```
//!
//! The API is the one documented machine interface to the timeline (vendor page "sensor-alert-apis"): the latest 100
//! events of a type, newest first, without ids, of at most the last three days, and from a cache if the same was asked
//! within the hour. What may have been missed because of that is told as a gap.
//!
//! One source is one task: a slow sensor holds up nobody else. Its position is a row of the table of followed files:
//! `path` the address, `offset` the milliseconds since 1970 at which it last answered every question, `birth` the
//! nanoseconds since 1970 at which it was first asked.
//!
//! Invariant: a row and the knowledge of it are one write: the ids in the journal are what is known after a restart.
//! Not here: what a row means (`dialect`).

mod answer;
mod known;
mod plan;
mod report;
mod settings;
mod start;

pub use settings::ApiSettings;
pub use start::open_all;

use super::cutter::Reading;
use super::defects::Defects;
use super::settings::Settings;
use crate::dialect::{Context, Habits, Parsed, class};
use crate::journal::{Draft, FollowedFile, Input, Journal, JournalError, Progress};
use crate::model::status::SourceStatus;
use crate::model::{Event, EventId, Flag, Position, Time};
use crate::net::http::{Answer, Client};
use crate::net::{NetError, Secret, tls};
use answer::Rows;
use jiff::tz::TimeZone;
use known::{Known, Shown};
use plan::{Plan, Round};
use report::{HIDDEN, OVERFLOW};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// Asks one sensor.
pub struct Poller {
    /// What of all sources is kept.
    common: Arc<Settings>,
    settings: ApiSettings,
    journal: Journal,
    clock: fn() -> Time,
    begun: Instant,
    plan: Plan,
    known: Known,
    /// Its row in the journal's table.
    file: FollowedFile,
    /// The gap since the last whole answer before the start has been looked at.
    resumed: bool,
    /// Rows have come since the journal was last told the position, or it was told so long ago.
    told: Instant,
    last_event: Option<EventId>,
    /// The token that the sensor did not accept.
    refused: Option<Secret>,
    failing: bool,
    /// The trail has told that it does not answer, and not yet that it does again; maybe before this start.
    owes_return: bool,
    silent_told: bool,
    defects: Defects,
    clock_told_seconds: i64,
    status: SourceStatus,
    shown: Arc<Mutex<SourceStatus>>,
}

/// Shows the status of a poller, from other threads.
#[derive(Clone)]
pub struct PollerHandle(Arc<Mutex<SourceStatus>>);

impl PollerHandle {
    /// How far the source has been read.
    pub fn status(&self) -> SourceStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Poller {
    /// For status.
    pub fn handle(&self) -> PollerHandle {
        PollerHandle(Arc::clone(&self.shown))
    }

    /// Asks until `stop` says so. What an answer under way brings then is asked for again at the next start.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let pause = match self.journal.is_paused() {
                true => {
                    self.publish("paused");
                    PAUSED_RETRY
                }
                false => self.plan.next_at().saturating_sub(self.begun.elapsed()),
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(if self.refused.is_some() { pause.min(LOOK_EVERY) } else { pause }) => {}
            }
            let is_due = self.plan.next_at() <= self.begun.elapsed() || self.has_another_token().await;
            if self.journal.is_paused() || !is_due {
                continue;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                result = self.round() => if let Err(error) = result {
                    // The collector meets it as well and ends the agent.
                    return tracing::error!("source {}: {error}", self.settings.name);
                }
            }
        }
    }

    /// Whether there is another token than the one that was refused.
    async fn has_another_token(&self) -> bool {
        let Some(refused) = self.refused.clone() else { return false };
        let path = self.settings.token_file.clone();
        let read = spawn_blocking(move || Secret::read(&path)).await;
        matches!(read, Ok(Ok(token)) if token != refused)
    }

    /// Asks every question once.
    async fn round(&mut self) -> Result<(), JournalError> {
        self.publish("asking");
        let (began, asked_at) = (self.begun.elapsed(), (self.clock)());
        let minutes = self.plan.window(began);
        let (round, trouble) = self.ask_all(minutes).await?;
        if round == Round::Whole {
            self.whole(asked_at).await?;
        }
        self.plan.on_round(round, began, self.begun.elapsed(), fastrand::f64());
        self.judge(round, trouble).await;
        Ok(())
    }

    /// Asks for one type after the other. What is wrong with one answer costs none of the others; when nobody answers
    /// or the token is refused, the rest of the round is spared.
    async fn ask_all(&mut self, minutes: u16) -> Result<(Round, String), JournalError> {
        let (mut client, mut trouble) = (None, String::new());
        self.refused = None;
        for at in 0..self.settings.types.len() {
            let kind = self.settings.types[at];
            let answer = match self.ask(&mut client, kind, minutes).await {
                Ok(answer) => answer,
                Err(error) => return Ok((Round::Failed, super::error_text(&error))),
            };
            self.look_at_clock(&answer).await;
            match self.take(kind, &answer).await? {
                Ok(()) => {}
                Err((Round::Refused, text)) => {
                    self.refused = client.map(|(_, token)| token);
                    return Ok((Round::Refused, text));
                }
                Err((_, text)) => trouble = format!("{kind}: {text}"),
            }
        }
        Ok((if trouble.is_empty() { Round::Whole } else { Round::Failed }, trouble))
    }

    /// Asks for one type. A connection that served before may have been closed meanwhile: then over another.
    async fn ask(
        &self,
        client: &mut Option<(Client, Secret)>,
        kind: &str,
        minutes: u16,
    ) -> Result<Answer, NetError> {
        let target = format!("{}?minutesTimeFrame={minutes}&type={kind}", self.settings.url.path);
        let (limit, bytes_max) = (self.settings.answer_timeout, BODY_BYTES_MAX);
        if let Some((client, token)) = client {
            match client.get(&target, token, limit, bytes_max).await {
                Err(NetError::HungUp { .. }) => {}
                answer => return answer,
            }
        }
        let (client, token) = client.insert(self.connect().await?);
        client.get(&target, token, limit, bytes_max).await
    }

    /// Token and certificates are read each time, so that replaced ones count.
    async fn connect(&self) -> Result<(Client, Secret), NetError> {
        let (net, token_file) = (self.settings.net.clone(), self.settings.token_file.clone());
        let read = spawn_blocking(move || {
            let names = net.tls.as_ref().ok_or(NetError::NoTrust)?;
            Ok((tls::client_config(names)?, Secret::read(&token_file)?))
        });
        let (config, token) = read.await.unwrap_or(Err(NetError::NoTrust))?;
        Ok((Client::connect(&self.settings.net, config).await?, token))
    }

    /// Takes what is new in an answer into the journal.
    async fn take(
        &mut self,
        kind: &str,
        answer: &Answer,
    ) -> Result<Result<(), (Round, String)>, JournalError> {
        let now = (self.clock)();
        let Rows { rows, fault } = match self.read(answer, now) {
            Ok(rows) => rows,
            Err(failure) => return Ok(Err(failure)),
        };
        let may_lose = self.may_lose(kind, &rows);
        let dated = answer.date.map(Time::from_timestamp);
        let shown = Shown {
            is_full: rows.len() >= ROWS_MAX,
            is_whole: fault.is_none(),
            at: dated.unwrap_or(now),
            // A clock that is off without a word would make late rows of all.
            past_until: dated.map(|date| date.max(now).plus_millis(LATER_MILLIS)),
        };
        let new = self.known.take(kind, rows, shown);
        let mut input = Input::default();
        if let Some(gap) = new.gap.filter(|_| may_lose) {
            let why = if new.is_hidden { HIDDEN } else { OVERFLOW };
            let first = new.events.first().map(|event| event.id);
            self.tell_overflow((kind, why), gap, new.journaled, first, now, &mut input);
        }
        for panicked in new.defects {
            self.defects.see(Some(panicked), || format!("a {kind} row of {}", self.settings.url));
        }
        let before = input.drafts.len();
        new.events.into_iter().for_each(|event| self.draft(event, &mut input));
        if input.drafts.len() > before {
            self.status.last_entry = now.to_string();
        }
        if !input.drafts.is_empty() {
            self.append(input, now).await?;
        }
        self.tell_defects(now).await;
        Ok(fault.map_or(Ok(()), |fault| Err((Round::Failed, fault))))
    }

    /// Whether one of the rows behind these may be kept. A sensor that does not know the type, and a proxy that drops it,
    /// answers with rows of all types.
    fn may_lose(&self, kind: &str, rows: &[Parsed]) -> bool {
        let is_kept = |class| self.common.classes.contains(&class);
        let is_other = |event: &Event| event.kind != *kind || is_kept(event.class);
        is_kept(class(kind, self.common.user_login)) || rows.iter().any(|row| is_other(&row.event))
    }

    fn read(&self, answer: &Answer, now: Time) -> Result<Rows, (Round, String)> {
        let (common, settings) = (&self.common, &self.settings);
        let context = Context {
            sensor: &settings.sensor,
            source: &settings.name,
            seen: now,
            zone: &TimeZone::UTC,
            rules: &common.rules,
            user_login: common.user_login,
            habits: &Habits::default(),
        };
        let reading =
            Reading { context: &context, masks: &common.masks, line_bytes_max: settings.line_bytes_max };
        answer::rows(answer, reading)
    }

    /// A row that has not been seen before.
    fn draft(&mut self, mut event: Event, input: &mut Input) {
        let status = &mut self.status;
        status.entries += 1;
        self.file.entries += 1;
        status.truncated += u64::from(event.flags.contains(Flag::TRUNCATED));
        if !self.common.classes.contains(&event.class) {
            status.passed_over += 1;
            self.file.passed_over += 1;
            return;
        }
        status.masked += u64::from(event.flags.contains(Flag::MASKED));
        status.unparsed += u64::from(event.flags.contains(Flag::UNPARSED));
        if status.clock_ahead_seconds.abs() >= CLOCK_OFF_SECONDS {
            event.flags.insert(Flag::CLOCK_OFF);
        }
        self.last_event = Some(event.id);
        let position = Some(Position { file: self.file.number, offset: self.file.offset });
        input.drafts.push(Draft { event, position, mark: None });
    }

    /// Every question was answered: what happened until `asked_at` has been seen.
    async fn whole(&mut self, asked_at: Time) -> Result<(), JournalError> {
        let mut input = Input::default();
        if !std::mem::replace(&mut self.resumed, true) {
            self.tell_outage(asked_at, &mut input);
        }
        let was_told = self.file.offset;
        self.file.offset = u64::try_from(asked_at.millis()).unwrap_or(0);
        self.status.last_answer = asked_at.to_string();
        let is_due = was_told == 0 || self.told.elapsed() >= TOLD_EVERY || !input.drafts.is_empty();
        if is_due {
            self.told = Instant::now();
            let FollowedFile { number, offset, entries, passed_over, .. } = self.file;
            input.progress.push(Progress {
                file: number,
                offset,
                entries,
                passed_over,
                finished: false,
                mark: None,
            });
            self.append(input, asked_at).await?;
        }
        Ok(())
    }

    /// Appends where it may block. A full disk is no end: the journal keeps the batch.
    async fn append(&self, input: Input, now: Time) -> Result<(), JournalError> {
        let journal = self.journal.clone();
        // Cancelled only when the agent ends.
        let appended = spawn_blocking(move || journal.append(input, now)).await;
        super::waits_for_space(appended.unwrap_or(Ok(())))
    }
}

/// As many rows as an answer has at most.
const ROWS_MAX: usize = 100;
/// Longest answer: 100 rows of the usual kind have about 30 KiB.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Rows that are later than now by more than this are of a clock that was wrong.
const LATER_MILLIS: i64 = 60_000;
/// From here on a clock is called wrong.
const CLOCK_OFF_SECONDS: i64 = 30;
/// How often the journal is told that the sensor answers while nothing happens.
const TOLD_EVERY: Duration = Duration::from_secs(3600);
/// How long a poller sleeps at most before it looks whether it has another token.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a full journal is looked at.
const PAUSED_RETRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
