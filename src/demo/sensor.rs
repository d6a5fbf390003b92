//! The sensor: appends operations to its log as they happen and rotates it, or shows them by its API.

use super::DemoError;
use super::api::{Row, SensorApi};
use super::script::Operation;
use crate::model::Time;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A sensor with a timeline.
pub(super) struct Sensor {
    timeline: Timeline,
    last: Time,
}

/// Where it can be read.
enum Timeline {
    Log { path: PathBuf, file: File },
    Api(SensorApi),
}

/// The six documented fields.
#[derive(Serialize)]
struct Line {
    timestamp: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    severity: &'static str,
    owner: Option<&'static str>,
    content: &'static str,
}

impl Sensor {
    /// Begins an empty log.
    pub(super) fn with_log(path: PathBuf) -> Result<Sensor, DemoError> {
        let file = open(&path)?;
        Ok(Sensor { timeline: Timeline::Log { path, file }, last: Time::MIN })
    }

    /// Is asked.
    pub(super) fn with_api(api: SensorApi) -> Sensor {
        Sensor { timeline: Timeline::Api(api), last: Time::MIN }
    }

    /// Adds one entry and returns its time: no two entries have the same.
    pub(super) fn write(&mut self, operation: &Operation) -> Result<Time, DemoError> {
        let now = Time::from_timestamp(jiff::Timestamp::now());
        self.last = now.max(self.last.plus_millis(1));
        let &Operation { kind, title, severity, owner, content } = operation;
        let line = Line { timestamp: self.last.millis(), kind, title, severity, owner, content };
        match &mut self.timeline {
            Timeline::Log { path, file } => {
                let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut text| {
                    text.push(b'\n');
                    file.write_all(&text)
                });
                written.map_err(|source| error("write", path, source))?;
            }
            Timeline::Api(api) => api.add_row(Row {
                timestamp: self.last.millis(),
                kind: kind.to_owned(),
                title: title.to_owned(),
                severity: severity.to_owned(),
                owner: owner.map(str::to_owned),
                content: content.to_owned(),
            }),
        }
        Ok(self.last)
    }

    /// Renames the log as logrotate does; whoever has it open goes on writing to it.
    pub(super) fn rename(&mut self) -> Result<(), DemoError> {
        let Timeline::Log { path, .. } = &self.timeline else { return Ok(()) };
        let old = path.with_extension("ndjson.1");
        fs::rename(path, old).map_err(|source| error("rename", path, source))
    }

    /// Begins a new file under the old name.
    pub(super) fn reopen(&mut self) -> Result<(), DemoError> {
        if let Timeline::Log { path, file } = &mut self.timeline {
            *file = open(path)?;
        }
        Ok(())
    }

    /// Its API, if that is where its timeline is.
    pub(super) fn api(&self) -> Option<&SensorApi> {
        match &self.timeline {
            Timeline::Log { .. } => None,
            Timeline::Api(api) => Some(api),
        }
    }
}

fn error(action: &'static str, path: &Path, source: io::Error) -> DemoError {
    DemoError::Io { action, path: path.to_owned(), source }
}

fn open(path: &Path) -> Result<File, DemoError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|source| error("open", path, source))
}
