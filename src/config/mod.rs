//! The config file, checked: it fills the settings of the rooms, or every problem is shown under its line.
//!
//! ```text
//! file         reads a file, and waits for nobody
//! raw          tables and values that remember where they stand
//! keys         what may stand in the file
//! rules        the wording rules of the site
//! schema       all settings as docs and as a JSON Schema
//! value        how durations, sizes and names are written; address: a server and a proxy
//! check        the settings that stand once; source, destination (frame, select): those that stand many times
//! changes      what is different between two configs
//! problem      file:line:column: what is wrong, the line, a caret, a way out; place: where that is
//! ```
//!
//! Invariant: all problems are found in one go, and no input makes this room panic.
//! Invariant: an environment variable or template in the file is text like any other.
//! Not here: whether files, folders and peers are there (`otrail check` looks at the world).

mod address;
mod changes;
mod check;
mod destination;
mod fields;
mod file;
mod frame;
mod keys;
mod mask;
mod place;
mod problem;
mod raw;
mod rules;
pub mod schema;
mod secret;
mod select;
mod source;
mod value;

pub use changes::{Change, changes};
pub use keys::{Key, SECTIONS, Section};
pub use place::Place;
pub use problem::{Problem, plain};
pub use rules::SiteRules;

use crate::{collect, control, forward, journal};
use problem::quoted;
use raw::Notes;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeTable;

/// Where the config is unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/otrail/otrail.toml";

/// The whole configuration.
#[derive(Clone)]
pub struct Config {
    /// The file it came from, absolute.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Configured sensor name.
    pub sensor: String,
    /// Where the journal, cursors and keys live.
    pub state_dir: PathBuf,
    /// How often otrail says that it is there.
    pub heartbeat: Duration,
    /// Sources and what of them is kept.
    pub collect: collect::Settings,
    /// Where the wording rules of the site are.
    pub rules_folder: PathBuf,
    /// The files of it that are in use: name, and SHA-256 in hex.
    pub rule_hashes: Vec<(String, String)>,
    /// What is wrong with its files and rules; they are left out, all others work.
    pub rule_problems: Vec<Problem>,
    /// Place and limits of the journal.
    pub journal: journal::Settings,
    /// Where records go.
    pub destinations: Vec<forward::Settings>,
    /// Where the local socket is and who may ask.
    pub control: control::Settings,
}

/// Where the agent of a config is asked. As it is installed, the file `usual` can be read by root and the service alone:
/// anybody else asks where the agent is unless that file says otherwise, and the agent decides.
pub fn control_of(path: &Path, usual: &Path) -> Result<control::Settings, ConfigError> {
    let is_closed = || file::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if path == usual && is_closed() {
        return Ok(check::usual_control());
    }
    Config::load(path).map(|(config, _)| config.control)
}

/// Why there is no configuration: at least one problem, in the order of the file.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    /// All of them.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Reads and checks a file; beside the configuration there may be warnings.
    pub fn load(path: &Path) -> Result<(Config, Vec<Problem>), ConfigError> {
        let name = path.display().to_string();
        let fail =
            |message: String, way_out: &str| ConfigError::of(Problem::of_file(&name, message, way_out));
        let (bytes, mode) = read(path).map_err(|error| {
            let way_out = match error.kind() {
                io::ErrorKind::PermissionDenied => "run as root or as a user who may read it",
                io::ErrorKind::IsADirectory => "name the file in it with --config FILE",
                _ => "name the file with --config FILE",
            };
            fail(format!("cannot be read: {error}"), way_out)
        })?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(fail("is larger than 1 MiB".to_owned(), "this is no otrail configuration"));
        }
        if mode & 0o002 != 0 {
            let message = format!("is writable by every user (mode {:04o})", mode & 0o7777);
            return Err(fail(message, &format!("chmod o-w {name}")));
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
            fail(format!("line {line} is not UTF-8"), "save the file as UTF-8")
        })?;
        let (mut config, mut warnings) = parse(path, text, &group_exists)?;
        if mode & 0o020 != 0 {
            let message = format!("is writable by its group (mode {:04o})", mode & 0o7777);
            warnings.insert(0, Problem::of_file(&name, message, format!("chmod g-w {name}")));
        }
        rules::load(&mut config);
        config.path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok((config, warnings))
    }

    /// Checks the text of a file; looks at nothing but the text.
    pub fn parse(path: &Path, text: &str) -> Result<(Config, Vec<Problem>), ConfigError> {
        parse(path, text, &|_| true)
    }
}

impl ConfigError {
    fn of(problem: Problem) -> ConfigError {
        ConfigError { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let gap = if at == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

fn parse(
    path: &Path,
    text: &str,
    group_exists: &dyn Fn(&str) -> bool,
) -> Result<(Config, Vec<Problem>), ConfigError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(ConfigError { problems: syntax_problems(path, text, &errors) });
    }
    let notes = Notes::new(path, text);
    let config = check::config(table.get_ref(), &notes, group_exists);
    let (problems, warnings) = notes.into_parts();
    match problems.is_empty() {
        true => Ok((config, warnings)),
        false => Err(ConfigError { problems }),
    }
}

/// One problem a line: what follows an error on the same line mostly follows from it. Of a file that is no config at all
/// the first lines say it.
fn syntax_problems(path: &Path, text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let file = path.display().to_string();
    let mut errors: Vec<(Range<usize>, &toml::de::Error)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(span, _)| span.start);
    errors.dedup_by(|(later, _), (earlier, _)| {
        !text.get(earlier.start..later.start).is_some_and(|between| between.contains('\n'))
    });
    let beyond = errors.len().saturating_sub(SYNTAX_PROBLEMS_MAX);
    errors.truncate(SYNTAX_PROBLEMS_MAX);
    let mut problems: Vec<Problem> = errors
        .into_iter()
        .map(|(span, error)| {
            let (message, way_out) = syntax_problem(text, &span, error.message());
            Problem::at(&file, text, span, message, way_out)
        })
        .collect();
    if beyond > 0 {
        let message = format!("has problems in {beyond} lines more");
        problems.push(Problem::of_file(&file, message, "see that it is an otrail configuration"));
    }
    problems
}

/// What the parser says, and a way out that fits.
fn syntax_problem(text: &str, span: &Range<usize>, said: &str) -> (String, String) {
    let usual = || (said.lines().collect::<Vec<_>>().join(", "), SYNTAX_WAY_OUT.to_owned());
    if said != "duplicate key" {
        return usual();
    }
    let Some(name) = text.get(span.clone()) else { return usual() };
    let is_header = text[..span.start].ends_with('[');
    let message = format!("{} is there already", quoted(name));
    match SECTIONS.iter().find(|section| section.name == name && is_header) {
        Some(section) if section.many => {
            (message, format!("each one is written {}, also the first", section.title()))
        }
        Some(section) => (message, format!("put all of it under one {}", section.title())),
        None => (message, "leave one of them out".to_owned()),
    }
}

/// At most one byte more than a config may have, and the mode of the very file that was read.
fn read(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    let opened = file::open(path)?;
    let about = opened.metadata()?;
    let mode = if about.is_file() { about.permissions().mode() } else { 0 };
    Ok((file::read(opened, FILE_BYTES_MAX)?, mode))
}

fn group_exists(name: &str) -> bool {
    !matches!(nix::unistd::Group::from_name(name), Ok(None))
}

/// In hex.
fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

const SYNTAX_WAY_OUT: &str = "a line is KEY = VALUE, with text in \"quotes\"";
/// More help nobody.
const SYNTAX_PROBLEMS_MAX: usize = 100;
const FILE_BYTES_MAX: u64 = 1 << 20;
