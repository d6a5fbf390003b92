//! `otrail run`: follows the sensor's log and forwards it until told to stop.

use super::Common;
use super::exit::Exit;
use crate::agent;
use std::io::{self, Write};
use std::process::ExitCode;
use tracing_subscriber::fmt::format::FmtSpan;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Run {}

impl Run {
    /// Runs in the foreground; ends in order on SIGTERM and SIGINT.
    pub fn run(self, common: &Common, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let (config, warnings) = common.load()?;
        speak();
        for warning in warnings {
            tracing::warn!("{}", warning.to_string().trim_end());
        }
        for problem in &config.rule_problems {
            tracing::error!("left out: {}", problem.to_string().trim_end());
        }
        agent::run(config)?;
        Ok(Exit::Done.into())
    }
}

/// otrail's own diagnostics go to stderr; the journal of systemd has the time already.
fn speak() {
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO);
    let started = if std::env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().try_init()
    } else {
        lines.try_init()
    };
    if let Err(error) = started {
        tracing::debug!("somebody else speaks already: {error}");
    }
}
