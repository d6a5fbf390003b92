//! Frames reach a server, with evidence. One protocol, one file, one row of `TRANSPORTS`.
//!
//! ```text
//! framing   where a frame ends: octet counting or line feed
//! records   where a TLS record ends
//! session   TLS, driven by hand: the peer's bytes are looked at one record at a time
//! link      one connection: connect, send, notice its end
//! relp      the RELP session of a connection: commands out, acknowledgements in
//! acknowledged   the RELP session over a link
//! probe     one connection is asked for a KeyUpdate while it stays up
//! barrier   one connection is closed, and what the peer answered is written down
//! ```
//!
//! Invariant: no byte of a frame leaves before the peer is verified.
//! Invariant: every wait has a limit, and what the peer sends is read; but for acknowledgements it is thrown away.
//! Not here: what counts as delivered (`forward` judges `Observed` and `KeyUpdates`) and whom to trust (`net`).

mod acknowledged;
mod barrier;
mod error;
pub mod framing;
mod link;
mod probe;
mod records;
mod relp;
mod said;
mod session;
mod settings;
pub(crate) mod still;
mod tcp;
mod tls;

pub use error::LinkError;
pub use link::Link;
pub use relp::{DATA_BYTES_MAX as RELP_DATA_BYTES_MAX, RelpError};
pub use session::KeyUpdates;
pub use settings::{Framing, Protocol, Settings};

pub use crate::net::inspect::Certificate;
pub use crate::net::tls::{Prepared, Trust};

use crate::net;
use std::time::Duration;

/// One transport.
#[derive(Debug)]
pub struct Transport {
    /// Its name in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Port when the address names none.
    pub default_port: u16,
    /// Whether the peer is verified and the bytes are encrypted.
    pub secure: bool,
    /// What is spoken over the connection.
    pub protocol: Protocol,
}

impl Transport {
    /// The name of the transport that speaks the same and is verified and encrypted.
    pub fn secured(&self) -> &'static str {
        let same = |other: &&Transport| other.secure && other.protocol == self.protocol;
        TRANSPORTS.iter().find(same).map_or(self.name, |transport| transport.name)
    }
}

/// All transports.
pub const TRANSPORTS: &[Transport] = &[tls::ROW, tcp::ROW, relp::TLS_ROW, relp::ROW];

/// Reads the TLS files of a destination and makes a config from them; none for plain TCP. Blocks on the disk.
///
/// To be called for every connection, so that replaced certificates, keys and CAs are seen.
pub fn prepare(settings: &Settings) -> Result<Option<Prepared>, LinkError> {
    let tls = settings.net.tls.as_ref().map(net::tls::prepare).transpose();
    tls.map_err(LinkError::from)
}

/// Reads whom to trust, also where the rest of the files cannot be used; none for plain TCP. Blocks on the disk.
pub fn trust(settings: &Settings) -> Option<Trust> {
    settings.net.tls.as_ref().and_then(|tls| Trust::read(tls).ok())
}

/// A set of TLS files, to tell it from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Over what all of them hold; none without TLS.
    pub hash: Option<[u8; 32]>,
    /// The fingerprint of our own certificate.
    pub own: Option<String>,
}

/// Which TLS files there are now. Blocks on the disk.
pub fn files(settings: &Settings) -> Files {
    let tls = settings.net.tls.as_ref();
    let own = tls.and_then(net::tls::own_fingerprint).map(|pin| pin.to_string());
    Files { hash: tls.map(net::tls::files_hash), own }
}

/// Our own certificate and those that we show behind it; none when they cannot be used. Blocks on the disk.
pub fn own(settings: &Settings) -> Vec<Certificate> {
    let tls = settings.net.tls.as_ref();
    tls.and_then(|tls| net::inspect::chain(tls).ok()).unwrap_or_default()
}

/// What was seen while a link was closed as a barrier; `forward` judges it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The peer's close_notify or FIN was already there when we were about to send ours.
    pub closed_before_ours: bool,
    /// From our close_notify to the peer's.
    pub close_notify_after: Option<Duration>,
    /// From our close to the peer's FIN.
    pub fin_after: Option<Duration>,
    /// The connection ended with a reset or a fatal alert, or in the middle of a send.
    pub broken: Option<String>,
    /// It did so without a word: nothing says why.
    pub is_wordless: bool,
    /// What the peer has said where a syslog server says nothing.
    pub said: Option<String>,
    /// Bytes that the peer's kernel had not acknowledged when its close was heard, our FIN as one of them (SIOCOUTQ).
    pub unacknowledged_at_answer: Option<u32>,
    /// The same at the end.
    pub unacknowledged: Option<u32>,
    /// Smallest round trip of the connection (tcpi_min_rtt).
    pub min_rtt: Option<Duration>,
    /// Those of the whole link.
    pub key_updates: KeyUpdates,
    /// What the kernel says is about a proxy on the way, not about the peer.
    pub proxied: bool,
    /// Messages without acknowledgement at the end; `None` for a link that has no acknowledgements.
    pub unanswered: Option<usize>,
    /// Messages with acknowledgement, from the first on.
    pub confirmed: u64,
}
