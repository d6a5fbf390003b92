//! `otrail check`: is the configuration right, and is the world as it says?

pub(super) mod certificates;
pub(super) mod world;

use super::exit::Exit;
use super::finding::{Output, Verdict, problem_json, show, show_warnings};
use super::{Common, print_json};
use crate::config::ConfigError;
use jiff::Timestamp;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// How to show what was found
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Check {
    /// Exit code 0 without a problem, 1 with one, 78 when the configuration itself is bad.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let (config, warnings) = match common.load() {
            Ok(loaded) => loaded,
            Err(ConfigError { problems }) if self.output == Output::Json => {
                let report = json!({
                    "config": common.config,
                    "ok": false,
                    "problems": problems.iter().map(problem_json).collect::<Vec<_>>(),
                });
                print_json(&report, out)?;
                return Ok(Exit::Config.into());
            }
            Err(error) => return Err(error.into()),
        };
        let findings = world::findings(&config, Timestamp::now());
        let ok = findings.iter().all(|finding| finding.verdict < Verdict::Problem);
        match self.output {
            Output::Text => {
                show_warnings(out, common.color, &warnings)?;
                show(out, common.color, &findings)?;
            }
            Output::Json => {
                let report = json!({
                    "config": config.path,
                    "ok": ok,
                    "warnings": warnings.iter().map(problem_json).collect::<Vec<_>>(),
                    "findings": findings,
                });
                print_json(&report, out)?;
            }
        }
        Ok(if ok { Exit::Done } else { Exit::No }.into())
    }
}
