//! What `check` and `doctor` find, and how it looks.

use super::{Color, Paint};
use crate::config::{Problem, plain};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};

/// How to show what was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// One line for each thing
    #[default]
    Text,
    /// One JSON object
    Json,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Finding {
    /// What was looked at, such as `source timeline`.
    pub thing: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub message: String,
    /// What to do about it; may be empty.
    pub way_out: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Warning,
    Problem,
}

/// It is as it should be.
pub(super) fn ok(thing: &str, message: impl Into<String>) -> Finding {
    finding(thing, Verdict::Ok, message, "")
}

/// It works, and may not for long.
pub(super) fn warning(thing: &str, message: impl Into<String>, way_out: impl Into<String>) -> Finding {
    finding(thing, Verdict::Warning, message, way_out)
}

/// It does not work.
pub(super) fn problem(thing: &str, message: impl Into<String>, way_out: impl Into<String>) -> Finding {
    finding(thing, Verdict::Problem, message, way_out)
}

/// One finding.
pub(super) fn finding(
    thing: &str,
    verdict: Verdict,
    message: impl Into<String>,
    way_out: impl Into<String>,
) -> Finding {
    Finding { thing: thing.to_owned(), verdict, message: message.into(), way_out: way_out.into() }
}

/// Warnings about the config under their lines.
pub(super) fn show_warnings(out: &mut dyn Write, color: Color, warnings: &[Problem]) -> io::Result<()> {
    let word = Paint::Yellow.over("warning:", color.on_stdout());
    warnings.iter().try_for_each(|warning| writeln!(out, "{word} {warning}"))
}

/// A line for each thing.
pub(super) fn show(out: &mut dyn Write, color: Color, findings: &[Finding]) -> io::Result<()> {
    let colored = color.on_stdout();
    for finding in findings {
        let (word, paint) = match finding.verdict {
            Verdict::Ok => ("ok     ", Paint::Green),
            Verdict::Warning => ("warning", Paint::Yellow),
            Verdict::Problem => ("problem", Paint::Red),
        };
        write!(out, "{}  {}: {}", paint.over(word, colored), plain(&finding.thing), plain(&finding.message))?;
        match finding.way_out.as_str() {
            "" => writeln!(out)?,
            way_out => writeln!(out, "; {}", plain(way_out))?,
        }
    }
    Ok(())
}

/// A problem of the config.
pub(super) fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "line": problem.place.as_ref().map(|place| place.line),
        "column": problem.place.as_ref().map(|place| place.column),
        "message": problem.message,
        "way-out": problem.way_out,
    })
}
