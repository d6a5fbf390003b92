//! The life of the agent: it starts, tells that it is there, is stopped and started again; destinations come and go.

use super::frames::{frames_of, records_of, told};
use super::support::process::{House, entry, patiently, rotate};
use super::support::receiver::Receiver;
use nix::sys::signal::Signal;
use otrail::model::{Action, Outcome};
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn a_stop_by_either_signal_is_in_order_and_the_service_manager_hears_of_it() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut house = House::new();
        let receiver = Receiver::start(&house);
        house.forward("siem", receiver.port, "");
        let socket = house.path("notify").to_str().unwrap().to_owned();
        // In a container its name may be no file.
        let (name, socket) = match signal {
            Signal::SIGINT => (SocketAddr::from_abstract_name(&socket), format!("@{socket}")),
            _ => (SocketAddr::from_pathname(&socket), socket),
        };
        let heard = UnixDatagram::bind_addr(&name.unwrap()).unwrap();
        heard.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        house.tell_agent("NOTIFY_SOCKET", &socket);
        house.write_log(entry(0).as_bytes());
        house.start();
        hear(&heard, "READY=1");
        house.wait_until("delivered", |_| receiver.has("session 0000000"));
        house.write_log(entry(1).as_bytes());
        house.wait_until("read", |status| status.sources[0].entries == 2);
        house.signal(signal);
        assert_eq!(house.agent().wait().unwrap().code(), Some(0), "{signal}");
        hear(&heard, "STOPPING=1");
        // The last barrier is waited for: everything is there, the stop itself too, and all is confirmed.
        assert_eq!(receiver.count("session 0000001"), 1);
        assert_eq!((receiver.count("OTA-9001"), receiver.count("OTA-9002")), (1, 1));
        let frames = receiver.frames();
        let last = told(frames.last().unwrap());
        assert_eq!((last.one("action"), last.one("outcome")), ("agent.stop", "success"));
        assert_eq!(records_of(&house, "otrail").last().unwrap().json["seq"], last.seq());
        assert!(frames.iter().all(|frame| frame.param("resent").is_none()));
    }
}

#[test]
fn a_hangup_ends_nothing_where_no_terminal_is() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("delivered", |_| receiver.has("session 0000000"));
    house.signal(Signal::SIGHUP);
    house.write_log(entry(1).as_bytes());
    house.wait_until("delivered", |_| receiver.has("session 0000001"));
    assert!(
        patiently(|| house.said().contains("otrail.toml has nothing that is different")),
        "{}",
        house.said()
    );
    assert_eq!(house.stop(), Some(0));
}

/// Starts the rest of its words in a terminal of its own, and takes that away when its stdin ends.
const IN_A_TERMINAL: &str = "
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
sys.stdin.read()
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

#[test]
fn an_agent_whose_terminal_goes_away_stops_in_order() {
    let house = House::new();
    house.write_log(entry(0).as_bytes());
    let otrail = house.otrail();
    let mut within = Command::new("python3");
    within.args(["-c", IN_A_TERMINAL]).arg(otrail.get_program()).args(otrail.get_args()).arg("run");
    let mut within = within.stdin(Stdio::piped()).spawn().unwrap();
    house.wait_until("reads", |status| status.sources[0].entries == 1);
    drop(within.stdin.take());
    assert!(patiently(|| within.try_wait().unwrap().is_some()), "it goes on without its terminal");
    assert_eq!(within.wait().unwrap().code(), Some(0));
    let last = house.records().pop().unwrap();
    assert_eq!((last.event.action, last.event.outcome), (Action::STOP, Outcome::Success));
}

#[test]
fn a_destination_that_leaves_the_config_is_told_of_and_gets_the_rest_when_it_comes_back() {
    let mut house = House::new();
    let mut receivers = [Receiver::start(&house), Receiver::start(&house)];
    receivers[1].away();
    let both = |house: &mut House, receivers: &[Receiver; 2]| {
        house.forward("siem", receivers[0].port, "");
        house.forward("archive", receivers[1].port, "");
    };
    both(&mut house, &receivers);
    house.write_log((0..50).map(entry).collect::<String>().as_bytes());
    house.start();
    house.wait_until("delivered to one", |_| receivers[0].has("session 0000049"));
    assert_eq!(house.stop(), Some(0));
    assert!(!receivers[0].has("OTA-9003"));

    house.forward_nowhere();
    house.forward("siem", receivers[0].port, "");
    house.start();
    house.wait_until("told", |_| receivers[0].has("OTA-9003"));
    assert!(receivers[0].has("destination archive is in the config no more and has no evidence"));
    assert!(house.said().contains("otrail destination forget archive"), "{}", house.said());
    assert_eq!(house.stop(), Some(0));

    house.forward_nowhere();
    both(&mut house, &receivers);
    receivers[1].back();
    house.start();
    house.wait_until("delivered to both", |status| status.destinations.iter().all(|it| it.lag_records == 0));
    assert_eq!(house.stop(), Some(0));
    assert_eq!(frames_of(&receivers[1], "timeline").len(), 50);
    assert_eq!(receivers[0].count("OTA-9003"), 1);
}

