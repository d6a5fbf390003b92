//! The wanted records of a journal or of a part of it, in its own order. The one place where answers read the journal.

use super::keys::Key;
use super::needle::Needle;
use super::plan::{Stretch, is_asked};
use crate::filter::Filter;
use crate::journal::{FrameFacts, Frames, JournalError, Line, Part, Scan, Unpacked};
use crate::model::{Record, Seq, error_text};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Records after `after` and up to `through` that the filter wants.
pub fn newer(
    state_dir: &Path,
    filter: &Arc<Filter>,
    after: Seq,
    through: Seq,
) -> Result<Wanted, JournalError> {
    // A journal without a record may have no file yet.
    let scan = match after < through {
        true => Some(Scan::open(state_dir)?.after(after).through(through)),
        false => None,
    };
    Ok(Wanted { scan, ..Wanted::new(filter) })
}

/// See `newer`. What cannot be read is left out and named in `missing`.
pub struct Wanted {
    scan: Option<Scan>,
    /// The frames of the part that was searched last.
    frames: Option<(usize, Frames)>,
    filter: Arc<Filter>,
    needle: Needle,
    missing: Missing,
}

impl Wanted {
    /// Reads nothing yet.
    pub(super) fn new(filter: &Arc<Filter>) -> Wanted {
        Wanted {
            scan: None,
            frames: None,
            filter: Arc::clone(filter),
            needle: Needle::new(filter),
            missing: Missing::default(),
        }
    }

    /// Goes on with another part of the journal. False when there is so much damage that no more is read.
    fn go_on(&mut self, scan: Result<Scan, JournalError>) -> bool {
        match scan {
            Ok(scan) => {
                self.scan = Some(scan);
                !self.missing.is_full()
            }
            Err(error) => {
                self.scan = None;
                self.missing.add(&error_text(&error))
            }
        }
    }

    /// The same, where it is known before that records are missing.
    pub(super) fn without(mut self, missing: &[String]) -> Wanted {
        for problem in missing {
            self.missing.add(problem);
        }
        self
    }

    /// Why records may be missing, one sentence each; empty if none is.
    pub fn missing(&self) -> &[String] {
        &self.missing.0
    }

    /// Calls `found` with each wanted record of a part of the journal, until it says no. False when that was so, or
    /// there is so much damage that no more is read. `most`: no more of its records are wanted than so many.
    pub(super) fn each(
        &mut self,
        (stretch, part): (&Stretch, &Part),
        most: Option<u64>,
        through: Seq,
        found: Found<'_>,
    ) -> bool {
        self.each_unseen((stretch, part), most, through, None, found)
    }

    /// The same of those that a look at their lines does not deal with.
    pub(super) fn each_unseen(
        &mut self,
        (stretch, part): (&Stretch, &Part),
        most: Option<u64>,
        through: Seq,
        mut see: Option<See<'_>>,
        found: Found<'_>,
    ) -> bool {
        match self.each_of_frame((stretch, part), most, through, &mut see, found) {
            Ok(Some(go_on)) => return go_on,
            Ok(None) => {}
            Err(error) => return self.missing.add(&error_text(&error)),
        }
        if !self.go_on(stretch.scan(part, through)) {
            return false;
        }
        while let Some((key, record, bytes)) = self.read_on(&mut see) {
            if !found(key, record, bytes) {
                return false;
            }
        }
        !self.missing.is_full()
    }

    /// The same of a frame that the index knows, by one look at all of it; `None` when that is not possible.
    fn each_of_frame(
        &mut self,
        (stretch, part): (&Stretch, &Part),
        most: Option<u64>,
        through: Seq,
        see: &mut Option<See<'_>>,
        found: Found<'_>,
    ) -> Result<Option<bool>, JournalError> {
        let known = part.index().zip(stretch.frame);
        let known =
            known.and_then(|(index, frame)| Some((frame, index.begin(frame)?, index.frames().get(frame)?)));
        let Some((number, begin, facts)) = known else { return Ok(None) };
        let frames = match self.frames.take() {
            Some((of, frames)) if of == stretch.part => Some(frames),
            _ => part.unpack()?,
        };
        let Some(mut frames) = frames else { return Ok(None) };
        if let Some(most) = most.filter(|&most| most <= FEW)
            && let Some(few) = self.few_of_frame(&mut frames, (number, begin, facts), most, through)?
        {
            self.frames = Some((stretch.part, frames));
            return Ok(Some(few.into_iter().all(|(key, record, bytes)| found(key, record, bytes))));
        }
        let Some(unpacked) = frames.unpack(number, begin, facts)? else { return Ok(None) };
        let missing = &mut self.missing;
        let all = 0..unpacked.bytes().len();
        let go_on =
            each_line((&self.filter, &self.needle), (&unpacked, all), through, see, &mut |read| match read {
                Ok((key, record, bytes)) => found(key, record, bytes),
                Err(problem) => missing.add(&problem),
            });
        self.frames = Some((stretch.part, frames));
        Ok(Some(go_on))
    }

