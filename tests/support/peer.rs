//! A server on a thread of its own that does what a test tells it to: real TLS, one connection.

use super::certs::{Ca, Identity};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A server that waits for its one connection.
pub struct Peer<T> {
    pub port: u16,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Peer<T> {
    /// Accepts one connection and lets `act` have it.
    pub fn start(act: impl FnOnce(TcpStream) -> T + Send + 'static) -> Peer<T> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            // A test that went wrong ends with an error instead of hanging.
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            act(socket)
        });
        Peer { port, thread }
    }

    /// The same with TLS around it.
    pub fn start_tls(config: ServerConfig, act: impl FnOnce(Session) -> T + Send + 'static) -> Peer<T> {
        Peer::start(move |socket| {
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            act(Session { connection, socket, received: Vec::new() })
        })
    }

    /// What `act` gave back.
    pub fn end(self) -> T {
        self.thread.join().unwrap()
    }
}

/// The server's side of a TLS connection.
pub struct Session {
    pub connection: ServerConnection,
    pub socket: TcpStream,
    /// All application data so far.
    pub received: Vec<u8>,
}

impl Session {
    pub fn handshake(&mut self) -> io::Result<()> {
        while self.connection.is_handshaking() {
            self.connection.complete_io(&mut self.socket)?;
        }
        self.flush()
    }

    /// Reads to the client's close_notify; an error when there is none.
    pub fn read_to_close_notify(&mut self) -> io::Result<()> {
        self.read_while(|_| true)
    }

    /// Reads until at least so many bytes of application data have come.
    pub fn read_bytes(&mut self, bytes: usize) -> io::Result<()> {
        self.read_while(|received| received.len() < bytes)
    }

    /// Reads for as long as more is wanted and the client has not sent its close_notify.
    fn read_while(&mut self, more: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        self.handshake()?;
        // The end of the handshake may have brought data along.
        while self.take()? && more(&self.received) {
            if self.connection.read_tls(&mut self.socket)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Takes what has come; `false` after the client's close_notify.
    fn take(&mut self) -> io::Result<bool> {
        let state = self.connection.process_new_packets().map_err(io::Error::other)?;
        let mut bytes = vec![0; state.plaintext_bytes_to_read()];
        self.connection.reader().read_exact(&mut bytes)?;
        self.received.append(&mut bytes);
        Ok(!state.peer_has_closed())
    }

    pub fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.connection.writer().write_all(bytes)?;
        self.flush()
    }

    /// Sends close_notify; the connection stays half open.
    pub fn close_notify(&mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.flush()
    }

    pub fn fin(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// Reads and throws away what comes, without looking at it.
    pub fn discard_to_end(&mut self) -> io::Result<u64> {
        io::copy(&mut self.socket, &mut io::sink())
    }

    /// Ends the connection with a reset.
    pub fn reset(self) -> Vec<u8> {
        reset(&self.socket);
        self.received
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

/// The connection ends with a reset as soon as the socket is dropped.
pub fn reset(socket: &TcpStream) {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
}

/// A config that shows `identity` and, with a CA, demands a client certificate signed by it.
pub fn config(
    identity: &Identity,
    clients: Option<&Ca>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.certificate()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(identity.chain(), identity.key()).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(60);
