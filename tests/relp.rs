//! A RELP link against rsyslog's imrelp and against servers that misbehave.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::net::NetError;
use otrail::transport::{Link, LinkError, Protocol, RelpError, Settings};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;
use support::daemon::{Kind, Receiver, Tls};
use support::peer::Peer;
use support::process::House;
use support::world::{connect, plain, settings_in};

#[tokio::test]
async fn imrelp_acknowledges_what_it_gets_with_and_without_tls() {
    let house = House::new();
    for (kind, tls) in [
        (Kind::RelpOpenssl, Tls::None),
        (Kind::RelpOpenssl, Tls::V1_2),
        (Kind::RelpOpenssl, Tls::V1_3),
        (Kind::RelpGnutls, Tls::V1_2),
        (Kind::RelpGnutls, Tls::V1_3),
    ] {
        let mut receiver = Receiver::of(&house, kind);
        receiver.tls = tls;
        receiver.start();
        let mut link = connect(&settings(&house, &receiver))
            .await
            .unwrap_or_else(|error| unreachable!("{kind:?} {tls:?}: {error:?}\n{}", receiver.said()));
        let messages: Vec<Vec<u8>> = (0..MESSAGES).map(message).collect();
        for batch in messages.chunks(100) {
            send(&mut link, batch).await.unwrap();
        }
        while link.confirmed() < MESSAGES as u64 {
            link.news().await.unwrap();
        }
        send(&mut link, &[b"<108>1 - - - - - - the last".to_vec()]).await.unwrap();
        let observed = link.barrier(Duration::ZERO).await;
        assert_eq!((observed.unanswered, observed.confirmed), (Some(0), MESSAGES as u64 + 1), "{observed:?}");
        assert_eq!((observed.broken, observed.closed_before_ours), (None, false), "{kind:?} {tls:?}");
        let mut expected = messages.join(&b'\n');
        expected.extend_from_slice(b"\n<108>1 - - - - - - the last\n");
        assert!(receiver.received() == expected, "{kind:?} {tls:?}");
    }
}

#[test]
fn a_destination_that_meets_relp_where_it_expects_syslog_says_so() {
    for (tls, word) in [(Tls::V1_3, "relp-tls"), (Tls::None, "relp")] {
        let mut house = House::new();
        let mut receiver = Receiver::of(&house, Kind::RelpOpenssl);
        receiver.tls = tls;
        receiver.start();
        match tls {
            Tls::None => house.forward_as_nobody("siem", receiver.port, "transport = \"tcp\""),
            _ => house.forward("siem", receiver.port, ""),
        }
        house.start();
        let way_out = format!("\"0 serverclose 0\", it speaks RELP: set transport = {word:?}");
        house.wait_until("told", |status| status.destinations[0].error.contains(&way_out));
        assert!(!house.said().contains("client certificate"), "{}", house.said());
    }
}

/// imrelp cuts what is longer, and says 200 all the same: the default `frame-max` must fit.
#[tokio::test]
async fn a_frame_of_the_default_length_fits_into_imrelps_default() {
    let house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RelpGnutls);
    receiver.tls = Tls::None;
    receiver.message_max = None;
    receiver.start();
    let mut link = connect(&settings(&house, &receiver)).await.unwrap();
    let mut longest = message(0);
    longest.resize(8000, b'x');
    send(&mut link, &[longest.clone()]).await.unwrap();
    assert_eq!(link.barrier(Duration::ZERO).await.unanswered, Some(0));
    longest.push(b'\n');
    assert!(receiver.received() == longest);
}

