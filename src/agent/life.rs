//! One life of the agent: from a config and the state directory to the stop.
//!
//! Stop: collecting ends, `agent.stop` is journaled, destinations deliver it and ask for their last evidence,
//! then everything ends; within five seconds, whatever a peer or a disk does. Where another life follows there is no
//! `agent.stop`, and the state directory is let go.

use super::acts::Acts;
use super::keep::{EarlySignals, Keeper, StopSignals};
use super::reload::{InUse, Reloader};
use super::seal::Sealer;
use super::status::Overview;
use super::{AgentError, descriptors, now};
use crate::collect::{self, Collector, Poller};
use crate::config::Config;
use crate::control::{self, Server, Socket};
use crate::forward::Destination;
use crate::journal::{Journal, JournalError, Left};
use crate::model::{Action, Event, Outcome, Seq, Target, error_text};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// A life that has begun: the state directory is ours, and nothing runs yet.
pub(super) struct Life {
    journal: Journal,
    collector: Collector,
    collecting: collect::Handle,
    pollers: Vec<Poller>,
    destinations: Vec<Destination>,
    overview: Arc<Overview>,
    next: mpsc::Receiver<Config>,
}

/// What outlives a life.
pub(super) struct Kept {
    early: EarlySignals,
    stops: Option<StopSignals>,
    /// The local socket, with those who have come to it meanwhile.
    socket: Option<Socket>,
}

impl Kept {
    pub(super) fn new() -> Result<Kept, AgentError> {
        Ok(Kept { early: EarlySignals::new()?, stops: None, socket: None })
    }
}

/// How it ended in order.
pub(super) enum Ended {
    /// Somebody wants the agent to stop.
    Stopped,
    /// Somebody wants it to go on with this.
    GoesOn(Box<Config>),
}

impl Life {
    pub(super) fn begin(in_use: InUse) -> Result<Life, AgentError> {
        let config = Arc::clone(&in_use.config);
        let mut collect = config.collect.clone();
        collect.open_files_max = descriptors::for_logs(&config);
        let journal = Journal::open(config.journal.clone(), now())?;
        let collect = Arc::new(collect);
        let masking = Arc::clone(&collect);
        journal.mask_wishes(move |event| masking.masks.mask_own(event));
        let pollers = collect::open_apis(&collect, &journal, now)?;
        let collector = Collector::new(collect, journal.clone(), now)?;
        let collecting = collector.handle();
        let left = journal.left(now())?;
        let before = journal.newest();
        let mut destinations = Vec::new();
        for settings in config.destinations.clone() {
            destinations.push(Destination::open(settings, journal.clone(), now)?);
        }
        Destination::share(&mut destinations);
        let is_first = in_use.round == 0;
        let (reloader, next) = Reloader::new(in_use);
        let overview = Arc::new(Overview {
            since: now(),
            journal: journal.clone(),
            collecting: collecting.clone(),
            asking: pollers.iter().map(Poller::handle).collect(),
            destinations: destinations.iter().map(Destination::handle).collect(),
            replayers: destinations.iter().map(Destination::replayer).collect(),
            acts: Acts::default(),
            backfilling: Mutex::default(),
            reloader,
        });
        if is_first {
            let (version, path, hash) = (crate::VERSION, config.path.display(), &config.sha256);
            let message = format!("otrail {version} started, config {path} SHA-256 {hash}");
            journal.note(Event::own(Action::START, Outcome::Success, now(), message));
            tell_exposed(&journal);
        }
        for left in left.iter().filter(|left| left.confirmed < before) {
            tell_left(&journal, left, before);
        }
        Ok(Life { journal, collector, collecting, pollers, destinations, overview, next })
    }

    /// Journals an event before anything runs.
    pub(super) fn note(&self, event: Event) {
        self.journal.note(event);
    }

    /// Lives it to its end.
    pub(super) fn live(self, kept: &mut Kept) -> Result<Ended, AgentError> {
        let journal = self.journal.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_name("otrail-net")
            .enable_all()
            .build()
            .map_err(|source| AgentError::Start { what: "the network threads", source })?;
        let result = runtime.block_on(self.serve(kept));
        runtime.shutdown_timeout(Duration::from_millis(200));
        if matches!(result, Ok(Ended::GoesOn(_))) {
            let_go(&journal)?;
        }
        result
    }

