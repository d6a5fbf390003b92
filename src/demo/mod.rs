//! The demo: a CA, a syslog server and a sensor that writes, with the real agent between them.
//!
//! ```text
//! script ─▶ sensor ─▶ operations.ndjson ─▶ otrail run ─▶ TLS ─▶ receiver ─▶ frame ─▶ tally ─▶ summary
//!                                            (child)              │
//! acts: live, outage, rotation, kill, query ──────────────────── away and back
//! ```
//!
//! Invariant: nothing leaves the machine, and nothing is written outside one temporary folder.
//! Invariant: however a run ends, no child stays behind, and the folder stays only when that is asked for.
//! Not here: what a scene looks like (`cli`).

mod acts;
mod api;
mod certificates;
mod child;
mod error;
mod folder;
mod frame;
mod http;
mod interrupt;
mod receiver;
mod script;
mod sensor;
mod stage;
mod tally;

pub use api::{Answering, Row, SensorApi};
pub use error::DemoError;
pub use frame::Frame;
pub use interrupt::Interrupt;
pub use tally::{Novelty, Summary};

use std::io;
use std::path::Path;

/// What the caller wishes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Leave the folder behind.
    pub keep: bool,
    /// The sensor is asked by its API instead of writing a log.
    pub api: bool,
    /// Whether what `otrail query` prints is coloured.
    pub colored: bool,
}

/// Something to show.
#[derive(Debug)]
pub enum Scene<'a> {
    /// What happens next, and which promise it shows.
    Act {
        /// What happens.
        title: &'a str,
        /// What it shows.
        promise: &'a str,
    },
    /// One more thing to know.
    Note(String),
    /// The sensor wrote an entry that cannot arrive yet.
    Waiting(&'a str),
    /// A frame has arrived.
    Arrival(&'a Frame, Novelty),
    /// A command of otrail, and what it printed.
    Asked {
        /// As it is typed.
        command: String,
        /// Its rows.
        answer: String,
    },
    /// The numbers of the whole run.
    Sum(&'a Summary),
    /// The folder that stays, and the port of its destination.
    Kept {
        /// The folder.
        folder: &'a Path,
        /// The port.
        port: u16,
    },
}

/// Where scenes go.
pub type Show<'a> = &'a mut dyn FnMut(&Scene<'_>) -> io::Result<()>;

/// Plays all acts; an error when the numbers do not hold.
pub fn run(settings: Settings, interrupt: &Interrupt, show: Show<'_>) -> Result<(), DemoError> {
    let mut stage = stage::Stage::build(settings, interrupt, show)?;
    acts::play(&mut stage)?;
    let summary = stage.close()?;
    match summary.fault() {
        Some(fault) => Err(DemoError::Numbers(fault)),
        None => Ok(()),
    }
}
