//! One connection to a server: it is made, it carries bytes, and its end is noticed.

use super::relp::Relp;
use super::said::Said;
use super::session::Session;
use super::{Framing, LinkError, Protocol, Settings, Trust};
use crate::net::{self, NetError, inspect};
use rustls::ClientConfig;
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// A connection that is up. Dropping it closes it without evidence; `barrier` closes it with evidence.
pub struct Link {
    pub(super) socket: TcpStream,
    /// None for plain TCP.
    pub(super) session: Option<Session>,
    /// None when nothing acknowledges a message.
    pub(super) relp: Option<Relp>,
    pub(super) framing: Framing,
    peer: SocketAddr,
    /// The kernel talks to a proxy.
    is_proxied: bool,
    pub(super) send_timeout: Duration,
    /// What the peer says where nothing is to be said.
    said: Said,
    /// What ended the link while something else was told first.
    pub(super) failed: Option<LinkError>,
    /// The peer's close_notify or FIN has been read.
    pub(super) peer_closed: bool,
    /// A send has begun and not come to its end.
    pub(super) sending: bool,
}

/// What one read of the socket gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// There is nothing to read.
    Nothing,
    /// Something that does not end the link; it was taken.
    Noise,
    /// The peer's close_notify (RFC 8446 section 6.1), or its word that it closes the RELP session.
    CloseNotify,
    /// The end of the peer's bytes.
    Fin,
}

/// How the socket is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Only when tokio knows of something.
    Tokio,
    /// The kernel itself, for what tokio has not heard of yet.
    Kernel,
}

