//! A file that an admin brings: what the trail lacks of it goes down the same road as the entries of a log.
//!
//! ```text
//! bytes ──Cutter, dialect──▶ some entries with their ids ──▶ journal.among ── those that it lacks ──▶ journal.append
//! ```
//!
//! An entry is known again by its id (`known`): the n-th of equal entries of the file is the n-th of the trail. One without
//! a time of its own has an id by its place in the file, and is known again in a file that begins alike.
//!
//! Invariant: what the trail has is not added again, so that a backfill that broke off can be begun anew.
//! Invariant: a file that breaks off gives the entries that are whole; no position of a followed file is touched.
//! Not here: whose file it is and who may bring one (`control`, `agent`).

mod known;

use super::cutter::{Cutter, Reading};
use super::defects::Defects;
use super::ordinals::Ordinals;
use super::settings::Settings;
use super::{mark, waits_for_space};
use crate::dialect::{Context, Dialect, End, Habits, Parsed};
use crate::journal::{Draft, Input, Journal, JournalError};
use crate::model::backfill::Backfilled;
use crate::model::{Chain, Event, Flag, Text, Time};
use jiff::tz::TimeZone;
use known::Known;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::time::{Duration, Instant};
use std::{mem, thread};

/// Reads one file.
pub struct Backfill<'a> {
    common: &'a Settings,
    journal: &'a Journal,
    clock: fn() -> Time,
    as_source: AsSource<'a>,
    cutter: Cutter,
    ordinals: Ordinals,
    known: Known,
    /// What the file begins with, at most `HEAD_BYTES`.
    head: Vec<u8>,
    hash: Sha256,
    /// Entries whose ids are not looked for yet.
    waiting: Vec<Event>,
    defects: Defects,
    sure: bool,
    so_far: Backfilled,
}

/// What of a source counts for a file that it did not find itself.
#[derive(Debug, Clone)]
struct AsSource<'a> {
    name: &'a Text,
    sensor: &'a Text,
    zone: TimeZone,
    habits: Habits,
    line_bytes_max: usize,
}

impl<'a> Backfill<'a> {
    /// In the name of a source of the config, one that is followed or asked; `None` if it has no such source.
    ///
    /// Without a dialect the entries tell, whatever dialect the log of the source is in: an export has its own. Nothing is
    /// added unless one is `sure`.
    pub fn new(
        common: &'a Settings,
        journal: &'a Journal,
        clock: fn() -> Time,
        (source, dialect): (&str, Option<&'static Dialect>),
        sure: bool,
    ) -> Option<Backfill<'a>> {
        let as_source = as_source(common, source)?;
        let so_far = Backfilled { source: source.to_owned(), ..Backfilled::default() };
        Some(Backfill {
            common,
            journal,
            clock,
            as_source,
            cutter: Cutter::new(dialect),
            ordinals: Ordinals::default(),
            known: Known::default(),
            head: Vec::new(),
            hash: Sha256::new(),
            waiting: Vec::new(),
            defects: Defects::default(),
            sure,
            so_far,
        })
    }

    /// Reads the file to its end, or until `given_up` says why not. Blocks; takes half of the time at most, the other half
    /// is for the log of the sensor.
    ///
    /// Fails where the journal cannot be read or written at all. What is added by then stays.
    pub fn read(
        mut self,
        input: &mut dyn Read,
        given_up: &dyn Fn() -> Option<String>,
    ) -> Result<Backfilled, JournalError> {
        let (mut waiting_bytes, mut worked) = (0, Duration::ZERO);
        loop {
            if let Some(why) = given_up().or_else(|| self.obstacle()) {
                return self.broken_off(why);
            }
            let (end, count) = match self.fill(input) {
                Ok(0) => (End::Final, 0),
                Ok(count) => (End::Open, count),
                Err(error) => {
                    self.settle()?;
                    return self.broken_off(error.to_string());
                }
            };
            let began = Instant::now();
            self.cut(end);
            waiting_bytes += count;
            if end == End::Final || waiting_bytes >= SETTLED_BYTES {
                self.settle()?;
                waiting_bytes = 0;
            }
            if end == End::Final {
                self.so_far.complete = true;
                return Ok(self.told());
            }
            worked += began.elapsed();
            if waiting_bytes == 0 {
                let rested = Instant::now();
                while rested.elapsed() < worked && given_up().is_none() {
                    thread::sleep(REST.min(worked));
                }
                worked = Duration::ZERO;
            }
        }
    }

    /// Why nothing more may be added now, with a way out.
    fn obstacle(&self) -> Option<String> {
        let why = match () {
            () if !self.sure => return None,
            () if self.journal.is_paused() => "the journal has no room: see otrail status",
            () if self.journal.is_half_waiting() => {
                "half of the journal waits for a destination: the rest is for what the sensor does from now on"
            }
            () => return None,
        };
        Some(format!("{why}; then backfill the file again, what is in the trail is not added twice"))
    }