    async fn serve(self, kept: &mut Kept) -> Result<Ended, AgentError> {
        let Life { journal, collector, collecting, pollers, destinations, overview, next } = self;
        let control = overview.config().control.clone();
        let (stop, stopped) = watch::channel(false);
        let (stop_asking, asking_stopped) = watch::channel(false);
        let stops = match &mut kept.stops {
            Some(stops) => stops,
            stops => stops.insert(StopSignals::new()?),
        };
        let signals = (&mut kept.early, stops);
        let mut keeper = Keeper::new(journal.clone(), Arc::clone(&overview), signals, next);
        let mut collecting_ends = start_collecting(collector)?;
        let sealer = Sealer::start(journal.clone())?;
        let mut asking = JoinSet::new();
        for poller in pollers {
            asking.spawn(poller.run(asking_stopped.clone()));
        }
        let mut forwarding = JoinSet::new();
        for destination in destinations {
            forwarding.spawn(destination.run(stopped.clone()));
        }
        let goes_on = Arc::new(AtomicBool::new(false));
        let server = server(control, &journal, Arc::clone(&overview));
        let asked = answer(server, kept.socket.take(), stopped, Arc::clone(&goes_on));
        keeper.ready();
        let (collected, ended) = tokio::select! {
            result = &mut collecting_ends => (Some(result), Ended::Stopped),
            ended = keeper.run() => (None, ended),
        };
        keeper.ending(&ended);
        collecting.stop();
        sealer.stop();
        // Nobody listens where every sensor has ended by itself.
        let _ = stop_asking.send(true);
        while asking.join_next().await.is_some() {}
        let result = match collected {
            Some(result) => result,
            None => tokio::time::timeout(COLLECT_WITHIN, collecting_ends).await.unwrap_or(Ok(Ok(()))),
        };
        let result = result.map_err(|_| AgentError::Ended("collector")).and_then(|result| Ok(result?));
        overview.acts.end().await;
        say_ended(&journal, &result, &ended).await;
        goes_on.store(matches!(ended, Ended::GoesOn(_)), Ordering::Relaxed);
        // Nobody listens any more when every task has ended by itself.
        let _ = stop.send(true);
        kept.socket = drain(forwarding, asked).await;
        result.map(|()| ended)
    }
}

/// The destinations send what is there and ask for their last evidence, and whoever is being answered hears the end of it,
/// also where there is no destination to wait for. Returns the socket if it stays.
async fn drain(mut forwarding: JoinSet<()>, mut asked: Answering) -> Option<Socket> {
    let drained = async { while forwarding.join_next().await.is_some() {} };
    let told = async { (&mut asked).await.ok().flatten() };
    let (drained, told) = tokio::join!(
        tokio::time::timeout(FORWARD_WITHIN, drained),
        tokio::time::timeout(FORWARD_WITHIN, told)
    );
    if drained.is_err() {
        tracing::warn!(
            "stopped without the last evidence of every destination; it goes out again at the next start"
        );
    }
    forwarding.abort_all();
    if told.is_err() {
        asked.abort();
    }
    told.ok().flatten()
}

