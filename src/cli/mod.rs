//! The command line: one command, one file; what is shown goes to a handed `Write`.
//!
//! ```text
//! otrail [-c FILE] [--color WHEN] run | query | show | report | status | source show | source reset | destination forget |
//!                                   send-test | replay | backfill | reload | journal | check | doctor | cert | explain |
//!                                   rules test | normalize | schema | demo | completions | man
//! otrail [-c FILE] --query ...      the same as `otrail query ...`
//! ```
//!
//! Invariant: an error is one line `otrail: ...` with its causes below, and its exit code is that of `exit`.
//! Not here: what a command does (the rooms).

mod asking;
mod backfill;
mod cert;
mod check;
mod color;
mod completions;
mod deliveries;
mod demo;
mod destination;
mod doctor;
mod entries;
pub mod exit;
mod explain;
mod finding;
mod forms;
mod journal;
mod man;
mod normalize;
mod pack;
mod pager;
mod query;
mod reach;
mod reload;
mod replay;
mod report;
mod rules;
mod run;
mod schema;
mod send_test;
mod show;
mod source;
mod status;
mod terminal;
mod times;
mod trail;
mod verify;

pub use color::{Color, Paint};

use crate::config::{self, Config, ConfigError, Problem};
use crate::control;
use crate::model::Denial;
use crate::query::render::safe;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use exit::Exit;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Forwards the user-operation log of an OT network sensor to a SIEM over TLS syslog, with evidence of
/// delivery, and lets admins query it on the spot.
#[derive(Debug, Parser)]
#[command(name = "otrail", version, max_term_width = 100, after_help = exit::HELP)]
pub struct Cli {
    /// What every command knows.
    #[command(flatten)]
    pub common: Common,
    /// Query the trail: the same as the command `query`
    #[arg(long = "query", action = ArgAction::SetTrue)]
    pub query_flag: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command knows.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Read the configuration from FILE
    #[arg(short, long, global = true, value_name = "FILE", default_value = config::DEFAULT_PATH)]
    pub config: PathBuf,
    /// Color the output
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: Color,
}

impl Common {
    /// The configuration and its warnings.
    pub fn load(&self) -> Result<(Config, Vec<Problem>), ConfigError> {
        Config::load(&self.config)
    }

    /// Where the agent is asked. Whoever may not read the usual config may still be one of its admins.
    fn control(&self) -> Result<control::Settings, ConfigError> {
        config::control_of(&self.config, Path::new(config::DEFAULT_PATH))
    }
}

/// How an answer looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// JSON, stable and documented
    Json,
}

/// All commands. Those that have no line here have their help where their arguments are.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a line here hides the help that stands with the arguments")]
pub enum Command {
    /// Follow the sensor's log and forward it until told to stop
    Run(run::Run),
    Query(Box<query::Query>),
    Show(show::Show),
    Report(report::Report),
    /// Show how the agent, its sources, journal and destinations are
    Status(status::Status),
    /// Look at and change where a source is read on
    Source(source::Source),
    Destination(destination::Destination),
    SendTest(send_test::SendTest),
    Replay(replay::Replay),
    Backfill(backfill::Backfill),
    Reload(reload::Reload),
    /// Look at the journal's files, verify and export them
    Journal(journal::Journal),
    /// Check the configuration and the files, folders and keys it names
    Check(check::Check),
    /// Look at the certificate of a server, to pin it
    Cert(cert::Cert),
    Doctor(doctor::Doctor),
    Explain(explain::Explain),
    /// Try the wording rules
    Rules(rules::Rules),
    Normalize(normalize::Normalize),
    Schema(schema::Schema),
    Pack(pack::Pack),
    Demo(demo::Demo),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print the manual page, or write all pages into a folder
    Man(man::Man),
}

impl Command {
    fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self {
            Command::Run(command) => command.run(common, out),
            Command::Query(command) => command.run(common, out),
            Command::Show(command) => command.run(common, out),
            Command::Report(command) => command.run(common, out),
            Command::Status(command) => command.run(common, out),
            Command::Source(command) => command.run(common, out),
            Command::Destination(command) => command.run(common, out),
            Command::SendTest(command) => command.run(common, out),
            Command::Replay(command) => command.run(common, out),
            Command::Backfill(command) => command.run(common, out),
            Command::Reload(command) => command.run(common, out),
            Command::Doctor(command) => command.run(common, out),
            Command::Journal(command) => command.run(common, out),
            Command::Check(command) => command.run(common, out),
            Command::Cert(command) => command.run(common, out),
            Command::Explain(command) => command.run(common, out),
            Command::Rules(command) => command.run(common, out),
            Command::Normalize(command) => command.run(common, out),
            Command::Schema(command) => command.run(common, out),
            Command::Pack(command) => command.run(common, out),
            Command::Demo(command) => command.run(common, out),
            Command::Completions(command) => command.run(common, out),
            Command::Man(command) => command.run(common, out),
        }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(with_query_command(std::env::args_os().collect())) {
        Ok(cli) => cli,
        Err(usage) => return tell(&usage),
    };
    let mut out = Out { stdout: io::stdout().lock(), closed: false };
    let outcome = cli.command.run(&cli.common, &mut out).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    match outcome {
        _ if out.closed => Exit::Done.into(),
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to be told that stderr is gone.
            let _ = exit::explain(&error, &mut io::stderr().lock());
            exit::of(&error).into()
        }
    }
}