    fn fill(&mut self, input: &mut dyn Read) -> io::Result<usize> {
        let (head, hash) = (&mut self.head, &mut self.hash);
        let read = self.cutter.fill(CHUNK_BYTES, |space| {
            let mut count = 0;
            // An entry is known by what the file begins with, in however many pieces that comes.
            while count < space.len().min(HEAD_BYTES) {
                match input.read(&mut space[count..]) {
                    Ok(0) => break,
                    Ok(more) => count += more,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            head.extend_from_slice(&space[..count.min(HEAD_BYTES - head.len())]);
            hash.update(&space[..count]);
            Ok(count)
        });
        self.so_far.bytes += *read.as_ref().unwrap_or(&0) as u64;
        read
    }

    /// Makes events of the whole entries that have come.
    fn cut(&mut self, end: End) {
        let (common, of) = (self.common, &self.as_source);
        let context = Context {
            sensor: of.sensor,
            source: of.name,
            seen: (self.clock)(),
            zone: &of.zone,
            rules: &common.rules,
            user_login: common.user_login,
            habits: &of.habits,
        };
        let reading = Reading { context: &context, masks: &common.masks, line_bytes_max: of.line_bytes_max };
        let (so_far, waiting, ordinals) = (&mut self.so_far, &mut self.waiting, &mut self.ordinals);
        let (head, defects) = (&self.head, &mut self.defects);
        self.cutter.cut(end, reading, |parsed, cut| {
            let Parsed { mut event, mut identity, defect } = parsed;
            so_far.entries += 1;
            so_far.dialect = cut.dialect.name.to_owned();
            defects.see(defect, || format!("the entry of a backfilled file at byte {}", cut.start));
            mark(&mut event, cut);
            if !common.classes.contains(&event.class) {
                so_far.passed_over += 1;
                return;
            }
            if identity.needs_position() {
                identity = identity.at(head, cut.end);
            }
            event.id = ordinals.assign(&identity);
            event.flags.insert(Flag::BACKFILLED);
            waiting.push(event);
        });
    }

    /// Adds what the trail lacks of the entries that wait.
    fn settle(&mut self) -> Result<(), JournalError> {
        let events = mem::take(&mut self.waiting);
        let (count, mut found) = (events.len() as u64, self.known.begin(&events));
        let sought = found.sought.clone();
        self.journal.among(&sought, &mut |record| found.see(record))?;
        self.so_far.beside += found.beside;
        let new = self.known.sort(events, found);
        self.so_far.added += new.len() as u64;
        self.so_far.known += count - new.len() as u64;
        let unparsed = new.iter().filter(|event| event.flags.contains(Flag::UNPARSED)).count();
        self.so_far.unparsed += unparsed as u64;
        let mut input = Input::default();
        if self.sure {
            input.drafts.extend(new.into_iter().map(|event| Draft { event, position: None, mark: None }));
        }
        let now = (self.clock)();
        if let Some(event) = self.defects.due(self.as_source.name, Instant::now(), now).filter(|_| self.sure)
        {
            self.journal.note(event);
        }
        if input.drafts.is_empty() {
            return Ok(());
        }
        self.so_far.done = true;
        // On a full disk the journal keeps them until there is space, and `obstacle` ends the rest.
        waits_for_space(self.journal.append(input, now))
    }

    fn broken_off(mut self, why: String) -> Result<Backfilled, JournalError> {
        self.so_far.error = why;
        Ok(self.told())
    }

    fn told(self) -> Backfilled {
        let hash = Chain(self.hash.finalize().into());
        Backfilled { sha256: hash.to_string(), ..self.so_far }
    }
}

fn as_source<'a>(common: &'a Settings, name: &str) -> Option<AsSource<'a>> {
    let followed = common.sources.iter().find(|source| source.name == name).map(|source| AsSource {
        name: &source.name,
        sensor: &source.sensor,
        zone: source.zone.clone(),
        habits: source.habits.clone(),
        line_bytes_max: source.line_bytes_max,
    });
    followed.or_else(|| {
        common.apis.iter().find(|api| api.name == name).map(|api| AsSource {
            name: &api.name,
            sensor: &api.sensor,
            zone: TimeZone::UTC,
            habits: Habits::default(),
            line_bytes_max: api.line_bytes_max,
        })
    })
}

/// What is read in one go.
const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of entries whose ids are looked for together: the trail of their time is read once for all of them, and this is
/// what waits in memory.
const SETTLED_BYTES: usize = 128 << 10;
/// How long it rests before it looks whether it has to end.
const REST: Duration = Duration::from_millis(10);
/// What the beginning of a file is known by.
const HEAD_BYTES: usize = 1024;
