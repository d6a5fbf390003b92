//! The agent: puts the rooms together, starts them, and stops them in order.
//!
//! ```text
//! thread  collect     sensor logs → journal
//! thread  seal        closed segments → sealed ones, when nothing else has to be done
//! tokio   forward     journal → one destination, a task each
//! tokio   control     the local socket
//! tokio   keep        signals, heartbeat, retention, watchdog
//! ```
//!
//! Stop: collecting ends, `agent.stop` is journaled, destinations deliver it and ask for their last evidence,
//! then everything ends; within five seconds, whatever a peer or a disk does.
//!
//! Invariant: a panic that is not guarded ends the process, never a part of it (`defect`).

mod act;
pub mod defect;
mod descriptors;
mod expiry;
mod keep;
pub mod path;
mod replay;
mod seal;
mod slack;
mod status;
mod test;
mod trial;

pub use trial::try_out;

use crate::collect::{self, Collector, Poller};
use crate::config::Config;
use crate::control::{self, Server};
use crate::forward::{self, Destination};
use crate::journal::{Journal, JournalError, Left};
use crate::model::{Action, Event, Outcome, Seq, Target, Time};
use keep::Keeper;
use replay::Replays;
use seal::Sealer;
use status::Overview;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Why the agent could not go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The journal cannot be opened or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system refused a thread, a runtime or a signal handler.
    #[error("cannot start {what}")]
    Start {
        /// What was refused.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The journal and the destinations could not be served.
    #[error(
        "at most {limit} files may be open at once, and this config needs {needed}: set LimitNOFILE= of the service, or \
         `ulimit -n`, to {}", needed.next_power_of_two().max(1024)
    )]
    Descriptors {
        /// The hard limit.
        limit: usize,
        /// The least that works.
        needed: usize,
    },
    /// A thread of the agent ended by a defect of otrail.
    #[error("the {0} ended unexpectedly; this is a defect of otrail, please report it")]
    Ended(&'static str),
}

