//! Judging and counting records by a look at some fields of their lines: most lines have them as others before.
//!
//! Invariant: a line of which a look is not enough is decoded, so what is counted is what decoding would count. One whose class,
//! action or outcome this otrail does not know is such a line: it is told.

use crate::filter::Filter;
use crate::journal::Look;
use crate::model::Record;
use std::collections::HashMap;
use std::sync::Arc;

/// Whether records are wanted, by a look.
pub(super) struct Glance {
    filter: Arc<Filter>,
    seen: Seen<bool>,
    /// What is read of every record, whatever the filter asks for.
    readable: Seen<()>,
}

impl Glance {
    /// `None` where a look is not enough. The range of times is not looked at.
    pub(super) fn new(filter: &Arc<Filter>) -> Option<Glance> {
        let seen = Seen::new(filter.fields())?;
        Some(Glance { filter: Arc::clone(filter), seen, readable: Seen::new(["action"])? })
    }

    /// `None`: the line has to be decoded. `is_readable`: by what the index says this otrail can do that.
    pub(super) fn wants(&mut self, body: &[u8], is_readable: bool) -> Option<bool> {
        if !is_readable {
            self.readable.see(body, |_| Some(()))?;
        }
        if self.seen.look.is_empty() {
            return Some(true);
        }
        let filter = &self.filter;
        // It asks for no field that is not looked at.
        self.seen.see(body, |record| filter.judge(&|_| true, record))
    }
}

/// What some fields of a line have come to, for lines that have the same.
pub(super) struct Seen<T> {
    look: Look,
    known: HashMap<Vec<u8>, T>,
    bytes: usize,
    /// Those of the line at hand.
    found: Vec<u8>,
}

impl<T: Copy> Seen<T> {
    /// `None` where a look at these fields is not enough.
    pub(super) fn new<'a>(fields: impl IntoIterator<Item = &'a str>) -> Option<Seen<T>> {
        Some(Seen { look: Look::at(fields)?, known: HashMap::new(), bytes: 0, found: Vec::new() })
    }

    /// What `judge` makes of a record with these fields; `None`: the line has to be decoded.
    pub(super) fn see(&mut self, body: &[u8], judge: impl FnOnce(&Record) -> Option<T>) -> Option<T> {
        self.take(body)?;
        self.of_found(judge)
    }

    /// Takes the fields of a line; `None`: it has to be decoded.
    pub(super) fn take(&mut self, body: &[u8]) -> Option<()> {
        self.found.clear();
        self.look.take(body, &mut self.found).then_some(())
    }

    /// What was taken, where it is one field that is a text, as it is.
    pub(super) fn text(&self) -> Option<&str> {
        self.look.text(&self.found)
    }

    /// What `judge` makes of a record with what was taken.
    pub(super) fn of_found(&mut self, judge: impl FnOnce(&Record) -> Option<T>) -> Option<T> {
        if let Some(&known) = self.known.get(&self.found) {
            return Some(known);
        }
        let judged = judge(&self.look.record(&self.found)?)?;
        if self.bytes < KNOWN_BYTES_MAX {
            self.bytes += self.found.len() + ENTRY_BYTES;
            self.known.insert(self.found.clone(), judged);
        }
        Some(judged)
    }
}

/// What is remembered of lines; what comes then is judged each time.
const KNOWN_BYTES_MAX: usize = 8 << 20;
/// What an entry takes besides its fields.
const ENTRY_BYTES: usize = 64;
