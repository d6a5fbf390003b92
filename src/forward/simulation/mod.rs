//! A destination over a modelled network: its machines are the real ones, the driver is this one.
//!
//! It does what `Destination` does, in the same order, one step at a time. Not covered by it: TLS itself, the kernel, how
//! tokio waits, pools and proxies, replaced certificates, `rate-max`, records set aside, a stop that does not wait.

mod close;
mod connection;
mod moment;
mod server;

pub(crate) use server::{Frame, Kind, Server};

use super::backoff::Backoff;
use super::batch::{Encoder, Most, Put};
use super::decide::{self, About, Next};
use super::delivery::{Delivery, Limits, Step};
use super::evidence::Peer;
use super::flight::Flight;
use super::probe::Probe;
use super::settings::{Cadence, Evidence};
use super::settle::Settle;
use crate::format::Envelope;
use crate::journal::{Batch, Cursor, Follower, Journal, Next as Records, Reached};
use crate::model::{Class, Record, Seq, Time};
use crate::transport::KeyUpdates;
use close::Closing;
use server::{Down, Up};
use std::time::Duration;

/// What a destination is told to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub evidence: Evidence,
    /// It does not want every third line.
    pub selective: bool,
    pub window_bytes_max: usize,
    pub barrier_interval: Duration,
}

impl Setting {
    pub(crate) fn wants(self, record: &Record) -> bool {
        let line = line(record);
        !self.selective
            || record.event.class == Class::Agent
            || line.is_none_or(|line| !line.is_multiple_of(3))
    }
}

/// The number of the line that a record came from.
pub(crate) fn line(record: &Record) -> Option<usize> {
    record.event.message.strip_prefix("line ")?.get(..6)?.parse().ok()
}

/// What is known of the peer, which outlives the agent.
#[derive(Clone, Default)]
pub(crate) struct Known(Peer);

/// What a destination has done, for whoever judges it.
#[derive(Debug)]
pub(crate) enum Did {
    Sent(Frame),
    /// What was sent and is not confirmed may go out again.
    Broke,
}

/// A destination.
pub(crate) struct Sender {
    setting: Setting,
    journal: Journal,
    cursor: Cursor,
    noted: Reached,
    synced: Reached,
    synced_at: Duration,
    delivery: Delivery,
    encoder: Encoder,
    peer: Peer,
    probe: Probe,
    heard: KeyUpdates,
    flight: Flight,
    settle: Settle,
    follower: Option<Follower>,
    link: Option<Link>,
    closing: Option<Closing>,
    /// While it waits: until then, unless something happens.
    pub(crate) until: Option<Duration>,
    pub(crate) did: Vec<Did>,
    /// The cursor has been synced since somebody looked.
    pub(crate) cursor_is_synced: bool,
    pub(crate) is_done: bool,
}

/// The client's end of a connection.
struct Link {
    number: usize,
    /// When the answers came that were not looked at yet.
    answered: Vec<Duration>,
    acknowledged: u64,
    ended: bool,
}

impl Sender {
    /// As `Destination::open`.
    pub(crate) fn open(setting: Setting, journal: &Journal, known: &Known, now: Duration) -> Sender {
        let mut cursor = journal.cursor(NAME).unwrap();
        let before_all = Seq(journal.status().oldest.0.saturating_sub(1));
        let sent = cursor.sent.take();
        let (confirmed, highest) = match cursor.reached() {
            Some(confirmed) => (confirmed, sent.unwrap_or(journal.newest())),
            None if cursor.was_destroyed() => (before_all.into(), journal.newest()),
            None => (before_all.into(), Seq::NONE),
        };
        if cursor.reached().is_none() || sent.is_some() {
            journal.confirm(NAME, &mut cursor, confirmed, wall(now)).unwrap();
        }
        let limits = Limits {
            window_bytes_max: setting.window_bytes_max,
            barrier_interval: setting.barrier_interval,
            trusting: false,
            finite: false,
            selective: setting.selective,
        };
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        Sender {
            setting,
            journal: journal.clone(),
            noted: confirmed,
            synced: confirmed,
            synced_at: now,
            delivery: Delivery::resume_after(confirmed, highest, limits, backoff),
            encoder: Encoder::new(journal.stream().to_string(), confirmed, None),
            cursor,
            peer: known.0.clone(),
            probe: Probe::without(),
            heard: KeyUpdates::default(),
            flight: Flight::default(),
            settle: Settle::new(),
            follower: None,
            link: None,
            closing: None,
            until: None,
            did: Vec::new(),
            cursor_is_synced: true,
            is_done: false,
        }
    }

    pub(crate) fn known(&self) -> Known {
        Known(self.peer.clone())
    }

    pub(crate) fn confirmed(&self) -> Seq {
        self.delivery.confirmed()
    }

