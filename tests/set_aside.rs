//! An event that a server answers by ending the connection, or with a no: alone it is set aside, and all others arrive. A
//! server that is in trouble itself costs nothing.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::config::Config;
use otrail::format::Format;
use otrail::forward::{Destination, Handle, Patience, Settings};
use otrail::journal::{Draft, Input, Journal};
use otrail::model::{Action, Record, Seq, Time};
use rustls::{ServerConfig, ServerConnection};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::certs::Kind;
use support::frames::Frame;
use support::peer::{self, Session};
use support::process::{House, patiently};
use support::relp_server::{RelpServer, Reply};
use support::trail;
use support::world::{BOTH, LOCAL};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const EVENTS: usize = 60;
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"100 ms\"\n";
const PATIENCE: Patience = Patience { refusals: 5, over: Duration::from_secs(2) };

#[test]
fn an_event_that_ends_every_connection_is_set_aside_and_all_others_arrive() {
    for versions in [BOTH, &[&rustls::version::TLS12]] {
        let house = House::new();
        let server = Picky::start(&house, versions, |text, _| text.contains("user=\"user30\""));
        let mut agent = Agent::of(house, server.port, "");
        agent.append(EVENTS);
        agent.start();
        agent.wait_until("set aside", |agent| agent.set_aside().len() == 1 && agent.is_done());
        let poison = agent.of_user("user30");
        let told = agent.set_aside().remove(0).event;
        assert!(told.message.contains(&format!("record {}, id {}", poison.seq, poison.event.id)), "{told:?}");
        assert_eq!(told.target.unwrap().id.unwrap().to_string(), poison.event.id.to_string());
        let status = agent.handle().status();
        assert_eq!((status.set_aside, status.suspect, status.suspect_refusals), (1, Seq::NONE, 0));
        let path = agent.dir().join(format!("dead/siem-{:020}.json", poison.seq.0));
        let dead: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!((&dead["refusals"], &dead["record"]["user"]), (&5.into(), &"user30".into()));
        agent.stop();
        check(&server.frames(), &agent.records(), &[poison.seq]);
    }
}

#[test]
fn of_two_in_a_row_both_are_set_aside_whatever_is_restarted_in_between() {
    let house = House::new();
    let server = Picky::start(&house, BOTH, |text, _| {
        text.contains("user=\"user30\"") || text.contains("user=\"user31\"")
    });
    let mut agent = Agent::of(house, server.port, "");
    agent.append(EVENTS);
    agent.start();
    agent.wait_until("suspected", |agent| agent.handle().status().suspect_refusals >= 2);
    assert_eq!(agent.handle().status().suspect, agent.of_user("user30").seq);
    agent.stop();
    assert!(agent.set_aside().is_empty());
    agent.start();
    agent.wait_until("both set aside", |agent| agent.set_aside().len() == 2 && agent.is_done());
    agent.stop();
    let both = [agent.of_user("user30").seq, agent.of_user("user31").seq];
    check(&server.frames(), &agent.records(), &both);
}

#[test]
fn a_server_in_a_crash_loop_costs_nothing() {
    // It takes a few frames of each connection, now two, now none, and dies; later it is well.
    let is_well = Arc::new(AtomicBool::new(false));
    let (well, seen) = (Arc::clone(&is_well), AtomicUsize::new(0));
    let house = House::new();
    let server = Picky::start(&house, BOTH, move |_, frames| {
        !well.load(Ordering::SeqCst) && frames >= seen.fetch_add(1, Ordering::SeqCst) % 3
    });
    let mut agent = Agent::of(house, server.port, "");
    agent.append(EVENTS);
    agent.start();
    // Much longer than a record may be suspected.
    let begun = std::time::Instant::now();
    agent.wait_until("in trouble for long", |_| begun.elapsed() > PATIENCE.over * 4);
    assert_eq!(agent.handle().status().set_aside, 0);
    is_well.store(true, Ordering::SeqCst);
    agent.wait_until("all confirmed", Agent::is_done);
    agent.stop();
    assert!(agent.set_aside().is_empty());
    check(&server.frames(), &agent.records(), &[]);
}

