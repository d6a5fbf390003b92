//! `otrail rules`: the wording rules, and whether they read their own examples as they say.

use super::exit::Exit;
use super::{Common, Paint};
use crate::config::{DEFAULT_PATH, SiteRules, plain};
use crate::dialect::FailedExample;
use anyhow::Context;
use clap::Subcommand;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use toml_edit::{ArrayOfTables, DocumentMut, value};

/// Try the wording rules
#[derive(Debug, clap::Args)]
pub struct Rules {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every example of the rules of the site and of those that come with otrail
    Test(Test),
}

/// Arguments of `rules test`.
#[derive(Debug, clap::Args)]
struct Test {
    /// Rule files of the site; without any those of the configuration
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write what was found into the examples of the site
    #[arg(long)]
    update: bool,
}

impl Rules {
    /// Exit code 1 when an example reads otherwise than it says, or a rule cannot be used.
    pub fn run(self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let Command::Test(test) = self.command;
        test.run(common, out)
    }
}

impl Test {
    fn run(&self, common: &Common, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let mut site = self.site(common)?;
        let rules = site.rules();
        for problem in &site.problems {
            writeln!(out, "{problem}")?;
        }
        let (taken, failed): (Vec<_>, Vec<_>) =
            rules.tried_examples().into_iter().partition(|failed| failed.is_taken);
        for failure in &failed {
            show(failure, common, out)?;
        }
        let (count, bad, good) =
            (rules.examples(), failed.len(), rules.examples() - failed.len() - taken.len());
        let taken = match taken.len() {
            0 => String::new(),
            count => format!(", {count} that came with otrail are read by rules of the site"),
        };
        writeln!(out, "{} rules, {count} examples, {good} good, {bad} failed{taken}", rules.len())?;
        if self.update {
            let mut updated = 0;
            for (path, text) in &site.files {
                updated += update(path, text, &failed)?;
            }
            writeln!(out, "{updated} examples updated")?;
        }
        Ok(if bad == 0 && site.problems.is_empty() { Exit::Done } else { Exit::No }.into())
    }

    fn site(&self, common: &Common) -> anyhow::Result<SiteRules> {
        if !self.files.is_empty() {
            let mut site = SiteRules::default();
            self.files.iter().for_each(|file| site.take(file));
            return Ok(site);
        }
        if common.config == Path::new(DEFAULT_PATH) && !common.config.exists() {
            return Ok(SiteRules::default());
        }
        let (config, _) = common.load()?;
        Ok(SiteRules::of_folder(&config.rules_folder))
    }
}

/// Under its place, a line for each field that is not as expected.
fn show(failure: &FailedExample, common: &Common, out: &mut dyn Write) -> anyhow::Result<()> {
    let colored = common.color.on_stdout();
    let problem = &failure.problem;
    writeln!(
        out,
        "{}:{}:{}: rule `{}`: {}",
        plain(&problem.file.display().to_string()),
        problem.line,
        problem.column,
        plain(&failure.rule),
        plain(&problem.message)
    )?;
    writeln!(out, "    text = {}", plain(&failure.text))?;
    for (name, expected, found) in &failure.fields {
        if expected == found {
            continue;
        }
        if let Some(expected) = expected {
            writeln!(out, "{}", Paint::Red.over(&format!("  - {name} = {}", plain(expected)), colored))?;
        }
        if let Some(found) = found {
            writeln!(out, "{}", Paint::Green.over(&format!("  + {name} = {}", plain(found)), colored))?;
        }
    }
    Ok(())
}

/// Writes the fields that were found into the failed examples of a file, if its own rule read them.
fn update(path: &Path, text: &str, failed: &[FailedExample]) -> anyhow::Result<usize> {
    let failed: Vec<_> =
        failed.iter().filter(|failure| failure.problem.file == path && failure.is_read).collect();
    if failed.is_empty() {
        return Ok(0);
    }
    let mut document: DocumentMut =
        text.parse().with_context(|| format!("cannot read {}", path.display()))?;
    let mut updated = 0;
    let Some(rules) = document.get_mut("rule").and_then(|rules| rules.as_array_of_tables_mut()) else {
        return Ok(0);
    };
    for failure in failed {
        let of_rule = |name: Option<&str>| name == Some(failure.rule.as_str());
        for rule in rules.iter_mut().filter(|rule| of_rule(rule.get("name").and_then(|name| name.as_str()))) {
            let examples = rule.get_mut("example").and_then(|examples| examples.as_array_of_tables_mut());
            updated += examples.map_or(0, |examples| correct(examples, failure));
        }
    }
    let waiting = path.with_extension("toml.new");
    fs::write(&waiting, document.to_string())
        .with_context(|| format!("cannot write {}", waiting.display()))?;
    let mode =
        fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?.permissions();
    fs::set_permissions(&waiting, mode).with_context(|| format!("cannot write {}", waiting.display()))?;
    fs::rename(&waiting, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(updated)
}

fn correct(examples: &mut ArrayOfTables, failure: &FailedExample) -> usize {
    let mut corrected = 0;
    let is_it = |text: Option<&str>| text == Some(failure.text.as_str());
    for example in
        examples.iter_mut().filter(|example| is_it(example.get("text").and_then(|text| text.as_str())))
    {
        for (name, _, found) in &failure.fields {
            match found {
                Some(found) => example[name] = value(found),
                None => drop(example.remove(name)),
            }
        }
        corrected += 1;
    }
    corrected
}
