//! Which evidence each receiver gives, and that none of them can make otrail believe what is not so.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use expect_test::expect_file;
use otrail::model::status::{DestinationStatus, Status};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use support::certs;
use support::daemon::{Kind, Receiver, Tls};
use support::frames::Account;
use support::peer::{self, Session};
use support::process::{House, a_moment, entry};
use support::receiver;
use support::world::{BOTH, LOCAL};

/// The receivers of the table; `None` is a server of rustls, in this process.
const RECEIVERS: &[(&str, Option<Kind>)] = &[
    ("rsyslog imtcp, driver ossl", Some(Kind::RsyslogOpenssl)),
    ("rsyslog imtcp, driver gtls", Some(Kind::RsyslogGnutls)),
    ("rsyslog imrelp, tlslib openssl", Some(Kind::RelpOpenssl)),
    ("rsyslog imrelp, tlslib gnutls", Some(Kind::RelpGnutls)),
    ("syslog-ng", Some(Kind::SyslogNg)),
    ("Python `ssl`", Some(Kind::Python)),
    ("Node `tls`", Some(Kind::Node)),
    ("Java JSSE", Some(Kind::Java)),
    ("rustls", None),
];

/// README refers to it. `UPDATE_EXPECT=1 cargo test --test evidence` rewrites it; read the diff before you commit it.
#[test]
fn each_receiver_gives_the_evidence_that_the_table_says() {
    let rows: Vec<String> = thread::scope(|scope| {
        let row = |&(name, kind)| {
            let evidence = [Tls::V1_2, Tls::V1_3].map(|tls| evidence_of(kind, tls));
            format!("| {name} | {} | {} |", evidence[0], evidence[1])
        };
        let rows: Vec<_> = RECEIVERS.iter().map(|receiver| scope.spawn(move || row(receiver))).collect();
        rows.into_iter().map(|row| row.join().unwrap()).collect()
    });
    let mut table = String::from(HEAD);
    rows.iter().for_each(|row| writeln!(table, "{row}").unwrap());
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/evidence.md")].assert_eq(&table);
}

fn evidence_of(kind: Option<Kind>, tls: Tls) -> String {
    let mut house = House::new();
    let mut real = kind.map(|kind| Receiver::of(&house, kind));
    let port = match &mut real {
        Some(receiver) => {
            receiver.tls = tls;
            receiver.start();
            receiver.port
        }
        None => 0,
    };
    let version = if tls == Tls::V1_2 { &TLS12 } else { &TLS13 };
    let ours = kind.is_none().then(|| receiver::Receiver::speaking(&house, &[version]));
    let port = ours.as_ref().map_or(port, |receiver| receiver.port);
    let transport = kind.map_or("tls", Kind::transport);
    house.forward("siem", port, &format!("{QUICK}transport = {transport:?}"));
    house.start();
    house.write_log(entry(1).as_bytes());
    let status = house.wait_until("confirmed", |status| all_confirmed(status, 1));
    assert_eq!(house.stop(), Some(0));
    siem(&status).evidence.clone()
}

#[test]
fn a_peer_that_answers_only_when_it_has_something_to_say_is_known_for_it() {
    let mut house = House::new();
    // rustls answers a KeyUpdate with the next thing that it sends.
    let receiver = receiver::Receiver::start(&house);
    house.forward("siem", receiver.port, QUICK);
    house.start();
    let remembered = house.path("state/peers/siem.json");
    for number in 1.. {
        house.write_log(entry(number).as_bytes());
        let status = house.wait_until("confirmed", |status| all_confirmed(status, number as u64));
        assert_eq!(siem(&status).evidence, "barrier");
        if std::fs::read_to_string(&remembered).is_ok_and(|memory| memory.contains("\"silent-since\":1")) {
            break;
        }
        assert!(number < 20, "{}", std::fs::read_to_string(&remembered).unwrap());
    }
    let status = house.wait_until("connected", |status| siem(status).state == "connected");
    assert_eq!((siem(&status).resent, siem(&status).error.as_str()), (0, ""));
}

#[test]
fn a_peer_that_answers_and_then_closes_and_discards_has_taken_nothing() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RsyslogOpenssl);
    let listener = TcpListener::bind(("127.0.0.1", receiver.port)).unwrap();
    let identity = house.ca.sign(certs::Kind::Server, LOCAL);
    let config = Arc::new(peer::config(&identity, Some(&house.ca), BOTH));
    let discarded = Arc::new(AtomicUsize::new(0));
    let bytes = Arc::clone(&discarded);
    let thread = thread::spawn(move || {
        for _ in 0..DISCARDS {
            bytes.fetch_add(discard(listener.accept().unwrap().0, &config), Ordering::SeqCst);
        }
    });
    house.forward("siem", receiver.port, QUICK);
    (0..ENTRIES).for_each(|number| house.write_log(entry(number).as_bytes()));
    house.start();
    house.wait_until("discarded", |status| {
        assert_eq!(siem(status).confirmed.0, 0, "{status:?}");
        thread.is_finished()
    });
    thread.join().unwrap();
    receiver.start();
    let status = house.wait_until("confirmed", |status| all_confirmed(status, ENTRIES as u64));
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0).lost, [0; 0]);
    assert!(discarded.load(Ordering::SeqCst) > ENTRIES * 100, "what was probed was discarded");
}