#[test]
fn a_no_to_one_event_does_not_hold_up_those_behind_it_for_ever() {
    let server = RelpServer::start(|frame: &Frame| match frame.user.as_deref() {
        Some("user30") => Reply::No("500 not this one"),
        _ => Reply::Yes,
    });
    let mut agent = Agent::of(House::new(), server.port, "transport = \"relp\"\n");
    agent.append(EVENTS);
    agent.start();
    agent.wait_until("set aside", |agent| agent.set_aside().len() == 1 && agent.is_done());
    agent.stop();
    let poison = agent.of_user("user30").seq;
    assert!(agent.set_aside()[0].event.reason.as_ref().unwrap().contains("500 not this one"));
    check(&server.frames(), &agent.records(), &[poison]);
}

#[test]
fn a_server_that_says_no_to_everything_for_a_while_costs_nothing() {
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    let server = RelpServer::start(move |_: &Frame| match well.load(Ordering::SeqCst) {
        true => Reply::Yes,
        false => Reply::No("500 the disk is full"),
    });
    let mut agent = Agent::of(House::new(), server.port, "transport = \"relp\"\n");
    agent.append(EVENTS);
    agent.start();
    let begun = std::time::Instant::now();
    agent.wait_until("in trouble for long", |_| begun.elapsed() > PATIENCE.over * 2);
    is_well.store(true, Ordering::SeqCst);
    agent.wait_until("all confirmed", Agent::is_done);
    agent.stop();
    assert!(agent.set_aside().is_empty());
    check(&server.frames(), &agent.records(), &[]);
}

#[test]
fn the_chain_of_what_was_sent_goes_through_an_event_that_is_taken_alone_and_not_through_one_set_aside() {
    for is_taken in [true, false] {
        let is_well = Arc::new(AtomicBool::new(false));
        let well = Arc::clone(&is_well);
        let house = House::new();
        let server = Picky::start(&house, BOTH, move |text, _| {
            text.contains("\"user30\"") && !well.load(Ordering::SeqCst)
        });
        let mut agent = Agent::of(house, server.port, "");
        agent.settings.format = Format::named("ocsf").unwrap();
        agent.append(EVENTS);
        agent.start();
        agent.wait_until("suspected", |agent| agent.handle().status().suspect_refusals > 0);
        is_well.store(is_taken, Ordering::SeqCst);
        agent.wait_until("all confirmed", Agent::is_done);
        agent.stop();
        assert_eq!(agent.set_aside().is_empty(), is_taken);
        let of_frame = |frame: &Vec<u8>| -> Value {
            serde_json::from_slice(&frame[frame.iter().position(|&byte| byte == b'{').unwrap()..]).unwrap()
        };
        let events: Vec<Value> = server.taken.lock().unwrap().iter().map(of_frame).collect();
        let seq = agent.of_user("user30").seq.0;
        let said = |seq: u64| -> Vec<&Value> {
            let all = events.iter().filter(|event| event["metadata"]["sequence"] == seq);
            all.map(|event| &event["attestation_list"][0]).collect()
        };
        for (next, is_bound) in [(seq, is_taken), (seq + 1, is_taken), (seq + 2, true)] {
            // Those before the last are copies that were tried alone.
            let prev = said(next).last().map_or(&Value::Null, |said| &said["prev_event"]);
            assert_eq!(prev.is_null(), !is_bound, "{next}: {prev}");
            let mut before = said(next - 1).into_iter().map(|said| &said["fingerprint"]["value"]);
            assert!(!is_bound || before.any(|value| *value == prev["fingerprint"]["value"]), "{next}");
        }
    }
}

