//! A modelled receiver and the network before it: what is on the way, in a kernel, read, and lost at each end.
//!
//! Time is handed in. Bytes keep their order on a connection and take a base time each way and some more; some come so late as
//! if they had been lost and sent again. A close of the peer's own account while ours lies unread in its kernel is the limit that
//! `evidence` names: no history here has it but where a reset follows it, or ours is never acknowledged. Neither has any the
//! other limit, a peer that is not known to send close_notify and dies with what it has read in its hands, nor a peer that gives
//! new keys unasked while it has a probe to answer.

use super::connection::{Connection, End};
use crate::model::{EventId, Seq};
use std::time::Duration;

/// What a receiver's TLS does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answers every probe but the first, and a close.
    Openssl,
    /// Answers every probe and a close.
    Jsse,
    /// Answers a probe some time after it has read it, and a close.
    Slow,
    /// Answers every probe and a close, and now and then gives new keys when nobody has asked.
    Moody,
    /// Answers no probe, and ends with a bare FIN.
    Gnutls,
    /// Cannot be probed, and answers a close.
    Tls12,
    /// Acknowledges each message.
    Relp,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Openssl, Kind::Jsse, Kind::Slow, Kind::Moody, Kind::Gnutls, Kind::Tls12, Kind::Relp];
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub seq: Seq,
    pub prev: Seq,
    pub resent: bool,
    pub id: EventId,
    /// The number of the line that it came from.
    pub line: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Up {
    Frame(Frame),
    Probe,
    /// close_notify and FIN.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    Answer,
    Acknowledged,
    CloseNotify,
    Fin,
    Reset,
}

/// The receiver. What it has taken it keeps, whatever happens to it.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) runs: bool,
    pub(crate) frozen: bool,
    reachable: bool,
    /// What the program has taken since somebody looked, in order.
    pub(crate) taken: Vec<Frame>,
    connections: Vec<Connection>,
    /// Connections that came before those.
    gone: usize,
}

impl Server {
    pub(crate) fn new(kind: Kind) -> Server {
        Server {
            kind,
            runs: true,
            frozen: false,
            reachable: true,
            taken: Vec::new(),
            connections: Vec::new(),
            gone: 0,
        }
    }

    pub(super) fn connect(&mut self, rng: &mut fastrand::Rng) -> Option<usize> {
        // A frozen program's kernel takes connections, but nobody shakes hands.
        if !self.runs || !self.reachable || self.frozen {
            return None;
        }
        self.connections.push(Connection::new(Duration::from_micros(rng.u64(50..30_000))));
        while self.connections.len() > CONNECTIONS_MAX {
            self.connections.remove(0);
            self.gone += 1;
        }
        Some(self.gone + self.connections.len() - 1)
    }

    fn of(&mut self, number: usize) -> Option<&mut Connection> {
        self.connections.get_mut(number.checked_sub(self.gone)?)
    }

    pub(super) fn at(&self, number: usize) -> Option<&Connection> {
        self.connections.get(number.checked_sub(self.gone)?)
    }

    pub(super) fn round_trip(&mut self, number: usize) -> Duration {
        self.of(number).map_or(Duration::ZERO, |connection| connection.base * 2)
    }

    pub(super) fn send(&mut self, number: usize, what: Up, now: Duration, rng: &mut fastrand::Rng) {
        let Some(connection) = self.of(number) else { return };
        connection.send(what, now, rng);
    }

    /// What has arrived at the client, with its time.
    pub(super) fn hear(&mut self, number: usize, now: Duration) -> Vec<(Duration, Down)> {
        let reachable = self.reachable;
        let Some(connection) = self.of(number) else { return vec![(now, Down::Reset)] };
        let mut heard = Vec::new();
        while let Some(&(at, what)) = connection.down.front().filter(|(at, _)| reachable && *at <= now) {
            connection.down.pop_front();
            heard.push((at, what));
        }
        if connection.given_up_at().is_some_and(|at| now > at) {
            heard.push((now, Down::Reset));
        }
        heard
    }

