//! Records of some ids and times: by the index where there is one, and by a look at the frames that may have them.
//!
//! ```text
//! ids and times ─▶ frames of that time ─▶ those with an id that begins so ─▶ their lines ─▶ the records that are there
//! ```
//!
//! Invariant: a record that is handed on stands in a whole line. One that is not may stand in a damaged one.

use super::Journal;
use super::error::JournalError;
use super::index::{FrameFacts, Index};
use super::parts::Folder;
use super::reader::Scan;
use crate::model::{Event, EventId, Record, Seq};
use std::collections::{BTreeSet, HashSet};

/// Records that are looked for.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// By their ids.
    pub ids: HashSet<EventId>,
    /// And by the seconds since 1970 that they happened in; whenever that was if absent.
    pub seconds: Option<BTreeSet<i64>>,
    /// All of these seconds, whatever id they have.
    pub all: bool,
}

impl Sought {
    fn wants(&self, record: &Record) -> bool {
        let Event { id, time, .. } = &record.event;
        let in_time = self.seconds.as_ref().is_none_or(|seconds| seconds.contains(&time.second()));
        in_time && (self.all || self.ids.contains(id))
    }

    /// Whether a record of a frame may be of these seconds.
    fn may_be_in(&self, facts: &FrameFacts) -> bool {
        let frame = facts.oldest.second()..=facts.newest.second();
        let is_empty = facts.oldest > facts.newest;
        !is_empty && self.seconds.as_ref().is_none_or(|seconds| seconds.range(frame).next().is_some())
    }
}

impl Journal {
    /// Hands on the durable records that are sought, in no order that could be relied on; `false` when `stops` has ended it
    /// before all were found. Blocks: it reads about as much as stands in the trail of that time.
    ///
    /// Damaged lines are passed over. Fails if the folder cannot be read.
    pub fn among(
        &self,
        sought: &Sought,
        stops: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&Record),
    ) -> Result<bool, JournalError> {
        let through = self.newest();
        if through == Seq::NONE || sought.ids.is_empty() {
            return Ok(true);
        }
        let texts: Vec<String> = sought.ids.iter().map(ToString::to_string).collect();
        let beginnings: Vec<&str> = texts.iter().map(String::as_str).collect();
        for part in Folder::from(self).parts()? {
            let frames = part.index().map(|index| frames(index, sought, &beginnings)).unwrap_or_default();
            let scans = frames.into_iter().map(|frame| part.scan_frame(frame));
            let has_rest = part.has_rest() && part.first() <= through;
            let rest = has_rest.then(|| part.scan_rest().map(|scan| scan.through(through)));
            for scan in scans.chain(rest) {
                if !look(scan?, sought, stops, take)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// The frames that may have one of them.
fn frames(index: &Index, sought: &Sought, beginnings: &[&str]) -> Vec<usize> {
    let all = index.frames().iter().enumerate().filter(|(_, facts)| sought.may_be_in(facts));
    let mut all: Vec<usize> = all.map(|(frame, _)| frame).collect();
    if !sought.all
        && !all.is_empty()
        && let Some(set) = index.with_ids(beginnings)
    {
        all.retain(|&frame| set.contains(frame));
    }
    all
}

/// False when it was ended.
fn look(
    mut scan: Scan,
    sought: &Sought,
    stops: &dyn Fn() -> bool,
    take: &mut dyn FnMut(&Record),
) -> Result<bool, JournalError> {
    let wants = |body: &[u8]| sought.all || id_of(body).is_none_or(|id| sought.ids.contains(&id));
    let mut lines = 0_u64;
    // A segment without an index is read whole.
    while let Some(line) = scan.next_of(&mut |body| {
        lines += 1;
        wants(body) || lines.is_multiple_of(LINES_UNASKED) && stops()
    }) {
        match line {
            Ok(mut line) => {
                line.decode().iter().filter(|record| sought.wants(record)).for_each(&mut *take);
            }
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
        if stops() {
            return Ok(false);
        }
    }
    Ok(!stops())
}

/// The id of a line in the form that is written; `None` where that takes more than a look.
fn id_of(body: &[u8]) -> Option<EventId> {
    let rest = body.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (id, rest) = rest[digits..].strip_prefix(b",\"id\":\"")?.split_first_chunk::<32>()?;
    rest.starts_with(b"\"").then_some(())?;
    EventId::parse(std::str::from_utf8(id).ok()?)
}

/// How many lines of no interest are passed over before it is asked whether to stop.
const LINES_UNASKED: u64 = 1000;
