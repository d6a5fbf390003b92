//! What `otrail status` shows of a source.

use super::settings::Settings;
use super::source::Source;
use super::tail::Tail;
use crate::model::status::{FileStatus, SourceStatus, time_text};

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
            path: settings.sources[self.at].path.display().to_string(),
            state: state.into(),
            error,
            files: tails().map(file_status).collect(),
            dialect: choice.and_then(|choice| choice.dialect).map_or("auto", |dialect| dialect.name).into(),
            dialect_reason: choice.map(|choice| choice.reason.clone()).unwrap_or_default(),
            offset: tail.map_or(0, |tail| tail.file.offset),
            bytes_behind: behind,
            last_entry: time_text(self.last_entry),
            ..self.status.clone()
        }
    }
}

fn file_status(tail: &Tail) -> FileStatus {
    FileStatus {
        number: tail.file.number.0,
        path: tail.path.display().to_string(),
        device: tail.file.device,
        inode: tail.file.inode,
        offset: tail.file.offset,
        bytes_behind: tail.bytes_behind(),
        rotated: tail.rotated,
    }
}
