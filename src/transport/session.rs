//! The TLS side of a link: rustls, driven by hand, one record at a time.

use super::records::Inbox;
use crate::net::inspect::Certificate;
use crate::net::key_update::{self, KeyUpdate};
use crate::net::{self, NetError, path};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Error, ProtocolVersion};
use std::io::Read;
use std::sync::Arc;

/// TLS over somebody else's socket.
pub(super) struct Session {
    pub(super) connection: ClientConnection,
    inbox: Inbox,
    /// KeyUpdates of the peer so far.
    pub(super) key_updates: KeyUpdates,
    /// What the peer was verified by.
    pub(super) path: Vec<Certificate>,
    /// Whether we have a client certificate, to tell "wants one" from "refused ours".
    identified: bool,
}

impl Session {
    pub(super) fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Session, NetError> {
        let identified = config.client_auth_cert_resolver.has_certs();
        let mut connection =
            ClientConnection::new(config, name).map_err(|source| NetError::Tls { source })?;
        connection.set_buffer_limit(Some(OUTBOX_BYTES_MAX));
        let (inbox, key_updates) = (Inbox::new(), KeyUpdates::default());
        Ok(Session { connection, inbox, key_updates, path: Vec::new(), identified })
    }

    /// Protocol version and cipher suite.
    pub(super) fn about(&self) -> String {
        let version = match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLS",
        };
        let suite = self.connection.negotiated_cipher_suite();
        suite.map_or(version.to_owned(), |suite| format!("{version} {:?}", suite.suite()))
    }

    /// Where the next bytes from the socket go.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.inbox.room()
    }

    /// What an error of `take` means to an admin.
    pub(super) fn explain(&self, error: Error) -> NetError {
        net::tls::explain(error, self.identified)
    }

    /// Looks at the `count` bytes that were read into the inbox; whether the peer's close_notify was among them. What
    /// the peer says goes to `plain`, of which a syslog server has no business to say anything.
    pub(super) fn take(&mut self, count: usize, plain: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        self.inbox.filled(count);
        while let Some(record) = self.inbox.next() {
            let in_handshake = self.connection.is_handshaking();
            let tickets = self.connection.tls13_tickets_received();
            let closed = feed(&mut self.connection, record, plain)?;
            if in_handshake && let Some(path) = path::take() {
                self.path = path;
            }
            let is_else = in_handshake || closed || tickets != self.connection.tls13_tickets_received();
            match key_update::take() {
                KeyUpdate::Given if !is_else => {
                    self.key_updates.given += 1;
                    let connection = &mut self.connection;
                    key_update::with_blank(|blank| feed(connection, blank, &mut |_| {}))?;
                }
                KeyUpdate::Other if !in_handshake => self.key_updates.other += 1,
                _ => {}
            }
            if closed {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The KeyUpdates of a peer (RFC 8446 section 4.6.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUpdates {
    /// Records that were one and asked for nothing in return: the only form that an answer has.
    pub given: u64,
    /// New keys of the peer in any other form. They answer nothing.
    pub other: u64,
}

/// Hands one record to rustls and what was in it to `plain`; whether it was the peer's close_notify.
fn feed(
    connection: &mut ClientConnection,
    mut record: &[u8],
    plain: &mut dyn FnMut(&[u8]),
) -> Result<bool, Error> {
    while !record.is_empty() {
        // Memory is all that is read and written here: an error can only be a full buffer, which is emptied below.
        let taken = connection.read_tls(&mut record).unwrap_or(0);
        let state = connection.process_new_packets()?;
        let mut left = state.plaintext_bytes_to_read();
        let mut scratch = [0; 4096];
        while left > 0 {
            let count = connection.reader().read(&mut scratch).unwrap_or(0);
            plain(&scratch[..count]);
            left -= if count == 0 { left } else { count };
        }
        if state.peer_has_closed() {
            return Ok(true);
        }
        if taken == 0 {
            break;
        }
    }
    Ok(false)
}

/// Bytes that rustls encrypts ahead of the socket: eight records, one call of `writev`.
const OUTBOX_BYTES_MAX: usize = 128 << 10;
