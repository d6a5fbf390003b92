//! What the config says about collecting.

use super::api::ApiSettings;
use crate::dialect::{Dialect, Habits, Masks, Rules};
use crate::model::{Class, Text};
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::Arc;

/// All sources and what of them is kept.
#[derive(Clone)]
pub struct Settings {
    /// Configured sensor name.
    pub sensor: Text,
    /// Logs that are followed; with `apis` at least one.
    pub sources: Vec<SourceSettings>,
    /// Sensors that are asked.
    pub apis: Vec<ApiSettings>,
    /// Classes that are journaled; entries of others are counted and passed over.
    pub classes: Vec<Class>,
    /// Class of the ambiguous timeline type `USER_LOGIN`.
    pub user_login: Class,
    /// The wording rules.
    pub rules: Arc<Rules>,
    /// What is replaced before it is stored.
    pub masks: Masks,
    /// Where otrail writes: nothing in it is a log.
    pub state_dir: PathBuf,
    /// Log files that may be open at once, of all sources together; the agent knows when it starts.
    pub open_files_max: usize,
}

/// One `[[source]]`.
#[derive(Clone)]
pub struct SourceSettings {
    /// Its name, unique.
    pub name: Text,
    /// The sensor that it is about.
    pub sensor: Text,
    /// The log file.
    pub path: PathBuf,
    /// `None` is `auto`.
    pub dialect: Option<&'static Dialect>,
    /// Zone of times that carry none.
    pub zone: TimeZone,
    /// How the log is written, as far as it does not say so itself.
    pub habits: Habits,
    /// Whether a symbolic link at the path is followed.
    pub follow_symlinks: bool,
    /// Where to begin in a file never seen before.
    pub start: Start,
    /// Longest entry in bytes; what is over is cut and flagged.
    pub line_bytes_max: usize,
}

/// Where to begin in a file that the journal does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first entry.
    Beginning,
    /// After the last entry that is there when otrail first sees the file.
    End,
}