/// Waits for a datagram with this line.
fn hear(socket: &UnixDatagram, wanted: &str) {
    let mut bytes = [0; 4096];
    loop {
        let count = socket.recv(&mut bytes).unwrap();
        if String::from_utf8_lossy(&bytes[..count]).lines().any(|line| line == wanted) {
            return;
        }
    }
}

#[test]
fn restarts_repeat_nothing_and_lose_nothing_with_two_sources_and_two_destinations() {
    let mut house = House::new();
    let mut receivers = [Receiver::start(&house), Receiver::start(&house)];
    house.forward("siem", receivers[0].port, "barrier-interval = \"100 ms\"");
    house.forward("archive", receivers[1].port, "barrier-interval = \"100 ms\"\nbackoff-max = \"100 ms\"");
    let other = house.path("log/other.ndjson");
    house.set(&format!("[[source]]\nname = \"other\"\npath = {other:?}"));
    receivers[1].away();
    let mut others = String::new();
    for round in 0..4 {
        house.write_log((round * 50..round * 50 + 50).map(entry).collect::<String>().as_bytes());
        others.extend((1000 + round * 20..1020 + round * 20).map(entry));
        fs::write(&other, &others).unwrap();
        house.start();
        if round == 2 {
            receivers[1].back();
        }
        let lasts = [round * 50 + 49, 1019 + round * 20].map(|number| format!("session {number:07}"));
        let here = if round < 2 { &receivers[..1] } else { &receivers[..] };
        house.wait_until("everything is delivered", |status| {
            let confirmed = status.destinations.iter().take(here.len()).all(|it| it.lag_records == 0);
            confirmed && here.iter().all(|receiver| lasts.iter().all(|last| receiver.has(last)))
        });
        rotate(&house.log());
        assert_eq!(house.stop(), Some(0));
    }
    let trail: Vec<u64> = records_of(&house, "timeline").iter().map(|row| seq(&row.json)).collect();
    assert_eq!(trail.len(), 200);
    for receiver in &receivers {
        assert_eq!(frames_of(receiver, "timeline").iter().map(|told| told.seq()).collect::<Vec<_>>(), trail);
        assert_eq!(frames_of(receiver, "other").len(), 80);
        let frames = receiver.frames();
        let mut prev = 0;
        for frame in &frames {
            assert_eq!(frame.prev(), prev, "no hole and no repetition");
            prev = frame.seq();
        }
        let marked = frames.iter().filter(|frame| frame.param("resent").is_some()).count();
        assert_eq!(marked, 0, "nothing was sent before, and the agent knows that over a stop in order");
        let streams = frames.iter().map(|frame| frame.param("stream").unwrap());
        assert!(streams.into_iter().all(|stream| stream == frames[0].param("stream").unwrap()));
    }
    assert!(receivers[0].has("OTA-9030"), "the loss of the other destination is told");
}

fn seq(row: &serde_json::Value) -> u64 {
    row["seq"].as_u64().unwrap()
}

#[test]
fn a_receiver_that_is_taken_away_again_and_again_gets_everything_in_order() {
    let mut house = House::new();
    let mut receiver = Receiver::start(&house);
    house.forward(
        "siem",
        receiver.port,
        "barrier-interval = \"100 ms\"\nbackoff-max = \"100 ms\"\nwindow-max = \"64 KiB\"",
    );
    house.start();
    for round in 0..10 {
        house.write_log((round * 300..round * 300 + 300).map(entry).collect::<String>().as_bytes());
        let somewhere = format!("session {:07}", round * 300 + 100);
        assert!(patiently(|| receiver.has(&somewhere)), "{}", house.said());
        receiver.away();
        receiver.back();
    }
    house.wait_until("everything is delivered", |status| {
        receiver.has("session 0002999") && status.destinations[0].lag_records == 0
    });
    assert_eq!(house.stop(), Some(0));
    assert!(receiver.has("OTA-9030") && receiver.has("OTA-9031"), "loss and return are told");
    let frames = receiver.frames();
    let (mut newest, mut ids) = (0, std::collections::BTreeMap::new());
    for frame in &frames {
        let seq = frame.seq();
        assert!(seq <= newest + 1, "a hole before {seq}");
        if seq <= newest {
            assert_eq!(frame.param("resent"), Some("1"), "what comes again says so");
        }
        newest = newest.max(seq);
        let id = frame.param("id").unwrap().to_owned();
        assert_eq!(*ids.entry(seq).or_insert_with(|| id.clone()), id);
    }
    assert_eq!(newest, house.trail().len() as u64);
}

#[test]
fn a_heartbeat_tells_that_the_agent_is_there() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.set_at_top("heartbeat = \"1 s\"");
    house.forward("siem", receiver.port, "barrier-interval = \"100 ms\"");
    house.write_log(entry(0).as_bytes());
    house.start();
    house.wait_until("two heartbeats have come", |_| receiver.count("OTA-9004") >= 2);
    assert_eq!(house.stop(), Some(0));
    let frames = receiver.frames();
    let beat = frames.iter().map(told).find(|told| told.one("action") == "agent.heartbeat").unwrap();
    assert!(beat.message.contains("1 entries read"), "{beat:?}");
    assert!(beat.one("count").parse::<u64>().unwrap() > 0);
}
