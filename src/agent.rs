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
//! A life is all that from a start to a stop (`life`); with another config there is another life (`reload`).
//!
//! Invariant: a panic that is not guarded ends the process, never a part of it (`defect`).

mod act;
mod acts;
mod backfill;
pub mod defect;
mod descriptors;
mod expiry;
mod keep;
mod life;
pub mod path;
mod reload;
mod replay;
mod seal;
mod slack;
mod status;
mod test;
mod trial;

pub use trial::try_out;

use crate::config::Config;
use crate::journal::JournalError;
use crate::model::{Time, error_text};
use life::{Ended, Kept, Life};
use reload::InUse;
use std::sync::Arc;

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
    /// Something of the agent holds the state directory, so that it cannot go on with another config in this process.
    #[error(
        "a disk or a thread did not let go of the state directory; start otrail again, it goes on with the new config"
    )]
    Stuck,
    /// A thread of the agent ended by a defect of otrail.
    #[error("the {0} ended unexpectedly; this is a defect of otrail, please report it")]
    Ended(&'static str),
}

/// Runs the agent until SIGTERM or SIGINT, or until the journal cannot be written any more.
///
/// With a config that is read anew (`reload`) it goes on as after a stop and a start, in the same process; with the config
/// before if that start fails.
pub fn run(config: Config) -> Result<(), AgentError> {
    harden();
    slack::limit();
    // Before anything is opened, so that one who may open too few hears how many it takes.
    descriptors::check(&config)?;
    let mut kept = Kept::new()?;
    let mut before: Option<InUse> = None;
    let mut in_use = InUse { config: Arc::new(config), round: 0, unused: String::new() };
    loop {
        let begun = Life::begin(in_use.clone());
        let life = match (begun, before.take()) {
            (Ok(life), _) => life,
            (Err(error), None) => return Err(error),
            (Err(error), Some(before)) => {
                let unused = error_text(&error);
                tracing::error!("going on with the config before: {unused}");
                let next = InUse { round: in_use.round, unused, ..before };
                let failed = std::mem::replace(&mut in_use, next);
                let life = Life::begin(in_use.clone())?;
                life.note(reload::could_not_begin(&failed.config, &in_use.unused));
                life
            }
        };
        match life.live(&mut kept)? {
            Ended::Stopped => return Ok(()),
            Ended::GoesOn(config) => {
                let round = in_use.round + 1;
                let next = InUse { config: Arc::new(*config), round, unused: String::new() };
                before = Some(std::mem::replace(&mut in_use, next));
            }
        }
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

#[cfg(test)]
mod simulation;
