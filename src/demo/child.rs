//! The real otrail as child processes: the agent, and commands that ask it.

use super::DemoError;
use super::folder::Folder;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

/// The program that is running now, which starts its own children.
pub(super) struct Program {
    path: PathBuf,
    config: PathBuf,
    said: PathBuf,
}

/// An agent that goes away with its owner.
pub(super) struct Agent {
    child: Child,
}

impl Program {
    pub(super) fn new(folder: &Folder) -> Result<Program, DemoError> {
        let found = std::env::current_exe();
        let path =
            found.map_err(|source| DemoError::Child { action: "find the program otrail itself", source })?;
        Ok(Program { path, config: folder.config(), said: folder.path("agent.log") })
    }

    /// Starts `otrail run`; what it says goes to `agent.log`.
    pub(super) fn start(&self) -> Result<Agent, DemoError> {
        let log = OpenOptions::new().create(true).append(true).open(&self.said);
        let log = log.map_err(|source| DemoError::Io { action: "open", path: self.said.clone(), source })?;
        let mut command = self.command();
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child =
            command.spawn().map_err(|source| DemoError::Child { action: "start the agent", source })?;
        Ok(Agent { child })
    }

    /// Runs a command to its end.
    pub(super) fn output(&self, args: &[&str]) -> Result<Output, DemoError> {
        let output = self.command().args(args).stdin(Stdio::null()).output();
        output.map_err(|source| DemoError::Child { action: "start a command of otrail", source })
    }

    /// The demo is no service, whatever started it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("-c").arg(&self.config);
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "SUDO_USER"] {
            command.env_remove(name);
        }
        command
    }

    /// The last lines of the agent, in one.
    pub(super) fn said(&self) -> String {
        let text = fs::read(&self.said).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SAID_LINES)..].join("; ")
    }
}

impl Agent {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// SIGTERM: it ends in order.
    pub(super) fn ask_to_stop(&self) {
        // It is not waited for yet, so the number is still its own.
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
    }

    /// SIGKILL: it ends at once.
    pub(super) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}

const SAID_LINES: usize = 2;
