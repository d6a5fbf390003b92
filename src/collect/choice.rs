//! In which dialect a file is read, and why.

use crate::dialect::{self, DIALECTS, Dialect, End};

/// The dialect of one file: as configured, or found and perhaps changed.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub dialect: Option<&'static Dialect>,
    is_auto: bool,
    /// One sentence for `status`.
    pub reason: String,
    /// Where the entry began at which it last changed: no entry changes it twice.
    changed_at: Option<u64>,
    /// Where each dialect that was in use was last told how to read on.
    anchors: Vec<(&'static str, u64)>,
}

impl Choice {
    /// What the config says; `None` is `auto`, which goes on in the dialect that the journal remembers.
    pub(super) fn new(configured: Option<&'static Dialect>, remembered: &str) -> Choice {
        let known = dialect::find(remembered);
        let reason = match (configured, known) {
            (Some(_), _) => "as configured",
            (None, Some(_)) => "as before the restart",
            (None, None) => "no entry yet that any dialect understands",
        };
        Choice {
            dialect: configured.or(known),
            is_auto: configured.is_none(),
            reason: reason.to_owned(),
            changed_at: None,
            anchors: Vec::new(),
        }
    }

    /// Who reads the entries. While nobody speaks their language it is the first dialect of the table, which keeps
    /// what it cannot read: nothing waits for a better entry.
    pub(super) fn reader(&self) -> &'static Dialect {
        self.dialect.unwrap_or(&DIALECTS[0])
    }

    /// Its name, empty while there is none.
    pub(super) fn name(&self) -> &'static str {
        self.dialect.map_or("", |dialect| dialect.name)
    }

    /// Finds the dialect by the first entries, when that is to be found. True when it is.
    pub(super) fn decide(&mut self, buffer: &[u8], end: End) -> bool {
        if self.dialect.is_some() || !(buffer.contains(&b'\n') || end == End::Final) {
            return false;
        }
        self.dialect = dialect::detect(buffer);
        if self.dialect.is_some() {
            "the first entries that any dialect understands are in it".clone_into(&mut self.reason);
        }
        self.dialect.is_some()
    }

    /// Whether the entry at `start` may be looked at in other dialects.
    pub(super) fn may_change(&self, start: u64) -> bool {
        self.is_auto && self.changed_at != Some(start)
    }

    /// From `start` on the file is in another dialect.
    pub(super) fn change(&mut self, dialect: &'static Dialect, start: u64) {
        self.reason = match self.dialect {
            Some(before) => format!("the entry at byte {start} is in it, and not in {}", before.name),
            None => format!("the entry at byte {start} is the first that any dialect understands"),
        };
        (self.dialect, self.changed_at) = (Some(dialect), Some(start));
    }

    /// The file says at `place` how to read on in the present dialect.
    pub(super) fn anchored(&mut self, place: u64) {
        let name = self.reader().name;
        self.anchors.retain(|(known, _)| *known != name);
        self.anchors.push((name, place));
    }

    /// Where the present dialect was told how to read on; `place` when it was not.
    pub(super) fn anchor(&self, place: u64) -> u64 {
        let known = self.anchors.iter().find(|(name, _)| *name == self.name());
        // What an array said ended with the change; columns stay.
        known.filter(|_| self.name() == "timeline-csv").map_or(place, |&(_, place)| place)
    }
}
