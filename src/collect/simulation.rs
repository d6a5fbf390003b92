//! A source that a simulation reads step by step, as the collector does.

use super::recall::recall;
use super::source::{Round, Source};
use super::{Settings, SourceSettings, Start, files_of};
use crate::dialect::{Habits, Masks, Rules};
use crate::journal::{Input, Journal};
use crate::model::{Class, FileNo, Time};
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::embedded()));

/// The log at one path.
pub(crate) struct Reader {
    settings: Settings,
    source: Source,
    last_file: FileNo,
}

impl Reader {
    /// Takes it up where the journal says it was left.
    pub(crate) fn open(path: PathBuf, journal: &Journal) -> Reader {
        let settings = settings(path);
        let known = files_of(journal, &settings.sources[0].name);
        let mut source = Source::new(0, &settings.sources[0], known);
        recall(journal, std::slice::from_mut(&mut source));
        Reader { settings, source, last_file: journal.last_file() }
    }

    /// What is new, within a budget of bytes. `looks`: something has told that a file is new or has another name.
    pub(crate) fn poll(&mut self, budget: usize, looks: bool, now: Time) -> Input {
        let mut input = Input::default();
        self.source.hurried = looks;
        let (settings, last_file) = (&self.settings, &mut self.last_file);
        self.source.poll(&mut Round {
            settings,
            journal: None,
            input: &mut input,
            last_file,
            budget,
            now,
            spare: usize::MAX,
        });
        input
    }

    /// At an orderly stop.
    pub(crate) fn stop(&mut self) -> Input {
        let mut input = Input::default();
        self.source.tell_positions(&mut input);
        input
    }

    /// So much time passes that files count as quiet.
    pub(crate) fn rest(&mut self) {
        for tail in self.source.logs.iter_mut().flat_map(|log| &mut log.tails) {
            tail.age(Duration::from_secs(20));
        }
    }
}

fn settings(path: PathBuf) -> Settings {
    let source = SourceSettings {
        name: "timeline".into(),
        sensor: "plant-a".into(),
        path,
        dialect: None,
        zone: TimeZone::UTC,
        habits: Habits::default(),
        start: Start::Beginning,
        follow_symlinks: false,
        line_bytes_max: 1 << 20,
    };
    Settings {
        sensor: "plant-a".into(),
        sources: vec![source],
        apis: Vec::new(),
        classes: Class::ALL.to_vec(),
        user_login: Class::UserOperation,
        open_files_max: usize::MAX,
        rules: Arc::clone(&RULES),
        masks: Masks::default(),
        state_dir: PathBuf::new(),
    }
}
