//! What has to be done now and then: signals, heartbeat, retention, the service manager's watchdog.

use super::expiry::Told;
use super::life::Ended;
use super::slack::{self, Slack};
use super::status::Overview;
use super::{AgentError, now};
use crate::config::Config;
use crate::journal::Journal;
use crate::model::{Action, Event, Outcome, Time};
use std::env;
use std::io::{self, IsTerminal};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

/// The signals that must not end an agent that is still beginning, which takes a moment where the journal is large.
pub(super) struct EarlySignals {
    /// Not forgotten until somebody waits for it.
    hangup: Signal,
    /// Not waited for: it would be an end without a word, where writing fails and says why.
    _file_too_large: Signal,
}

impl EarlySignals {
    /// From before the first life on, to the end of the agent.
    pub(super) fn new() -> Result<EarlySignals, AgentError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(not_handled)?;
        let _entered = runtime.enter();
        let file_too_large = handler(SignalKind::from_raw(libc::SIGXFSZ))?;
        Ok(EarlySignals { hangup: handler(SignalKind::hangup())?, _file_too_large: file_too_large })
    }
}

/// The signals to stop, listened to from the first life on: none gets lost between two. Before, they end the agent at once.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(super) fn new() -> Result<StopSignals, AgentError> {
        let terminate = handler(SignalKind::terminate())?;
        Ok(StopSignals { terminate, interrupt: handler(SignalKind::interrupt())? })
    }
}

fn handler(kind: SignalKind) -> Result<Signal, AgentError> {
    signal(kind).map_err(not_handled)
}

fn not_handled(source: io::Error) -> AgentError {
    AgentError::Start { what: "signal handling", source }
}

