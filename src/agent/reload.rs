//! Another config without another process: it is read and tried first, and only then does the agent go on with it.
//!
//! ```text
//! otrail reload ─┐                          ┌ problems: told, and everything stays as it is
//!                ├▶ read, compare, prepare ─┤ nothing different: told
//! SIGHUP ────────┘                          └ agent.config_changed ─▶ stop in order ─▶ begin with the new one
//!                                                                                   └▶ or, if that fails, with the old one
//! ```
//!
//! What goes on is the whole agent, in the way of every stop and start, which loses nothing and repeats no more than what
//! had no evidence. The event goes to the destinations that were there before: whoever takes one out is told of to it.
//!
//! Invariant: a config that is not valid, or whose new TLS files or wording rules cannot be used, changes nothing.

use super::status::Overview;
use super::{descriptors, now};
use crate::config::{Change, Config, Problem, changes};
use crate::model::act::{Asker, Reloaded};
use crate::model::error_text;
use crate::model::status::ConfigStatus;
use crate::model::{Action, Event, Outcome, Target, Text};
use crate::transport;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// A config, and since which round it is in use.
#[derive(Clone)]
pub(super) struct InUse {
    pub config: Arc<Config>,
    /// How often the agent has gone on with another one.
    pub round: u64,
    /// Why the one that was read last is not in use.
    pub unused: String,
}

/// What can have the agent go on with another config.
pub(super) struct Reloader {
    in_use: InUse,
    /// Why what was read last is not in use.
    unused: Mutex<String>,
    /// Held by whoever reads it anew; there until one is to be gone on with.
    next: Mutex<Option<mpsc::Sender<Config>>>,
}

impl Reloader {
    /// What comes out at the other end is to be gone on with.
    pub(super) fn new(in_use: InUse) -> (Reloader, mpsc::Receiver<Config>) {
        let (next, taken) = mpsc::channel(1);
        let unused = Mutex::new(in_use.unused.clone());
        (Reloader { in_use, unused, next: Mutex::new(Some(next)) }, taken)
    }

    pub(super) fn in_use(&self) -> &InUse {
        &self.in_use
    }

