//! Moves the journal to one destination, with evidence.
//!
//! ```text
//! journal ──next_after / read──▶ batch ──frames──▶ transport::Link ──▶ the server
//!             ▲                     delivery: what next      │
//!          cursor ◀── confirmed ◀─┬─ probe: what it proves ──┤ answers while it stays up
//!                                 └─ evidence: the same ─────┘ the answer to our close
//! ```
//!
//! One destination is one task; reads of the files and writes of the cursor and of what is known of its peers happen
//! where they may block, so that none stalls another.
//!
//! Invariant: the cursor never passes a record without evidence, but for one that is set aside: kept, and told.
//! Not here: which evidence a link can show (`transport`), what a frame looks like (`format`).

mod acknowledged;
mod ask;
mod backoff;
mod batch;
mod begin;
mod beside;
mod caution;
mod close;
mod copies;
mod decide;
mod delivery;
mod evidence;
mod flight;
mod habits;
mod keychain;
mod lane;
mod loss;
mod mark;
mod message;
mod pace;
mod peers;
mod pool;
mod prints;
mod probe;
mod reading;
mod renewal;
mod replay;
mod report;
mod select;
mod sending;
mod settings;
mod settle;
mod succession;
mod suspect;
mod tally;
mod trial;
mod unwritten;
mod window;

pub use message::messages;
pub use replay::{Replay, ReplayHandle, Replayer};
pub use report::{Handle, certificate_status};
pub use settings::{Cadence, Evidence, From, Settings};
pub use suspect::Patience;

use crate::journal::{Batch, Follower, Journal};
use crate::model::delivery::Span;
use crate::model::{Event, Seq, error_text};
use crate::transport::{KeyUpdates, Link, LinkError};
use batch::Encoder;
use copies::Copies;
use decide::Next as Doing;
use delivery::{Delivery, Step};
use evidence::Level;
use flight::Flight;
use keychain::Keychain;
use lane::Lane;
use mark::Mark;
use peers::Memory;
use pool::{Pool, Retry};
use probe::Probe;
use renewal::Renewal;
use replay::Again;
use report::Report;
use settle::Settle;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use succession::Visit;
use suspect::Suspect;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use trial::{Doing as Work, Trial};
use unwritten::Unwritten;

/// One destination: everything between its cursor and its server.
pub struct Destination {
    settings: Arc<Settings>,
    journal: Journal,
    begun: Instant,
    delivery: Delivery,
    encoder: Encoder,
    /// Frames of others that send the same.
    copies: Option<Arc<Copies>>,
    memory: Memory,
    /// How far it has come; what is sent again moves nothing.
    mark: Option<Mark>,
    /// What a replay has besides.
    again: Option<Again>,
    /// The record that may be why links end.
    suspect: Option<Suspect>,
    /// What the trial of one record has besides.
    trial: Option<Trial>,
    /// A record that otrail cannot write for it.
    unwritten: Option<Unwritten>,
    settle: Settle,
    follower: Option<Follower>,
    /// What is being sent: held, so that the writer sees how far this reader is.
    read: Option<Batch>,
    link: Option<Link>,
    pool: Pool,
    keychain: Keychain,
    /// A link to another address that is being made beside the present one.
    visit: Visit,
    /// Another set of TLS files that is tried beside the present link.
    renewal: Renewal,
    flight: Flight,
    /// What the answers of the present link prove, and those that were heard.
    probe: Probe,
    heard: KeyUpdates,
    lane: Lane,
    frames: Vec<u8>,
    report: Report,
}

impl Destination {
    /// For status.
    pub fn handle(&self) -> Handle {
        self.report.handle()
    }

