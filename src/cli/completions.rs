//! `otrail completions SHELL`: prints a completion script, made from the command line itself.

use super::{Cli, Common};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Writes the script.
    pub fn run(self, _common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "otrail", &mut script);
        out.write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
