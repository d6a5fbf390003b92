//! `otrail reload`: the agent reads its config anew and goes on with it, or says why not.

use super::exit::Exit;
use super::{Common, Output, claimed, plain_lines, print_json};
use crate::control::{Client, ControlError, Settings};
use crate::model::act::{Act, Done, Reloaded};
use anyhow::bail;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// Have the agent read its config anew and go on with it
///
/// The file, the wording rules of the site and the new TLS files of destinations are checked first: where they cannot be
/// used, the agent says so and stays as it is. Else it stops in order and goes on with the new config, in the same process: it loses nothing, repeats
/// no more than what had no evidence of delivery, and whoever follows the trail goes on following; a query that is just
/// being answered may end as incomplete. SIGHUP does the same without an answer. Who has done it, and what is different,
/// is an event of the trail (agent.config_changed), which the destinations get that were there before. What takes a
/// restart: another state-dir or socket.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 it goes on with the config, or nothing is different; 1 it could not; 3 not running; 4 refused; 78 bad \
configuration, and nothing has changed.")]
pub struct Reload {
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl Reload {
    /// Asks the agent, and waits until it goes on.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let control = common.control()?;
        let Done::Reloaded(mut reloaded) = Client::connect(&control)?.act(Act::Reload, claimed())? else {
            bail!("the agent answers another question");
        };
        let was_read = reloaded.problems.is_empty();
        if was_read && !reloaded.changes.is_empty() {
            let unused = wait(&control, &reloaded)?;
            reloaded.problems.extend((!unused.is_empty()).then_some(unused));
        }
        match self.output {
            Output::Json => print_json(&reloaded, out)?,
            Output::Text => {
                let warnings: String =
                    reloaded.warnings.iter().map(|warning| format!("{warning}\n")).collect();
                io::stderr().lock().write_all(plain_lines(&warnings).as_bytes())?;
                out.write_all(plain_lines(&text(&reloaded)).as_bytes())?;
            }
        }
        Ok(match (was_read, reloaded.problems.is_empty()) {
            (_, true) => Exit::Done,
            (true, false) => Exit::No,
            (false, false) => Exit::Config,
        }
        .into())
    }
}

/// Waits until the agent has come to that round; why it does not use the config after all, if it does not.
fn wait(control: &Settings, reloaded: &Reloaded) -> anyhow::Result<String> {
    let begun = Instant::now();
    let process = PathBuf::from(format!("/proc/{}", reloaded.pid));
    // Whoever may not see the processes of others waits for as long as it may take.
    let is_seen = process.exists();
    loop {
        let is_gone = is_seen && !process.exists();
        let comes = !is_gone && begun.elapsed() < COMES_WITHIN;
        match Client::connect(control).and_then(Client::status) {
            Ok(status) if status.config.round >= reloaded.round => return Ok(status.config.unused),
            // The life before has answered us: by the new config we may ask no more.
            Err(ControlError::Refused(_)) => return Ok(String::new()),
            // It is on its way: the old life still answers, or breaks off, or the new one does not answer yet.
            Ok(_)
            | Err(ControlError::NotRunning { .. } | ControlError::Garbled(_) | ControlError::Io { .. })
                if comes => {}
            Ok(_) => bail!("the agent has not gone on within {} s; see its log", COMES_WITHIN.as_secs()),
            Err(error) if is_gone => {
                return Err(anyhow::Error::from(error).context("the agent has ended on the way; see its log"));
            }
            Err(error) => return Err(error.into()),
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn text(reloaded: &Reloaded) -> String {
    let Reloaded { config, changes, problems, .. } = reloaded;
    let mut text: String = changes.iter().map(|change| format!("{change}\n")).collect();
    match (problems.is_empty(), changes.is_empty()) {
        (true, true) => text.push_str(&format!("{config} has nothing that is different\n")),
        (true, false) => text.push_str(&format!("the agent goes on with {config}; told in the trail\n")),
        (false, _) => {
            problems.iter().for_each(|problem| text.push_str(&format!("{problem}\n")));
            text.push_str("the agent goes on with the config that it had; told in the trail\n");
        }
    }
    text
}

/// Stopping takes five seconds at most; beginning reads the end of the journal.
const COMES_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
