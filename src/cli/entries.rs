//! Entries from a file, from stdin or from a word of the command line, read as the agent reads them.

use super::Common;
use crate::collect::Ordinals;
use crate::config;
use crate::dialect::{self, Context, DIALECTS, Dialect, End, Habits, Masks, Parsed, Rules, State};
use crate::model::{Class, Event, FileNo, Flag, Position, Record, Seq, Text};
use anyhow::Context as _;
use jiff::tz::TimeZone;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// What entries are read with: of the config if there is one, else what comes with otrail.
pub(super) struct House {
    pub(super) sensor: Text,
    pub(super) source: Text,
    zone: TimeZone,
    habits: Habits,
    pub(super) rules: Arc<Rules>,
    pub(super) masks: Masks,
    pub(super) user_login: Class,
}

impl House {
    /// A config that was named must be good; the one at the default place may be missing.
    pub(super) fn open(common: &Common) -> anyhow::Result<House> {
        if common.config == Path::new(config::DEFAULT_PATH) && !common.config.exists() {
            let rules = Arc::new(Rules::embedded());
            let (sensor, source) = (Text::const_new("sensor"), Text::const_new("stdin"));
            let (masks, user_login) = (Masks::default(), Class::UserOperation);
            let (zone, habits) = (TimeZone::UTC, Habits::default());
            return Ok(House { sensor, source, zone, habits, rules, masks, user_login });
        }
        let (config, _) = common.load()?;
        let collect = config.collect;
        let first = collect.sources.into_iter().next();
        let (source, zone, habits) = first.map_or_else(
            || (Text::default(), TimeZone::UTC, Habits::default()),
            |source| (source.name, source.zone, source.habits),
        );
        let (rules, masks, user_login) = (collect.rules, collect.masks, collect.user_login);
        Ok(House { sensor: collect.sensor, source, zone, habits, rules, masks, user_login })
    }

    /// Reads one entry.
    pub(super) fn read(&self, dialect: &Dialect, state: &State, entry: &[u8]) -> Parsed {
        self.with(|context| dialect::read(dialect, state, context, &self.masks, entry))
    }

    /// The event with nothing replaced and nothing cut: where it found what.
    pub(super) fn read_bare(&self, dialect: &Dialect, state: &State, entry: &[u8]) -> Event {
        self.with(|context| (dialect.parse)(state, context, entry).event)
    }

    fn with<T>(&self, read: impl FnOnce(&Context<'_>) -> T) -> T {
        read(&Context {
            sensor: &self.sensor,
            source: &self.source,
            seen: crate::agent::now(),
            zone: &self.zone,
            habits: &self.habits,
            rules: &self.rules,
            user_login: self.user_login,
        })
    }
}

/// Cuts a stream into entries and makes records of them, in bounded memory.
pub(super) struct Reader<'a> {
    house: &'a House,
    dialect: Option<&'static Dialect>,
    state: State,
    ordinals: Ordinals,
    buffer: Vec<u8>,
    /// Bytes of the stream before the buffer.
    offset: u64,
    seq: u64,
    /// Inside of an entry that is over the limit: the rest of its line is passed over.
    passing: bool,
}

impl<'a> Reader<'a> {
    /// Without a dialect it is found out.
    pub(super) fn new(house: &'a House, dialect: Option<&'static Dialect>) -> Reader<'a> {
        let (state, ordinals) = (State::at(0), Ordinals::default());
        Reader { house, dialect, state, ordinals, buffer: Vec::new(), offset: 0, seq: 0, passing: false }
    }

    /// Reads all; `take` gets each record and says whether to go on, `pause` is called before waiting for more.
    pub(super) fn run(
        &mut self,
        input: &mut dyn Read,
        take: &mut dyn FnMut(Record) -> anyhow::Result<bool>,
        pause: &mut dyn FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = input.read(&mut chunk).context("cannot read the entries")?;
            self.buffer.extend_from_slice(&chunk[..count]);
            let end = if count == 0 { End::Final } else { End::Open };
            if !self.cut(end, take)? || count == 0 || !pause()? {
                return Ok(());
            }
        }
    }

    /// False when nobody wants more.
    fn cut(
        &mut self,
        end: End,
        take: &mut dyn FnMut(Record) -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        if self.passing {
            let newline = memchr::memchr(b'\n', &self.buffer);
            let passed = newline.map_or(self.buffer.len(), |at| at + 1);
            self.passing = newline.is_none();
            self.consume(passed);
        }
        if self.dialect.is_none() && (self.buffer.contains(&b'\n') || end == End::Final) {
            self.dialect = dialect::detect(&self.buffer);
        }
        let reader = self.dialect.unwrap_or(&DIALECTS[0]);
        let mut entries = Vec::new();
        let buffer = std::mem::take(&mut self.buffer);
        let consumed = (reader.split)(&mut self.state, &buffer, end, &mut entries);
        let mut wanted = true;
        for entry in entries {
            let truncated = entry.text.len() > ENTRY_BYTES_MAX;
            let text = &buffer[entry.text.start..entry.text.end.min(entry.text.start + ENTRY_BYTES_MAX)];
            let record = self.record(reader, text, self.offset + entry.end as u64, truncated);
            wanted = take(record)?;
            if !wanted {
                break;
            }
        }
        self.buffer = buffer;
        self.consume(consumed);
        if wanted && self.buffer.len() > ENTRY_BYTES_MAX {
            let head: Vec<u8> = self.buffer[..ENTRY_BYTES_MAX].to_vec();
            let record = self.record(reader, &head, self.offset + self.buffer.len() as u64, true);
            self.passing = true;
            self.consume(self.buffer.len());
            wanted = take(record)?;
        }
        Ok(wanted)
    }

    fn consume(&mut self, bytes: usize) {
        self.buffer.drain(..bytes);
        self.offset += bytes as u64;
    }

    fn record(&mut self, dialect: &Dialect, entry: &[u8], offset: u64, truncated: bool) -> Record {
        let Parsed { mut event, mut identity } = self.house.read(dialect, &self.state, entry);
        if truncated {
            event.flags.insert(Flag::TRUNCATED);
        }
        if identity.needs_position() {
            identity = identity.at(b"", offset);
        }
        event.id = self.ordinals.assign(&identity);
        self.seq += 1;
        Record { seq: Seq(self.seq), position: Some(Position { file: FileNo(1), offset }), event }
    }
}

const CHUNK_BYTES: usize = 64 << 10;
/// As `line-max` unless told otherwise.
const ENTRY_BYTES_MAX: usize = 1 << 20;
