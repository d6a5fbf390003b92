//! A link that asks for KeyUpdates: what it takes for one, and what not.

#![expect(clippy::unwrap_used, reason = "a test that fails shows where")]

mod support;

use otrail::net::kernel;
use otrail::transport::{KeyUpdates, Link, LinkError};
use rustls::version::{TLS12, TLS13};
use std::io::Write as _;
use std::sync::mpsc::{self, Receiver, Sender};
use support::certs::Kind;
use support::peer::{self, Peer, Session};
use support::world::{FRAME, LOCAL, World, connect, plain};

/// What the server is told to do, one thing at a time.
type Act = Box<dyn FnOnce(&mut Session) + Send>;

struct Server {
    acts: Sender<Act>,
    done: Receiver<()>,
    peer: Peer<()>,
}

impl Server {
    fn start(world: &World) -> Server {
        let (acts, to_do) = mpsc::channel::<Act>();
        let (tell, done) = mpsc::channel();
        let peer = world.serve(move |mut session| {
            session.handshake().unwrap();
            for act in to_do {
                act(&mut session);
                tell.send(()).unwrap();
            }
        });
        Server { acts, done, peer }
    }

    fn acts(&self, act: impl FnOnce(&mut Session) + Send + 'static) {
        self.acts.send(Box::new(act)).unwrap();
        self.done.recv().unwrap();
    }

    /// Reads so many bytes of application data in all, and whatever came with them.
    fn reads(&self, bytes: usize) {
        self.acts(move |session| session.read_bytes(bytes).unwrap());
    }

    fn ends(self) {
        drop(self.acts);
        self.peer.end();
    }
}

/// Everything that the server has said, once it has said a word more; a word is no KeyUpdate.
fn heard(link: &mut Link, server: &Server) -> KeyUpdates {
    server.acts(|session| {
        session.say(b"a word").unwrap();
        while kernel::unacknowledged(&session.socket).unwrap() > 0 {
            std::thread::yield_now();
        }
    });
    link.listen_now().unwrap();
    link.key_updates()
}

#[tokio::test]
async fn an_answer_is_counted_for_each_probe_that_the_peer_has_read() {
    let world = World::new();
    let server = Server::start(&world);
    let mut link = connect(&world.settings(server.peer.port)).await.unwrap();
    assert!(link.can_probe());
    for round in 1..=40 {
        link.send(FRAME).await.unwrap();
        link.probe().await.unwrap();
        // The frame after the probe makes the server read the probe.
        link.send(FRAME).await.unwrap();
        server.reads(2 * round * FRAME.len());
        assert_eq!(heard(&mut link, &server), KeyUpdates { given: round as u64, other: 0 });
    }
    drop(link);
    server.ends();
}

/// rustls on its own ends a link after 32.
#[tokio::test]
async fn any_number_of_answers_is_taken_from_a_peer_that_says_nothing_else() {
    let world = World::new();
    let server = Server::start(&world);
    let mut link = connect(&world.settings(server.peer.port)).await.unwrap();
    for round in 1..=200 {
        link.probe().await.unwrap();
        link.send(FRAME).await.unwrap();
        server.acts(move |session| {
            session.read_bytes(round * FRAME.len()).unwrap();
            let _none = session.connection.writer().write(&[]).unwrap();
            while session.connection.wants_write() {
                session.connection.write_tls(&mut session.socket).unwrap();
            }
            while kernel::unacknowledged(&session.socket).unwrap() > 0 {
                std::thread::yield_now();
            }
        });
        link.listen_now().unwrap();
        assert_eq!(link.key_updates(), KeyUpdates { given: round as u64, other: 0 });
    }
    assert_eq!(heard(&mut link, &server), KeyUpdates { given: 200, other: 0 });
    link.end().await;
    server.ends();
}

#[tokio::test]
async fn data_tickets_and_silence_are_no_answers() {
    let world = World::new();
    let server = Server::start(&world);
    let mut link = connect(&world.settings(server.peer.port)).await.unwrap();
    server.acts(|session| {
        for length in [1, 5, 6, 27, 4096] {
            session.say(&vec![24; length]).unwrap();
        }
        // The very bytes of a KeyUpdate, but as data.
        session.say(&[24, 0, 0, 1, 0]).unwrap();
    });
    assert_eq!(heard(&mut link, &server), KeyUpdates::default());
    drop(link);
    server.ends();
}

#[tokio::test]
async fn a_peer_that_asks_itself_has_not_answered() {
    let world = World::new();
    let server = Server::start(&world);
    let mut link = connect(&world.settings(server.peer.port)).await.unwrap();
    server.acts(|session| session.connection.refresh_traffic_keys().unwrap());
    assert_eq!(heard(&mut link, &server), KeyUpdates { given: 0, other: 1 });
    drop(link);
    server.ends();
}

#[tokio::test]
async fn a_lazy_peer_answers_when_it_has_something_to_say() {
    let world = World::new();
    let server = Server::start(&world);
    let mut link = connect(&world.settings(server.peer.port)).await.unwrap();
    for _ in 0..3 {
        link.probe().await.unwrap();
    }
    link.send(FRAME).await.unwrap();
    server.reads(FRAME.len());
    link.listen_now().unwrap();
    assert_eq!(link.key_updates(), KeyUpdates::default());
    assert_eq!(heard(&mut link, &server), KeyUpdates { given: 1, other: 0 }, "one for all three");
    drop(link);
    server.ends();
}

#[tokio::test]
async fn the_end_of_a_link_is_no_answer() {
    let world = World::new();
    for reset in [false, true] {
        let server = Server::start(&world);
        let mut link = connect(&world.settings(server.peer.port)).await.unwrap();
        link.send(FRAME).await.unwrap();
        server.acts(move |session| match reset {
            true => peer::reset(&session.socket),
            false => session.close_notify().unwrap(),
        });
        server.ends();
        assert!(matches!(link.closed().await, LinkError::Closed | LinkError::Broken { .. }));
        assert_eq!(link.key_updates(), KeyUpdates::default());
    }
}

#[tokio::test]
async fn only_tls_1_3_can_be_asked() {
    let world = World::new();
    let identity = world.ca.sign(Kind::Server, LOCAL);
    for (version, can) in [(&TLS12, false), (&TLS13, true)] {
        let peer = Peer::start_tls(peer::config(&identity, Some(&world.ca), &[version]), |mut session| {
            let _ = session.read_to_close_notify();
        });
        let mut link = connect(&world.settings(peer.port)).await.unwrap();
        assert_eq!(link.can_probe(), can);
        assert_eq!(link.probe().await.is_ok(), can);
        link.end().await;
        peer.end();
    }
    let peer = Peer::start(|mut socket| {
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    let link = connect(&plain(peer.port)).await.unwrap();
    assert!(!link.can_probe());
    link.end().await;
    peer.end();
}
