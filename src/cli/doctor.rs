//! `otrail doctor`: walks the way from the sensor's log to each destination, and names what is wrong and the way out.
//!
//! What the config names is looked at as `check` does it; here the network is asked, too.

mod host;
mod way;

use super::check::world;
use super::exit::Exit;
use super::finding::{Finding, Output, Verdict, show};
use super::{Common, print_json};
use crate::agent::now;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

/// Walk the way to each destination, and name what is wrong and the way out
///
/// Names, connections, TLS and certificates are tried one after the other; then a test event (agent.test) is sent to see
/// which evidence comes. Sources, rights, rotation, disk and limits of this host are looked at as well.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 no problem; 1 a problem; 2 wrong usage, or there is no such destination; 78 bad configuration."
)]
pub struct Doctor {
    /// The destination; without it all, and the host as well
    #[arg(value_name = "DEST")]
    destination: Option<String>,
    /// How to show what was found
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Doctor {
    /// Looks at everything, then tells.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let (config, _) = common.load()?;
        let chosen: Vec<_> = match &self.destination {
            None => config.destinations.iter().collect(),
            Some(name) => {
                let found: Vec<_> = config.destinations.iter().filter(|it| it.name == *name).collect();
                if found.is_empty() {
                    return Err(super::no_destination(&config, name));
                }
                found
            }
        };
        let mut findings: Vec<Finding> = world::findings(&config, now().timestamp());
        match &self.destination {
            Some(name) => findings.retain(|finding| finding.thing == format!("destination {name}")),
            None => findings.extend(host::findings(common, &config)),
        }
        for settings in chosen {
            findings.extend(way::findings(&config, settings)?);
        }
        let ok = findings.iter().all(|finding| finding.verdict < Verdict::Problem);
        match self.output {
            Output::Text => show(out, common.color, &findings)?,
            Output::Json => {
                print_json(&json!({ "config": config.path, "ok": ok, "findings": findings }), out)?;
            }
        }
        Ok(if ok { Exit::Done } else { Exit::No }.into())
    }
}
