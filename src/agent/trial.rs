//! A try: events go to a destination and to nothing else, by the same driver and with the same evidence as always, from
//! a journal of their own that is gone afterwards.

use super::{AgentError, now};
use crate::forward::{self, Destination, Settings};
use crate::journal::{self, Draft, Input, Journal, JournalError};
use crate::model::act::Tested;
use crate::model::status::{Cause, DestinationStatus};
use crate::model::{Event, Record, Seq};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Sends events and waits for the evidence, for `within` at most; a destination that fails is not tried again. Blocks.
///
/// `folder` is empty and takes the journal.
pub fn try_out(
    settings: &Settings,
    folder: &Path,
    events: Vec<Event>,
    within: Duration,
) -> Result<Tested, AgentError> {
    let (journal, destination) = open(settings.clone(), journal_in(folder, events.first()), events)?;
    let (through, begun) = (journal.newest(), Instant::now());
    let handle = destination.handle();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|source| AgentError::Start { what: "a network thread", source })?;
    let (stop, stopped) = watch::channel(false);
    runtime.spawn(destination.run(stopped));
    let mut status = handle.status();
    while begun.elapsed() < within && is_pending(&status, through) {
        std::thread::sleep(LOOK_EVERY);
        status = handle.status();
    }
    let tested = tested(&status, through, begun.elapsed());
    // What goes on is broken off: it has been tried.
    let _ = stop.send(true);
    runtime.shutdown_background();
    let records = records(&journal, Seq::NONE, through);
    Ok(Tested { messages: forward::messages(settings, journal.stream(), Seq::NONE, &records), ..tested })
}

fn open(
    settings: Settings,
    of: journal::Settings,
    events: Vec<Event>,
) -> Result<(Journal, Destination), JournalError> {
    let journal = Journal::open(of, now())?;
    let drafts = events.into_iter().map(|event| Draft { event, position: None, mark: None }).collect();
    journal.append(Input { drafts, ..Input::default() }, now())?;
    let destination = Destination::open(settings, journal.clone(), now)?;
    Ok((journal, destination))
}

fn journal_in(folder: &Path, first: Option<&Event>) -> journal::Settings {
    journal::Settings {
        state_dir: folder.to_owned(),
        sensor: first.map(|event| event.sensor.to_string()).unwrap_or_default(),
        bytes_max: 64 << 20,
        age_max: Duration::from_secs(86_400),
        segment_bytes_max: 8 << 20,
        recent_bytes_max: 8 << 20,
        reserve_bytes: 4096,
        seal: false,
        destinations: Vec::new(),
    }
}

/// Whether something may still come of it.
pub(super) fn is_pending(status: &DestinationStatus, through: Seq) -> bool {
    status.confirmed < through && (status.error.is_empty() || status.state != "waiting")
}

/// What became of the records up to `through`, `after` they were durable.
pub(super) fn tested(status: &DestinationStatus, through: Seq, after: Duration) -> Tested {
    let confirmed = status.confirmed >= through;
    let error = match (confirmed, status.error.as_str()) {
        (true, _) => String::new(),
        (false, "") => "no evidence has come yet".to_owned(),
        (false, error) => error.to_owned(),
    };
    Tested {
        destination: status.name.clone(),
        address: status.address.clone(),
        tls: status.tls.clone(),
        confirmed,
        evidence: status.evidence.clone(),
        after_millis: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
        error,
        cause: if confirmed { Cause::Unknown } else { status.cause },
        frames: status.frames,
        messages: Vec::new(),
    }
}

/// The records after `after` up to `through`; blocks on the disk.
pub(super) fn records(journal: &Journal, after: Seq, through: Seq) -> Vec<Record> {
    journal.scan().after(after).through(through).flatten().filter_map(|mut line| line.decode()).collect()
}

const LOOK_EVERY: Duration = Duration::from_millis(10);
