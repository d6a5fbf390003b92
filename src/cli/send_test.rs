//! `otrail send-test`: test events go to the destinations, and what evidence came is told.

use super::exit::Exit;
use super::{Color, Common, Output, Paint, claimed, print_json};
use crate::agent::{now, try_out};
use crate::config::{Config, plain};
use crate::control::{Client, ControlError};
use crate::forward;
use crate::model::act::{Act, Done, Test, Tested};
use crate::model::{Action, Event, Outcome, Text};
use anyhow::{Context, bail};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Send test events and tell what evidence came
///
/// Through the agent, if there is one: the events (agent.test) are journaled and go the way of every event. Without an
/// agent they go directly from here, in a stream of their own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all are confirmed; 1 not all are; 2 wrong usage, or there is no such destination; 4 refused; 78 bad configuration.")]
pub struct SendTest {
    /// The destination whose evidence is waited for; all without it
    #[arg(value_name = "DEST")]
    destination: Option<String>,
    /// How many events for each
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(Test::COUNT_MAX)))]
    count: u32,
    /// Show the messages as they are sent, without their framing
    #[arg(long)]
    show_bytes: bool,
    /// Longest wait for the evidence, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=Test::WAIT_SECONDS_MAX))]
    wait: u64,
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl SendTest {
    /// Sends, waits and tells.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let wait_seconds = self.wait;
        let test = Test { destination: self.destination.clone(), count: self.count, wait_seconds };
        let tested = match Client::connect(&common.control()?) {
            Ok(client) => match client.act(Act::SendTest(test), claimed())? {
                Done::Tested(tested) => tested,
                _ => bail!("the agent answers another question"),
            },
            Err(ControlError::NotRunning { .. }) => {
                writeln!(io::stderr(), "otrail: no agent answers: the events go directly from here")?;
                directly(&common.load()?.0, &test)?
            }
            Err(error) => return Err(error.into()),
        };
        super::warn_of_none(tested.len());
        match self.output {
            Output::Json => print_json(&tested, out)?,
            Output::Text => self.show(&tested, common.color, out)?,
        }
        let good = !tested.is_empty() && tested.iter().all(|tested| tested.confirmed);
        Ok(if good { Exit::Done } else { Exit::No }.into())
    }

    fn show(&self, tested: &[Tested], color: Color, out: &mut dyn Write) -> io::Result<()> {
        let colored = color.on_stdout();
        for it in tested {
            let (word, paint) =
                if it.confirmed { ("arrived", Paint::Green) } else { ("not confirmed", Paint::Red) };
            write!(
                out,
                "{} at {}: {}",
                plain(&it.destination),
                plain(&it.address),
                paint.over(word, colored)
            )?;
            match (it.confirmed, it.evidence.as_str()) {
                (true, "none") => writeln!(out, ": the config wants no evidence (evidence = \"none\")"),
                (true, "fin") => writeln!(
                    out,
                    " after {} ms, by evidence fin, the weakest: the server ends connections without a TLS close",
                    it.after_millis
                ),
                (true, level) => writeln!(out, " after {} ms, by evidence {}", it.after_millis, plain(level)),
                (false, _) => writeln!(out, ": {}", plain(&it.error)),
            }?;
            if self.show_bytes {
                for message in &it.messages {
                    writeln!(out, "  {}", plain(message))?;
                }
            }
        }
        Ok(())
    }
}

/// Sends them from here, to one destination after the other.
fn directly(config: &Config, test: &Test) -> anyhow::Result<Vec<Tested>> {
    let wanted = |name: &String| test.destination.as_ref().is_none_or(|wanted| wanted == name);
    let chosen: Vec<_> = config.destinations.iter().filter(|settings| wanted(&settings.name)).collect();
    if let (Some(name), []) = (&test.destination, chosen.as_slice()) {
        return Err(super::no_destination(config, name));
    }
    let within = Duration::from_secs(test.wait_seconds);
    chosen.into_iter().map(|settings| direct(config, settings, test.count, within)).collect()
}

/// Tries one destination with test events of a stream of their own, at one of its addresses after the other.
pub(super) fn direct(
    config: &Config,
    settings: &forward::Settings,
    count: u32,
    within: Duration,
) -> anyhow::Result<Tested> {
    let mut tested = Tested::default();
    for link in settings.links() {
        let alone = forward::Settings { link: link.clone(), others: Vec::new(), ..settings.clone() };
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        tested = try_out(&alone, folder.path(), events(config, count), within)?;
        if tested.confirmed {
            break;
        }
    }
    Ok(tested)
}

fn events(config: &Config, count: u32) -> Vec<Event> {
    let event = |number| Event {
        sensor: config.sensor.as_str().into(),
        source: Text::const_new("otrail"),
        ..Event::own(
            Action::TEST,
            Outcome::Success,
            now(),
            format!("test event {number} of {count}, sent without an agent"),
        )
    };
    (1..=count).map(event).collect()
}
