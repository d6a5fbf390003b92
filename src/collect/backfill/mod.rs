//! A file that an admin brings: what the trail lacks of it goes down the same road as the entries of a log.
//!
//! ```text
//! bytes ──Cutter, dialect──▶ some entries with their ids ──▶ journal.among ── those that it lacks ──▶ journal.append
//! ```
//!
//! An entry is known again by its id (`known`): the n-th of equal entries of the file is the n-th of the trail. One without
//! a time of its own has an id by its place in the file, and is known again in a file that begins like it, a followed one
//! too.
//!
//! Invariant: what the trail has is not added again, so that a backfill that broke off can be begun anew.
//! Invariant: a file that breaks off gives the entries that are whole; no position of a followed file is touched.
//! Not here: whose file it is and who may bring one (`control`, `agent`).

mod known;

use super::cutter::{Cutter, Reading};
use super::defects::Defects;
use super::identity::HEAD_BYTES_MAX;
use super::ordinals::Ordinals;
use super::settings::Settings;
use super::source::{mark, place_of};
use crate::dialect::{Context, Dialect, End, Habits, Parsed};
use crate::journal::{Draft, FollowedFile, Input, Journal};
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
    /// What entries without a time are known by besides their place.
    place: Vec<u8>,
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
            place: Vec::new(),
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
    /// What is added by then stays, and is told with why nothing more is.
    pub fn read(mut self, input: &mut dyn Read, given_up: &dyn Fn() -> Option<String>) -> Backfilled {
        let why = self.read_all(input, given_up).err();
        let hash = Chain(self.hash.finalize().into());
        let (complete, error) = (why.is_none(), why.unwrap_or_default());
        Backfilled { sha256: hash.to_string(), complete, error, ..self.so_far }
    }

    /// The error is why it has broken off.
    fn read_all(
        &mut self,
        input: &mut dyn Read,
        given_up: &dyn Fn() -> Option<String>,
    ) -> Result<(), String> {
        let (mut waiting_bytes, mut worked) = (0, Duration::ZERO);
        loop {
            self.wait_for_room(given_up)?;
            let count = match self.fill(input) {
                Ok(count) => count,
                Err(error) => {
                    self.settle(given_up)?;
                    return Err(error.to_string());
                }
            };
            let began = Instant::now();
            self.cut(if count == 0 { End::Final } else { End::Open });
            waiting_bytes += count;
            if count == 0 {
                return self.settle(given_up);
            }
            if waiting_bytes >= SETTLED_BYTES {
                self.settle(given_up)?;
                waiting_bytes = 0;
            }
            worked += began.elapsed();
            if waiting_bytes == 0 {
                rest(worked, given_up);
                worked = Duration::ZERO;
            }
        }
    }

    /// Room comes by sealing, and by what a server confirms: it is worth a moment.
    fn wait_for_room(&self, given_up: &dyn Fn() -> Option<String>) -> Result<(), String> {
        let began = Instant::now();
        loop {
            if let Some(why) = given_up() {
                return Err(why);
            }
            let Some(why) = self.obstacle() else { return Ok(()) };
            if began.elapsed() >= ROOM_WITHIN {
                return Err(format!("{why}; backfill the file again later: {AGAIN}"));
            }
            thread::sleep(REST);
        }
    }

    /// Why nothing more may be added now.
    fn obstacle(&self) -> Option<&'static str> {
        match () {
            () if !self.sure => None,
            () if self.journal.is_paused() => Some("the journal has no room: see otrail status"),
            () if self.journal.is_half_waiting() => Some(
                "half of the journal waits for a destination, and the rest is for what the sensor does from now on",
            ),
            () => None,
        }
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
                    // It comes again when there is nothing else.
                    Err(_) if count > 0 => break,
                    Err(error) => return Err(error),
                }
            }
            head.extend_from_slice(&space[..count.min(HEAD_BYTES - head.len())]);
            hash.update(&space[..count]);
            Ok(count)
        });
        let count = *read.as_ref().unwrap_or(&0);
        if self.so_far.bytes == 0 && count > 0 {
            self.place = self.place_of_head();
        }
        self.so_far.bytes += count as u64;
        read
    }

    /// What entries without a time are known by besides their place: a followed file that begins like this one, or else how
    /// this one begins.
    fn place_of_head(&self) -> Vec<u8> {
        let begins_like = |file: &FollowedFile| {
            // What a shorter one begins with says little.
            let is_sure = file.head_bytes == HEAD_BYTES_MAX && self.head.len() == HEAD_BYTES;
            is_sure && Chain(Sha256::digest(&self.head).into()).to_string() == file.head
        };
        let files = self.journal.files_of(self.as_source.name);
        files.iter().rev().find(|file| begins_like(file)).map_or_else(|| self.head.clone(), place_of)
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
        let (place, defects) = (&self.place, &mut self.defects);
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
                identity = identity.at(place, cut.end);
            }
            event.id = ordinals.assign(&identity);
            event.flags.insert(Flag::BACKFILLED);
            waiting.push(event);
        });
    }

    /// Adds what the trail lacks of the entries that wait; else says why not.
    fn settle(&mut self, given_up: &dyn Fn() -> Option<String>) -> Result<(), String> {
        let events = mem::take(&mut self.waiting);
        let count = events.len() as u64;
        let (sought, mut found) = self.known.begin(&events);
        let stops = || given_up().is_some();
        for sought in &sought {
            let is_whole = self.journal.among(sought, &stops, &mut |record| found.see(record));
            if !is_whole.map_err(|error| super::error_text(&error))? {
                return Err(given_up().unwrap_or_default());
            }
        }
        self.so_far.beside |= found.beside;
        let new = self.known.sort(events, found);
        let added = new.len() as u64;
        let unparsed = new.iter().filter(|event| event.flags.contains(Flag::UNPARSED)).count() as u64;
        let now = (self.clock)();
        if let Some(event) = self.defects.due(self.as_source.name, Instant::now(), now).filter(|_| self.sure)
        {
            self.journal.note(event);
        }
        if self.sure && added > 0 {
            let drafts = new.into_iter().map(|event| Draft { event, position: None, mark: None });
            let input = Input { drafts: drafts.collect(), ..Input::default() };
            self.journal.append(input, now).map_err(|error| match error.is_full() {
                true => format!(
                    "{}: {added} entries wait in memory for room; backfill the file again then: {AGAIN}",
                    super::error_text(&error)
                ),
                false => super::error_text(&error),
            })?;
            self.so_far.done = true;
        }
        self.so_far.added += added;
        self.so_far.unparsed += unparsed;
        self.so_far.known += count - added;
        Ok(())
    }
}

/// Leaves the machine to others for so long.
fn rest(time: Duration, given_up: &dyn Fn() -> Option<String>) {
    let began = Instant::now();
    while began.elapsed() < time && given_up().is_none() {
        thread::sleep(REST.min(time));
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
/// How long it waits for room in the journal.
const ROOM_WITHIN: Duration = Duration::from_secs(10);
const AGAIN: &str = "what is in the trail is not added twice";
/// What the beginning of a file is known by.
const HEAD_BYTES: usize = HEAD_BYTES_MAX as usize;