/// No server has seen it: nothing is sent again.
#[test]
fn an_event_that_otrail_panics_at_is_set_aside_at_once_and_all_others_arrive() {
    for relp in [false, true] {
        let house = House::new();
        let server = Picky::start(&house, BOTH, |_, _| false);
        let answering = RelpServer::start(|_: &Frame| Reply::Yes);
        let mut agent = match relp {
            true => Agent::of(house, answering.port, "transport = \"relp\"\n"),
            false => Agent::of(house, server.port, ""),
        };
        let mut format = *agent.settings.format;
        format.encode = |settings, envelope, record, frame| {
            assert!(!record.event.raw.bytes().ends_with(b"0"), "{record:?}");
            (Format::named("rfc5424").unwrap().encode)(settings, envelope, record, frame)
        };
        agent.settings.format = Box::leak(Box::new(format));
        agent.append(EVENTS);
        agent.start();
        agent.wait_until("past it", |agent| agent.set_aside().len() == EVENTS / 10 && agent.is_done());
        let bad: Vec<Seq> =
            (1..=EVENTS / 10).map(|tens| agent.of_user(&format!("user{}", tens * 10)).seq).collect();
        let status = agent.handle().status();
        assert_eq!((status.set_aside, status.resent), (bad.len() as u64, 0));
        // The other one gives its evidence by closing.
        assert!(!relp || status.connections == 1, "{status:?}");
        let told = agent.set_aside().remove(0).event;
        assert!(told.message.contains(&format!("record {}, id", bad[0])), "{told:?}");
        assert!(told.reason.as_ref().unwrap().starts_with("a panic at "), "{told:?}");
        let path = agent.dir().join(format!("dead/siem-{:020}.json", bad[0].0));
        let dead: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!((&dead["refusals"], &dead["record"]["user"]), (&0.into(), &"user10".into()));
        agent.stop();
        if !relp {
            check(&server.frames(), &agent.records(), &bad);
        }
        agent.start();
        agent.wait_until("there again", |agent| agent.handle().status().connections == 1);
        agent.stop();
        assert_eq!(agent.set_aside().len(), bad.len(), "the cursor is behind them");
    }
}

/// Everything arrived but these, each time with the same id, in order but for what came again, and each says which one
/// comes before it: so the hole shows.
#[track_caller]
fn check(frames: &[Frame], records: &[Record], aside: &[Seq]) {
    let (mut seen, mut highest) = (BTreeSet::new(), 0);
    for frame in frames {
        assert_eq!(frame.prev + 1, frame.seq, "{frame:?}");
        assert!(!aside.contains(&Seq(frame.seq)), "it was taken: {frame:?}");
        let record = records.iter().find(|record| record.seq.0 == frame.seq).unwrap();
        assert_eq!(record.event.id.to_string(), frame.id);
        assert!(seen.insert(frame.seq) || frame.resent, "{} came again", frame.seq);
        assert!(frame.seq > highest || frame.resent, "{} after {highest}", frame.seq);
        highest = highest.max(frame.seq);
    }
    let missing: Vec<u64> =
        records.iter().map(|record| record.seq.0).filter(|seq| !seen.contains(seq)).collect();
    assert_eq!(missing, aside.iter().map(|seq| seq.0).collect::<Vec<_>>());
}

/// A journal and one destination of it, with less patience than an agent has.
struct Agent {
    house: House,
    settings: Settings,
    journal: Journal,
    runtime: Runtime,
    running: Option<(Handle, watch::Sender<bool>, JoinHandle<()>)>,
}