#[tokio::test]
async fn what_was_acknowledged_before_the_end_counts_and_the_end_is_told() {
    let peer = serve(|socket| {
        read_until(socket, "4 syslog");
        socket.write_all(b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n0 serverclose 0\n").unwrap();
    });
    let mut link = connect(&relp(peer.port)).await.unwrap();
    send(&mut link, &[message(0), message(1), message(2)]).await.unwrap();
    assert!(matches!(link.closed().await, LinkError::Closed));
    assert_eq!(link.confirmed(), 2);
    let observed = link.barrier(Duration::ZERO).await;
    assert_eq!((observed.unanswered, observed.confirmed, observed.closed_before_ours), (Some(1), 2, true));
}

#[tokio::test]
async fn a_refusal_ends_the_link_with_the_words_of_the_server() {
    let peer = serve(|socket| {
        read_until(socket, "3 syslog");
        socket.write_all(b"2 rsp 6 200 OK\n3 rsp 18 500 cannot take it\n").unwrap();
        read_until(socket, "never");
    });
    let mut link = connect(&relp(peer.port)).await.unwrap();
    send(&mut link, &[message(0), message(1)]).await.unwrap();
    let error = link.closed().await;
    assert_eq!(error.to_string(), "the peer refused an event: 500 cannot take it");
    assert_eq!(link.confirmed(), 1);
}

#[tokio::test]
async fn an_acknowledgement_that_stays_away_is_no_evidence() {
    let (release, held) = mpsc::channel::<()>();
    let peer = serve(move |socket| {
        read_until(socket, "2 syslog");
        let _ = held.recv();
    });
    let mut settings = relp(peer.port);
    settings.net.send_timeout = Duration::from_millis(200);
    let mut link = connect(&settings).await.unwrap();
    send(&mut link, &[message(0)]).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert_eq!((observed.unanswered, observed.confirmed), (Some(1), 0), "{observed:?}");
    drop(release);
}

#[tokio::test]
async fn a_server_that_is_none_of_relp_is_told_apart() {
    let says = |words: &'static [u8]| {
        Peer::start(move |mut socket| {
            socket.write_all(words).unwrap();
            read_until(&mut socket, "never");
        })
    };
    let refusal = async |port, limit| {
        let mut settings = relp(port);
        settings.net.connect_timeout = limit;
        connect(&settings).await.err().unwrap()
    };
    let long = Duration::from_secs(20);
    let error = refusal(says(b"220 mail.example.net\r\n").port, long).await;
    assert!(matches!(error, LinkError::Relp(RelpError::BadFrame { .. })), "{error:?}");
    let error = refusal(says(b"1 rsp 13 500 no thanks\n").port, long).await;
    assert_eq!(error.to_string(), "the peer refused the RELP session: 500 no thanks");
    let error = refusal(says(b"1 rsp 999999999 ").port, long).await;
    assert!(matches!(error, LinkError::Relp(RelpError::TooLong { .. })), "{error:?}");
    let error = refusal(Peer::start(drop).port, long).await;
    assert!(matches!(error, LinkError::NotOpened), "{error:?}");
    let error = refusal(says(b"").port, Duration::from_millis(100)).await;
    assert!(matches!(error, LinkError::Net(NetError::RelpTimeout { .. })), "{error:?}");
}

#[tokio::test]
async fn a_server_that_answers_without_end_is_not_listened_to_for_ever() {
    let peer = serve(|socket| while socket.write_all(b"0 hint 5 hello\n").is_ok() {});
    let mut settings = relp(peer.port);
    settings.net.send_timeout = Duration::from_millis(200);
    let mut link = connect(&settings).await.unwrap();
    send(&mut link, &[message(0)]).await.unwrap();
    assert_eq!(link.barrier(Duration::ZERO).await.unanswered, Some(1));
    peer.end();
}

/// A certificate that the server does not accept: with TLS 1.3 that shows after the handshake.
#[tokio::test]
async fn a_server_that_refuses_our_certificate_opens_no_session() {
    let house = House::new();
    let mut receiver = Receiver::of(&house, Kind::RelpOpenssl);
    receiver.start();
    let mut settings = settings(&house, &receiver);
    let stranger =
        house.ca.sign(support::certs::Kind::Client, &["another"]).write(house.folder.path(), "another");
    let tls = support::world::tls(&mut settings);
    (tls.cert_file, tls.key_file) = (Some(stranger.certificate), Some(stranger.key));
    assert!(connect(&settings).await.is_err());
    assert_eq!(receiver.received(), b"");
}

async fn send(link: &mut Link, messages: &[Vec<u8>]) -> Result<(), LinkError> {
    let mut frames = Vec::new();
    for message in messages {
        link.frame_with(&mut frames, |out| out.extend_from_slice(message));
    }
    link.send(&frames).await
}

fn message(number: usize) -> Vec<u8> {
    format!("<108>1 - - - - - - message {number:05}").into_bytes()
}

/// The way to a server of the house.
fn settings(house: &House, receiver: &Receiver) -> Settings {
    if receiver.tls == Tls::None {
        return relp(receiver.port);
    }
    Settings { protocol: Protocol::Relp, ..settings_in(house.folder.path(), receiver.port) }
}

fn relp(port: u16) -> Settings {
    Settings { protocol: Protocol::Relp, ..plain(port) }
}

/// A server that opens the session and then does as it likes.
fn serve(act: impl FnOnce(&mut TcpStream) + Send + 'static) -> Peer<()> {
    Peer::start(move |mut socket| {
        read_until(&mut socket, "1 open");
        socket.write_all(b"1 rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n").unwrap();
        act(&mut socket);
    })
}

/// Reads until these words have come, or to the end.
fn read_until(socket: &mut TcpStream, words: &str) {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(words.as_bytes()) && socket.read(&mut byte).is_ok_and(|count| count > 0) {
        seen.push(byte[0]);
    }
}

const MESSAGES: usize = 1000;