    /// What is not confirmed and was sent over the present link, in bytes.
    pub(crate) fn window_bytes(&self) -> usize {
        self.delivery.window_bytes()
    }

    /// The agent is gone, and its kernel lets go of the link.
    pub(crate) fn hang_up(&mut self, server: &mut Server, rng: &mut fastrand::Rng) {
        if let Some(link) = self.link.take() {
            server.leave(link.number, rng);
        }
    }

    pub(crate) fn stop(&mut self, now: Duration) {
        self.delivery.on_stop(now + Duration::from_millis(1500));
    }

    /// One turn of `Destination::deliver`; false when it waits for something.
    pub(crate) fn step(&mut self, server: &mut Server, now: Duration, rng: &mut fastrand::Rng) -> bool {
        self.until = None;
        if self.closing.is_some() {
            return self.go_on_closing(server, now, rng);
        }
        self.hear(server, now, rng);
        self.store_cursor(now, false);
        let about = About {
            evidence: self.setting.evidence,
            is_up: self.link.is_some(),
            is_acknowledged: self.link.is_some() && server.kind == Kind::Relp,
            must_show: server.kind != Kind::Relp && self.peer.must_show(self.setting.evidence, false),
        };
        let newest = self.journal.newest();
        let machines = (&mut self.delivery, &mut self.probe);
        match decide::decide(about, machines, |_| Ok(usize::MAX), newest, now) {
            Next::Ask => self.ask(server, now, rng),
            Next::GiveUp(_) => self.lost(server, now, rng),
            Next::Step(Step::Connect) => match server.connect(rng) {
                Some(number) => self.on_connect(number, server.kind, now),
                None => self.lost(server, now, rng),
            },
            Next::Step(Step::Send { after, bytes_max }) => self.send(after, bytes_max, server, now, rng),
            Next::Step(Step::Look { after }) => self.look(after),
            Next::Step(Step::Barrier) => self.begin_closing(now),
            Next::Step(Step::Done) => {
                self.cursor.sent = Some(self.delivery.highest());
                self.store_cursor(now, true);
                self.is_done = true;
                return false;
            }
            Next::Step(Step::Wait { until }) => {
                self.until = until;
                return false;
            }
        }
        true
    }

    fn on_connect(&mut self, number: usize, kind: Kind, now: Duration) {
        let can_probe = !matches!(kind, Kind::Tls12 | Kind::Relp);
        let is_probed = decide::is_probed(self.setting.evidence, &self.peer, TLS, wall(now));
        self.probe = match is_probed && can_probe {
            true => {
                let within = decide::first_answer_within(self.setting.evidence, &self.peer, None);
                Probe::start(Cadence::default(), self.delivery.confirmed(), now + within)
            }
            false => Probe::without(),
        };
        (self.heard, self.flight) = (KeyUpdates::default(), Flight::default());
        self.delivery.on_connected(now);
        self.link = Some(Link { number, answered: Vec::new(), acknowledged: 0, ended: false });
    }

    /// Reads what has come, as `Link` does.
    fn listen(&mut self, server: &mut Server, now: Duration) {
        let Some(link) = &mut self.link else { return };
        for (at, what) in server.hear(link.number, now) {
            match what {
                // What a close follows is not looked at any more.
                _ if link.ended => {}
                Down::Answer => link.answered.push(at),
                Down::Acknowledged => link.acknowledged += 1,
                Down::CloseNotify | Down::Fin | Down::Reset => link.ended = true,
            }
        }
    }

    fn hear(&mut self, server: &mut Server, now: Duration, rng: &mut fastrand::Rng) {
        self.listen(server, now);
        self.harvest();
        let Some(link) = &mut self.link else { return };
        if link.ended {
            return self.lost(server, now, rng);
        }
        let least = Some(server.round_trip(link.number));
        for at in link.answered.drain(..) {
            if let Some(through) = prove(&mut self.probe, &mut self.heard, least, at) {
                self.delivery.on_confirmed(through);
                self.peer.habits.on_answer();
            }
        }
    }

    fn harvest(&mut self) {
        let count = self.link.as_ref().map_or(0, |link| link.acknowledged);
        self.confirm(count);
    }

    fn confirm(&mut self, count: u64) {
        if let Some(through) = self.flight.on_confirmed(count) {
            self.delivery.on_confirmed(through);
        }
    }

    fn ask(&mut self, server: &mut Server, now: Duration, rng: &mut fastrand::Rng) {
        if let Some(link) = &self.link {
            server.send(link.number, Up::Probe, now, rng);
            self.probe.on_probed(now);
        }
    }

    fn lost(&mut self, server: &mut Server, now: Duration, rng: &mut fastrand::Rng) {
        self.did.push(Did::Broke);
        if let Some(link) = self.link.take() {
            server.leave(link.number, rng);
            decide::learn(&mut self.peer, &self.probe, TLS, false, wall(now));
        }
        self.probe = Probe::without();
        self.delivery.on_lost(now, rng.f64());
    }

