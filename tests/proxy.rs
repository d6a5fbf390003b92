//! A way through an HTTP proxy: what is asked, what is refused, and that evidence is the peer's and not the proxy's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails shows where")]

mod support;

use otrail::net::{self, NetError};
use otrail::transport::{LinkError, Settings};
use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use support::daemon::{Kind, Receiver};
use support::frames::Account;
use support::peer::Peer;
use support::process::{House, entry};
use support::proxy::Proxy;
use support::world::{FRAME, World, answered, connect, plain, read_all};

#[tokio::test]
async fn frames_go_through_and_the_barrier_is_answered_by_the_peer() {
    let world = World::new();
    let (proxy, peer) = (Proxy::start(None), world.serve(read_all));
    let mut link = connect(&through(proxy.port, world.settings(peer.port))).await.unwrap();
    link.send(FRAME).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert!(answered(&observed) && observed.proxied, "{observed:?}");
    assert_eq!(peer.end(), FRAME);
    let request = format!("CONNECT 127.0.0.1:{0} HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\n\r\n", peer_port(&proxy));
    assert_eq!(proxy.seen(), [request]);
}

#[tokio::test]
async fn credentials_come_from_a_file_that_nobody_else_can_read() {
    let world = World::new();
    let proxy = Proxy::start(Some("Basic dXNlcjpwYXNzd29yZA=="));
    let file = world.folder.path().join("proxy");
    let settings = |port| {
        let mut settings = through(proxy.port, world.settings(port));
        settings.net.proxy.as_mut().unwrap().credentials_file = Some(file.clone());
        settings
    };
    let write = |text: &str, mode| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    write("user:password\n", 0o600);
    let peer = world.serve(read_all);
    connect(&settings(peer.port)).await.unwrap().barrier(Duration::ZERO).await;
    peer.end();
    write("user:other", 0o600);
    assert!(matches!(refusal(&settings(1)).await, NetError::ProxyCredentials { .. }));
    write("user:password", 0o644);
    assert!(matches!(refusal(&settings(1)).await, NetError::LooseKey { .. }));
    write("password", 0o600);
    assert!(matches!(refusal(&settings(1)).await, NetError::NoCredentials { .. }));
    let nobody = through(proxy.port, world.settings(1));
    assert!(matches!(refusal(&nobody).await, NetError::ProxyDemands { .. }));
}

#[tokio::test]
async fn a_proxy_that_does_not_open_the_way_is_named_with_the_reason() {
    let world = World::new();
    let error = refusal(&through(Proxy::start(None).port, world.settings(1))).await;
    assert!(error.to_string().ends_with("refused the connection: 502 Bad Gateway"), "{error}");
    let says = |words: &'static [u8]| {
        Peer::start(move |mut socket| {
            // It may be gone before all is said.
            let _ = socket.write_all(words);
            let _ = std::io::copy(&mut socket, &mut std::io::sink());
        })
    };
    for words in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"HTTP/1.1 nonsense\r\n\r\n"] {
        let error = refusal(&through(says(words).port, world.settings(1))).await;
        assert!(matches!(error, NetError::NoProxy { .. }), "{error:?}");
    }
    let endless: &'static [u8] = [&b"HTTP/1.1 200 OK\r\n"[..], &b"X: y\r\n".repeat(10_000)].concat().leak();
    let error = refusal(&through(says(endless).port, world.settings(1))).await;
    assert!(matches!(error, NetError::NoProxy { .. }), "{error:?}");
    let word_before = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n";
    let error = refusal(&through(says(word_before).port, world.settings(1))).await;
    assert!(matches!(error, NetError::ProxyRefused { status: 403, .. }), "{error:?}");
    let half = Peer::start(|mut socket| {
        socket.write_all(b"HTTP/1.1 200 Connection estab").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    let error = refusal(&through(half.port, world.settings(1))).await;
    assert!(matches!(error, NetError::ProxyBroke { .. }), "{error:?}");
    let mut silent = through(says(b"").port, world.settings(1));
    silent.net.connect_timeout = Duration::from_millis(100);
    let error = refusal(&silent).await;
    assert!(matches!(error, NetError::Timeout { step: "asking the proxy", .. }), "{error:?}");
    let error = refusal(&through(1, plain(1))).await;
    assert!(matches!(error, NetError::Refused { .. }), "{error:?}");
}

/// With the real agent and real servers: one that answers a close, one that acknowledges. What ends with a FIN alone
/// gives no evidence through a proxy, whose FIN it is.
#[test]
fn everything_arrives_through_a_proxy_with_evidence_of_the_peer() {
    for (kind, evidence) in [
        (Kind::RsyslogOpenssl, "probe"),
        (Kind::SyslogNg, "probe"),
        (Kind::RelpOpenssl, "ack"),
        (Kind::RsyslogGnutls, ""),
    ] {
        let (mut house, proxy) = (House::new(), Proxy::start(None));
        let mut receiver = Receiver::of(&house, kind);
        receiver.start();
        let more = format!(
            "transport = {:?}\nbarrier-interval = \"200 ms\"\nproxy = \"http://localhost:{}\"",
            kind.transport(),
            proxy.port
        );
        house.forward("siem", receiver.port, &more);
        (0..100).for_each(|number| house.write_log(entry(number).as_bytes()));
        house.start();
        if evidence.is_empty() {
            house.wait_until("told", |status| {
                status.destinations.iter().any(|siem| siem.error.contains("a FIN through a proxy"))
            });
            assert_eq!(house.status().unwrap().destinations[0].confirmed.0, 0);
            continue;
        }
        let status = house.wait_until("confirmed", |status| {
            status.sources.iter().any(|source| source.entries == 100)
                && status.destinations[0].confirmed == status.journal.newest
                && status.destinations[0].evidence == evidence
        });
        assert_eq!(Account::of(&receiver.frames(), status.journal.newest.0), Account::default());
        assert!(proxy.seen()[0].starts_with(&format!("CONNECT localhost:{} ", receiver.port)));
    }
}

fn through(port: u16, mut settings: Settings) -> Settings {
    settings.net.proxy = Some(net::Proxy { host: "127.0.0.1".to_owned(), port, credentials_file: None });
    settings
}

/// The port that was asked for last.
fn peer_port(proxy: &Proxy) -> u16 {
    let seen = proxy.seen();
    let place = seen.last().unwrap().split(' ').nth(1).unwrap().to_owned();
    place.rsplit(':').next().unwrap().parse().unwrap()
}

async fn refusal(settings: &Settings) -> NetError {
    match connect(settings).await.err() {
        Some(LinkError::Net(error)) => error,
        other => panic!("{other:?}"),
    }
}
