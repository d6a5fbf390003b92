//! `otrail man [DIR]`: the manual pages, made from the command line itself.

use super::{Cli, Common};
use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man as Page;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write otrail.1 and a page for every command into this folder
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Writes the page of `otrail` to `out`, or all pages to the folder.
    pub fn run(self, _common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        match self.dir {
            None => {
                let mut page = Vec::new();
                Page::new(Cli::command()).render(&mut page)?;
                out.write_all(readable(&String::from_utf8_lossy(&page)).as_bytes())?;
            }
            Some(dir) => {
                let cannot_write = || format!("cannot write manual pages to {}", dir.display());
                fs::create_dir_all(&dir).with_context(cannot_write)?;
                clap_mangen::generate_to(Cli::command(), &dir).with_context(cannot_write)?;
                for entry in fs::read_dir(&dir).with_context(cannot_write)? {
                    let path = entry.with_context(cannot_write)?.path();
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    if name.starts_with("otrail") && name.ends_with(".1") {
                        let page = fs::read_to_string(&path).with_context(cannot_write)?;
                        fs::write(&path, readable(&page)).with_context(cannot_write)?;
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The lines behind the options are examples and paragraphs; as they come, a page runs them together.
fn readable(page: &str) -> String {
    let mut text = String::with_capacity(page.len() + 256);
    let (mut in_notes, mut as_it_is) = (false, false);
    for line in page.lines() {
        let is_head = line.starts_with(".SH ");
        let is_example = in_notes && line.starts_with(' ');
        match (as_it_is, is_example) {
            (false, true) => text.push_str(".nf\n"),
            (true, false) => text.push_str(".fi\n"),
            _ => {}
        }
        as_it_is = is_example;
        if in_notes && !is_head && !is_example {
            text.push_str(".PP\n");
        }
        in_notes = if is_head { line == EXTRA } else { in_notes };
        text.push_str(if line == EXTRA { ".SH NOTES" } else { line });
        text.push('\n');
    }
    text
}

/// How clap heads what stands behind the options.
const EXTRA: &str = ".SH EXTRA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_its_line_and_a_paragraph_its_own() {
        let page =
            ".SH OPTIONS\n a\n.SH EXTRA\nExamples:\n  one\n  two\nTimes: x\nExit codes: y\n.SH VERSION\nv\n";
        let expected = ".SH OPTIONS\n a\n.SH NOTES\n.PP\nExamples:\n.nf\n  one\n  two\n.fi\n.PP\nTimes: x\n.PP\n\
                        Exit codes: y\n.SH VERSION\nv\n";
        assert_eq!(readable(page), expected);
        assert_eq!(readable(expected), expected);
    }
}