/// Answers probes until there are records, reads on to the next probe, answers that too as it closes, and throws away
/// what it had read; how much that was.
fn discard(socket: TcpStream, config: &Arc<ServerConfig>) -> usize {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut session = Session { connection, socket, received: Vec::new() };
    let talk = |session: &mut Session| {
        while take_record(session)? != PROBE_BYTES || session.received.is_empty() {
            if session.received.is_empty() && !session.connection.is_handshaking() {
                // An empty word lets rustls answer.
                let _none = session.connection.writer().write(&[])?;
                flush(session)?;
            }
        }
        session.close_notify()?;
        session.fin()?;
        session.discard_to_end()?;
        Ok::<usize, std::io::Error>(session.received.len())
    };
    talk(&mut session).unwrap_or_else(|_| {
        // An end without an answer must not look like a clean one.
        peer::reset(&session.socket);
        0
    })
}

/// Hands the next TLS record to rustls; its length.
fn take_record(session: &mut Session) -> std::io::Result<usize> {
    let mut record = vec![0; 5];
    session.socket.read_exact(&mut record)?;
    let length = record.len() + usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(length, 0);
    session.socket.read_exact(&mut record[5..])?;
    let mut rest = &record[..];
    while !rest.is_empty() {
        session.connection.read_tls(&mut rest)?;
        let state = session.connection.process_new_packets().map_err(std::io::Error::other)?;
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        session.connection.reader().read_exact(&mut plain)?;
        session.received.append(&mut plain);
    }
    flush(session)?;
    Ok(length)
}

fn flush(session: &mut Session) -> std::io::Result<()> {
    while session.connection.wants_write() {
        session.connection.write_tls(&mut session.socket)?;
    }
    Ok(())
}

#[test]
fn who_wants_probes_answered_sends_nothing_to_a_peer_that_does_not() {
    let mut house = House::new();
    let (mut silent, mut old, mut good) = (
        Receiver::of(&house, Kind::RsyslogGnutls),
        Receiver::of(&house, Kind::SyslogNg),
        Receiver::of(&house, Kind::SyslogNg),
    );
    old.tls = Tls::V1_2;
    for (name, receiver) in [("silent", &mut silent), ("old", &mut old), ("good", &mut good)] {
        receiver.start();
        house.forward(name, receiver.port, &format!("{QUICK}evidence = \"probe\""));
    }
    house.write_log(entry(1).as_bytes());
    house.start();
    let status = house.wait_until("all known", |status| {
        named(status, "silent").error.contains("does not answer probes")
            && named(status, "old").error.contains("needs TLS 1.3")
            && named(status, "good").confirmed.0 > 1
    });
    for (name, receiver) in [("silent", &silent), ("old", &old)] {
        assert_eq!((named(&status, name).confirmed.0, named(&status, name).frames), (0, 0));
        assert_eq!(receiver.received(), b"");
    }
    assert_eq!(named(&status, "good").evidence, "probe");
    assert!(named(&status, "good").round_trip_us > 0);
}

#[test]
fn who_wants_closes_answered_sends_nothing_to_a_peer_that_only_ends() {
    let mut house = House::new();
    let (mut silent, mut good) =
        (Receiver::of(&house, Kind::RsyslogGnutls), Receiver::of(&house, Kind::SyslogNg));
    for (name, receiver) in [("silent", &mut silent), ("good", &mut good)] {
        receiver.start();
        house.forward(name, receiver.port, &format!("{QUICK}evidence = \"barrier\""));
    }
    house.write_log(entry(1).as_bytes());
    house.start();
    let status = house.wait_until("all known", |status| {
        named(status, "silent").connections > 3
            && named(status, "silent").state == "waiting"
            && named(status, "good").confirmed == status.journal.newest
    });
    let told = named(&status, "silent");
    assert!(told.error.contains("set evidence = \"auto\""), "{}", told.error);
    assert_eq!((told.confirmed.0, told.frames, silent.received()), (0, 0, Vec::new()));
    assert_eq!((named(&status, "good").evidence.as_str(), named(&status, "good").resent), ("barrier", 0));
    assert!(!house.said().contains("client certificate"), "{}", house.said());
    let found = house.run(&["doctor", "silent"]);
    assert_eq!(found.status.code(), Some(1));
    assert!(String::from_utf8(found.stdout).unwrap().contains("set evidence = \"auto\""));
    assert_eq!(house.stop(), Some(0));
    house.forward_nowhere();
    house.forward("silent", silent.port, QUICK);
    house.start();
    let status = house.wait_until("confirmed", |status| {
        let silent = named(status, "silent");
        silent.confirmed == status.journal.newest && silent.evidence == "fin" && silent.state == "connected"
    });
    let seqs: Vec<u64> = silent.frames().iter().map(|frame| frame.seq).collect();
    assert_eq!(seqs, (1..=status.journal.newest.0).collect::<Vec<_>>());
    assert!(house.said().contains("its FIN counts, which is weaker evidence"), "{}", house.said());
}

