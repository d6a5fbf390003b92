//! `otrail run`: follows the sensor's log and forwards it until told to stop.

use super::Common;
use super::exit::Exit;
use crate::agent;
use std::io::{self, Write};
use std::process::ExitCode;
use tracing_subscriber::fmt::format::FmtSpan;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Run {}

impl Run {
    /// Runs in the foreground; ends in order on SIGTERM and SIGINT.
    pub fn run(self, common: &Common, _out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let (config, warnings) = common.load()?;
        speak();
        for warning in warnings {
            tracing::warn!("{}", warning.to_string().trim_end());
        }
        for problem in &config.rule_problems {
            tracing::error!("left out: {}", problem.to_string().trim_end());
        }
        agent::defect::ends_the_process();
        agent::run(config)?;
        Ok(Exit::Done.into())
    }
}

/// otrail's own diagnostics go to stderr; the journal of systemd has the time already.
fn speak() {
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO);
    let started = if std::env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().try_init()
    } else {
        lines.try_init()
    };
    if let Err(error) = started {
        tracing::debug!("somebody else speaks already: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Color;
    use crate::config::Config;
    use crate::journal::Journal;
    use crate::model::{Action, Time};
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{self, Command};
    use std::{env, fs, thread};

    const FOLDER: &str = "OTRAIL_TEST_OF_RUN";
    const TEST: &str = "cli::run::tests::a_panic_ends_an_agent_that_runs_and_leaves_its_journal_whole";

    /// The test is its own child, which is an agent with a thread that panics once the agent has begun.
    #[test]
    fn a_panic_ends_an_agent_that_runs_and_leaves_its_journal_whole() {
        if let Some(folder) = env::var_os(FOLDER) {
            return be_the_agent(Path::new(&folder));
        }
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "sensor = \"plant-a\"\nstate-dir = \"{0}/state\"\n[[source]]\nname = \"timeline\"\npath = \"{0}/log\"\n\
             [control]\nsocket = \"{0}/run/socket\"\n",
            folder.path().display()
        );
        fs::write(folder.path().join("otrail.toml"), config).unwrap();
        let mut child = Command::new(env::current_exe().unwrap());
        let ended = child.args([TEST, "--exact", "--nocapture"]).env(FOLDER, folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.signal(), Some(nix::libc::SIGABRT), "{said}");
        assert!(
            said.contains("otrail ends at once by a defect of its own, in thread a part of it"),
            "{said}"
        );
        let (config, _) = Config::load(&folder.path().join("otrail.toml")).unwrap();
        let journal = Journal::open(config.journal, Time::default()).unwrap();
        let mut records =
            journal.scan().through(journal.newest()).map(|line| line.unwrap().decode().unwrap());
        assert_eq!(records.next().unwrap().event.action, Action::START);
    }

    fn be_the_agent(folder: &Path) {
        let socket = folder.join("run/socket");
        thread::spawn(move || {
            while !socket.exists() {
                thread::yield_now();
            }
            let part = thread::Builder::new().name("a part of it".into());
            let ended = part.spawn(|| panic!("a part ends")).unwrap().join();
            // An agent that goes on without it must not keep the test waiting.
            process::exit(i32::from(ended.is_err()));
        });
        let common = Common { config: folder.join("otrail.toml"), color: Color::default() };
        Run {}.run(&common, &mut Vec::new()).unwrap();
    }
}