impl Agent {
    fn of(mut house: House, port: u16, more: &str) -> Agent {
        match more {
            "" => house.forward("siem", port, QUICK),
            more => house.set(&format!(
                "[[destination]]\nname = \"siem\"\naddress = \"127.0.0.1:{port}\"\n{more}{QUICK}"
            )),
        }
        let text = std::fs::read_to_string(house.config()).unwrap();
        let (config, _) = Config::parse(Path::new("otrail.toml"), &text).unwrap();
        assert_eq!(config.destinations[0].patience, Patience { refusals: 5, over: Duration::from_secs(600) });
        let settings = Settings { patience: PATIENCE, ..config.destinations[0].clone() };
        let journal = trail::open_journal(&house.path("state"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Agent { house, settings, journal, runtime, running: None }
    }

    fn dir(&self) -> std::path::PathBuf {
        self.house.path("state")
    }

    fn append(&self, events: usize) {
        let drafts = (1..=events).map(|number| {
            let event = trail::event(&format!("user{number}"));
            Draft { event, position: None, mark: None }
        });
        self.journal.append(Input { drafts: drafts.collect(), ..Input::default() }, Time::default()).unwrap();
    }

    fn start(&mut self) {
        let destination =
            Destination::open(self.settings.clone(), self.journal.clone(), otrail::agent::now).unwrap();
        let (stop, stopped) = watch::channel(false);
        let handle = destination.handle();
        self.running = Some((handle, stop, self.runtime.spawn(destination.run(stopped))));
    }

    fn stop(&mut self) {
        let (_, stop, task) = self.running.take().unwrap();
        stop.send(true).unwrap();
        self.runtime.block_on(task).unwrap();
    }

    fn handle(&self) -> &Handle {
        &self.running.as_ref().unwrap().0
    }

    #[track_caller]
    fn wait_until(&self, what: &str, condition: impl Fn(&Agent) -> bool) {
        assert!(patiently(|| condition(self)), "never {what}: {:#?}", self.handle().status());
    }

    fn is_done(&self) -> bool {
        self.handle().status().confirmed == self.journal.newest()
    }

    fn records(&self) -> Vec<Record> {
        self.journal
            .scan()
            .through(self.journal.newest())
            .map(|line| line.unwrap().decode().unwrap())
            .collect()
    }

    fn of_action(&self, action: Action) -> Vec<Record> {
        self.records().into_iter().filter(|record| record.event.action == action).collect()
    }

    fn set_aside(&self) -> Vec<Record> {
        self.of_action(Action::EVENT_SET_ASIDE)
    }

    fn of_user(&self, user: &str) -> Record {
        self.records().into_iter().find(|record| record.event.user.as_deref() == Some(user)).unwrap()
    }
}

/// A server with TLS that ends the connection, with no word, when it gets what it cannot take.
struct Picky {
    port: u16,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Picky {
    /// `refuses` sees a frame, and how many the connection has brought before it.
    fn start(
        house: &House,
        versions: &[&'static rustls::SupportedProtocolVersion],
        mut refuses: impl FnMut(&str, usize) -> bool + Send + 'static,
    ) -> Picky {
        let identity = house.ca.sign(Kind::Server, LOCAL);
        let config = Arc::new(peer::config(&identity, Some(&house.ca), versions));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&taken);
        std::thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                // One that breaks off is what the tests are about.
                let _ = serve(socket, &config, &mut refuses, &heard);
            }
        });
        Picky { port, taken }
    }

    fn frames(&self) -> Vec<Frame> {
        self.taken.lock().unwrap().iter().map(|bytes| Frame::read(bytes)).collect()
    }
}

fn serve(
    socket: TcpStream,
    config: &Arc<ServerConfig>,
    refuses: &mut impl FnMut(&str, usize) -> bool,
    taken: &Mutex<Vec<Vec<u8>>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut session = Session { connection, socket, received: Vec::new() };
    session.handshake()?;
    let mut frames = 0;
    loop {
        let before = session.received.len();
        let ended = session.read_bytes(before + 1).is_err() || session.received.len() == before;
        while let Some((frame, rest)) = split(&session.received) {
            if refuses(std::str::from_utf8(&frame).unwrap(), frames) {
                peer::reset(&session.socket);
                return Ok(());
            }
            frames += 1;
            taken.lock().unwrap().push(frame);
            session.received.drain(..rest);
        }
        if ended {
            session.close_notify()?;
            session.fin()?;
            return session.socket.flush();
        }
    }
}

/// The first frame, and where it ends.
fn split(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
    let frame = bytes.get(space + 1..space + 1 + length)?;
    Some((frame.to_vec(), space + 1 + length))
}
