//! What the config says about a sensor that is asked.

use crate::model::Text;
use crate::net::{self, Url};
use std::path::PathBuf;
use std::time::Duration;

/// One `[[source]]` with `kind = "api"`.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Its name, unique.
    pub name: Text,
    /// The sensor that it is about.
    pub sensor: Text,
    /// Where the events are.
    pub url: Url,
    /// The way there, and whom to trust.
    pub net: net::Settings,
    /// Holds the access token; its mode is checked.
    pub token_file: PathBuf,
    /// The types to ask for, one question each.
    pub types: Vec<&'static str>,
    /// From the beginning of a round of questions to that of the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub answer_timeout: Duration,
    /// After this time without any user operation that is said.
    pub silent_after: Duration,
    /// Longest row in bytes; what is over is cut and flagged.
    pub line_bytes_max: usize,
}
