//! What a destination tells: its status, and the events of its loss and return.

mod files;

use super::batch::Encoded;
use super::delivery::{Delivery, STAYED};
use super::evidence::Level;
use super::settings::Settings;
use super::suspect::Suspect;
use crate::journal::{Journal, Next};
use crate::model::status::{AddressStatus, Cause, CertificateStatus, DestinationStatus};
use crate::model::{Action, Event, Outcome, Record, Seq, Target, Time};
use crate::transport::{Certificate, Link};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The status of a destination, for other threads.
#[derive(Clone)]
pub struct Handle {
    status: Arc<Mutex<DestinationStatus>>,
    journal: Journal,
    clock: fn() -> Time,
}

impl Handle {
    /// The status now.
    pub fn status(&self) -> DestinationStatus {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let newest = self.journal.newest();
        status.lag_records = newest.0.saturating_sub(status.confirmed.0);
        status.lag_seconds =
            if status.lag_records == 0 { 0 } else { self.age_after(status.confirmed, newest) };
        status
    }

    /// The same without how far it is behind, which may take a look at the files.
    pub(super) fn told(&self) -> DestinationStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Seconds since the first record after `confirmed` was read from its log.
    fn age_after(&self, confirmed: Seq, newest: Seq) -> u64 {
        let seen = match self.journal.next_after(confirmed) {
            Next::Records { batch, from } => batch.get(from).map(|record| record.event.seen),
            Next::Nothing => None,
            Next::Behind => {
                let mut lines = self.journal.scan().after(confirmed).through(newest).flatten();
                lines.next().and_then(|mut line| line.decode()).map(|record| record.event.seen)
            }
        };
        let age = seen.map_or(0, |seen| (self.clock)().millis().saturating_sub(seen.millis()) / 1000);
        u64::try_from(age).unwrap_or(0)
    }
}

/// Keeps the status, and tells a loss and a return once each.
pub(super) struct Report {
    name: String,
    handle: Handle,
    /// The address in use, or that is tried.
    at: usize,
    lost_told: bool,
    /// The trail has told a loss, perhaps before a restart, and no return since.
    pub(super) owes_return: bool,
    /// What was said on stderr since the loss: each cause is said once.
    said: Vec<String>,
    up_since: Option<Instant>,
    /// The peer has given evidence since the last loss: it does accept us.
    accepted: bool,
    /// What a peer may have against us that closes a fresh link without a word, as rsyslog with GnuTLS does.
    suspicion: Option<&'static str>,
}

impl Report {
    pub(super) fn new(
        settings: &Settings,
        addresses: Vec<String>,
        journal: Journal,
        clock: fn() -> Time,
        confirmed: Seq,
    ) -> Report {
        let status = DestinationStatus {
            name: settings.name.clone(),
            address: addresses.first().cloned().unwrap_or_default(),
            addresses: addresses
                .into_iter()
                .map(|address| AddressStatus { address, ..AddressStatus::default() })
                .collect(),
            state: "connecting".into(),
            select: settings.select.iter().flat_map(|select| select.words()).collect(),
            evidence: settings.evidence.name().into(),
            confirmed,
            sent: confirmed,
            ..DestinationStatus::default()
        };
        let handle = Handle { status: Arc::new(Mutex::new(status)), journal, clock };
        let suspicion = settings.link.net.tls.as_ref().map(|tls| match tls.cert_file {
            None => "it may demand a client certificate: set cert-file and key-file",
            Some(_) => {
                "it may not accept our client certificate: check cert-file here and the trusted CA there"
            }
        });
        let name = settings.name.clone();
        Report {
            name,
            handle,
            at: 0,
            lost_told: false,
            owes_return: false,
            said: Vec::new(),
            up_since: None,
            accepted: false,
            suspicion,
        }
    }