#[test]
fn a_peer_that_never_ends_gets_one_window_and_no_more_before_it_does() {
    let mut house = House::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let identity = house.ca.sign(certs::Kind::Server, LOCAL);
    let config = Arc::new(peer::config(&identity, Some(&house.ca), &[&TLS12]));
    let (received, keeps) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (bytes, kept) = (Arc::clone(&received), Arc::clone(&keeps));
    thread::spawn(move || {
        let mut open = Vec::new();
        for socket in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut session = Session { connection, socket: socket.unwrap(), received: Vec::new() };
            // It reads to our close and keeps its side open.
            let _end = session.read_to_close_notify();
            bytes.fetch_add(session.received.len(), Ordering::SeqCst);
            kept.fetch_add(1, Ordering::SeqCst);
            open.push(session);
        }
    });
    house.forward("siem", port, &format!("{QUICK}send-timeout = \"300 ms\""));
    house.write_log(entry(1).as_bytes());
    house.start();
    let first = house.wait_until("one window", |status| {
        siem(status).error.contains("did not answer our close") && siem(status).frames > 0
    });
    let seen = keeps.load(Ordering::SeqCst);
    house.wait_until("more links", |_| keeps.load(Ordering::SeqCst) > seen + 3);
    let status = house.wait_until("still one window", |_| true);
    assert_eq!((siem(&status).frames, siem(&status).resent), (siem(&first).frames, 0), "{status:?}");
    assert!(received.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_peer_that_takes_links_only_to_close_them_has_taken_nothing() {
    let mut house = House::new();
    let mut receiver = Receiver::of(&house, Kind::SyslogNg);
    let listener = TcpListener::bind(("127.0.0.1", receiver.port)).unwrap();
    let identity = house.ca.sign(certs::Kind::Server, LOCAL);
    let config = Arc::new(peer::config(&identity, Some(&house.ca), &[&TLS12]));
    let thread = thread::spawn(move || {
        for _ in 0..CLOSES {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let socket = listener.accept().unwrap().0;
            let mut session = Session { connection, socket, received: Vec::new() };
            let _refused = session.handshake();
            // It is busy for a moment, its TLS reads what has come by then, and its program wants none of it.
            a_moment(150);
            session.socket.set_nonblocking(true).unwrap();
            let _none_left = session.discard_to_end();
            session.socket.set_nonblocking(false).unwrap();
            let _gone = session.close_notify();
        }
    });
    house.forward("siem", receiver.port, QUICK);
    house.write_log(entry(1).as_bytes());
    house.start();
    house.wait_until("all links closed", |status| {
        assert_eq!(siem(status).confirmed.0, 0, "{status:?}");
        thread.is_finished()
    });
    thread.join().unwrap();
    receiver.tls = Tls::V1_2;
    receiver.start();
    let status = house.wait_until("confirmed", |status| all_confirmed(status, 1));
    assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0).lost, [0; 0]);
}

/// So many entries are read, and all that was journaled is confirmed.
fn all_confirmed(status: &Status, entries: u64) -> bool {
    status.sources.iter().any(|source| source.entries == entries)
        && siem(status).confirmed == status.journal.newest
}

fn siem(status: &Status) -> &DestinationStatus {
    named(status, "siem")
}

fn named<'a>(status: &'a Status, name: &str) -> &'a DestinationStatus {
    status.destinations.iter().find(|destination| destination.name == name).unwrap()
}

const HEAD: &str = "\
| receiver | over TLS 1.2 | over TLS 1.3 |
|---|---|---|
";
const QUICK: &str = "barrier-interval = \"200 ms\"\nbackoff-max = \"200 ms\"\n";
const ENTRIES: usize = 200;
/// A KeyUpdate over TLS 1.3: header, message, content type, tag.
const PROBE_BYTES: usize = 5 + 5 + 1 + 16;
/// Connections that are closed at once; after a few breaks one record goes out at a time.
const CLOSES: usize = 5;
/// Connections that throw everything away.
const DISCARDS: usize = 5;