    fn records_after(&mut self, after: Seq, newest: Seq) -> Option<(Batch, usize)> {
        if let Records::Records { batch, from } = self.journal.next_after(after) {
            return Some((batch, from));
        }
        let follower = self.follower.take().unwrap_or_else(|| self.journal.follower());
        let (follower, batch) = follower.read(after, newest, READ_BYTES).unwrap();
        assert!(follower.damaged.is_empty(), "the journal is damaged: {:?}", follower.damaged);
        self.follower = Some(follower);
        if batch.is_empty() {
            self.delivery.on_nothing(newest);
            return None;
        }
        Some((batch, 0))
    }

    fn send(
        &mut self,
        after: Seq,
        bytes_max: usize,
        server: &mut Server,
        now: Duration,
        rng: &mut fastrand::Rng,
    ) {
        let newest = self.journal.newest();
        let Some((batch, from)) = self.records_after(after, newest) else { return };
        let Some(link) = &self.link else { return };
        let (number, setting, is_acknowledged) = (link.number, self.setting, server.kind == Kind::Relp);
        let mut frames = Vec::new();
        let flight = &mut self.flight;
        let put = |envelope: &Envelope<'_>, record: &Record| {
            let (prev, resent) = (envelope.prev, envelope.resent);
            frames.push(Frame { seq: record.seq, prev, resent, id: record.event.id, line: line(record) });
            if is_acknowledged {
                flight.push(record.seq);
            }
            Ok(Put { bytes: frames.len() * FRAME_BYTES, print: None })
        };
        // A socket takes little now and then.
        let most = Most { bytes: bytes_max, frames: [1, 5, usize::MAX][rng.usize(0..3)] };
        let wants = |record: &Record| Ok(setting.wants(record));
        let (encoded, _) = self.encoder.encode(wants, &self.delivery, &batch[from..], most, put);
        if encoded.frames == 0 {
            return self.delivery.on_nothing(encoded.end.through);
        }
        let breaks = rng.u8(0..200) == 0;
        let sent = if breaks { rng.usize(0..=frames.len()) } else { frames.len() };
        for frame in &frames[..sent] {
            server.send(number, Up::Frame(*frame), now, rng);
            self.did.push(Did::Sent(*frame));
        }
        if !breaks || is_acknowledged {
            let bytes = frames.len() * FRAME_BYTES;
            self.delivery.on_sent(encoded.end, frames.len(), bytes, now);
            self.probe.on_sent(encoded.end.through, encoded.frames, bytes, now);
        } else {
            self.delivery.on_interrupted(encoded.end.last);
        }
        if breaks {
            self.lost(server, now, rng);
        }
    }

    /// As `select`.
    fn look(&mut self, after: Seq) {
        let newest = self.journal.newest();
        let Some((batch, from)) = self.records_after(after, newest) else { return };
        let setting = self.setting;
        let passed = self.encoder.pass_over(|record| setting.wants(record), &batch[from..]);
        if let Some(through) = passed.through {
            self.delivery.on_nothing(through);
        }
        if let Some(wanted) = passed.wanted {
            self.delivery.on_wanted(wanted);
        }
    }

    /// As `Mark`.
    fn store_cursor(&mut self, now: Duration, at_once: bool) {
        let reached = self.delivery.reached();
        let sync = at_once || now >= self.synced_at + Duration::from_secs(1);
        let is_known = reached == if sync { self.synced } else { self.noted };
        if !sync && reached.last == self.noted.last || is_known && self.cursor.sent.is_none() {
            return;
        }
        if sync {
            self.journal.confirm(NAME, &mut self.cursor, reached, wall(now)).unwrap();
            (self.synced, self.synced_at, self.cursor_is_synced) = (reached, now, true);
        } else {
            self.cursor.note(reached, wall(now)).unwrap();
        }
        self.noted = reached;
    }
}

/// One more answer has come; what it proves.
fn prove(
    probe: &mut Probe,
    heard: &mut KeyUpdates,
    round_trip_min: Option<Duration>,
    at: Duration,
) -> Option<Seq> {
    let before = *heard;
    heard.given += 1;
    decide::prove(probe, before, *heard, round_trip_min, at)
}

/// The clock on the wall.
pub(crate) fn wall(now: Duration) -> Time {
    let millis = i64::try_from(now.as_millis()).unwrap();
    Time::from_millis(1_764_000_000_000 + millis).unwrap()
}

/// The name of the destination, and of its cursor.
pub(crate) const NAME: &str = "siem";
const TLS: &str = "TLSv1.3 modelled";
pub(crate) const FRAME_BYTES: usize = 300;
const READ_BYTES: usize = 4096;