    /// Whether the receiver's kernel has everything, as ours knows.
    pub(super) fn has_all(&mut self, number: usize) -> bool {
        self.at(number).is_some_and(|connection| connection.up.is_empty() && connection.refused.is_none())
    }

    /// What the receiver's kernel has not acknowledged.
    pub(super) fn left(&self, number: usize) -> u32 {
        self.at(number)
            .map_or(0, |connection| connection.up.len() as u32 + u32::from(connection.refused.is_some()))
    }

    /// Whether what the receiver first said of its close acknowledges ours.
    pub(super) fn answers_close(&self, number: usize) -> bool {
        self.at(number).is_some_and(|connection| connection.answers_close == Some(true))
    }

    /// The client has let go of it: of what is on the way some may still arrive.
    pub(super) fn leave(&mut self, number: usize, rng: &mut fastrand::Rng) {
        if let Some(connection) = self.of(number) {
            connection.leave(rng);
        }
    }

    /// When the next thing happens that nobody has to do.
    pub(crate) fn due(&self) -> Option<Duration> {
        let is_served = self.runs && !self.frozen;
        let due = |connection: &Connection| connection.due(self.reachable, is_served);
        self.connections.iter().filter_map(due).min()
    }

    /// What is on the way arrives in its kernel.
    pub(crate) fn arrive(&mut self, now: Duration) {
        if self.reachable {
            self.connections.iter_mut().for_each(|connection| connection.arrive(now));
        }
    }

    /// The program reads some of what is there.
    pub(crate) fn step(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        if !self.runs || self.frozen {
            return;
        }
        let most = [1, 3, 10, 1000][rng.usize(0..4)];
        for connection in &mut self.connections {
            connection.read(self.kind, most, now, rng, &mut self.taken);
        }
    }

    /// The program dies; what it has not read dies with it, and if it `slurps` maybe what it has.
    pub(crate) fn kill(&mut self, slurps: bool, now: Duration, rng: &mut fastrand::Rng) {
        (self.runs, self.frozen) = (false, false);
        self.connections.iter_mut().for_each(|connection| connection.die(slurps, now, rng));
    }

    /// The program closes every connection and goes.
    pub(crate) fn stop(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        if self.runs && !self.frozen {
            self.runs = false;
            self.connections.iter_mut().for_each(|connection| connection.stop(self.kind, now, rng));
        }
    }

    /// The program closes its side of every connection, reads on and throws away.
    pub(crate) fn discard(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        if self.runs && !self.frozen && self.reachable {
            self.connections.iter_mut().for_each(|connection| connection.discard(self.kind, now, rng));
        }
    }

    /// The way is blocked, unless something is on it whose delay would make it an answer: a close, or a key update that
    /// nobody has asked for.
    pub(crate) fn block(&mut self) {
        let is_moody = self.kind == Kind::Moody;
        let on_its_way = |connection: &Connection| {
            let has_keys = connection.down.iter().any(|(_, down)| matches!(down, Down::Answer));
            connection.end == End::Discards && !connection.down.is_empty() || is_moody && has_keys
        };
        if !self.connections.iter().any(on_its_way) {
            self.reachable = false;
        }
    }

    pub(crate) fn unblock(&mut self, now: Duration) {
        if !std::mem::replace(&mut self.reachable, true) {
            let down = self.connections.iter_mut().flat_map(|connection| &mut connection.down);
            down.for_each(|(at, _)| *at = now.max(*at));
        }
    }

    /// Something on the way resets every connection at both ends.
    pub(crate) fn reset(&mut self, now: Duration) {
        self.connections.iter_mut().for_each(|connection| connection.reset(now));
    }
}

/// Connections whose rest a receiver still reads.
const CONNECTIONS_MAX: usize = 4;