/// Waits until nothing of the life that has ended holds its state directory.
fn let_go(journal: &Journal) -> Result<(), AgentError> {
    let begun = Instant::now();
    while journal.is_shared() {
        if begun.elapsed() >= LET_GO_WITHIN {
            return Err(AgentError::Stuck);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Whoever can write in the state directory can change the trail: that is told at every start, and otrail goes on, for a trail
/// that may be changed is more than none.
fn tell_exposed(journal: &Journal) {
    let Some(exposed) = journal.exposed() else { return };
    let message = format!(
        "others than otrail's own user can write in the trail: {}; records may be taken away, or put in their place: `{}` \
         ends that",
        exposed.what, exposed.way_out
    );
    tracing::warn!("{message}");
    journal.note(Event::own(Action::JOURNAL_ERROR, Outcome::Failure, now(), message));
}

/// Whoever takes a destination out of the config leaves behind what it has not got: that is told at every start.
fn tell_left(journal: &Journal, left: &Left, newest: Seq) {
    let Left { name, confirmed, until } = left;
    let message = format!(
        "destination {name} is in the config no more and has no evidence for what came after record {confirmed} of \
         {newest}; that stays for it until {until}"
    );
    tracing::warn!("{message}; `otrail destination forget {name}` lets it go");
    let mut event = Event::own(Action::CONFIG_CHANGED, Outcome::Unknown, now(), message);
    event.target =
        Some(Box::new(Target { kind: "destination".into(), name: Some(name.as_str().into()), id: None }));
    event.count = Some(newest.0 - confirmed.0);
    journal.note(event);
}

/// Starts the collector's thread; what it returns comes through the channel.
fn start_collecting(collector: Collector) -> Result<oneshot::Receiver<Result<(), JournalError>>, AgentError> {
    let (done, collected) = oneshot::channel();
    let spawned = thread::Builder::new().name("otrail-collect".into()).spawn(move || {
        // The receiver is gone when the stop took too long.
        let _ = done.send(collector.run());
    });
    spawned.map(|_| collected).map_err(|source| AgentError::Start { what: "the collecting thread", source })
}

/// What answers at the local socket.
fn server(settings: control::Settings, journal: &Journal, overview: Arc<Overview>) -> Server {
    let acting = Arc::clone(&overview);
    let act = Arc::new(move |act, asker, ongoing: &control::Ongoing| acting.act(act, asker, ongoing));
    let status = Arc::new(move || overview.status());
    let limits = control::Limits::default();
    Server { settings, journal: journal.clone(), status, act, limits }
}

/// Opens the local socket, or goes on with it. Without it the agent goes on, and tries again: collecting and forwarding
/// matter more.
fn answer(
    server: Server,
    socket: Option<Socket>,
    stopped: watch::Receiver<bool>,
    goes_on: Arc<AtomicBool>,
) -> Answering {
    let socket = socket.map_or_else(|| server.socket(), Ok);
    if let Err(error) = &socket {
        tracing::error!("queries cannot be answered until the socket can be made: {}", error_text(error));
    }
    tokio::spawn(async move {
        let bound = match socket {
            Ok(socket) => server.bind_to(socket),
            Err(_) => server.bind_later(stopped.clone()).await?,
        };
        let served = bound.serve_before(stopped, &goes_on).await;
        served.unwrap_or_else(|error| {
            tracing::error!("queries are not answered any more: {}", error_text(&error));
            None
        })
    })
}

/// Answers at the local socket, and returns it if another life goes on with it.
type Answering = JoinHandle<Option<Socket>>;

/// Journals the stop, and that everything is durable.
async fn say_ended(journal: &Journal, result: &Result<(), AgentError>, ended: &Ended) {
    let stop = match (result, ended) {
        (Ok(()), Ended::Stopped) => Some((Outcome::Success, "otrail stopped in order".to_owned())),
        // That it goes on with another config has been told.
        (Ok(()), Ended::GoesOn(_)) => None,
        (Err(error), _) => Some((Outcome::Failure, format!("otrail stopped: {}", error_text(error)))),
    };
    let journal = journal.clone();
    let said = tokio::task::spawn_blocking(move || {
        // The next life knows nothing of it.
        journal.note_suppressed(now());
        if let Some((outcome, message)) = stop {
            journal.note(Event::own(Action::STOP, outcome, now(), message));
        }
        if let Err(error) = journal.settle(now()) {
            tracing::warn!("{error}");
        }
    });
    if tokio::time::timeout(NOTE_WITHIN, said).await.is_err() {
        tracing::warn!("the disk is too slow to note the stop");
    }
}

const WORKERS: usize = 2;
/// Each of the connections to the local socket can hold one, and the rest is for the disk.
const BLOCKING_THREADS_MAX: usize = 32;
/// How long a stop waits for the collector, for the note of the stop, and for the destinations: under 5 s together.
const COLLECT_WITHIN: Duration = Duration::from_millis(1200);
const NOTE_WITHIN: Duration = Duration::from_millis(400);
const FORWARD_WITHIN: Duration = Duration::from_millis(2800);
/// How long the threads of a life may take after its end, before another begins: what they do is short or can be broken off.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);
