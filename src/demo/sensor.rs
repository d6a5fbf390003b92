//! The sensor: appends operations to its log as they happen, and rotates it.

use super::DemoError;
use super::script::Operation;
use crate::model::Time;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A sensor that writes a timeline log.
pub(super) struct Sensor {
    path: PathBuf,
    file: File,
    last: Time,
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
    pub(super) fn new(path: PathBuf) -> Result<Sensor, DemoError> {
        let file = open(&path)?;
        Ok(Sensor { path, file, last: Time::MIN })
    }

    /// Appends one entry and returns its time: no two entries have the same.
    pub(super) fn write(&mut self, operation: &Operation) -> Result<Time, DemoError> {
        let now = Time::from_timestamp(jiff::Timestamp::now());
        self.last = now.max(self.last.plus_millis(1));
        let &Operation { kind, title, severity, owner, content } = operation;
        let line = Line { timestamp: self.last.millis(), kind, title, severity, owner, content };
        let mut text = serde_json::to_vec(&line).map_err(|error| self.error("write", error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(|source| self.error("write", source))?;
        Ok(self.last)
    }

    /// Renames the log as logrotate does; whoever has it open goes on writing to it.
    pub(super) fn rename(&mut self) -> Result<(), DemoError> {
        let old = self.path.with_extension("ndjson.1");
        fs::rename(&self.path, old).map_err(|source| self.error("rename", source))
    }

    /// Begins a new file under the old name.
    pub(super) fn reopen(&mut self) -> Result<(), DemoError> {
        self.file = open(&self.path)?;
        Ok(())
    }

    fn error(&self, action: &'static str, source: std::io::Error) -> DemoError {
        DemoError::Io { action, path: self.path.clone(), source }
    }
}

fn open(path: &Path) -> Result<File, DemoError> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|source| DemoError::Io { action: "open", path: path.to_owned(), source })
}
