//! The search: reads what the plan leaves, newest first, until the answer is full.

use super::glance::Glance;
use super::keys::Newest;
use super::plan::Plan;
use super::rows::Held;
use super::wanted::{See, Wanted};
use super::{Answer, Query};
use crate::journal::{Folder, JournalError, Part};
use crate::model::Seq;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// Finds the rows of an answer: records of the journal, none newer than `through`.
///
/// Fails only if the folder cannot be read at all. `stop` ends the search early, with what was found.
pub fn answer<'a>(
    folder: impl Into<Folder<'a>>,
    query: &Query,
    through: Seq,
    stop: &AtomicBool,
) -> Result<Answer, JournalError> {
    let limit = query.limit.unwrap_or(usize::MAX);
    let (mut newest, mut held) = (Newest::new(limit.min(query.rows_max)), Held::default());
    let folder = folder.into();
    let parts = parts(&folder, through)?;
    let mut plan = Plan::new(&query.filter);
    let mut wanted = Wanted::new(&query.filter).without(&plan.holes(&parts, through));
    for stretch in plan.stretches(&parts, through) {
        // Whether rows are cut is known only once there was one too many.
        let tells_all = limit <= query.rows_max || newest.passed_over() > 0;
        if tells_all && newest.is_settled(stretch.newest) {
            break;
        }
        let part = &parts[stretch.part];
        if !plan.may_match(&stretch, part) {
            continue;
        }
        let go_on =
            wanted.each((&stretch, part), plan.most(&stretch, part), through, &mut |key, record, bytes| {
                held.add(key, record, bytes);
                newest.offer(key).map(|key| held.remove(key.place));
                !stop.load(Ordering::Relaxed)
            });
        if !go_on || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    let mut missing = wanted.missing().to_vec();
    let cut = newest.passed_over() > 0 && limit > query.rows_max;
    if cut {
        missing.push(format!(
            "more than {} rows match and these are the newest; narrow the time range or read the folder with -D",
            query.rows_max
        ));
    }
    Ok(Answer::new(folder.state_dir(), newest.in_order(query.order), missing).with(held))
}

/// Counts the rows of an answer instead of finding them, by the index where that is exact.
///
/// Fails only if the folder cannot be read at all. `stop` ends the count early, with what was found.
pub fn count<'a>(
    folder: impl Into<Folder<'a>>,
    query: &Query,
    through: Seq,
    stop: &AtomicBool,
) -> Result<Answer, JournalError> {
    let folder = folder.into();
    let parts = parts(&folder, through)?;
    let mut plan = Plan::new(&query.filter);
    let mut wanted = Wanted::new(&query.filter).without(&plan.holes(&parts, through));
    let mut stretches = plan.stretches(&parts, through);
    stretches.sort_by_key(|stretch| (stretch.part, stretch.frame));
    let count = Cell::new(0);
    let add = |records: u64| count.set(count.get() + records);
    let mut glance = Glance::new(&query.filter);
    for stretch in stretches {
        let part = &parts[stretch.part];
        if let Some(known) = plan.count(&stretch, part, through) {
            add(known);
        } else if plan.may_match(&stretch, part) {
            let most = plan.most(&stretch, part);
            let glance = glance.as_mut().filter(|_| plan.is_in_time(&stretch, part, through));
            let is_readable = plan.reads_all(&stretch, part);
            let mut see = glance.map(|glance| {
                |body: &[u8]| glance.wants(body, is_readable).map(|wants| add(u64::from(wants))).is_some()
            });
            let see = see.as_mut().map(|see| see as See<'_>);
            let go_on = wanted.each_unseen((&stretch, part), most, through, see, &mut |_, _, _| {
                add(1);
                !stop.load(Ordering::Relaxed)
            });
            if !go_on {
                break;
            }
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    let limit = query.limit.map_or(u64::MAX, |limit| limit as u64);
    Ok(Answer::of_count(folder.state_dir(), count.get().min(limit), wanted.missing().to_vec()))
}

/// A journal without a record may have no file yet.
pub(super) fn parts(folder: &Folder<'_>, through: Seq) -> Result<Vec<Part>, JournalError> {
    if through == Seq::NONE { Ok(Vec::new()) } else { folder.parts() }
}
