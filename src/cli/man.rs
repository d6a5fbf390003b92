//! `otrail man [DIR]`: the manual pages, made from the command line itself.

use super::{Cli, Common};
use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man as Page;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write otrail.1 and a page for every command into this folder
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Writes the page of `otrail` to `out`, or all pages to the folder.
    pub fn run(self, _common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self.dir {
            None => Page::new(Cli::command()).render(out)?,
            Some(dir) => {
                let cannot_write = || format!("cannot write manual pages to {}", dir.display());
                fs::create_dir_all(&dir).with_context(cannot_write)?;
                clap_mangen::generate_to(Cli::command(), &dir).with_context(cannot_write)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
