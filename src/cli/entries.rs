//! Entries from a file, from stdin or from a word of the command line, read as the agent reads them.

use super::Common;
use crate::collect::{Cut, Cutter, Ordinals, Reading, SourceSettings};
use crate::config;
use crate::dialect::{Context, Dialect, End, Habits, Masks, Parsed, Part, Rules, State};
use crate::model::{Class, Denial, Event, FileNo, Flag, Position, Record, Seq, Text};
use anyhow::{Context as _, bail};
use jiff::tz::TimeZone;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// What entries are read with: of the config if there is one, else what comes with otrail.
pub(super) struct House {
    pub(super) sensor: Text,
    pub(super) source: Text,
    dialect: Option<&'static Dialect>,
    line_bytes_max: usize,
    zone: TimeZone,
    habits: Habits,
    pub(super) rules: Arc<Rules>,
    pub(super) masks: Masks,
    pub(super) user_login: Class,
}

impl House {
    /// A config that was named must be good; the one at the default place may be missing. Of several sources it is
    /// the named one, else the first.
    pub(super) fn open(common: &Common, source: Option<&str>) -> anyhow::Result<House> {
        if common.config == Path::new(config::DEFAULT_PATH) && !common.config.exists() {
            if let Some(source) = source {
                bail!("there is no configuration at {}, and so no source `{source}`", config::DEFAULT_PATH);
            }
            return Ok(House {
                sensor: Text::const_new("sensor"),
                source: Text::const_new("stdin"),
                dialect: None,
                line_bytes_max: ENTRY_BYTES_MAX,
                zone: TimeZone::UTC,
                habits: Habits::default(),
                rules: Arc::new(Rules::embedded()),
                masks: Masks::default(),
                user_login: Class::UserOperation,
            });
        }
        let (config, _) = common.load()?;
        let collect = config.collect;
        let (rules, masks, user_login) = (collect.rules, collect.masks, collect.user_login);
        let SourceSettings { name, dialect, zone, habits, line_bytes_max, .. } =
            wanted(collect.sources, source)?;
        let (sensor, source) = (collect.sensor, name);
        Ok(House { sensor, source, dialect, line_bytes_max, zone, habits, rules, masks, user_login })
    }

    /// The event with nothing cut, and the fields that it was made of.
    pub(super) fn read_bare(&self, dialect: &Dialect, state: &State, entry: &[u8]) -> (Event, Vec<Part>) {
        self.with(|reading| {
            let text = String::from_utf8_lossy(entry);
            let parts = (dialect.parts)(state, reading.context, &text);
            ((dialect.parse)(state, reading.context, entry).event, parts)
        })
    }

    fn with<T>(&self, read: impl FnOnce(Reading<'_>) -> T) -> T {
        let context = Context {
            sensor: &self.sensor,
            source: &self.source,
            seen: crate::agent::now(),
            zone: &self.zone,
            habits: &self.habits,
            rules: &self.rules,
            user_login: self.user_login,
        };
        read(Reading { context: &context, masks: &self.masks, line_bytes_max: self.line_bytes_max })
    }
}

/// The source of that name, else the first.
fn wanted(sources: Vec<SourceSettings>, name: Option<&str>) -> anyhow::Result<SourceSettings> {
    let names: Vec<String> = sources.iter().map(|source| source.name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut sources = sources.into_iter();
    let found = sources.find(|source| name.is_none_or(|name| source.name == name));
    found.ok_or_else(|| Denial::unknown("source", name.unwrap_or(""), &names).into())
}

/// Reads a stream to its end; `take` gets each record and how it was cut out and says whether to go on, `pause` is
/// called before waiting for more.
pub(super) fn read(
    house: &House,
    dialect: Option<&'static Dialect>,
    input: &mut dyn Read,
    take: &mut dyn FnMut(Record, &Cut<'_>) -> anyhow::Result<bool>,
    pause: &mut dyn FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut cutter = Cutter::new(dialect.or(house.dialect));
    let (mut ordinals, mut seq) = (Ordinals::default(), Seq::NONE);
    loop {
        let count = cutter.fill(CHUNK_BYTES, |space| uninterrupted(input, space));
        let end = if count.context("cannot read the entries")? == 0 { End::Final } else { End::Open };
        let mut wanted: anyhow::Result<bool> = Ok(true);
        house.with(|reading| {
            cutter.cut(end, reading, |parsed, cut| {
                if matches!(wanted, Ok(true)) {
                    seq.0 += 1;
                    wanted = take(record(parsed, cut, seq, &mut ordinals), cut);
                }
            });
        });
        if !wanted? || end == End::Final || !pause()? {
            return Ok(());
        }
    }
}

fn uninterrupted(input: &mut dyn Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn record(parsed: Parsed, cut: &Cut<'_>, seq: Seq, ordinals: &mut Ordinals) -> Record {
    let Parsed { mut event, mut identity, .. } = parsed;
    if cut.truncated {
        event.flags.insert(Flag::TRUNCATED);
    }
    if identity.needs_position() {
        identity = identity.at(b"", cut.end);
    }
    event.id = ordinals.assign(&identity);
    Record { seq, position: Some(Position { file: FileNo(1), offset: cut.end }), event, chain: None }
}

const CHUNK_BYTES: usize = 64 << 10;
/// As `line-max` unless told otherwise.
const ENTRY_BYTES_MAX: usize = 1 << 20;
