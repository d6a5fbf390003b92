//! `otrail destination`: what stays in the journal for a destination that left the config.

use super::exit::Exit;
use super::{Common, Output, claimed, plain_lines, print_json};
use crate::control::Client;
use crate::model::act::{Act, Done, Forget, Forgotten};
use anyhow::bail;
use clap::Subcommand;
use std::io::Write;
use std::process::ExitCode;

/// Let go what is kept for a destination that left the config
#[derive(Debug, clap::Args)]
pub struct Destination {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Forget(ForgetArgs),
}

/// Keep nothing for a destination that left the config; without --yes, say what that would be
///
/// What it has not confirmed stays in the journal for thirty days after it left the config, so that a destination that
/// comes back goes on where it was; a journal that is full waits for it. Forgotten, it keeps nothing, and a destination of
/// that name is a new one. Who has done it is an event of the trail (agent.config_changed). What was delivered to it
/// before, and on what evidence, stays known.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done; 1 without --yes, or it cannot be done; 2 wrong usage; 3 not running; 4 refused.")]
struct ForgetArgs {
    /// The destination, as the config named it
    name: String,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl Destination {
    /// Asks the agent; what is changed is changed by it.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let What::Forget(forget) = self.command;
        forget.run(common, out)
    }
}

impl ForgetArgs {
    fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let act = Act::ForgetDestination(Forget { name: self.name, sure: self.yes });
        let Done::Forgotten(forgotten) = Client::connect(&common.control()?)?.act(act, claimed())? else {
            bail!("the agent answers another question");
        };
        match self.output {
            Output::Json => print_json(&forgotten, out)?,
            Output::Text => out.write_all(sentence(&forgotten).as_bytes())?,
        }
        Ok(if forgotten.done { Exit::Done } else { Exit::No }.into())
    }
}

fn sentence(forgotten: &Forgotten) -> String {
    let said = match forgotten.done {
        true => "forgotten, and told in the trail",
        false => "nothing has been changed; --yes forgets it",
    };
    plain_lines(&format!("{forgotten}\n{said}\n"))
}
