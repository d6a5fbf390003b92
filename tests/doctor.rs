//! Every diagnosis of `otrail doctor`, made by a server or a host that really is so.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use rustls::version::{TLS12, TLS13};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use support::certs::{Ca, Kind};
use support::peer::{self, Session};
use support::process::{House, entry, free_port, rotate};
use support::receiver::Receiver;
use support::world::LOCAL;

/// Runs it on the destination; its exit code, and what it found as `verdict message; way out`.
fn doctor(house: &House, args: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = house.run(&[&["doctor", "-o", "json"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| {
        [word(finding, "verdict"), word(finding, "message"), word(finding, "way-out")].join("; ")
    });
    (output.status.code(), findings.collect())
}

#[track_caller]
fn is_told(findings: &[String], verdict: &str, words: &[&str]) {
    let told =
        |finding: &&String| finding.starts_with(verdict) && words.iter().all(|word| finding.contains(word));
    assert!(findings.iter().any(|finding| told(&finding)), "{words:?} is missing in {findings:#?}");
}

/// A house with one destination that cannot be served, and what is told of it.
#[track_caller]
fn problem(port: u16, more: &str, words: &[&str]) {
    let mut house = House::new();
    house.forward("siem", port, more);
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1), "{findings:#?}");
    is_told(&findings, "problem", words);
}

/// A server that lets every connection have `act`.
fn serve(act: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let act = Arc::new(act);
    std::thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let act = Arc::clone(&act);
            std::thread::spawn(move || act(socket));
        }
    });
    port
}

/// The same with TLS.
fn serve_tls(config: rustls::ServerConfig, act: impl Fn(Session) + Send + Sync + 'static) -> u16 {
    let config = Arc::new(config);
    serve(move |socket| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        act(Session { connection, socket, received: Vec::new() });
    })
}

/// Reads to the end and answers the close.
fn take(mut session: Session) {
    let _ = session.read_to_close_notify();
    let _ = session.close_notify();
}

const QUICK: &str = "connect-timeout = \"700 ms\"";

#[test]
fn a_destination_that_is_well_is_shown_step_by_step() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    house.forward("siem", receiver.port, "");
    house.write_log(entry(1).as_bytes());
    rotate(&house.log());
    house.write_log(entry(2).as_bytes());
    let (code, findings) = doctor(&house, &[]);
    assert_eq!(code, Some(0), "{findings:#?}");
    for words in [
        &["it is looked for at 127.0.0.1"][..],
        &["takes connections, after "],
        &["TLSv1.3 ", " at 127.0.0.1:", "up after "],
        &["server certificate CN=localhost", "is valid for "],
        &["a test event arrived after ", " by evidence "],
        &["operations.ndjson.1 is what it was rotated to"],
        &["its newest entry is of 2025-11-24T16:00:00.002Z"],
        &["inotify instances"],
    ] {
        is_told(&findings, "ok", words);
    }
    assert_eq!(receiver.count("code=\"OTA-9005\""), 1);
    assert!(!house.path("state").exists());
    let unknown = house.run(&["doctor", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2));
    let text = house.run(&["doctor", "siem"]);
    let said = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(said.lines().all(|line| line.contains("destination siem: ")), "{said}");
}

#[test]
fn a_name_that_nobody_knows() {
    let mut house = House::new();
    house.set("[[destination]]\nname = \"siem\"\naddress = \"no-such-host.invalid:6514\"");
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1));
    is_told(&findings, "problem", &["cannot resolve no-such-host.invalid", "check the name in `address`"]);
}

#[test]
fn a_port_that_nobody_listens_on() {
    problem(free_port(), "", &["refused the connection", "nothing listens there"]);
}

