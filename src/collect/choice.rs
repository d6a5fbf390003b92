//! In which dialect a file is read, and why.

use crate::dialect::{self, Claim, Context, DIALECTS, Dialect, End, Parsed, State};

/// The dialect of one log: as configured, or found and perhaps changed.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub dialect: Option<&'static Dialect>,
    is_auto: bool,
    /// One sentence for `status`.
    pub reason: String,
    /// Where the entry began at which it last changed: no entry changes it twice.
    changed_at: Option<u64>,
    /// Entries in a row of which it understood nothing.
    foreign: u32,
    /// Where each dialect that was in use was last told how to read on.
    anchors: Vec<(&'static str, u64)>,
    /// Rows of an export without header are looked for among the first entries.
    looked_at: u32,
    has_rows: bool,
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
            foreign: 0,
            anchors: Vec::new(),
            looked_at: 0,
            has_rows: false,
        }
    }

    /// What the log should have said for `auto` to find its dialect.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        (self.has_rows && self.reads_text()).then_some(NO_HEADER)
    }

    /// Whether any text would be read as this log is.
    fn reads_text(&self) -> bool {
        self.dialect.is_none_or(|dialect| dialect.claim == Claim::Text)
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
        if let Some(found) = self.dialect {
            self.reason = format!("there is {} among the first entries", found.sign);
        }
        self.dialect.is_some()
    }

    /// Whether the log goes on in another dialect, beginning with this entry, that was read as `parsed`.
    pub(super) fn gives_way(
        &mut self,
        parsed: &Parsed,
        state: &State,
        head: Head<'_>,
        context: &Context<'_>,
    ) -> bool {
        if !self.is_auto || self.changed_at == Some(head.start) {
            return false;
        }
        if self.looked_at < LOOKED_AT_MAX && self.reads_text() {
            self.looked_at += 1;
            self.has_rows |= dialect::is_row(head.text);
        }
        let present = self.reader();
        let rival = if parsed.is_foreign() {
            self.foreign += 1;
            let is_open = self.dialect.is_none() || self.foreign >= FOREIGN_MIN;
            let weakest = if is_open { Claim::Text } else { Claim::Own };
            dialect::rival(present, weakest, state, head.some_lines(), context)
        } else {
            self.foreign = 0;
            let is_weak = present.claim != Claim::Own;
            is_weak.then(|| dialect::rival(present, Claim::Own, state, head.text, context)).flatten()
        };
        if let Some(rival) = rival {
            self.change(rival, head.start);
        }
        rival.is_some()
    }

    /// From `start` on the log is in another dialect.
    fn change(&mut self, dialect: &'static Dialect, start: u64) {
        self.reason = match self.dialect {
            Some(before) => format!("there is {} at byte {start}, no {} any more", dialect.sign, before.name),
            None => format!("there is {} at byte {start}", dialect.sign),
        };
        (self.dialect, self.changed_at, self.foreign) = (Some(dialect), Some(start), 0);
    }

    /// The file says at `place` how to read on in the present dialect.
    pub(super) fn anchored(&mut self, place: u64) {
        let name = self.reader().name;
        self.anchors.retain(|(known, _)| *known != name);
        self.anchors.push((name, place));
    }

    /// Where the present dialect was told how to read on; `place` when it was not, or when that holds no more.
    pub(super) fn anchor(&self, state: &State, place: u64) -> u64 {
        let known = self.anchors.iter().find(|(name, _)| *name == self.name());
        known.filter(|_| (self.reader().knows)(state)).map_or(place, |&(_, place)| place)
    }
}

/// An entry by which another dialect may be known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// Where it begins in the log.
    pub start: u64,
    pub text: &'a [u8],
    /// How many bytes it has with what ends it.
    pub length: usize,
    /// The entry and all that has been read behind it.
    pub onwards: &'a [u8],
}

impl<'a> Head<'a> {
    /// The entry and some of the lines behind it.
    fn some_lines(&self) -> &'a [u8] {
        let near = &self.onwards[..self.onwards.len().min(self.length.max(REST_BYTES))];
        let lines = memchr::memchr_iter(b'\n', near).nth(REST_LINES - 1);
        &near[..lines.map_or(near.len(), |feed| self.length.max(feed + 1))]
    }
}

/// Bytes of an entry and what follows it by which another dialect may know it.
const REST_BYTES: usize = 4 << 10;
/// That many lines of them at most.
const REST_LINES: usize = 64;

/// What is to be known of a file with rows of the timeline and nothing that says what stands where in them.
const NO_HEADER: &str = "it has rows of the sensor's timeline, and no line with the names of their columns has come yet; without \
    it they are kept as they are and not understood: let the export begin with it";
/// Entries that are looked at for that: the first tell.
const LOOKED_AT_MAX: u32 = 64;
/// Foreign entries in a row after which a dialect may take over that many logs look like.
const FOREIGN_MIN: u32 = 4;
