//! Exit codes, and what an error looks like on the way out.

use crate::config::{ConfigError, plain};
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked to.
    Done = 0,
    /// Found nothing, not healthy, a check failed, or an error of no other kind.
    No = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The agent is not running.
    NotRunning = 3,
    /// The caller has no right to this.
    Refused = 4,
    /// The store cannot be read or is damaged.
    Damaged = 5,
    /// The configuration is bad (`EX_CONFIG`); the service is not started again.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The codes as the help shows them.
pub(super) const HELP: &str = "Exit codes: 0 done; 1 found nothing, not healthy, a check failed; 2 wrong usage; \
     3 not running; 4 refused; 5 unreadable or damaged store; 78 bad configuration";

/// The exit code of an error, by the kinds that errors of the rooms have.
pub(super) fn of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<ConfigError>() {
        Some(_) => Exit::Config,
        None => Exit::No,
    }
}

/// Writes an error and its causes; nothing in them reaches the terminal as a control character.
pub(super) fn explain(error: &anyhow::Error, out: &mut impl Write) -> io::Result<()> {
    if let Some(ConfigError { problems }) = error.downcast_ref() {
        for problem in problems {
            writeln!(out, "{problem}")?;
        }
        let count = problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        return writeln!(out, "otrail: {count} {noun} in the configuration");
    }
    writeln!(out, "otrail: {}", plain(&error.to_string()))?;
    for cause in error.chain().skip(1) {
        writeln!(out, "  because {}", plain(&cause.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problem;

    fn explained(error: &anyhow::Error) -> String {
        let mut out = Vec::new();
        explain(error, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_error_is_followed_by_its_causes() {
        let error = anyhow::anyhow!("no \u{1b}[2Jsuch file").context("cannot open /a");
        assert_eq!(explained(&error), "otrail: cannot open /a\n  because no \\u{1b}[2Jsuch file\n");
        assert_eq!(of(&error), Exit::No);
    }

    #[test]
    fn a_bad_configuration_has_a_code_of_its_own() {
        let problem = Problem::of_file("otrail.toml", "is empty", "write one");
        let error = anyhow::Error::from(ConfigError { problems: vec![problem] }).context("cannot start");
        assert_eq!(of(&error), Exit::Config);
        let expected = "otrail.toml: is empty\n  write one\notrail: 1 problem in the configuration\n";
        assert_eq!(explained(&error), expected);
    }
}