#[test]
fn a_web_server_in_the_place_of_a_syslog_server() {
    let port = serve(|mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    problem(port, QUICK, &["a web server answers on this port", "usually on port 6514"]);
}

#[test]
fn another_server_in_the_place_of_a_syslog_server() {
    let port = serve(|mut socket| {
        let _ = socket.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
        let _ = socket.read(&mut [0; 4096]);
    });
    problem(port, QUICK, &["what answers on this port begins with \"SSH-2.0-OpenSSH_9.2\""]);
}

#[test]
fn a_port_for_syslog_without_tls() {
    // It waits for the end of a line.
    let port = serve(|mut socket| {
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    problem(port, QUICK, &["nobody answers what a TLS client says first", "syslog without TLS"]);
}

#[test]
fn a_server_that_knows_no_version_that_we_speak() {
    let mut house = House::new();
    let config = peer::config(&house.ca.sign(Kind::Server, LOCAL), None, &[&TLS12]);
    house.forward("siem", serve_tls(config, take), "tls-min = \"1.3\"");
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1));
    is_told(&findings, "problem", &["no TLS version or cipher in common with the peer"]);
}

#[test]
fn a_certificate_that_is_not_to_be_trusted() {
    let stranger = Ca::new("another CA");
    for (ca, kind, names, words) in [
        (Some(&stranger), Kind::Server, LOCAL, &["signed by an unknown CA", "ca-file"][..]),
        (None, Kind::Server, &["siem.example.net"], &["not for localhost but for siem.example.net"]),
        (None, Kind::Expired, LOCAL, &["expired at 2001-01-01"]),
        (None, Kind::NotYetValid, LOCAL, &["not valid before 2199", "clock"]),
        (None, Kind::WrongUsage, LOCAL, &["usage"]),
    ] {
        let mut house = House::new();
        let identity = ca.unwrap_or(&house.ca).sign(kind, names);
        let port = serve_tls(peer::config(&identity, None, &[&TLS12, &TLS13]), take);
        house.forward("siem", port, "");
        let (code, findings) = doctor(&house, &["siem"]);
        assert_eq!(code, Some(1), "{findings:#?}");
        is_told(&findings, "problem", words);
    }
}

#[test]
fn a_certificate_that_is_not_pinned() {
    let mut house = House::new();
    let config = peer::config(&house.ca.sign(Kind::Server, LOCAL), None, &[&TLS13]);
    let pin = format!("pin = [\"sha256:{}\"]", "ab".repeat(32));
    house.forward("siem", serve_tls(config, take), &pin);
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1));
    is_told(&findings, "problem", &["not a pinned one, its fingerprint is "]);
}

/// With TLS 1.3 the handshake is over when the refusal comes: it is waited for.
#[test]
fn a_client_certificate_that_is_missing_or_refused() {
    for version in [&TLS12, &TLS13] {
        let mut house = House::new();
        let config = peer::config(&house.ca.sign(Kind::Server, LOCAL), Some(&house.ca), &[version]);
        house.forward_as_nobody("siem", serve_tls(config, take), "");
        let (code, findings) = doctor(&house, &["siem"]);
        assert_eq!(code, Some(1), "{findings:#?}");
        is_told(&findings, "problem", &["client certificate", "cert-file and key-file"]);

        let mut house = House::new();
        let config = peer::config(&house.ca.sign(Kind::Server, LOCAL), Some(&house.ca), &[version]);
        Ca::new("another CA").sign(Kind::Client, &["sensor"]).write(house.folder.path(), "client");
        house.forward("siem", serve_tls(config, take), "");
        let (code, findings) = doctor(&house, &["siem"]);
        assert_eq!(code, Some(1), "{findings:#?}");
        is_told(&findings, "problem", &["our client certificate", "cert-file"]);
    }
}

#[test]
fn a_server_that_closes_on_whoever_it_does_not_like_without_a_word() {
    let mut house = House::new();
    let config = peer::config(&house.ca.sign(Kind::Server, LOCAL), None, &[&TLS13]);
    let port = serve_tls(config, |mut session| {
        let _ = session.handshake();
        let _ = session.socket.shutdown(Shutdown::Both);
    });
    house.forward("siem", port, "");
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1));
    is_told(&findings, "problem", &["the link was up and then ended", "it may demand a client certificate"]);
}

#[test]
fn a_server_that_wants_another_framing_closes_on_a_message_and_not_before() {
    let mut house = House::new();
    let config = peer::config(&house.ca.sign(Kind::Server, LOCAL), None, &[&TLS13]);
    let port = serve_tls(config, |mut session| {
        let _ = session.read_bytes(1);
        session.reset();
    });
    house.forward("siem", port, "");
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1));
    is_told(&findings, "problem", &["the link stays up without events", "another framing (`framing`)"]);
}

#[test]
fn each_address_of_a_destination_is_walked_to() {
    let mut house = House::new();
    let receiver = Receiver::start(&house);
    let nobody = free_port();
    let ca = house.path("ca.pem");
    let (certificate, key) = (house.path("client.pem"), house.path("client.key"));
    house.set(&format!(
        "[[destination]]\nname = \"siem\"\naddresses = [\"localhost:{nobody}\", \"localhost:{}\"]\nca-file = {ca:?}\n\
         cert-file = {certificate:?}\nkey-file = {key:?}",
        receiver.port
    ));
    let (code, findings) = doctor(&house, &["siem"]);
    assert_eq!(code, Some(1), "{findings:#?}");
    is_told(&findings, "problem", &["refused the connection"]);
    is_told(&findings, "ok", &["a test event arrived after "]);
    let sent = house.run(&["send-test", "siem"]);
    assert_eq!(sent.status.code(), Some(0), "{}", String::from_utf8_lossy(&sent.stdout));
}

#[test]
fn an_entry_from_the_future_tells_of_a_clock_or_a_zone() {
    let mut house = House::new();
    house.forward("siem", free_port(), "");
    let now = otrail::agent::now().millis() + 7_200_000;
    house.write_log(entry(0).replace("1764000000000", &now.to_string()).as_bytes());
    let (_, findings) = doctor(&house, &[]);
    is_told(&findings, "warning", &["s ahead of the clock of this host", "`time-zone`"]);
}
