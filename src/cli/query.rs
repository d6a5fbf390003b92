//! `otrail query`: asks the agent.

use super::Common;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `query`.
#[derive(Debug, clap::Args)]
pub struct Query {}

impl Query {
    /// Comes with the room that it stands for.
    pub fn run(self, _common: &Common, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        anyhow::bail!("`query` is not there yet")
    }
}
