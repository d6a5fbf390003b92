//! `otrail journal verify`: whether the journal is what was written, and what was sent.

use super::exit::Exit;
use super::journal::{Form, Place};
use super::{Common, print_json, warn};
use crate::config::plain;
use crate::journal::{self, Uncounted, Verified};
use crate::query::{Against, Held};
use anyhow::Context;
use serde::Serialize;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check every sum, the chain and the numbers, and place what is wrong
///
/// Whoever can write the files can compute all of it anew, but not what has left the machine: with --against, what a server
/// has is held against the journal. Without, hold the chain value that is told at the end, and those of agent.seal events
/// at the SIEM, against the files. Exit codes: 0 whole; 1 whole, but records are missing between those that the server has,
/// or it has nothing that the journal has; 5 not whole, or not what was sent.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
    /// Hold what a server has against the journal: its file, or an export of a SIEM; - is standard input
    ///
    /// Any format of otrail, a frame a line, with whatever the server has put before it; also within JSON
    /// (Elasticsearch's _source, Splunk's _raw) or a cell of CSV. Which record a frame is, its event's id and its
    /// chain value are compared, not its texts; how far the server should have come is not known here. Lines that are
    /// no event of this journal are counted and passed over. An export of a part will do, but it lacks what is not in
    /// it: of several destinations, and of a time range, records may be told as missing that are elsewhere.
    #[arg(long, value_name = "FILE", num_args = 1)]
    against: Vec<PathBuf>,
}

/// As JSON.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    verified: &'a Verified,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a Held>,
}

impl Verify {
    /// Prints what was found.
    pub(super) fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let dir = self.place.dir(common)?;
        let mut against =
            (!self.against.is_empty()).then(|| journal::stream_of(&dir).map(Against::new)).transpose()?;
        for path in &self.against {
            against.as_mut().map_or(Ok(()), |against| read(path, against))?;
        }
        let verified = journal::verify(&dir)?;
        let held = against.map(|against| against.hold(&dir, &verified)).transpose()?;
        match self.place.output {
            Form::Json => print_json(&Found { verified: &verified, against: held.as_ref() }, out)?,
            Form::Text => {
                tell_verified(&verified, out)?;
                held.as_ref().map_or(Ok(()), |held| tell_held(held, verified.flaws.is_empty(), out))?;
            }
        }
        Ok(verdict(&verified, held.as_ref()).into())
    }
}

fn read(path: &Path, against: &mut Against) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let read = match path.as_os_str() == "-" {
        true => against.read("standard input", &mut std::io::stdin().lock()),
        false => File::open(path).and_then(|file| against.read(&name, &mut BufReader::new(file))),
    };
    read.with_context(|| format!("cannot read {name}"))
}

fn verdict(verified: &Verified, held: Option<&Held>) -> Exit {
    match held {
        _ if !verified.flaws.is_empty() => Exit::Damaged,
        Some(held) if !held.differences.is_empty() => Exit::Damaged,
        Some(held) if held.same == 0 || !held.missing.is_empty() => Exit::No,
        _ => Exit::Done,
    }
}

fn tell_verified(found: &Verified, out: &mut dyn Write) -> anyhow::Result<()> {
    for flaw in &found.flaws {
        writeln!(out, "{}, line {}, record {}: {}", flaw.segment, flaw.line, flaw.seq, flaw.what)?;
    }
    for Uncounted { segment, bytes } in &found.uncounted {
        writeln!(
            out,
            "{segment}: {bytes} bytes behind its end do not count: a crash has left them, or somebody has added them"
        )?;
    }
    let verdict = if found.flaws.is_empty() { "whole" } else { "NOT whole" };
    writeln!(
        out,
        "{verdict}: {} records, {} to {}, in {} segments; chain {}",
        found.records, found.first, found.last, found.segments, found.chain
    )?;
    Ok(())
}

fn tell_held(held: &Held, is_whole: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if held.events == 0 {
        warn(&format!(
            "nothing of this journal is in the {} lines, {} events of other journals are; a server that keeps the message \
             alone, without structured data, has nothing to go by",
            held.lines, held.of_others
        ));
        return Ok(());
    }
    for it in &held.differences {
        writeln!(out, "{}, record {}: {}", plain(&it.place), it.seq, it.what)?;
    }
    for it in &held.missing {
        writeln!(
            out,
            "record {} is not there, which record {} says it follows: nothing is between {} and {}",
            it.expected, it.before, it.after, it.before
        )?;
    }
    let elsewhere = if is_whole && held.differences.is_empty() { "" } else { " but what is named above" };
    let verdict = match (held.differences.is_empty(), held.missing.is_empty()) {
        (false, _) => "the journal is NOT as it was sent",
        _ if held.same == 0 => "nothing that was sent is in the journal still",
        (true, false) => "the journal is as it was sent, but some of it is not there",
        (true, true) => "the journal is as it was sent",
    };
    writeln!(
        out,
        "{verdict}: records {} to {} there; {} are the same here, {} came again, {} are here no more",
        held.first, held.last, held.same, held.copies, held.removed
    )?;
    let proof = match (held.proved_through.0, held.seals) {
        (0, 0) if held.chains > 0 || !held.differences.is_empty() => return Ok(()),
        (0, 0) => {
            "no chain value is there: a text of the journal that was changed under the same id would not show"
                .to_owned()
        }
        (0, seals) => format!(
            "{seals} finished segments end in the chain value that was sent: nothing in them was changed{elsewhere}; what \
             came later is not proved by that"
        ),
        (through, _) => format!(
            "up to record {through} nothing was changed{elsewhere}: its chain value is the one that was sent"
        ),
    };
    writeln!(out, "{proof}")?;
    Ok(())
}
