//! `otrail run`: follows the sensor's log and forwards it until told to stop.

use super::Common;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Run {}

impl Run {
    /// Comes with the room that it stands for.
    pub fn run(self, _common: &Common, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        anyhow::bail!("`run` is not there yet")
    }
}
