//! `otrail backfill`: what the trail lacks of a file is added.

use super::exit::Exit;
use super::{Common, Output, claimed, plain_lines, print_json, warn};
use crate::collect;
use crate::config::plain;
use crate::control::{BackfillError, Client, Settings};
use crate::dialect::DIALECTS;
use crate::model::backfill::{self, Backfilled};
use anyhow::Context;
use clap::builder::PossibleValuesParser;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;

/// Add what the trail lacks of a file; without --yes, say what that would be
///
/// An export of the event timeline, or a log that otrail has not followed, is read entry by entry, in the order of the file:
/// what happened before otrail came, or what it could not read. What is in the trail already is passed over, one for one: it
/// has the same time and says the same; an export in whole seconds is compared to the second. So bring the file whole: of
/// a piece nobody knows which of equal entries it has. What counts as another entry: one that was masked otherwise then,
/// and one of which the time was read in another time zone. A log that is still followed adds what it comes to later all
/// the same, with the same id. Entries that are added get the next numbers of the trail and are forwarded like any other,
/// flagged backfilled; queries sort by time. Masks, rules, the time zone of the source and [select] count as for its
/// log. gzip, zstd and xz are unpacked; a damaged file is not begun, one that breaks off gives what it has. A journal that is
/// at its size-max lets its oldest records go for them.
///
/// Only root and the agent's own user may: whoever reads the trail may not write it. Who has brought which file, the
/// SHA-256 of what it has (unpacked), and what came of it are events of the trail (agent.backfill). When it breaks off,
/// what is told as added is in the trail, and the same command goes on. A pipe may be silent for a minute.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 added, or nothing was missing; 1 without --yes, or it broke off; 2 wrong usage; 3 not running; 4 refused; \
5 the agent was gone before the end; 78 bad configuration.")]
pub struct Backfill {
    /// The files, one after the other; - is stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The source whose entries they are; needed where there are several
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The language of the files; without it the entries tell
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(DIALECTS.iter().map(|dialect| dialect.name)))]
    dialect: Option<String>,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// How it looks
    #[arg(short, long, value_name = "SHAPE", value_enum, default_value_t)]
    output: Output,
}

impl Backfill {
    /// Brings the files to the agent; what is added is added by it. The first that breaks off is the last.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let control = common.control()?;
        let mut all = Vec::new();
        let mut failed = None;
        for file in &self.files {
            match self.bring(file, &control) {
                Ok((backfilled, broken)) => {
                    doubt(&backfilled).iter().for_each(|doubt| warn(doubt));
                    if self.output == Output::Text {
                        out.write_all(self.sentence(&backfilled).as_bytes())?;
                    }
                    all.push(backfilled);
                    failed = broken;
                }
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || !all.last().is_some_and(|last| last.complete) {
                break;
            }
        }
        // What was added is told, whatever came then.
        if self.output == Output::Json && !(failed.is_some() && all.is_empty()) {
            print_json(&all, out)?;
        }
        let is_good = |it: &Backfilled| it.complete && (it.done || it.added == 0);
        match failed {
            Some(error) => Err(error),
            None => Ok(if all.iter().all(is_good) { Exit::Done } else { Exit::No }.into()),
        }
    }

    /// What came of it, and why not more.
    fn bring(&self, file: &Path, control: &Settings) -> anyhow::Result<(Backfilled, Option<anyhow::Error>)> {
        let wish = backfill::Backfill {
            file: name(file)?,
            source: self.source.clone(),
            dialect: self.dialect.clone(),
            sure: self.yes,
        };
        let mut input = open(file)?;
        let mut progress = Progress { is_seen: io::stderr().is_terminal(), told: 0 };
        let show = &mut |sent| progress.show(file, sent);
        let brought = Client::connect(control)?.backfill(wish, claimed(), &mut input, show);
        progress.finish();
        match brought {
            Ok(backfilled) => Ok((backfilled, None)),
            Err(BackfillError::Agent(error)) => Err(error.into()),
            Err(BackfillError::File(error, so_far)) => {
                let backfilled = Backfilled { error: error.to_string(), ..*so_far };
                let broken = anyhow::Error::from(error);
                Ok((backfilled, Some(broken.context(format!("cannot read {} to its end", file.display())))))
            }
        }
    }

    fn sentence(&self, backfilled: &Backfilled) -> String {
        let said = match (backfilled.complete, self.yes, backfilled.added) {
            (false, true, _) => "what is told as added is in the trail; the same command goes on",
            (false, false, _) => "nothing has been added, and not all of it was looked at",
            (true, _, 0) => "nothing to add",
            (true, true, _) => "added, and told in the trail",
            (true, false, _) => "nothing has been added; --yes does it",
        };
        plain_lines(&format!("{}: {backfilled}\n{said}\n", backfilled.file))
    }
}

/// What is more likely read wrong than wanted: a file that is all new though the trail has other entries of its time, or
/// that nobody understands.
fn doubt(backfilled: &Backfilled) -> Option<String> {
    let Backfilled { file, added, known, beside, unparsed, source, .. } = backfilled;
    if *unparsed > added / 2 {
        return Some(format!(
            "{file}: {unparsed} of {added} new entries are not understood: look at them with `otrail normalize`, and \
             whether this is a log or an export of the timeline"
        ));
    }
    (*known == 0 && *added > 0 && *beside).then(|| {
        format!(
            "{file}: the trail has other entries of the same time, and none of these is among them: look whether \
             source {source} has the time-zone that these were written in"
        )
    })
}

/// The agent has another working folder.
fn name(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        return Ok("stdin".to_owned());
    }
    Ok(absolute(file)?.display().to_string())
}

/// A damaged packed file is not begun: what is made of the damage would be in the trail for good.
fn open(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let cannot_read = || format!("cannot read {}", file.display());
    if file == Path::new("-") {
        return collect::unpacked(io::stdin()).with_context(cannot_read);
    }
    let opened = File::open(file).with_context(cannot_read)?;
    if opened.metadata().with_context(cannot_read)?.is_file() {
        collect::try_unpacking(&opened).with_context(|| {
            format!(
                "{} cannot be unpacked, and nothing of it was brought; what is sound of it may come through a pipe",
                file.display()
            )
        })?;
    }
    collect::unpacked(opened).with_context(cannot_read)
}

/// How far it is, on a terminal.
struct Progress {
    is_seen: bool,
    /// Bytes that were told last.
    told: u64,
}

impl Progress {
    fn show(&mut self, file: &Path, sent: u64) {
        if self.is_seen && sent - self.told >= TOLD_BYTES {
            self.told = sent;
            let text = format!("\r\u{1b}[K{}: {} MiB", plain(&file.display().to_string()), sent >> 20);
            // Whoever cannot see it is told the result.
            let _unseen = io::stderr().lock().write_all(text.as_bytes());
        }
    }

    /// Leaves the terminal as it was.
    fn finish(self) {
        if self.told > 0 {
            let _unseen = io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}

const TOLD_BYTES: u64 = 1 << 20;