impl Link {
    /// Connects to the first address of the host that takes us, and for TLS completes the handshake: nothing but the
    /// handshake is sent before the peer is verified.
    ///
    /// `tls` is what `net::tls::client_config` made of the same settings just before.
    pub async fn connect(settings: &Settings, tls: Option<Arc<ClientConfig>>) -> Result<Link, LinkError> {
        if settings.net.tls.is_some() != tls.is_some() {
            return Err(LinkError::Unprepared);
        }
        let mut last = LinkError::Unprepared;
        for address in net::resolve(&settings.net).await? {
            match Link::connect_to(address, settings, tls.clone()).await {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(
        address: SocketAddr,
        settings: &Settings,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Link, LinkError> {
        let session = match (&settings.net.tls, tls) {
            (Some(names), Some(config)) => Some(Session::new(config, net::tls::server_name(names)?)?),
            _ => None,
        };
        let socket = net::connect_to(address, &settings.net).await?;
        let peer = socket.peer_addr().map_err(|source| LinkError::Broken { source })?;
        let mut link = Link {
            socket,
            session,
            relp: None,
            framing: settings.framing,
            peer,
            is_proxied: settings.net.proxy.is_some(),
            send_timeout: settings.net.send_timeout,
            said: Said::default(),
            failed: None,
            peer_closed: false,
            sending: false,
        };
        let (limit, host) = (settings.net.connect_timeout, &settings.net.host);
        let done = timeout(limit, link.handshake()).await;
        done.map_err(|_| NetError::HandshakeTimeout { peer: host.clone(), limit })??;
        if settings.protocol == Protocol::Relp {
            link.open_relp(host, limit).await?;
        }
        Ok(link)
    }

    /// Protocol version and cipher suite, for status; with RELP what the server calls itself.
    pub fn about(&self) -> String {
        let carrier = self.session.as_ref().map_or_else(|| "plain TCP".to_owned(), Session::about);
        match &self.relp {
            Some(relp) if !relp.software().is_empty() => format!("{carrier}, RELP with {}", relp.software()),
            Some(_) => format!("{carrier}, RELP"),
            None => carrier,
        }
    }

    /// Who is at the other end of the TCP connection: the peer, or the proxy before it.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// Whether that is a proxy: what its kernel says is not said by the peer.
    pub fn is_proxied(&self) -> bool {
        self.is_proxied
    }

    /// What the peer has said, if it has where a syslog server says nothing, and what that may mean.
    pub fn said(&self) -> Option<String> {
        self.said.tell(self.session.is_some())
    }

    /// The certificates that the peer was verified by, its own first; none for plain TCP.
    pub fn peer_certificates(&self) -> &[inspect::Certificate] {
        self.session.as_ref().map_or(&[], |session| &session.path)
    }

    /// An error when those who are trusted now revoke the peer.
    pub fn heed(&self, now: &Trust) -> Result<(), LinkError> {
        let shown = self.session.as_ref().and_then(|session| session.connection.peer_certificates());
        if now.revokes(shown.unwrap_or_default()) { Err(NetError::Revoked.into()) } else { Ok(()) }
    }

    /// Writes all bytes, which are whole frames, and reads what the peer says meanwhile.
    ///
    /// Fails as soon as the peer is known to have closed, reset or refused, or took nothing for `send-timeout`.
    /// After a failure, or when dropped half-way, the link is of no use: drop it.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        // A socket that always has room would never let tokio look for news from the peer.
        tokio::task::yield_now().await;
        self.sending = true;
        let (mut rest, mut deadline) = (bytes, Instant::now() + self.send_timeout);
        loop {
            self.listen(Ask::Tokio)?;
            if self.write(&mut rest)? {
                deadline = Instant::now() + self.send_timeout;
            }
            if rest.is_empty() && !self.wants_write() {
                self.sending = false;
                return Ok(());
            }
            let ready =
                timeout_at(deadline, self.socket.ready(Interest::READABLE | Interest::WRITABLE)).await;
            if ready.is_err() || Instant::now() >= deadline {
                return Err(LinkError::Stalled { limit: self.send_timeout });
            }
        }
    }

    /// Waits for the end of the link and says what it was. May be dropped and called again at any time.
    pub async fn closed(&mut self) -> LinkError {
        loop {
            if let Err(error) = self.news().await {
                return error;
            }
        }
    }

    /// Waits until the peer acknowledges more or gives new keys; fails at the end of the link. May be dropped and called
    /// again at any time.
    pub async fn news(&mut self) -> Result<(), LinkError> {
        let before = (self.confirmed(), self.key_updates());
        loop {
            let heard = self.listen(Ask::Tokio);
            // What was said before the end counts before the end does.
            if (self.confirmed(), self.key_updates()) != before {
                self.failed = heard.err();
                return Ok(());
            }
            if !heard? {
                tokio::task::yield_now().await;
            }
            self.socket.readable().await.map_err(|source| LinkError::Broken { source })?;
        }
    }

    async fn handshake(&mut self) -> Result<(), LinkError> {
        loop {
            if let Err(error) = self.write(&mut &[][..]) {
                return Err(in_handshake(error));
            }
            let Some(session) = &self.session else { return Ok(()) };
            let wants_write = session.connection.wants_write();
            if !session.connection.is_handshaking() && !wants_write {
                return Ok(());
            }
            match self.hear(Ask::Tokio) {
                Ok(Heard::Noise) => {}
                Ok(Heard::Nothing) => {
                    let more = if wants_write { Interest::WRITABLE } else { Interest::READABLE };
                    let ready = self.socket.ready(Interest::READABLE | more).await;
                    ready.map_err(|source| in_handshake(LinkError::Broken { source }))?;
                }
                Ok(Heard::CloseNotify | Heard::Fin) => return Err(NetError::HandshakeClosed.into()),
                Err(error) => return Err(in_handshake(error)),
            }
        }
    }

    /// Reads what is there, answers or nothing of interest; `false` when a peer that talks without end still has more.
    pub(super) fn listen(&mut self, ask: Ask) -> Result<bool, LinkError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        for _ in 0..READS_AT_ONCE_MAX {
            self.dialogue()?;
            if self.peer_closed {
                return Err(LinkError::Closed);
            }
            if self.hear(ask)? == Heard::Nothing {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the socket once.
    pub(super) fn hear(&mut self, ask: Ask) -> Result<Heard, LinkError> {
        let mut scratch = [0; 4096];
        let room = match &mut self.session {
            Some(session) if !self.peer_closed => session.room(),
            _ => &mut scratch[..],
        };
        let read = match ask {
            Ask::Tokio => self.socket.try_read(room),
            Ask::Kernel => (&*SockRef::from(&self.socket)).read(room),
        };
        let count = match read {
            Ok(0) => {
                self.peer_closed = true;
                return Ok(Heard::Fin);
            }
            Ok(count) => count,
            Err(error) if is_later(&error) => return Ok(Heard::Nothing),
            Err(source) => return Err(self.broken(source)),
        };
        if self.relp.is_some() {
            // A server that answers in small pieces sends the next when it knows that the last has come (RFC 896), and our
            // kernel waits 40 ms to say so, unless it is told to each time (tcp(7)).
            let _slow_without = SockRef::from(&self.socket).set_tcp_quickack(true);
        }
        let (relp, said) = (&mut self.relp, &mut self.said);
        let mut answers = |plain: &[u8]| match relp {
            Some(relp) => {
                // `dialogue` tells.
                let _failed = relp.take(plain);
            }
            None => said.take(plain),
        };
        match &mut self.session {
            Some(session) if !self.peer_closed => match session.take(count, &mut answers) {
                Ok(closed) => self.peer_closed = closed,
                Err(error) => {
                    // The alert that tells the peer why; it may no longer want to know.
                    let _ = session.connection.write_tls(&mut TryWrite(&self.socket));
                    return Err(session.explain(error).into());
                }
            },
            Some(_) => {}
            None => answers(&scratch[..count]),
        }
        self.peer_closed |= self.relp.as_ref().is_some_and(Relp::is_closed);
        self.dialogue()?;
        Ok(if self.peer_closed { Heard::CloseNotify } else { Heard::Noise })
    }

    /// Hands as much of `rest` to TLS and the kernel as they take; whether the kernel took anything.
    pub(super) fn write(&mut self, rest: &mut &[u8]) -> Result<bool, LinkError> {
        let mut progress = false;
        loop {
            let socket = &mut TryWrite(&self.socket);
            let written = match &mut self.session {
                Some(session) => {
                    if !rest.is_empty() {
                        let taken = session.connection.writer().write(rest);
                        *rest = taken.map_or(*rest, |taken| &rest[taken..]);
                    }
                    if session.connection.wants_write() {
                        session.connection.write_tls(socket)
                    } else {
                        break;
                    }
                }
                None if rest.is_empty() => break,
                None => socket.write(rest).inspect(|&count| *rest = &rest[count..]),
            };
            match written {
                Ok(_) => progress = true,
                Err(error) if is_later(&error) => break,
                Err(source) => return Err(self.last_words(source)),
            }
        }
        Ok(progress)
    }

    pub(super) fn wants_write(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.connection.wants_write())
    }

    /// A write failed; what the peer said before may tell why: an alert comes before a reset.
    fn last_words(&mut self, source: io::Error) -> LinkError {
        match self.listen(Ask::Kernel) {
            Err(LinkError::Net(error)) => error.into(),
            Err(LinkError::Closed) => LinkError::Closed,
            _ => self.broken(source),
        }
    }

    /// TCP_USER_TIMEOUT and our own clock say the same thing.
    fn broken(&self, source: io::Error) -> LinkError {
        match source.kind() {
            io::ErrorKind::TimedOut => LinkError::Stalled { limit: self.send_timeout },
            _ => LinkError::Broken { source },
        }
    }
}

/// A link that breaks before it is up.
fn in_handshake(error: LinkError) -> LinkError {
    match error {
        LinkError::Closed => NetError::HandshakeClosed.into(),
        LinkError::Broken { source } => NetError::Handshake { source }.into(),
        error => error,
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// The socket as rustls wants to see it: writes what there is room for.
struct TryWrite<'a>(&'a TcpStream);

impl Write for TryWrite<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads in a row before others get their turn.
const READS_AT_ONCE_MAX: usize = 64;
