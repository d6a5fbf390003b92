//! A modelled receiver and the network before it: what is on the way, in a kernel, read, and lost at each end.
//!
//! Time is handed in. Bytes keep their order on a connection and take a base time each way and some more. A close of the
//! peer's own account comes without delay of its own: one that crosses ours slower than the smallest round trip is the limit
//! that `evidence` names, and no history here has it.

use crate::model::{EventId, Seq};
use std::collections::VecDeque;
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
    /// Answers no probe, and ends with a bare FIN.
    Gnutls,
    /// Cannot be probed, and answers a close.
    Tls12,
    /// Acknowledges each message.
    Relp,
}

impl Kind {
    pub(crate) const ALL: [Kind; 6] =
        [Kind::Openssl, Kind::Jsse, Kind::Slow, Kind::Gnutls, Kind::Tls12, Kind::Relp];
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

/// The receiver's end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// It has closed on its own account, and reads to throw away.
    Discards,
    Closed,
}

#[derive(Debug)]
struct Connection {
    up: VecDeque<(Duration, Up)>,
    /// In the kernel of the receiver.
    buffer: VecDeque<Up>,
    down: VecDeque<(Duration, Down)>,
    base: Duration,
    end: End,
    probes: u32,
    /// Answers that are not given yet, and when they will be.
    owed: VecDeque<Duration>,
    /// Something came to a closed socket, and is never acknowledged by its kernel.
    refused: bool,
}

/// The receiver. What it has taken it keeps, whatever happens to it.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) runs: bool,
    pub(crate) frozen: bool,
    pub(crate) reachable: bool,
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
        self.connections.push(Connection {
            up: VecDeque::new(),
            buffer: VecDeque::new(),
            down: VecDeque::new(),
            base: Duration::from_micros(rng.u64(50..30_000)),
            end: End::Open,
            probes: 0,
            owed: VecDeque::new(),
            refused: false,
        });
        while self.connections.len() > CONNECTIONS_MAX {
            self.connections.remove(0);
            self.gone += 1;
        }
        Some(self.gone + self.connections.len() - 1)
    }

    fn of(&mut self, number: usize) -> Option<&mut Connection> {
        self.connections.get_mut(number.checked_sub(self.gone)?)
    }

    pub(super) fn round_trip(&mut self, number: usize) -> Duration {
        self.of(number).map_or(Duration::ZERO, |connection| connection.base * 2)
    }

    pub(super) fn send(&mut self, number: usize, what: Up, now: Duration, rng: &mut fastrand::Rng) {
        let Some(connection) = self.of(number) else { return };
        let at = now + connection.base + jitter(rng);
        let at = connection.up.back().map_or(at, |(before, _)| at.max(*before));
        connection.up.push_back((at, what));
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
        // TCP_USER_TIMEOUT.
        if connection.up.front().is_some_and(|(at, _)| now > *at + GIVEN_UP_AFTER) {
            heard.push((now, Down::Reset));
        }
        heard
    }

    /// Whether the receiver's kernel has everything, as ours knows.
    pub(super) fn has_all(&mut self, number: usize) -> bool {
        self.of(number).is_some_and(|connection| connection.up.is_empty() && !connection.refused)
    }

    /// The client has let go of it: of what is on the way some may still arrive.
    pub(super) fn leave(&mut self, number: usize, rng: &mut fastrand::Rng) {
        if let Some(connection) = self.of(number) {
            let arrives = rng.usize(0..=connection.up.len());
            connection.up.truncate(arrives);
        }
    }

    /// There are frames in its kernel that the program has not read.
    pub(crate) fn is_behind(&self) -> bool {
        let unread = |what: &Up| matches!(what, Up::Frame(_));
        self.connections
            .iter()
            .any(|connection| connection.end == End::Open && connection.buffer.iter().any(unread))
    }

    /// What is on the way arrives, and the program reads some of it.
    pub(crate) fn step(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        if self.reachable {
            self.connections.iter_mut().for_each(|connection| connection.arrive(now));
        }
        if !self.runs || self.frozen {
            return;
        }
        let most = [1, 3, 10, 1000][rng.usize(0..4)];
        for connection in &mut self.connections {
            connection.read(self.kind, most, now, rng, &mut self.taken);
        }
    }

    /// The program dies; what it has not read dies with it.
    pub(crate) fn kill(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        self.runs = false;
        self.frozen = false;
        for connection in &mut self.connections {
            let ends = connection.end != End::Closed;
            connection.end = End::Closed;
            connection.owed.clear();
            if ends {
                let unread = !std::mem::take(&mut connection.buffer).is_empty();
                connection.refused |= unread;
                if unread && rng.bool() {
                    // A reset may overtake what was said before it.
                    connection.down.clear();
                }
                connection.say(if unread { Down::Reset } else { Down::Fin }, now, Duration::ZERO);
            }
        }
    }

    /// The program closes every connection and goes. It may have asked its TLS for more than it then takes.
    pub(crate) fn stop(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        self.runs = false;
        self.frozen = false;
        for connection in &mut self.connections {
            if connection.end == End::Closed {
                continue;
            }
            connection.read_ahead(self.kind, now, rng);
            if connection.end == End::Open && self.kind != Kind::Gnutls {
                connection.say(Down::CloseNotify, now, Duration::ZERO);
            }
            connection.end = End::Closed;
            let unread = !std::mem::take(&mut connection.buffer).is_empty();
            connection.refused |= unread;
            connection.say(if unread { Down::Reset } else { Down::Fin }, now, Duration::ZERO);
        }
    }

    /// The program closes its side of every connection, reads on and throws away.
    pub(crate) fn discard(&mut self, now: Duration, rng: &mut fastrand::Rng) {
        let closes = |what: &Connection| {
            what.up.iter().map(|(_, up)| up).chain(&what.buffer).any(|up| matches!(up, Up::Close))
        };
        if !self.runs || self.frozen || !self.reachable {
            return;
        }
        for connection in &mut self.connections {
            if connection.end == End::Open && !closes(connection) {
                connection.read_ahead(self.kind, now, rng);
                connection.end = End::Discards;
                connection.say(Down::CloseNotify, now, Duration::ZERO);
                connection.say(Down::Fin, now, Duration::ZERO);
            }
        }
    }

    /// The way is blocked, unless a close is on it whose delay would make it an answer.
    pub(crate) fn block(&mut self) {
        let on_its_way =
            |connection: &Connection| connection.end == End::Discards && !connection.down.is_empty();
        if !self.connections.iter().any(on_its_way) {
            self.reachable = false;
        }
    }

    /// Something on the way resets every connection at both ends.
    pub(crate) fn reset(&mut self, now: Duration) {
        for connection in &mut self.connections {
            connection.up.clear();
            connection.end = End::Closed;
            connection.refused = true;
            connection.buffer.clear();
            connection.down.clear();
            connection.say(Down::Reset, now, Duration::ZERO);
        }
    }
}

