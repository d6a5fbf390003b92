//! `otrail pack`: what a SIEM or a server needs to make something of the events, written out as files.

mod packs;

use super::exit::Exit;
use super::{Common, Output, print_json};
use anyhow::Context;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use packs::{Content, PACKS};
use serde_json::json;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write out what a SIEM or a server needs: rules, dashboards, configurations
///
/// The rules are made from one set of Sigma rules. What could be tested without the products is: that the rules find what
/// they say in events of otrail, and that the fields are there.
#[derive(Debug, clap::Args)]
pub struct Pack {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the packs, and the files of each
    List {
        /// How to show them
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Write the files of a pack into a folder
    #[command(
        after_help = "Exit codes: 0 written, or they were there; 1 other files are in their place; 2 wrong usage"
    )]
    Export {
        /// The pack
        #[arg(value_parser = PossibleValuesParser::new(PACKS.iter().map(|pack| pack.name)))]
        pack: String,
        /// Where to; it is made if it is not there
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Write over what is in their place
        #[arg(long)]
        force: bool,
    },
}

impl Pack {
    /// Exit code 0, or 1 where other files are in the place of those of the pack: nothing is written then.
    pub fn run(self, _common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { output: Output::Text } => list(out)?,
            Command::List { output: Output::Json } => {
                let packs = PACKS
                    .iter()
                    .map(|pack| json!({"name": pack.name, "about": pack.about, "files": paths(pack)}));
                print_json(&packs.collect::<Vec<_>>(), out)?;
            }
            Command::Export { pack, dir, force } => {
                let pack = PACKS.iter().find(|known| known.name == pack).context("there is no such pack")?;
                find_room(pack, &dir)?;
                if !force {
                    spare_others(pack, &dir)?;
                }
                export(pack, &dir, out)?;
            }
        }
        Ok(Exit::Done.into())
    }
}

fn paths(pack: &Content) -> Vec<&str> {
    pack.files.iter().map(|(path, _)| *path).collect()
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    for pack in PACKS {
        writeln!(out, "{:<10} {}", pack.name, pack.about)?;
        for (path, text) in pack.files {
            writeln!(out, "{:10}   {path}  {} lines", "", text.lines().count())?;
        }
    }
    Ok(())
}

/// An error where something that is no folder is in the place of one that the pack needs.
fn find_room(pack: &Content, dir: &Path) -> anyhow::Result<()> {
    for (path, _) in pack.files {
        let path = dir.join(path);
        let folders = path.ancestors().skip(1);
        let there = folders.filter_map(|folder| Some((folder, fs::metadata(folder).ok()?))).next();
        if let Some((folder, metadata)) = there {
            let shown = folder.display();
            anyhow::ensure!(metadata.is_dir(), "{shown} is no folder: choose another; nothing was written");
        }
    }
    Ok(())
}

/// An error where a file is there that is not of the pack.
fn spare_others(pack: &Content, dir: &Path) -> anyhow::Result<()> {
    let is_other = |path: &Path, text: &str| match fs::read(path) {
        Ok(there) => there != text.as_bytes(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    let places = pack.files.iter().map(|(path, text)| (dir.join(path), text));
    let others: Vec<_> = places.filter(|(path, text)| is_other(path, text)).map(|(path, _)| path).collect();
    let Some(first) = others.first() else { return Ok(()) };
    let more = match others.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    anyhow::bail!(
        "{}{more} would be written over: choose another folder, or --force; nothing was written",
        first.display()
    );
}

fn export(pack: &Content, dir: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    for (path, text) in pack.files {
        let path = dir.join(path);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    writeln!(out, "{} files written to {}", pack.files.len(), dir.display())?;
    Ok(())
}
