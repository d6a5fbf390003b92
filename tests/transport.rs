//! A link against real servers: how it carries bytes, how it ends, and what a barrier sees.

mod support;

use otrail::net::Pin;
use otrail::transport::LinkError;
use rustls::version::{TLS12, TLS13};
use std::io::Write as _;
use std::sync::mpsc;
use std::time::Duration;
use support::certs::{Ca, Kind};
use support::peer::{self, Peer};
use support::world::{FRAME, LOCAL, World, answered, connect, plain, read_all};

#[tokio::test]
async fn frames_arrive_over_both_versions_and_the_barrier_is_answered() {
    let world = World::new();
    for (version, about) in [(&TLS12, "TLSv1.2 TLS_ECDHE"), (&TLS13, "TLSv1.3 TLS13_AES")] {
        let identity = world.ca.sign(Kind::Server, LOCAL);
        let peer = Peer::start_tls(peer::config(&identity, Some(&world.ca), &[version]), read_all);
        let mut link = connect(&world.settings(peer.port)).await.unwrap();
        assert!(link.about().starts_with(about), "{}", link.about());
        assert_eq!(link.peer_address().port(), peer.port);
        assert_eq!(link.peer_certificates()[0].fingerprint, Pin::of(&identity.certificate));
        let frames = FRAME.repeat(40_000);
        link.send(&frames[..FRAME.len()]).await.unwrap();
        link.send(&frames[FRAME.len()..]).await.unwrap();
        let observed = link.barrier(Duration::ZERO).await;
        assert!(answered(&observed), "{observed:?}");
        assert!(peer.end() == frames);
    }
}

#[tokio::test]
async fn the_certificates_that_a_peer_was_verified_by_are_known_and_no_others() {
    let world = World::new();
    let (upper, stranger) = (world.ca.below("upper CA", 2150), Ca::new("stranger"));
    let lower = upper.below("lower CA", 2100);
    for version in [&TLS12, &TLS13] {
        let identity = lower.sign(Kind::Server, LOCAL);
        let sent =
            identity.followed_by(&stranger).followed_by(&upper).followed_by(&lower).followed_by(&world.ca);
        let peer = Peer::start_tls(peer::config(&sent, Some(&world.ca), &[version]), read_all);
        let link = connect(&world.settings(peer.port)).await.unwrap();
        let found: Vec<String> = link
            .peer_certificates()
            .iter()
            .map(|one| format!("{} {}", one.subject, one.not_after.to_string().get(..4).unwrap()))
            .collect();
        assert_eq!(found, ["CN=localhost 2200", "CN=lower CA 2100", "CN=upper CA 2150"]);
        link.end().await;
        peer.end();
    }
}

#[tokio::test]
async fn the_end_that_comes_together_with_an_answer_is_told_after_it() {
    let world = World::new();
    let (has_read, told) = mpsc::channel();
    let peer = world.serve(move |mut session| {
        session.read_bytes(FRAME.len()).unwrap();
        has_read.send(()).unwrap();
        session.connection.read_tls(&mut session.socket).unwrap();
        session.connection.process_new_packets().unwrap();
        // An empty word lets rustls answer, and a record that nobody can read ends it with an alert.
        let _none = session.connection.writer().write(&[]).unwrap();
        session.connection.read_tls(&mut &[&[23, 3, 3, 0, 17][..], &[0; 17]].concat()[..]).unwrap();
        session.connection.process_new_packets().unwrap_err();
        session.connection.write_tls(&mut session.socket).unwrap();
        let _ = session.discard_to_end();
    });
    let mut link = connect(&world.settings(peer.port)).await.unwrap();
    link.send(FRAME).await.unwrap();
    told.recv().unwrap();
    link.probe().await.unwrap();
    link.news().await.unwrap();
    assert_eq!(link.key_updates().given, 1);
    let end = link.listen_now().unwrap_err();
    assert_eq!(end.to_string(), "the peer refused: TLS alert BadRecordMac");
    drop(link);
    peer.end();
}

#[tokio::test]
async fn the_end_of_an_idle_link_is_noticed() {
    let world = World::new();
    let peer = world.serve(|mut session| {
        session.read_bytes(FRAME.len()).unwrap();
        session.say(b"a syslog server has nothing to say").unwrap();
        session.close_notify().unwrap();
        session.received
    });
    let mut link = connect(&world.settings(peer.port)).await.unwrap();
    link.send(FRAME).await.unwrap();
    assert!(matches!(link.closed().await, LinkError::Closed));
    assert!(matches!(link.send(FRAME).await, Err(LinkError::Closed)));
    assert!(link.barrier(Duration::ZERO).await.closed_before_ours);
    assert_eq!(peer.end(), FRAME);
}

