//! Events that a destination cannot take: a copy in a file of its own, for whoever wants to know why.
//!
//! ```text
//! dead/siem-00000000000000004711.json   {"destination":"siem","refusals":5,"first":"..","last":"..","error":"..","record":{..}}
//! ```
//!
//! The event itself stays in the journal.

use super::error::JournalError;
use super::{Journal, line};
use crate::model::{Record, Time};

/// What is known of an event that a destination cannot take.
#[derive(Debug, Clone)]
pub struct Dead<'a> {
    /// Name of the destination.
    pub destination: &'a str,
    /// How often it was refused alone.
    pub refusals: u32,
    /// The time of the first refusal, and of the last.
    pub refused: (Time, Time),
    /// What the last one looked like.
    pub error: &'a str,
    /// The event in its place.
    pub record: &'a Record,
}

impl Journal {
    /// Keeps it; the path of the file below the state directory, or `None` when there are 1,000 already. Blocks on the
    /// disk.
    pub fn keep_dead(&self, dead: &Dead<'_>) -> Result<Option<String>, JournalError> {
        let about = serde_json::json!({
            "destination": dead.destination,
            "refusals": dead.refusals,
            "first": dead.refused.0.to_string(),
            "last": dead.refused.1.to_string(),
            "error": dead.error,
        });
        let mut bytes = about.to_string().into_bytes();
        bytes.pop();
        bytes.extend_from_slice(b",\"record\":");
        line::encode_json(dead.record, &mut bytes);
        bytes.extend_from_slice(b"}}\n");
        let name = format!("{}-{:020}.json", dead.destination, dead.record.seq.0);
        let kept = self.0.store.keep_dead(&name, &bytes)?;
        Ok(kept.then(|| format!("dead/{name}")))
    }
}
