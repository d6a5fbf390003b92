//! The driver's side of a suspicion: records are tried alone, each by a driver of its own over a fresh link, while nothing
//! else goes to the destination; what no server takes is set aside.

use super::Destination;
use super::begin::Plan;
use super::lane::Lane;
use super::replay::Again;
use super::settings::Settings;
use super::suspect::{Next, Suspect, Which};
use crate::journal::{Dead, Journal, JournalError, Reached};
use crate::model::delivery::Span;
use crate::model::status::DestinationStatus;
use crate::model::{Print, Record, Seq};
use crate::transport::{LinkError, Observed};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// What a suspicion asks of the driver.
pub(super) enum Doing {
    /// There is none.
    Nothing,
    /// Something was done: look again.
    Something,
    Wait(Duration),
}

/// What the driver of one trial has besides: whether and how its only link ended.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// The server ended the link, or said no.
    refused: bool,
    is_over: bool,
    /// That happened while the record was on its way.
    was_on_the_way: bool,
}

/// What became of a trial.
enum Outcome {
    /// With what the next frame says of it.
    Taken(Option<Print>),
    Refused(String),
    /// The record did not get there, or nobody said what became of it.
    Nothing(String),
}

/// A record to try, and the one that it says it follows.
struct Found {
    record: Record,
    prev: Seq,
    /// What it says of that: of one that witnesses nothing, as what is before it may not have arrived.
    print: Option<Print>,
}

impl Trial {
    /// The link ends for this reason.
    pub(super) fn on_error(&mut self, error: &LinkError) {
        self.refused = match error {
            LinkError::Closed | LinkError::Refused { .. } => true,
            LinkError::Broken { source } => {
                matches!(
                    source.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
                )
            }
            _ => false,
        };
    }

    /// The link was closed for evidence, and there is none.
    pub(super) fn on_unproved(&mut self, seen: &Observed) {
        self.refused = seen.closed_before_ours || seen.broken.is_some();
    }

    /// Its record cannot be written: as if it had been refused, which makes another the witness.
    pub(super) fn on_unwritten(&mut self) {
        (self.refused, self.is_over, self.was_on_the_way) = (true, true, true);
    }