    /// That of a driver beside the usual one: what it is for stands behind the name.
    pub(super) fn of(mut self, what: &str) -> Report {
        self.name.push_str(&format!(" ({what})"));
        self
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    fn status(&self) -> MutexGuard<'_, DestinationStatus> {
        self.handle.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn progress(&self, delivery: &Delivery, newest: Seq) {
        let mut status = self.status();
        status.confirmed = delivery.confirmed().min(newest);
        (status.sent, status.last) = (delivery.sent(), delivery.prev());
        status.window_bytes = delivery.window_bytes() as u64;
    }

    pub(super) fn connected(&mut self, address: usize, link: &Link, own: &[Certificate]) {
        self.up_since = Some(Instant::now());
        self.trying(address);
        let mut status = self.status();
        let since = self.now().to_string();
        for (place, address) in status.addresses.iter_mut().enumerate() {
            address.in_use = place == self.at;
        }
        if let Some(address) = status.addresses.get_mut(self.at) {
            (address.peer, address.connected_at) = (link.peer_address().to_string(), since);
            address.error.clear();
            address.connections += 1;
        }
        status.state = "connected".into();
        status.connected_since = self.now().to_string();
        status.tls = link.about();
        let peers = link.peer_certificates().iter().enumerate();
        let peers =
            peers.map(|(at, seen)| certificate_status(if at == 0 { "peer" } else { "peer-chain" }, seen));
        status.certificates = peers.chain(own.iter().map(|own| certificate_status("own", own))).collect();
        status.round_trip_us = 0;
        status.connections += 1;
    }

    /// The destination turns to this address.
    pub(super) fn trying(&mut self, address: usize) {
        self.at = address;
        let mut status = self.status();
        if let Some(shown) = status.addresses.get(address).map(|address| address.address.clone()) {
            status.address = shown;
        }
    }

    pub(super) fn sent(&self, encoded: &Encoded) {
        let mut status = self.status();
        status.frames += encoded.frames;
        status.resent += encoded.resent;
        status.passed_over += encoded.passed_over;
    }

    /// So many more records are not selected.
    pub(super) fn passed_over(&self, count: u64) {
        self.status().passed_over += count;
    }

    pub(super) fn problem(&self, error: &str) {
        tracing::warn!("{}: {error}", self.name);
        let mut status = self.status();
        error.clone_into(&mut status.error);
        status.cause = Cause::Unknown;
    }

    /// What was a problem beside the link is none any more.
    pub(super) fn no_problem(&self) {
        if !self.lost_told {
            self.status().error.clear();
        }
    }

    /// The peer ended the link without saying why. What that may mean when it was a fresh one: what it has `said` tells, or
    /// it is our certificate.
    pub(super) fn ended(&mut self, error: &str, said: Option<&str>) -> Option<Event> {
        let fresh = self.up_since.is_some() && !self.has_stayed() && !self.accepted;
        match (said, self.suspicion) {
            (Some(said), _) if fresh => self.lost_by(Cause::AnotherServer, &format!("{error}; {said}")),
            (None, Some(suspicion)) if fresh => self.lost(&format!("{error}; {suspicion}")),
            _ => self.lost(error),
        }
    }

    /// Whether the peer has kept the present link for a while: with TLS 1.3 a refusal comes after the handshake.
    pub(super) fn has_stayed(&self) -> bool {
        self.up_since.is_some_and(|since| since.elapsed() >= STAYED)
    }

    /// The link is gone or did not come up. The event to journal, once for each loss.
    pub(super) fn lost(&mut self, error: &str) -> Option<Event> {
        self.lost_by(Cause::Unknown, error)
    }

    pub(super) fn lost_by(&mut self, cause: Cause, error: &str) -> Option<Event> {
        self.up_since = None;
        self.accepted = false;
        {
            let mut status = self.status();
            status.state = "waiting".into();
            status.connected_since.clear();
            status.tls.clear();
            status.round_trip_us = 0;
            error.clone_into(&mut status.error);
            status.cause = cause;
            if let Some(address) = status.addresses.get_mut(self.at) {
                address.in_use = false;
                error.clone_into(&mut address.error);
            }
        }
        if self.said.len() < CAUSES_MAX && !self.said.iter().any(|said| said == error) {
            tracing::warn!("{}: {error}", self.name);
            self.said.push(error.to_owned());
        }
        if std::mem::replace(&mut self.lost_told, true) {
            return None;
        }
        self.owes_return = true;
        Some(self.event(Action::DESTINATION_LOST, Outcome::Failure, error))
    }

    /// The peer has shown that everything arrived.
    pub(super) fn delivered(&mut self, level: Level) -> Option<Event> {
        let before = std::mem::replace(&mut self.status().evidence, level.name().to_owned());
        if level == Level::Fin && before != level.name() {
            tracing::warn!(
                "{}: the peer ends connections without a TLS close; its FIN counts, which is weaker evidence",
                self.name
            );
        }
        self.accepted = true;
        self.restored()
    }

    /// The address in use, and that of the peer if it is another.
    pub(super) fn peer(&self) -> String {
        let status = self.status();
        match status.addresses.get(self.at) {
            Some(at) if at.peer.is_empty() || at.peer == at.address => at.address.clone(),
            Some(at) => format!("{} [{}]", at.address, at.peer),
            None => status.address.clone(),
        }
    }

    /// From a probe to its answer.
    pub(super) fn round_trip(&self, round_trip: Option<Duration>) {
        let micros = round_trip.unwrap_or_default().as_micros();
        self.status().round_trip_us = u64::try_from(micros).unwrap_or(u64::MAX);
    }

    /// The link is still up: once the peer has kept it for a while the loss is over.
    pub(super) fn still_up(&mut self) -> Option<Event> {
        if self.owes_return && self.has_stayed() { self.restored() } else { None }
    }

    fn restored(&mut self) -> Option<Event> {
        self.lost_told = false;
        if !std::mem::take(&mut self.owes_return) {
            return None;
        }
        self.said.clear();
        self.status().error.clear();
        tracing::info!("{}: connected again", self.name);
        Some(self.event(Action::DESTINATION_RESTORED, Outcome::Success, "connected again"))
    }

    /// A record is suspected, and so many of its refusals count; `None`: no longer.
    pub(super) fn suspects(&self, suspect: Option<&Suspect>) {
        let mut status = self.status();
        status.suspect = suspect.map(Suspect::seq).unwrap_or_default();
        status.suspect_refusals = suspect.map_or(0, Suspect::refusals);
    }

    /// A trial beside the window is over; `error`: what became of it.
    pub(super) fn tried(&self, trial: &DestinationStatus, error: &str) {
        let mut status = self.status();
        status.frames += trial.frames;
        status.resent += trial.resent;
        status.connections += trial.connections;
        if !error.is_empty() {
            error.clone_into(&mut status.error);
        }
    }

    /// A record is set aside: what to journal.
    pub(super) fn set_aside(&self, record: &Record, refusals: u32, kept: Option<&str>) -> Event {
        let mut status = self.status();
        status.set_aside += 1;
        let (seq, id) = (record.seq, record.event.id);
        let kept = kept
            .map_or_else(|| "dead/ is full, so that".to_owned(), |kept| format!("it is kept in {kept}, and"));
        let message = format!(
            "record {seq}, id {id}, was not delivered: the server refused it each of {refusals} times that it was sent \
             alone, and took others in between; {kept} `otrail replay` can send it from the journal"
        );
        let reason = status.error.clone();
        drop(status);
        Event { count: Some(u64::from(refusals)), ..self.aside(record, &message, &reason) }
    }

    /// The same of one that otrail cannot write, by a defect of its own.
    pub(super) fn set_aside_unwritten(&self, record: &Record, reason: &str, kept: Option<&str>) -> Event {
        self.status().set_aside += 1;
        let (seq, id) = (record.seq, record.event.id);
        let kept =
            kept.map_or_else(|| "dead/ is full".to_owned(), |kept| format!("a copy of it is kept in {kept}"));
        let message = format!(
            "record {seq}, id {id}, was not delivered: it cannot be written for this destination, by a defect of otrail, \
             please report it; {kept}, and `otrail replay` of a version without that defect can send it from the journal"
        );
        self.aside(record, &message, reason)
    }

    fn aside(&self, record: &Record, message: &str, reason: &str) -> Event {
        tracing::warn!("{}: {message}: {reason}", self.name);
        let event = self.event(Action::EVENT_SET_ASIDE, Outcome::Failure, message);
        let (name, id) = (Some(self.name.as_str().into()), Some(record.event.id.to_string().into()));
        let target = Target { kind: "destination".into(), name, id };
        Event { target: Some(Box::new(target)), reason: Some(reason.into()), ..event }
    }

    /// Another set of TLS files is in use; these are the fingerprints of our certificate before and now.
    pub(super) fn files_changed(&self, before: Option<&str>, now: Option<&str>) -> Event {
        let message = match (before, now) {
            (Some(before), Some(now)) if before != now => {
                format!("the peer takes the new certificate, and it is in use now: {before} -> {now}")
            }
            _ => "the replaced CA, CRL, certificate or key file is in use now; our certificate is the same"
                .into(),
        };
        tracing::info!("{}: {message}", self.name);
        self.event(Action::CERTIFICATE_CHANGED, Outcome::Success, &message)
    }

    fn event(&self, action: Action, outcome: Outcome, message: &str) -> Event {
        let mut event = Event::own(action, outcome, self.now(), format!("{}: {message}", self.name));
        let name = Some(self.name.as_str().into());
        event.target = Some(Box::new(Target { kind: "destination".into(), name, id: None }));
        event
    }

    pub(super) fn clock(&self) -> fn() -> Time {
        self.handle.clock
    }

    pub(super) fn now(&self) -> Time {
        (self.handle.clock)()
    }
}

/// A certificate as status shows it.
pub fn certificate_status(whose: &str, seen: &Certificate) -> CertificateStatus {
    CertificateStatus {
        whose: whose.into(),
        subject: seen.subject.clone(),
        fingerprint: seen.fingerprint.to_string(),
        until: seen.not_after.to_string(),
    }
}

/// A peer that has another reason each time does not fill the log.
const CAUSES_MAX: usize = 8;
