//! What `otrail status` shows of a source.

use super::settings::Settings;
use super::source::Source;
use super::tail::Tail;
use super::watch::Short;
use crate::model::status::{FileStatus, SourceStatus, time_text};
use std::time::{Duration, Instant};

impl Source {
    /// This source's part of `otrail status`.
    pub(super) fn status(&self, settings: &Settings, paused: bool) -> SourceStatus {
        let tails = || self.logs.iter().flat_map(|log| &log.tails);
        let tail = tails().max_by_key(|tail| (!tail.rotated, tail.grown));
        let choice = tail.map(|tail| &tail.cutter.choice);
        let behind: u64 = tails().map(Tail::bytes_behind).sum();
        let errors = std::iter::once(&self.error).chain(self.logs.iter().map(|log| &log.error));
        let error = errors.into_iter().find(|error| !error.is_empty()).cloned().unwrap_or_default();
        let state = match tail {
            _ if paused => "paused",
            _ if self.logs.iter().any(|log| log.missing_told) => "missing",
            None if !error.is_empty() => "unreadable",
            _ if behind > 0 => "reading",
            _ => "idle",
        };
        SourceStatus {
            name: self.name.to_string(),
            sensor: settings.sources[self.at].sensor.to_string(),
            kind: "file".into(),
            path: settings.sources[self.at].path.display().to_string(),
            state: state.into(),
            error,
            files: tails().map(file_status).collect(),
            dialect: choice.and_then(|choice| choice.dialect).map_or("auto", |dialect| dialect.name).into(),
            dialect_reason: choice.map(|choice| choice.reason.clone()).unwrap_or_default(),
            offset: tail.map_or(0, |tail| tail.file.offset),
            bytes_behind: behind,
            notice: tails().find_map(notice).or(self.short.map(Short::notice)).unwrap_or_default(),
            last_entry: time_text(self.last_entry),
            entries_per_second: (self.pace.per_second * 10.0).round() / 10.0,
            ..self.status.clone()
        }
    }
}

/// What whoever writes the file should know.
fn notice(tail: &Tail) -> Option<String> {
    let what = match tail.cutter.unended() {
        Some(unended) => unended.to_string(),
        None => tail.cutter.lacks()?.to_owned(),
    };
    Some(format!("{}: {what}", tail.path.display()))
}

fn file_status(tail: &Tail) -> FileStatus {
    FileStatus {
        number: tail.file.number.0,
        path: tail.path.display().to_string(),
        device: tail.file.device,
        inode: tail.file.inode,
        born: tail.file.born(),
        head: tail.file.head.to_string(),
        offset: tail.file.offset,
        bytes_behind: tail.bytes_behind(),
        rotated: tail.rotated,
    }
}

/// How many entries come in a second, lately.
#[derive(Debug)]
pub(super) struct Pace {
    measured: Instant,
    entries: u64,
    per_second: f64,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace { measured: Instant::now(), entries: 0, per_second: 0.0 }
    }

    /// Takes in that there have been so many entries in all; after a time too short to say anything it waits for more.
    pub(super) fn measure(&mut self, entries: u64) {
        self.take(entries, self.measured.elapsed());
    }

    fn take(&mut self, entries: u64, passed: Duration) {
        if passed < SHORTEST {
            return;
        }
        let seconds = passed.as_secs_f64();
        let now = (entries - self.entries) as f64 / seconds;
        self.per_second += (seconds / LATELY_SECONDS).min(1.0) * (now - self.per_second);
        (self.measured, self.entries) = (Instant::now(), entries);
    }
}

/// What counts as lately.
const LATELY_SECONDS: f64 = 10.0;
const SHORTEST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_comes_near_what_it_is_and_goes_back_to_nothing() {
        let mut pace = Pace::new();
        let mut entries = 0;
        for _ in 0..60 {
            entries += 500;
            pace.take(entries, Duration::from_millis(500));
        }
        assert!((900.0..=1000.0).contains(&pace.per_second), "{pace:?}");
        pace.take(entries + 7, Duration::from_millis(1));
        for _ in 0..200 {
            pace.take(entries, Duration::from_secs(1));
        }
        assert!((pace.per_second * 10.0).round() == 0.0, "{pace:?}");
    }
}