    /// Of the config in use.
    pub(super) fn status(&self) -> ConfigStatus {
        let InUse { config, round, .. } = &self.in_use;
        ConfigStatus {
            path: config.path.display().to_string(),
            sha256: config.sha256.clone(),
            round: *round,
            unused: self.unused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn set_unused(&self, why: &str) {
        why.clone_into(&mut self.unused.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads the file and says what is different, and what keeps it from being used.
    fn read(&self) -> (Reloaded, Option<Config>) {
        let before = &self.in_use.config;
        let (path, pid) = (before.path.display().to_string(), std::process::id());
        let mut reloaded = Reloaded { config: path, pid, ..Reloaded::default() };
        let (config, warnings) = match Config::load(&before.path) {
            Ok(read) => read,
            Err(error) => {
                let problems = error.problems.iter().map(|problem| problem.to_string().trim_end().to_owned());
                reloaded.problems = problems.collect();
                return (reloaded, None);
            }
        };
        let changes = changes(before, &config);
        let (left_out, wrong): (Vec<&Problem>, Vec<&Problem>) =
            config.rule_problems.iter().partition(|problem| is_left_out(problem, before, &changes));
        let left_out = left_out.into_iter().map(|problem| format!("left out: {problem}"));
        let warnings = warnings.iter().map(ToString::to_string).chain(left_out);
        reloaded.warnings = warnings.map(|warning| warning.trim_end().to_owned()).collect();
        reloaded.changes = changes.iter().map(ToString::to_string).collect();
        reloaded.sha256.clone_from(&config.sha256);
        let wrong = wrong.into_iter().map(|problem| problem.to_string().trim_end().to_owned());
        reloaded.problems = wrong.chain(unfit(&config, &changes)).collect();
        reloaded.round = self.in_use.round + u64::from(!changes.is_empty());
        (reloaded, Some(config))
    }
}

/// Whether the rules in use are without it already, as since a start, and nobody has touched its file: then it keeps an
/// admin from nothing else. Otherwise whoever has changed a rule file would lose the rules that it has had.
fn is_left_out(problem: &Problem, before: &Config, changes: &[Change]) -> bool {
    let name = Path::new(&problem.file).file_name().unwrap_or_default().to_string_lossy();
    before.rule_problems.contains(problem) && !changes.iter().any(|change| change.is_of("rules", &name))
}

/// What keeps a valid config from being gone on with.
fn unfit(config: &Config, changes: &[Change]) -> Vec<String> {
    let is_fixed = |change: &&Change| FIXED.contains(&(change.place.as_str(), change.key.as_str()));
    let fixed = changes.iter().filter(is_fixed).map(|change| format!("{change}: restart otrail for that"));
    let mut problems: Vec<String> = fixed.collect();
    problems.extend(descriptors::check(config).err().map(|error| error_text(&error)));
    for settings in &config.destinations {
        // What else is missing was missing before.
        if !changes.iter().any(|change| change.is_of("destination", &settings.name)) {
            continue;
        }
        let errors = settings.links().filter_map(|link| transport::prepare(link).err());
        problems.extend(errors.map(|error| format!("destination {}: {}", settings.name, error_text(&error))));
    }
    problems
}

impl Overview {
    /// Reads the config anew, and has the agent go on with it where it is different and fit; blocks.
    pub(super) fn reload(&self, asker: &Asker) -> Result<Reloaded, String> {
        let mut next = self.reloader.next.try_lock().map_err(|_| ANOTHER.to_owned())?;
        if next.is_none() {
            return Err(ANOTHER.to_owned());
        }
        let (reloaded, config) = self.reloader.read();
        for warning in &reloaded.warnings {
            tracing::warn!("{warning}");
        }
        self.reloader.set_unused(reloaded.problems.first().map_or("", |first| first_line(first)));
        let config = config.filter(|_| reloaded.problems.is_empty());
        match config {
            None => {
                tracing::error!("the config stays as it was: {}", reloaded.problems.join("; "));
                self.journal.note(event(&reloaded, asker, Outcome::Failure));
            }
            Some(_) if reloaded.changes.is_empty() => {
                tracing::info!("{} has nothing that is different", reloaded.config);
            }
            Some(config) => {
                tracing::info!("going on with {}: {}", reloaded.config, reloaded.changes.join("; "));
                self.journal.note(event(&reloaded, asker, Outcome::Success));
                // It has room for one, and this is the only one of this life.
                let _taken = next.take().is_some_and(|next| next.try_send(config).is_ok());
            }
        }
        Ok(reloaded)
    }
}

impl Overview {
    /// The same for whoever sends SIGHUP.
    pub(super) fn reload_by_signal(&self) {
        let asker = Asker { who: "SIGHUP".to_owned(), user: Text::default() };
        if let Err(why) = self.reload(&asker) {
            tracing::warn!("SIGHUP changes nothing: {why}");
        }
    }
}

/// Who has had the config read anew, and what came of it.
fn event(reloaded: &Reloaded, asker: &Asker, outcome: Outcome) -> Event {
    let Reloaded { config, sha256, changes, problems, .. } = reloaded;
    let (told, of) = match outcome {
        Outcome::Success => (format!("otrail goes on with it, SHA-256 {sha256}"), changes),
        _ => ("it is not used".to_owned(), problems),
    };
    let more = of.len().saturating_sub(TOLD_MAX);
    let mut all: Vec<&str> = of[..of.len() - more].iter().map(|sentence| first_line(sentence)).collect();
    let rest = format!("and {more} more");
    all.extend((more > 0).then_some(rest.as_str()));
    let message = format!("{} had {config} read anew: {told}: {}", asker.who, all.join("; "));
    let target = Target { kind: "config".into(), name: Some(config.as_str().into()), id: None };
    Event {
        user: (!asker.user.is_empty()).then(|| asker.user.clone()),
        target: Some(Box::new(target)),
        ..Event::own(Action::CONFIG_CHANGED, outcome, now(), message)
    }
}

/// A problem without the line of the file that it is about.
fn first_line(problem: &str) -> &str {
    problem.lines().next().unwrap_or_default()
}

/// What was read cannot be begun with after all: the trail says so.
pub(super) fn could_not_begin(config: &Config, why: &str) -> Event {
    let message = format!(
        "otrail could not go on with {}, SHA-256 {}, and goes on with the config before: {why}",
        config.path.display(),
        config.sha256
    );
    Event::own(Action::CONFIG_CHANGED, Outcome::Failure, now(), message)
}

/// By place and key: what clients and the next agent find each other by.
const FIXED: [(&str, &str); 2] = [("", "state-dir"), ("control", "socket")];
const ANOTHER: &str = "the config is being read anew already: wait until that is done";
/// Changes or problems in an event.
const TOLD_MAX: usize = 16;
