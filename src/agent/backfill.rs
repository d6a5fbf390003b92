//! Backfills: an admin brings a file for what the trail lacks. The trail says who, which file, and what came of it.

use super::acts::STOPPING;
use super::now;
use super::status::Overview;
use crate::collect;
use crate::control::Ongoing;
use crate::dialect::{self, DIALECTS, Dialect};
use crate::forward::error_text;
use crate::model::act::Asker;
use crate::model::backfill::{Backfill, Backfilled};
use crate::model::{Action, Denial, Event, Outcome, Target};
use std::sync::TryLockError;

impl Overview {
    /// Adds what the trail lacks of the file that comes, or tells what it would be; blocks until its end.
    pub(super) fn backfill(
        &self,
        wish: &Backfill,
        asker: &Asker,
        ongoing: &Ongoing,
    ) -> Result<Backfilled, Denial> {
        let Some(mut file) = ongoing.take_file() else { return Err("no file comes".to_owned().into()) };
        if wish.file.len() > FILE_BYTES_MAX {
            return Err(format!("the name of a file has at most {FILE_BYTES_MAX} bytes").into());
        }
        let source = self.source_of(wish)?;
        let dialect = wish.dialect.as_deref().map(named).transpose()?;
        // Two of the same file would not know of each other.
        let _alone = match self.backfilling.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(broken)) => broken.into_inner(),
            Err(TryLockError::WouldBlock) => return Err("a backfill goes on already".to_owned().into()),
        };
        let collect = &self.config().collect;
        let backfill = collect::Backfill::new(collect, &self.journal, now, (source, dialect), wish.sure)
            .ok_or_else(|| unknown(source, &self.sources()))?;
        if wish.sure {
            let message =
                format!("{} adds what the trail of source {source} lacks of {}", asker.who, wish.file);
            self.journal.note(event(wish, asker, Outcome::Success, message));
        }
        let _running = self.acts.begin();
        let stops = || self.acts.must_end().then_some(STOPPING);
        let result = backfill.read(&mut file, &|| ongoing.given_up().or_else(stops).map(str::to_owned));
        let (mut backfilled, outcome) = match result {
            Ok(backfilled) if backfilled.complete => (backfilled, Outcome::Success),
            Ok(backfilled) => (backfilled, Outcome::Failure),
            Err(error) => {
                let error = error_text(&error);
                let source = source.to_owned();
                (Backfilled { source, error, done: wish.sure, ..Backfilled::default() }, Outcome::Failure)
            }
        };
        backfilled.file.clone_from(&wish.file);
        if wish.sure {
            let Backfilled { bytes, sha256, .. } = &backfilled;
            let message = format!(
                "{}: backfilled for {}: {backfilled}; {bytes} bytes, SHA-256 {sha256}",
                wish.file, asker.who
            );
            let mut event = event(wish, asker, outcome, message);
            event.count = Some(backfilled.added);
            event.reason = (!backfilled.error.is_empty()).then(|| backfilled.error.as_str().into());
            self.journal.note(event);
        }
        Ok(backfilled)
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
