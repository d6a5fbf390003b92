//! A syslog server for tests: TLS with a client certificate, octet counting, any number of connections.
//!
//! It answers a close_notify with its own, and can be taken away and come back on the same port.

use super::certs::Kind;
use super::peer::{self, Session};
use super::process::{House, patiently};
use super::world::{BOTH, LOCAL};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A server with everything that it has received.
pub struct Receiver {
    pub port: u16,
    config: Arc<ServerConfig>,
    heard: Arc<Heard>,
    accepting: Option<JoinHandle<()>>,
}

/// One frame, without its length.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Number of the connection that it came over.
    pub connection: usize,
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Heard {
    frames: Mutex<Vec<Frame>>,
    faults: Mutex<Vec<String>>,
    sockets: Mutex<Vec<TcpStream>>,
    away: AtomicBool,
    connections: AtomicUsize,
}

impl Receiver {
    /// A server with a certificate of the house's CA, on a port of its own.
    pub fn start(house: &House) -> Receiver {
        Receiver::speaking(house, BOTH)
    }

    /// The same with these versions of TLS.
    pub fn speaking(house: &House, versions: &[&'static SupportedProtocolVersion]) -> Receiver {
        let identity = house.ca.sign(Kind::Server, LOCAL);
        let config = Arc::new(peer::config(&identity, Some(&house.ca), versions));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut receiver = Receiver { port, config, heard: Arc::default(), accepting: None };
        receiver.listen(listener);
        receiver
    }

    fn listen(&mut self, listener: TcpListener) {
        let (heard, config) = (Arc::clone(&self.heard), Arc::clone(&self.config));
        heard.away.store(false, Ordering::SeqCst);
        self.accepting = Some(std::thread::spawn(move || accept(&listener, &config, &heard)));
    }

    /// Stops listening and breaks every connection off.
    pub fn away(&mut self) {
        self.heard.away.store(true, Ordering::SeqCst);
        // The connection that wakes the listener up is its last one.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
        for socket in self.heard.sockets.lock().unwrap().drain(..) {
            peer::reset(&socket);
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Listens on the same port again.
    pub fn back(&mut self) {
        let mut listener = None;
        assert!(patiently(|| {
            listener = TcpListener::bind(("127.0.0.1", self.port)).ok();
            listener.is_some()
        }));
        self.listen(listener.unwrap());
    }

    /// Everything so far. Bytes that were no frames fail the test.
    pub fn frames(&self) -> Vec<Frame> {
        let faults = self.heard.faults.lock().unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        self.heard.frames.lock().unwrap().clone()
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::SeqCst)
    }

    /// Whether any frame so far has this text.
    pub fn has(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    /// How many frames so far have this text.
    pub fn count(&self, text: &str) -> usize {
        let frames = self.heard.frames.lock().unwrap();
        frames.iter().filter(|frame| memchr::memmem::find(&frame.bytes, text.as_bytes()).is_some()).count()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.away();
    }
}

impl Frame {
    /// The frame as text; every frame is UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// A value of our own element that holds no quotes; for a glance at many frames.
    pub fn param(&self, name: &str) -> Option<&str> {
        let text = self.text();
        let from = text.find(&format!(" {name}=\""))? + name.len() + 3;
        text[from..].split('"').next()
    }

    pub fn seq(&self) -> u64 {
        self.param("seq").unwrap().parse().unwrap()
    }

    pub fn prev(&self) -> u64 {
        self.param("prev").unwrap().parse().unwrap()
    }
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, heard: &Arc<Heard>) {
    loop {
        let (socket, _) = listener.accept().unwrap();
        if heard.away.load(Ordering::SeqCst) {
            return;
        }
        let connection = heard.connections.fetch_add(1, Ordering::SeqCst);
        heard.sockets.lock().unwrap().push(socket.try_clone().unwrap());
        let (config, heard) = (Arc::clone(config), Arc::clone(heard));
        std::thread::spawn(move || {
            let connection_of = ServerConnection::new(config).unwrap();
            let session = Session { connection: connection_of, socket, received: Vec::new() };
            // A connection that breaks off is what the tests are about.
            let _ = hear(session, connection, &heard);
        });
    }
}

/// Reads frames to the client's close and answers it.
fn hear(mut session: Session, connection: usize, heard: &Heard) -> io::Result<()> {
    session.handshake()?;
    loop {
        let before = session.received.len();
        let ended = session.read_bytes(before + 1);
        let closed = session.received.len() == before;
        let mut frames = Vec::new();
        let fault = cut(&mut session.received, connection, &mut frames);
        heard.frames.lock().unwrap().append(&mut frames);
        heard.faults.lock().unwrap().extend(fault);
        ended?;
        if closed {
            if !session.received.is_empty() {
                heard.faults.lock().unwrap().push("a close in the middle of a frame".to_owned());
            }
            session.close_notify()?;
            return session.fin();
        }
    }
}

/// Takes whole frames off the head of `bytes` (RFC 5425 section 4.3).
fn cut(bytes: &mut Vec<u8>, connection: usize, frames: &mut Vec<Frame>) -> Option<String> {
    let mut done = 0;
    let fault = loop {
        let rest = &bytes[done..];
        let Some(blank) = memchr::memchr(b' ', rest) else { break None };
        let length = std::str::from_utf8(&rest[..blank]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some(length) = length.filter(|_| rest[0] != b'0') else {
            break Some(format!("no length: {:?}", String::from_utf8_lossy(&rest[..blank.min(40)])));
        };
        let Some(frame) = rest.get(blank + 1..blank + 1 + length) else { break None };
        frames.push(Frame { connection, bytes: frame.to_vec() });
        done += blank + 1 + length;
    };
    bytes.drain(..if fault.is_some() { bytes.len() } else { done });
    fault
}
