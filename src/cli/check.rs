//! `otrail check`: is the configuration right, and is the world as it says?

mod world;

use super::exit::Exit;
use super::{Color, Common, Paint};
use crate::config::{ConfigError, Problem, plain};
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};
use std::process::ExitCode;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// How to show what was found
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// How to show what was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line for each thing
    #[default]
    Text,
    /// One JSON object
    Json,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Finding {
    /// What was looked at, such as `source timeline`.
    thing: String,
    verdict: Verdict,
    /// What was found.
    message: String,
    /// What to do about it; may be empty.
    way_out: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Problem,
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
                writeln!(out, "{report}")?;
                return Ok(Exit::Config.into());
            }
            Err(error) => return Err(error.into()),
        };
        let findings = world::findings(&config, Timestamp::now());
        let ok = findings.iter().all(|finding| finding.verdict < Verdict::Problem);
        match self.output {
            Output::Text => show(out, common.color, &warnings, &findings)?,
            Output::Json => {
                let report = json!({
                    "config": config.path,
                    "ok": ok,
                    "warnings": warnings.iter().map(problem_json).collect::<Vec<_>>(),
                    "findings": findings,
                });
                writeln!(out, "{report}")?;
            }
        }
        Ok(if ok { Exit::Done } else { Exit::No }.into())
    }
}

/// Warnings under their lines, then a line for each thing.
fn show(out: &mut dyn Write, color: Color, warnings: &[Problem], findings: &[Finding]) -> io::Result<()> {
    let colored = color.on_stdout();
    for warning in warnings {
        writeln!(out, "{} {warning}", Paint::Yellow.over("warning:", colored))?;
    }
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

fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "line": problem.place.as_ref().map(|place| place.line),
        "column": problem.place.as_ref().map(|place| place.column),
        "message": problem.message,
        "way-out": problem.way_out,
    })
}
