//! What admins have the agent do, handed to the room whose work it is.

use super::status::Overview;
use crate::control::Ongoing;
use crate::forward::error_text;
use crate::journal::FollowedFile;
use crate::model::act::{Act, Asker, Done, FilePlace, SourcePlaces};
use crate::model::status::{FileStatus, SourceStatus};

impl Overview {
    /// Does it, or says in a sentence why not; blocks.
    pub(super) fn act(&self, act: Act, asker: Asker, ongoing: &Ongoing) -> Result<Done, String> {
        match act {
            Act::ShowSources { name } => self.places(name.as_deref()).map(Done::Sources),
            Act::SendTest(test) => self.test(&test, &asker).map(Done::Tested),
            Act::Replay(wish) => self.replay(&wish, &asker, ongoing).map(Done::Replayed),
            Act::ResetSource(reset) => {
                self.collecting.reset(reset, asker).map(Done::Reset).map_err(|error| error_text(&error))
            }
        }
    }

    /// Where sources are read on: one of them, or all.
    fn places(&self, name: Option<&str>) -> Result<Vec<SourcePlaces>, String> {
        let mut sources = self.collecting.status();
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        if let Some(name) = name.filter(|name| !names.contains(name)) {
            return Err(format!("there is no source {name}; there is {}", names.join(", ")));
        }
        sources.retain(|source| name.is_none_or(|name| name == source.name));
        Ok(sources.into_iter().map(|source| self.places_of(source)).collect())
    }

    fn places_of(&self, source: SourceStatus) -> SourcePlaces {
        let files = self.journal.files_of(&source.name).into_iter().map(|file| {
            let open = source.files.iter().find(|open| open.number == file.number.0);
            place(&file, open)
        });
        SourcePlaces { files: files.collect(), name: source.name, path: source.path }
    }
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
