//! What admins have the agent do, handed to the room whose work it is.

use super::now;
use super::status::Overview;
use crate::collect::{self, ResetError};
use crate::control::Ongoing;
use crate::journal::{Draft, FollowedFile, Input};
use crate::model::act::{Act, Asker, Done, FilePlace, Forget, Forgotten, SourcePlaces};
use crate::model::error_text;
use crate::model::status::{FileStatus, SourceStatus};
use crate::model::{Action, Denial, Event, Outcome, Target, Text, Time};
use std::path::Path;

impl Overview {
    /// Does it, or says in a sentence why not; blocks.
    pub(super) fn act(&self, act: Act, asker: Asker, ongoing: &Ongoing) -> Result<Done, Denial> {
        match act {
            Act::ShowSources { name } => self.places(name.as_deref()).map(Done::Sources),
            Act::SendTest(test) => self.test(&test, &asker).map(Done::Tested),
            Act::Replay(wish) => self.replay(&wish, &asker, ongoing).map(Done::Replayed),
            Act::ForgetDestination(wish) => self.forget(&wish, &asker).map(Done::Forgotten),
            Act::Backfill(wish) => self.backfill(&wish, &asker, ongoing).map(Done::Backfilled),
            Act::Reload => Ok(Done::Reloaded(self.reload(&asker)?)),
            Act::ResetSource(reset) if self.is_asked(&reset.name) => Err(no_position(&reset.name).into()),
            Act::ResetSource(reset) => {
                self.collecting.reset(reset, asker).map(Done::Reset).map_err(|error| denial(&error))
            }
        }
    }

    /// Where sources are read on: one of them, or all.
    fn places(&self, name: Option<&str>) -> Result<Vec<SourcePlaces>, Denial> {
        let asked = self.asking.iter().map(collect::PollerHandle::status);
        let mut sources: Vec<SourceStatus> = self.collecting.status().into_iter().chain(asked).collect();
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        if let Some(name) = name.filter(|name| !names.contains(name)) {
            return Err(Denial::unknown("source", name, &names));
        }
        sources.retain(|source| name.is_none_or(|name| name == source.name));
        Ok(sources.into_iter().map(|source| self.places_of(source)).collect())
    }

    /// Keeps nothing for a destination that left the config any more. The trail has it before it is done.
    fn forget(&self, wish: &Forget, asker: &Asker) -> Result<Forgotten, Denial> {
        let name = &wish.name;
        if self.config().destinations.iter().any(|settings| settings.name == *name) {
            return Err(format!(
                "destination {name} is in the config: take it out and run `otrail reload` first, else it would get \
                 everything anew"
            )
            .into());
        }
        let all = self.journal.all_left().map_err(|error| error_text(&error))?;
        let Some(left) = all.iter().find(|left| left.name == *name) else {
            let names: Vec<&str> = all.iter().map(|left| left.name.as_str()).collect();
            let there = if names.is_empty() { "nothing is".to_owned() } else { names.join(", ") };
            return Err(Denial::Unknown(format!(
                "nothing is kept for a destination {name} that left the config; for others: {there}"
            )));
        };
        let mut forgotten = Forgotten {
            destination: left.name.clone(),
            confirmed: left.confirmed,
            newest: self.journal.newest(),
            until: left.until.to_string(),
            done: false,
        };
        if wish.sure {
            let message = format!("{} had destination {name} forgotten: {forgotten}", asker.who);
            let mut event = Event::own(Action::CONFIG_CHANGED, Outcome::Success, now(), message);
            (event.sensor, event.source) = (self.config().sensor.as_str().into(), Text::const_new("otrail"));
            event.user = Some(asker.user.clone());
            event.target = Some(Box::new(Target {
                kind: "destination".into(),
                name: Some(name.as_str().into()),
                id: None,
            }));
            event.count = Some(forgotten.newest.0.saturating_sub(left.confirmed.0));
            // Without a word in the trail it is not done.
            let drafts = vec![Draft { event, position: None, mark: None }];
            let told = self.journal.append(Input { drafts, ..Input::default() }, now());
            told.map_err(|error| error_text(&error))?;
            self.journal.forget(left).map_err(|error| error_text(&error))?;
            forgotten.done = true;
        }
        Ok(forgotten)
    }

    fn is_asked(&self, name: &str) -> bool {
        self.asking.iter().any(|poller| poller.status().name == name)
    }

    fn places_of(&self, source: SourceStatus) -> SourcePlaces {
        let files = self.journal.files_of(&source.name);
        let SourceStatus { name, path, kind, last_answer, .. } = source;
        if kind == "api" {
            // What the journal remembers is older, and is there before the first answer.
            let known = files.iter().rfind(|file| file.path == Path::new(&path) && file.offset > 0);
            let known = known.and_then(|file| Time::from_millis(i64::try_from(file.offset).ok()?));
            let before = known.map(|time| time.to_string()).unwrap_or_default();
            let answered = if last_answer.is_empty() { before } else { last_answer };
            return SourcePlaces { name, path, kind, answered, files: Vec::new() };
        }
        let files = files.into_iter().map(|file| {
            let open = source.files.iter().find(|open| open.number == file.number.0);
            place(&file, open)
        });
        SourcePlaces { files: files.collect(), name, path, kind, answered: String::new() }
    }
}

/// Why a source has not been taken to another place.
fn denial(error: &ResetError) -> Denial {
    match error {
        ResetError::Unknown { .. } => Denial::Unknown(error_text(error)),
        _ => Denial::No(error_text(error)),
    }
}

/// Why nobody can move what there is none of.
fn no_position(name: &str) -> String {
    format!(
        "source {name} is asked and has no position to change: every question reaches back behind the last whole \
         answer, and after each start of the agent to all that the sensor still shows, three days at most; what is in \
         the trail already is not repeated (to have all of it asked for again, restart the agent)"
    )
}

fn place(file: &FollowedFile, open: Option<&FileStatus>) -> FilePlace {
    FilePlace {
        born: file.born(),
        number: file.number,
        path: file.path.display().to_string(),
        device: file.device,
        inode: file.inode,
        head: file.head.to_string(),
        head_bytes: file.head_bytes,
        offset: file.offset,
        entries: file.entries,
        passed_over: file.passed_over,
        dialect: file.dialect.to_string(),
        open: open.is_some(),
        rotated: open.is_some_and(|open| open.rotated),
        finished: file.finished,
        bytes_behind: open.map_or(0, |open| open.bytes_behind),
    }
}
