//! The whole picture: what every room says of itself, and what is wrong with it.

use super::acts::Acts;
use super::reload::Reloader;
use crate::collect;
use crate::config::Config;
use crate::forward;
use crate::journal::Journal;
use crate::model::status::{ControlStatus, DestinationStatus, SourceStatus, Status};
use crate::model::{Outcome, Time};
use crate::transport::{self, Certificate};
use std::sync::Mutex;

/// Where the parts of the status come from.
pub(super) struct Overview {
    pub since: Time,
    pub journal: Journal,
    pub collecting: collect::Handle,
    pub asking: Vec<collect::PollerHandle>,
    pub destinations: Vec<forward::Handle>,
    /// For them, in the same order.
    pub replayers: Vec<forward::Replayer>,
    pub acts: Acts,
    /// Held while a file is backfilled.
    pub backfilling: Mutex<()>,
    pub reloader: Reloader,
}

impl Overview {
    /// The config in use.
    pub(super) fn config(&self) -> &Config {
        &self.reloader.in_use().config
    }

    /// The status now; may read the journal's files.
    pub(super) fn status(&self) -> Status {
        let asked = self.asking.iter().map(collect::PollerHandle::status);
        let mut status = Status {
            version: crate::VERSION.into(),
            pid: std::process::id(),
            sensor: self.config().sensor.clone(),
            since: self.since.to_string(),
            config: self.reloader.status(),
            healthy: true,
            control: ControlStatus::default(),
            problems: Vec::new(),
            sources: self.collecting.status().into_iter().chain(asked).collect(),
            journal: self.journal.status(),
            destinations: self.destinations(),
        };
        status.problems = problems(&status);
        status.healthy = status.problems.is_empty();
        status
    }

    /// How each destination is, with our certificates on disk where they are not those in use; reads their file.
    pub(super) fn destinations(&self) -> Vec<DestinationStatus> {
        let destinations = self.destinations.iter().zip(&self.config().destinations);
        let with_own = |(handle, settings): (&forward::Handle, &forward::Settings)| {
            let mut status = handle.status();
            let link = settings.links().find(|link| link.net.tls.is_some());
            // What is wrong with the file is told where it is used.
            let on_disk = link.map(transport::own).unwrap_or_default();
            add_own(&mut status, &on_disk);
            status
        };
        destinations.map(with_own).collect()
    }

    /// What the heartbeat says, and whether all is well.
    pub(super) fn heartbeat(&self) -> (String, Outcome) {
        let status = self.status();
        let entries: u64 = status.sources.iter().map(|source| source.entries).sum();
        let lag = status.destinations.iter().map(|destination| destination.lag_records).max().unwrap_or(0);
        let more = status.problems.len().saturating_sub(PROBLEMS_TOLD);
        let told = status.problems[..status.problems.len() - more].join("; ");
        let state = match more {
            _ if status.healthy => "healthy".to_owned(),
            0 => told,
            more => format!("{told}; {more} more problems, see otrail status"),
        };
        let message =
            format!("{state}; {entries} entries read since the start, {lag} records not confirmed yet");
        (message, if status.healthy { Outcome::Success } else { Outcome::Failure })
    }
}

/// Before the first connection what is on disk is what will be used.
fn add_own(status: &mut DestinationStatus, on_disk: &[Certificate]) {
    let in_use = status.certificates.iter().filter(|one| one.whose == "own");
    let in_use: Vec<String> = in_use.map(|one| one.fingerprint.clone()).collect();
    let whose = if in_use.is_empty() { "own" } else { "own-on-disk" };
    let others = on_disk.iter().map(|seen| forward::certificate_status(whose, seen));
    status.certificates.extend(others.filter(|one| !in_use.contains(&one.fingerprint)));
}

/// One sentence for each thing that is not as it should be.
fn problems(status: &Status) -> Vec<String> {
    let mut problems: Vec<String> = status.sources.iter().filter_map(source_problem).collect();
    if !status.config.unused.is_empty() {
        problems.push(format!("the config that was read last is not in use: {}", status.config.unused));
    }
    if status.journal.full {
        problems.push("the journal is full, reading is paused".into());
    }
    if !status.journal.error.is_empty() {
        problems.push(format!("journal: {}", status.journal.error));
    }
    if status.journal.damaged > 0 {
        problems.push(format!("{} damaged ranges of the journal were set aside", status.journal.damaged));
    }
    problems.extend(status.destinations.iter().filter_map(destination_problem));
    problems.extend(status.destinations.iter().filter_map(files_problem));
    problems
}

fn source_problem(source: &SourceStatus) -> Option<String> {
    (!source.error.is_empty()).then(|| format!("source {}: {}", source.name, source.error))
}

/// A link that is up again after an error is not good yet: with TLS 1.3 the refusal of our certificate comes later.
fn destination_problem(destination: &DestinationStatus) -> Option<String> {
    let reason = if destination.error.is_empty() { "is not connected" } else { &destination.error };
    let bad = destination.state == "waiting" || !destination.error.is_empty();
    bad.then(|| format!("destination {}: {reason}", destination.name))
}

/// All is well until the next start, which has nothing but the files.
fn files_problem(destination: &DestinationStatus) -> Option<String> {
    let DestinationStatus { name, files_unused: why, .. } = destination;
    (!why.is_empty())
        .then(|| format!("destination {name}: its TLS files are not used, those read before are: {why}"))
}

/// Problems that a heartbeat names: hundreds of sensors may be away at once.
const PROBLEMS_TOLD: usize = 8;