#[tokio::test]
async fn a_peer_that_closes_first_and_discards_the_rest_answers_nothing() {
    let world = World::new();
    let (closed, is_closed) = mpsc::channel();
    let peer = world.serve(move |mut session| {
        session.handshake().unwrap();
        session.close_notify().unwrap();
        session.fin().unwrap();
        closed.send(()).unwrap();
        session.discard_to_end().unwrap()
    });
    // The link hears nothing while it sends: the close lies unread until the barrier asks the kernel.
    let mut link = connect(&world.settings(peer.port)).await.unwrap();
    is_closed.recv().unwrap();
    let _ = link.send(FRAME).await;
    let observed = link.barrier(Duration::ZERO).await;
    assert!(observed.closed_before_ours && !answered(&observed), "{observed:?}");
    peer.end();
}

#[tokio::test]
async fn a_peer_that_ends_without_a_word_is_seen_to_do_so() {
    let world = World::new();
    let peer = world.serve(|mut session| session.read_to_close_notify().map(|()| session.received).unwrap());
    let mut link = connect(&world.settings(peer.port)).await.unwrap();
    link.send(FRAME).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert!(observed.fin_after.is_some() && observed.close_notify_after.is_none(), "{observed:?}");
    assert!(!observed.closed_before_ours && observed.broken.is_none(), "{observed:?}");
    assert_eq!(peer.end(), FRAME);
}

#[tokio::test]
async fn a_peer_that_resets_breaks_the_barrier() {
    let world = World::new();
    let peer = world.serve(|mut session| {
        session.read_to_close_notify().unwrap();
        session.reset()
    });
    let mut link = connect(&world.settings(peer.port)).await.unwrap();
    link.send(FRAME).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert!(observed.broken.as_ref().is_some_and(|text| text.contains("reset")), "{observed:?}");
    peer.end();
}

#[tokio::test]
async fn a_peer_that_never_reads_stalls_the_send() {
    let world = World::new();
    let (release, held) = mpsc::channel::<()>();
    let peer = world.serve(move |mut session| {
        session.handshake().unwrap();
        let _ = held.recv();
    });
    let mut settings = world.settings(peer.port);
    settings.net.send_timeout = Duration::from_millis(200);
    let mut link = connect(&settings).await.unwrap();
    let frames = FRAME.repeat(10_000);
    let error = loop {
        if let Err(error) = link.send(&frames).await {
            break error;
        }
    };
    assert!(matches!(error, LinkError::Stalled { .. }), "{error:?}");
    let observed = link.barrier(Duration::ZERO).await;
    assert_eq!(observed.broken.as_deref(), Some("a send was not finished"));
    drop(release);
}

#[tokio::test]
async fn a_frozen_peer_gives_no_evidence() {
    let world = World::new();
    let (release, held) = mpsc::channel::<()>();
    let peer = world.serve(move |mut session| {
        session.handshake().unwrap();
        let _ = held.recv();
    });
    let mut settings = world.settings(peer.port);
    settings.net.send_timeout = Duration::from_millis(200);
    let mut link = connect(&settings).await.unwrap();
    link.send(FRAME).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert!(observed.close_notify_after.is_none() && observed.fin_after.is_none(), "{observed:?}");
    assert!(!observed.closed_before_ours, "{observed:?}");
    drop(release);
}

#[tokio::test]
async fn bytes_that_the_peer_has_no_room_for_are_counted() {
    let (release, held) = mpsc::channel::<()>();
    let peer = Peer::start(move |socket| {
        socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 10).unwrap();
        let _ = held.recv();
    });
    let mut settings = plain(peer.port);
    settings.net.send_timeout = Duration::from_millis(200);
    let mut link = connect(&settings).await.unwrap();
    link.send(&FRAME.repeat(20_000)).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert!(observed.unacknowledged.is_some_and(|bytes| bytes > 0), "{observed:?}");
    assert!(observed.fin_after.is_none(), "{observed:?}");
    drop(release);
}

#[tokio::test]
async fn a_plain_link_ends_with_a_fin() {
    let peer = Peer::start(|mut socket| {
        let mut received = Vec::new();
        std::io::Read::read_to_end(&mut socket, &mut received).unwrap();
        received
    });
    let mut link = connect(&plain(peer.port)).await.unwrap();
    assert_eq!(link.about(), "plain TCP");
    let frames = FRAME.repeat(40_000);
    link.send(&frames).await.unwrap();
    let observed = link.barrier(Duration::ZERO).await;
    assert!(observed.fin_after.is_some() && !observed.closed_before_ours, "{observed:?}");
    assert_eq!((observed.unacknowledged, observed.broken), (Some(0), None));
    assert!(peer.end() == frames);
}
