//! `otrail status`: shows how the agent is.

use super::Common;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Status {}

impl Status {
    /// Comes with the room that it stands for.
    pub fn run(self, _common: &Common, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        anyhow::bail!("`status` is not there yet")
    }
}
