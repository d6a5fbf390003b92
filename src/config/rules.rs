//! `[rules]`: the wording rules of the site, from a folder beside the config.
//!
//! Invariant: a file or rule with a problem is left out and told; all others work. Whether a config with such a problem is
//! used at all is for the reader of it to say (`otrail run` starts with it, a reload does not go on with it).

use super::problem::Problem;
use super::{Config, file, sha256};
use crate::dialect::{RuleProblem, Rules};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The rule files of a site, as far as they can be used.
#[derive(Debug, Default)]
pub struct SiteRules {
    /// Name and content, in the order in which they are tried.
    pub files: Vec<(PathBuf, String)>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
}

impl SiteRules {
    /// The files `*.toml` of a folder by their names; a folder that is not there holds none.
    pub fn of_folder(folder: &Path) -> SiteRules {
        let mut site = SiteRules::default();
        match names(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                site.refuse(folder, format!("cannot be listed: {error}"), "otrail must be able to read it");
            }
            Ok(names) if names.is_empty() => {}
            Ok(names) => {
                let loose = fs::metadata(folder).is_ok_and(|about| about.permissions().mode() & 0o022 != 0);
                if loose {
                    let way_out = format!("chmod go-w {}", folder.display());
                    site.refuse(folder, "is writable by others: its rules are not used".to_owned(), &way_out);
                } else if names.len() > FILES_MAX {
                    let way_out = format!("at most {FILES_MAX}");
                    site.refuse(folder, format!("holds {} rule files", names.len()), &way_out);
                } else {
                    names.iter().for_each(|path| site.take(path));
                }
            }
        }
        site
    }

    /// Reads one file; what is wrong with it goes to the problems.
    pub fn take(&mut self, path: &Path) {
        match read(path) {
            Ok(text) => self.files.push((path.to_owned(), text)),
            Err((message, way_out)) => self.refuse(path, message, &way_out),
        }
    }

    /// All rules: those of the files, then those that come with otrail.
    pub fn rules(&mut self) -> Rules {
        let (rules, problems) = Rules::load(&self.files);
        let shown: Vec<Problem> = problems.iter().map(|problem| self.shown(problem)).collect();
        self.problems.extend(shown);
        rules
    }

    /// A problem of a rule, under its line.
    pub fn shown(&self, problem: &RuleProblem) -> Problem {
        let name = problem.file.display().to_string();
        let text = self.files.iter().find(|(file, _)| *file == problem.file).map(|(_, text)| text.as_str());
        let Some(text) = text else {
            return Problem::of_file(&name, problem.message.clone(), problem.help.clone());
        };
        let start =
            text.split_inclusive('\n').take(problem.line.saturating_sub(1)).map(str::len).sum::<usize>();
        let line = text[start..].lines().next().unwrap_or_default();
        let column = line.char_indices().nth(problem.column.saturating_sub(1)).map_or(0, |(at, _)| at);
        Problem::at(
            &name,
            text,
            start + column..start + line.len(),
            problem.message.clone(),
            problem.help.clone(),
        )
    }

    fn refuse(&mut self, path: &Path, message: String, way_out: &str) {
        self.problems.push(Problem::of_file(&path.display().to_string(), message, way_out));
    }
}

/// Puts the rules of the configured folder before those that come with otrail.
pub(super) fn load(config: &mut Config) {
    let mut site = SiteRules::of_folder(&config.rules_folder);
    if !site.files.is_empty() {
        config.collect.rules = Arc::new(site.rules());
    }
    let hash = |(path, text): &(PathBuf, String)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, sha256(text))
    };
    config.rule_hashes = site.files.iter().map(hash).collect();
    config.rule_problems = site.problems;
}

fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            names.push(path);
        }
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<String, (String, String)> {
    let unreadable =
        |error: io::Error| (format!("cannot be read: {error}"), "otrail must be able to read it".into());
    let opened = file::open(path).map_err(unreadable)?;
    let mode = opened.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o022 != 0 {
        let message = format!("is writable by others (mode {:04o}): its rules are not used", mode & 0o7777);
        return Err((message, format!("chmod go-w {}", path.display())));
    }
    let bytes = file::read(opened, FILE_BYTES_MAX).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(("is larger than 1 MiB".to_owned(), "split it".to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| ("is not UTF-8".to_owned(), "save the file as UTF-8".to_owned()))
}

const FILES_MAX: usize = 256;
const FILE_BYTES_MAX: u64 = 1 << 20;