/// Shows the help or the version that was asked for, or what is wrong with the command line.
fn tell(usage: &clap::Error) -> ExitCode {
    let told = usage.print().and_then(|()| io::stdout().flush());
    match told {
        _ if usage.use_stderr() => Exit::Usage.into(),
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            warn(&format!("stdout cannot be written: {error}"));
            Exit::No.into()
        }
        // A reader that has gone away has seen enough of it.
        _ => Exit::Done.into(),
    }
}

/// Stdout that remembers that its reader has gone away, as `otrail query | head` does: no error of ours.
struct Out<'a> {
    stdout: io::StdoutLock<'a>,
    closed: bool,
}

impl Out<'_> {
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.closed |= result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        // Whoever asked for a row does not think of the disk that it goes to.
        result.map_err(|error| io::Error::new(error.kind(), format!("stdout cannot be written: {error}")))
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.stdout.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.stdout.flush();
        self.noted(result)
    }
}

/// One line to stderr; if even that cannot be written, the exit code still tells.
fn warn(text: &str) {
    let mut line = b"otrail: ".to_vec();
    safe::text(text, &mut line);
    line.push(b'\n');
    let _unseen = io::stderr().lock().write_all(&line);
}

/// Where no server is asked nothing goes wrong, and nothing happens either.
fn warn_of_none(asked: usize) {
    if asked == 0 {
        warn("nothing was sent: the config has no [[destination]]; `otrail check` shows what it has");
    }
}

/// The config has no destination of that name.
fn no_destination(config: &Config, name: &str) -> anyhow::Error {
    let names: Vec<&str> = config.destinations.iter().map(|it| it.name.as_str()).collect();
    let path = config.path.display();
    match names.is_empty() {
        true => Denial::Unknown(format!("there is no destination {name}, nor any other: {path} has none")),
        false => Denial::unknown("destination", name, &names),
    }
    .into()
}

/// Lines without a character that a terminal would obey.
fn plain_lines(text: &str) -> String {
    let mut out = Vec::new();
    for line in text.lines() {
        safe::text(line, &mut out);
        out.push(b'\n');
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Who was there before sudo, by its own word.
fn claimed() -> Option<String> {
    std::env::var("SUDO_USER").ok()
}

/// One JSON value and a line feed; on a terminal without anything that it would take for a command.
fn print_json(value: &impl serde::Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    if io::stdout().is_terminal() {
        let mut safe_text = Vec::new();
        safe::json(&text, &mut safe_text);
        text = safe_text;
    }
    text.push(b'\n');
    Ok(out.write_all(&text)?)
}

/// Replaces the flag `--query` by the command, where a command can stand: after nothing but common options.
fn with_query_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(arg) = args.get(at).and_then(|arg| arg.to_str()) {
        match arg {
            "--query" => {
                args[at] = OsStr::new("query").to_owned();
                break;
            }
            "-c" | "--config" | "--color" => at += 2,
            _ if ["-c", "--config=", "--color="].iter().any(|option| arg.starts_with(option)) => at += 1,
            _ => break,
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn rewritten(line: &str) -> String {
        let args = with_query_command(line.split(' ').map(OsString::from).collect());
        args.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_query_flag_is_the_query_command() {
        for (line, expected) in [
            ("otrail --query -n 5", "otrail query -n 5"),
            ("otrail -c f --query", "otrail -c f query"),
            ("otrail -cf --color=never --config f --query x", "otrail -cf --color=never --config f query x"),
            ("otrail query --query", "otrail query --query"),
            ("otrail run --query", "otrail run --query"),
            ("otrail -c --query", "otrail -c --query"),
            ("otrail", "otrail"),
        ] {
            assert_eq!(rewritten(line), expected);
        }
    }

    #[test]
    fn common_options_stand_before_and_after_the_command() {
        for line in ["otrail -c /f --color never check", "otrail check -c /f --color never"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!((cli.common.config, cli.common.color), (PathBuf::from("/f"), Color::Never));
        }
    }
}
