//! Records of some ids and times: by the index where there is one, and by a look at the frames that may have them.
//!
//! ```text
//! ids and times ─▶ frames of that time ─▶ those with an id that begins so ─▶ their lines ─▶ the records that are there
//! ```
//!
//! Invariant: a record that is handed on stands in a whole line. One that is not may stand in a damaged one.

use super::Journal;
use super::error::JournalError;
use super::index::Index;
use super::parts::{Folder, Part};
use super::reader::Scan;
use crate::model::{EventId, Record, Seq, Time};
use std::collections::HashSet;

/// Records that are looked for, of one stretch of time.
#[derive(Debug, Clone)]
pub struct Sought {
    /// By their ids.
    pub ids: HashSet<EventId>,
    /// No record is older.
    pub oldest: Time,
    /// No record is newer.
    pub newest: Time,
    /// Whatever id they have.
    pub all: bool,
}

impl Sought {
    fn wants(&self, record: &Record) -> bool {
        let in_time = (self.oldest..=self.newest).contains(&record.event.time);
        in_time && (self.all || self.ids.contains(&record.event.id))
    }
}

impl Journal {
    /// Hands on the durable records that are sought, in no order that could be relied on. Blocks: it reads about as much as
    /// stands in the trail of that time.
    ///
    /// Damaged lines are passed over. Fails if the folder cannot be read.
    pub fn among(&self, sought: &Sought, take: &mut dyn FnMut(&Record)) -> Result<(), JournalError> {
        let through = self.newest();
        if through == Seq::NONE || sought.ids.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = sought.ids.iter().map(ToString::to_string).collect();
        let beginnings: Vec<&str> = texts.iter().map(String::as_str).collect();
        for part in Folder::from(self).parts()? {
            for frame in part.index().map(|index| frames(index, sought, &beginnings)).unwrap_or_default() {
                look(part.scan_frame(frame)?, sought, take)?;
            }
            if part.has_rest() && part.first() <= through {
                look(rest(&part, through)?, sought, take)?;
            }
        }
        Ok(())
    }
}

fn rest(part: &Part, through: Seq) -> Result<Scan, JournalError> {
    part.scan_rest().map(|scan| scan.through(through))
}

/// The frames that may have one of them.
fn frames(index: &Index, sought: &Sought, beginnings: &[&str]) -> Vec<usize> {
    let is_of_time = |frame: usize| {
        let facts = index.frames().get(frame);
        facts.is_some_and(|facts| facts.newest >= sought.oldest && facts.oldest <= sought.newest)
    };
    let mut all: Vec<usize> = (0..index.frames().len()).filter(|&frame| is_of_time(frame)).collect();
    if !sought.all
        && !all.is_empty()
        && let Some(set) = index.with_ids(beginnings)
    {
        all.retain(|&frame| set.contains(frame));
    }
    all
}

fn look(mut scan: Scan, sought: &Sought, take: &mut dyn FnMut(&Record)) -> Result<(), JournalError> {
    let mut wants = |body: &[u8]| sought.all || id_of(body).is_none_or(|id| sought.ids.contains(&id));
    while let Some(line) = scan.next_of(&mut wants) {
        match line {
            Ok(mut line) => {
                line.decode().iter().filter(|record| sought.wants(record)).for_each(&mut *take);
            }
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The id of a line in the form that is written; `None` where that takes more than a look.
fn id_of(body: &[u8]) -> Option<EventId> {
    let rest = body.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (id, rest) = rest[digits..].strip_prefix(b",\"id\":\"")?.split_first_chunk::<32>()?;
    rest.starts_with(b"\"").then_some(())?;
    EventId::parse(std::str::from_utf8(id).ok()?)
}