    pub(super) fn on_lost(&mut self, frames: usize) {
        (self.is_over, self.was_on_the_way) = (true, frames > 0);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Destination {
    /// Goes on with the suspicion, if there is one.
    pub(super) async fn investigate(&mut self, stop: &watch::Receiver<bool>) -> Doing {
        if self.again.is_some() || self.delivery.is_stopping() {
            return Doing::Nothing;
        }
        let now = self.now();
        if let Some(seq) = self.delivery.take_suspect() {
            if let Some(link) = self.link.take() {
                link.end().await;
            }
            self.delivery.on_lost_for_another(now);
            self.suspect = Some(Suspect::new(seq, self.settings.patience, now));
            self.keychain.on_suspicion();
        }
        let Some((seq, next)) = self.suspect.as_ref().map(|suspect| (suspect.seq(), suspect.next(now)))
        else {
            return Doing::Nothing;
        };
        // What a trial has shown counts, whatever the files are by now.
        let is_open = matches!(next, Next::Wait { .. } | Next::Try(_));
        if is_open && self.has_other_files(now).await {
            // It may have been the certificate all the time: with those files everything goes out as before.
            self.delivery.on_cleared();
            self.suspect = None;
            self.report.suspects(None);
            return Doing::Something;
        }
        let done = match next {
            Next::Wait { until } => return Doing::Wait(until.min(self.renewal.at())),
            Next::Try(which) => self.try_out(which, stop).await,
            Next::SetAside => match self.set_aside().await {
                true => None,
                false => return Doing::Wait(now + TRY_AGAIN),
            },
            Next::Over { taken: true } => {
                self.delivery.on_done_with(seq);
                self.settled(Span::TRIAL);
                None
            }
            Next::Over { taken: false } => {
                self.delivery.on_cleared();
                None
            }
        };
        if done.is_none() {
            self.suspect = None;
        }
        self.report.suspects(self.suspect.as_ref());
        Doing::Something
    }

    /// Whether links to other addresses, or with other certificates, are made beside the present one.
    pub(super) fn has_time_for_others(&self) -> bool {
        self.suspect.is_none() && self.trial.is_none() && !self.delivery.is_stopping()
    }

    /// Whether the TLS files have changed since the last connection, as often as that is looked at.
    async fn has_other_files(&mut self, now: Duration) -> bool {
        if !self.renewal.take_turn(now) || self.settings.link.net.tls.is_none() {
            return false;
        }
        let (settings, keychain, place) =
            (Arc::clone(&self.settings), self.keychain.clone(), self.pool.present());
        spawn_blocking(move || keychain.has_untried(settings.link_at(place))).await.unwrap_or(false)
    }

    /// Tries one record; `None` when there is no suspicion any more.
    async fn try_out(&mut self, which: Which, stop: &watch::Receiver<bool>) -> Option<()> {
        let found = self.find(which).await;
        let place = self.pool.present();
        let Some(found) = found else {
            let now = self.now();
            self.suspect.as_mut()?.on_absent(now);
            return Some(());
        };
        let seq = found.record.seq;
        let plan = self.plan_of_trial(&found, place);
        // It reads what is known of its peer.
        let Ok(mut trial) = spawn_blocking(move || Destination::of(plan)).await else {
            let again_at = self.now() + TRY_AGAIN;
            self.suspect.as_mut()?.on_nothing(again_at);
            return Some(());
        };
        trial.trial = Some(Trial::default());
        let (outcome, told) = trial.carry_out(seq, stop.clone()).await;
        if told.frames > 0 {
            self.delivery.on_interrupted(seq);
        }
        let now = self.now();
        let suspect = self.suspect.as_mut()?;
        match outcome {
            Outcome::Taken(print) => {
                self.report.tried(&told, "");
                suspect.on_taken(place, now);
                if which == Which::Suspect {
                    self.encoder.on_done_with(self.delivery.reached().last, seq, print);
                }
            }
            Outcome::Refused(error) => {
                self.report.tried(&told, &error);
                suspect.on_refused(place, now);
            }
            Outcome::Nothing(error) => {
                self.report.tried(&told, &error);
                self.wait_for_a_link();
                let again_at = self.delivery.retry_at().unwrap_or(now);
                self.suspect.as_mut()?.on_nothing(again_at);
            }
        }
        Some(())
    }

    /// A driver for this record alone, at this address.
    fn plan_of_trial(&self, Found { record, prev, print }: &Found, place: usize) -> Plan {
        let settings = Settings {
            link: self.settings.link_at(place).clone(),
            others: Vec::new(),
            ..Settings::clone(&self.settings)
        };
        let before = Seq(record.seq.0.saturating_sub(1));
        Plan {
            settings,
            journal: self.journal.clone(),
            clock: self.report.clock(),
            confirmed: Reached { through: before, last: *prev },
            print: *print,
            highest: self.delivery.highest(),
            begun: self.begun,
            lane: Lane::new(0),
            keychain: self.keychain.for_trial(),
            mark: None,
            again: Some(Again::trial(record.seq)),
        }
    }

    /// Sends it and waits for what comes of it. A driver within a driver: in a box.
    fn carry_out(
        mut self,
        seq: Seq,
        stop: watch::Receiver<bool>,
    ) -> Pin<Box<dyn Future<Output = (Outcome, DestinationStatus)> + Send>> {
        Box::pin(async move {
            self.go_on(stop).await;
            let (trial, told) = (self.trial.take().unwrap_or_default(), self.report.handle().told());
            let outcome = match self.delivery.confirmed() >= seq {
                true => Outcome::Taken(self.encoder.print_of(seq)),
                false if trial.refused && trial.was_on_the_way => Outcome::Refused(told.error.clone()),
                false => Outcome::Nothing(told.error.clone()),
            };
            (outcome, told)
        })
    }

    /// The record of a trial, read where it may block.
    async fn find(&self, which: Which) -> Option<Found> {
        let (journal, settings) = (self.journal.clone(), Arc::clone(&self.settings));
        let (seq, last, proven) =
            (self.suspect.as_ref()?.seq(), self.delivery.reached().last, self.delivery.proven());
        let print = self.encoder.print_of(last);
        let found = spawn_blocking(move || match which {
            Which::Suspect => {
                first(&journal, &settings, seq).map(|record| Found { record, prev: last, print })
            }
            Which::Before => before(&journal, &settings, proven?),
            Which::After(number) => after(&journal, &settings, seq, number),
        });
        found.await.ok().flatten()
    }

    /// Keeps the suspect in a file, says so in the trail, and goes on behind it; `false` when that cannot be done now.
    async fn set_aside(&mut self) -> bool {
        let found = self.find(Which::Suspect).await;
        let (Some(suspect), Some(Found { record, .. })) = (&self.suspect, found) else { return true };
        if self.journal.is_paused() {
            return false;
        }
        let (seq, refusals, since) = (suspect.seq(), suspect.refusals(), suspect.refused_for());
        let error = self.report.handle().told().error;
        let Some((record, path)) = self.keep_dead(record, refusals, since, error).await else { return false };
        let event = self.report.set_aside(&record, refusals, path.as_deref());
        self.tell(Some(event)).await;
        self.encoder.on_done_with(self.delivery.reached().last, seq, None);
        self.delivery.on_done_with(seq);
        self.settled(Span::ASIDE);
        true
    }

    /// Keeps a record in a file, the path of which is given back unless there are too many; `None` when that cannot be
    /// done now.
    pub(super) async fn keep_dead(
        &self,
        record: Record,
        refusals: u32,
        since: Duration,
        error: String,
    ) -> Option<(Record, Option<String>)> {
        let (journal, name, now) = (self.journal.clone(), self.settings.name.clone(), self.report.now());
        let first = now.plus_millis(-i64::try_from(since.as_millis()).unwrap_or(0));
        let kept = spawn_blocking(move || {
            let dead =
                Dead { destination: &name, refusals, refused: (first, now), error: &error, record: &record };
            let kept = journal.keep_dead(&dead);
            (kept, record)
        });
        let (kept, record): (Result<_, JournalError>, _) = kept.await.ok()?;
        match kept {
            Ok(path) => Some((record, path)),
            Err(error) => {
                self.report.problem(&super::error_text(&error));
                None
            }
        }
    }
}

fn first(journal: &Journal, settings: &Settings, seq: Seq) -> Option<Record> {
    selected(journal, settings, Seq(seq.0.saturating_sub(1)), seq).next()
}

/// The record `seq`, which the server has, and what it followed.
fn before(journal: &Journal, settings: &Settings, seq: Seq) -> Option<Found> {
    let from = Seq(seq.0.saturating_sub(LOOK_BACK));
    let mut prev = (from == Seq::NONE).then_some(Seq::NONE);
    for record in selected(journal, settings, from, seq) {
        if record.seq == seq {
            return prev.map(|prev| Found { record, prev, print: None });
        }
        prev = Some(record.seq);
    }
    None
}

/// One that comes after `seq`; 0 is the next.
fn after(journal: &Journal, settings: &Settings, seq: Seq, number: usize) -> Option<Found> {
    let through = journal.newest().min(Seq(seq.0.saturating_add(LOOK_AHEAD)));
    let mut prev = seq;
    for (at, record) in selected(journal, settings, seq, through).enumerate() {
        if at == number {
            return Some(Found { record, prev, print: None });
        }
        prev = record.seq;
    }
    None
}

/// The records after `from` up to `through` that the destination gets.
fn selected<'a>(
    journal: &Journal,
    settings: &'a Settings,
    from: Seq,
    through: Seq,
) -> impl Iterator<Item = Record> + use<'a> {
    let lines = journal.scan().after(from).through(through).flatten();
    lines.filter_map(|mut line| line.decode()).filter(|record| settings.wants(record).unwrap_or(true))
}

/// How far to look for what a record followed, and for others that can witness.
const LOOK_BACK: u64 = 1000;
const LOOK_AHEAD: u64 = 100_000;
/// The disk is full, or not there.
pub(super) const TRY_AGAIN: Duration = Duration::from_secs(10);
