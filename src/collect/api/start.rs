//! Takes up every sensor that is asked where the journal says it was left.

use super::known::Known;
use super::plan::Plan;
use super::{ApiSettings, Defects, Poller, Settings};
use crate::journal::{FollowedFile, Input, Journal, JournalError};
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
    let mut known = remembered(common, journal, now);
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
        silent_told: false,
        defects: Defects::default(),
        clock_told_seconds: 0,
        shown: Arc::new(Mutex::new(status.clone())),
        status,
    }
}

/// What the journal has of each source, as far back as the API can show it.
fn remembered(common: &Settings, journal: &Journal, now: Time) -> HashMap<Text, (Known, Option<EventId>)> {
    let mut known: HashMap<Text, (Known, Option<EventId>)> =
        common.apis.iter().map(|api| (api.name.clone(), Default::default())).collect();
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
