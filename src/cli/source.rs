//! `otrail source`: where the agent reads a source on, to look at and to change.

use super::exit::Exit;
use super::{Common, Output, claimed, plain_lines, print_json};
use crate::control::Client;
use crate::model::act::{Act, Done, FilePlace, Moved, Reset, SourcePlaces, To};
use crate::query::render::safe;
use anyhow::{Context, bail};
use clap::Subcommand;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{PathBuf, absolute};
use std::process::ExitCode;

/// Look at and change where a source is read on
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 done; 1 nothing was changed; 2 wrong usage; 3 not running; 4 refused.")]
pub struct Source {
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show every file of a source that the journal knows, and how far it has been read
    Show(Show),
    /// Read a source on from another place; without --yes, say what that would be
    Reset(ResetArgs),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The source, as the config names it; all without it
    name: Option<String>,
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

/// Read a source on from another place
///
/// Going back repeats events, under the ids that they had. Going forward leaves entries out for good. Either is an
/// event of the trail (agent.position_reset) that says who did it, from where to where. What the log was rotated to before
/// the first start of the agent is read with --file FILE --to beginning, the oldest first. A sensor that is asked has no
/// position: each start of the agent asks it for all that it still shows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, or already there; 1 without --yes, or it cannot be done; 2 wrong usage; 3 not running; 4 refused.")]
struct ResetArgs {
    /// The source, as the config names it
    name: String,
    /// From where: beginning, end, or so many bytes from the beginning (within a line: from where the line begins)
    #[arg(long, value_name = "PLACE", value_parser = To::parse)]
    to: To,
    /// Which file: a log of the source or what it was rotated to; without it the log
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl Source {
    /// Asks the agent; what is changed is changed by it.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self.command {
            What::Show(show) => show.run(common, out),
            What::Reset(reset) => reset.run(common, out),
        }
    }
}

impl Show {
    fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let act = Act::ShowSources { name: self.name };
        let Done::Sources(sources) = Client::connect(&common.control()?)?.act(act, claimed())? else {
            bail!("the agent answers another question");
        };
        match self.output {
            Output::Json => print_json(&sources, out)?,
            Output::Text => out.write_all(screen(&sources).as_bytes())?,
        }
        Ok(Exit::Done.into())
    }
}

impl ResetArgs {
    fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let file = match &self.file {
            // The agent has another working folder.
            Some(file) => {
                Some(absolute(file)?.into_os_string().into_string().ok().context("the path is no UTF-8")?)
            }
            None => None,
        };
        let reset = Reset { name: self.name, file, to: self.to, sure: self.yes };
        let act = Act::ResetSource(reset);
        let Done::Reset(moved) = Client::connect(&common.control()?)?.act(act, claimed())? else {
            bail!("the agent answers another question");
        };
        match self.output {
            Output::Json => print_json(&moved, out)?,
            Output::Text => out.write_all(sentence(&moved).as_bytes())?,
        }
        Ok(if moved.done || !moved.changes { Exit::Done } else { Exit::No }.into())
    }
}

fn sentence(moved: &Moved) -> String {
    let back = if moved.taken_back { "; the place is within a line, which is read whole" } else { "" };
    let said = match (moved.done, moved.changes) {
        (true, _) => "done, and told in the trail",
        (false, true) => "nothing has been changed; --yes does it",
        (false, false) => "nothing has been changed",
    };
    plain_lines(&format!("{moved}{back}\n{said}\n"))
}

fn screen(sources: &[SourcePlaces]) -> String {
    let mut text = String::new();
    for source in sources {
        let _infallible = writeln!(text, "source {}: {}", source.name, source.path);
        for file in &source.files {
            show(file, &mut text);
        }
        let _infallible = match (source.kind.as_str(), source.answered.as_str(), source.files.is_empty()) {
            ("api", "", _) => writeln!(text, "  asked; not every question has been answered yet"),
            ("api", answered, _) => writeln!(text, "  asked; it last answered every question at {answered}"),
            (_, _, true) => writeln!(text, "  nothing has been read yet"),
            (_, _, false) => Ok(()),
        };
    }
    plain_lines(&text)
}

fn show(file: &FilePlace, text: &mut String) {
    let state = match (file.open, file.rotated, file.finished) {
        (true, false, _) => "followed",
        (true, true, _) => "rotated, read to its end",
        (false, _, true) => "read to its end and left",
        (false, _, false) => "not open",
    };
    let dialect = if file.dialect.is_empty() { "dialect not known yet" } else { &file.dialect };
    let born = if file.born.is_empty() { String::new() } else { format!(", born {}", file.born) };
    let FilePlace { number, path, device, inode, offset, bytes_behind, entries, passed_over, .. } = file;
    let head = file.head.get(..16).unwrap_or("none");
    let mut shown = Vec::new();
    safe::text(path, &mut shown);
    let path = String::from_utf8_lossy(&shown);
    let _infallible = writeln!(
        text,
        "  file {number}: {path}: {state}\n    \
         read {offset} bytes, {bytes_behind} to go; {entries} entries, {passed_over} of them passed over; {dialect}\n    \
         device {device}, inode {inode}{born}, SHA-256 of the first {} bytes {head}…",
        file.head_bytes,
        number = number.0,
    );
}
