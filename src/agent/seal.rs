//! The thread that seals closed segments, and indexes the one that is written. It has the lowest priority, and rests while much is being journaled.

use super::{AgentError, now};
use crate::journal::{Journal, Step};
use crate::model::Seq;
use crate::model::error_text;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A handle on the thread. What it is doing when the agent ends is done again after the next start.
pub(super) struct Sealer {
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Sealer {
    pub(super) fn start(journal: Journal) -> Result<Sealer, AgentError> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let spawned = thread::Builder::new().name("otrail-seal".into()).spawn(move || run(&journal, &seen));
        let spawned = spawned.map_err(|source| AgentError::Start { what: "the sealing thread", source })?;
        Ok(Sealer { stop, thread: spawned.thread().clone() })
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

fn run(journal: &Journal, stop: &AtomicBool) {
    // The calling thread, and no other: Linux keeps a priority for each. Disk schedulers that know one go by it.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        tracing::warn!("the sealing of the journal has the same priority as the rest: {error}");
    }
    journal.seals_here();
    let mut rest = Rest { newest: journal.newest(), since: Instant::now() };
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        let mut pace = |step| {
            if stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if step == Step::Frame {
                thread::sleep(rest.due(journal.newest()));
            }
            Ok(())
        };
        let mut sealed = journal.seal_next(&mut pace, now);
        if matches!(sealed, Ok(false)) {
            sealed = journal.index_open(&mut pace).map(|()| false);
        }
        match sealed {
            Ok(true) => told = false,
            Ok(false) => thread::park_timeout(LOOK_EVERY),
            Err(_) if stop.load(Ordering::Relaxed) => return,
            Err(error) => {
                if !told {
                    tracing::error!("a segment stays as it is, plain: {}", error_text(&error));
                }
                told = true;
                thread::park_timeout(AGAIN_AFTER);
            }
        }
    }
}

/// When to rest: in a burst three times as long as was worked, so that sealing goes on, at a quarter of its pace.
struct Rest {
    newest: Seq,
    since: Instant,
}

impl Rest {
    fn due(&mut self, newest: Seq) -> Duration {
        let worked = self.since.elapsed();
        let rate = (newest.0 - self.newest.0) as f64 / worked.as_secs_f64().max(1e-6);
        let due = if rate > BURST_PER_SECOND { (worked * 3).min(REST_MAX) } else { Duration::ZERO };
        (self.newest, self.since) = (newest, Instant::now() + due);
        due
    }
}

const LOWEST: i32 = 19;
/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Records per second from which on there is a burst.
const BURST_PER_SECOND: f64 = 20_000.0;
const REST_MAX: Duration = Duration::from_millis(200);
