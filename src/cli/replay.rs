//! `otrail replay`: what is in the trail goes to the destinations again.

use super::exit::{self, Exit};
use super::query::words_of;
use super::times::{self, Zone};
use super::{Color, Common, Output, Paint, claimed, print_json, warn};
use crate::config::plain;
use crate::control::Client;
use crate::filter::{Filter, with_fields};
use crate::model::act::{self, Act, Done, Replayed};
use anyhow::bail;
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Send a range of the trail to the destinations again
///
/// Events of that time go to one destination, or to all, once more: with the ids that they had, marked replay, in the
/// order of the journal, over a connection of their own with the same evidence. What is delivered anyway goes on beside
/// it and comes first. Who asked for it and what came of it are events of the trail (agent.replay). To break it off,
/// interrupt this command: what was sent by then stays sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Times: as `otrail query` reads them.
Exit codes: 0 everything in the range is confirmed; 1 not everything is, or it cannot be done; 2 wrong usage;
3 not running; 4 refused; 78 bad configuration.")]
pub struct Replay {
    /// Matches such as user=alice or id=144aac90, expressions and ranges of time: as `otrail query` reads them
    #[arg(value_name = "MATCH|EXPR|A..B")]
    matches: Vec<String>,
    /// Events of this time or newer
    #[arg(
        short = 'S',
        long,
        value_name = "TIME",
        allow_hyphen_values = true,
        required_unless_present = "matches"
    )]
    since: Option<String>,
    /// Events of this time or older; without it up to the newest
    #[arg(short = 'U', long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    #[command(flatten)]
    zone: Zone,
    /// To this destination; to all without it
    #[arg(short, long, value_name = "DEST")]
    dest: Option<String>,
    /// Also what the destination's `select` leaves out
    #[arg(long)]
    unselected: bool,
    /// Give up when nothing has moved for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=act::Replay::WAIT_SECONDS_MAX))]
    wait: u64,
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl Replay {
    /// Asks the agent, shows how far it is, and tells what came of it.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let zone = self.zone.wanted();
        let filter = match self.filter(&zone) {
            Ok(filter) => filter,
            Err(error) => return exit::usage(&error),
        };
        filter.notes().for_each(warn);
        if let Some(range) = times::range(filter.range(), &zone) {
            warn(&range);
        }
        let wish = act::Replay {
            destination: self.dest.clone(),
            filters: filter.words().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            unselected: self.unselected,
            wait_seconds: self.wait,
        };
        let mut progress = Progress::new();
        let client = Client::connect(&common.control()?)?;
        let done = client.act_and_hear(Act::Replay(wish), claimed(), &mut |so_far| progress.show(so_far));
        progress.finish();
        let Done::Replayed(replayed) = done? else {
            bail!("the agent answers another question");
        };
        super::warn_of_none(replayed.len());
        match self.output {
            Output::Json => print_json(&replayed, out)?,
            Output::Text => show(&replayed, common.color, out)?,
        }
        let good = !replayed.is_empty() && replayed.iter().all(|replayed| replayed.complete);
        Ok(if good { Exit::Done } else { Exit::No }.into())
    }

    fn filter(&self, zone: &TimeZone) -> anyhow::Result<Filter> {
        let since = self.since.iter().map(|since| ("since", since.as_str()));
        let until = self.until.iter().map(|until| ("until", until.as_str()));
        let matches = words_of(&self.matches)?;
        let matches = matches.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let words = with_fields(since.chain(until).chain(matches));
        let filter = Filter::parse(words, &times::clock(zone.clone()))?;
        times::check(filter.range(), zone)?;
        Ok(filter)
    }
}

fn show(replayed: &[Replayed], color: Color, out: &mut dyn Write) -> io::Result<()> {
    let colored = color.on_stdout();
    for it in replayed {
        let (word, paint) = if it.complete { ("done", Paint::Green) } else { ("not complete", Paint::Red) };
        let Replayed { destination, address, .. } = it;
        write!(out, "{} at {}: {}: ", plain(destination), plain(address), paint.over(word, colored))?;
        writeln!(out, "{}", plain(&it.to_string()))?;
    }
    Ok(())
}

/// How far it is, on stderr: in place on a terminal, else a line now and then.
struct Progress {
    terminal: bool,
    at: Option<Instant>,
}

impl Progress {
    fn new() -> Progress {
        Progress { terminal: io::stderr().is_terminal(), at: None }
    }

    fn show(&mut self, so_far: &[Replayed]) {
        if !self.terminal && self.at.is_some_and(|at| at.elapsed() < LINE_EVERY) {
            return;
        }
        self.at = Some(Instant::now());
        let parts = so_far
            .iter()
            .map(|it| format!("{}: {} sent, {} confirmed", plain(&it.destination), it.sent, it.confirmed));
        let text = parts.collect::<Vec<_>>().join("; ");
        let mut stderr = io::stderr().lock();
        // Whoever cannot see it is told the result.
        let _unseen = match self.terminal {
            true => write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush()),
            false => writeln!(stderr, "{text}"),
        };
    }

    /// Leaves the terminal as it was.
    fn finish(self) {
        if self.terminal && self.at.is_some() {
            let _unseen = io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}

/// How often a line about it goes into a file.
const LINE_EVERY: Duration = Duration::from_secs(10);