    /// Delivers until `stop` says so, then what is there for at most `STOP_WITHIN`. A peer that does not answer holds
    /// up nothing: what was confirmed before is kept in any case.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        self.go_on(stop).await;
    }

    async fn go_on(&mut self, stop: watch::Receiver<bool>) {
        let late = late(stop.clone());
        tokio::select! {
            () = self.deliver(stop) => {
                let sent = self.delivery.highest();
                self.mark.iter_mut().for_each(|mark| mark.on_end(sent));
            }
            // It may have been in the middle of a send.
            () = late => tracing::warn!("{}: stopped without the last evidence", self.settings.name),
        }
        self.store_cursor(true).await;
        self.store_memory().await;
        self.progress(self.newest());
    }

    async fn deliver(&mut self, mut stop: watch::Receiver<bool>) {
        let mut newest = self.news();
        loop {
            if *stop.borrow_and_update() {
                self.delivery.on_stop(self.now() + STOP_WITHIN);
                self.end_here();
            }
            let now_newest = *newest.borrow_and_update();
            self.hear().await;
            self.progress(now_newest);
            self.store_cursor(false).await;
            self.store_memory().await;
            self.succeed().await;
            self.renew().await;
            if self.trial.as_ref().is_some_and(Trial::is_over) {
                return;
            }
            let work = match self.investigate(&stop).await {
                Work::Nothing => self.pass_unwritten().await,
                work => work,
            };
            match work {
                Work::Nothing => {}
                Work::Something => continue,
                Work::Wait(until) => {
                    self.wait(Some(until), &mut newest, &mut stop).await;
                    continue;
                }
            }
            let reach = self.reach(now_newest);
            let step = match self.next(reach) {
                Doing::Step(step) => step,
                Doing::Ask => {
                    self.ask().await;
                    continue;
                }
                Doing::GiveUp(reason) => {
                    let event = self.report.lost(reason);
                    self.lost(event).await;
                    continue;
                }
            };
            match step {
                Step::Done => return self.end().await,
                Step::Connect => {
                    let at = self.pool.present();
                    tokio::select! {
                        made = self.connect(at) => self.on_connect(at, made).await,
                        _ = stop.changed() => {}
                    }
                }
                Step::Send { after, bytes_max } => self.send(after, bytes_max, reach).await,
                Step::Look { after } => self.look(after, reach).await,
                Step::Barrier => self.barrier().await,
                Step::Wait { until } => self.wait(until, &mut newest, &mut stop).await,
            }
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    async fn on_connect(&mut self, address: usize, made: Result<Link, LinkError>) {
        self.tell_refusal().await;
        match made {
            Ok(link) => {
                self.keychain.on_connected();
                self.pool.on_connected(address, self.now());
                self.memory.turn_to(address);
                self.report.connected(address, &link, &self.keychain.in_use());
                self.encoder.clock_synced = clock_is_synced();
                self.flight = Flight::default();
                (self.probe, self.heard) = (self.probe_for(&link), link.key_updates());
                self.delivery.on_connected(self.now());
                self.link = Some(link);
            }
            Err(error) => self.broke(&error).await,
        }
    }

    /// Reads the TLS files, so that replaced ones count, and connects.
    fn connect(&self, address: usize) -> impl Future<Output = Result<Link, LinkError>> + Send + 'static {
        let (settings, keychain) = (Arc::clone(&self.settings), self.keychain.clone());
        async move {
            let of = Arc::clone(&settings);
            let prepared = spawn_blocking(move || keychain.prepare(of.link_at(address))).await;
            let tls = prepared.map_err(|_| LinkError::Unprepared)??;
            Link::connect(settings.link_at(address), tls).await
        }
    }

    async fn broke(&mut self, error: &LinkError) {
        self.harvest().await;
        if let Some(trial) = &mut self.trial {
            trial.on_error(error);
        }
        let text = self.with_record(error);
        let event = match error {
            LinkError::Closed | LinkError::Broken { .. } => {
                let said = self.link.as_ref().and_then(Link::said);
                self.report.ended(&text, said.as_deref())
            }
            _ => self.report.lost(&text),
        };
        self.lost(event).await;
    }

    async fn lost(&mut self, event: Option<Event>) {
        if let Some(trial) = &mut self.trial {
            trial.on_lost(self.delivery.window_frames());
        }
        if let Some(link) = self.link.take() {
            self.learn(&link.about(), false);
            self.remember();
        }
        self.probe = Probe::without();
        self.let_go();
        self.keychain.on_lost();
        self.wait_for_a_link();
        self.tell(event).await;
    }

    fn wait_for_a_link(&mut self) {
        match self.pool.on_lost(self.delivery.window_frames() > 0) {
            Retry::AtOnce => self.delivery.on_lost_for_another(self.now()),
            Retry::AfterAWait => self.delivery.on_lost(self.now(), fastrand::f64()),
        }
        self.report.trying(self.pool.present());
    }

    async fn wait(
        &mut self,
        until: Option<Duration>,
        newest: &mut watch::Receiver<Seq>,
        stop: &mut watch::Receiver<bool>,
    ) {
        let until = until.into_iter().chain(self.visit_at()).chain(self.renew_at()).min();
        let pause = until.map_or(WAIT_MAX, |until| until.saturating_sub(self.now()).min(WAIT_MAX));
        let due = self.mark.as_ref().and_then(|mark| mark.due_in(self.delivery.reached()));
        let pause = due.map_or(pause, |due| due.min(pause));
        let is_up = self.link.is_some();
        let news = async {
            match &mut self.link {
                Some(link) => link.news().await.err(),
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = news => ended,
            () = self.visit.over() => None,
            () = self.renewal.over() => None,
            // While the link is down only the back-off counts, but for what may be passed over.
            _ = newest.changed(), if is_up || self.delivery.is_looking() => None,
            _ = stop.changed() => None,
            () = tokio::time::sleep(pause) => None,
        };
        match ended {
            Some(error) => self.broke(&error).await,
            None if is_up => {
                let event = self.report.still_up();
                self.tell(event).await;
            }
            None => {}
        }
    }

    /// Does something with the journal where it may block.
    async fn in_journal(&self, work: impl FnOnce(&Journal) + Send + 'static) {
        let journal = self.journal.clone();
        // Cancelled only when the agent ends.
        let _ = spawn_blocking(move || work(&journal)).await;
    }

    /// Evidence: everything that is confirmed has arrived. The event to journal, if there is one.
    fn delivered(&mut self, level: Level) -> Option<Event> {
        self.settled(level.name());
        self.report.delivered(level)
    }

    /// Everything that is confirmed is settled in this way.
    fn settled(&mut self, how: &str) {
        if let Some(mark) = &mut self.mark {
            mark.on_settled(self.delivery.reached(), how, self.report.peer());
        }
    }

    async fn store_cursor(&mut self, now: bool) {
        if self.settings.evidence == Evidence::None {
            self.settled(Span::NONE);
        }
        let Some(mark) = &mut self.mark else { return };
        let reached = self.delivery.reached();
        let Some(write) = mark.due(reached, self.encoder.print_of(reached.last), now) else { return };
        // Cancelled only when the agent ends.
        let Ok(written) = spawn_blocking(move || write.run()).await else { return };
        match mark.on_written(written) {
            Ok(()) => self.report.no_problem(),
            Err(error) => self.report.problem(&error_text(&error)),
        }
    }

    async fn store_memory(&mut self) {
        let Some(write) = self.memory.due() else { return };
        // Cancelled only when the agent ends.
        match spawn_blocking(move || write.run()).await {
            Ok(Ok(written)) => self.memory.on_written(written),
            Ok(Err(error)) => {
                tracing::warn!("cannot remember what {} can do: {error}", self.settings.name);
            }
            Err(_) => {}
        }
    }
}

/// Ends when a stop has taken too long.
async fn late(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Whoever could say so is gone.
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(STOP_WITHIN + ANSWER_WITHIN).await;
}

/// What systemd-timesyncd says; chrony and ntpd are believed to be wrong rather than right.
fn clock_is_synced() -> bool {
    Path::new("/run/systemd/timesync/synchronized").exists()
}

/// How long a stop may take before the last barrier.
const STOP_WITHIN: Duration = Duration::from_millis(1500);
/// How long a stop waits for the last barrier after that.
const ANSWER_WITHIN: Duration = Duration::from_millis(800);
/// Longest sleep: the status is refreshed after it.
const WAIT_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
pub(crate) mod simulation;