    /// The wanted records of a frame that has no more than so many of them: what is behind the last is not unpacked. `None`
    /// when something is wrong with what is.
    fn few_of_frame(
        &self,
        frames: &mut Frames,
        (number, begin, facts): (usize, u64, &FrameFacts),
        most: u64,
        through: Seq,
    ) -> Result<Option<Vec<Row>>, JournalError> {
        if !frames.begin(number, facts)? {
            return Ok(None);
        }
        let (mut rows, mut at, mut is_whole) = (Vec::new(), 0, true);
        loop {
            let Some((more, unpacked)) = frames.more(begin, facts) else { return Ok(None) };
            let end = memchr::memrchr(b'\n', unpacked.bytes()).map_or(0, |feed| feed + 1);
            each_line((&self.filter, &self.needle), (&unpacked, at..end), through, &mut None, &mut |read| {
                is_whole = read.map(|row| rows.push(row)).is_ok();
                is_whole && (rows.len() as u64) < most
            });
            if !is_whole {
                return Ok(None);
            }
            if !more || rows.len() as u64 >= most {
                return Ok(Some(rows));
            }
            at = end;
        }
    }

    /// The next wanted record of the scan, and how long its line is.
    fn read_on(&mut self, see: &mut Option<See<'_>>) -> Option<Row> {
        loop {
            let needle = &self.needle;
            let mut wants =
                |line: &[u8]| needle.may_match(line) && !see.as_mut().is_some_and(|see| see(line));
            let read = match self.scan.as_mut()?.next_of(&mut wants)? {
                Ok(mut line) => read(&self.filter, &mut line),
                Err(JournalError::Gap { first, last })
                    if !is_asked(&self.filter, (first, last), Seq(u64::MAX)) =>
                {
                    None
                }
                Err(error) => Some(Err(error_text(&error))),
            };
            match read {
                Some(Ok(found)) => return Some(found),
                Some(Err(problem)) if !self.missing.add(&problem) => return None,
                Some(Err(_)) | None => {}
            }
        }
    }
}

/// Hands over each wanted record of some lines of a frame, or what is wrong with it, until `take` says no. False when that
/// was so.
fn each_line(
    (filter, needle): (&Filter, &Needle),
    (unpacked, range): (&Unpacked<'_>, Range<usize>),
    through: Seq,
    see: &mut Option<See<'_>>,
    take: &mut dyn FnMut(Result<Row, String>) -> bool,
) -> bool {
    let (lines, mut at) = (&unpacked.bytes()[..range.end], range.start);
    let mut places = needle.places(lines);
    while let Some(place) = places.next(at) {
        let line = unpacked.line_at(place);
        at = line.end;
        if !needle.may_match(&lines[line.clone()]) {
            continue;
        }
        if let Some(see) = see
            && let Some(body) = unpacked.body(line.clone(), through)
            && see(body)
        {
            continue;
        }
        let read = match unpacked.record(line, through) {
            Ok(None) => None,
            Ok(Some(mut line)) => read(filter, &mut line),
            Err(error) => Some(Err(error_text(&error))),
        };
        if read.is_some_and(|read| !take(read)) {
            return false;
        }
    }
    true
}

fn read(filter: &Filter, line: &mut Line) -> Option<Result<Row, String>> {
    match line.decode() {
        None => Some(Err(format!(
            "record {} cannot be read by this otrail; one that knows more may",
            line.place.seq
        ))),
        Some(record) if filter.matches(&record) => {
            Some(Ok((Key { time: record.event.time, place: line.place }, record, line.body().len())))
        }
        Some(_) => None,
    }
}

impl Iterator for Wanted {
    type Item = (Key, Record);

    fn next(&mut self) -> Option<(Key, Record)> {
        self.read_on(&mut None).map(|(key, record, _)| (key, record))
    }
}

/// A wanted record, and the length of its line.
type Row = (Key, Record, usize);

/// Looks at the line of a record before it is decoded; says whether that was enough.
pub(super) type See<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Takes a record and the length of its line; says whether to go on.
pub(super) type Found<'a> = &'a mut dyn FnMut(Key, Record, usize) -> bool;

/// Problems of one answer; a journal that has nothing else is not read to its end.
#[derive(Debug, Default)]
pub(super) struct Missing(Vec<String>);

impl Missing {
    fn is_full(&self) -> bool {
        self.0.len() > PROBLEMS_MAX
    }

    /// Says whether to go on.
    pub(super) fn add(&mut self, problem: &str) -> bool {
        if self.is_full() {
            return false;
        }
        // A segment that cannot be opened is met once for each of its frames.
        if self.0.last().is_some_and(|last| last == problem) {
            return true;
        }
        if self.0.len() == PROBLEMS_MAX {
            self.0.push("there is more damage, and the rest was not read".to_owned());
            return false;
        }
        self.0.push(problem.to_owned());
        true
    }
}

/// Records of a frame up to which it is unpacked by pieces: of more, one is near its end as a rule.
const FEW: u64 = 8;
/// More than that is a journal to `otrail journal verify`, not to ask.
const PROBLEMS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_met_again_and_again_is_one_reason_and_ends_nothing() {
        let mut missing = Missing::default();
        assert!((0..2 * PROBLEMS_MAX).all(|_| missing.add("cannot open it")));
        assert_eq!(missing.0, ["cannot open it"]);
        assert!(!(0..2 * PROBLEMS_MAX).all(|at| missing.add(&at.to_string())));
        assert_eq!(missing.0.len(), PROBLEMS_MAX + 1);
    }
}
