//! Backfills: an admin brings a file for what the trail lacks. The trail says who, which file, and what came of it.

use super::acts::STOPPING;
use super::now;
use super::status::Overview;
use crate::collect;
use crate::control::{Incoming, Ongoing};
use crate::dialect::{self, DIALECTS, Dialect};
use crate::journal::Input;
use crate::model::act::Asker;
use crate::model::backfill::{Backfill, Backfilled};
use crate::model::error_text;
use crate::model::{Action, Denial, Event, Outcome, Target};
use std::io::{self, Read};
use std::sync::TryLockError;
use std::time::Duration;

impl Overview {
    /// Adds what the trail lacks of the file that comes, or tells what it would be; blocks until its end.
    pub(super) fn backfill(
        &self,
        wish: &Backfill,
        asker: &Asker,
        ongoing: &Ongoing,
    ) -> Result<Backfilled, Denial> {
        if wish.file.len() > FILE_BYTES_MAX {
            return Err(format!("the name of a file has at most {FILE_BYTES_MAX} bytes").into());
        }
        let source = self.source_of(wish)?;
        let dialect = wish.dialect.as_deref().map(named).transpose()?;
        // Two of the same file would not know of each other.
        let _alone = match self.backfilling.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(broken)) => broken.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err("a backfill goes on already: wait for its end".to_owned().into());
            }
        };
        let collect = &self.config().collect;
        let backfill = collect::Backfill::new(collect, &self.journal, now, (source, dialect), wish.sure)
            .ok_or_else(|| unknown(source, &self.sources()))?;
        let Some(file) = ongoing.file() else { return Err("no file comes".to_owned().into()) };
        let message = format!("{} adds what the trail of source {source} lacks of {}", asker.who, wish.file);
        // What nobody could tell afterwards is not done.
        if wish.sure && !self.journal.note_durably(event(wish, asker, Outcome::Success, message)) {
            return Err("that could not be told in the trail; try again in a moment".to_owned().into());
        }
        let _running = self.acts.begin();
        let stops = || self.acts.must_end().then_some(STOPPING);
        let given_up = || ongoing.given_up().or_else(stops);
        let mut file = Awaited { file, given_up: &given_up };
        let backfilled = Backfilled {
            file: wish.file.clone(),
            ..backfill.read(&mut file, &|| given_up().map(str::to_owned))
        };
        if wish.sure {
            self.tell_backfilled(wish, asker, &backfilled);
        }
        Ok(backfilled)
    }

    /// As its beginning is in the trail, so is its end, whatever else is told meanwhile.
    fn tell_backfilled(&self, wish: &Backfill, asker: &Asker, backfilled: &Backfilled) {
        let Backfilled { bytes, sha256, added, complete, error, .. } = backfilled;
        let outcome = if *complete { Outcome::Success } else { Outcome::Failure };
        let message = format!(
            "{}: backfilled for {}: {backfilled}; {bytes} bytes, SHA-256 {sha256}",
            wish.file, asker.who
        );
        let mut event = event(wish, asker, outcome, message);
        event.count = Some(*added);
        event.reason = (!error.is_empty()).then(|| error.as_str().into());
        let told = self.journal.append(Input::own(self.journal.as_noted(event)), now());
        if let Err(error) = told {
            tracing::error!("the end of a backfill waits, or is not in the trail: {}", error_text(&error));
        }
    }

    /// The source that is meant.
    fn source_of<'a>(&'a self, wish: &'a Backfill) -> Result<&'a str, Denial> {
        let sources = self.sources();
        match (&wish.source, &sources[..]) {
            (Some(name), _) if !sources.contains(&name.as_str()) => Err(unknown(name, &sources)),
            (Some(name), _) => Ok(name),
            (None, &[only]) => Ok(only),
            (None, several) => Err(Denial::Unknown(format!(
                "there are several sources: say with --source whose entries these are: {}",
                several.join(", ")
            ))),
        }
    }

    fn sources(&self) -> Vec<&str> {
        let collect = &self.config().collect;
        let followed = collect.sources.iter().map(|source| source.name.as_str());
        followed.chain(collect.apis.iter().map(|api| api.name.as_str())).collect()
    }
}

/// A file that may come slowly, or not: it is looked now and then whether anybody still waits for it.
struct Awaited<'a> {
    file: Incoming,
    given_up: &'a dyn Fn() -> Option<&'static str>,
}

impl Read for Awaited<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(read) = self.file.read_within(space, LOOK_EVERY) {
                return read;
            }
            if let Some(why) = (self.given_up)() {
                return Err(io::Error::other(why));
            }
        }
    }
}

fn named(dialect: &str) -> Result<&'static Dialect, Denial> {
    let names: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    dialect::find(dialect).ok_or_else(|| Denial::unknown("dialect", dialect, &names))
}

fn unknown(name: &str, known: &[&str]) -> Denial {
    Denial::unknown("source", name, known)
}

fn event(wish: &Backfill, asker: &Asker, outcome: Outcome, message: String) -> Event {
    let file = Target { kind: "file".into(), name: Some(wish.file.as_str().into()), id: None };
    Event {
        user: Some(asker.user.clone()),
        target: Some(Box::new(file)),
        ..Event::own(Action::BACKFILL, outcome, now(), message)
    }
}

/// As long as a path can be on Linux (`PATH_MAX`).
const FILE_BYTES_MAX: usize = 4096;
/// How long a stop may go unnoticed while nothing comes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