pub(super) struct Keeper<'a> {
    journal: Journal,
    overview: Arc<Overview>,
    heartbeat: Duration,
    early: &'a mut EarlySignals,
    stops: &'a mut StopSignals,
    /// Configs to go on with.
    next: mpsc::Receiver<Config>,
    /// Whether somebody sits before it: a terminal that is gone ends it in order.
    is_watched: bool,
    watchdog: Option<Duration>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(
        journal: Journal,
        overview: Arc<Overview>,
        (early, stops): (&'a mut EarlySignals, &'a mut StopSignals),
        next: mpsc::Receiver<Config>,
    ) -> Keeper<'a> {
        Keeper {
            journal,
            heartbeat: overview.config().heartbeat,
            overview,
            early,
            stops,
            next,
            is_watched: io::stderr().is_terminal(),
            watchdog: sd_notify::watchdog_enabled(),
        }
    }

    pub(super) fn ready(&self) {
        notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status("following and forwarding")]);
    }

    pub(super) fn ending(&self, ended: &Ended) {
        match (ended, sd_notify::NotifyState::monotonic_usec_now()) {
            (Ended::GoesOn(_), Ok(now)) => notify(&[sd_notify::NotifyState::Reloading, now]),
            (Ended::GoesOn(_), Err(_)) => {}
            (Ended::Stopped, _) => notify(&[sd_notify::NotifyState::Stopping]),
        }
    }

    /// Ends with a signal to stop, also when the terminal goes away, and with a config to go on with.
    pub(super) async fn run(&mut self) -> Ended {
        let mut tick = interval(self.watchdog.map_or(TICK, |watchdog| TICK.min(watchdog / 3)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut clock = Clock { at: Instant::now(), time: now() };
        let (mut beaten, mut told) = (Instant::now(), Instant::now());
        let mut looked = None;
        let mut slack = Slack::default();
        let mut working: Option<JoinHandle<()>> = None;
        loop {
            tokio::select! {
                _ = self.stops.terminate.recv() => return Ended::Stopped,
                _ = self.stops.interrupt.recv() => return Ended::Stopped,
                Some(config) = self.next.recv() => return Ended::GoesOn(Box::new(config)),
                _ = self.early.hangup.recv() => {
                    if self.is_watched {
                        return Ended::Stopped;
                    }
                    let overview = Arc::clone(&self.overview);
                    // What comes of it stands in the log and in the trail.
                    drop(spawn_blocking(move || overview.reload_by_signal()));
                    continue;
                }
                _ = tick.tick() => {}
            }
            // A disk that hangs must not look alive to the watchdog.
            let free = working.as_ref().is_none_or(JoinHandle::is_finished);
            if !free {
                continue;
            }
            if self.watchdog.is_some() {
                notify(&[sd_notify::NotifyState::Watchdog]);
            }
            let beat = !self.heartbeat.is_zero() && beaten.elapsed() >= self.heartbeat;
            if beat {
                beaten = Instant::now();
            }
            let tell = told.elapsed() >= TELL_EVERY;
            if tell {
                told = Instant::now();
            }
            let look = looked.is_none_or(|at: Instant| at.elapsed() >= LOOK_EVERY);
            if look {
                looked = Some(Instant::now());
            }
            let stepped = clock.step(now());
            let is_quiet = slack.is_due(self.journal.newest());
            let (journal, overview) = (self.journal.clone(), Arc::clone(&self.overview));
            working = Some(spawn_blocking(move || {
                work(&journal, &overview, beat, stepped);
                if tell {
                    journal.note_suppressed(now());
                }
                if look {
                    look_at_certificates(&journal, &overview);
                }
                if is_quiet {
                    journal.forget_recent();
                    slack::release();
                }
            }));
        }
    }
}

/// One round of upkeep; blocks on the disk.
fn work(journal: &Journal, overview: &Overview, beat: bool, stepped: Option<i64>) {
    // What is wrong is told by the journal, in the log and as long as it lasts in the status.
    let _ = journal.maintain(now());
    if let Some(seconds) = stepped {
        let message = format!("the clock was moved by {seconds} s");
        journal.note(Event::own(Action::CLOCK_STEPPED, Outcome::Unknown, now(), message));
    }
    if beat {
        let (message, outcome) = overview.heartbeat();
        let mut event = Event::own(Action::HEARTBEAT, outcome, now(), message);
        event.count = Some(journal.newest().0);
        journal.note(event);
    }
}

/// Tells of certificates that are about to expire; blocks on the disk.
fn look_at_certificates(journal: &Journal, overview: &Overview) {
    let path = journal.peers_dir().join(EXPIRY_FILE);
    let before = Told::load(&path);
    let mut told = before.clone();
    for event in told.due(&overview.destinations(), now()) {
        tracing::warn!("{}", event.message);
        journal.note(event);
    }
    if told != before
        && let Err(error) = told.store(&path)
    {
        tracing::warn!("cannot write {}: {error}; the same is told again after a restart", path.display());
    }
}

/// Notices that the wall clock does not go with the monotonic one.
struct Clock {
    at: Instant,
    time: Time,
}

impl Clock {
    /// Seconds that the wall clock has jumped since the last call, when that is more than a few.
    fn step(&mut self, time: Time) -> Option<i64> {
        let passed = i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX);
        let jumped = (time.millis() - self.time.millis() - passed) / 1000;
        *self = Clock { at: Instant::now(), time };
        (jumped.abs() >= STEP_SECONDS).then_some(jumped)
    }
}

/// Tells the service manager; without one nothing happens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    let name = env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    let told = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => notify_at(name, states),
        None => sd_notify::notify(states),
    };
    if let Err(error) = told {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}

/// The same at a name that is no file: `sd_notify` takes each for a path.
fn notify_at(name: &[u8], states: &[sd_notify::NotifyState<'_>]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
    let text: String = states.iter().map(|state| format!("{state}\n")).collect();
    socket.send(text.as_bytes()).map(drop)
}

/// Names of destinations have no dot, so no peer's memory has this name.
const EXPIRY_FILE: &str = "expiry.told.json";
/// How often certificates are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How often it is told what the rate limit has held back.
const TELL_EVERY: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_secs(5);
/// A jump below this is drift or a slow machine.
const STEP_SECONDS: i64 = 10;
