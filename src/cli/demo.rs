//! `otrail demo`: shows everything at work.

use super::Common;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {}

impl Demo {
    /// Comes with the room that it stands for.
    pub fn run(self, _common: &Common, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        anyhow::bail!("`demo` is not there yet")
    }
}
