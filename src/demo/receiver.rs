//! The syslog server of the demo: TLS on loopback, octet counting, a client certificate of our CA or nothing.
//!
//! It can go away in the middle and come back. While it is away its port stays reserved: whoever connects is
//! refused, and nobody else can take it.

use super::DemoError;
use super::certificates::{Authority, Identity};
use super::frame::{Frame, Unframed, Unframer};
use crate::net::inspect::Certificate;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver as Channel, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the server has to tell.
pub(super) enum Received {
    /// Somebody has connected: protocol version and name in the certificate.
    Connected(String),
    /// A message that could be read.
    Frame(Box<Frame>),
    /// Something that no client of a syslog server may send.
    Fault(String),
}

/// The server.
pub(super) struct Receiver {
    pub port: u16,
    config: Arc<ServerConfig>,
    sender: Sender<Received>,
    state: State,
}

/// Whether it is there.
enum State {
    Open { closing: Arc<AtomicBool>, thread: JoinHandle<()> },
    Away(Socket),
    Gone,
}

impl Receiver {
    /// Opens a port; what arrives comes through the channel.
    pub(super) fn open(
        authority: &Authority,
        identity: &Identity,
    ) -> Result<(Receiver, Channel<Received>), DemoError> {
        let config = config(authority, identity).map_err(|source| DemoError::Tls { source })?;
        let (sender, channel) = mpsc::channel();
        let reserved = reserve(0).map_err(DemoError::Port)?;
        let port =
            reserved.local_addr().map_err(DemoError::Port)?.as_socket().map_or(0, |address| address.port());
        let mut receiver = Receiver { port, config: Arc::new(config), sender, state: State::Away(reserved) };
        receiver.come_back().map_err(DemoError::Port)?;
        Ok((receiver, channel))
    }

    /// Breaks every connection and refuses new ones.
    pub(super) fn go_away(&mut self) -> io::Result<()> {
        self.close();
        self.state = State::Away(reserve(self.port)?);
        Ok(())
    }

    /// Accepts connections again.
    pub(super) fn come_back(&mut self) -> io::Result<()> {
        let State::Away(socket) = std::mem::replace(&mut self.state, State::Gone) else { return Ok(()) };
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let closing = Arc::new(AtomicBool::new(false));
        let (config, sender, until) = (Arc::clone(&self.config), self.sender.clone(), Arc::clone(&closing));
        let listener = TcpListener::from(socket);
        let thread = thread::Builder::new().name("otrail-siem".into());
        let thread = thread.spawn(move || accept(&listener, &config, &sender, &until))?;
        self.state = State::Open { closing, thread };
        Ok(())
    }

    fn close(&mut self) {
        if let State::Open { closing, thread } = std::mem::replace(&mut self.state, State::Gone) {
            closing.store(true, Ordering::Relaxed);
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.close();
    }
}

/// A socket that has the port but does not listen.
fn reserve(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

fn config(
    authority: &Authority,
    identity: &Identity,
) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes())?)?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_client_cert_verifier(clients).with_single_cert(vec![certificate], key)?)
}

/// Serves until it is told to close; then every connection ends with a reset.
fn accept(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
    sender: &Sender<Received>,
    closing: &AtomicBool,
) {
    let mut open: Vec<(TcpStream, JoinHandle<()>)> = Vec::new();
    while !closing.load(Ordering::Relaxed) {
        open.retain(|(_, thread)| !thread.is_finished());
        match listener.accept() {
            Ok((socket, _)) if open.len() < CONNECTIONS_MAX => open.extend(start(socket, config, sender)),
            _ => thread::sleep(ACCEPT_EVERY),
        }
    }
    for (socket, thread) in open {
        // It may have ended by itself.
        let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        let _ = socket.shutdown(Shutdown::Both);
        let _ = thread.join();
    }
}

/// A connection that cannot be served is closed.
fn start(
    socket: TcpStream,
    config: &Arc<ServerConfig>,
    sender: &Sender<Received>,
) -> Option<(TcpStream, JoinHandle<()>)> {
    socket.set_nonblocking(false).ok()?;
    let (handle, config, sender) = (socket.try_clone().ok()?, Arc::clone(config), sender.clone());
    let thread = thread::Builder::new().name("otrail-siem-conn".into());
    let thread = thread.spawn(move || {
        // A broken connection is part of the play: the client sends again what it has no evidence for.
        let _ = serve(&socket, config, &sender);
    });
    Some((handle, thread.ok()?))
}

/// Reads frames until the client says goodbye, and says goodbye, too (RFC 5425 section 4.4).
fn serve(mut socket: &TcpStream, config: Arc<ServerConfig>, sender: &Sender<Received>) -> io::Result<()> {
    let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut unframer = Unframer::default();
    let mut greeted = false;
    while connection.read_tls(&mut socket)? > 0 {
        let state = connection.process_new_packets();
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                flush(&mut connection, socket)?;
                return Err(io::Error::other(error));
            }
        };
        if !greeted && !connection.is_handshaking() {
            greeted = true;
            let _ = sender.send(Received::Connected(about(&connection)));
        }
        let mut bytes = vec![0; state.plaintext_bytes_to_read()];
        connection.reader().read_exact(&mut bytes)?;
        unframer.push(&bytes);
        if !hand_on(&mut unframer, sender) {
            return Ok(());
        }
        if state.peer_has_closed() {
            connection.send_close_notify();
            return flush(&mut connection, socket);
        }
        flush(&mut connection, socket)?;
    }
    Ok(())
}

/// Hands every whole message on; false when the rest of the stream cannot be read.
fn hand_on(unframer: &mut Unframer, sender: &Sender<Received>) -> bool {
    loop {
        let received = match unframer.next() {
            Ok(None) => return true,
            Ok(Some(message)) => match Frame::parse(&message) {
                Some(frame) => Received::Frame(Box::new(frame)),
                None => Received::Fault(format!("no RFC 5424: {}", String::from_utf8_lossy(&message))),
            },
            Err(Unframed) => Received::Fault("a stream that is not octet counting".to_owned()),
        };
        let fault = matches!(received, Received::Fault(_));
        // Nobody listens any more when the demo ends.
        if sender.send(received).is_err() || fault {
            return false;
        }
    }
}

fn flush(connection: &mut ServerConnection, mut socket: &TcpStream) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(&mut socket)?;
    }
    socket.flush()
}

fn about(connection: &ServerConnection) -> String {
    let version = connection.protocol_version().map_or("TLS".to_owned(), |version| format!("{version:?}"));
    let client = connection.peer_certificates().and_then(|chain| chain.first());
    let client = client.and_then(|certificate| Certificate::parse(certificate));
    let subject = client.map_or("nobody".to_owned(), |certificate| certificate.subject);
    format!("{} with client certificate {subject}", version.replace('_', "."))
}

const BACKLOG: i32 = 16;
const CONNECTIONS_MAX: usize = 16;
const ACCEPT_EVERY: Duration = Duration::from_millis(5);