impl Connection {
    fn say(&mut self, what: Down, now: Duration, more: Duration) {
        let at = now + self.base + more;
        let at = self.down.back().map_or(at, |(before, _)| at.max(*before));
        self.down.push_back((at, what));
    }

    fn arrive(&mut self, now: Duration) {
        while let Some(&(_, what)) = self.up.front().filter(|(at, _)| *at <= now) {
            self.up.pop_front();
            match self.end {
                End::Closed => {
                    let told = std::mem::replace(&mut self.refused, true);
                    if !told {
                        self.say(Down::Reset, now, Duration::ZERO);
                    }
                }
                End::Open | End::Discards => self.buffer.push_back(what),
            }
        }
    }

    fn read(
        &mut self,
        kind: Kind,
        most: usize,
        now: Duration,
        rng: &mut fastrand::Rng,
        taken: &mut Vec<Frame>,
    ) {
        while self.owed.front().is_some_and(|at| *at <= now) {
            self.owed.pop_front();
            self.say(Down::Answer, now, jitter(rng));
        }
        for _ in 0..most {
            let Some(what) = self.buffer.pop_front() else { return };
            match what {
                Up::Frame(_) if self.end == End::Discards => {}
                Up::Frame(frame) => {
                    taken.push(frame);
                    if kind == Kind::Relp {
                        self.say(Down::Acknowledged, now, jitter(rng));
                    }
                }
                Up::Probe if self.end == End::Discards => {}
                Up::Probe => self.answer(kind, now, rng),
                Up::Close => {
                    if self.end == End::Open {
                        if kind != Kind::Gnutls {
                            self.say(Down::CloseNotify, now, jitter(rng));
                        }
                        self.say(Down::Fin, now, Duration::ZERO);
                    }
                    self.end = End::Closed;
                }
            }
        }
    }

    fn answer(&mut self, kind: Kind, now: Duration, rng: &mut fastrand::Rng) {
        self.probes += 1;
        match kind {
            Kind::Openssl if self.probes == 1 => {}
            Kind::Openssl | Kind::Jsse => self.say(Down::Answer, now, jitter(rng)),
            Kind::Slow => {
                let at = now + Duration::from_millis(rng.u64(0..300));
                self.owed.push_back(self.owed.back().map_or(at, |before| at.max(*before)));
            }
            Kind::Gnutls | Kind::Tls12 | Kind::Relp => {}
        }
    }

    /// The TLS has read up to a probe and answered it; the program takes nothing of that, and its close follows at once.
    fn read_ahead(&mut self, kind: Kind, now: Duration, rng: &mut fastrand::Rng) {
        let probe = self.buffer.iter().position(|what| matches!(what, Up::Probe));
        if let Some(probe) = probe.filter(|_| self.end == End::Open && kind != Kind::Slow && rng.bool()) {
            self.buffer.drain(..=probe);
            // Without more delay than the close, so that both are there together.
            self.probes += 1;
            if kind == Kind::Jsse || kind == Kind::Openssl && self.probes > 1 {
                self.say(Down::Answer, now, Duration::ZERO);
            }
        }
    }
}

/// Mostly little, now and then much.
fn jitter(rng: &mut fastrand::Rng) -> Duration {
    let most = if rng.u8(0..10) == 0 { 400_000 } else { 2000 };
    Duration::from_micros(rng.u64(0..most))
}

const GIVEN_UP_AFTER: Duration = Duration::from_secs(20);
/// Connections whose rest a receiver still reads.
const CONNECTIONS_MAX: usize = 4;
