//! `otrail show`: one event, whole, and what is known of its delivery.

use super::deliveries::Deliveries;
use super::exit::{self, Exit};
use super::forms::{self, Form};
use super::times::{self, Zone};
use super::trail::{Extent, Trail};
use super::{Common, terminal, warn};
use crate::filter::Filter;
use crate::model::Record;
use crate::query::render::{Look, Sink, safe};
use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Show one event, and what is known of its delivery
///
/// Of each destination it is told when the event was delivered, to which address and on which evidence (ack, probe,
/// barrier, fin), that it waits, or that it was not selected. What is older than a few thousand deliveries is told with a
/// span of time, and what came when the agent was killed without its evidence.
/// Looking at an event is a query, and recorded in the trail.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  otrail show 42
  otrail show 144aac901fe5faa9 -o cef
Exit codes: 0 shown; 1 no such event, or several; 2 wrong usage; 3 no agent; 4 refused; 5 the journal is damaged.")]
pub struct Show {
    /// The event id, its first 8 digits or more, or its place in the journal (seq)
    #[arg(value_name = "ID|SEQ")]
    event: String,
    /// How it looks; a format is the frame that a server gets
    #[arg(short, long, value_name = "FORM", default_value = "card", value_parser = PossibleValuesParser::new(forms::names()))]
    output: String,
    #[command(flatten)]
    zone: Zone,
    /// Read the journal of this state directory, without an agent
    #[arg(short = 'D', long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Show {
    /// Prints the event.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let zone = self.zone.wanted();
        let (word, value) = match word_of(self.event.trim_start_matches('#')) {
            Some(word) => word,
            None => {
                return exit::usage(&anyhow::anyhow!(
                    "`{}` is no event: write its seq, or 8 to 32 hex digits of its id",
                    self.event
                ));
            }
        };
        let filter = Filter::parse([(word, value)], &times::clock(zone.clone()))?;
        let trail = Trail::of(self.directory.as_deref(), common)?;
        let mut rows =
            trail.rows(filter.into(), Extent { limit: Some(LIST_MAX + 1), ..Extent::default() })?;
        let records = rows.by_ref().collect::<anyhow::Result<Vec<Record>>>()?;
        let terminal = io::stdout().is_terminal();
        let sink = if terminal { Sink::Terminal } else { Sink::File };
        let colour = common.color.on_stdout();
        let look = Look { zone: zone.clone(), colour, width: terminal::width(), ..Look::plain(sink) };
        let incomplete = rows.incomplete();
        let code = match &records[..] {
            [record] => {
                let mut text = Vec::new();
                let mut form = Form::named(&self.output, look).of_stream(|| trail.stream())?;
                form.head(&mut text);
                form.write(record, &mut text);
                if self.output == "card" {
                    delivery(&trail, record, &zone, &mut text);
                }
                out.write_all(&text)?;
                Exit::Done
            }
            [] if incomplete.is_none() => {
                warn(&format!("there is no event {}", self.event));
                Exit::No
            }
            [] => Exit::No,
            several => {
                list(&self.event, several, Look { width: None, ..look });
                Exit::No
            }
        };
        Ok(match incomplete {
            Some(reason) => {
                warn(&format!("the journal could not be read whole: {reason}"));
                Exit::Damaged.into()
            }
            None => code.into(),
        })
    }
}

/// A seq is a number of up to seven digits or one that no id can be; else a number may be either.
fn word_of(text: &str) -> Option<(&'static str, String)> {
    let (digits, hex) =
        (text.bytes().all(|at| at.is_ascii_digit()), text.bytes().all(|at| at.is_ascii_hexdigit()));
    match text.len() {
        1..=7 if digits => Some(("where", format!("seq = {text}"))),
        8..=18 if digits => Some(("where", format!("seq = {text} or id = {text}"))),
        8..=32 if hex => Some(("id", text.to_owned())),
        _ => None,
    }
}

/// Several records that are meant, so that one of them can be chosen.
fn list(event: &str, records: &[Record], look: Look) {
    let more = if records.len() > LIST_MAX { "more than " } else { "" };
    warn(&format!(
        "{more}{} events are called {event}; write more digits, or the seq of one",
        records.len().min(LIST_MAX)
    ));
    let fields = ["seq", "id", "time", "action", "account"];
    let fields = fields.iter().filter_map(|name| crate::query::render::Column::named(name)).collect();
    let mut form = Form::named("table", Look { fields, colour: false, ..look });
    let mut text = Vec::new();
    form.head(&mut text);
    records.iter().take(LIST_MAX).for_each(|record| form.write(record, &mut text));
    let _unseen = io::stderr().lock().write_all(&text);
}

/// What is known of each destination; that there is none is told, too.
fn delivery(trail: &Trail, record: &Record, zone: &TimeZone, out: &mut Vec<u8>) {
    let Some(told) = Deliveries::of(trail, zone) else { return };
    let lines = told.of_all(std::slice::from_ref(record)).pop().unwrap_or_default();
    if lines.is_empty() {
        out.extend_from_slice(b"It has no destination.\n");
    }
    for line in lines {
        safe::text(&line, out);
        out.push(b'\n');
    }
}

/// How many are listed.
const LIST_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_by_its_seq_or_by_digits_of_its_id() {
        let word = |text| word_of(text).map(|(name, value)| format!("{name} {value}"));
        for (text, meant) in [
            ("7", "where seq = 7"),
            ("12345678", "where seq = 12345678 or id = 12345678"),
            ("0123abcd", "id 0123abcd"),
            ("00000000000000000000000000000042", "id 00000000000000000000000000000042"),
        ] {
            assert_eq!(word(text).as_deref(), Some(meant));
        }
        for text in ["", "abc", "0123456z", "-1", "7.5"] {
            assert_eq!(word(text), None, "{text}");
        }
    }
}
