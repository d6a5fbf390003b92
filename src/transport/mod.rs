//! Frames reach a server, with evidence. One protocol, one file, one row of `TRANSPORTS`.

mod settings;

pub use settings::{Framing, Settings};

use std::time::Duration;

/// One transport.
pub struct Transport {
    /// Its name in the config.
    pub name: &'static str,
    /// One line about it, for help and docs.
    pub about: &'static str,
    /// Port when the address names none.
    pub default_port: u16,
    /// Whether the peer is verified and the bytes are encrypted.
    pub secure: bool,
}

/// All transports.
pub const TRANSPORTS: &[Transport] = &[];

/// What was seen while a link was closed as a barrier; `forward` judges it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The peer's close_notify or FIN was already there when we were about to send ours.
    pub closed_before_ours: bool,
    /// From our close_notify to the peer's.
    pub close_notify_after: Option<Duration>,
    /// From our close to the peer's FIN.
    pub fin_after: Option<Duration>,
    /// The connection ended with a reset or a fatal alert.
    pub broken: Option<String>,
    /// Bytes that the peer's kernel had not acknowledged at the end (SIOCOUTQ).
    pub unacknowledged: Option<u32>,
    /// Smallest round trip of the connection (tcpi_min_rtt).
    pub min_rtt: Option<Duration>,
}
