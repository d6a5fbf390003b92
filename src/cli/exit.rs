//! Exit codes, and what an error looks like on the way out.

use crate::agent::AgentError;
use crate::config::{ConfigError, Problem, plain};
use crate::control::ControlError;
use crate::filter::FilterError;
use crate::journal::JournalError;
use crate::model::Denial;
use std::io::{self, Write};
use std::ops::Range;
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
    if error.is::<ConfigError>() {
        return Exit::Config;
    }
    if let Some(error) = error.downcast_ref::<ControlError>() {
        return of_asking(error);
    }
    if let Some(Denial::Unknown(_)) = error.downcast_ref() {
        return Exit::Usage;
    }
    let of_agent = error.downcast_ref::<AgentError>().and_then(|error| match error {
        AgentError::Journal(error) => Some(error),
        _ => None,
    });
    match error.downcast_ref::<JournalError>().or(of_agent) {
        Some(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
            Exit::Refused
        }
        // The journal is whole, whatever an export of it is written to.
        Some(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull => Exit::No,
        Some(JournalError::Locked { .. } | JournalError::Full { .. } | JournalError::Crowded { .. })
        | None => Exit::No,
        Some(_) => Exit::Damaged,
    }
}

/// The exit code when the agent gave no answer, or not all of it.
fn of_asking(error: &ControlError) -> Exit {
    match error {
        ControlError::NotRunning { .. } => Exit::NotRunning,
        ControlError::Refused(_) => Exit::Refused,
        ControlError::Unknown(_) => Exit::Usage,
        ControlError::No(_) | ControlError::Silent { .. } => Exit::No,
        ControlError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => Exit::Refused,
        _ => Exit::Damaged,
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
    if let Some(FilterError::Value { word, value, way_out, place: Some(place) }) = error.downcast_ref() {
        return explain_value(word, value, place.clone(), way_out, out);
    }
    writeln!(out, "otrail: {}", plain(&error.to_string()))?;
    for cause in error.chain().skip(1) {
        writeln!(out, "  because {}", plain(&cause.to_string()))?;
    }
    Ok(())
}

/// Explains what the caller did wrong.
pub(super) fn usage(error: &anyhow::Error) -> anyhow::Result<ExitCode> {
    explain(error, &mut io::stderr().lock())?;
    Ok(Exit::Usage.into())
}

/// Draws a mark under the part of a value that is wrong.
fn explain_value(
    word: &str,
    value: &str,
    place: Range<usize>,
    way_out: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let problem = Problem::at("", value, place, "", way_out);
    let Some(place) = problem.place else { return Ok(()) };
    let line = if place.line > 1 { format!("line {}, ", place.line) } else { String::new() };
    writeln!(out, "otrail: the value of `{word}` is wrong at {line}character {}", place.column)?;
    writeln!(out, "  {}", place.excerpt)?;
    writeln!(out, "  {}{} {}", " ".repeat(place.indent), "^".repeat(place.width), plain(way_out))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn whoever_has_no_agent_no_right_or_no_whole_store_is_told_by_the_code() {
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        let path = std::path::PathBuf::from("/x");
        let journal = |kind| JournalError::Io { action: "open", path: path.clone(), source: io(kind) };
        let asked = |source| ControlError::NotRunning { socket: path.clone(), source };
        for (error, code) in [
            (anyhow::Error::from(asked(io(io::ErrorKind::NotFound))), Exit::NotRunning),
            (ControlError::Refused("no".to_owned()).into(), Exit::Refused),
            (ControlError::No("no".to_owned()).into(), Exit::No),
            (ControlError::Unknown("no".to_owned()).into(), Exit::Usage),
            (Denial::unknown("destination", "soc", &[]).into(), Exit::Usage),
            (ControlError::Garbled("no".to_owned()).into(), Exit::Damaged),
            (journal(io::ErrorKind::PermissionDenied).into(), Exit::Refused),
            (AgentError::Journal(journal(io::ErrorKind::Other)).into(), Exit::Damaged),
            (journal(io::ErrorKind::StorageFull).into(), Exit::No),
            (AgentError::Journal(JournalError::Locked { dir: path.clone() }).into(), Exit::No),
            (AgentError::Ended("collector").into(), Exit::No),
        ] {
            assert_eq!(of(&error.context("cannot go on")), code);
        }
    }
}
