//! Takes up every sensor that is asked where the journal says it was left.

use super::known::Known;
use super::plan::Plan;
use super::{ApiSettings, Defects, Poller, Settings};
use crate::journal::{FollowedFile, Input, Journal, JournalError, Return};
use crate::model::status::SourceStatus;
use crate::model::{EventId, FileNo, Flag, Text, Time};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A poller for each source of that kind; new ones are in the journal's table afterwards. Blocks on the disk.
pub fn open_all(
    common: &Arc<Settings>,
    journal: &Journal,
    clock: fn() -> Time,
) -> Result<Vec<Poller>, JournalError> {
    if common.apis.is_empty() {
        return Ok(Vec::new());
    }
    let now = clock();
    let mut known = remembered(common.apis.iter().map(|api| &api.name), journal, now);
    let mut input = Input::default();
    let mut last_file = journal.last_file();
    let mut pollers = Vec::with_capacity(common.apis.len());
    for settings in &common.apis {
        let path = PathBuf::from(settings.url.to_string());
        let before = journal.files_of(&settings.name).into_iter().rfind(|file| file.path == path);
        let file = before.unwrap_or_else(|| {
            last_file = FileNo(last_file.0 + 1);
            let birth = u64::try_from(now.millis()).ok().map(|millis| millis * 1_000_000);
            let file = FollowedFile {
                number: last_file,
                source: settings.name.clone(),
                path,
                birth,
                ..Default::default()
            };
            input.files.push(file.clone());
            file
        });
        let (known, last_event) = known.remove(&settings.name).unwrap_or_default();
        pollers.push(poller(common, settings, journal, clock, file, known, last_event));
    }
    if !input.files.is_empty() {
        crate::collect::waits_for_space(journal.append(input, now))?;
    }
    Ok(pollers)
}

fn poller(
    common: &Arc<Settings>,
    settings: &ApiSettings,
    journal: &Journal,
    clock: fn() -> Time,
    file: FollowedFile,
    known: Known,
    last_event: Option<EventId>,
) -> Poller {
    let status = SourceStatus {
        name: settings.name.to_string(),
        sensor: settings.sensor.to_string(),
        kind: "api".to_owned(),
        path: settings.url.to_string(),
        state: "starting".to_owned(),
        dialect: "timeline-json".to_owned(),
        dialect_reason: "the API's own".to_owned(),
        ..SourceStatus::default()
    };
    // Many sensors are not asked all at once.
    let spread = (START_APART * u32::try_from(common.apis.len()).unwrap_or(u32::MAX)).min(settings.interval);
    let plan = Plan::new(settings.interval, spread.mul_f64(fastrand::f64()), fastrand::f64());
    let url = settings.url.to_string();
    let its_return = Return::Source { name: &settings.name, at: &url };
    let owes_return = journal.owes(its_return);
    if !owes_return {
        // One of a log that was followed under this name is never told.
        journal.try_to_owe(its_return, false);
    }
    Poller {
        common: Arc::clone(common),
        settings: settings.clone(),
        journal: journal.clone(),
        clock,
        begun: Instant::now(),
        plan,
        known,
        resumed: false,
        file,
        told: Instant::now(),
        last_event,
        refused: None,
        failing: false,
        owes_return,
        silent_told: false,
        defects: Defects::default(),
        clock_told_seconds: 0,
        shown: Arc::new(Mutex::new(status.clone())),
        status,
    }
}

/// What the journal has of each source, as far back as the API can show it.
fn remembered<'a>(
    sources: impl Iterator<Item = &'a Text>,
    journal: &Journal,
    now: Time,
) -> HashMap<Text, (Known, Option<EventId>)> {
    let mut known: HashMap<Text, (Known, Option<EventId>)> =
        sources.map(|name| (name.clone(), Default::default())).collect();
    let shown_since = now.plus_millis(-REMEMBERED_MILLIS);
    let since = journal.before(shown_since);
    for mut line in journal.scan().after(since).through(journal.newest()).flatten() {
        let Some(record) = line.decode() else { continue };
        let is_brought = record.event.flags.contains(Flag::BACKFILLED);
        // Of what an admin has brought, the API shows what is as new as that.
        if let Some((known, last)) =
            known.get_mut(&record.event.source).filter(|_| !is_brought || record.event.time >= shown_since)
        {
            known.remember(&record.event);
            *last = Some(record.event.id).filter(|_| !is_brought).or(*last);
        }
    }
    known
}

const START_APART: Duration = Duration::from_millis(100);
/// The API shows three days; a day more for clocks that are wrong.
const REMEMBERED_MILLIS: i64 = 4 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::super::known::Shown;
    use super::super::tests::{BEGIN_SECONDS, parsed};
    use super::*;
    use crate::dialect::Parsed;
    use crate::journal::{self, Draft};
    use crate::model::Event;

    /// A row of so many days after the first.
    fn row(day: i64) -> Parsed {
        parsed("USER_OPERATION", day * 86_400, "text")
    }

    fn event(day: i64, now: Time) -> Event {
        let Parsed { event, identity, .. } = row(day);
        Event { id: identity.id(0), seen: now, source: "api".into(), ..event }
    }

    #[test]
    fn what_an_admin_has_brought_is_known_as_far_as_the_api_shows_it_and_is_not_the_last_that_came() {
        let now = Time::from_millis((BEGIN_SECONDS + 10 * 86_400) * 1000).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(journal::Settings::example(folder.path()), now).unwrap();
        let [came, old, new] = [9, 1, 8].map(|day| event(day, now));
        let brought = [old.clone(), new].map(|mut event| {
            event.flags.insert(Flag::BACKFILLED);
            event
        });
        let drafts = [came.clone()].into_iter().chain(brought);
        let drafts = drafts.map(|event| Draft { event, position: None, mark: None }).collect();
        journal.append(Input { drafts, ..Input::default() }, now).unwrap();
        let name = Text::from("api");
        let (mut known, last) = remembered([&name].into_iter(), &journal, now).remove(&name).unwrap();
        assert_eq!(last, Some(came.id));
        let shown = Shown { is_full: false, is_whole: true, at: now, past_until: Some(now) };
        let rows = known.take("USER_OPERATION", vec![row(9), row(8), row(1)], shown).events;
        // One that old is shown again only where the sensor tells of it anew: the trail has it from both then.
        assert_eq!(rows.iter().map(|event| event.id).collect::<Vec<_>>(), [old.id]);
    }
}