/// Runs the agent until SIGTERM or SIGINT, or until the journal cannot be written any more.
pub fn run(config: Config) -> Result<(), AgentError> {
    harden();
    slack::limit();
    let mut collect = config.collect;
    collect.open_files_max =
        descriptors::for_logs(collect.sources.len(), collect.apis.len(), config.destinations.len())?;
    let journal = Journal::open(config.journal.clone(), now())?;
    let collect = Arc::new(collect);
    let pollers = collect::open_apis(&collect, &journal, now)?;
    let collector = Collector::new(collect, journal.clone(), now)?;
    let collecting = collector.handle();
    let left = journal.left(now())?;
    let before = journal.newest();
    let settings = config.destinations.clone();
    let mut destinations = Vec::new();
    for settings in config.destinations {
        destinations.push(Destination::open(settings, journal.clone(), now)?);
    }
    Destination::share(&mut destinations);
    let overview = Arc::new(Overview {
        sensor: config.sensor,
        since: now(),
        journal: journal.clone(),
        collecting: collecting.clone(),
        asking: pollers.iter().map(Poller::handle).collect(),
        destinations: destinations.iter().map(Destination::handle).collect(),
        replayers: destinations.iter().map(Destination::replayer).collect(),
        replays: Replays::default(),
        settings,
    });
    let hash: String = config.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let message =
        format!("otrail {} started, config {} SHA-256 {hash}", crate::VERSION, config.path.display());
    journal.note(Event::own(Action::START, Outcome::Success, now(), message));
    for left in left.iter().filter(|left| left.confirmed < before) {
        tell_left(&journal, left, before);
    }

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("otrail-net")
        .enable_all()
        .build()
        .map_err(|source| AgentError::Start { what: "the network threads", source })?;
    let parts = Parts { journal, collector, collecting, pollers, destinations, overview };
    let result = runtime.block_on(serve(parts, config.control, config.heartbeat));
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

/// Whoever takes a destination out of the config leaves behind what it has not got: that is told at every start.
fn tell_left(journal: &Journal, left: &Left, newest: Seq) {
    let Left { name, confirmed, until, cursor } = left;
    let message = format!(
        "destination {name} is in the config no more and has no evidence for what came after record {confirmed} of \
         {newest}; that stays for it until {until}"
    );
    tracing::warn!("{message}; to let it go, remove {}", cursor.display());
    let mut event = Event::own(Action::CONFIG_CHANGED, Outcome::Unknown, now(), message);
    event.target =
        Some(Box::new(Target { kind: "destination".into(), name: Some(name.as_str().into()), id: None }));
    event.count = Some(newest.0 - confirmed.0);
    journal.note(event);
}

/// What runs.
struct Parts {
    journal: Journal,
    collector: Collector,
    collecting: collect::Handle,
    pollers: Vec<Poller>,
    destinations: Vec<Destination>,
    overview: Arc<Overview>,
}

async fn serve(parts: Parts, control: control::Settings, heartbeat: Duration) -> Result<(), AgentError> {
    let Parts { journal, collector, collecting, pollers, destinations, overview } = parts;
    let (stop, stopped) = watch::channel(false);
    let (stop_asking, asking_stopped) = watch::channel(false);
    let mut keeper = Keeper::new(journal.clone(), Arc::clone(&overview), heartbeat)?;
    let mut collected = start_collecting(collector)?;
    let sealer = Sealer::start(journal.clone())?;
    let mut asking = JoinSet::new();
    for poller in pollers {
        asking.spawn(poller.run(asking_stopped.clone()));
    }
    let mut forwarding = JoinSet::new();
    for destination in destinations {
        forwarding.spawn(destination.run(stopped.clone()));
    }
    let mut asked = answer(control, &journal, Arc::clone(&overview), stopped);
    keeper.ready();
    let ended = tokio::select! {
        result = &mut collected => Some(result),
        () = keeper.run() => None,
    };
    keeper.stopping();
    collecting.stop();
    sealer.stop();
    // Nobody listens where every sensor has ended by itself.
    let _ = stop_asking.send(true);
    while asking.join_next().await.is_some() {}
    let result = match ended {
        Some(result) => result,
        None => tokio::time::timeout(COLLECT_WITHIN, collected).await.unwrap_or(Ok(Ok(()))),
    };
    let result = result.map_err(|_| AgentError::Ended("collector")).and_then(|result| Ok(result?));
    overview.replays.end().await;
    say_stopped(&journal, &result).await;
    // Nobody listens any more when every task has ended by itself.
    let _ = stop.send(true);
    let drained = async { while forwarding.join_next().await.is_some() {} };
    // Whoever is being answered hears the end of it, also where there is no destination to wait for.
    let told = async {
        if let Some(asked) = &mut asked {
            let _ended = asked.await;
        }
    };
    let (drained, _) = tokio::join!(
        tokio::time::timeout(FORWARD_WITHIN, drained),
        tokio::time::timeout(FORWARD_WITHIN, told)
    );
    if drained.is_err() {
        tracing::warn!(
            "stopped without the last evidence of every destination; it goes out again at the next start"
        );
    }
    forwarding.abort_all();
    if let Some(asked) = asked {
        asked.abort();
    }
    result
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

/// Opens the local socket. Without it the agent goes on: collecting and forwarding matter more.
fn answer(
    settings: control::Settings,
    journal: &Journal,
    overview: Arc<Overview>,
    stopped: watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    let acting = Arc::clone(&overview);
    let act = Arc::new(move |act, asker, ongoing: &control::Ongoing| acting.act(act, asker, ongoing));
    let status = Arc::new(move || overview.status());
    let limits = control::Limits::default();
    let server = Server { settings, journal: journal.clone(), status, act, limits };
    match server.bind() {
        Ok(bound) => Some(tokio::spawn(async move {
            if let Err(error) = bound.serve(stopped).await {
                tracing::error!("queries are not answered any more: {}", forward::error_text(&error));
            }
        })),
        Err(error) => {
            tracing::error!("queries cannot be answered: {}", forward::error_text(&error));
            None
        }
    }
}

async fn say_stopped(journal: &Journal, result: &Result<(), AgentError>) {
    let (outcome, message) = match result {
        Ok(()) => (Outcome::Success, "otrail stopped in order".to_owned()),
        Err(error) => (Outcome::Failure, format!("otrail stopped: {}", forward::error_text(error))),
    };
    let journal = journal.clone();
    let said = tokio::task::spawn_blocking(move || {
        journal.note(Event::own(Action::STOP, outcome, now(), message));
        if let Err(error) = journal.settle(now()) {
            tracing::warn!("{error}");
        }
    });
    if tokio::time::timeout(NOTE_WITHIN, said).await.is_err() {
        tracing::warn!("the disk is too slow to note the stop");
    }
}

/// What a process can do to keep its secrets, whatever started it.
fn harden() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    for (what, result) in [
        ("no core dumps and no debugger", nix::sys::prctl::set_dumpable(false)),
        ("no new privileges", nix::sys::prctl::set_no_new_privs()),
    ] {
        if let Err(error) = result {
            tracing::warn!("cannot have {what}: {error}");
        }
    }
}

/// The clock of the agent.
pub fn now() -> Time {
    Time::from_timestamp(jiff::Timestamp::now())
}

const WORKERS: usize = 2;
/// Each of the connections to the local socket can hold one, and the rest is for the disk.
const BLOCKING_THREADS_MAX: usize = 32;
/// How long a stop waits for the collector, for the note of the stop, and for the destinations: under 5 s together.
const COLLECT_WITHIN: Duration = Duration::from_millis(1200);
const NOTE_WITHIN: Duration = Duration::from_millis(400);
const FORWARD_WITHIN: Duration = Duration::from_millis(2800);

#[cfg(test)]
mod simulation;
