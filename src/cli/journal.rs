//! `otrail journal`: what the journal consists of, whether it is whole, a copy of a range, new indexes.

use super::exit::Exit;
use super::terminal::JsonLines;
use super::trail::state_dir;
use super::verify::Verify;
use super::{Common, print_json, warn};
use crate::config::plain;
use crate::journal::{self, SegmentFile};
use crate::model::Seq;
use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Look at the journal's files, verify and export them
#[derive(Debug, clap::Args)]
pub struct Journal {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the segments, oldest first
    Ls(Place),
    Verify(Verify),
    /// Write the lines of a range of records as they are, and what they are to be held against
    Export(Export),
    /// Say what the journal takes on disk
    Du(Place),
    /// Make the indexes of all sealed segments anew, while the agent does not run
    Reindex(Place),
}

/// Which journal, and how it is told.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The state directory; that of the configuration if not given
    #[arg(short = 'D', long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// How it is told
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Form,
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    place: Place,
    /// The first record
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// The last record; the newest if not given
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Write to FILE and the manifest to FILE.manifest.json; else to stdout, and the manifest to stderr
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// How it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON value
    Json,
}

impl Place {
    pub(super) fn dir(&self, common: &Common) -> anyhow::Result<PathBuf> {
        match &self.directory {
            Some(dir) => Ok(state_dir(dir)),
            None => Ok(common.load()?.0.journal.state_dir),
        }
    }
}

impl Journal {
    /// Prints what was asked for.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Ls(place) => list(&journal::segments(&place.dir(common)?)?, place.output, out),
            What::Du(place) => usage(&journal::segments(&place.dir(common)?)?, place.output, out),
            What::Verify(verify) => verify.run(common, out),
            What::Export(export) => export.run(common, out),
            What::Reindex(place) => {
                let made = journal::reindex(&place.dir(common)?)?;
                match place.output {
                    Form::Json => print_json(&serde_json::json!({ "made": made }), out)?,
                    Form::Text => writeln!(out, "{made} indexes made anew")?,
                }
                Ok(Exit::Done.into())
            }
        }
    }
}

fn list(segments: &[SegmentFile], form: Form, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let is_known = segments.iter().all(|segment| segment.problem.is_empty());
    let exit = if is_known { Exit::Done } else { Exit::Damaged };
    if form == Form::Json {
        print_json(&segments, out)?;
        return Ok(exit.into());
    }
    for segment in segments {
        writeln!(
            out,
            "{}  {:6}  {:>10} to {:<10}  {:>12} bytes  index {:>9}  begun {}",
            segment.segment,
            segment.form,
            segment.first,
            segment.last,
            segment.bytes,
            segment.index,
            segment.begun,
        )?;
        if !segment.problem.is_empty() {
            writeln!(out, "  {}", plain(&segment.problem))?;
        }
    }
    Ok(exit.into())
}

fn usage(segments: &[SegmentFile], form: Form, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let of_form =
        |form: &str| segments.iter().filter(|segment| segment.form == form).map(|it| it.bytes).sum::<u64>();
    let (plain, sealed) = (of_form("plain"), of_form("sealed"));
    let index = segments.iter().map(|segment| segment.index).sum::<u64>();
    let total = plain + sealed + index;
    match form {
        Form::Json => {
            let bytes =
                serde_json::json!({ "plain": plain, "sealed": sealed, "index": index, "total": total });
            print_json(&bytes, out)?;
        }
        Form::Text => {
            for (name, bytes) in [("plain", plain), ("sealed", sealed), ("index", index), ("total", total)] {
                writeln!(out, "{bytes:>15} bytes  {name}")?;
            }
        }
    }
    Ok(Exit::Done.into())
}

impl Export {
    fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let dir = self.place.dir(common)?;
        let range = (Seq(self.from), Seq(self.to.unwrap_or(u64::MAX)));
        let manifest = match &self.file {
            None => journal::export(&dir, range, &mut JsonLines::new(out))?,
            Some(path) => {
                let file =
                    File::create_new(path).with_context(|| format!("cannot make {}", path.display()))?;
                let mut file = BufWriter::new(file);
                let manifest = journal::export(&dir, range, &mut file)?;
                let file = file.into_inner().context("cannot write the export")?;
                file.sync_all().context("cannot write the export")?;
                manifest
            }
        };
        let Some(manifest) = manifest else {
            warn("there is no such record");
            return Ok(Exit::No.into());
        };
        let mut text = serde_json::to_vec_pretty(&manifest)?;
        text.push(b'\n');
        match &self.file {
            Some(path) => {
                let path = path.with_added_extension("manifest.json");
                std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            }
            None => std::io::stderr().write_all(&text)?,
        }
        let damaged = manifest.damaged > 0;
        if damaged {
            warn("the export is incomplete: part of the journal cannot be read");
        }
        Ok(if damaged { Exit::Damaged.into() } else { Exit::Done.into() })
    }
}
